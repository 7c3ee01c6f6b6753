"""What every Python program must read: the system, its interpreter, the installed packages."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = (
    "/usr /bin /sbin /lib /lib32 /lib64 /libx32 /etc/ld.so.cache /etc/alternatives /etc/fonts "
    "/etc/localtime /etc/mime.types /etc/nsswitch.conf /etc/ssl/certs /sys/devices/system"
)


def interpreter() -> list[str]:
    """Paths without which this Python cannot run the packages that it has installed."""
    packages = [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    libraries = [p for p in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if p]
    return [*_SYSTEM.split(), sys.prefix, sys.base_prefix, *packages, *libraries]


def found(paths: Iterable[str]) -> dict[str, str]:
    """The paths that exist, for `request.Walls`, including the targets of links."""
    places = {p: os.path.realpath(p) for p in paths if os.path.exists(p)}
    return places | {real: real for real in places.values()}
