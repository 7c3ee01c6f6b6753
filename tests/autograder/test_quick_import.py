"""What the autograder's programs load."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("program", ["autograder.cli", "autograder.run.preload"])
def test_no_program_builds_parsers_of_addresses_to_read_notebooks(program):
    code = (
        f"import {program}, autograder.text.authoring, sys\n"
        "print('rfc3987_syntax.syntax_helpers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
