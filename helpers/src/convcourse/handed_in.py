"""What a notebook file holds when a student hands it in: its exercises, and the files it needs."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from convcourse.outcomes import NotAttempted
from convcourse.session import Ran, named

_STUB = re.compile(r"^\s*raise NotImplementedError\(\s*[\"']not attempted yet[\"']", re.MULTILINE)
_BLANK = "*Write your answer here.*"
_PICTURE = re.compile(r"!\[[^\]\n]*\]\(\s*<?([^()<>\"'\n]+?)>?(?:\s+\"[^\"\n]*\")?\s*\)")
_IMAGE = re.compile(r"<img\b[^<>]*?\bsrc\s*=\s*[\"']([^\"'<>\n]+)[\"']", re.IGNORECASE)
_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)
_MOST_SAID = 200  # characters of a check's message


class BadNotebook(Exception):
    """Why nothing can be packed, in one sentence for the student."""


@dataclass(frozen=True)
class Result:
    """How a visible check ended: in this session (``here``), or else as the file shows it."""

    known: bool = False
    here: bool = False
    said: str = ""

    @property
    def passed(self) -> bool:
        """Whether the check ran to its end."""
        return self.known and not self.said

    @property
    def told(self) -> str:
        """Where this is known from, in words."""
        return "as it ran in this session" if self.here else "as the notebook was saved"


@dataclass(frozen=True)
class Exercise:
    """One graded exercise.

    Attributes:
        name: The id of its graded cell.
        untouched: Whether an answer to it is still the stub.
        check: The source of its visible check; empty for a written answer.
        saved: How that check ended, as the file shows it.
        answers: How each of its answer cells ended, as the file shows it, by its source.
    """

    name: str
    untouched: bool
    check: str = ""
    saved: Result = field(default_factory=Result)
    answers: Mapping[str, Result] = field(default_factory=dict)

    @property
    def is_checked(self) -> bool:
        """Whether it has a visible check."""
        return bool(self.check)


@dataclass(frozen=True)
class Contents:
    """A notebook file, read.

    Attributes:
        exercises: Its graded exercises, in order.
        sources: The sources of its code cells.
        trained: The names that it gives to `training.fit`, in order.
        named: The pictures and modules that it may read from beside it.
    """

    exercises: list[Exercise]
    sources: set[str]
    trained: list[str]
    named: list[str]

    def result(self, one: Exercise, ran: Mapping[str, Ran]) -> Result:
        """How an exercise's visible check ended last.

        Args:
            one: The exercise.
            ran: What ran in this session, by source.
        """
        here = ran.get(one.check) if one.check else None
        return Result(True, True, _short(here.error)) if here else one.saved

    def fault(self, one: Exercise, ran: Mapping[str, Ran]) -> Result:
        """How the first of an exercise's answer cells that ended with an error ended last.

        Args:
            one: The exercise.
            ran: What ran in this session, by source.
        """
        for source, saved in one.answers.items():
            here = ran.get(source)
            found = Result(True, True, _short(_named(here.kind, here.error))) if here else saved
            if found.said:
                return found
        return Result()


def read(content: bytes) -> Contents:
    """Read a notebook file.

    Raises:
        BadNotebook: If it is no notebook.
    """
    try:
        cells = [(cell, _source(cell)) for cell in json.loads(content)["cells"]]
        exercises = list(_exercises(cells))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadNotebook(
            "Nothing was packed, because the file is not a notebook: save the notebook, and run "
            "this cell again."
        ) from None
    code = [source for cell, source in cells if cell.get("cell_type") == "code"]
    texts = [source for cell, source in cells if cell.get("cell_type") != "code"]
    trees = [tree for source in code if (tree := _tree(source)) is not None]
    trained = dict.fromkeys(name for tree in trees for name in _trained(tree))
    modules = {f"{name}.py" for tree in trees for name in _imported(tree)}
    pictures = [
        unquote(name) for text in texts for name in (*_PICTURE.findall(text), *_IMAGE.findall(text))
    ]
    return Contents(exercises, set(code), list(trained), [*pictures, *sorted(modules)])


def beside(folder: Path, contents: Contents) -> dict[str, Path]:
    """The files to hand in with a notebook, by their path from it: checkpoints, and what it names.

    Links are left out, as are files that lie elsewhere.

    Args:
        folder: Where the notebook lies.
        contents: What it holds.
    """
    kept = folder / "checkpoints"
    found: dict[str, Path] = {}
    if kept.is_dir() and not kept.is_symlink():
        for pattern in ("*.json", "*.weights.h5"):
            found |= {f"checkpoints/{path.name}": path for path in kept.glob(pattern)}
    for name in contents.named:
        pure = PurePosixPath(name)
        if ":" not in name and not pure.is_absolute() and ".." not in pure.parts:
            found[str(pure)] = folder / name
    return {name: path for name, path in found.items() if _is_plain(path)}


def _is_plain(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.is_file() and not path.is_symlink()
    return False


def _source(cell: Any) -> str:
    source = cell["source"]
    return (source if isinstance(source, str) else "".join(source)).strip()


def _exercises(cells: list[tuple[Any, str]]) -> Iterator[Exercise]:
    """The graded cells; a check belongs to the answers between it and the check before it."""
    stub, answers = False, {}
    for cell, source in cells:
        facts = cell.get("metadata", {}).get("nbgrader") or {}
        grade, solution = bool(facts.get("grade")), bool(facts.get("solution"))
        name = str(facts.get("grade_id", ""))
        if solution and not grade:
            stub = stub or bool(_STUB.search(source))
            answers[source] = _saved(cell, with_kind=True)
        elif solution and grade:
            is_code = cell["cell_type"] == "code"
            blank = bool(_STUB.search(source)) if is_code else _BLANK in source
            yield Exercise(name, blank, answers={source: _saved(cell, with_kind=True)})
        elif grade:
            yield Exercise(name, stub, source, _saved(cell), answers)
            stub, answers = False, {}


def _saved(cell: Any, with_kind: bool = False) -> Result:
    """How a cell ended as the file shows it; of an answer's error, the class is told, too."""
    errors = [one for one in cell.get("outputs", ()) if one.get("output_type") == "error"]
    if not errors:
        return Result(cell.get("execution_count") is not None)
    kind, said = (str(errors[0].get(part) or "") for part in ("ename", "evalue"))
    said = _named(kind, said) if with_kind else said or kind
    return Result(True, said=_short(said or "it ended with an error"))


def _named(kind: str, said: str) -> str:
    # A sentence of `NotAttempted` begins with the words of its class.
    return named("" if kind == NotAttempted.__name__ else kind, said)


def _short(said: str) -> str:
    line = " ".join(said.split())
    return f"{line[:_MOST_SAID]}…" if len(line) > _MOST_SAID else line


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(_MAGIC.sub(r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _trained(tree: ast.Module) -> Iterator[str]:
    """The names in calls of ``training.fit(model, "name", ...)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(ast.Name("training"), "fit"), args, keywords):
                given = [one.value for one in keywords if one.arg == "name"] + args[1:2]
                if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
                    yield given[0].value


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
