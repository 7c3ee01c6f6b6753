"""What students hand in is read without following, running or believing any of it."""

import base64
import json
import os
import subprocess

import nbformat
import pytest

from autograder.intake import reading
from autograder.intake.fitting import fitted
from autograder.intake.pictures import LEFT_OUT
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
    cells = fitted(nbformat.from_dict(handed), source).notebook.cells
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


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16_000)).decode()  # 21,344 characters


def text(source: str, **more) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def words(one: reading.Submission) -> str:
    return " ".join(note.words for note in one.notes)


@pytest.mark.parametrize("minor", [0, 2, 3, 4, 5, None, "4"])
def test_ids_are_taken_and_made_whatever_minor_version_a_notebook_claims(tmp_path, minor):
    cells = [text("a", id="net-1"), text("b"), text("c", id="not an id")]
    write(tmp_path, cells, nbformat_minor=minor)
    nb = read(tmp_path).notebook
    assert nb.cells[0].id == "net-1" and len({one.id for one in nb.cells}) == 3


def test_a_notebook_of_format_3_is_converted(tmp_path):
    facts = {"nbgrader": {"grade_id": "double"}}
    code = {"cell_type": "code", "language": "python", "input": "x = 1", "outputs": []}
    heading = {"cell_type": "heading", "level": 2, "metadata": {}, "source": "Two"}
    sheet = {"cells": [heading, {**code, "metadata": facts, "collapsed": False}], "metadata": {}}
    content = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]}
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    first, second = read(tmp_path).notebook.cells
    assert first.source == "## Two" and second.source == "x = 1"
    assert second.metadata.nbgrader.grade_id == "double"


@pytest.mark.parametrize(
    ("coding", "noted"),
    [("utf-8-sig", False), ("utf-16", False), ("latin-1", True), ("cp1252", True)],
)
def test_a_notebook_in_another_encoding_is_read(tmp_path, coding, noted):
    write(tmp_path, [text("läuft")])
    raw = json.dumps(json.loads((tmp_path / "a.ipynb").read_text()), ensure_ascii=False)
    (tmp_path / "a.ipynb").write_bytes(raw.replace("\n", "\r\n").encode(coding))
    one = read(tmp_path)
    assert one.notebook.cells[0].source == "läuft" and ("UTF-8" in words(one)) == noted


def test_windows_ends_of_lines_are_lines(tmp_path):
    write(tmp_path, [nbformat.v4.new_code_cell("x = 1\r\ny = 2\rz = 3")])
    assert read(tmp_path).notebook.cells[0].source == "x = 1\ny = 2\nz = 3"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"nbformat": 4,\n "cells": [],}', "line 2, column 14"),
        ("<<<<<<< HEAD\n{}", "line 1, column 1"),
        ("", "it is empty"),
        ('{"nbformat": 4}', "no list of cells"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "Cell 1 of the notebook has no text"),
        ('{"nbformat": 4, "cells": [{"cell_type": "x", "source": ""}]}', "Cell 1"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path, content, told):
    (tmp_path / "a.ipynb").write_text(content)
    broken = read(tmp_path).broken
    assert told in broken and "'" not in broken and broken.endswith(".")


@pytest.mark.parametrize(
    "name",
    [
        "Copy of a.ipynb",
        "a (1).ipynb",
        "a-1.ipynb",
        "A_final.IPYNB",
        "a.ipynb.txt",
        "a.ipynb.json",
        "homework.ipynb",
        "a/a.ipynb",
        "Kopie von a.ipynb",
    ],
)
def test_the_only_notebook_is_graded_whatever_its_name(tmp_path, name):
    write(tmp_path / "given")
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True)
    (tmp_path / "given" / "a.ipynb").rename(path)
    (path.parent / "checkpoints").mkdir()
    (path.parent / "checkpoints" / "net.json").write_text("{}")
    one = read(tmp_path / "in")
    assert one.notebook.cells[0].source == "x = 1" and path.name in words(one)
    assert one.files == {"checkpoints/net.json": b"{}"}


