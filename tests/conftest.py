"""What holds for all tests: the same random numbers in every run, and how processes share them."""

import gc
import itertools
import os
import signal
import sys
from pathlib import Path

import pod
import pytest
from xdist.scheduler import LoadScopeScheduling

from autograder.run.workers import usable_cores

os.environ["COURSE_PROFILE"] = "offline"  # also where a test trains in its own process
# What a shell starts in the background ignores Ctrl-C, and so would each program that a test stops.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ByFile(LoadScopeScheduling):
    """A file's tests stay in one process, which makes its fixtures once; notebooks go singly.

    pytest-xdist's own groups (``--dist loadgroup``) are lost on pytest 9.2.
    """

    def __init__(self, config, log=None) -> None:
        config.option.loadscopereorder = False  # keeps the order of `pytest_collection_modifyitems`
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "test_notebooks.py" in nodeid else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits, what computes, and the rest in turn, so that the cores are busy to the end.

    Hostile work waits for its limits, so it comes first. Notebooks compute: the one with the most
    code begins. Between them come the files that start kernels, which do some of both.
    """
    kinds: dict[str, list[list[pytest.Item]]] = {
        "hostile": [],
        "notebook": [],
        "kernel": [],
        "": [],
    }
    for _, group in itertools.groupby(items, key=lambda item: item.path):
        tests = list(group)
        kind = next((k for k in kinds if k and tests[0].get_closest_marker(k)), "")
        kinds[kind] += [[one] for one in tests] if kind == "notebook" else [tests]
    kinds["notebook"].sort(key=lambda tests: -_code(tests[0]))
    between = itertools.zip_longest(kinds["notebook"], kinds["kernel"], fillvalue=[])
    ordered = [*kinds["hostile"], *itertools.chain.from_iterable(between), *kinds[""]]
    items[:] = list(itertools.chain.from_iterable(ordered))


def pytest_collection_finish() -> None:
    """No garbage collection searches what is loaded; that took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()


def _code(item: pytest.Item) -> int:
    """How often a notebook's text trains something."""
    notebook = getattr(item, "callspec", None) and item.callspec.params.get("notebook")
    return notebook.read_text(encoding="utf-8").count("fit(") if isinstance(notebook, Path) else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config) -> int:
    """One process more than there are cores, since many tests wait; a warm one needs memory."""
    return min(4, usable_cores() + 1)


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Untrained weights are the same in every run: none is right by luck, now and then."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(1)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """Where podman keeps what it needs; a test that asks for it is skipped without podman."""
    place = tmp_path_factory.mktemp("pod")
    if why := pod.missing(place):
        pytest.skip(f"no container can be started here: {why}")
    return place
