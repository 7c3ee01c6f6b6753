"""Hints for the exercises, in three steps: a question, a pointer, almost the answer."""

import difflib
import functools
import textwrap
import tomllib
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent  # one file for each assignment
_shown: dict[str, int] = {}


def show(name: str, steps: Sequence[str] = ()) -> None:
    """Print the next hint of an exercise; after the last one, print that again.

    Args:
        name: The exercise's id, such as ``"net1-build"``.
        steps: The hints, in order. The files in `FOLDER` have those of the course's own
            exercises; an exercise of another course brings its hints along.
    """
    steps = steps or all_steps().get(name, {}).get("steps", ())
    if not steps:
        near = difflib.get_close_matches(name, all_steps(), n=3) or sorted(all_steps())
        print(textwrap.fill(f"There are no hints for {name!r}. Try {' or '.join(near)}.", 96))
        return
    step = min(_shown.get(name, 0), len(steps) - 1)
    _shown[name] = step + 1
    print(textwrap.fill(f"Hint {step + 1} of {len(steps)}: {steps[step]}", 96))
    if step + 1 < len(steps):
        print("Run this cell again for the next one.")


@functools.cache
def all_steps() -> dict[str, dict[str, list[str]]]:
    """Read the hints of every exercise from the files in `FOLDER`.

    Returns:
        For each exercise's id, ``{"steps": [...]}`` with its hints in order.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found
