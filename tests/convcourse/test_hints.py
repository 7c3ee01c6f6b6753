"""Hints are folded: a notebook that runs from top to bottom shows none, and a click shows one."""

import ast
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from browser import needs_browser, started
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from convcourse import hints

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "release").glob("*/*.ipynb"))
# Tags and attributes that JupyterLab, Colab and VS Code leave in an output.
LEFT = {"details": (), "summary": (), "p": ()}


@pytest.fixture
def one(monkeypatch, tmp_path):
    """An exercise with three hints."""
    (tmp_path / "hints.toml").write_text('[one]\nsteps = ["Which?", "a < b", "It is two."]\n')
    monkeypatch.setattr(hints, "FOLDER", tmp_path)
    monkeypatch.setattr(hints, "all_steps", hints.all_steps.__wrapped__)  # not what is cached


@pytest.fixture(scope="module")
def shell():
    """A notebook's shell, which shows what cells display."""
    settings = Config({"HistoryManager": {"enabled": False}})
    yield InteractiveShell.instance(config=settings)
    InteractiveShell.clear_instance()


class Seen(HTMLParser):
    """What a reader of a page sees before any click."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        assert not attrs and tag in LEFT, (tag, attrs)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        folded = self.open.count("details") - (self.open[-1:] == ["summary"])
        self.text += data if folded <= 0 else ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_that_runs_whole_shows_no_hint(path, shell):
    cells = [c.source for c in nbformat.read(path, 4).cells if "hints.show(" in c.source]
    assert len(cells) > 4
    for source in cells:
        with capture_output() as shown:
            exec(source, {"hints": hints})
        name = ast.parse(source).body[0].value.args[0].value
        steps = hints.all_steps()[name]["steps"]
        assert shown.stdout == shown.stderr == "" and len(shown.outputs) == 1
        data = shown.outputs[0].data
        seen = Seen()
        seen.feed(data["text/html"])
        assert seen.text == "Hint 1 of 3" and len(steps) == 3
        assert data["text/plain"] == f'To print a hint, write hints.show("{name}", step=1).'
        assert set(data) == {"text/html", "text/plain"}


@pytest.mark.browser
@needs_browser
def test_each_click_shows_one_more(tmp_path):
    steps = ("Which?", "a < b & <b>c</b>", "It is two.")
    page = tmp_path / "page.html"
    page.write_text(hints.Folded("one", steps)._repr_html_(), encoding="utf-8")
    with started() as browser, browser.opened(page) as shown:
        for number, text in enumerate(steps, start=1):
            assert not shown.get_by_text(text, exact=True).is_visible()
            shown.get_by_text(f"Hint {number} of 3").click()
            assert shown.get_by_text(text, exact=True).is_visible()


def test_one_edited_line_prints_a_hint(one, capsys):
    for step, printed in ((1, "Hint 1 of 3: Which?"), (3, "Hint 3 of 3: It is two.")):
        hints.show("one", step=step)
        assert capsys.readouterr().out == f"{printed}\n"
    hints.show("one", step=9)
    assert capsys.readouterr().out == "Hint 3 of 3: It is two.\n"
    hints.show("two", ["Whose?", "Ours."], step=2)
    assert capsys.readouterr().out == "Hint 2 of 2: Ours.\n"


def test_an_unknown_hint_is_answered_with_those_that_there_are(one, capsys):
    hints.show("two")
    assert capsys.readouterr().out == "There are no hints for 'two'. Try one.\n"


def test_a_program_without_ipython_shows_what_to_write(one, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    hints.show("one")
    assert capsys.readouterr().out == 'To print a hint, write hints.show("one", step=1).\n'
