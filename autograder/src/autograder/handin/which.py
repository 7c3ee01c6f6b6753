"""Which assignment a notebook is: its own cells say, whatever its file is called."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.intake.folder import MAX_NOTEBOOK
from autograder.intake.reading import MAX_PARTS

_LEAST = 20  # characters of a cell that says which assignment it is from


class Assignments:
    """What tells the course's assignments apart: ids of their cells, and texts of only one."""

    def __init__(self, course: Course, name: str) -> None:
        self._ids: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        ids, texts = Counter[str](), Counter[str]()
        for each in dict.fromkeys([*course.known, name]):
            cells = _cells_of(course.source_path(each)) + _cells_of(course.release_path(each))
            for id in {_id(cell) for cell in cells} - {""}:
                ids[id] += 1
                self._ids[id] = each
            for text in {_text(cell) for cell in cells if len(_text(cell)) >= _LEAST}:
                texts[text] += 1
                self._texts[text] = each
        self._ids = {id: each for id, each in self._ids.items() if ids[id] == 1}
        self._texts = {text: each for text, each in self._texts.items() if texts[text] == 1}

    def of(self, raw: bytes) -> str:
        """The assignment that most named cells of a notebook are from, or else most texts.

        Args:
            raw: The notebook's file.

        Returns:
            Its name; empty if no cell says it, or if the file is no notebook.
        """
        cells = _cells(raw)
        by_id = Counter(filter(None, (self._ids.get(_id(cell)) for cell in cells)))
        by_text = Counter(filter(None, (self._texts.get(_text(cell)) for cell in cells)))
        for found in (by_id, by_text):
            best = found.most_common(2)
            if best and (len(best) == 1 or best[0][1] > best[1][1]):
                return best[0][0]
        return ""


def named(file: str, names: Iterable[str]) -> str:
    """The assignment that a file's name has in it; empty if it has none or several."""
    plain = file.lower().replace(" ", "_").replace("-", "_")
    found = [name for name in names if name.lower() in plain]
    return found[0] if len(found) == 1 else ""


def _cells_of(path: Path) -> list[dict[str, Any]]:
    return _cells(path.read_bytes()) if path.is_file() else []


def _cells(raw: bytes) -> list[dict[str, Any]]:
    """The cells of a notebook, in any form that is JSON; empty if there are none."""
    if len(raw) > MAX_NOTEBOOK or raw.count(b"[") + raw.count(b"{") > MAX_PARTS:
        return []
    try:
        content = json.loads(raw)
    except UnicodeDecodeError:
        return _cells(raw.decode("cp1252", "replace").encode())
    except (ValueError, RecursionError):
        return []
    cells = content.get("cells") if isinstance(content, Mapping) else None
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _id(cell: Mapping[str, Any]) -> str:
    """The cell's nbgrader id, or else its own, which the build makes the same."""
    facts = cell.get("metadata")
    facts = facts.get("nbgrader") if isinstance(facts, dict) else None
    id = facts.get("grade_id") if isinstance(facts, dict) else None
    id = id or cell.get("id")
    return id if isinstance(id, str) else ""


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return " ".join(source.split()) if isinstance(source, str) else ""
