"""The course's own tests run offline, in an empty folder, and share `exercise.load`."""

import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

FIRST, EVERY = 2, 10  # of a table of answers, make test judges the first rows and every tenth after


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other rows repeat what the same check says; make test-all judges all of them."""
    rows: Counter[str] = Counter()
    for item in items:
        if (
            item.path.parent == HERE
            and hasattr(item, "callspec")
            and "notebook" not in item.keywords
        ):
            table = item.nodeid.partition("[")[0]
            rows[table] += 1
            if rows[table] > FIRST and rows[table] % EVERY:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory):
    """Ends with the file, because tests of another folder may come next in the same process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "offline")
        patch.setenv("COURSE_ROOT", str(HERE.parents[1]))
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        yield
