"""What holds for all tests: the same random numbers in every run, and how processes share them."""

import sys

import pytest
from xdist.scheduler import LoadScopeScheduling

from autograder.run.workers import usable_cores

# What takes longest, the longest first: notebooks, which compute, and files, many of which wait.
NOTEBOOKS = ["[13_", "[11_", "[06_", "[05_", "[10_", "[12_", "[07_", "[08_", "[09_", "[03_", "[02_"]
FILES = ["test_hostile", "test_sandbox", "test_resume", "test_workers", "test_03_net_1"]
FILES += ["test_12_transfer", "test_nbgrader", "test_13_cifar100", "test_cluster", "test_config"]


class ByFile(LoadScopeScheduling):
    """A file's tests stay in one process, which makes its fixtures once; notebooks go singly.

    pytest-xdist's own groups (``--dist loadgroup``) are lost on pytest 9.2.
    """

    def __init__(self, config, log=None) -> None:
        config.option.loadscopereorder = False  # keeps the order of `pytest_collection_modifyitems`
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if _is_notebook(nodeid) else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first and the two kinds in turn: few cores wait, and none is left with much."""

    def turn(item: pytest.Item) -> tuple[int, bool]:
        is_notebook = _is_notebook(item.nodeid)
        known, name = (NOTEBOOKS, item.name) if is_notebook else (FILES, item.path.name)
        return next((i for i, part in enumerate(known) if part in name), 99), not is_notebook

    items.sort(key=turn)


def _is_notebook(nodeid: str) -> bool:
    return "test_notebooks.py" in nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config) -> int:
    """One process for each core that may be used, up to four: a warm TensorFlow needs memory."""
    return min(4, usable_cores())


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Untrained weights are the same in every run: none is right by luck, now and then."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(1)
