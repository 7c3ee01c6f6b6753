"""The pipeline from course texts to marks; docs/architecture.md shows its rooms."""

import sys

# nbformat checks notebooks with jsonschema, and that builds parsers of international web addresses
# as it is imported: a second in every process, for a format that no notebook has. It goes on
# without them, as it does where the package is not installed.
sys.modules.setdefault("rfc3987_syntax", None)
