"""The wheel that students install holds convcourse alone, and a notebook needs no more."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("nbgrader", "autograder", "jupytext", "nbformat", "nbclient", "typer", "IPython")
BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {foreign!r}:
            raise ModuleNotFoundError(f"{{name}} is not there in Colab's way", name=name)
sys.meta_path.insert(0, Blocked())
sys.path[:0] = [{wheel!r}, {here!r}]
import convcourse
assert convcourse.__file__.startswith({wheel!r}), convcourse.__file__
from pathlib import Path
from run_notebook import run
print(run(Path({notebook!r})))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    to = tmp_path_factory.mktemp("wheel")
    asked = [sys.executable, "-m", "build", "--wheel", "--outdir", str(to), str(ROOT / "helpers")]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return next(to.glob("*.whl"))


def test_the_wheel_holds_convcourse_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"convcourse"}
    shipped = {p.name for e in ("toml", "npz") for p in (ROOT / "helpers/src").rglob(f"*.{e}")}
    assert shipped <= {name.split("/")[-1] for name in names}


@pytest.mark.timeout(600)
def test_a_notebook_runs_where_only_the_wheel_and_its_libraries_are(wheel, tmp_path):
    unpacked = tmp_path / "wheel"
    zipfile.ZipFile(wheel).extractall(unpacked)
    notebook = sorted((ROOT / "source").glob("*/*.ipynb"))[0]
    code = BLOCK.format(
        foreign=FOREIGN,
        wheel=str(unpacked),
        here=str(Path(__file__).parent),
        notebook=str(notebook),
    )
    environment = os.environ | {"COURSE_PROFILE": "offline", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
