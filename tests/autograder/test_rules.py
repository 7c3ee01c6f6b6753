"""Every rule for course texts finds its violation, and names file, cell and mend."""

import re

import pytest

from autograder.text import rules

pytestmark = pytest.mark.unit


def found(small_course) -> list[str]:
    return [str(v) for v in rules.check(small_course.load(), {"04_counting": small_course.text})]


def test_a_right_text_breaks_no_rule(small_course):
    assert found(small_course) == []


CHECK = '# %% tests="counting-double-check" points=3'
VISIBLE = "assert double(2) == 4\n"
HIDDEN_IMPORT = "from autograder import submission\n"
CALL = 'submission.call("double", number)'
BODY = "    twice_of_the_number_that_was_given = x + x\n"
BROKEN = {
    "an unknown header word": (CHECK, CHECK + " weight=2", 'cell 4 .*"weight".*use one of'),
    "a header without quotes": (
        CHECK,
        CHECK.replace('"', ""),
        "cell 4: the header cannot be read",
    ),
    "two roles": (CHECK, CHECK + ' locked="a"', "cell 4 .*tests and locked: keep one"),
    "an id with a space": ('"counting-why"', '"counting why"', "cell 5 .*letters-digits-hyphens"),
    "an id used twice": ('"counting-why"', '"counting-intro"', "cell 5 .*taken by .*cell 2"),
    "a check without points": (CHECK, CHECK.replace(" points=3", ""), "cell 4 .*add points=1"),
    "points of zero": ("points=3", "points=0", "cell 4 .*number above 0"),
    "points as text": ("points=3", 'points="3"', "cell 4 .*number above 0"),
    "points on a plain cell": (
        '[markdown] locked="counting-intro"',
        "[markdown] points=1",
        "cell 2: only tests and answer cells",
    ),
    "a skipped cell": (CHECK, CHECK + ' tags=["skip-execution"]', "cell 4 .*without being run"),
    "a check in markdown": (CHECK, CHECK.replace("%% ", "%% [markdown] "), "cell 4 .*is markdown"),
    "no visible check": (VISIBLE, "# nothing\n", "cell 4 .*students would see no check"),
    "no hidden block": (
        "### BEGIN HIDDEN TESTS\n",
        "",
        "cell 4 .*no ### BEGIN HIDDEN TESTS before",
    ),
    "an open hidden block": ("### END HIDDEN TESTS\n", "", "cell 4 .*is never closed"),
    "a solution without marks": (
        "    ### BEGIN SOLUTION\n" + BODY,
        BODY,
        "cell 3 .*no ### BEGIN SOLUTION before",
    ),
    "nested marks": (BODY, "    ### BEGIN SOLUTION\n" + BODY, "cell 3 .*second ### BEGIN"),
    "a mark with more on its line": (
        "    ### BEGIN SOLUTION\n",
        "    x = 1  ### BEGIN SOLUTION\n",
        "cell 3 .*must stand alone",
    ),
    "an empty written solution": (
        "# Because a sum of two equal numbers is the double of either; "
        "one point for the words equal, sum.\n",
        "",
        "cell 5 .*there is nothing between",
    ),
    "solution marks in a plain cell": (
        '# %% solution="counting-double"',
        "# %%",
        "cell 3: only a cell with solution=",
    ),
    "a solution that is no Python": (BODY, "    x = = 1\n", "cell 3 .*not valid Python"),
    "a stub that is no Python": (
        "    ### BEGIN SOLUTION\n" + BODY,
        "    if x:\n    ### BEGIN SOLUTION\n        pass\n" + BODY,
        "cell 3 .*without its solution, it is not valid Python",
    ),
    "a stub that raises another exception": (
        '    """Twice',
        '    if x < 0:\n        raise ValueError(x)\n    """Twice',
        "cell 3 .*raises ValueError.*move that line into the solution",
    ),
    "a hidden block without its import": (HIDDEN_IMPORT, "", "cell 4 .*lacks the line"),
    "a hidden block with another import": (
        HIDDEN_IMPORT,
        HIDDEN_IMPORT + "import numpy as np\n",
        'cell 4 .*says "import numpy as np"',
    ),
    "a hidden block that uses the notebook": (
        CALL,
        "double(number)",
        r'cell 4 .*the name double.*submission.value\("double"\)',
    ),
    "a hidden block that opens files": (CALL, "open(number)", "cell 4 .*uses open"),
    "a check that leaves a name behind": (
        VISIBLE,
        "largest = double(2)\n" + VISIBLE,
        "cell 4 .*leave largest in the student's notebook",
    ),
    "a check that leaves an import behind": (
        VISIBLE,
        "import math\n" + VISIBLE,
        "cell 4 .*leave math in the student's notebook",
    ),
    "a data set without a name that can be read": (
        VISIBLE,
        VISIBLE + 'data.load("cifar" + str(2 * 5))\n',
        "cell 4 .*name of the data in quotes",
    ),
    "other points than the table": ("points=3", "points=4", "worth 6 points, .*says 5"),
    "other minutes than the table": ("30 minutes", "40 minutes", 'cell 1: say "30 minutes"'),
    "no title": ("# # Counting", "# Counting", "cell 1: begin with"),
    "another Colab address": (
        "# This takes",
        "# https://colab.research.google.com/github/x/y/a.ipynb takes",
        "cell 1: it links to .*build writes the badge",
    ),
    "a form that adopt would not write": (
        "\n# %% [markdown] locked",
        "\n\n\n# %% [markdown] locked",
        r"line \d+: it reads",
    ),
    "a file header": (
        "# %% [markdown]\n# # C",
        "# ---\n# jupyter:\n#   jupytext: {}\n# ---\n\n# %% [markdown]\n# # C",
        "line 1: begin with the first cell",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named_with_file_cell_and_mend(small_course, case):
    old, new, words = BROKEN[case]
    small_course.edit(old, new)
    said = found(small_course)
    assert said, case
    assert all(line.startswith("course/04_counting.py, ") for line in said)
    assert any(re.search(words, line) for line in said), said


def test_a_hidden_block_may_not_use_a_name_of_the_visible_part(small_course):
    small_course.edit(VISIBLE, "answer = 4\n" + VISIBLE)
    small_course.edit("== 2 * number", "== answer * number")
    assert any("the name answer" in line for line in found(small_course))


def test_a_hidden_block_may_define_and_use_names_of_its_own(small_course):
    small_course.edit(
        "for number in",
        "def twice(x, *more, y=2):\n    return [x * y for _ in range(3)][0]\n\n\n"
        "try:\n    table = {k: twice(k) for k in range(3)}\nexcept ValueError as error:\n"
        "    print(error, table)\nfor number in",
    )
    assert found(small_course) == []


def test_all_violations_are_said_at_once(small_course):
    small_course.edit("30 minutes", "40 minutes")
    small_course.edit("points=3", "points=0")
    small_course.edit(CALL, "double(number)")
    assert len(found(small_course)) >= 3


def test_ids_are_unique_over_the_course(small_course):
    texts = {"04_counting": small_course.text, "05_more": small_course.text}
    said = [str(v) for v in rules.check(small_course.load(), texts)]
    taken = [line for line in said if "is taken by course/04_counting.py" in line]
    assert len(taken) == 4
    assert all(line.startswith("course/05_more.py") for line in taken)


def test_a_text_must_be_in_the_table(small_course):
    said = [str(v) for v in rules.check(small_course.load(), {"99_new": small_course.text})]
    assert any("add an [[assignment]]" in line for line in said)


PLAIN = '# %% [markdown] answer="counting-why"'


def test_a_hidden_block_may_not_change_a_name_that_the_notebook_still_needs(small_course):
    small_course.edit(CHECK, "# %%\nnumber = 7\n\n" + CHECK)
    assert found(small_course) == []  # nobody reads it afterwards
    small_course.edit(PLAIN, "# %%\nprint(number)\n\n" + PLAIN)
    assert any(
        "cell 5" in line and "gives number a new value" in line for line in found(small_course)
    )


@pytest.mark.parametrize(
    "cell", ["def f():\n    return number", "[number for _ in range(3)]", "g = lambda: number"]
)
def test_a_name_that_a_function_or_a_comprehension_needs_counts(small_course, cell):
    small_course.edit(CHECK, "# %%\nnumber = 7\n\n" + CHECK)
    small_course.edit(PLAIN, f"# %%\n{cell}\n\n" + PLAIN)
    assert any("gives number a new value" in line for line in found(small_course))


def test_a_name_that_is_bound_again_first_does_not_count(small_course):
    small_course.edit(CHECK, "# %%\nnumber = 7\n\n" + CHECK)
    small_course.edit(PLAIN, "# %%\nfor number in range(3):\n    print(number)\n\n" + PLAIN)
    assert found(small_course) == []


SECOND = """
# %% solution="counting-half"
def half(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION

# %% tests="counting-half-check" points=1
with checks.exercise("counting-half-check"):
    four = half(8)
    assert four == 4
### BEGIN HIDDEN TESTS
from autograder import submission

submission.checks.equal(submission.call("half", 3), 1.5, "half(3)")
### END HIDDEN TESTS
"""


@pytest.mark.parametrize(
    ("old", "new", "needs"),
    [
        ("half(8)", "half(8)", ""),
        ("four = half(8)", "four = double(2)", "double"),
        (
            'submission.call("half", 3)',
            'submission.call("half", submission.value("double"))',
            "double",
        ),
        ("    four =", "    def f(): return double(1)\n    four =", "double"),
    ],
)
def test_a_check_that_needs_another_exercises_answer_is_named(small_course, old, new, needs):
    text = small_course.text
    at = text.index('# %% [markdown] answer="counting-why"')
    small_course.text_path.write_text(
        text[:at] + SECOND.lstrip().replace(old, new) + "\n" + text[at:]
    )
    said = [line for line in found(small_course) if "another exercise" in line]
    assert bool(said) == bool(needs)
    assert all("counting-half-check" in line and f"it needs {needs}," in line for line in said)
