"""Which faults of a reference solution its checks notice, and what becomes of the others."""

import json

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import load
from autograder.root import CourseError
from autograder.run import mutate, survivors, trial

pytestmark = pytest.mark.kernel

TABLE = """
[[assignment]]
name = "01_small"
title = "Small"
minutes = 5
points = 4
"""
TEXT = '''# %% setup="small-setup"
# build writes the set-up cell here.

# %%
import numpy as np

unused = 1 / 0

# %% solution="small-gap-answer"
def gap(a, b, scale=1):
    """Example: gap(3, 1) is 2."""
    ### BEGIN SOLUTION
    return (a - b) * scale
    ### END SOLUTION

# %%
print(gap(3, 1))

# %% tests="small-gap" points=2
checks.equal(gap(3, 1), 2, "gap(3, 1)")
### BEGIN HIDDEN TESTS
from autograder import submission

submission.checks.equal(submission.call("gap", 9, 4), 5, "gap(9, 4)")
### END HIDDEN TESTS

# %% solution="small-twice-answer"
def twice(n):
    ### BEGIN SOLUTION
    while n < 0:
        n += 1
    return 2 * n
    ### END SOLUTION

# %% tests="small-twice" points=2
checks.equal(twice(3), 6, "twice(3)")
### BEGIN HIDDEN TESTS
from autograder import submission

submission.checks.equal(submission.call("twice", -2), 0, "twice(-2)")
### END HIDDEN TESTS
'''
EQUIVALENT = """
[[mutant]]
id = "{id}"
why = "{why}"
"""


@pytest.fixture()
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    (tmp_path / "course" / "equivalents").mkdir(parents=True)
    (tmp_path / "course" / "course.toml").write_text(TABLE)
    (tmp_path / "course" / "01_small.py").write_text(TEXT)
    return load()


def test_the_checks_of_a_solution_end_where_the_next_solution_begins():
    assert [one.names for one in mutate.exercises(TEXT)] == [
        {"small-gap-answer", "small-gap"},
        {"small-twice-answer", "small-twice"},
    ]


def test_partial_credit_below_the_references_is_noticed():
    steps = [(trial.HIDDEN, "t", "x = 2\nx")]
    assert trial.attempt(steps, {"t": 3.0}).outcome == trial.HIDDEN
    assert trial.attempt(steps, {"t": 2.0}).outcome == trial.SURVIVED


def test_an_entry_without_a_reason_is_refused(course):
    path = course.root / "course" / "equivalents" / "01_small.toml"
    path.write_text(EQUIVALENT.format(id="small-gap-answer/x/1", why=""))
    with pytest.raises(CourseError, match="does not say why small-gap-answer/x/1"):
        survivors.equivalents(course, "01_small")


def test_an_unknown_exercise_is_named_with_those_that_there_are(course):
    with pytest.raises(CourseError, match="no exercise gap; it has: small-gap, small-gap-answer"):
        mutate.chosen(course, "01_small", ["gap"])


def test_survivors_are_listed_until_they_are_known_to_be_equivalent(course):
    runner = CliRunner()
    shown = runner.invoke(app, ["mutate", "01_small", "--jobs", "2", "--exercise", "small-gap"])
    assert shown.exit_code == 1, shown.output
    ids = [line.split()[-1] for line in shown.output.splitlines() if "survived:" in line]
    ignored = next(one for one in ids if "ignored-argument" in one)
    assert "+ scale = 1" in shown.output  # no check passes another scale
    path = course.root / "course" / "equivalents" / "01_small.toml"
    listed = [*ids, "small-gap-answer/gone/1"]
    path.write_text("".join(EQUIVALENT.format(id=one, why="It is tried here.") for one in listed))
    store = course.root / ".autograder" / "mutants" / "01_small.offline.jsonl"
    before = store.read_text()
    again = runner.invoke(app, ["mutate", "01_small", "--exercise", "small-gap"])
    assert again.exit_code == 0, again.output
    assert store.read_text() == before, "known mutants were judged again"
    assert ignored not in again.output
    whole = runner.invoke(app, ["mutate", "01_small", "--jobs", "2"])
    assert "small-gap-answer/gone/1 is listed as equivalent, but there is no such" in whole.output


def test_a_mutant_that_hangs_is_caught_by_the_time_limit(course, monkeypatch):
    monkeypatch.setattr(mutate, "SPARE_SECONDS", 2)
    judged = mutate.judge(course, "01_small", "offline", 2, ["small-twice"])
    hanging = [one for one in judged if one.mutant.change.startswith("n += 1 → pass")]
    assert [one.result.outcome for one in hanging] == [trial.TIMEOUT]


def test_a_stopped_run_keeps_what_it_judged(course):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mutate.judge(course, "01_small", "offline", 1, ["small-gap"], watch=stop)
    store = course.root / ".autograder" / "mutants" / "01_small.offline.jsonl"
    kept = [json.loads(line)["mutant"] for line in store.read_text().splitlines()]
    seen: list[int] = []
    mutate.judge(
        course, "01_small", "offline", 1, ["small-gap"], watch=lambda done, total: seen.append(done)
    )
    assert len(kept) >= 3
    assert min(seen) > len(kept)


def test_a_reference_that_fails_its_own_check_is_named(course):
    course.text_path("01_small").write_text(TEXT.replace("(a - b) * scale", "a + b"))
    with pytest.raises(CourseError, match=r"small-gap-answer does not pass small-gap: .*is 4"):
        mutate.judge(course, "01_small", "offline", 1, ["small-gap"])


@pytest.mark.slow
def test_a_changed_text_is_judged_again(course):
    mutate.judge(course, "01_small", "offline", 1, ["small-gap"])
    case = 'submission.checks.equal(submission.call("gap", 9, 4, scale=3), 15, "gap")\n### END'
    text = TEXT.replace("### END HIDDEN", case + " HIDDEN", 1)
    course.text_path("01_small").write_text(text)
    judged = mutate.judge(course, "01_small", "offline", 1, ["small-gap"])
    assert not [one for one in judged if one.survived and "scale" in one.mutant.change[:9]]
