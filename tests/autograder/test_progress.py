"""A run says what is done, running, failed and left."""

import io

import pytest
from rich.console import Console

from autograder.run.grade import Progress
from autograder.run.progress import duration, line, shown

pytestmark = pytest.mark.unit

EVENT = Progress("ada", "done", 3, 40, running=4, failed=1, seconds_left=130.0)


def test_a_log_gets_one_line_an_event():
    out = io.StringIO()
    with shown(Console(file=out, width=200)) as watch:
        watch(EVENT)
        watch(Progress("bob", "broken", 4, 40, message="no [red] notebook"))
    lines = out.getvalue().splitlines()
    assert lines == [
        "[3/40] ada done (4 running, 1 failed, about 2 min left)",
        "[4/40] bob broken: no [red] notebook (0 running, 0 failed)",
    ]


def test_a_terminal_gets_a_bar_and_the_messages_above_it():
    out = io.StringIO()
    with shown(Console(file=out, width=200, force_terminal=True)) as watch:
        watch(EVENT)
        watch(Progress("bob", "broken", 4, 40, message="no notebook"))
    assert "4/40" in out.getvalue() and "bob broken: no notebook" in out.getvalue()


def test_nothing_is_left_at_the_end():
    assert "left" not in line(Progress("ada", "done", 40, 40, seconds_left=0.0))


def test_durations_are_said_as_people_say_them():
    assert [duration(s) for s in (40, 200, 7_500)] == ["40 s", "3 min", "2 h 5 min"]
