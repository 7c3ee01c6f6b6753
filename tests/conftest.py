"""What holds for all tests: the same random numbers in every run, and how processes share them."""

import sys

import pytest
from xdist.scheduler import LoadScopeScheduling

from autograder.workers import usable_cores


class ByFile(LoadScopeScheduling):
    """A file's tests stay in one process, which makes its fixtures once; notebooks go singly.

    pytest-xdist's own groups (``--dist loadgroup``) are lost on pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "test_notebooks" in nodeid else nodeid.partition("::")[0]


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
