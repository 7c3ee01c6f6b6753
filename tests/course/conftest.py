"""The course's own tests run offline, in an empty folder, and share `exercise.load`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="package", autouse=True)
def offline(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "offline")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        yield
