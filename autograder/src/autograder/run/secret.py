"""The seed of a course's held-out images, which students must not know.

A network that was trained on the images that judge shines only there. So a course whose
``course.toml`` names no seed makes one of its own at its first grading, outside what is published.
"""

import json
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path

from autograder.root import ROOM, TABLE
from convcourse.files import write_whole

FILE = "heldout_seed"
MADE = (
    f"The held-out images come from this course's own seed, which was made now: {ROOM}/{FILE}. "
    "Keep it, and publish it nowhere."
)


def table(root: Path, say: Callable[[str], None] = lambda words: None) -> str:
    """The text of course.toml, with a seed.

    Args:
        root: The course folder.
        say: Called with a sentence if a seed is made.
    """
    path = Path(root) / TABLE
    text = path.read_text("utf-8") if path.is_file() else ""
    if "heldout_seed" in tomllib.loads(text):
        return text
    return f"heldout_seed = {_own(Path(root) / ROOM / FILE, say)}\n{text}"


def judged_by(text: str, assignment: str) -> str:
    """What marks depend on besides the notebook and its source: the seed and the thresholds.

    Args:
        text: What `table` gave.
        assignment: The assignment.
    """
    known = tomllib.loads(text)
    each = [one for one in known.get("assignment", []) if one.get("name") == assignment]
    thresholds = [one.get("thresholds", {}) for one in each]
    return json.dumps([known["heldout_seed"], thresholds], sort_keys=True)


def _own(path: Path, say: Callable[[str], None]) -> int:
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        write_whole(path, f"{secrets.randbelow(2**31)}\n")
        path.chmod(0o600)
        say(MADE)
    return int(path.read_text("utf-8"))
