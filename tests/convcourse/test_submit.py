"""A student's archive: what is said before it is packed, and what is in it."""

import json
import os
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from convcourse import notebook, session, submit

pytestmark = pytest.mark.unit

NAME = "03_net_1"
STUB = 'def f():\n    # YOUR CODE HERE\n    raise NotImplementedError("not attempted yet")'
TRAIN = 'history = training.fit(net1, "net1", x, y)'


def graded(source: str, name: str, grade: bool, solution: bool, kind=new_code_cell):
    cell = kind(source)
    cell.metadata.nbgrader = {"grade_id": name, "grade": grade, "solution": solution}
    return cell


def made(answer: str = "def f():\n    return 1", error: str = "", words: str = "Because."):
    check = graded("check(f)", "one-check", True, False)
    check.execution_count = 3
    if error:
        check.outputs = [new_output("error", ename="Wrong", evalue=error, traceback=[])]
    return new_notebook(
        cells=[
            new_code_cell(TRAIN),
            graded(answer, "one", False, True),
            check,
            graded(words, "why", True, True, new_markdown_cell),
            new_code_cell(f'from convcourse import submit\n\nsubmit.pack("{NAME}")'),
        ]
    )


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder in which a person has a notebook open."""
    monkeypatch.chdir(tmp_path)
    session.ran.clear()
    parent = {"metadata": {"cellId": "a"}}
    shell = SimpleNamespace(get_parent=lambda: parent, user_ns={})
    monkeypatch.setattr(notebook, "shell", lambda: shell)
    for name in ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "COLAB_JUPYTER_IP"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def save(place: Path, nb, name: str = f"{NAME}.ipynb") -> Path:
    nbformat.write(nb, place / name)
    return place / name


def keep(place: Path, name: str = "net1", profile: str = "offline") -> None:
    (place / "checkpoints").mkdir(exist_ok=True)
    record = json.dumps({"fingerprint": {"profile": profile}})
    (place / "checkpoints" / f"{name}.json").write_text(record)
    (place / "checkpoints" / f"{name}.weights.h5").write_bytes(b"weights")


def said(capsys, *more: str) -> str:
    submit.pack(NAME, *more)
    return capsys.readouterr().out


def test_the_archive_holds_the_notebook_and_what_it_needs(place, capsys):
    nb = made(words="Because ![x](my%20curve.png), not ![y](https://a.example/b.png).")
    nb.cells.append(new_code_cell("import own\nfrom json import loads"))
    path = save(place, nb)
    keep(place)
    (place / "my curve.png").write_bytes(b"png")
    (place / "own.py").write_text("x = 1")
    (place / "other.py").write_text("x = 1")
    (place / "checkpoints" / "link.json").symlink_to("/etc/passwd")
    out = said(capsys)
    assert out.endswith(
        f"Packed the notebook and 4 files beside it into {NAME}.zip: hand in this one file.\n"
    )
    with zipfile.ZipFile(place / f"{NAME}.zip") as archive:
        assert archive.namelist() == [
            f"{NAME}.ipynb",
            *("checkpoints/net1.json", "checkpoints/net1.weights.h5", "my curve.png", "own.py"),
        ]
        assert archive.read(f"{NAME}.ipynb") == path.read_bytes()
    before = (place / f"{NAME}.zip").read_bytes()
    said(capsys)
    assert (place / f"{NAME}.zip").read_bytes() == before


def test_a_copy_is_packed_under_the_assignments_name(place, capsys):
    save(place, made(), f"Copy of {NAME} (1).ipynb")
    assert "Packed" in said(capsys)
    assert zipfile.ZipFile(place / f"{NAME}.zip").namelist() == [f"{NAME}.ipynb"]


def test_the_open_notebook_is_taken_and_not_one_beside_it(place, capsys, monkeypatch):
    save(place, made())
    mine = save(place, made(answer=STUB), "mine.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(mine))
    assert "1 exercise is untouched: one-check." in said(capsys)
    monkeypatch.setenv("JPY_SESSION_NAME", str(place / "renamed since.ipynb"))
    assert "1 exercise is untouched" not in said(capsys)


def test_the_file_that_is_packed_is_named_also_after_a_renaming(place, capsys, monkeypatch):
    save(place, made(), "mine-Copy1.ipynb")
    assert said(capsys).startswith("mine-Copy1.ipynb was saved at")
    monkeypatch.setenv("JPY_SESSION_NAME", str(place / "mine.ipynb"))
    out = said(capsys)
    assert "If you are not working in mine-Copy1.ipynb, choose Kernel > Restart Kernel" in out


def test_a_file_without_the_answer_that_passed_here_is_not_packed(place, capsys):
    nb = made(answer=STUB)
    save(place, nb)
    check = nb.cells[2].source
    session.ran[check] = session.Ran(check, 0.0)
    assert "Nothing was packed: the check of one-check has passed here" in said(capsys)
    assert not (place / f"{NAME}.zip").exists()
    assert "Packed" in said(capsys, f"{NAME}.ipynb")


def test_of_several_notebooks_the_one_saved_last_is_named_first(place, capsys):
    save(place, made(), "a.ipynb")
    os.utime(place / "a.ipynb", (1, 1))
    save(place, made(), "b.ipynb")
    assert f'submit.pack("{NAME}", "b.ipynb")' in said(capsys)


def test_of_several_notebooks_one_must_be_named(place, capsys):
    save(place, made(), "a.ipynb")
    save(place, made(answer=STUB), "b.ipynb")
    out = said(capsys)
    assert "could be meant (" in out and "): name the one" in out
    assert "a.ipynb" in out and "b.ipynb" in out
    assert not (place / f"{NAME}.zip").exists()
    assert "untouched: one-check" in said(capsys, "b.ipynb")


def test_what_is_untouched_is_said(place, capsys):
    save(place, made(answer=STUB, words="*Write your answer here.*"))
    assert "2 exercises are untouched: one-check, why." in said(capsys)


def test_a_failed_check_is_told_from_the_file_or_from_this_session(place, capsys):
    save(place, made(error="wrong: one-check. The sum is 3;\nexpected 4."))
    out = said(capsys)
    assert (
        "The visible check of one-check fails, as the notebook was saved: wrong: one-check. The "
        "sum is 3; expected 4." in out
    )
    session.ran["check(f)"] = session.Ran("check(f)", time.time(), "")
    out = said(capsys)
    assert "fails" not in out and "1 passed: 1 in this session, and 0 as the" in out
    session.ran["check(f)"] = session.Ran("check(f)", time.time(), "wrong: no")
    assert "one-check fails, as it ran in this session: wrong: no" in said(capsys)


def test_an_answer_that_python_cannot_read_is_told_with_its_error_and_not_as_not_attempted(
    place, capsys
):
    answer = "def f(:\n    return 1"
    nb = made(answer, error="not attempted: one-check. The name 'f' does not exist yet.")
    nb.cells[1].outputs = [
        new_output(
            "error",
            ename="SyntaxError",
            evalue="invalid syntax (2309.py, line 1)",
            traceback=[],
        )
    ]
    save(place, nb)
    out = said(capsys)
    assert (
        "The answer cell of one-check did not run, as the notebook was saved: SyntaxError: invalid "
        "syntax (line 1)\n" in out
    )
    assert "not attempted" not in out and "Packed" in out
    # The answer passed before it was broken: the function of then is still there.
    session.ran["check(f)"] = session.Ran("check(f)", 0.0)
    session.ran[answer] = session.Ran(answer, 0.0, "bad (2310.py, line 1)", "SyntaxError")
    out = said(capsys)
    assert "did not run, as it ran in this session: SyntaxError: bad (line 1)\n" in out
    assert "passed" not in out


def test_an_answer_that_ended_early_is_told_with_what_its_check_said(place, capsys):
    save(place, made(error="wrong: one-check. The sum is 3; expected 4."))
    source = "def f():\n    return 1"
    session.ran[source] = session.Ran(source, 0.0, "division by zero", "ZeroDivisionError")
    out = said(capsys)
    assert "one-check ended early, as it ran in this session: ZeroDivisionError: division" in out
    assert "one-check fails, as the notebook was saved: wrong: one-check. The sum is 3" in out
    nb = made(error="not attempted: one-check. The name 'f' does not exist yet.")
    save(place, nb)
    assert "not attempted" not in said(capsys)
    missing = "not attempted: this cell. The name 'x' does not exist yet."
    nb.cells[1].outputs = [new_output("error", ename="NotAttempted", evalue=missing, traceback=[])]
    save(place, nb)
    session.ran.clear()
    assert f"one-check ended early, as the notebook was saved: {missing}" in said(capsys)


def test_a_check_that_never_ran_is_named(place, capsys):
    nb = made()
    nb.cells[2].execution_count = None
    save(place, nb)
    assert "1 visible check has not been run: one-check." in said(capsys)


def test_nothing_is_packed_that_lacks_what_ran(place, capsys):
    save(place, made())
    session.ran["def f():\n    return 2"] = session.Ran("def f():\n    return 2", time.time() + 9)
    out = said(capsys)
    assert "lacks a cell that you have run since, which begins with 'def f():'; save it" in out
    assert not (place / f"{NAME}.zip").exists()
    save(place, made(answer="def f():\n    return 2"))
    assert "Packed" in said(capsys)


@pytest.mark.parametrize(
    ("profile", "kept", "words"),
    [
        ("full", "", "The checkpoint of net1 is missing, so the grader would"),
        ("full", "full", ""),
        ("full", "quick", "The checkpoint of net1 was made under the profile quick"),
        ("offline", "", ""),
    ],
)
def test_checkpoints_are_looked_for(place, capsys, monkeypatch, profile, kept, words):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    save(place, made())
    if kept:
        keep(place, profile=kept)
    out = said(capsys)
    assert (words in out) if words else ("The checkpoint" not in out)
    assert "Packed" in out


@pytest.mark.parametrize(
    "content", ["", "[]", '{"cells": [{"source": 1}]}', '{"cells": 5}', "[" * 9_000]
)
def test_a_file_that_is_no_notebook_is_said_in_a_sentence(place, capsys, content):
    (place / f"{NAME}.ipynb").write_text(content)
    assert "the file is not a notebook" in said(capsys)


def test_a_missing_file_is_said_in_a_sentence(place, capsys):
    assert said(capsys) == (
        f"There is no {NAME}.ipynb: save the notebook there, or name its file, as in "
        f'submit.pack("{NAME}", "{NAME}.ipynb").\n'
    )


def test_in_colab_the_page_gives_the_notebook(place, capsys, monkeypatch):
    import sys

    asked, fetched = [], []

    def answer(*words, **more):
        asked.append(words)
        return {"ipynb": made(answer=STUB)}

    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    monkeypatch.setitem(
        sys.modules, "google.colab._message", SimpleNamespace(blocking_request=answer)
    )
    monkeypatch.setitem(sys.modules, "google.colab.files", SimpleNamespace(download=fetched.append))
    assert "Packed the notebook into" in said(capsys)
    assert asked == [("get_ipynb",)] and fetched == [str(place / f"{NAME}.zip")]
    monkeypatch.setitem(sys.modules, "google.colab._message", SimpleNamespace())
    assert "Colab did not give this notebook: choose File > Download" in said(capsys)


def test_nothing_is_packed_where_no_person_runs_the_notebook(place, capsys, monkeypatch):
    save(place, made())
    shell = SimpleNamespace(get_parent=lambda: {"metadata": {}}, user_ns={})
    monkeypatch.setattr(notebook, "shell", lambda: shell)
    assert said(capsys) == "Nothing is packed here, because no person has this notebook open.\n"
    monkeypatch.setattr(notebook, "shell", lambda: None)
    assert "no person" in said(capsys)
    assert not (place / f"{NAME}.zip").exists()


def test_a_shell_keeps_what_ran(monkeypatch):
    session.ran.clear()
    shell = InteractiveShell()
    monkeypatch.setattr(notebook, "shell", lambda: shell)
    notebook.explain_missing_names()
    notebook.explain_missing_names()
    shell.run_cell("1 + 1\n", store_history=True)
    shell.run_cell("1 / 0", store_history=True)
    shell.run_cell("f(", store_history=True)
    shell.run_cell("2 + 2", store_history=False)
    ran = [(one.source, one.error, one.kind) for one in session.ran.values()]
    assert ran[:2] == [("1 + 1", "", ""), ("1 / 0", "division by zero", "ZeroDivisionError")]
    assert ran[2][0] == "f(" and ran[2][2] == "SyntaxError" and len(ran) == 3
