"""What students hand in is read without following, running or believing any of it."""

import json
import os
import subprocess

import nbformat
import pytest

from autograder.intake import reading
from autograder.intake.fitting import fitted
from autograder.pages.sanitize import harmless

pytestmark = pytest.mark.unit


def write(folder, cells=None, **more) -> None:
    nb = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    nb["cells"] = cells or [nbformat.v4.new_code_cell("x = 1")]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.ipynb").write_text(json.dumps({**nb, **more}))


def read(folder) -> reading.Submission:
    return reading.read(folder, "ada", "a")


def test_a_notebook_and_the_files_beside_it_are_read(tmp_path):
    write(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "net.json").write_text("{}")
    one = read(tmp_path)
    assert not one.broken and one.files == {"checkpoints/net.json": b"{}"}


def test_links_pipes_and_names_that_are_no_text_are_left_out(tmp_path):
    write(tmp_path)
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_text("1")
    (tmp_path / "two\nlines").write_text("1")
    one = read(tmp_path)
    assert not one.broken and one.files == {}


def test_a_notebook_of_millions_of_lists_is_refused_unread(tmp_path, monkeypatch):
    write(tmp_path, rest=[{}] * 2_100_000)
    monkeypatch.setattr(json, "loads", lambda raw: pytest.fail("it was read"))
    assert "lists" in read(tmp_path).broken


def test_what_is_not_graded_of_a_cell_is_left_out_whatever_it_is(tmp_path):
    one = nbformat.v4.new_code_cell("x = 1", id="a")
    more = {"outputs": 5, "execution_count": "x", "attachments": [], "own": {"a": [1]}}
    write(tmp_path, [{**one, **more, "metadata": {"tags": 5, "nbgrader": {"grade_id": "a"}}}])
    (cell,) = read(tmp_path).notebook.cells
    assert (cell.outputs, cell.execution_count, cell.source) == ([], None, "x = 1")
    assert cell.metadata == {"nbgrader": {"grade_id": "a"}} and "own" not in cell


def test_folders_without_an_end_are_refused(tmp_path):
    write(tmp_path)
    place = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(300):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(place)
    assert "folders within folders" in read(tmp_path).broken
    # pytest's own removal recurses, and would end in an error of its own.
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    write(tmp_path / "bob" / "a")
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "a").symlink_to(tmp_path / "bob" / "a")
    assert "link" in read(tmp_path / "ada" / "a").broken


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([nbformat.v4.new_code_cell("")] * 1_001, "1,001 cells"),
        ([nbformat.v4.new_code_cell("x" * 600_000)] * 2, "1,200,000 characters"),
        ([nbformat.v4.new_markdown_cell("[" * 30_000)], "30,000 characters in one text"),
    ],
)
def test_a_notebook_that_would_take_others_time_is_refused(tmp_path, cells, words):
    write(tmp_path, cells)
    assert words in read(tmp_path).broken


@pytest.mark.parametrize("cells", ["text", ["text"], [{"cell_type": "code"}], [[1]], None, 7])
def test_what_is_no_list_of_cells_is_refused_in_words(tmp_path, cells):
    write(tmp_path)
    content = json.loads((tmp_path / "a.ipynb").read_text())
    (tmp_path / "a.ipynb").write_text(json.dumps({**content, "cells": cells}))
    assert "notebook" in read(tmp_path).broken


def test_half_characters_and_control_characters_reach_no_file_and_no_terminal(tmp_path):
    write(tmp_path, [nbformat.v4.new_code_cell("x = '\ud800'")])
    assert read(tmp_path).notebook.cells[0].source == "x = '?'"
    write(tmp_path, [{"cell_type": "\x1b]0;mine\x07", "metadata": {}, "source": ""}])
    assert read(tmp_path).broken.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript&colon;alert(1))",
        "[x](javascript\\:alert(1))",
        "[x][y]\n\n[y]: data:text/html;base64,PHNjcmlwdD4=",
        "$\\href{javascript:alert(1)}{x}$",
    ],
)
def test_a_link_that_would_run_is_shown_as_it_was_typed(text):
    assert all(line.startswith("    ") for line in harmless(text).splitlines())


def test_text_about_data_and_formulas_stays_text():
    text = "We augment the data: flips. For $a < b$ the loss falls, see [Keras](https://keras.io)."
    assert harmless(text) == text


def test_a_picture_behind_two_marks_loads_nothing_either():
    assert "![" not in harmless("!![x](https://example.org/seen.png) !!![x](y)")


def test_html_and_pictures_from_elsewhere_load_nothing():
    assert harmless("<img src=x onerror=alert(1)>") == "< img src=x onerror=alert(1)>"
    assert harmless("![](https://example.org/seen.png)") == "[](https://example.org/seen.png)"


def test_the_courses_own_text_is_left_as_it_is():
    badge = nbformat.v4.new_markdown_cell("[![Colab](https://colab/badge.svg)](https://colab)")
    mine = nbformat.v4.new_markdown_cell("![](https://example.org/seen.png)")
    source = nbformat.v4.new_notebook(cells=[badge])
    handed = nbformat.v4.new_notebook(cells=[dict(badge), mine])
    cells = fitted(nbformat.from_dict(handed), source).cells
    assert cells[0].source == badge.source and cells[1].source.startswith("[](")


def test_what_the_exchange_wrote_is_read_beside_a_broken_notebook_but_through_no_link(tmp_path):
    write(tmp_path / "real")
    (tmp_path / "real" / "a.ipynb").write_text("{")
    (tmp_path / "real" / "submission_secret.txt").write_text("ab12")
    (tmp_path / "real" / "timestamp.txt").symlink_to("/etc/hostname")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    one = read(tmp_path / "real")
    assert one.broken and one.files == {"submission_secret.txt": b"ab12"}
    assert read(tmp_path / "link").broken and read(tmp_path / "link").files == {}


def test_a_badge_becomes_a_link_and_a_picture_too():
    badge = "[![Open in Colab](https://a.example/badge.svg)](https://b.example/a.ipynb)"
    assert harmless(badge) == "[Open in Colab](https://b.example/a.ipynb)"
    assert harmless("![a](https://a.example/a.png)") == "[a](https://a.example/a.png)"
    assert harmless("[![a](b)](javascript:x)").startswith("    ")
