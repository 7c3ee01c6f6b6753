"""Workers that die, large classes, gradebooks that others hold: what a run does about them."""

import gc
import sqlite3
import threading
import tracemalloc
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import tiny
from nbgrader.api import Gradebook

from autograder.nbgrader import ledger, results
from autograder.nbgrader.room import Room
from autograder.root import CourseError
from autograder.run import grade, job
from autograder.run.workers import Local
from convcourse import pretrained

pytestmark = pytest.mark.kernel


class Threads:
    """Workers that are threads of this process and do next to nothing."""

    size = 4

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(self.size)

    def submit(self, *job) -> Future:
        return self._executor.submit(*job)

    def died(self, future: Future) -> bool:
        return False

    def gave_up(self, error: BaseException) -> bool:
        return False


@pytest.fixture(autouse=True)
def no_kernels(monkeypatch):
    monkeypatch.setattr(grade, "execute", tiny.deadly)


def submit(root, student: str, answer: str) -> None:
    path = root / "submitted" / student / tiny.NAME / f"{tiny.NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tiny.notebook(answer))


def test_a_worker_that_dies_takes_only_its_own_submission_with_it(tmp_path):
    root = tiny.make(tmp_path, students=6)
    submit(root, "student02", "# end the worker")
    events = []
    states = grade.grade(root, tiny.NAME, jobs=2, watch=events.append)
    expected = {f"student{k:02}": "done" for k in range(6)} | {"student02": "failed"}
    assert states == expected
    assert len(events) == 6 and events[-1].failed == 1
    found = tiny.results(root)
    assert found["scores"] == {s: 0 if s == "student02" else 2 for s in expected}
    assert "no score yet" in found["notebooks"]["student02"][0]
    assert "worker died twice" in next(e.message for e in events if e.state == "failed")


def test_a_pool_that_closes_while_it_is_handed_a_job_is_made_anew():
    with Local(1) as local:
        assert local.submit(abs, -2).result() == 2
        closing = local._pool

        def submit(*job):
            raise OSError("handle is closed")

        closing.submit = submit
        assert local.submit(abs, -3).result() == 3
        assert local.submit(abs, -4).result() == 4 and local._pool is not closing


def test_what_the_grader_failed_on_is_tried_again_by_the_next_run(tmp_path):
    root = tiny.make(tmp_path, students=2)
    submit(root, "student00", "# end the worker")
    grade.grade(root, tiny.NAME, jobs=1)
    states = grade.grade(root, tiny.NAME, jobs=1)
    assert states == {"student00": "failed", "student01": "skipped"}
    submit(root, "student00", tiny.ANSWERS[0])
    assert grade.grade(root, tiny.NAME, jobs=1)["student00"] == "done"


def test_a_failure_leaves_no_score_of_an_earlier_hand_in(tmp_path):
    root = tiny.make(tmp_path, students=1)
    grade.grade(root, tiny.NAME, workers=Threads())
    assert tiny.results(root)["scores"] == {"student00": 2}
    submit(root, "student00", "# end the worker")
    grade.grade(root, tiny.NAME, jobs=1)
    assert tiny.results(root)["scores"] == {"student00": 0}
    (row,) = results.read(root, tiny.NAME).rows
    mark = row.marks["test"]
    assert mark.score is None and mark.automatic is None  # no score, which is not 0
    assert "no score yet" in mark.message and str(tmp_path) not in mark.message
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        submission = gradebook.find_submission(tiny.NAME, "student00")
        assert submission.needs_manual_grade
    submit(root, "student00", tiny.ANSWERS[0])
    grade.grade(root, tiny.NAME, workers=Threads())
    assert tiny.results(root)["scores"] == {"student00": 2}
    assert results.read(root, tiny.NAME).rows[0].marks["test"].score == 2


@pytest.mark.slow
def test_memory_stays_flat_over_a_large_class(tmp_path):
    root = tiny.make(tmp_path, students=90)
    for student in range(90):
        submit(root, f"student{student:02}", tiny.ANSWERS[0] + "\n# " + 50_000 * "x")
    kept = []

    def watch(event: grade.Progress) -> None:
        if event.done in (30, 60, 90):
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        states = grade.grade(root, tiny.NAME, workers=Threads(), watch=watch)
    finally:
        tracemalloc.stop()
    assert set(states.values()) == {"done"}
    # What is kept of submissions grows from each third to the next; the notebooks of 30 alone would
    # be three times this. What is loaded once, by whatever else this process does, is no leak.
    assert min(kept[1] - kept[0], kept[2] - kept[1]) < 500_000, kept


