"""What students get is what the texts build, every time, and holds no answer."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.nbgrader.generate import generate
from autograder.root import CourseError
from autograder.text import release

pytestmark = pytest.mark.unit

NAME = "04_counting"


def run(root: Path, *words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return CliRunner().invoke(app, list(words))


def test_a_build_writes_both_notebooks_and_nothing_else(small_course, monkeypatch):
    before = {path for path in small_course.root.rglob("*") if path.is_file()}
    here = os.getcwd()
    done = run(small_course.root, "build", monkeypatch=monkeypatch)
    assert done.exit_code == 0, done.output
    after = {path for path in small_course.root.rglob("*") if path.is_file()}
    assert {str(path.relative_to(small_course.root)) for path in after - before} == {
        f"source/{NAME}/{NAME}.ipynb",
        f"release/{NAME}/{NAME}.ipynb",
    }
    assert os.getcwd() == here


def test_the_release_has_stubs_and_visible_checks_and_no_answers(small_course):
    built = release.build(small_course.load(), generate=generate)
    cells = nbformat.reads(built[small_course.load().release_path(NAME)], 4).cells
    assert cells[2].source.endswith(
        '    # YOUR CODE HERE\n    raise NotImplementedError("not attempted yet")'
    )
    assert cells[3].source == "assert double(2) == 4"
    assert cells[3].metadata.nbgrader.points == 3
    assert "*Write your answer here.*" in cells[4].source
    text = json.dumps(cells)
    for secret in ("twice_of_the_number", "hidden table", "one point for", "submission"):
        assert secret not in text


def test_the_source_keeps_answers_and_hidden_tests(small_course):
    text = release.build(small_course.load(), generate=generate)[
        small_course.load().source_path(NAME)
    ]
    assert "twice_of_the_number" in text
    assert "hidden table" in text


def test_two_builds_give_the_same_bytes(small_course):
    assert release.build(small_course.load(), generate=generate) == release.build(
        small_course.load(), generate=generate
    )


def test_check_is_silent_about_what_is_built_and_names_what_is_not(small_course, monkeypatch):
    checked = ("build", "--check")
    done = run(small_course.root, *checked, monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert f"release/{NAME}/{NAME}.ipynb is missing" in done.output
    assert not (small_course.root / "release").exists()

    assert run(small_course.root, "build", monkeypatch=monkeypatch).exit_code == 0
    assert run(small_course.root, *checked, monkeypatch=monkeypatch).exit_code == 0

    small_course.edit("Twice a number", "Double a number")
    done = run(small_course.root, *checked, monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert f"source/{NAME}/{NAME}.ipynb differs from what course/ builds" in done.output


def test_check_finds_files_that_no_text_builds(small_course):
    built = release.build(small_course.load(), generate=generate)
    release.write(built)
    stray = small_course.root / "release" / NAME / "answers.npz"
    stray.write_bytes(b"")
    assert release.differences(small_course.load(), built, None) == [
        f"release/{NAME}/answers.npz has no text in course/: remove it."
    ]


def test_a_solution_that_the_release_shows_elsewhere_is_a_leak(small_course):
    small_course.edit(
        "don't change it.",
        "don't change it.\n#\n#     twice_of_the_number_that_was_given = x + x",
    )
    with pytest.raises(CourseError, match=r"cell 3 \(solution.*twice_of_the_number"):
        release.build(small_course.load(), generate=generate)


def test_a_hidden_test_that_the_release_shows_is_a_leak(small_course):
    line = 'assert submission.call("double", number) == 2 * number, "the hidden table of doubles'
    small_course.edit("don't change it.", f"don't change it.\n# {line} differs\"")
    with pytest.raises(CourseError, match=r"cell 4 \(tests .*release/04_counting shows"):
        release.build(small_course.load(), generate=generate)


def test_everyday_lines_are_no_leak(small_course):
    small_course.edit(
        "    twice_of_the_number_that_was_given = x + x\n",
        "    import math\n    assert double(2) == 4\n    twice_of_the_number_that_was_given = x\n",
    )
    release.build(small_course.load(), generate=generate)


def test_another_assignment_may_share_a_line_and_not_the_answer():
    lines = [f"    number_{n} = a_function_of_some_length(number_{n - 1})" for n in range(1, 4)]
    cell = ["# %% solution='long'", "def f(x):", "    ### BEGIN SOLUTION", *lines]
    text = "\n".join([*cell, "    ### END SOLUTION", ""])

    def leaks(other: str, shown: list[str]) -> list:
        cells = [nbformat.v4.new_code_cell("\n".join(shown))]
        released = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
        return list(release.find_leaks(NAME, text, {other: released}))

    assert not leaks("05_other", lines[:1]) and len(leaks(NAME, lines[:1])) == 1
    (found,) = leaks("05_other", lines)
    assert "release/05_other shows" in str(found)


def test_broken_rules_end_the_build_with_all_their_sentences(small_course, monkeypatch):
    small_course.edit("30 minutes", "40 minutes")
    small_course.edit("points=3", "points=4")
    done = run(small_course.root, "build", monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert 'say "30 minutes"' in done.output
    assert "worth 6 points" in done.output
    assert "Traceback" not in done.output
    assert not (small_course.root / "source").exists()


def test_a_broken_text_does_not_stop_the_build_of_another(small_course):
    (small_course.root / "course" / "05_broken.py").write_text("# %% tests='\n1 +\n")
    assert len(release.build(small_course.load(), [NAME], generate=generate)) == 2
    with pytest.raises(CourseError, match="05_broken"):
        release.build(small_course.load(), generate=generate)


def test_an_unknown_name_is_answered_with_the_known_ones(small_course, monkeypatch):
    done = run(small_course.root, "build", "nothing", monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert "The assignments are: 04_counting" in done.output


def test_adopt_after_a_build_changes_nothing(small_course, monkeypatch):
    run(small_course.root, "build", monkeypatch=monkeypatch)
    before = small_course.text
    done = run(small_course.root, "adopt", NAME, monkeypatch=monkeypatch)
    assert "already matches" in done.output
    assert small_course.text == before


def test_a_course_without_texts_builds_nothing(tmp_path, monkeypatch):
    done = run(tmp_path, "build", "--check", monkeypatch=monkeypatch)
    assert done.exit_code == 0
    assert "no texts" in done.output
