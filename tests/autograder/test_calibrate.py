"""Thresholds are found by training the reference and its broken variants many times."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import load
from autograder.root import CourseError
from autograder.text import calibrate
from autograder.text.calibrate import Figures

pytestmark = pytest.mark.unit

TOML = """
[[assignment]]
name = "01_small"
title = "Small"
minutes = 5
points = 2

[assignment.thresholds]
small-accuracy = { offline = 0.6 }
"""
TEXT = """# %%
import math
raise SystemExit("a plain cell is not run")

# %% solution="small-answer"
def answer(seed):
    ### BEGIN SOLUTION
    return math.floor(0.5) + 0.8 + 0.01 * seed
    ### END SOLUTION

# %% tests="small" points=2
raise SystemExit("nor is a check")
"""
RECIPE = """
from pathlib import Path
EXERCISE, SEEDS = "small-accuracy", 3

def variants(solution):
    def broken(seed):
        with Path(LOG).open("a") as file:
            file.write(f"{seed} ")
        return 0.2 + 0.01 * seed
    return {"reference": solution["answer"], "broken": broken}
"""


@pytest.fixture()
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    (tmp_path / "course" / "calibration").mkdir(parents=True)
    (tmp_path / "course" / "course.toml").write_text(TOML)
    (tmp_path / "course" / "01_small.py").write_text(TEXT)
    recipe = f"LOG = {str(tmp_path / 'log')!r}\n" + RECIPE
    (tmp_path / "course" / "calibration" / "01_small.py").write_text(recipe)
    return load(tmp_path)


def run(course, **settings):
    said = []
    path = calibrate.calibrate(course, "01_small", "offline", said.append, **settings)
    return path, said


def test_figures_hold_every_seed_of_every_variant(course):
    path, said = run(course)
    figures = tomllib.loads(path.read_text())
    assert figures["variants"]["reference"]["accuracies"] == [0.8, 0.81, 0.82]
    assert figures["variants"]["broken"]["mean"] == 0.21
    assert figures["between"] == [0.25, 0.77]
    assert said[-1].endswith("it holds.")


def test_a_run_that_was_stopped_goes_on_where_it_was(course):
    run(course, seeds=2)
    lines = course.root / ".autograder" / "calibration" / "01_small.offline.jsonl"
    lines.write_text(lines.read_text() + '{"state": "cut')
    lines.write_text(lines.read_text() + "\n")
    run(course)
    assert (course.root / "log").read_text().split() == ["0", "1", "2"]


def test_another_answer_makes_old_trainings_count_no_more(course):
    run(course)
    text = course.text_path("01_small")
    text.write_text(text.read_text().replace("0.8", "0.9"))
    path, _ = run(course)
    assert tomllib.loads(path.read_text())["variants"]["reference"]["mean"] == 0.91
    states = {
        json.loads(line)["state"]
        for line in (course.root / ".autograder/calibration/01_small.offline.jsonl")
        .read_text()
        .splitlines()
    }
    assert len(states) == 2


def test_a_threshold_too_close_is_told_with_the_room_that_there_is():
    figures = [Figures("reference", [0.8, 0.82]), Figures("broken", [0.2, 0.22])]
    lines = list(calibrate.verdict(0.78, figures))
    assert "must lie between 0.2666 and 0.7534" in lines[-1]


def test_variants_that_accuracy_cannot_tell_apart_are_said_to_be_so():
    figures = [Figures("reference", [0.8, 0.9]), Figures("broken", [0.7, 0.8])]
    assert "does not tell them apart" in list(calibrate.verdict(0.8, figures))[-1]


def test_an_assignment_without_a_recipe_ends_in_a_sentence(course):
    (course.root / "course" / "calibration" / "01_small.py").unlink()
    with pytest.raises(CourseError, match="write down its variants"):
        run(course)


def test_one_seed_has_no_spread_and_is_refused_before_anything_is_trained():
    refused = CliRunner().invoke(app, ["calibrate", "03_net_1", "--seeds", "1"])
    assert refused.exit_code == 2 and "--seeds" in refused.output


COMMITTED = sorted((Path(__file__).parents[2] / "course" / "calibration").glob("*.toml"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_courses_thresholds_are_those_that_were_measured(path):
    measured = tomllib.loads(path.read_text())
    figures = [Figures(name, f["accuracies"]) for name, f in measured["variants"].items()]
    lowest, highest = calibrate.room(figures)
    assert [lowest, highest] == pytest.approx(measured["between"], abs=5e-4)
    name, profile = path.stem.split(".")
    thresholds = load(Path(__file__).parents[2]).assignment(name).thresholds
    threshold = thresholds[measured["exercise"]][profile]
    assert threshold == measured["threshold"]
    assert threshold < min(figures[0].accuracies) and figures[0].name == calibrate.REFERENCE
    if lowest <= highest:  # accuracy tells them all apart: so does each band of the exercise
        assert all(lowest <= bands[profile] <= highest for bands in thresholds.values())
    assert profile != "offline" or lowest <= highest
