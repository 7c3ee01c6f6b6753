"""A class graded in a container as Docker starts it, by root and by an ordinary user."""

import json
from pathlib import Path

import pod
import pytest

from autograder.walled.request import OWN_USERS, SAME_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
GRADED = """
cat >graded.py <<'END'
import json, pathlib, sys
sys.path.insert(0, "{here}")
import tiny
from autograder.nbgrader import results
from autograder.run import grade
if __name__ == "__main__":  # workers import this file
    root = tiny.make(pathlib.Path("course"), students=4)
    states = grade.grade(root, tiny.NAME, settings=grade.Settings(cell_seconds=60), jobs=2)
    report = results.read(root, tiny.NAME)
    print(json.dumps([states, [row.score for row in report.rows], report.walls]))
END
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= python graded.py; ls -d /tmp/walls-*/*-* /dev/shm/*"""


@pytest.mark.parametrize(("user", "level"), [(0, OWN_USERS), (pod.USER, SAME_USER)])
def test_marks_are_those_of_any_machine_and_nothing_is_left(store, user, level):
    here = Path(__file__).parent
    done = pod.run(store, GRADED.format(here=here), user=user, seconds=400)
    said = done.stdout.splitlines()
    assert said, done.stderr
    states, scores, walls = json.loads(said[0])
    assert set(states.values()) == {"done"} and scores == [2, 0, 0, 2], done.stderr
    assert walls == f"Level of the walls: {level} (4 submissions)."
    assert said[1:] == []
