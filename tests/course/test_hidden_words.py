"""A hidden block that explains an error looks for what a notebook tells of an error."""

import ast

import exercise
import pytest

from autograder.kernel.answers import CAUSES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", [path.stem for path in sorted(exercise.COURSE.glob("[0-9]*.py"))])
def test_a_hidden_block_looks_for_names_of_exceptions_alone(name):
    """What an exception says could quote a hidden value, so no hidden block ever gets it."""
    for cell in exercise.load(name).tests.values():
        for node in ast.walk(ast.parse(cell.hidden or "")):
            if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "str(error)":
                assert ast.literal_eval(node.left) in CAUSES, (cell.id, ast.unparse(node))
