"""What a comparison can find wrong, as data, and the one place that puts it into words.

Each finding has two wordings. A visible check shows ``told``, which quotes the value found and the
one expected. A hidden check shows ``told_without_values``, which names only the kind of mistake. So
the type of a finding decides what a hidden check may give away.

>>> finding = Shape("The batch", (32, 32, 3), (None, 32, 32, 3))
>>> finding.told()
'The batch has shape (32, 32, 3); expected (any, 32, 32, 3).'
>>> finding.told_without_values()
'The batch has another shape than expected: 3 axes in place of 4.'
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convcourse.wording import does, figure, has, is_, names, short, side

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


class Finding:
    """What is wrong; the subclasses say what they know about it."""

    def told(self) -> str:
        """One or two sentences with the values."""
        raise NotImplementedError

    def told_without_values(self) -> str:
        """The same without the value found and without the one expected."""
        return self.told()


@dataclass(frozen=True)
class Sentence(Finding):
    """An author's own words, which hold no value of a hidden case."""

    text: str

    def told(self) -> str:
        return self.text


@dataclass(frozen=True)
class InCase(Finding):
    """A finding about one of several calls; ``case`` is the beginning of its sentence."""

    case: str
    finding: Finding

    def told(self) -> str:
        return self._begun(self.finding.told())

    def told_without_values(self) -> str:
        return self._begun(self.finding.told_without_values())

    def _begun(self, sentence: str) -> str:
        return f"{self.case}, {sentence[:1].lower()}{sentence[1:]}"


@dataclass(frozen=True)
class Value(Finding):
    """A value that is not the one expected.

    Attributes:
        what: What has the value, as the subject of a sentence.
        got: The value found.
        want: The value expected, in words.
        kind: Where the kind of value is wrong, the kind expected, in words.
    """

    what: str
    got: Any
    want: str
    kind: str = ""

    def told(self) -> str:
        return f"{is_(self.what)} {short(self.got)}; expected {self.want}."

    def told_without_values(self) -> str:
        return f"{is_(self.what)} wrong{f'; expected {self.kind}' if self.kind else ''}."


@dataclass(frozen=True)
class Rounded(Value):
    """The number expected, but rounded to two to four digits after the point."""

    def told_without_values(self) -> str:
        return f"{is_(self.what)} rounded: return the number itself."


def number(what: str, got: float, want: float) -> Value:
    """Say that a number is not the one expected, and whether rounding is the reason.

    A whole number or one with a single digit after the point counts as another number: it may be
    near by chance. A subject that speaks of rounding needs no second word about it.
    """
    is_short = not got.is_integer() and any(
        abs(got - round(want, digits)) <= 1e-7 * abs(got) for digits in range(2, 5)
    )
    kind = Rounded if is_short and "rounded" not in what else Value
    return kind(what, float(f"{got:.6g}"), f"{want:.6g}")


@dataclass(frozen=True)
class Length(Finding):
    """A sequence of another length than expected."""

    what: str
    got: int
    want: int

    def told(self) -> str:
        entries = "entry" if self.got == 1 else "entries"
        return f"{has(self.what)} {self.got} {entries}; expected {self.want}."

    def told_without_values(self) -> str:
        return f"{has(self.what)} the wrong length."


@dataclass(frozen=True)
class MissingKeys(Finding):
    """Keys that a dictionary lacks."""

    what: str
    keys: frozenset

    def told(self) -> str:
        return f"{does(self.what, 'lack')} {names(self.keys)}."


@dataclass(frozen=True)
class UnexpectedKeys(Finding):
    """Keys of a dictionary that the exercise does not ask for."""

    what: str
    keys: frozenset

    def told(self) -> str:
        return f"{has(self.what)} {names(self.keys)}, which the exercise does not ask for."

    def told_without_values(self) -> str:
        return f"{has(self.what)} a key that the exercise does not ask for."


@dataclass(frozen=True)
class Elements(Finding):
    """An array that differs in some or all elements.

    Attributes:
        what: What has the array, as the subject of a sentence.
        differing: How many elements differ.
        size: How many elements there are.
        at: The index of the first difference, or None to quote no element.
        got: The element found there.
        want: The element expected there.
    """

    what: str
    differing: int
    size: int
    at: tuple[int, ...] | None = None
    got: float = 0.0
    want: float = 0.0

    def told(self) -> str:
        places = f"{does(self.what, 'differ')} in {self.differing} of {self.size} places"
        if self.at is None:
            return f"{places}."
        got, want = figure(self.got), figure(self.want)
        return f"{places}; the first is at {self.at}: {got}, expected {want}."

    def told_without_values(self) -> str:
        places = "all" if self.differing == self.size else "some"
        return f"{does(self.what, 'differ')} in {places} places."


