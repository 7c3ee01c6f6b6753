"""Spares the autograder's own programs a second of imports.

nbformat checks notebooks with jsonschema. When jsonschema is imported, it builds parsers of
international web addresses, for a format that no notebook has.
"""

import sys
from typing import Any

PARSERS = "rfc3987_syntax"  # jsonschema goes on without it, as where it is not installed


def without_address_parsers() -> None:
    """Have jsonschema find no `rfc3987_syntax` in this process.

    Call it before nbformat is imported. It changes the whole process, so call it only in programs,
    never in a module that others import.
    """
    modules: Any = sys.modules
    modules.setdefault(PARSERS, None)
