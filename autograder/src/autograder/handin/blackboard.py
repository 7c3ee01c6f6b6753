"""Whose a Blackboard file is: its name has the course, the assignment and the user in one.

Blackboard puts a text beside each attempt whose first line names the user. Without it, the
roster or the names of all files together tell where the user's name begins.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from autograder.classlist.roster import Roster
from autograder.handin.forms import BLACKBOARD, Sign

MAX_NOTE = 2**20  # bytes of one
_NAME = re.compile(r"\s*Name:\s*(?P<who>.*?)\s*\((?P<id>[^()\r\n]+)\)\s*(?:\r?\n|$)")


def completed(
    signs: Mapping[str, Sign], read: Callable[[str], str], roster: Roster
) -> dict[str, Sign]:
    """Signs with Blackboard's users in them.

    Args:
        signs: The sign of each path of an archive.
        read: Gives the text of a note by its path.
        roster: The roster.
    """
    heads = {sign.who for sign in signs.values() if sign.platform == BLACKBOARD}
    told = {}
    for path, sign in signs.items():
        found = _NAME.match(read(path)) if sign.platform == BLACKBOARD and sign.note else None
        if found and f"_{sign.who}".endswith(f"_{found['id']}"):
            told[sign.who] = (found["id"], found["who"])
    common = _common(heads)
    return {path: _with_user(sign, told, common, roster) for path, sign in signs.items()}


def _with_user(
    sign: Sign, told: Mapping[str, tuple[str, str]], common: str, roster: Roster
) -> Sign:
    if sign.platform != BLACKBOARD:
        return sign
    if sign.who in told:
        id, who = told[sign.who]
        return replace(sign, id=id, who=who)
    parts = sign.who.split("_")
    ends = ["_".join(parts[k:]) for k in range(len(parts))]
    known = [end for end in ends if roster.find(BLACKBOARD, end) or roster.get(end)]
    if len(known) == 1:
        return replace(sign, id=known[0], who="")
    # The last part, if what all names begin with does not say that it is only a piece of the user.
    rest = sign.who.removeprefix(common)
    unclear = bool(known) or (bool(common) and "_" in rest)
    return replace(sign, id=rest if common and not known else ends[-1], who="", unclear=unclear)


def _common(heads: set[str]) -> str:
    """What the names of several users' files begin with, up to an underscore."""
    if len(heads) < 2:
        return ""
    same = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*heads, strict=False))
    prefix = "".join(letters[0] for letters in same)
    return prefix[: prefix.rfind("_") + 1]
