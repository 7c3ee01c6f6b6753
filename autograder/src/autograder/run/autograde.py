"""Executes what nbgrader grades: Formgrader's *Autograde* button and `nbgrader autograde`.

`nbgrader.judging` holds what comes before and after.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from autograder.intake.notes import LOOK
from autograder.nbgrader import judging
from autograder.nbgrader.room import Room
from autograder.run.grade import settled
from autograder.run.job import Executed, Settings, persist
from autograder.run.refusal import refused
from autograder.text import needs
from autograder.text.cells import facts
from autograder.warm import provisioner, reach

_Made = TypeVar("_Made")


class JudgedExecute(judging.Judging):
    """Runs the notebook behind walls, and hidden tests in a judge's process."""

    def done(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Execute every code cell in order and return the notebook with its verdicts."""
        room, student = self.room(resources), resources["nbgrader"]["student"]
        with room.entered():
            one = judging.read(room, student)
            room.forget(one)
            settings = self._settings(room)
        text, done = nbformat.writes(nb), Executed("", {}, "")
        if one.broken:
            made = refused(text, one.broken, ("tests", "answer"))
        else:
            done = _alone(persist, text, one.files, settings)
            made = nbformat.reads(done.text, as_version=4)
        looks = frozenset(facts(cell)[1] for cell in made.cells if LOOK in cell.metadata)
        resources[judging.KEY] = judging.Judged(room, one, done.seconds, done.level, looks)
        return made, resources

    def _settings(self, room: Room) -> Settings:
        level = reach.require() if self.sandbox else ""
        code = [cell.source for cell in room.source.cells if cell.cell_type == "code"]
        asked = Settings(
            profile=self.profile,
            kernel=provisioner.NAME,
            cell_seconds=room.cell_seconds,
            threads=1,  # as for each of the usual jobs of `autograder grade`
            walls=self.sandbox,
            level=level,
            data=needs.of(code) if self.profile != "offline" else (),
            hidden=self.hidden,
        )
        return settled(room, asked, self.log.warning)


def _alone(function: Callable[..., _Made], *arguments: Any) -> _Made:
    """Call a function where no event loop runs, as one does in Formgrader."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*arguments)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_with_loop, function, *arguments).result()


def _with_loop(function: Callable[..., _Made], *arguments: Any) -> _Made:
    """Call a function in a thread, and close the loop that nbclient opens there."""
    try:
        return function(*arguments)
    finally:
        ensure_event_loop().close()
