"""The program `autograder`. Loads the command line only if no server takes the run."""

import signal
import sys
from collections.abc import Sequence

from autograder.root import CourseError, find_root
from autograder.run import handover


def main() -> None:
    """Hand a run of `grade` over to `autograder serve`, or else do what the command line says."""
    try:
        code = _handed_over(sys.argv[1:])
    except KeyboardInterrupt:  # no run has begun
        code = 128 + signal.SIGINT
    if code is not None:
        sys.exit(code)
    from autograder.cli import app

    app()


def _handed_over(arguments: Sequence[str]) -> int | None:
    """The exit code of a run that a server took; None if there is none."""
    elsewhere = any(one.partition("=")[0] == "--cluster" for one in arguments)
    if arguments[:1] != ["grade"] or elsewhere:
        return None
    try:
        return handover.handed_over(find_root(), arguments)
    except CourseError:  # the command line says it
        return None
