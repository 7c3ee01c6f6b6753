"""docs/architecture.md names every room of the house."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", ["autograder", "helpers"])
def test_every_module_is_in_the_architecture(package):
    known = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in known} == set()


def test_reading_notebooks_builds_no_parsers_of_addresses():
    code = "import autograder.text.authoring, sys; print('rfc3987_syntax.syntax_helpers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