def test_of_several_notebooks_the_one_of_the_right_name_is_graded(tmp_path):
    write(tmp_path)
    for name in ("Copy of a.ipynb", "b.ipynb"):
        (tmp_path / name).write_text((tmp_path / "a.ipynb").read_text().replace("x = 1", "x = 2"))
    for kept in (".ipynb_checkpoints", "__MACOSX"):
        (tmp_path / kept).mkdir()
        (tmp_path / kept / "a-checkpoint.ipynb").write_text("{}")
    one = read(tmp_path)
    assert one.notebook.cells[0].source == "x = 1"
    assert "also holds Copy of a.ipynb, b.ipynb, which" in words(one)
    (tmp_path / "a.ipynb").unlink()
    assert read(tmp_path).notebook.cells[0].source == "x = 2"
    (tmp_path / "a (2).ipynb").write_text("{}")
    assert "Copy of a.ipynb" in read(tmp_path).broken and "several" in read(tmp_path).broken


def test_outputs_widgets_and_kernels_of_any_size_are_dropped_and_the_code_is_kept(tmp_path):
    one = nbformat.v4.new_code_cell("x = 1")
    one.outputs = [nbformat.v4.new_output("stream", text="x" * 70_000_000)]
    metadata = {"widgets": {"state": [1]}, "kernelspec": {"name": "julia-1.10"}, "language": "R"}
    write(tmp_path, [one], metadata=metadata)
    nb = read(tmp_path).notebook
    assert nb.cells[0].outputs == [] and nb.metadata == {} and nb.cells[0].source == "x = 1"


@pytest.mark.parametrize(
    "source",
    [
        f"See ![image.png](data:image/png;base64,{PNG}) here.",
        f'<img src="data:image/png;base64,{PNG}" width="300">',
        f"![a][b]\n\n[b]: data:image/png;base64,{PNG}",
        "![image.png](attachment:image.png)",
        "![image.png](attachment:my%20image.png)",
        '<img src="attachment:image.png">',
        "![curve](curve.png)",
        "![curve](./figures/curve.png 'title')".replace("'", '"'),
    ],
)
def test_a_pasted_picture_is_kept_short_and_reaches_the_marker(tmp_path, source):
    bundle = {"image/png": PNG}
    given = text(source, attachments={"image.png": bundle, "my image.png": bundle})
    write(tmp_path, [given])
    (tmp_path / "figures").mkdir()
    for name in ("curve.png", "figures/curve.png"):
        (tmp_path / name).write_bytes(base64.b64decode(PNG))
    one = read(tmp_path)
    (cell,) = one.notebook.cells
    assert cell.attachments == {"picture-1.png": bundle} and len(cell.source) < 200
    assert "(attachment:picture-1.png)" in harmless(cell.source, cell.attachments)
    assert "![" in harmless(cell.source, cell.attachments) and not one.notes


@pytest.mark.parametrize(
    "source",
    [
        "![a](attachment:lost.png)",
        "![a](lost.png)",
        "![a](data:image/svg+xml;base64,PHN2Zz4=)",
        "![a](data:image/png;base64,AAAA)",
    ],
)
def test_a_picture_that_cannot_be_shown_is_told(tmp_path, source):
    write(tmp_path, [text(source)])
    one = read(tmp_path)
    assert one.notebook.cells[0].source == f"a {LEFT_OUT}" and words(one).startswith("1 of the")


def test_a_text_names_no_attachment_that_its_cell_lacks():
    """A page with such a name cannot be made."""
    attached = "![a](attachment:picture-1.png) ![b](attachment:picture-2.png)"
    kept = harmless(attached, {"picture-1.png": {}})
    assert kept == "![a](attachment:picture-1.png) [b](attachment:picture-2.png)"
    assert "![" not in harmless(attached)


def test_a_picture_from_elsewhere_stays_a_link(tmp_path):
    write(tmp_path, [text("![a](https://example.org/seen.png) ![b](//example.org/seen.png)")])
    one = read(tmp_path)
    assert "attachments" not in one.notebook.cells[0] and not one.notes
    assert "![" not in harmless(one.notebook.cells[0].source)


def test_a_long_text_is_cut_off_and_the_rest_is_graded(tmp_path):
    write(tmp_path, [text("[" * 30_000), nbformat.v4.new_code_cell("x = 1")])
    one = read(tmp_path)
    assert 20_000 < len(one.notebook.cells[0].source) < 20_100 and "cut off" in words(one)
    assert one.notebook.cells[1].source == "x = 1"
