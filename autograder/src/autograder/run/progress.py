"""Shows the progress of a run: a live line in a terminal, plain lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn


@contextmanager
def shown(console: Console | None = None) -> Iterator[Callable[[Any], None]]:
    """Show the progress of a run.

    Args:
        console: Where to show it; by default the standard output.

    Yields:
        A function that shows a `grade.Progress` event.
    """
    console = console or Console()
    if not console.is_terminal:
        yield lambda event: console.print(line(event), markup=False, highlight=False)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("grading", total=None, words="starting")

        def watch(event: Any) -> None:
            if event.message and event.state != "skipped":
                bar.console.print(f"{event.student} {event.state}: {event.message}", markup=False)
            bar.update(task, completed=event.done, total=event.total, words=words(event))

        yield watch


@contextmanager
def counted(title: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show how many of many short jobs are done: a bar in a terminal, otherwise nothing.

    Yields:
        A function that takes the number of jobs that are done, and the number of all.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def line(event: Any) -> str:
    """One event as a line of a log."""
    said = f": {event.message}" if event.message else ""
    student = f"{event.student} {event.state}{said}"
    return f"[{event.done}/{event.total}] {student} ({words(event)})"


def words(event: Any) -> str:
    """How many are running, how many failed and, if known, how much time is left."""
    parts = [f"{event.running} running", f"{event.failed} failed"]
    if event.seconds_left is not None and event.done < event.total:
        parts.append(f"about {duration(event.seconds_left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in a readable form: 40 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
