"""Formulas on pages: the course's own are drawn, and hostile ones stay text."""

import re
from pathlib import Path

import nbformat
import pytest

from autograder.pages import budget, filters
from autograder.pages.formulas import MOST, mathml

pytestmark = pytest.mark.unit

SOURCES = sorted((Path(__file__).resolve().parents[2] / "source").glob("*/*.ipynb"))
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
HOSTILE = [
    r"\href{javascript:alert(1)}{x}",
    r"\text{<script>alert(1)</script>}",
    r"\text{<img src=x onerror=alert(1)>}",
    r"\text{</math><p onclick=alert(1)>}",
    r"\style{background:url(https://example.org)}{x}",
    r"\class{button}{x}",
    r"\color{red;background:url(x)}{x}",
    "{" * 1_000,
    r"\frac{" * 400,
    "x" * (MOST + 1),
    r"\begin{nothing}x",
]


def shown(text: str) -> str:
    return filters.markdown(text, budget.Budget(), {})


def test_each_formula_of_the_course_is_drawn():
    found = [
        shorter or longer
        for path in SOURCES
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
        for longer, shorter in FORMULA.findall(re.sub(r"`[^`\n]*`", "", cell.source))
    ]
    assert len(found) > 300 and [tex for tex in found if mathml(tex) is None] == []


def test_formulas_in_a_line_and_on_lines_of_their_own_are_drawn():
    page = shown("Let $x_1 < 2$.\n\n$$\\frac{a}{b}$$\n\n\\begin{align}a &= b\\end{align}")
    assert page.count("<math") == 3 and page.count('display="block"') == 2
    assert "<mo>&lt;</mo>" in page and "$" not in page


@pytest.mark.parametrize("tex", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_formula_adds_nothing_but_elements_of_mathml(tex):
    page = shown(f"An answer ${tex}$ and $$ {tex} $$ of a student")
    tags = {name.lower() for name in re.findall(r"<\s*/?\s*([a-zA-Z]+)", page)}
    assert tags <= {"p", "pre", "math", "mrow", "mi", "mn", "mo", "mstyle", "mfrac", "msup"}
    assert not re.search(r"<[^>]*\b(href|style|class|on\w+|src)\s*=", page)


def test_what_is_no_formula_stays_as_it_was_typed():
    assert "costs $5." in shown("It costs $5.")
    assert "\\text{&lt;b&gt;}" in shown("$\\text{<b>}$")
