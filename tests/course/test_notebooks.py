"""Every source notebook, solutions and hidden tests included, runs from top to bottom."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.warm import server
from autograder.warm.provisioner import NAME, announce

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).resolve().parents[2]
# `autograder` is imported first, for what that spares nbval's imports.
PYTEST = "import autograder, pytest; raise SystemExit(pytest.main())"
NOTEBOOKS = sorted((ROOT / "source").glob("*/*.ipynb"))


@pytest.fixture(scope="module")
def warm():
    """One process with TensorFlow loaded, from which the notebooks' kernels are forked."""
    announce()
    with server.shared():
        yield


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_source_notebook_runs_offline(notebook: Path, tmp_path: Path, warm: None):
    # In a copy, because a notebook leaves checkpoints beside itself.
    copy = tmp_path / notebook.name
    shutil.copy(notebook, copy)
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
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
