"""The package stands on its own: on Python's library, libseccomp, and nothing of the autograder."""

import ast
import sys
from pathlib import Path

import pytest

import autograder.walled

pytestmark = pytest.mark.unit

FOLDER = Path(autograder.walled.__file__).parent
NAME = autograder.walled.__name__
FILES = sorted(FOLDER.glob("*.py"))


def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, those inside its functions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {n for n in below if (FOLDER / f"{n.rpartition('.')[2]}.py").is_file()} or {
                str(node.module)
            }
    return found


def test_it_imports_nothing_foreign():
    allowed = {*sys.stdlib_module_names, "pyseccomp"}
    foreign = {
        f"{path.name}: {name}"
        for path in FILES
        for name in imports(path)
        if name.partition(".")[0] not in allowed and name != NAME and f"{NAME}." not in name
    }
    assert len(FILES) >= 15 and foreign == set()


def test_no_circle_runs_through_its_files():
    arrows = {p.stem: {n.rpartition(".")[2] for n in imports(p) if NAME in n} for p in FILES}
    assert "linux" in arrows["seccomp"] and "keeper" in arrows["server"]
    while leaves := [name for name, others in arrows.items() if not others & arrows.keys()]:
        for name in leaves:
            del arrows[name]
    assert arrows == {}


def test_no_file_is_longer_than_350_lines():
    assert [p.name for p in FILES if len(p.read_text().splitlines()) > 350] == []
