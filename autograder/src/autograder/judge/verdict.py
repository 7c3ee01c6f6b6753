"""The result of a hidden block."""

import math
from dataclasses import dataclass, field, replace

from convcourse import outcomes


@dataclass(frozen=True)
class Verdict:
    """The result of a hidden block: an outcome, and a score if it ends in a number."""

    status: str
    message: str = ""
    score: float | None = None  # points: the last number of a test cell, as in nbgrader
    detail: str = ""  # a message that only the instructor may read
    partly: bool = False  # whether the score is above 0 and below the cell's points
    notes: dict[str, str | float] = field(default_factory=dict)  # for the class's leaderboard
    look: str = ""  # why a person must look at it, which students never see

    @property
    def passed(self) -> bool:
        """Whether it gives points, all or a part of them."""
        return self.status == outcomes.PASSED

    def within(self, points: float) -> "Verdict":
        """This verdict with a score from 0 to ``points``, which its message states."""
        if self.score is None:
            return self
        score = self.score if math.isfinite(self.score) else 0.0
        score = min(max(score, 0.0), float(points))
        if score == 0:
            words = f"The hidden checks give none of {points:g} points. {self.message}"
            return Verdict(outcomes.WRONG, words.rstrip())
        words = f"{score:g} of {points:g} points. {self.message}".rstrip()
        return replace(self, score=score, message=words, partly=score < points)
