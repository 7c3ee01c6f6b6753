"""A mark for tests of the level *namespaces*: they are skipped where the machine lacks a wall.

With REQUIRE_WALLS=1 nothing is skipped: the tests cannot be collected, and the run fails.
"""

import os

import pytest

from autograder.walled import probe, walls
from autograder.walled.errors import WallError

if os.environ.get("REQUIRE_WALLS") == "1" and walls.missing():
    raise WallError(
        f"This machine cannot build {', '.join(walls.missing())}: run without REQUIRE_WALLS=1 to "
        "skip the tests that need them."
    )

walls_needed = pytest.mark.skipif(
    bool(walls.missing()), reason=f"this machine cannot build {', '.join(walls.missing())}"
)
level_needed = pytest.mark.skipif(
    not probe.found().level, reason="this machine cannot build the walls of any level"
)
