"""What this machine has: cores, GPU, memory, library versions, and whether it is Colab."""

import contextlib
import logging
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TypedDict

from convcourse import profile

LIBRARIES = ("tensorflow", "keras", "numpy", "matplotlib", "scikit-learn")
_found: dict[str, str] = {}


class Facts(TypedDict):
    """What `describe` finds out; versions are None for a library that is missing."""

    python: str
    libraries: dict[str, str | None]
    cores: int
    memory_gb: float
    gpus: list[str]
    colab: bool
    profile: str


def describe() -> Facts:
    """Look at the machine. This loads TensorFlow.

    Returns:
        Plain values: versions, the number of cores, memory in gigabytes (0 where the system does
        not tell), the names of the GPUs, whether this is Colab, and the profile's name.
    """
    with _quiet():  # TensorFlow is loaded here, and logs to stderr from C++
        gpus = _gpus()
    # Its advice on speed goes to stderr, which nbgrader counts as a failed check.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return {
        "python": platform.python_version(),
        "libraries": versions(),
        "cores": os.cpu_count() or 1,
        "memory_gb": _memory_gb(),
        "gpus": gpus,
        "colab": "google.colab" in sys.modules,
        "profile": profile.current().name,
    }


def report() -> None:
    """Print versions, device and profile, and how to fix what is wrong."""
    facts = describe()
    libraries = ", ".join(f"{n} {v or 'missing'}" for n, v in facts["libraries"].items())
    print(f"Python {facts['python']}, {libraries}")
    gpus = ", ".join(facts["gpus"]) or "no GPU"
    place = "Colab" if facts["colab"] else "this machine"
    print(f"Device: {place}, {gpus}, {facts['cores']} cores, {facts['memory_gb']:.0f} GB of memory")
    print(f"Profile: {facts['profile']}")
    for sentence in problems(facts):
        print(f"Note: {sentence}")


def problems(facts: Facts) -> list[str]:
    """Find what is wrong with a machine.

    Args:
        facts: What `describe` has found.

    Returns:
        One sentence for each problem, which says how to fix it.
    """
    found = [
        f"{name} is missing; install it with: pip install {name}"
        for name, version in facts["libraries"].items()
        if version is None
    ]
    if facts["profile"] == "full" and not facts["gpus"]:
        found.append(
            "the profile is full and there is no GPU: large networks train for hours; choose a GPU "
            "under Runtime, Change runtime type in Colab, or set COURSE_PROFILE=quick."
        )
    if 0 < facts["memory_gb"] < 4:
        found.append("this machine has little memory; set COURSE_PROFILE=quick or offline.")
    return found


def versions() -> dict[str, str | None]:
    """The version of each library that the course needs, or None if it is missing.

    What is found is not looked up again; what is missing may have been installed since.
    """
    _found.update((n, v) for n in LIBRARIES if n not in _found and (v := _version(n)))
    return {name: _found.get(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    for distribution in (name, f"{name}-cpu", f"{name}-macos"):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep out of the notebook what libraries written in C++ log; exceptions pass."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _gpus() -> list[str]:
    try:
        import tensorflow as tf
    except ModuleNotFoundError:
        return []  # `problems` says how to install it

    found = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in found]
    return [str(d.get("device_name", g.name)) for d, g in zip(details, found, strict=True)]


def _memory_gb() -> float:
    """Physical memory in gigabytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return 0.0
