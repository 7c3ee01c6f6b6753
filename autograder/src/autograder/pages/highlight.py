"""Colors for code on pages, in time that is linear in the page.

Pygments needs minutes for some texts, such as 24 KB of line breaks and spaces. So colors have a
budget; what does not fit is shown without them.
"""

import io
import time
from collections.abc import Iterator
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Text, _TokenType

MOST = 4_000  # characters of a cell with colors: one token may take the square of that
LONG = 500  # characters of a line
USUAL = 0.05  # seconds for a cell that nobody minds
SLOW = 1.0  # seconds above the usual that may be spent at once ...
REFILL = 0.1  # ... and how many come back in a second

_Token = tuple[_TokenType, str]


class _Budget:
    def __init__(self) -> None:
        self.left, self.since = SLOW, time.monotonic()

    def refill(self) -> float:
        now = time.monotonic()
        self.left = min(SLOW, self.left + REFILL * (now - self.since))
        self.since = now
        return self.left


_budget = _Budget()


def highlight(source: str, language: str | None = None, metadata: Any = None) -> str:
    """Code as HTML; the filter ``highlight_code`` of nbconvert's and nbgrader's templates.

    Args:
        source: The code of a cell.
        language: Ignored; the course's notebooks are in Python.
        metadata: Ignored.
    """
    out = io.StringIO()
    tokens = list(_colored(source)) or [(Text, source)]
    HtmlFormatter(cssclass=" highlight hl-ipython3").format(tokens, out)
    return out.getvalue()


def _colored(source: str) -> list[_Token]:
    """The tokens of a text; none if that takes too long."""
    longest = max(map(len, source.split("\n")))
    if len(source) > MOST or longest > LONG or _budget.refill() <= 0:
        return []
    start, found = time.monotonic(), []
    for token in _tokens(source):
        found.append(token)
        if time.monotonic() - start > USUAL + _budget.left:
            found = []
            break
    _budget.left -= max(0.0, time.monotonic() - start - USUAL)
    return found


def _tokens(source: str) -> Iterator[_Token]:
    yield from get_lexer_by_name("ipython3").get_tokens(source)
