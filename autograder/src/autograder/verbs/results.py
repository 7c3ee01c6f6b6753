"""The verbs that show what a class reached: report and leaderboard."""

from typing import Annotated

import typer

from autograder.course import load
from autograder.verbs.program import RESULTS, app


@app.command(rich_help_panel=RESULTS)
def report(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to show (default: all)")
    ] = None,
) -> None:
    """Show the results of a class and write report/class.html and report/class.csv."""
    from autograder.nbgrader import results
    from autograder.pages import report as reporting

    course = load()
    chosen = names or [a.name for a in course.assignments]
    reports = [results.read(course.root, name) for name in chosen]
    reporting.show(reports)
    page = reporting.write(reports, course.root / "report" / "class.html", course.title)
    listed = reporting.write_csv(reports, page.with_suffix(".csv"))
    typer.echo(f"Open the class page: {page}")
    typer.echo(f"The same as a table for spreadsheets: {listed}")


@app.command(rich_help_panel=RESULTS)
def leaderboard(
    name: Annotated[str, typer.Argument(help="Assignment with a contest, such as 06_net_3")],
) -> None:
    """Rank a class by the accuracy that the grader measured, under names of their choice."""
    from rich.console import Console

    from autograder.nbgrader import results
    from autograder.pages import leaderboard as boards

    Console().print(boards.ranking(results.places(load().root, name)))
