"""The walls around a process, in building order, and whether this machine can build them.

`outer` is called in the keeper before it forks, `inner` in the forked process. Each wall is one
function; its name is what people read.
"""

from collections.abc import Iterable
from typing import Any

from autograder.walled import levels, probe
from autograder.walled.errors import WallError
from autograder.walled.levels import LEVELS, Wall, named
from autograder.walled.request import NAMESPACES, Walls
from autograder.walled.stay import Stay


def begun(request: Walls) -> Stay:
    """What the sandbox has on this machine besides its walls; the keeper ends it.

    Raises:
        WallError: If this machine does not have it.
    """
    stay = Stay(request)
    try:
        stay.begin()
    except OSError as error:
        said = f"This machine cannot build the sandbox's level {request.level!r} ({error})"
        raise WallError(_sentence(said, request.advice)) from None
    return stay


def outer(request: Walls) -> None:
    """Build the walls that surround the process forked next.

    Raises:
        WallError: If this machine cannot build one of them.
    """
    _build(levels.of(request.level).outer, request)


def inner(request: Walls) -> int:
    """Build the remaining walls around this process.

    Returns:
        A file for the keeper, on which `calls.Calls` answers.

    Raises:
        WallError: If this machine cannot build one of them.
    """
    return _build(levels.of(request.level).inner, request)


def _build(walls: Iterable[Wall], request: Walls) -> Any:
    built = None
    for wall in walls:
        try:
            built = wall(request)
        except (OSError, AttributeError) as error:
            said = f"This machine cannot build the sandbox's wall {named(wall)!r} ({error})"
            raise WallError(_sentence(said, request.advice)) from None
    return built


def _sentence(said: str, advice: str) -> str:
    return f"{said}: {advice}." if advice else f"{said}."


# ---------------------------------------------------------------------- can it be built here


def missing(level: str = NAMESPACES) -> tuple[str, ...]:
    """The names of the walls of a level that this machine cannot build."""
    return probe.found().missing(level)


def require(advice: str = "", places: Iterable[str] = ()) -> str:
    """The name of the strongest level that this machine can build.

    Args:
        advice: How the message ends.
        places: What the process must be able to read, besides the system and this Python.

    Raises:
        WallError: If it can build none; the message names what the weakest one lacks.
    """
    found = probe.found(places)
    if found.level:
        return found.level
    names = found.missing(LEVELS[-1].name)
    said = f"This machine cannot build {len(names)} of the sandbox's walls ({', '.join(names)})"
    raise WallError(_sentence(said, advice))
