"""Hints for the exercises, in three steps: a question, a pointer, almost the answer.

They are folded: a student who runs all cells of a notebook sees none.
"""

import difflib
import functools
import html
import importlib
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent  # one file for each assignment
WIDTH = 96


def show(name: str, steps: Sequence[str] = (), *, step: int | None = None) -> None:
    """Show an exercise's hints folded: a click unfolds the first, and another one the next.

    A notebook that runs from top to bottom shows no hint.

    Args:
        name: The exercise's id, such as ``"net1-build"``.
        steps: The hints, in order. The files in `FOLDER` have those of the course's own
            exercises; an exercise of another course brings its hints along.
        step: The number of a hint to print as text, for programs in which nothing unfolds.
    """
    steps = steps or all_steps().get(name, {}).get("steps", ())
    if not steps:
        near = difflib.get_close_matches(name, all_steps(), n=3) or sorted(all_steps())
        print(textwrap.fill(f"There are no hints for {name!r}. Try {' or '.join(near)}.", WIDTH))
    elif step is None:
        _display(Folded(name, tuple(steps)))
    else:
        step = min(max(step, 1), len(steps))
        print(textwrap.fill(f"Hint {step} of {len(steps)}: {steps[step - 1]}", WIDTH))


@dataclass(frozen=True)
class Folded:
    """The hints of an exercise, as JupyterLab, Colab and VS Code show them.

    Attributes:
        name: The exercise's id.
        steps: The hints, in order.
    """

    name: str
    steps: tuple[str, ...]

    def __repr__(self) -> str:
        """What programs show that know no HTML."""
        return f'To print a hint, write hints.show("{self.name}", step=1).'

    def _repr_html_(self) -> str:
        """Each hint is folded away inside the one before it."""
        inner = ""
        for number, text in reversed(list(enumerate(self.steps, start=1))):
            title = f"<summary>Hint {number} of {len(self.steps)}</summary>"
            inner = f"<details>{title}<p>{html.escape(text)}</p>{inner}</details>"
        return inner


def _display(shown: Folded) -> None:
    try:
        display = importlib.import_module("IPython.display").display
    except ImportError:  # no notebook without IPython
        display = print
    display(shown)


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
