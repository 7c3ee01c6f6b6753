# Set-up: this cell is the same in every notebook.
#
# Where your notebook is graded, there is no network, and these packages are installed: TensorFlow,
# Keras, NumPy, matplotlib, scikit-learn, SciPy, pandas, seaborn, Pillow (PIL), OpenCV (cv2),
# scikit-image, tqdm and TensorBoard. A line that begins with % or ! does no harm there.
import importlib
import subprocess
import sys
from pathlib import Path

from packaging.version import Version

NEEDS = "$version"  # the oldest convcourse that this notebook works with
WHEEL = "$wheel"  # where to get it, unless a recent convcourse-*.whl lies beside this notebook


def _convcourse_version():
    try:
        return importlib.import_module("convcourse").__version__
    except (ImportError, AttributeError):  # not installed, or hidden by a file of this name
        return "0"


if Version(_convcourse_version()) < Version(NEEDS):
    _wheels = sorted(Path().glob("convcourse-*.whl"), key=lambda p: Version(p.name.split("-")[1]))
    _beside = str(_wheels[-1]) if _wheels else ""
    _recent = _beside and Version(_wheels[-1].name.split("-")[1]) >= Version(NEEDS)
    _wheel = _beside if _recent or not WHEEL else WHEEL
    if _wheel:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", _wheel])
        for _name in [n for n in sys.modules if n.partition(".")[0] == "convcourse"]:
            del sys.modules[_name]  # an older one
        importlib.invalidate_caches()
    _has = _convcourse_version()
    if Version(_has) < Version(NEEDS):
        raise ImportError(
            f"This notebook needs convcourse {NEEDS}, and "
            + (f"version {_has} is installed. " if _has != "0" else "it is not installed. ")
            + (f"Installing {_wheel} did not help: read pip's message above. " if _wheel else "")
            + f"Ask your instructor for convcourse-{NEEDS}-py3-none-any.whl and put it beside "
            "this notebook; nothing else there may be called convcourse. Restart the kernel and "
            f"run this cell again, or run: pip install --upgrade convcourse-{NEEDS}-py3-none-any.whl"
        )

from convcourse import checks, device, hints, notebook

notebook.explain_missing_names()
device.report()
