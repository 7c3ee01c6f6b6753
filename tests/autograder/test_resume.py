"""A run that is killed at any moment, again and again, ends as an undisturbed one does."""

import os
import random
import shutil
import signal
import time

import pytest
from tiny import NAME, make, results, start

pytestmark = pytest.mark.kernel

STUDENTS = 8


@pytest.mark.timeout(900)
@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 30])
def test_kills_lose_nothing_and_count_nothing_twice(tmp_path, kills):
    undisturbed = make(tmp_path / "undisturbed", STUDENTS)
    disturbed = make(tmp_path / "disturbed", STUDENTS)
    began = time.monotonic()
    said, _ = start(undisturbed).communicate()
    whole = time.monotonic() - began
    want = results(undisturbed)
    assert len(want["scores"]) == STUDENTS, said
    moments = random.Random(8)
    for number in range(kills):
        run = start(disturbed)
        # Anywhere from its first imports to its end; every fourth one has time for some students.
        time.sleep(moments.uniform(0.2, whole if number % 4 == 3 else whole / 3))
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        if (disturbed / ".autograder" / NAME / "done").is_dir() and number == kills // 2:
            shutil.rmtree(disturbed / "autograded" / "student00", ignore_errors=True)
    said, _ = start(disturbed).communicate()
    assert f"{STUDENTS} submissions; the grader failed on 0" in said
    assert results(disturbed) == want
    said, _ = start(disturbed).communicate()
    assert said.count("graded before") == STUDENTS
