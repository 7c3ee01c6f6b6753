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
    """Show the results of a class; write a page of it, one for each student, and a CSV file."""
    from autograder.nbgrader import results
    from autograder.pages import listing
    from autograder.pages import report as reporting

    course = load()
    chosen = [course.named(name) for name in names or ()]
    every = results.graded(course, chosen)
    reports = {name: results.read(course.root, name) for name in every}
    shown = [reports[name] for name in chosen or every]
    listing.show(shown)
    page = course.root / "report" / "class.html"
    pages = reporting.write_students([*reports.values()], page, course.title, course.root)
    reporting.write(shown, page, course.title, course.root)
    listed = listing.write_csv(shown, page.with_suffix(".csv"))
    typer.echo(f"Open the class page: {page}")
    typer.echo(f"It leads to the pages of {len(pages)} students in {page.parent / 'students'}.")
    typer.echo(f"The same as a table for spreadsheets: {listed}")


@app.command(rich_help_panel=RESULTS)
def leaderboard(
    name: Annotated[str, typer.Argument(help="Assignment with a contest, such as 06_net_3")],
) -> None:
    """Rank a class by the accuracy that the grader measured; write a page of it."""
    from rich.console import Console

    from autograder.nbgrader import results
    from autograder.pages import leaderboard as boards

    course = load()
    results.require_contest(course, course.named(name))
    entries = results.places(course.root, name)
    Console().print(boards.ranking(entries))
    page = boards.write(entries, course.root / "report", name, course.title)
    typer.echo(f"Open the leaderboard: {page}")


@app.command(rich_help_panel=RESULTS)
def similar(
    name: Annotated[str, typer.Argument(help="The assignment")],
) -> None:
    """List code answers that resemble each other, side by side, for a person to judge."""
    from autograder.nbgrader import results
    from autograder.pages import side_by_side
    from autograder.text import similarity

    course = load()
    results.graded(course, [course.named(name)])
    report = results.read(course.root, name)
    answers = results.code_answers(course.root, name)
    found = similarity.find(answers, results.code_given(course, name))
    place = course.root / "report"
    page = side_by_side.write(found, place, name, report.names, course.title)
    short = sum(found.short.values())
    typer.echo(side_by_side.NO_PROOF)
    if report.ungraded:
        typer.echo(f"Not graded yet, so not compared: {', '.join(report.ungraded)}.")
    if short:
        typer.echo(f"Too short to compare: {short} of {short + sum(found.compared.values())}.")
    typer.echo(f"Pairs to look at: {len(found.pairs) + found.more}. Open the page: {page}")
