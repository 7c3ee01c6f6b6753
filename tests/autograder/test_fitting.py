"""Whatever Colab, copies and stray keys did to a notebook, each answer is found or asked for."""

import copy
from pathlib import Path

import nbformat
import pytest
from changes import (
    ANSWERS,
    CODE,
    MADE,
    RAW,
    ROLES,
    SOURCE,
    STUBS,
    TEXT,
    Change,
    Nb,
    added,
    all_of,
    cell,
    handed,
    merged,
    moved,
    released,
    retyped,
    source,
    without,
    without_name,
    without_names,
)

from autograder.intake.fitting import Fitted, fitted
from autograder.intake.notes import LOOK, SIGNED
from autograder.intake.telling import bound, is_python, name_of

pytestmark = pytest.mark.unit


def fit(change: Change, answers: dict[str, str] | None = None) -> Fitted:
    nb = handed(ANSWERS if answers is None else answers)
    change(nb)
    return fitted(nb, source(), [released(name, text) for _, name, text in SOURCE])


def texts(fit: Fitted) -> dict[str, str]:
    found = [one for one in fit.notebook.cells if name_of(one)]
    assert len({name_of(one) for one in found}) == len(found) == len(ROLES)
    return {name_of(one): one.source for one in found if name_of(one) in ANSWERS}


def names(fit: Fitted) -> list[str]:
    return [name_of(one) for one in fit.notebook.cells if name_of(one)]


def said(fit: Fitted) -> str:
    return " ".join(note.words for note in fit.notes)


def test_an_untouched_notebook_has_no_notes_and_loses_nothing():
    found = fit(lambda nb: None)
    assert texts(found) == ANSWERS and not found.notes and not found.looks
    assert len(found.notebook.cells) == len(SOURCE)
    assert fit(lambda nb: None, {}).notes == []


@pytest.mark.parametrize(
    "change",
    [
        without_names,
        retyped("double-answer", TEXT),
        retyped("double-answer", RAW),
        retyped("why", CODE),
        retyped("why", RAW),
        all_of(retyped("square-answer", RAW), without_names),
        all_of(retyped("why", CODE), without_names),
        without_name("double-answer"),
        without_name("why"),
        without_name("double"),
        without("double", "square"),
        without("setup"),
        moved("double", before="double-answer"),
        moved("square", before="setup"),
        moved("setup", before="why"),
        lambda nb: cell(nb, "double").update(source="assert True"),
        lambda nb: cell(nb, "double").update(source="print(3)\nvalue = double(1)"),
        added(CODE, "def helper(n):\n    return n", after="setup"),
        added(CODE, STUBS["double-answer"], after="double-answer", name="double-answer"),
        added(CODE, STUBS["double-answer"], after="why", name="double-answer"),
        added(TEXT, STUBS["why"], after="why", name="why"),
    ],
)
def test_the_answers_are_found_and_no_person_is_asked(change):
    found = fit(change)
    assert texts(found) == ANSWERS and not found.looks
    order = names(found)
    assert order.index("setup") < order.index("double-answer") < order.index("double")
    assert order.index("square-answer") < order.index("square")
    kinds = {name_of(one): one.cell_type for one in found.notebook.cells}
    assert all(kinds[name] == kind for kind, name, _ in SOURCE if name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (retyped("double-answer", TEXT), "found in a Markdown cell; it was run as code"),
        (retyped("why", CODE), "found in a code cell; it was read as text"),
        (without_name("double-answer"), "double-answer was found in a cell without its id"),
        (without("double"), "The check double was missing and was put back"),
        (lambda nb: cell(nb, "double").update(source="1"), "The check double was changed"),
        (moved("double", before="double-answer"), "double stood above its answer"),
    ],
)
def test_a_note_above_the_cell_says_what_was_done(change, words):
    found = fit(change)
    assert words in said(found)
    cells = found.notebook.cells
    (note,) = [one for one in cells if words in one.source]
    assert note.cell_type == TEXT and note.source.startswith(SIGNED)
    assert f"{name_of(cells[cells.index(note) + 1])} " in note.source


def test_a_plain_cell_of_the_course_that_changed_its_type_runs_again():
    def change(nb: Nb) -> None:
        at = next(i for i, one in enumerate(nb.cells) if one.source == "twice = double(1)")
        nb.cells[at] = nbformat.v4.new_raw_cell(nb.cells[at].source)

    (one,) = [c for c in fit(change).notebook.cells if c.source == "twice = double(1)"]
    assert one.cell_type == CODE


@pytest.mark.parametrize("kept", ["double-answer", "double"])
def test_an_answer_merged_with_its_check_is_run_before_the_whole_check(kept):
    found = fit(merged("double-answer", "double", kept))
    order = names(found)
    assert order.index("double-answer") < order.index("double") and not found.looks
    assert "return n + n" in texts(found)["double-answer"]
    assert cell(found.notebook, "double").source == SOURCE[4][2]


def test_two_merged_answers_are_not_undone_by_a_stub():
    found = fit(merged("double-answer", "square-answer", "double-answer"))
    assert "return n**2" in texts(found)["double-answer"] and not found.looks
    assert texts(found)["square-answer"] == "" and "is in another cell" in said(found)


