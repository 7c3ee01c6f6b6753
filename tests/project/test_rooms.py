"""The rooms of both packages: imports go one way, and each room keeps to its own matter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"convcourse": ROOT / "helpers/src", "autograder": ROOT / "autograder/src"}
# From the ground up: a module imports its own room and those before it.
FLOORS = [
    "late",
    "root",
    "course",
    "quick_import",
    "classlist",
    "walled",
    "warm",
    "text",
    "judge",
    "pages",
    "kernel",
    "intake",
    "handin",
    "nbgrader",
    "handback",
    "run",
    "submission",
    "demo_class",
    "demo",
    "verbs",
    "cli",
    "start",
]
MOST_LINES = 350


def modules(package: str) -> dict[str, Path]:
    """Every module by its dotted name."""
    found = {}
    for path in sorted((SOURCES[package] / package).rglob("*.py")):
        if "templates" not in path.parts:
            parts = path.relative_to(SOURCES[package]).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules among ``known`` that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
    return found & set(known)


EVERY = {name: path for package in SOURCES for name, path in modules(package).items()}
GRAPH = {name: imports(path, EVERY) - {name} for name, path in EVERY.items()}


@pytest.mark.parametrize("name", EVERY)
def test_a_module_is_no_longer_than_a_reader_can_hold(name):
    assert len(EVERY[name].read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_no_import_leads_back_to_where_it_came_from():
    left = dict(GRAPH)
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    assert left == {}, "these modules import each other in a circle"


def floor(name: str) -> int:
    parts = name.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 else -1


@pytest.mark.parametrize("name", [n for n in EVERY if n.startswith("autograder.")])
def test_a_room_imports_none_above_it(name):
    above = {n for n in GRAPH[name] if n.startswith("autograder") and floor(n) > floor(name)}
    assert above == set()


def test_the_students_package_knows_nothing_of_the_instructors():
    assert not {
        n for n in GRAPH if n.startswith("convcourse") for m in GRAPH[n] if "autograder" in m
    }


def names_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_nbgrader_is_touched_in_one_room_alone():
    users = {n for n, p in EVERY.items() if "nbgrader" in names_of(p)}
    assert {n for n in users if not n.startswith("autograder.nbgrader")} == set()


def test_pages_load_neither_messages_nor_kernels():
    code = (
        "import sys, autograder.pages.report, autograder.pages.feedback, autograder.pages.outputs\n"
    )
    code += "print([m for m in ('zmq', 'nbclient', 'nbgrader', 'tensorflow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", SOURCES)
def test_every_module_is_in_the_architecture(package):
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = {path.stem for path in modules(package).values()} - {"__init__", "_unpickle"}
    assert {name for name in names if f"`{name}`" not in text} == set()
