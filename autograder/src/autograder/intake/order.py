"""The order in which the cells of a fitted notebook run.

Students' cells keep their order. A check runs after its answer, and the course's own set-up runs
before what needs it, even if somebody moved them.
"""

from nbformat import NotebookNode

from autograder.intake.matching import Known, Match
from autograder.intake.notes import Note
from autograder.intake.telling import name_of


def sequence(match: Match) -> list[int]:
    """The indices of the student's cells, with answers that stand below their check moved up.

    That concerns answers which the student rewrote in a new cell and left unchanged in their own:
    they return to their own place, with the student's code directly above them.
    """
    order = list(range(len(match.cells)))
    named = set(match.place.values())
    for name, home in match.home.items():
        place = match.place[name]
        tests = [match.place[test] for test in match.known[name].tests if test in match.place]
        if not any(home < test < place for test in tests):
            continue
        first = place
        while first - 1 not in named and first - 1 > home and match.is_own(first - 1):
            first -= 1
        block = list(range(first, place + 1))
        order = [index for index in order if index not in block]
        at = order.index(home)
        order[at:at] = block
    return order


def settle(cells: list[NotebookNode], known: dict[str, Known]) -> list[Note]:
    """Move the course's cells that stand where they cannot work, in place.

    Args:
        cells: The fitted cells, each named cell once.
        known: The named cells of the source.

    Returns:
        What was moved.
    """
    notes = []
    code = [name for name, one in known.items() if one.is_code]
    settled = _longest(cells, code)
    for name in code:
        if known[name].role == "locked" and name not in settled:
            before = code[: code.index(name)]
            _move(cells, name, before[-1:], at_start=True)
    for name in code:
        if known[name].role != "tests":
            continue
        own = [other for other in code if name in known[other].tests]
        last = max((_at(cells, other) for other in own), default=-1)
        if last > _at(cells, name):
            _move(cells, name, own)
            notes.append(Note(f"The check {name} stood above its answer; it ran below it.", name))
    return notes


def _at(cells: list[NotebookNode], name: str) -> int:
    return next(index for index, cell in enumerate(cells) if name_of(cell) == name)


def _move(cells: list[NotebookNode], name: str, after: list[str], at_start: bool = False) -> None:
    """Move a cell behind the last of others; without others, to the start."""
    cell = cells.pop(_at(cells, name))
    last = max((_at(cells, other) for other in after), default=-1 if at_start else len(cells))
    cells.insert(last + 1, cell)


def _longest(cells: list[NotebookNode], code: list[str]) -> set[str]:
    """The largest set of named code cells that stand in the source's order."""
    rank = {name: number for number, name in enumerate(code)}
    names = [name_of(cell) for cell in cells if name_of(cell) in rank]
    best: list[list[str]] = []  # the longest chain that ends at each of them
    for index, name in enumerate(names):
        chain = [name]
        for i in range(index):
            if rank[names[i]] < rank[name] and len(best[i]) >= len(chain):
                chain = [*best[i], name]
        best.append(chain)
    most = max(map(len, best), default=0)
    return set(next((chain for chain in best if len(chain) == most), []))