def test_an_answer_split_over_two_cells_runs_in_both():
    """JupyterLab copies the id when it splits a cell."""
    parts = ("def half(n):\n    return n", "def double(n):\n    return half(n) + half(n)")
    change = added(CODE, parts[1], after="double-answer", name="double-answer")
    found = fit(change, {**ANSWERS, "double-answer": parts[0]})
    code = [one.source for one in found.notebook.cells if one.cell_type == CODE]
    assert code.index(parts[0]) < code.index(parts[1]) < code.index(SOURCE[4][2])
    assert texts(found)["double-answer"] == parts[1] and not found.looks


def test_of_copies_above_the_check_the_last_one_with_work_counts():
    again = "def double(n):\n    return 2 * n"
    found = fit(added(CODE, again, after="double-answer", name="double-answer"))
    assert texts(found)["double-answer"] == again and "the last one counts" in said(found)


def test_a_differing_copy_below_the_check_does_not_count_but_a_person_is_asked():
    again = "def double(n):\n    return -n"
    found = fit(added(CODE, again, after="why", name="double-answer"))
    assert texts(found) == ANSWERS and set(found.looks) == {"double"}
    assert cell(found.notebook, "double").metadata[LOOK] == found.looks["double"]


@pytest.mark.parametrize("after", ["setup", "double-answer", "double", "why"])
def test_an_answer_in_a_new_cell_counts_wherever_it_stands_beside_the_untouched_stub(after):
    answers = {name: text for name, text in ANSWERS.items() if name != "double-answer"}
    found = fit(added(CODE, ANSWERS["double-answer"], after=after), answers)
    code = [one.source for one in found.notebook.cells if one.cell_type == CODE]
    assert texts(found) == ANSWERS and STUBS["double-answer"] not in code
    # The course's own cell that uses it comes after it too, if the student wrote it at the end.
    assert (
        after == "double-answer"
        or after == "setup"
        or (code.index(ANSWERS["double-answer"]) < code.index("twice = double(1)"))
    )


def test_an_answer_at_the_end_brings_the_helpers_above_it_along():
    helper = "def add(a, b):\n    return a + b"
    answer = "def double(n):\n    return add(n, n)"
    change = all_of(added(CODE, answer, after="why"), added(CODE, helper, after="why"))
    found = fit(change, {"square-answer": ANSWERS["square-answer"]})
    code = [one.source for one in found.notebook.cells if one.cell_type == CODE]
    assert code.index(helper) < code.index(answer) < code.index(SOURCE[4][2])


@pytest.mark.parametrize("kind", [TEXT, RAW, CODE])
def test_a_written_answer_in_a_cell_below_the_untouched_one_is_joined_to_it(kind):
    found = fit(added(kind, "Because I say so, don't I?", after="why"), {})
    assert texts(found)["why"].endswith("Because I say so, don't I?")
    assert texts(found)["why"].startswith("**Why is it so?**")


def test_all_pieces_of_a_split_written_answer_reach_the_marker():
    found = fit(added(TEXT, "And this.", after="why", name="why"))
    assert texts(found)["why"] == ANSWERS["why"] + "\n\nAnd this."


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (
            all_of(without("double-answer"), added(CODE, "def doubled(n): return 2 * n", "double")),
            {"double"},
        ),
        (all_of(without("why"), added(TEXT, "It had to be.", "setup")), {"why"}),
        (lambda nb: nb.update(cells=[MADE[CODE]("x = 1")]), {"double", "square", "why"}),
        (lambda nb: nb.update(cells=[]), {"double", "square", "why"}),
    ],
)
def test_what_cannot_be_matched_goes_to_a_person(change, asked):
    assert set(fit(change).looks) == asked


def test_a_deleted_answer_without_other_work_is_not_attempted():
    found = fit(without("double-answer"))
    assert "not attempted" not in said(found) and not found.looks
    assert texts(found)["double-answer"] == STUBS["double-answer"]


def test_pictures_of_all_joined_pieces_are_kept():
    def change(nb: Nb) -> None:
        added(TEXT, "![a](attachment:picture-1.png)", after="why", name="why")(nb)
        nb.cells[-2].attachments = {"picture-1.png": {"image/png": "iVBORw0KGgo="}}

    found = cell(fit(change).notebook, "why")
    assert "![a](attachment:picture-1.png)" in found.source and "picture-1.png" in found.attachments


@pytest.mark.parametrize("text", ["(" * 5_000, "-" * 20_000 + "1", "x\0y", "a." * 20_000 + "b"])
def test_text_that_defeats_a_parser_is_no_code_and_stops_nothing(text):
    assert bound(text) == frozenset() and is_python(text) in (True, False)
    assert texts(fit(added(CODE, text, after="setup"))) == ANSWERS


def test_the_source_is_not_changed():
    given = source()
    before = copy.deepcopy(given)
    fitted(handed(ANSWERS), given)
    assert given == before


@pytest.mark.parametrize("last", [True, False])
def test_a_notebook_of_before_the_last_cell_fits_as_one_with_it(last):
    root = Path(__file__).resolve().parents[2]
    name = "04_parameter_counting"
    made = nbformat.read(root / "source" / name / f"{name}.ipynb", as_version=4)
    nb = nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4)
    shown = [one.source for one in nb.cells]
    if not last:
        nb.cells.pop()
    found = fitted(nb, made, shown)
    assert found.notes == [] and found.looks == {}
    assert len(found.notebook.cells) == len(made.cells) - (not last)
