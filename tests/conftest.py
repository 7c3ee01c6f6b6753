"""How the tests are shared out when several processes run them."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):
    """A file's tests stay in one process, which makes its fixtures once; notebooks go singly.

    pytest-xdist's own groups (``--dist loadgroup``) are lost on pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "test_notebooks" in nodeid else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> ByFile:
    return ByFile(config, log)
