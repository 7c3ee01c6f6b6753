"""Which answers of one exercise resemble each other, for a person to look at.

What is in the release counts for nobody, and what many students have counts for no pair: most
right answers to a small exercise look alike.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from autograder.text import fingerprints
from autograder.text.fingerprints import Code

LEAST = 30  # tokens of one's own, or that two share, below which nothing can be said
SHARE = 0.5  # of what few have in the shorter answer, from which a pair is listed
FEW, PART = 5, 20  # a passage is common if more students have it than 5 and a 20th of the class
MOST = 200  # pairs that are listed


@dataclass(frozen=True)
class Pair:
    """Two answers to one exercise.

    Attributes:
        exercise: The id of the answer's cell.
        students: Both students.
        codes: Their answers.
        lines: On which lines of each something stands that both have.
        share: How much of what few students have in the shorter answer the other one has too.
        tokens: How many tokens that is.
        same: Whether both are the same letter by letter, but for space at line ends.
    """

    exercise: str
    students: tuple[str, str]
    codes: tuple[Code, Code]
    lines: tuple[frozenset[int], frozenset[int]]
    share: float
    tokens: int
    same: bool


@dataclass
class Found:
    """What was compared.

    Attributes:
        pairs: The pairs, the most alike first.
        compared: How many answers to each exercise were compared.
        short: How many were too short.
        more: How many pairs are left out of the list.
        groups: Answers that are the same letter by letter, of so many students that they are no
            pairs: the exercise and the students.
    """

    pairs: list[Pair] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)
    more: int = 0
    groups: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


def find(answers: Mapping[str, Mapping[str, str]], release: Iterable[str]) -> Found:
    """Compare the answers of a class to one assignment.

    Args:
        answers: The code of each exercise's answers, by student.
        release: The code that students were given.
    """
    given = frozenset(gram for each in release for gram in fingerprints.of(each).grams)
    found = Found()
    for exercise, by_student in answers.items():
        codes = {student: fingerprints.of(text) for student, text in by_student.items()}
        own = {student: _own(code, given) for student, code in codes.items()}
        enough = [student for student in codes if own[student] >= LEAST]
        found.compared[exercise] = len(enough)
        found.short[exercise] = len(codes) - len(enough)
        compared = {one: codes[one] for one in enough}
        found.pairs += _pairs(exercise, compared, given)
        large = [who for who in _alike(compared) if len(who) > _limit(compared)]
        found.groups += [(exercise, tuple(who)) for who in large]
    found.pairs.sort(key=lambda one: (-one.share, -one.same, -one.tokens, one.students))
    found.more = max(0, len(found.pairs) - MOST)
    del found.pairs[MOST:]
    return found


def _own(code: Code, given: Collection[bytes]) -> int:
    return len(code.tokens) - len(code.covered(given))


def _pairs(exercise: str, codes: Mapping[str, Code], given: frozenset[bytes]) -> Iterable[Pair]:
    holders: dict[bytes, set[str]] = defaultdict(set)
    for student, code in codes.items():
        for gram in code.grams:
            holders[gram].add(student)
    limit = _limit(codes)
    rare = frozenset(gram for gram, who in holders.items() if len(who) <= limit) - given
    same = {
        _sorted(*pair)
        for who in _alike(codes)
        if len(who) <= limit
        for pair in combinations(who, 2)
    }
    for one, other in sorted(_candidates(codes, holders, rare) | same):
        yield from _pair(exercise, (one, other), codes, rare, given, (one, other) in same)


def _candidates(
    codes: Mapping[str, Code], holders: Mapping[bytes, set[str]], rare: Collection[bytes]
) -> set[tuple[str, str]]:
    """The pairs that share a fingerprint which few have."""
    prints = {gram for code in codes.values() for gram in code.prints if gram in rare}
    return {pair for gram in prints for pair in combinations(sorted(holders[gram]), 2)}


def _sorted(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _alike(codes: Mapping[str, Code]) -> list[list[str]]:
    """The groups of students whose answers are the same letter by letter."""
    texts: dict[str, list[str]] = defaultdict(list)
    for student, code in codes.items():
        texts["\n".join(line.rstrip() for line in code.source.strip().splitlines())].append(student)
    return [who for who in texts.values() if len(who) > 1]


def _limit(codes: Mapping[str, Code]) -> int:
    """How many students may have a passage that is not common."""
    return max(FEW, len(codes) // PART)


def _pair(
    exercise: str, who: tuple[str, str], codes: Mapping[str, Code], rare: frozenset[bytes],
    given: frozenset[bytes], same: bool,
) -> Iterable[Pair]:  # fmt: skip
    first, second = (codes[one] for one in who)
    both = (set(first.grams) & set(second.grams)) - given
    shorter = min((first, second), key=lambda code: len(code.covered(rare)))
    tokens = len(shorter.covered(both & rare))
    share = tokens / max(1, len(shorter.covered(rare)))
    if same or (share >= SHARE and tokens >= LEAST):
        lines = first.marked(first.covered(both)), second.marked(second.covered(both))
        yield Pair(exercise, who, (first, second), lines, share, tokens, same)
