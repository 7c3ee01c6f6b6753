"""A small course, and archives of hand-ins in the forms that platforms give them."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

from autograder.classlist import roster as rosters
from autograder.course import load
from autograder.handin import collect as collecting

NAME, OTHER = "03_net_1", "04_counting"
_ENTRY = '[[assignment]]\nname = "{}"\ntitle = "T"\nminutes = 30\npoints = 5\n'
TIME = (2026, 1, 30, 20, 30, 10)


def notebook(answer: str = "x = 1", name: str = NAME, ids: bool = True) -> bytes:
    """A notebook of an assignment, with an answer; without ids as Colab may leave it."""
    cells = []
    for id, source in _cells(name, answer).items():
        facts = {"nbgrader": {"grade_id": id, "solution": id.endswith("build"), "grade": False}}
        cell = {"cell_type": "code", "source": source, "metadata": facts if ids else {}}
        cells.append(cell | {"outputs": [], "execution_count": None} | ({"id": id} if ids else {}))
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def _cells(name: str, answer: str) -> dict[str, str]:
    short = name.partition("_")[2].replace("_", "-")
    intro = f"# This long text stands in {name} and in no other assignment."
    setup = "# This set-up cell is the same in every notebook."
    return {f"{short}-setup": setup, f"{short}-intro": intro, f"{short}-build": answer}


def course(root: Path, roster: str = "") -> Path:
    """Write a course of two assignments; each has a source, as `autograder build` makes it."""
    (root / "course").mkdir(parents=True)
    (root / "course" / "course.toml").write_text(_ENTRY.format(NAME) + _ENTRY.format(OTHER))
    for name in (NAME, OTHER):
        (root / "source" / name).mkdir(parents=True)
        (root / "source" / name / f"{name}.ipynb").write_bytes(notebook("# YOUR CODE", name))
    if roster:
        (root / "students.csv").write_text(roster, encoding="utf-8")
    return root


def zipped(path: Path, files: dict[str, bytes], time: tuple = TIME) -> Path:
    """Write a zip archive, each of whose entries says when it was packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, time), content, zipfile.ZIP_DEFLATED)
    return path


def zip_bytes(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def tar_bytes(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def collect(root: Path, *given: Path, name: str = NAME, **options) -> collecting.Collected:
    found = rosters.read(root)
    return collecting.collect(load(root), name, list(given), found, collecting.Options(**options))


def filed(root: Path, name: str = NAME) -> dict[str, bytes]:
    """The content of every submission's notebook, by student."""
    paths = sorted((root / "submitted").glob(f"*/{name}/{name}.ipynb"))
    return {path.parts[-3]: path.read_bytes() for path in paths}


def whys(found: collecting.Collected) -> str:
    return "\n".join(f"{one.student or one.name}: {one.why}" for one in found.left)


def facts(root: Path, student: str, name: str = NAME) -> dict:
    path = root / ".autograder" / "handed_in" / student / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))
