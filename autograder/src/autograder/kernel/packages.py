"""Packages that a notebook imports and the grader does not have, named in the verdicts they cost.

They are read from the notebook's code, not from what its kernel says, so that student code cannot
choose the words.
"""

from dataclasses import replace
from pathlib import Path

from autograder.judge.verdict import Verdict
from autograder.text import needs
from autograder.warm.imports import sentence

MOST_NAMED = 5
# What a verdict says when an earlier cell ended at its import, or code used what it had imported.
_SIGNS = [sentence("").rpartition(",")[2], "ModuleNotFoundError"]
_SIGNS += ["NameError", "is not defined", "does not exist"]


class Packages:
    """What the cells of one notebook have imported so far.

    Args:
        folder: The folder of the notebook, whose modules it can import.
    """

    def __init__(self, folder: Path) -> None:
        self._beside = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
        self._all: list[str] = []
        self._since: list[str] = []  # the cells after the last test cell

    def saw(self, source: str) -> None:
        """Take in a cell that has run."""
        self._all.append(source)
        self._since.append(source)

    def missing(self, verdict: Verdict) -> str:
        """The packages that may have caused the verdict of the test cell that follows, as a list.

        Empty if it passed, or if nothing hints at a package.
        """
        since, self._since = self._since, []
        if verdict.passed or not (lacks := needs.lacking(self._all, self._beside)):
            return ""
        said = f"{verdict.message} {verdict.detail}"
        near = set(needs.lacking(since, self._beside)).intersection(lacks)
        names = sorted(near) or (lacks if any(sign in said for sign in _SIGNS) else ())
        return ", ".join(name[:60] for name in names[:MOST_NAMED])


def named(verdict: Verdict, listed: str) -> Verdict:
    """The verdict with the packages that `Packages.missing` found, for student and instructor."""
    told = "" if sentence(listed) in verdict.message else f"{sentence(listed)} "
    advice = f"Install {listed} where you grade, then grade this submission with --force."
    return replace(
        verdict,
        message=f"{verdict.message} {told}Ask your instructor to grade it with that package.",
        detail=f"{advice} {verdict.detail}".rstrip(),
    )
