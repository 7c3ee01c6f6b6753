"""A class on several machines: the same jobs, sent to a Dask scheduler.

This process, the scheduler and the workers share only messages: a job carries the notebook, the
files beside it, the settings and the thresholds, and returns the executed notebook. The gradebook
stays here. docs/scaling.md explains how to start workers.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from autograder.root import CourseError


class Cluster:
    """The workers of a scheduler, for `grade`; Dask gives the jobs of a dead worker to others."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # Not pure: two students with the same notebook are two jobs.
        self._executor = client.get_executor(pure=False, retries=2)

    @property
    def size(self) -> int:
        """One job for each thread of the workers that are connected now."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, *job: Any) -> Future:
        return self._executor.submit(*job)

    def died(self, future: Future) -> bool:
        return False  # no other job suffers, so none has to be tried alone

    def gave_up(self, error: BaseException) -> bool:
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)


@contextmanager
def connect(address: str, seconds: float = 30) -> Iterator[Cluster]:
    """Connect to a scheduler.

    Args:
        address: Where it listens, such as ``tcp://10.0.0.5:8786``.
        seconds: How long to wait for its answer.

    Yields:
        Its workers.

    Raises:
        CourseError: If Dask is not installed, or no scheduler answers in time.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise CourseError(
            "--cluster needs Dask: install distributed with pip where the autograder is installed."
        ) from None
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(f"No Dask scheduler answers at {address} ({error}).") from None
    with client:
        yield Cluster(client)
