"""The course's own tests run offline, in an empty folder, and share `exercise.load`."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Their networks and trainings take about a second for each answer of a table.
LARGE = ("03_net_1", "05_net_2", "06_net_3", "07_augmentation", "08_regularization")
LARGE += ("11_siamese", "12_transfer_learning", "13_cifar100")
FIRST, EVERY = 2, 5  # of such a table, make test judges the first rows and every fifth after


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other rows repeat what the same check says; make test-all judges all of them."""
    rows: Counter[str] = Counter()
    for item in items:
        if item.path.stem.removeprefix("test_") in LARGE and hasattr(item, "callspec"):
            table = item.nodeid.partition("[")[0]
            rows[table] += 1
            if rows[table] > FIRST and rows[table] % EVERY:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package", autouse=True)
def offline(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "offline")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        yield
