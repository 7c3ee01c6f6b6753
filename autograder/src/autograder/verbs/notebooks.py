"""The verbs of authors: new, build, adopt, calibrate and mutate."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import load
from autograder.root import CourseError
from autograder.verbs.program import AUTHORS, Profile, ProfileOption, app, counted


@app.command(rich_help_panel=AUTHORS)
def new(
    folder: Annotated[Path, typer.Argument(help="The folder of the new course, which is made")],
    assignments: Annotated[
        str, typer.Option(help="Assignments to take, with commas between them (default: all)")
    ] = "",
    title: Annotated[str, typer.Option(help="The title of the course")] = "",
    texts: Annotated[
        Path | None,
        typer.Option(help="The course to start from (default: the one that came along)"),
    ] = None,
) -> None:
    """Make a course of your own in a folder, with all assignments or some, and build it."""
    from autograder.nbgrader.generate import generate
    from autograder.text import new_course, release

    start = new_course.given(texts)
    names = [name.strip() for name in assignments.split(",") if name.strip()]
    course = new_course.make(folder, start, names, title)
    for words in new_course.left_out(course, start):
        typer.echo(words)
    release.write(release.build(course, generate=generate))
    typer.echo(f"Made {course.title} in {course.root}: {len(course.names)} assignments, built.")
    typer.echo("Read README.md there, and run autograder in that folder.")


@app.command(rich_help_panel=AUTHORS)
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to build (default: all)")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list the files that differ")
    ] = False,
) -> None:
    """Build the notebooks in source/ and release/ from the texts in course/."""
    from autograder.nbgrader.generate import generate
    from autograder.text import release

    course = load()
    built = release.build(course, names, generate=generate)
    if not built:
        typer.echo("There are no texts in course/ yet, so there is nothing to build.")
    elif check:
        found = release.differences(course, built, names)
        if found:
            raise CourseError("\n".join(found) + "\nRun autograder build and commit the result.")
        typer.echo(f"source/ and release/ match course/: {len(built) // 2} assignments.")
    else:
        changed = release.write(built)
        for path in changed:
            typer.echo(f"Wrote {path.relative_to(course.root)}.")
        made, files = counted(len(built) // 2, "assignment"), counted(len(changed), "file")
        typer.echo(f"{made} built, {files} changed.")


@app.command(rich_help_panel=AUTHORS)
def adopt(name: Annotated[str, typer.Argument(help="Assignment to adopt")]) -> None:
    """Update an assignment's text after you edited its notebook in source/ in JupyterLab."""
    from autograder.text import authoring

    course = load()
    changed = authoring.adopt(course, course.named(name))
    typer.echo(f"course/{name}.py {'now matches' if changed else 'already matches'} source/{name}.")


@app.command(rich_help_panel=AUTHORS)
def calibrate(
    name: Annotated[str, typer.Argument(help="Assignment with a recipe in course/calibration/")],
    profile: ProfileOption = Profile.OFFLINE,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Number of training seeds (default: the recipe's)")
    ] = None,
) -> None:
    """Measure the accuracies that a threshold must tell apart; resumes where it stopped."""
    from autograder.text import calibrate as calibration

    course = load()
    path = calibration.calibrate(course, course.named(name), profile.value, typer.echo, seeds)
    typer.echo(f"Wrote {path.relative_to(course.root)}.")


@app.command(rich_help_panel=AUTHORS)
def mutate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to examine (default: all)")
    ] = None,
    exercise: Annotated[
        list[str] | None, typer.Option(help="Only this exercise, by an id; may be repeated")
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the mutants without judging them")
    ] = False,
    force: Annotated[bool, typer.Option(help="Judge again what is already judged")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time (default: one per core)")
    ] = None,
    profile: ProfileOption = Profile.OFFLINE,
) -> None:
    """Put small faults into the reference solutions and list those that no check notices."""
    from autograder.run import survivors, workers

    course = load()
    chosen = [course.named(name) for name in names or ()]
    chosen = chosen or [name for name in course.names if course.text_path(name).is_file()]
    if exercise and len(chosen) != 1:
        raise CourseError("Name the assignment of the exercise too.")
    if list_only:
        for line in survivors.listed(course, chosen, exercise or []):
            typer.echo(line)
        return
    cores = jobs or workers.usable_cores()
    left = survivors.show(course, chosen, profile.value, cores, exercise or [], force)
    raise typer.Exit(1 if left else 0)
