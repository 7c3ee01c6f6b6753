"""What website/ makes of the course before MkDocs lays it out, and afterwards."""

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autograder.course import Assignment, Course
from autograder.late import Policy

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "website"))
pytest.importorskip("latex2mathml", reason="make site installs what the site needs")
finishing, course_pages, staging = map(
    importlib.import_module, ("finishing", "course_pages", "staging")
)


def test_due_dates_and_late_policies_are_in_words():
    due = datetime(2026, 1, 30, 19, tzinfo=UTC)
    late = Policy("per day", share=0.1, grace=timedelta(minutes=15), at_most=0.5)
    one = Assignment("03_net_1", "NET I", 90, 20, due=due, late=late)
    course = Course(ROOT, timezone="Europe/Berlin", assignments=(one,))
    assert "Friday, January 30, 2026, 20:00 Europe/Berlin" in course_pages.syllabus(course)
    assert course_pages.lateness(course) == (
        "* 03: each day that has begun costs 10% of the points, at most 50%."
        " Up to 15 minutes late costs nothing.\n"
    )


def test_a_formula_becomes_mathml():
    inline = r'<p>a <span class="arithmatex">\(x &lt; \frac{1}{2}\)</span></p>'
    made = finishing.finished(inline)
    assert "<math" in made and "<mfrac>" in made and "arithmatex" not in made
    block = finishing.finished(r'<div class="arithmatex">\[x^2\]</div>')
    assert 'tabindex="0"' in block and 'display="block"' in block


def test_a_badge_becomes_a_link(tmp_path):
    course = Course(tmp_path, assignments=(Assignment("03_net_1", "NET I", 90, 20),))
    path = course.release_path("03_net_1")
    path.parent.mkdir(parents=True)
    badge = "[![Open in Colab](https://colab.example/badge.svg)](https://colab.example/03)"
    cell = {
        "cell_type": "markdown",
        "id": "a",
        "metadata": {},
        "source": f"# NET I\n\n{badge}\n\nText",
    }
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    made = course_pages.notebook(course, "03_net_1")
    assert "badge.svg" not in made
    assert "[Open it in Colab](https://colab.example/03)" in made and made.startswith("# NET I\n")


@pytest.mark.parametrize(
    ("text", "depth", "made"),
    [
        ("[a](../../CONTRIBUTING.md)", 1, "[a](../contributing.md)"),
        ("[a](../CONTRIBUTING.md)", 0, "[a](contributing.md)"),
        ("[a](../LICENSE)", 0, "a"),
        ("[a](../grading.md)", 1, "[a](../grading.md)"),
        ("[a](https://pre-commit.com)", 0, "[a](https://pre-commit.com)"),
    ],
)
def test_a_link_out_of_the_documentation_leads_to_a_page_or_is_words(text, depth, made):
    assert staging.within(text, depth) == made
