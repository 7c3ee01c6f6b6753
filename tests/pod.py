"""A container as Docker starts it: its filter of system calls, its capabilities, no namespaces.

Podman starts it, from the machine's own root folder, over which lies one that takes what is
written. ``docker_seccomp.json`` is the default filter of Docker (github.com/moby/profiles, Apache
License 2.0). Podman's own one allows user namespaces.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

FILTER = Path(__file__).parent / "docker_seccomp.json"
LIMITS = "--ulimit nofile=4096:4096 --ulimit nproc=4096:4096"
# What Docker gives beyond Podman's default; no network interface but the loopback one.
RIGHTS = "--cap-add NET_RAW,MKNOD,AUDIT_WRITE --network none --cgroups disabled"
# A tree of control groups that suits Podman, seen by nobody else.
PRIVATE = """umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 9
exec podman --cgroup-manager=cgroupfs --events-backend=file --tmpdir "$POD/tmp" "$@"
"""
USER = 1234


def missing(store: Path) -> str:
    """Why no container can be started here; empty if one can."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("podman", "unshare", "setpriv"))):
        return "this needs root and podman"
    done = run(store, "true")
    return done.stderr.strip()[-300:] if done.returncode else ""


def run(
    store: Path, command: str, *, user: int = 0, more: str = "", seconds: int = 120
) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a container.

    Args:
        store: A folder for Podman.
        command: The command; ``python`` is this Python with the packages under test.
        user: The number of the user that runs it.
        more: More options of ``podman run``.
        seconds: How long it may take.
    """
    (store / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{store}/graph"\nrunroot = "{store}/run"\n'
    )
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), *sys.path]))
    own = f"export PYTHONPATH={shlex.quote(path)} HOME=/tmp/home; mkdir -p $HOME; cd $HOME\n"
    own += f'python() {{ {sys.executable} "$@"; }}\n{command}'
    who = f"setpriv --reuid {user} --regid {user} --clear-groups" if user else ""
    inside = f"{_opened()} exec {who} sh -c {shlex.quote(own)}"
    options = f"run --rm {LIMITS} {RIGHTS} --security-opt seccomp={FILTER} {more} --rootfs /:O"
    whole = ["unshare", "-m", "--propagation", "private", "bash", "-c", PRIVATE, "pod"]
    whole += [*options.split(), "sh", "-c", inside]
    place = {"POD": str(store), "CONTAINERS_STORAGE_CONF": f"{store}/storage.conf"}
    return subprocess.run(
        whole, env=os.environ | place, text=True, capture_output=True, timeout=seconds
    )


def _opened() -> str:
    """Lets every user of the container, whose files are its own, enter the folders of Python."""
    closed = [p for p in Path(sys.base_prefix).resolve().parents if not p.stat().st_mode & 0o001]
    return f"chmod o+x {' '.join(map(str, closed))};" if closed else ""
