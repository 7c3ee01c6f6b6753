"""One trial of some cells and their checks, in a process of its own that is forked warm.

Nothing here is hostile: the code comes from the course. So cells and hidden blocks share the
process, as they do under stock nbgrader, and a trial costs little more than what it computes.
"""

import contextlib
import io
import json
import linecache
import random
import resource
import shutil
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograder.judge import heldout, source
from autograder.judge.evaluate import evaluate
from autograder.root import CourseError
from autograder.walled.target import Call
from autograder.warm import server
from convcourse.files import write_whole
from convcourse.wire.answers import Namespace

# Kinds of steps. The last two are outcomes as well.
RUN, FORGET, VISIBLE, HIDDEN = "run", "forget checkpoints", "visible", "hidden"
SURVIVED, TIMEOUT, DIED = "survived", "timeout", "died"
MEMORY = 8 * 2**30  # bytes; a fault can ask for any number of them

Step = tuple[str, str, str]  # its kind, the id of its cell, its code


@dataclass(frozen=True)
class Result:
    """How a trial ended.

    Attributes:
        outcome: `SURVIVED` if all checks passed, otherwise what noticed something.
        test: The id of the check that noticed.
        message: What it said.
        scores: The points of the checks that gave partial credit, by id.
        seconds: How long it took.
    """

    outcome: str
    test: str = ""
    message: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def run(
    steps: Sequence[Step],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    least: Mapping[str, float] | None = None,
) -> Result:
    """Run steps one after the other until a check does not pass.

    Args:
        steps: The cells and checks.
        folder: The working folder; its checkpoints can be restored.
        environment: The variables of the process.
        seconds: How long it may take.
        least: The points that a check with partial credit must give, by id.

    Raises:
        CourseError: If the process ends through no fault of its own.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trial-") as place:
        asked, answered = Path(place, "asked.json"), Path(place, "answered.json")
        asked.write_text(json.dumps({"steps": steps, "least": dict(least or {})}), encoding="utf-8")
        words = {"asked": str(asked), "answered": str(answered)}
        words["heldout"] = str(server.folder(server.JUDGES))
        target = f"{__name__}:serve"
        own = {**environment, "TMPDIR": place}  # TensorFlow leaves files there
        process = server.fork(target, words, environment=own, folder=folder)
        process.wait_ready()
        code = process.wait(seconds)
        process.kill()
        took = time.monotonic() - began
        if answered.is_file():
            return Result(**{**json.loads(answered.read_text("utf-8")), "seconds": took})
    if lost := process.lost():
        raise CourseError(f"{lost} What was judged before is kept.")
    if code is None:
        return Result(TIMEOUT, message=f"It took more than {seconds:.0f} seconds.", seconds=took)
    return Result(DIED, message=f"The process ended with code {code}.", seconds=took)


def serve(call: Call) -> None:
    """Run the steps of a request: the target of a forked process."""
    asked = json.loads(Path(call.arguments["asked"]).read_text(encoding="utf-8"))
    heldout.keep_in(call.arguments["heldout"])
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    random.seed(0)  # Keras draws its seeds from it
    np.random.seed(0)
    call.ready()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = attempt(asked["steps"], asked["least"])
    write_whole(Path(call.arguments["answered"]), json.dumps(asdict(result)))


def attempt(steps: Sequence[Step], least: Mapping[str, float]) -> Result:
    """Run steps in one namespace; an error in a cell does not stop it, as in a notebook."""
    names: dict[str, Any] = {"__name__": "__main__"}
    source.connect(Namespace(names))
    scores: dict[str, float] = {}
    for number, (kind, test, code) in enumerate(steps):
        if kind == FORGET:
            shutil.rmtree("checkpoints", ignore_errors=True)
        if kind == HIDDEN:
            verdict = evaluate(code)
            score = verdict.score
            if not verdict.passed:
                words = f"{verdict.message} {verdict.detail}".strip()
                return Result(HIDDEN, test, words, scores)
            if score is not None:
                scores[test] = score
                if score < least.get(test, score):
                    return Result(HIDDEN, test, f"It gives {score:g} points.", scores)
            continue
        error = _executed(code, f"<cell {number}>", names)
        if error is not None and kind == VISIBLE:
            return Result(VISIBLE, test, f"{type(error).__name__}: {error}"[:2_000], scores)
    return Result(SURVIVED, scores=scores)


def _executed(code: str, name: str, names: dict[str, Any]) -> BaseException | None:
    # As IPython does, so that a function's source can be read.
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(code, name, "exec"), names)
    except (Exception, SystemExit) as error:
        return error
    return None
