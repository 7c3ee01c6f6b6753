"""Code that makes system calls behind the walls and prints those that are not refused."""

from collections.abc import Iterable

from autograder.walled import linux

_CODE = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {numbers}.items():
    ctypes.set_errno(0)
    answer = libc.syscall(number, 0, 0, 0, 0, 0) if number >= 0 else -1
    if answer != -1 or number >= 0 and ctypes.get_errno() != errno.EPERM:
        print("could call", name)
"""


def tried(names: Iterable[str]) -> str:
    """The code for these calls; it leaves ``libc``, ``ctypes`` and ``errno`` for more."""
    library = linux.seccomp()
    return _CODE.format(numbers={name: library.resolve_syscall(0, name) for name in names})
