"""nbgrader's schema of a cell's metadata, checked once a run instead of once a cell."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jsonschema
from nbgrader.nbgraderformat import common


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """nbgrader holds its own schema against the schema of schemas anew for each cell of a notebook.

    That is a quarter of what it does about a submission; here once for each that it reads.
    """
    known: dict[int, Any] = {}  # by identity: what makes them keeps its schema alive

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
