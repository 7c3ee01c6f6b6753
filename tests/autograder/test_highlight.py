"""Pages are made in linear time, whatever a cell holds."""

import time

import nbformat
import pytest
from nbconvert import HTMLExporter
from traitlets.config import Config

from autograder.pages import highlight
from autograder.pages.sanitize import harmless

pytestmark = pytest.mark.unit

SLOW = ["\n ", " \n", "a=", " in", ":", "import ", "(", '"""', "\\\n", " in" * 150 + "\n"]


@pytest.fixture(autouse=True)
def budget(monkeypatch):
    monkeypatch.setattr(highlight, "_budget", highlight._Budget())


def page(*cells: nbformat.NotebookNode) -> str:
    config = Config()
    config.TemplateExporter.filters = {"highlight_code": "autograder.pages.highlight.highlight"}
    nb = nbformat.v4.new_notebook(cells=list(cells))
    return HTMLExporter(config=config).from_notebook_node(nb)[0]


def test_code_has_colors():
    assert '<span class="k">def</span>' in page(nbformat.v4.new_code_cell("def f(): return 1"))


@pytest.mark.parametrize("unit", SLOW, ids=range(len(SLOW)))
def test_a_page_takes_no_longer_than_five_seconds(unit):
    sizes = (24_000, 3_900) * 20
    cells = [nbformat.v4.new_code_cell(unit * (size // len(unit))) for size in sizes]
    start = time.process_time()
    text = page(*cells, nbformat.v4.new_code_cell("last = 1"))
    assert time.process_time() - start < 5 and "last" in text


def test_colors_come_back(monkeypatch):
    monkeypatch.setattr(highlight, "REFILL", 100)
    page(nbformat.v4.new_code_cell("\n " * 4_000))
    assert '<span class="k">def</span>' in page(nbformat.v4.new_code_cell("def f(): return 1"))


@pytest.mark.parametrize("unit", ["!", "[", "![", "[![", "<", "(", " ", "&", "]("])
def test_a_text_is_made_harmless_in_linear_time(unit):
    start = time.process_time()
    harmless(unit * (200_000 // len(unit)))
    assert time.process_time() - start < 2
