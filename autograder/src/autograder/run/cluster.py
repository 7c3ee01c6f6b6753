"""A class on several machines: the same jobs, sent to a Dask scheduler.

Nothing is shared between this process, the scheduler and the workers but messages: a job carries
the notebook, the files beside it, the settings and the thresholds, and brings back the executed
notebook. The gradebook stays here. docs/scaling.md tells how to start workers.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from autograder.course import CourseError


class Cluster:
    """The workers of a scheduler, as `grade` takes them; Dask gives a dead one's jobs to others."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # Not pure: two students with the same notebook are two jobs.
        self._executor = client.get_executor(pure=False, retries=2)

    @property
    def size(self) -> int:
        """One job a thread, of the workers that are there now."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, *job: Any) -> Future:
        return self._executor.submit(*job)

    def died(self, future: Future) -> bool:
        return False  # no job beside it suffers, so none has to be tried alone

    def gave_up(self, error: BaseException) -> bool:
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)


@contextmanager
def connect(address: str, seconds: float = 30) -> Iterator[Cluster]:
    """The workers of the scheduler at ``address``, such as tcp://10.0.0.5:8786.

    Raises `CourseError` when Dask is not installed or no scheduler answers within ``seconds``.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise CourseError(
            "--cluster needs Dask: run pip install distributed where the autograder is installed."
        ) from None
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(f"No Dask scheduler answers at {address} ({error}).") from None
    with client:
        yield Cluster(client)
