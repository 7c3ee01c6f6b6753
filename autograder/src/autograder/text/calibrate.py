"""How an accuracy threshold is found: the reference and broken variants, trained many times.

course/calibration/NAME.py says what the threshold must tell apart. Each training that ends adds a
line to .autograder/calibration/NAME.PROFILE.jsonl, so that a stopped run can resume. The figures
go to course/calibration/NAME.PROFILE.toml, which is committed.
"""

import ast
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import tomli_w

from autograder.course import Course
from autograder.root import CourseError
from autograder.text.authoring import read_cells
from autograder.text.cells import facts
from convcourse import checks, hints
from convcourse.data import DataError
from convcourse.files import write_whole

REFERENCE = "reference"
DEVIATIONS = 4  # standard deviations between the threshold and each mean


@dataclass(frozen=True)
class Figures:
    """Held-out accuracies of one variant, one for each training seed."""

    name: str
    accuracies: list[float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracies)

    @property
    def deviation(self) -> float:
        """Sample standard deviation."""
        return statistics.stdev(self.accuracies)


def room(figures: list[Figures]) -> tuple[float, float]:
    """The lowest and the highest threshold that stay `DEVIATIONS` away from every mean.

    The lowest is above the highest if accuracy cannot tell the reference from a variant.
    """
    reference = next(f for f in figures if f.name == REFERENCE)
    broken = [f for f in figures if f.name != REFERENCE]
    lowest = max((f.mean + DEVIATIONS * f.deviation for f in broken), default=0.0)
    return lowest, reference.mean - DEVIATIONS * reference.deviation


def calibrate(
    course: Course, name: str, profile: str, watch: Callable[[str], None], seeds: int | None = None
) -> Path:
    """Train what is missing, write the figures, and return their file.

    ``seeds`` takes the place of the recipe's own number. Raises `CourseError` without a recipe.
    """
    os.environ.update(COURSE_PROFILE=profile, COURSE_ROOT=str(course.root))
    recipe_path = course.root / "course" / "calibration" / f"{name}.py"
    if not recipe_path.is_file():
        raise CourseError(f"There is no course/calibration/{name}.py: write down its variants.")
    recipe = _module(recipe_path)
    text = course.text_path(name).read_text(encoding="utf-8")
    try:
        variants = recipe.variants(solution(text))
    except DataError as error:
        raise CourseError(f"{name} cannot be calibrated here: {error}") from None
    seeds = seeds or recipe.SEEDS
    store = _Store(course.root, name, profile, _state(text, recipe_path))
    missing = [
        (variant, seed)
        for seed in range(seeds)
        for variant in variants
        if (variant, seed) not in store.known
    ]
    for done, (variant, seed) in enumerate(missing, start=1):
        with _empty_folder(), contextlib.redirect_stdout(io.StringIO()):
            accuracy = float(variants[variant](seed))
        store.add(variant, seed, accuracy)
        watch(f"[{done}/{len(missing)}] {variant}, seed {seed}: {accuracy:.4f}")
    figures = [Figures(v, [store.known[v, s] for s in range(seeds)]) for v in variants]
    path = course.root / "course" / "calibration" / f"{name}.{profile}.toml"
    threshold = course.threshold(recipe.EXERCISE, profile)
    write_whole(path, report(recipe.EXERCISE, threshold, figures))
    for line in verdict(threshold, figures):
        watch(line)
    return path


def solution(text: str) -> dict[str, Any]:
    """The names that an assignment's imports and answers define; no other cell is run."""
    names: dict[str, Any] = {"__name__": "notebook", "checks": checks, "hints": hints}
    for cell in read_cells(text):
        role, _, _ = facts(cell)
        if cell.cell_type != "code" or role == "tests":
            continue
        source = cell.source
        if role != "solution":
            body = ast.parse(source).body
            kept = [s for s in body if isinstance(s, ast.Import | ast.ImportFrom)]
            source = "\n".join(ast.unparse(s) for s in kept)
        exec(compile(source, "<solution>", "exec"), names)
    return names


def verdict(threshold: float, figures: list[Figures]) -> Iterator[str]:
    """One line for each variant, and one for the threshold, in words."""
    for f in figures:
        away = (f.mean - threshold) / f.deviation if f.deviation else float("inf")
        yield (
            f"{f.name}: {f.mean:.4f} ± {f.deviation:.4f} "
            f"[{min(f.accuracies):.4f}, {max(f.accuracies):.4f}], "
            f"{abs(away):.1f} standard deviations {'above' if away > 0 else 'below'} {threshold}"
        )
    lowest, highest = room(figures)
    if lowest > highest:
        yield "No threshold is far enough from every variant: accuracy does not tell them apart."
    elif not lowest <= threshold <= highest:
        yield f"The threshold is {threshold}; it must lie between {lowest:.4f} and {highest:.4f}."
    else:
        yield f"The threshold {threshold} lies between {lowest:.4f} and {highest:.4f}: it holds."


def report(exercise: str, threshold: float, figures: list[Figures]) -> str:
    """The figures as the text of a TOML file."""
    import keras

    lowest, highest = room(figures)
    table = {
        "exercise": exercise,
        "threshold": threshold,
        "between": [round(lowest, 4), round(highest, 4)],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Keras {keras.__version__}",
        "variants": {
            one.name: {
                "mean": round(one.mean, 4),
                "deviation": round(one.deviation, 4),
                "accuracies": [round(accuracy, 4) for accuracy in one.accuracies],
            }
            for one in figures
        },
    }
    head = "# Held-out accuracy by training seed; written by `autograder calibrate`.\n"
    return head + tomli_w.dumps(table)


class _Store:
    """The finished trainings: one JSON line each, valid for one state of text and recipe."""

    def __init__(self, root: Path, name: str, profile: str, state: str) -> None:
        self.path = root / ".autograder" / "calibration" / f"{name}.{profile}.jsonl"
        self.state = state
        self.known: dict[tuple[str, int], float] = {}
        for line in self.path.read_text().splitlines() if self.path.is_file() else []:
            with contextlib.suppress(ValueError):  # a line that a crash truncated
                entry = json.loads(line)
                if entry["state"] == state:
                    self.known[entry["variant"], entry["seed"]] = entry["accuracy"]

    def add(self, variant: str, seed: int, accuracy: float) -> None:
        self.known[variant, seed] = accuracy
        entry = {"state": self.state, "variant": variant, "seed": seed, "accuracy": accuracy}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _state(text: str, recipe: Path) -> str:
    """A hash of all answers and the recipe; figures of another state do not count."""
    answers = [c.source for c in read_cells(text) if "solution" in c.metadata]
    return hashlib.sha256("\n".join([*answers, recipe.read_text()]).encode()).hexdigest()[:16]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"calibration_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # its name ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _empty_folder() -> Iterator[None]:
    """Work in an empty folder, because a checkpoint would be loaded instead of training."""
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder, contextlib.chdir(folder):
        yield
