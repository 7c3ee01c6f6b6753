"""How long a cell may take, with a clock and a notebook that do as they are told."""

import pytest

from autograder.kernel import clock
from autograder.walled.client import Use

pytestmark = pytest.mark.unit


@pytest.fixture
def cell(monkeypatch):
    """``cell(seconds, cores, *uses)``: after how many seconds it is over, why, and how often it
    was asked."""

    def run(seconds, cores, use):
        now, asked = [0.0], []
        monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
        one = clock.Allowance(seconds, cores, lambda: asked.append(now[0]) or use(now[0]))
        for _ in range(1_000):
            now[0] += 1
            if why := one.over():
                return now[0], why, len(asked)
        return None, "", len(asked)

    return run


def test_a_cell_that_computes_ends_when_it_has_had_its_processor_time(cell):
    why = "used 10 seconds of processor time"
    assert cell(10, 1, lambda now: Use(now, True)) == (11, why, 3)
    assert cell(10, 1, lambda now: Use(5 + now / 4, True))[:2] == (41, why)
    assert cell(10, 2, lambda now: Use(2 * now, True))[1] == "used 20 seconds of processor time"


def test_a_cell_that_sleeps_ends_after_its_time(cell):
    assert cell(10, 1, lambda now: Use(3, False)) == (10, "took longer than 10 seconds", 2)


def test_a_cell_that_waits_for_a_core_goes_on(cell):
    assert cell(10, 1, lambda now: Use(3, True))[0] is None


def test_nothing_is_over_while_nobody_knows_what_was_used(cell):
    assert cell(10, 1, lambda now: None)[0] is None
    late = cell(10, 1, lambda now: None if now < 30 else Use(now, True))
    assert late[:2] == (40, "used 10 seconds of processor time")


def test_a_short_cell_is_asked_once(cell):
    asked = cell(2_000, 1, lambda now: Use(now, True))
    assert asked == (None, "", 1)
