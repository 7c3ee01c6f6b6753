"""Measures the seconds of each stage of a submission."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
