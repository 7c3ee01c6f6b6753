"""The levels of the walls in containers with Docker's own filter and capabilities."""

import json
from pathlib import Path

import pod
import pytest

from autograder.walled.request import NAMESPACES, OWN_USERS, SAME_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NO_FILTER = "--security-opt seccomp=unconfined"


FOUND = """python -P -c '
import json
from autograder.walled import probe
found = probe.found()
print(json.dumps([found.level, [n for n, error in found.errors.items() if error]]))'
"""


@pytest.mark.parametrize(
    ("user", "more", "level"),
    [
        (0, "", OWN_USERS),
        (pod.USER, "", SAME_USER),
        (0, "--cap-drop SETUID", SAME_USER),
        (0, "--cap-drop ALL", SAME_USER),
        (0, NO_FILTER, OWN_USERS),  # parts of /proc are masked, as in Kubernetes
        (pod.USER, NO_FILTER, SAME_USER),
        (0, f"{NO_FILTER} --security-opt unmask=ALL", NAMESPACES),
        # Docker's filter allows this root to mount, but not to change the root of the file tree.
        (0, "--cap-add SYS_ADMIN --security-opt unmask=ALL", OWN_USERS),
    ],
)
def test_the_strongest_level_that_stands_is_found(store, user, more, level):
    done = pod.run(store, FOUND, user=user, more=more)
    found, missing = json.loads(done.stdout.splitlines()[-1])
    assert found == level, (missing, done.stderr)
    if level != NAMESPACES:  # each wall is tried on its own
        assert {"bounded", "no rights", "fewer calls", "counted calls"}.isdisjoint(missing)


PROBED = """cd {here}
python -P -m pytest -q tests/walled/test_levels.py -k "{level}" 2>&1 | tail -30"""


@pytest.mark.parametrize(("user", "level"), [(0, OWN_USERS), (0, SAME_USER), (pod.USER, SAME_USER)])
def test_each_wall_of_the_level_holds_there(store, user, level):
    here = Path(__file__).resolve().parents[2]
    command = PROBED.format(here=here, level=level.replace(" ", " and "))
    done = pod.run(store, command, user=user, seconds=500)
    last = done.stdout.splitlines()[-1]
    assert "passed" in last and "failed" not in last and "error" not in last, done.stdout
    assert int(last.split()[0]) > 15
