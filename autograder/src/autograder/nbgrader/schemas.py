"""Checks nbgrader's schema of a cell's metadata once per run instead of once per cell."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jsonschema
from nbgrader.nbgraderformat import common


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Compile each of nbgrader's schemas only once.

    For each cell of a notebook, nbgrader checks its own schema against the schema of schemas,
    which takes a quarter of its time for a submission.
    """
    known: dict[int, Any] = {}  # by identity; each validator keeps its schema alive

    def validate(instance: Any, schema: dict) -> None:
        if id(schema) not in known:
            kind = jsonschema.validators.validator_for(schema)
            kind.check_schema(schema)
            known[id(schema)] = kind(schema)
        for error in known[id(schema)].iter_errors(instance):
            raise error

    before, common.jsonschema = common.jsonschema, SimpleNamespace(validate=validate)
    try:
        yield
    finally:
        common.jsonschema = before
