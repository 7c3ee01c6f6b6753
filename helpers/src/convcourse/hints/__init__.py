"""Hints for the exercises, in three steps: a question, a pointer, almost the answer."""

import functools
import textwrap
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent  # one file for each assignment
_shown: dict[str, int] = {}


def show(name: str) -> None:
    """Print the next hint of an exercise; after the last one, print that again.

    Args:
        name: The exercise's id, such as ``"net1-build"``.

    Raises:
        KeyError: If there are no hints for the exercise; the message lists those that there are.
    """
    steps = all_steps().get(name, {}).get("steps")
    if not steps:
        known = ", ".join(sorted(all_steps()))
        raise KeyError(f"there are no hints for {name!r}; there are hints for: {known}")
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
