"""Every source notebook, solutions and hidden tests included, runs from top to bottom.

Where no threshold hangs on a training, an epoch of each shows that the notebook runs, and the
trainings in full are left to ``make test-all``.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.warm import server
from autograder.warm.provisioner import NAME, announce

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).resolve().parents[2]
# `autograder` is imported first, for what that spares nbval's imports.
PYTEST = "import autograder, pytest; raise SystemExit(pytest.main())"
NOTEBOOKS = sorted((ROOT / "source").glob("*/*.ipynb"))
# In front of a notebook: trainings end after their first epoch.
BRIEF = """
import keras

def _one_epoch(self, *args, _fit=keras.Model.fit, initial_epoch=0, **settings):
    settings["epochs"] = initial_epoch + 1
    return _fit(self, *args, initial_epoch=initial_epoch, **settings)

keras.Model.fit = _one_epoch
"""


def _trains_to_a_threshold(notebook: Path) -> bool:
    return "submission.threshold(" in notebook.read_text(encoding="utf-8")


JUDGED = [path for path in NOTEBOOKS if _trains_to_a_threshold(path)]
OTHERS = [path for path in NOTEBOOKS if path not in JUDGED]


@pytest.fixture(scope="module")
def warm():
    """One process with TensorFlow loaded, from which the notebooks' kernels are forked."""
    announce()
    with server.shared():
        yield


def _by_name(notebooks: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("notebook", notebooks, ids=lambda path: path.stem)


@pytest.mark.timeout(1_800)
@_by_name(JUDGED)
def test_a_notebook_that_is_judged_by_its_training_runs_offline(
    notebook: Path, tmp_path: Path, warm: None
):
    _run(notebook, tmp_path)


@pytest.mark.timeout(1_800)
@_by_name(OTHERS)
def test_a_notebook_runs_with_one_epoch_of_each_training(
    notebook: Path, tmp_path: Path, warm: None
):
    _run(notebook, tmp_path, before=BRIEF)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@_by_name(OTHERS)
def test_a_notebook_runs_offline(notebook: Path, tmp_path: Path, warm: None):
    _run(notebook, tmp_path)


def _run(notebook: Path, folder: Path, before: str = "") -> None:
    """Run a copy, because a notebook leaves checkpoints beside itself."""
    copy = folder / notebook.name
    text = nbformat.read(notebook, as_version=4)
    if before:
        text.cells.insert(0, nbformat.v4.new_code_cell(before))
    nbformat.write(text, copy)
    environment = os.environ | {
        # One thread, as in grading: those of processes that share the cores wait for each other.
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "COURSE_PROFILE": "offline",
        "COURSE_ROOT": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    asked = ["--nbval-kernel-name", NAME]
    asked += ["--nbval-lax", "--nbval-cell-timeout", "600", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-c", PYTEST, *asked, copy.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
