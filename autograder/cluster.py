"""A class on several machines: the same jobs, sent to a Dask scheduler.

Nothing is shared between this process, the scheduler and the workers but messages: a job carries
the notebook, the files beside it, the settings and the thresholds, and brings back the executed
notebook. The gradebook stays here. docs/scaling.md tells how to start workers.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from autograder.course import CourseError


@contextmanager
def executor(address: str, seconds: float = 30) -> Iterator[Executor]:
    """The executor of the scheduler at ``address``, such as tcp://10.0.0.5:8786.

    Raises `CourseError` when Dask is not installed or no scheduler answers within ``seconds``.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise CourseError(
            "--cluster needs Dask: pip install 'convcourse-autograder[cluster]'."
        ) from None
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(f"No Dask scheduler answers at {address} ({error}).") from None
    with client:
        # Not pure: two students with the same notebook are two jobs.
        yield client.get_executor(pure=False, retries=2)
