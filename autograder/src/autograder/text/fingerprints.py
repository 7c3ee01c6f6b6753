"""What code looks like apart from names, numbers, comments and layout, and what two codes share.

The fingerprints are those of winnowing (Schleimer, Wilkerson and Aiken, "Winnowing: local
algorithms for document fingerprinting", SIGMOD 2003): two codes that share `SURE` tokens in a row
share at least one of them.
"""

import hashlib
import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

GRAM, WINDOW = 10, 5  # tokens that one fingerprint stands for; grams of which one is kept
SURE = GRAM + WINDOW - 1
MAX_CHARS = 20_000  # of one answer; what comes after is not compared

# Bounded repetitions: no text of a student makes this slow.
_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\f\v\\]+|\#[^\n]*)|(?P<line>\n)
    |(?P<text>[A-Za-z]{0,2}(?:'{3}(?:[^\\]|\\.){0,1000}?'{3}|"{3}(?:[^\\]|\\.){0,1000}?"{3}
        |'(?:[^'\\\n]|\\.){0,1000}'|"(?:[^"\\\n]|\\.){0,1000}"))
    |(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Code:
    """An answer as tokens, in which other names for variables make no difference.

    Attributes:
        source: The code as it was handed in.
        tokens: The tokens.
        lines: The line of each token, from 0.
    """

    source: str
    tokens: tuple[str, ...]
    lines: tuple[int, ...]

    @cached_property
    def grams(self) -> tuple[bytes, ...]:
        """A hash of each `GRAM` tokens in a row, by their place."""
        count = len(self.tokens) - GRAM + 1
        return tuple(_hash(self.tokens[k : k + GRAM]) for k in range(count))

    @cached_property
    def prints(self) -> frozenset[bytes]:
        """The fingerprints: the least hash of each window of grams."""
        count = max(len(self.grams) - WINDOW + 1, min(1, len(self.grams)))
        return frozenset(min(self.grams[k : k + WINDOW]) for k in range(count))

    def covered(self, grams: Collection[bytes]) -> frozenset[int]:
        """The places of all tokens that lie in one of these grams."""
        found = (k for k, gram in enumerate(self.grams) if gram in grams)
        return frozenset(place for k in found for place in range(k, k + GRAM))

    def marked(self, places: Iterable[int]) -> frozenset[int]:
        """The lines on which these tokens stand."""
        return frozenset(self.lines[place] for place in places)


def of(source: str) -> Code:
    """An answer as tokens."""
    tokens, lines, line = [], [], 0
    before = ""
    for found in _TOKEN.finditer(source[:MAX_CHARS]):
        text, kind = found[0], found.lastgroup
        if kind == "line":
            line += 1
        elif kind != "skip":
            shown = {"text": "S", "number": "N"}.get(kind or "", text)
            after = source[found.end() : found.end() + 1]
            if kind == "name" and not (keyword.iskeyword(text) or before == "." or after == "("):
                shown = "V"
            tokens.append(shown)
            lines.append(line)
            before = text
            line += text.count("\n")
    return Code(source, tuple(tokens), tuple(lines))


def _hash(tokens: tuple[str, ...]) -> bytes:
    return hashlib.blake2b("\0".join(tokens).encode("utf-8", "replace"), digest_size=8).digest()
