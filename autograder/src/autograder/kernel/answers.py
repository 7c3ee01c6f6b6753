"""The grader's side of a question to the kernel: the request, and the file with the answer."""

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol

from autograder.kernel.outline import outline
from autograder.pages.sanitize import bounded
from convcourse import outcomes
from convcourse.wire import export
from convcourse.wire.answers import asked_for

# What an exception most often means, by its name. With more names, code could encode more of the
# hidden values in them.
CAUSES = {
    "AssertionError": "one of its own assertions fails",
    "AttributeError": "a value is of another type than it expects, such as None or a list",
    "IndexError": "it reads beyond the end of a list or an axis",
    "KeyError": "it looks up a key that a dictionary does not have",
    "NameError": "it uses a name that does not exist",
    "TypeError": "it does not take an argument that its docstring names, or it mixes types",
    "UnboundLocalError": "it reads a variable before it has a value",
    "ValueError": "sizes or shapes do not fit each other, or a value is not allowed",
    "ZeroDivisionError": "it divides by zero",
}
MAX_KEPT = 64 * 2**20  # bytes of an answer that waits for the notebook's end
MAX_ANSWER = export.MAX_BYTES + export.MAX_HEAD + 8  # bytes


class Notebook(Protocol):
    """A running notebook, as far as `KernelSource` needs it."""

    told: bool  # whether student code has seen arguments of hidden checks

    @property
    def folder(self) -> Path:
        """The notebook's folder, as the kernel sees it."""

    @property
    def root(self) -> str:
        """The root of the kernel's file tree, as this process sees it."""

    def ask(self, code: str) -> None:
        """Run the grader's own code in the kernel; its outputs are discarded."""

    def look(self) -> None:
        """Check that the kernel was not ended from outside, which is no answer."""