@dataclass(frozen=True)
class Shape(Finding):
    """An array of another shape; ``None`` in ``want`` stands for any size."""

    what: str
    got: tuple[int, ...]
    want: tuple[int | None, ...]

    def told(self) -> str:
        if not self.want:
            return f"{is_(self.what)} an array of shape {self.got}; expected a single value."
        sizes = ["any" if w is None else str(w) for w in self.want]
        want = f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
        if not self.got:
            return f"{is_(self.what)} a single value; expected an array of shape {want}."
        return f"{has(self.what)} shape {self.got}; expected {want}."

    def told_without_values(self) -> str:
        if not self.want:
            return f"{is_(self.what)} an array; expected a single value."
        if not self.got:
            return f"{is_(self.what)} a single value; expected an array."
        if len(self.got) == len(self.want) == 1:
            return f"{has(self.what)} another shape than expected: another number of entries."
        axes = "axis" if len(self.got) == 1 else "axes"
        differs = f"{len(self.got)} {axes} in place of {len(self.want)}"
        if len(self.got) == len(self.want):
            axis = next(i for i, w in enumerate(self.want) if w not in (None, self.got[i]))
            differs = f"along axis {axis}"
        return f"{has(self.what)} another shape than expected: {differs}."


@dataclass(frozen=True)
class Dtype(Finding):
    """An array of another dtype than expected."""

    what: str
    got: str
    want: str

    def told(self) -> str:
        return f"{has(self.what)} dtype {self.got}; expected {self.want}."


@dataclass(frozen=True)
class Parameters(Finding):
    """A network with another number of parameters; ``kind`` says which ones were counted."""

    got: int
    want: int
    kind: str

    def told(self) -> str:
        return f"The network has {self.got:,} {self.kind}; expected {self.want:,}."

    def told_without_values(self) -> str:
        return f"The network has too {'many' if self.got > self.want else 'few'} {self.kind}."


@dataclass(frozen=True)
class ChangedArgument(Finding):
    """A function that changes what it was given.

    Attributes:
        function: The function's name.
        argument: The argument's name, or its position from 0.
    """

    function: str
    argument: str | int

    def told(self) -> str:
        which = f"its argument {self.argument}"
        if isinstance(self.argument, int):
            which = f"its {ORDINALS[self.argument]} argument"
        return (
            f"{self.function} changes {which}: work on a copy, so that the caller's stays as it is."
        )


@dataclass(frozen=True)
class LayerCount(Finding):
    """A network with more or fewer layers of one kind than expected."""

    kind: str
    got: int
    want: int
    layers: Sequence[str]

    def told(self) -> str:
        name = self.kind if self.kind.endswith("layer") else f"{self.kind} layer"
        counted = f"{self.got or 'no'} {name}{'' if self.got == 1 else 's'}"
        return (
            f"The network has {counted}; expected {self.want}. "
            f"Its layers are: {', '.join(self.layers)}."
        )


@dataclass(frozen=True)
class SecondActivation(Finding):
    """An activation after a layer that has one already.

    Attributes:
        layer: The layer, as the subject of a sentence.
        has: Its own activation.
        follows: The one that follows it.
    """

    layer: str
    has: str
    follows: str

    def told(self) -> str:
        return (
            f"{self.layer} has activation {self.has}, and the activation {self.follows} follows "
            "it: leave one of them out."
        )


@dataclass(frozen=True)
class LayerOrder(Finding):
    """The layers expected, in another order."""

    got: Sequence[str]
    want: Sequence[str]

    def told(self) -> str:
        return (
            f"The layers are in another order: {', '.join(self.got)}; "
            f"expected {', '.join(self.want)}."
        )


@dataclass(frozen=True)
class LayerFigure(Finding):
    """One argument of a layer, such as ``filters`` or ``strides``, is not as expected."""

    layer: str
    argument: str
    got: Any
    want: Any

    def told(self) -> str:
        got, want = side(self.got), side(self.want)
        return f"{self.layer} has {self.argument} {got}; expected {want}."

    def told_without_values(self) -> str:
        other = "other" if self.argument.endswith("s") else "another"
        return f"{self.layer} has {other} {self.argument} than expected."


@dataclass(frozen=True)
class LayerActivation(Finding):
    """A layer with another activation than expected."""

    layer: str
    got: str
    want: str

    def told(self) -> str:
        got, want = (
            f"{name} (no activation)" if name == "linear" else name
            for name in (self.got, self.want)
        )
        return f"{self.layer} has activation {got}; expected {want}."
