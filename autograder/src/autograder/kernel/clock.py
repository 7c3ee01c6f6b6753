"""Measures time: the seconds of each stage of a submission, and how long a cell may take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autograder.walled.client import Use


class Clock:
    """Adds up the wall time of each stage, and a process's computing time, in ``seconds``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str, computed: Callable[[], float] | None = None) -> Iterator[None]:
        """Time a stage.

        Args:
            stage: Its name.
            computed: Gives a process's computing time so far, which is kept as "STAGE compute".
        """
        began, before = time.perf_counter(), computed() if computed else 0.0
        try:
            yield
        finally:
            self._add(stage, time.perf_counter() - began)
            if computed:
                self._add(f"{stage} compute", max(0.0, computed() - before))

    def _add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


PATIENCE = 10  # times the seconds of a cell that it may take on a busy machine
_LOOK = 2.0  # seconds between two looks; more of them are the grader's own, who had to wait
_SLEEPS = 0.01  # of a core: who computes less, and does not wait for a core, sleeps


class Allowance:
    """What one cell may take: its own processor time, and beside it a generous wall time.

    What others compute on the machine costs a cell wall time and no processor time. So a cell that
    computes ends when it has had its processor time, or after `PATIENCE` times that long. A cell
    that sleeps, or waits for something that never comes, ends when its time is over.
    """

    def __init__(self, seconds: float, cores: int, use: Callable[[], Use | None]) -> None:
        """Start now.

        Args:
            seconds: How long the cell may take on a machine that does nothing else.
            cores: On how many cores it computes; it may compute so long on each.
            use: Gives how much of the processor the notebook has used so far, or None if that is
                unknown at this moment.
        """
        self.seconds, self.most = seconds, seconds * cores
        self._use, self._looked, self._took = use, time.monotonic(), 0.0
        self._before: float | None = None

    def over(self) -> str:
        """Why the cell must be stopped, as the end of a sentence; empty if it may go on.

        Called each second. The use is asked for as rarely as possible: at the first call, and when
        the cell can have used all of its time.
        """
        before, self._looked = self._looked, time.monotonic()
        # After a long wait of the grader's, the cell may have ended long ago, unread.
        self._took += min(self._looked - before, _LOOK)
        took = self._took
        if self._before is not None and took < self.seconds:
            return ""
        now = self._use()
        if now is None:
            return ""
        if self._before is None:
            self._before = now.seconds
        used = now.seconds - self._before
        if used >= self.most:
            return f"used {self.most:,g} seconds of processor time"
        if took >= self.seconds and used < _SLEEPS * took and not now.runs:
            return f"took longer than {self.seconds:,g} seconds"
        return ""
