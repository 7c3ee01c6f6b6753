"""The ways to install the course ask for the same versions, and name all that is imported."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"helpers": "convcourse", "autograder": "autograder"}
# Where a module's name is not its distribution's.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "zmq": "pyzmq", "IPython": "ipython"}
OPTIONAL = {"distributed"}  # imported where --cluster asks for it


def project(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def name_of(line: str) -> str:
    return re.match(r"[\w-]+", line)[0].lower()


def pip_lines_of_environment() -> list[str]:
    lines = (ROOT / "environment.yml").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "- pip:")
    return [line.strip().removeprefix("- ") for line in lines[start + 1 :] if line.strip()]


def imported(folder: str) -> set[str]:
    """Top-level names of all modules that a package imports, wherever in a file."""
    found = set()
    for path in (ROOT / folder / "src").rglob("*.py"):
        if "templates" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {PACKAGES[folder]}


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_package_that_is_imported_is_declared(folder):
    declared = {name_of(line).replace("-", "_") for line in project(folder)["dependencies"]}
    wanted = {DISTRIBUTIONS.get(name, name).lower().replace("-", "_") for name in imported(folder)}
    assert wanted - OPTIONAL - declared == set()


def test_conda_and_pip_ask_for_the_same_ranges():
    autograder = project("autograder")
    wanted = [
        *project("helpers")["dependencies"],
        *autograder["dependencies"],
        *autograder["optional-dependencies"]["notebooks"],
        *autograder["optional-dependencies"]["test"],
    ]
    wanted = {line for line in wanted if name_of(line) != "convcourse"}
    got = {line for line in pip_lines_of_environment() if not line.startswith("-e ")}
    assert got == wanted


def test_conda_installs_both_packages_of_this_folder():
    local = {line for line in pip_lines_of_environment() if line.startswith("-e ")}
    assert local == {"-e ./helpers", "-e ./autograder"}


def test_all_ask_for_the_same_python():
    conda = re.search(r"- python(>=3\.\d+),<3\.\d+", (ROOT / "environment.yml").read_text())
    assert conda is not None
    assert project("helpers")["requires-python"] == conda[1]
    assert project("autograder")["requires-python"] == conda[1]


def test_every_dependency_has_a_floor_and_a_ceiling():
    for line in pip_lines_of_environment():
        if not line.startswith("-e "):
            assert re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+(; sys_platform == 'linux')?", line), line


def test_the_version_of_convcourse_stands_in_one_place():
    for folder in PACKAGES:
        assert project(folder)["dynamic"] == ["version"] and "version" not in project(folder)


def test_make_refuses_an_old_python_with_a_sentence(tmp_path):
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for folder in PACKAGES:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pyproject.toml").touch()
    asked = ["make", "setup", f"PYTHON={old}"]
    made = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode != 0
    assert "needs Python 3.11 or newer" in made.stderr
    assert not (tmp_path / ".venv").exists()
    assert sys.version_info >= (3, 11)


def test_the_constraints_hold_names_and_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.+!]+", line) for line in lines)
    assert lines == sorted(lines, key=str.lower)
    known = {name_of(line).replace("_", "-") for line in lines}
    wanted = {name_of(line) for line in pip_lines_of_environment() if not line.startswith("-e ")}
    assert wanted - known == set()
