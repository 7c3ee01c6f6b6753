"""What a student's notebook may reach behind walls: files, variables, a share of the machine.

docs/sandbox.md explains each wall.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import autograder
import convcourse
from autograder.walled import environment as variables
from autograder.walled import probe, walls
from autograder.walled import readable as system
from autograder.walled.limits import GB, LIMITS, Limits
from autograder.walled.request import NAMESPACES, SAME_USER, Walls
from convcourse import official
from convcourse.pretrained import VGG16_FILE

__all__ = ["GB", "HDF5", "HOME", "LEVEL", "LIMITS", "TENSORFLOW", "Limits"]
__all__ += ["environment", "found", "readable", "request", "require", "share", "told"]

LEVEL = "CONVCOURSE_WALLS"  # environment: the level, for workers that need not try the walls
HOME = "/home/student"
# What TensorFlow reads; TF_VAR_, TF_TOKEN_ and NVIDIA_API_KEY are other programs' secrets.
_TENSORFLOW = "TF_CPP_ TF_CUDNN_ TF_DETERMINISTIC_ TF_DISABLE_ TF_ENABLE_ TF_FORCE_ TF_GPU_ TF_NUM_"
TENSORFLOW = (*_TENSORFLOW.split(), "TF_USE_", "TF_XLA_", "CUDA_", "KERAS_")
# A lock on a file that all may read would keep the others from reading it.
HDF5 = {"HDF5_USE_FILE_LOCKING": "FALSE"}
_PASSED = (*TENSORFLOW, "LC_", "MKL_", "OMP_", "OPENBLAS_")
_PASSED_NAMES = "COURSE_PROFILE COURSE_DATA LANG LD_LIBRARY_PATH PYTHONHASHSEED TZ"
_GPU = "/dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-uvm-tools /sys/bus/pci /sys/devices"
_ADVICE = (
    "run autograder doctor, see docs/sandbox.md, or pass --sandbox none and trust every submission"
)


def found() -> probe.Found:
    """Which walls this machine can build around a notebook."""
    return probe.found(readable().values())


def require() -> str:
    """The name of the level of walls that a notebook gets here: the strongest that stands.

    Raises:
        WallError: If none does; the error names what the weakest one lacks.
    """
    return os.environ.get(LEVEL) or walls.require(_ADVICE, readable().values())


def told() -> str:
    """The level of the walls here, in words for the person who grades."""
    level = require()
    more = "autograder doctor says what would raise it"
    if level == NAMESPACES:
        return level
    return (
        f"{level}, one submission at a time; {more}" if level == SAME_USER else f"{level}; {more}"
    )


def share(cores: int, cell_seconds: int = 0) -> Limits:
    """The usual limits, with a fair share of this machine's cores and memory.

    Args:
        cores: How many of the machine's cores the notebook gets. Its memory is in proportion, but
            at least 3 GB, the most that a notebook of the course needs.
        cell_seconds: Seconds that a cell may take; the notebook may take twelve times as long, and
            compute so long on each of its cores.
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    fair = int(0.9 * whole * cores / (os.cpu_count() or 1))
    memory = max(3 * GB, min(LIMITS.memory, fair))
    wall = max(LIMITS.wall_seconds, 12 * cell_seconds)
    cpu = wall * cores
    return replace(LIMITS, memory=memory, cores=cores, wall_seconds=wall, cpu_seconds=cpu)


def request(
    folder: str | os.PathLike, sockets: str | os.PathLike, limits: Limits
) -> dict[str, Any]:
    """The request for a student's sandbox, as plain data.

    Args:
        folder: The folder of the submission. The sandbox gets a copy at the same path.
        sockets: The folder of the kernel's sockets.
        limits: How much the notebook may use.
    """
    asked = Walls(
        folder=str(Path(folder).resolve()),
        sockets=str(Path(sockets).resolve()),
        readable=readable(),
        limits=limits,
        hidden=(str(Path(autograder.__file__).parent),),
        forget=("autograder",),
        home=HOME,
        called="The notebook",
        advice=_ADVICE,
        level=require(),
    )
    return asked.plain()


def environment(given: dict[str, str]) -> dict[str, str]:
    """A kernel's ``os.environ``: the variables that computing needs, and its own home folder.

    Args:
        given: The caller's environment.
    """
    kept = variables.passed(given, _PASSED, _PASSED_NAMES.split())
    path = os.pathsep.join([f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"])
    if data := kept.get("COURSE_DATA"):
        kept["COURSE_DATA"] = os.path.abspath(data)  # the notebook runs in another folder
    kept.pop("KERAS_HOME", None)  # what is kept there is in the notebook's own home folder
    own = {"HOME": HOME, "USER": "student", "LOGNAME": "student", "TMPDIR": "/tmp", "PATH": path}
    return {**kept, **own, **HDF5, "IPYTHONDIR": f"{HOME}/.ipython"}


def readable() -> dict[str, str]:
    """What a kernel may read: the real path of each path that it sees."""
    paths = [*system.interpreter(), str(Path(convcourse.__file__).parent)]
    if data := os.environ.get("COURSE_DATA", ""):
        paths += [os.path.abspath(data), *map(str, official.linked(Path(data)))]
    if os.path.exists("/dev/nvidiactl"):
        paths += [*_GPU.split(), *map(str, Path("/dev").glob("nvidia[0-9]*"))]
    found = system.found(paths)
    for part in ("datasets", f"models/{VGG16_FILE}"):
        kept = [cache / part for cache in official.caches() if (cache / part).exists()]
        if kept:
            found[f"{HOME}/.keras/{part}"] = str(kept[0].resolve())
    return found
