"""Every source notebook, solutions and hidden tests included, runs from top to bottom.

Most trainings are there to be looked at. Two batches of each show that the notebook runs, and
``make test-all`` trains them in full. Trainings whose accuracy is judged are whole in both.
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
# The checkpoints of the trainings whose results hidden tests judge.
JUDGED = {
    "03_net_1": {"net1"},
    "05_net_2": {"net2", "net2_net1"},
    "06_net_3": {"net3_mine"},
    "11_siamese": {"siam_random_pairs_loss_1"},
    "12_transfer_learning": {"transfer_after_20_50"},
    "13_cifar100": {"c100_base"},
    "14_residual_networks": {"res_contest"},
}
# In front of a notebook: other trainings end after two batches, except a check's own, which are
# watched or have a handful of images; linear classifiers see 200 rows, and maps are rough.
BRIEF = """
import functools
import keras
import sklearn.manifold
from convcourse import features, training, watching

def _brief(train, whole):
    def fit(model, *args, initial_epoch=0, **settings):
        x = args[0] if args else settings.get("x")
        of_a_check = hasattr(x, "shape") and len(x) < 100  # images, not a stream of batches
        if not whole and not of_a_check and not watching.is_watched():
            settings["epochs"] = initial_epoch + 1
            settings["steps_per_epoch"] = settings["validation_steps"] = 2
            with watching.step_by_step(model):
                return train(model, *args, initial_epoch=initial_epoch, **settings)
        return train(model, *args, initial_epoch=initial_epoch, **settings)
    return fit

def _known(model, name, *args, _fit=training.fit, **settings):
    if watching.is_watched():
        return _fit(model, name, *args, **settings)
    keras.Model.fit = _brief(_OWN, name in {judged})
    try:
        return _fit(model, name, *args, **settings)
    finally:
        keras.Model.fit = _brief(_OWN, False)

def _probe(*rows, _whole=features.linear_probe):
    return _whole(*(some[:200] for some in rows))

sklearn.manifold.TSNE = functools.partial(sklearn.manifold.TSNE, max_iter=250)
_OWN, training.fit, features.linear_probe = keras.Model.fit, _known, _probe
keras.Model.fit = _brief(_OWN, False)
"""
# Behind a notebook: each figure that it has shown has its text. It is no cell of the course.
DESCRIBED = """
from convcourse import alternatives
assert not alternatives.failures, alternatives.failures[0]
"""


@pytest.fixture(scope="module")
def warm():
    """One process with TensorFlow loaded, from which the notebooks' kernels are forked."""
    announce()
    with server.shared():
        yield


by_name = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.timeout(1_800)
@by_name
def test_a_notebook_runs_and_trains_what_is_judged(notebook: Path, tmp_path: Path, warm: None):
    judged = JUDGED.get(notebook.stem, set())
    _run(notebook, tmp_path, before=BRIEF.replace("{judged}", repr(judged)))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@by_name
def test_a_notebook_runs_offline_in_full(notebook: Path, tmp_path: Path, warm: None):
    _run(notebook, tmp_path)


def _run(notebook: Path, folder: Path, before: str = "") -> None:
    """Run a copy, because a notebook leaves checkpoints beside itself."""
    copy = folder / notebook.name
    text = nbformat.read(notebook, as_version=4)
    if before:
        text.cells.insert(0, nbformat.v4.new_code_cell(before))
    text.cells.append(nbformat.v4.new_code_cell(DESCRIBED))
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
