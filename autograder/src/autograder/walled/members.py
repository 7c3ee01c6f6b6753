"""Which processes belong to a sandbox, as its keeper sees them."""

import os

from autograder.walled.processes import descendants
from autograder.walled.request import Walls


def members(request: Walls) -> list[int]:
    """The processes of the sandbox whose keeper this process is.

    The keeper's ``/proc`` is the sandbox's own, if it has namespaces. Otherwise, all that descends
    from the keeper belongs to the sandbox.
    """
    if request.place:
        return descendants(os.getpid())
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