def test_a_second_run_beside_the_first_is_refused(tmp_path):
    root = tiny.make(tmp_path, students=1)
    with (
        Room(root, tiny.NAME).entered(),
        pytest.raises(CourseError, match="Another autograder grade is running"),
    ):
        grade.grade(root, tiny.NAME, jobs=1)


def test_a_class_is_not_graded_where_the_data_of_its_profile_is_missing(tmp_path, monkeypatch):
    root = tiny.make(tmp_path / "course", students=1)
    path = root / "source" / tiny.NAME / f"{tiny.NAME}.ipynb"
    needing = path.read_text().replace("double(1)", "data.load('cifar100')")
    assert "cifar100" in needing
    path.write_text(needing)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    quick = grade.Settings(profile="quick")
    with pytest.raises(CourseError, match=r"cannot grade this: COURSE_DATA .* no cifar100"):
        grade.grade(root, tiny.NAME, settings=quick, jobs=1)
    monkeypatch.setattr(grade, "execute", job.execute)
    with pytest.raises(CourseError, match=r"cannot grade this: COURSE_DATA .* no cifar100"):
        grade.grade(root, tiny.NAME, settings=quick, workers=Threads())
    path.write_text(needing.replace("data.load('cifar100')", "base = pretrained.load()"))
    monkeypatch.setattr(pretrained, "vgg16", _cut_off)
    with pytest.raises(CourseError, match=r"cannot grade this: VGG-16's weights"):
        grade.grade(root, tiny.NAME, settings=quick, jobs=1)
    assert not (root / "autograded").exists()


def _cut_off():
    raise pretrained.DataError("VGG-16's weights cannot be had")


def test_a_gradebook_that_another_program_holds_is_waited_for(tmp_path):
    root = tiny.make(tmp_path, students=1)
    with Room(root, tiny.NAME).entered():
        pass
    other = sqlite3.connect(root / "gradebook.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(7, lambda: other.execute("COMMIT")).start()
    assert grade.grade(root, tiny.NAME, workers=Threads()) == {"student00": "done"}


def test_a_gradebook_that_is_held_for_good_ends_the_run_with_a_sentence(tmp_path, monkeypatch):
    root = tiny.make(tmp_path, students=1)
    with Room(root, tiny.NAME).entered():
        pass
    monkeypatch.setattr(ledger, "PATIENCE", 1)
    other = sqlite3.connect(root / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CourseError, match="cannot be written"):
        grade.grade(root, tiny.NAME, workers=Threads())
    other.execute("COMMIT")
    assert grade.grade(root, tiny.NAME, workers=Threads()) == {"student00": "done"}


def test_marks_are_saved_together_or_not_at_all(tmp_path, monkeypatch):
    root = tiny.make(tmp_path, students=1)
    grade.grade(root, tiny.NAME, workers=Threads())
    submit(root, "student00", tiny.ANSWERS[1])
    monkeypatch.setattr(ledger.Ledger, "find_comment", _cut)
    with pytest.raises(KeyboardInterrupt):
        grade.grade(root, tiny.NAME, workers=Threads())
    assert tiny.results(root)["scores"] == {"student00": 2}
    monkeypatch.undo()
    monkeypatch.setattr(grade, "execute", tiny.deadly)
    assert grade.grade(root, tiny.NAME, workers=Threads()) == {"student00": "done"}


def _cut(*_):
    raise KeyboardInterrupt


def test_a_note_says_where_the_seconds_went(tmp_path):
    root = tiny.make(tmp_path, students=1)
    grade.grade(root, tiny.NAME, workers=Threads())
    seconds = Room(root, tiny.NAME).seconds()["student00"]
    assert set(seconds) == {"intake", "sanitize", "save"} and all(v > 0 for v in seconds.values())


def test_workers_are_told_to_end_although_this_process_is_stopped_while_it_waits_for_them():
    class Stopped(Exception):
        pass

    def stopped(**_: object) -> None:
        raise Stopped

    with pytest.raises(Stopped), Local(1) as local:
        assert local.submit(abs, -2).result() == 2
        pool, alive = local._pool, list(local._alive.values())
        shutdown, pool.shutdown = pool.shutdown, stopped
    assert [one.closed for one in alive] == [True]
    shutdown()
