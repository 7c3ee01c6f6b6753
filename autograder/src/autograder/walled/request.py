"""What a caller asks of the walls, as plain data for the server."""

from dataclasses import asdict, dataclass
from typing import Any

from autograder.walled.limits import LIMITS, Limits

# The names of the levels in `levels`, strongest first.
NAMESPACES, OWN_USERS, SAME_USER = "namespaces", "own users", "same user"


@dataclass(frozen=True)
class Walls:
    """The request for a sandbox.

    Attributes:
        folder: The working folder. The sandbox gets a copy at the same path; nothing comes back.
        sockets: A folder that both sides see. Once the process is ready, it cannot write there.
        readable: What the process may read: the real path of each path that it sees.
        limits: How much all processes of the sandbox may use together.
        hidden: Folders that an empty one covers, wherever ``readable`` would show them.
        forget: Top-level packages whose modules are removed from ``sys.modules``.
        home: The home folder, writable and empty; its last part is the user's name.
        called: What messages about a limit call the process.
        advice: How messages about a missing wall end.
        level: The name of the level whose walls are built.
        user: The user number that it has for itself, if its keeper has found one; otherwise 0.
        place: Where its folders are if it has no file tree of its own; its keeper makes it.
    """

    folder: str
    sockets: str
    readable: dict[str, str]
    limits: Limits = LIMITS
    hidden: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    home: str = "/home/user"
    called: str = "The process"
    advice: str = ""
    level: str = NAMESPACES
    user: int = 0
    place: str = ""

    def plain(self) -> dict[str, Any]:
        """The request as JSON data."""
        return asdict(self)

    @classmethod
    def read(cls, plain: dict[str, Any]) -> "Walls":
        """The request that `plain` wrote."""
        lists = {name: tuple(plain[name]) for name in ("hidden", "forget")}
        return cls(**{**plain, **lists, "limits": Limits(**plain["limits"])})
