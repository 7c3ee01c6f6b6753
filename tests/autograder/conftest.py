"""A course of one small assignment, for the tests of building and releasing it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder import course

sys.path.insert(0, str(Path(__file__).parent))
# nbgrader calls alembic by its bare name.
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]

ROOT = Path(__file__).resolve().parents[2]
NAME = "04_counting"

TABLE = """\

[[assignment]]
name = "04_counting"
title = "Counting"
minutes = 30
points = 5
[assignment.thresholds]
"counting-speed" = {offline = 0.5, quick = 0.75}
"""

TEXT = '''\
# %% [markdown]
# # Counting
# This takes 30 minutes.

# %% [markdown] locked="counting-intro"
# Read this, and don't change it.

# %% solution="counting-double"
def double(x):
    """Twice a number: double(2) is 4."""
    ### BEGIN SOLUTION
    twice_of_the_number_that_was_given = x + x
    return twice_of_the_number_that_was_given
    ### END SOLUTION


# %% tests="counting-double-check" points=3
assert double(2) == 4
### BEGIN HIDDEN TESTS
from autograder import submission

for number in range(100, 110):
    assert submission.call("double", number) == 2 * number, "the hidden table of doubles differs"
### END HIDDEN TESTS

# %% [markdown] answer="counting-why" points=2
# Why is it twice?
#
# ### BEGIN SOLUTION
# Because a sum of two equal numbers is the double of either; one point for the words equal, sum.
# ### END SOLUTION
'''


@dataclass
class SmallCourse:
    """A course folder whose one text a test may edit."""

    root: Path

    @property
    def text_path(self) -> Path:
        return self.root / "course" / f"{NAME}.py"

    @property
    def text(self) -> str:
        return self.text_path.read_text()

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text_path.write_text(self.text.replace(old, new))

    def load(self) -> course.Course:
        return course.load(self.root)


@pytest.fixture
def small_course(tmp_path: Path) -> SmallCourse:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "course.toml").write_text(TABLE)
    (tmp_path / "course" / f"{NAME}.py").write_text(TEXT)
    (tmp_path / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    return SmallCourse(tmp_path)
