"""The ways to install the course ask for the same versions."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def project(path: str) -> dict:
    return tomllib.loads((ROOT / path).read_text())["project"]


def pip_lines_of_environment() -> list[str]:
    lines = (ROOT / "environment.yml").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "- pip:")
    return [line.strip().removeprefix("- ") for line in lines[start + 1 :] if line.strip()]


def test_conda_and_pip_ask_for_the_same_ranges():
    autograder = project("autograder/pyproject.toml")
    wanted = [
        *project("pyproject.toml")["dependencies"],
        *autograder["dependencies"],
        *autograder["optional-dependencies"]["test"],
    ]
    wanted = {line for line in wanted if line != "convcourse"}
    got = {line for line in pip_lines_of_environment() if not line.startswith("-e ")}
    assert got == wanted


def test_conda_installs_both_packages_of_this_folder():
    local = {line for line in pip_lines_of_environment() if line.startswith("-e ")}
    assert local == {"-e .", "-e ./autograder"}


def test_all_ask_for_the_same_python():
    conda = re.search(r"- python(>=3\.\d+),<3\.\d+", (ROOT / "environment.yml").read_text())
    assert conda is not None
    assert project("pyproject.toml")["requires-python"] == conda[1]
    assert project("autograder/pyproject.toml")["requires-python"] == conda[1]


def test_every_dependency_has_a_floor_and_a_ceiling():
    for line in pip_lines_of_environment():
        if not line.startswith("-e "):
            assert re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", line), line


def test_make_refuses_an_old_python_with_a_sentence(tmp_path):
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "autograder").mkdir()
    (tmp_path / "autograder/pyproject.toml").touch()
    asked = ["make", "setup", f"PYTHON={old}"]
    made = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode != 0
    assert "needs Python 3.11 or newer" in made.stderr
    assert not (tmp_path / ".venv").exists()
    assert sys.version_info >= (3, 11)