class KernelSource:
    """A student's kernel as a `Source`: it asks by executing code and reads plain data.

    Attributes:
        late: Whether it has asked the kernel anything after the notebook's end.
    """

    def __init__(
        self,
        run: Notebook,
        place: str = "",
        ready: "Ready | None" = None,
        built: dict[tuple[str, bytes], str] | None = None,
    ) -> None:
        """Ask a notebook at the place where it is, or about an earlier one.

        Args:
            run: The notebook.
            place: The place that the questions are about, which was held; empty for the present.
            ready: What that place has answered already.
            built: The outlines of the networks that this exercise's functions have made, by
                function and arguments.
        """
        self.run, self._place, self._ready, self.late = run, place, ready, False
        self._built = {} if built is None else built

    def values(self, names: list[str]) -> tuple[Any, list]:
        return self._ask("values", names, None)

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("call", name, arguments)

    def changed(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("changed", name, arguments)

    def trainings(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("trainings", name, arguments)

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        plain = self._ask("model", name, arguments)
        if arguments is not None:
            asked = name, export.dumps(*arguments)
            outcomes.that(
                self._built.setdefault(asked, outline(plain)) == outline(plain),
                f"{name} gives another network when it is called again with the same arguments.",
            )
        return plain

    def doubts(self) -> tuple[Any, list]:
        """What the notebook says about the checkpoints that it has restored."""
        return self._ask("doubts", "checkpoints", None)

    def _ask(
        self, kind: str, name: str | list[str], arguments: tuple[Any, list] | None
    ) -> tuple[Any, list]:
        if arguments is None and self._ready and (known := self._ready.get(kind, name)):
            return known()
        self.late = self.late or bool(self._place)
        self.run.told = self.run.told or arguments is not None
        try:
            return self._exchanged(kind, name, arguments)
        except outcomes.CheckFailed:
            self.run.look()
            raise

    def _exchanged(
        self, kind: str, name: str | list[str], arguments: tuple[Any, list] | None
    ) -> tuple[Any, list]:
        names = [f".{word}-{secrets.token_hex(8)}" for word in ("given", "answer")]
        root, place = self.run.root, self.run.folder  # in this order: the first may get a kernel
        given, answer = (str(place / one) for one in names)
        with _opened(root, place) as folder:
            if arguments is not None:
                _write(folder, names[0], export.dumps(*arguments))
            try:
                file = given if arguments is not None else None
                asked = f"{kind!r}, {name!r}, {file!r}, {answer!r}, {self._place!r}"
                self.run.ask(in_kernel(f"answer({asked})"))
                return _read(folder, names[1])
            except _Said as said:
                raise said.outcome(asked_for(name), self.run.told) from None
            finally:
                for one in names:
                    with contextlib.suppress(OSError):
                        os.unlink(one, dir_fd=folder)


class Ready:
    """Answers to questions that carry no argument, taken at a check's place in the notebook."""

    def __init__(self, run: Notebook, questions: Iterable[tuple[str, str | list[str]]]) -> None:
        """Ask the notebook now.

        Args:
            run: The notebook, which has not seen an argument of a hidden check.
            questions: Kind and name, or names, of each.
        """
        source = KernelSource(run)
        taken = {_key(*one): _taken(source, *one) for one in questions}
        self._known = {key: answer for key, answer in taken.items() if answer}

    def get(self, kind: str, name: str | list[str]) -> Callable[[], tuple[Any, list]] | None:
        """What gives the answer, or raises its outcome; None if it was not asked."""
        return self._known.get(_key(kind, name))


def _key(kind: str, name: str | list[str]) -> tuple[str, ...]:
    return (kind, name) if isinstance(name, str) else (kind, *name)


def _taken(source: KernelSource, kind: str, name: Any) -> Callable[[], tuple[Any, list]] | None:
    """What gives the answer, or raises its outcome; None if it is too large to be kept."""
    try:
        answer = source.values(name) if kind == "values" else source.model(name, None)
    except outcomes.CheckFailed as failed:
        status, message, detail = failed.outcome.status, failed.outcome.message, failed.detail

        def fail() -> NoReturn:
            again = outcomes.failure(status, message)
            again.detail = detail
            raise again

        return fail
    return None if sum(one.nbytes for one in answer[1]) > MAX_KEPT else lambda: answer


def in_kernel(call: str) -> str:
    """Code that calls a function of `convcourse.wire.answers` and leaves no name behind."""
    return f"__import__('convcourse.wire.answers', fromlist=['answers']).{call}"


@contextlib.contextmanager
def _opened(root: str, folder: Path) -> Iterator[int]:
    """Open a folder whose parents student code may have renamed.

    No link in its path is followed, and once it is open, no link can lead elsewhere.
    """
    handle = -1
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for part in folder.relative_to("/").parts:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            above, handle = handle, os.open(part, flags, dir_fd=handle)
            os.close(above)
    except OSError:
        if handle >= 0:
            os.close(handle)
        raise outcomes.StudentError("The notebook's folder was moved or removed.") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _write(folder: int, name: str, content: bytes) -> None:
    try:
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            owner = os.fstat(folder)
            if owner.st_uid != os.geteuid():  # the notebook has a user of its own
                os.fchown(handle, owner.st_uid, owner.st_gid)
    except OSError as error:
        words = f"The grader cannot write to the notebook's folder: {error.strerror}."
        raise outcomes.StudentError(words) from None


def _read(folder: int, name: str) -> tuple[Any, list]:
    """The answer, from a file that student code could have written: small, regular, not a link."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        raise outcomes.StudentError(
            "The notebook gave no answer when asked for a result."
        ) from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_ANSWER:
            raise outcomes.Wrong("The notebook's answer is too large or is not plain data.")
        kind, raw = file.read(1), file.read(MAX_ANSWER)
    if kind == b"+":
        return export.loads(raw)
    raise _Said(raw)


class _Said(Exception):
    """A failure with a message from the notebook, which student code may have forged."""

    def __init__(self, raw: bytes) -> None:
        try:
            status, words = json.loads(raw[:100_000])
        except (ValueError, TypeError, RecursionError):
            status, words = outcomes.ERROR, "The answer is malformed."
        self.status = (
            status if status in (outcomes.NOT_ATTEMPTED, outcomes.WRONG) else outcomes.ERROR
        )
        self.words = bounded(words, 2_000)

    def outcome(self, name: str, told: bool) -> outcomes.CheckFailed:
        """The outcome for the student, who must not see the arguments of hidden checks."""
        kinds = {outcomes.NOT_ATTEMPTED: outcomes.NotAttempted, outcomes.WRONG: outcomes.Wrong}
        kind = kinds.get(self.status, outcomes.StudentError)
        if not told:
            return kind(self.words)
        if self.status == outcomes.NOT_ATTEMPTED:
            failed = kind(f"{name} is not written yet.")
        elif self.status == outcomes.WRONG:
            failed = kind(
                f"In a hidden check, {name} does not give a plain value, an array, or a Keras "
                "model that can be rebuilt from Keras's layers and keras.ops."
            )
        else:
            failed = kind(f"In a hidden check, {name} {_end(self.words.partition(':')[0])}")
        failed.detail = self.words
        return failed


def _end(name: str) -> str:
    """How a call ended, by the name of the exception."""
    hint = "Try other arguments that its docstring allows."
    if name not in CAUSES:
        return f"ends in an error. {hint}"
    return f"ends in {'an' if name[0] in 'AIU' else 'a'} {name}: {CAUSES[name]}. {hint}"
