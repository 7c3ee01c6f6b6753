"""Which cell of a student's notebook is which named cell of the source.

A cell's nbgrader id decides. Colab, copies and stray keys lose ids, change types, and merge or
split cells, so what is left without an id is matched by its content: a check by its lines, an
answer by the names that it binds or by its question. What was done is told in a note.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.intake.notes import Note
from autograder.intake.telling import bound, extra, is_python, likeness, name_of, plain
from autograder.text import cells as texts

ALIKE = 0.5  # the share of common lines by which a changed check is still recognized
_QUESTION = 12  # characters of a line that tells a question from others


@dataclass(frozen=True)
class Known:
    """A named cell of the source.

    Attributes:
        cell: The cell.
        role: What it is for: ``solution``, ``answer``, ``tests`` or ``locked``.
        released: Its text as students get it.
        tests: The graded cells that depend on it: for an answer in code, the checks after it.
    """

    cell: NotebookNode
    role: str
    released: str
    tests: tuple[str, ...] = ()

    @property
    def is_answer(self) -> bool:
        return self.role in ("solution", "answer")

    @property
    def is_code(self) -> bool:
        return self.cell.cell_type == "code"

    @property
    def binds(self) -> frozenset[str]:
        """The names that an answer in code binds, in the release or in the source."""
        return bound(self.released) | bound(self.cell.source)


def known_cells(source: NotebookNode, released: Iterable[str]) -> dict[str, Known]:
    """The named cells of a source notebook by their ids.

    Args:
        source: The source notebook.
        released: The text of each of its cells as students get it.
    """
    found: dict[str, Known] = {}
    for cell, text in zip(source.cells, released, strict=True):
        role, name, _ = texts.facts(cell)
        if name and role:
            found[name] = Known(cell, role, text)
    names = list(found)
    for name, one in found.items():
        if one.is_answer:
            tests = (name,) if one.role == "answer" else _tests_after(found, names, name)
            found[name] = Known(one.cell, one.role, one.released, tests)
    return found


def _tests_after(found: dict[str, Known], names: list[str], name: str) -> tuple[str, ...]:
    """The checks from the first one after an answer to the next answer."""
    tests: list[str] = []
    for later in names[names.index(name) + 1 :]:
        if found[later].role == "tests":
            tests.append(later)
        elif tests and found[later].role == "solution":
            break
    return tuple(tests)


class Match:
    """The match of one notebook.

    Attributes:
        place: The index of the student's cell for each id.
        text: The text of an answer that is not the text of one cell.
        home: The index of the unchanged cell for an answer that was found in another one.
        dropped: The indices of cells with nothing of their own: unchanged copies, and texts that
            were joined to an answer.
        notes: What was done.
    """

    def __init__(
        self, cells: list[NotebookNode], known: dict[str, Known], source: NotebookNode
    ) -> None:
        """Match the cells; ``source`` is the notebook of the known cells."""
        self.cells, self.known = cells, known
        self.place: dict[str, int] = {}
        self.text: dict[str, str] = {}
        self.home: dict[str, int] = {}
        self.dropped: set[int] = set()
        self.notes: list[Note] = []
        self._course = {plain(c.source) for c in source.cells if name_of(c) not in known} | {""}
        self._own = {
            index
            for index, cell in enumerate(cells)
            if name_of(cell) not in known and plain(cell.source) not in self._course
        }
        self._named()
        self._same_text()
        self._similar()
        for name, one in known.items():
            if one.role == "solution" and self._waits(name):
                self._by_names(name)
            elif one.role == "answer":
                self._by_question(name)
        for name, one in known.items():
            if one.is_answer and self._waits(name):
                self._from_locked(name)
        self._tell()

    # -- by id

    def _named(self) -> None:
        by_name: dict[str, list[int]] = {name: [] for name in self.known}
        for index, cell in enumerate(self.cells):
            name = name_of(cell)
            name = name if name in self.known else str(cell.get("id", ""))
            if name in by_name:
                by_name[name].append(index)
        for name, found in by_name.items():
            if found and not self.known[name].is_answer:
                self.place[name] = found[0]
        for name, found in by_name.items():
            if found and self.known[name].role == "answer":
                self._join(name, found)
            elif found and self.known[name].is_answer:
                self._choose(name, found)

    def _choose(self, name: str, found: list[int]) -> None:
        """Of several cells with the id of an answer in code, take the last with work of its own.

        A copy below the check counts only if nothing above the check does, as when the notebook
        runs from top to bottom.
        """
        worked = [i for i in found if not self._is_stub(name, i)]
        tests = [self.place[test] for test in self.known[name].tests if test in self.place]
        above = [i for i in worked if not tests or i < tests[0]]
        chosen = self.place[name] = (above or worked or found)[-1]
        self.dropped |= {i for i in found if i not in worked and i != chosen}
        others = [i for i in worked if plain(self.cells[i].source) != self._plain_at(chosen)]
        if others:
            below = [i for i in others if i > chosen]
            words = f"{len(worked)} cells have the id {name}; the last one"
            words += " above the check counts" if below else " counts"
            self.notes.append(Note(f"{words}, and the others ran too.", name, asks=bool(below)))

    def _join(self, name: str, found: list[int]) -> None:
        """Join all cells with the id of a written answer, so that the marker sees all of it."""
        worked = [i for i in found if not self._is_stub(name, i)] or found[:1]
        self.place[name] = worked[0]
        self.dropped |= set(found) - {worked[0]}
        pieces = list(dict.fromkeys(self.cells[i].source.strip() for i in worked))
        if len(pieces) > 1:
            self._joined(name, worked)

    def _joined(self, name: str, indices: list[int]) -> None:
        pieces = dict.fromkeys(self.cells[i].source.strip() for i in indices)
        self.text[name] = "\n\n".join(pieces)
        self.dropped |= set(indices) - {self.place[name]}
        for index in indices:  # their pictures move with them
            if more := self.cells[index].get("attachments"):
                first = self.cells[self.place[name]]
                first["attachments"] = {**first.get("attachments", {}), **more}
        words = f"Your answer to {name} was found in {len(indices)} cells, which were joined."
        self.notes.append(Note(words, name))

    # -- by content

    def _same_text(self) -> None:
        free: dict[str, list[int]] = {}
        for index in self._free():
            free.setdefault(self._plain_at(index), []).append(index)
        for name, one in self.known.items():
            if name not in self.place and (same := free.get(plain(one.released))):
                self.place[name] = same.pop(0)

    def _similar(self) -> None:
        for name, one in self.known.items():
            if name in self.place or one.is_answer:
                continue
            shares = {i: likeness(self.cells[i].source, one.released) for i in self._free()}
            best = max(shares, key=shares.__getitem__, default=None)
            if best is not None and shares[best] >= ALIKE:
                self.place[name] = best

    def _by_names(self, name: str) -> None:
        """An answer in code, by the names that its cell binds, or because it is alone there."""
        wanted = self.known[name].binds
        found = {i: len(bound(self.cells[i].source) & wanted) for i in self._free()}
        best = max((i for i in found if found[i]), key=lambda i: (found[i], i), default=None)
        if best is None:
            self._alone(name)
            return
        if name in self.place:
            self.home[name] = self.place[name]
            self.dropped.add(self.place[name])
        self.place[name] = best
        words = f"Your answer to {name} was found in a cell without its id; that cell was graded."
        self.notes.append(Note(words, name))

    def _alone(self, name: str) -> None:
        """The only code of the student's own where a missing answer stands in the source."""
        own = [i for i in self._free(self._gap(name)) if not self._is_prose(i)]
        if name not in self.place and len(own) == 1:
            self.place[name] = own[0]
            words = f"Your answer to {name} was looked for where it stands in the release."
            self.notes.append(Note(words, name, asks=True))

    def _by_question(self, name: str) -> None:
        """A written answer, by its question, and by where texts of the student's own stand."""
        one = self.known[name]
        lines = (line.strip() for line in one.released.splitlines())
        question = next((line for line in lines if len(line) >= _QUESTION), None)
        if name not in self.place and question:
            found = [i for i in self._free() if question in self.cells[i].source]
            if found:
                self.place[name] = found[0]
                words = f"Your answer to {name} was found by its question."
                self.notes.append(Note(words, name))
        if name not in self.place:
            own = [i for i in self._free(self._gap(name)) if self._is_prose(i)]
            if own:
                self.place[name] = own[0]
                self._joined(name, own)
        elif self._waits(name):
            own = self._following(self.place[name])
            if own:
                self._joined(name, [self.place[name], *own])

    def _following(self, index: int) -> list[int]:
        """The student's own texts directly below a cell."""
        found, free = [], set(self._free())
        for later in range(index + 1, len(self.cells)):
            if later not in free or not self._is_prose(later):
                break
            found.append(later)
        return found

    def _gap(self, name: str) -> range:
        """The indices between the nearest cells in the source's order that were found."""
        order = list(self.known)
        at = order.index(name)
        above = [self.place[n] for n in order[:at] if n in self.place]
        below = [self.place[n] for n in order[at:] if n in self.place]
        start = above[-1] + 1 if above else 0
        end = min((i for i in below if i >= start), default=len(self.cells))
        return range(start, end) if self.place else range(0)

    def _from_locked(self, name: str) -> None:
        """An answer that was merged into a check or another locked cell."""
        one = self.known[name]
        for other, place in self.place.items():
            locked = self.known[other]
            if locked.is_answer or locked.is_code != one.is_code:
                continue
            more = extra(self.cells[place].source, locked.released)
            is_next = bool(more.strip()) and other == self._above(name)
            if bound(more) & one.binds if one.is_code else is_next:
                self.text[name] = more
                words = f"Your answer to {name} was found in the cell {other}, and was graded."
                self.notes.append(Note(words, name))
                return

    def _above(self, name: str) -> str:
        order = list(self.known)
        return order[order.index(name) - 1] if order.index(name) else ""

    # -- what is left

    def _tell(self) -> None:
        """Note what changed its type, what was put back, and what a person must look for."""
        for name, one in self.known.items():
            cell = self.cells[self.place[name]] if name in self.place else None
            if cell is not None and cell.cell_type != one.cell.cell_type and one.is_answer:
                kind = {"code": "code", "markdown": "Markdown", "raw": "raw"}[cell.cell_type]
                done = "run as code" if one.is_code else "read as text"
                words = f"Your answer to {name} was found in a {kind} cell; it was {done}."
                self.notes.append(Note(words, name))
            elif cell is None and name not in self.text:
                self._tell_missing(name, one)
            elif cell is not None and one.role == "tests" and not self._is_whole(cell, one):
                words = f"The check {name} was changed; the check of the course ran in its place."
                self.notes.append(Note(words, name))

    def _tell_missing(self, name: str, one: Known) -> None:
        if not one.is_answer:
            if one.role == "tests":
                self.notes.append(Note(f"The check {name} was missing and was put back.", name))
        elif one.is_code and self._bound_elsewhere(one):
            self.text[name] = ""
            self.notes.append(Note(f"Your answer to {name} is in another cell.", name))
        else:
            own = [i for i in self._free() if one.is_code != self._is_prose(i)]
            words = f"No cell with your answer to {name} was found."
            if own:
                words += " The notebook has cells of your own that belong to no exercise."
            self.notes.append(Note(words, name, asks=bool(own)))

    def _bound_elsewhere(self, one: Known) -> bool:
        wanted = one.binds
        own = [i for i, c in enumerate(self.cells) if c.cell_type == "code"]
        own = [i for i in own if self._plain_at(i) not in self._course]
        return any(wanted & bound(self.cells[i].source) for i in own)

    def worked(self) -> bool:
        """Whether any answer has work of the student's own."""
        return any(one.is_answer and not self._waits(name) for name, one in self.known.items())

    def _waits(self, name: str) -> bool:
        """Whether an answer is missing, or is as it was released."""
        if name in self.text:
            return not self.text[name].strip()
        return name not in self.place or self._is_stub(name, self.place[name])

    def _is_stub(self, name: str, index: int) -> bool:
        return self._plain_at(index) in ("", plain(self.known[name].released))

    def _is_whole(self, cell: NotebookNode, one: Known) -> bool:
        return plain(cell.source) in (plain(one.released), plain(one.cell.source))

    def _is_prose(self, index: int) -> bool:
        cell = self.cells[index]
        return cell.cell_type != "code" or not is_python(cell.source)

    def _free(self, among: range | None = None) -> list[int]:
        """The indices of the student's own cells that stand for no named cell yet."""
        taken = set(self.place.values()) | self.dropped
        indices = range(len(self.cells)) if among is None else among
        return [i for i in indices if i in self._own and i not in taken]

    def is_own(self, index: int) -> bool:
        """Whether a cell has no id of the course and is none of the course's plain cells."""
        return index in self._own

    def _plain_at(self, index: int) -> str:
        return plain(self.cells[index].source)
