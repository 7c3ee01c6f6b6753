"""How the tests are shared out when several processes run them."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process, which makes its fixtures once; notebooks go singly."""
    for item in items:
        one = item.name if item.path.stem == "test_notebooks" else item.path.stem
        item.add_marker(pytest.mark.xdist_group(one))
