"""A mark for tests that need the walls: they are skipped where the machine cannot build them.

With REQUIRE_WALLS=1 nothing is skipped: the tests cannot be collected, and the run fails.
"""

import os

import pytest

from autograder.walled import walls

if os.environ.get("REQUIRE_WALLS") == "1":
    walls.require("run without REQUIRE_WALLS=1 to skip the tests that need them")

walls_needed = pytest.mark.skipif(
    bool(walls.missing()), reason=f"this machine cannot build {', '.join(walls.missing())}"
)
