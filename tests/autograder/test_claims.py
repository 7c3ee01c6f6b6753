"""A text whose prose contradicts its cells, course.toml or the hints is refused."""

import re

import pytest

from autograder.text import rules

pytestmark = pytest.mark.unit

EXERCISE = '# %% solution="counting-double"'
INTRO = "# Read this, and don't change it."
TITLE = "# This takes 30 minutes."
WHY = "# Why is it twice?"
VISIBLE = "assert double(2) == 4\n"


def found(small_course) -> list[str]:
    return [str(v) for v in rules.check(small_course.load(), {"04_counting": small_course.text})]


def stated(words: str) -> tuple[str, str]:
    return EXERCISE, f"# %% [markdown]\n# {words}\n\n{EXERCISE}"


AGREES = {
    "points in the title": (TITLE, "# 30 minutes, 5 points."),
    "points of an exercise": stated("**Exercise (3 points).** Write `double`."),
    "in words": stated("**Exercise (three points).** Write `double`."),
    "of an answer": (WHY, "# **Why?** (2 points) Why is it twice?"),
    "of both": stated("**Exercises (5 points).** Write `double`, and say why."),
    "other points": stated("**A figure.** It is 0.7 points less accurate (4 points in the plane)."),
    "each": stated("**Exercise.** There are three bands, worth 1 point each."),
    "a threshold": (INTRO, "# The accuracy must reach 0.5 offline and at least 75% quick."),
    "no threshold": (INTRO, "# The accuracy of the report is 0.41, at most."),
    "hints that come along": (
        '# %% [markdown] answer="counting-why"',
        "# %%\nhints.show(\"counting-double-check\", steps=['a', 'b', 'c'])\n\n"
        '# %% [markdown] answer="counting-why"',
    ),
    "a table": (
        INTRO,
        "# The bands of accuracy:\n#\n# | band | *offline* | *quick* |\n# |---|---|---|\n"
        "# | 1 | 0.50 | 0.75 |",
    ),
}


@pytest.mark.parametrize("case", AGREES)
def test_prose_that_agrees_breaks_no_rule(small_course, case):
    small_course.edit(*AGREES[case])
    assert found(small_course) == []


DIFFERS = {
    "title": (TITLE, "# 30 minutes, 6 points.", "cell 1: it says 6 points, and .* 5: change"),
    "heading": ("# # Counting", "# # Counting (4 points)", "cell 1: it says 4 points"),
    "in words": (TITLE, "# 30 minutes, ten points in all.", "cell 1: it says ten points"),
    "exercise": (*stated("**Exercise (5.5 points).** Write."), "cell 3: it says 5.5 points, and"),
    "exercise in brackets": (*stated("### Exercise 1 [2 points]"), "cell 3: .*worth"),
    "exercise with a dash": (*stated("### Exercise 1 – 2 pts"), "cell 3: it says 2 points"),
    "exercise, worth": (*stated("This exercise is worth one point."), "cell 3: it says 1 point,"),
    "answer": (WHY, "# **Why?** (3 points)", r'cell 5 \(answer "counting-why"\): it says 3'),
    "docstring": ('"""Twice a number', '"""Exercise (4 points): twice', "cell 3 .*it says 4"),
    "nothing follows": (
        "# ### END SOLUTION\n",
        "# ### END SOLUTION\n\n# %% [markdown]\n# **Exercise (2 points).** More.\n",
        "cell 6: it says 2 points, and no graded cell follows",
    ),
    "accuracy": (INTRO, "# The accuracy must reach 0.40.", "cell 2 .*asks for 0.40, and .*0.5 or"),
    "percent": (INTRO, "# At least 45% of held-out images.", "cell 2 .*asks for 45%"),
    "another profile's": (
        INTRO,
        "# The threshold of the accuracy is 0.75 under *offline*.",
        "cell 2 .*asks for 0.75 for offline, and .* 0.5: change",
    ),
    "a table": (
        INTRO,
        "# The bands of accuracy:\n#\n# | band | *offline* | *quick* |\n# |---|---|---|\n"
        "# | 1 | 0.50 | 0.70 |",
        "cell 2 .*asks for 0.70 for quick, and .* 0.75",
    ),
    "no hints": (
        '# %% [markdown] answer="counting-why"',
        '# %%\nhints.show("counting-duble")\n\n# %% [markdown] answer="counting-why"',
        'cell 5: there are no hints for "counting-duble"',
    ),
    "another text's hints": (
        '# %% [markdown] answer="counting-why"',
        '# %%\nhints.show(name="net1-train")\n\n# %% [markdown] answer="counting-why"',
        'cell 5: hints.show."net1-train". shows the hints of an exercise of another text',
    ),
}


@pytest.mark.parametrize("case", DIFFERS)
def test_prose_that_contradicts_what_counts_is_refused(small_course, case):
    old, new, words = DIFFERS[case]
    small_course.edit(old, new)
    said = found(small_course)
    assert any(re.search(words, line) for line in said), said
