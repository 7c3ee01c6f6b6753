"""What a sandbox without a file tree of its own has on this machine: folders, a user, a lock.

At the level *own users*, each sandbox has a user number of its own, which no other one gets before
all processes of that user have ended and its files are gone. At the level *same user*, one sandbox
exists at a time.
"""

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from autograder.walled import linux, users
from autograder.walled.errors import WallError
from autograder.walled.folders import remove
from autograder.walled.processes import short_folder
from autograder.walled.request import OWN_USERS, SAME_USER, Walls

_LOCKS = "/tmp"  # the same for all graders of a machine, whatever their temporary folder is
_SECONDS = 60  # how long a sandbox waits for the one before it
_SHARED = Path("/dev/shm")


class Stay:
    """The stay of one sandbox; its keeper begins it and ends it.

    Attributes:
        request: What is to be built, with the user and the place once it has begun.
    """

    def __init__(self, request: Walls, alone: bool = True) -> None:
        """Take nothing yet.

        Args:
            request: What is to be built.
            alone: Whether a sandbox of the same user waits for the one before it.
        """
        self.request, self._alone, self._lock = request, alone, -1

    def begin(self) -> None:
        """Take a user if the level has one, a lock, and folders.

        Raises:
            OSError: If there is none to take.
            WallError: If another sandbox does not end.
        """
        level, user = self.request.level, 0
        if level not in (OWN_USERS, SAME_USER):
            return
        if level == OWN_USERS:
            user = self._take_a_user()
        elif self._alone:
            self._wait_for_the_one_before()
        place = _new_folder(f"{user or 'same'}-")
        os.chmod(place, 0o711)
        self.request = replace(self.request, user=user, place=place)
        if self._lock >= 0:
            os.pwrite(self._lock, place.encode(), 0)

    def forget(self) -> None:
        """Close the lock in a forked process, which it does not concern."""
        if self._lock >= 0:
            os.close(self._lock)

    def close_sockets(self) -> None:
        """From now on, nothing in the sandbox can write where its sockets are."""
        if not self.request.place:
            linux.restrict(self.request.sockets, linux.MS_RDONLY)
        else:
            if self.request.user:
                os.chown(self.request.sockets, os.geteuid(), os.getegid())
            os.chmod(self.request.sockets, 0o555)

    def end(self) -> None:
        """Give everything back; the keeper has ended what it knows of."""
        if not self.request.place:
            return
        with contextlib.suppress(OSError):  # the one who asked may have removed it
            os.chmod(self.request.sockets, 0o700)
        if _left(self.request.user, self.request.place) and self._lock >= 0:
            os.ftruncate(self._lock, 0)
        self.forget()
        with contextlib.suppress(OSError):  # others have folders or locks there
            os.rmdir(os.path.dirname(self.request.place))

    # -- the locks

    def _take_a_user(self) -> int:
        self._tidy_up()
        for user in users.spare():
            if self._locked(f"{user}.lock"):
                if not self._told() and not users.is_in_use(user):
                    return user
                os.close(self._lock)
        raise OSError(errno.EBUSY, "all user numbers are taken")

    def _tidy_up(self) -> None:
        """Do what killed keepers could not do any more."""
        for file in Path(_registry(_LOCKS)).glob("[0-9]*.lock"):
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_size and self._locked(file.name):
                    if _left(int(file.stem), self._told()):
                        os.ftruncate(self._lock, 0)
                    os.close(self._lock)

    def _told(self) -> str:
        """The place of a keeper that has not tidied up."""
        return os.pread(self._lock, 4_096, 0).decode()

    def _wait_for_the_one_before(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while not self._locked(f"{os.geteuid()}.lock"):
            if time.monotonic() > deadline:
                raise WallError(
                    "Another notebook runs behind the walls of the level 'same user', which holds "
                    "one at a time: wait until it ends."
                )
            time.sleep(0.05)
        if place := self._told():
            _left(0, place)

    def _locked(self, name: str) -> bool:
        """Whether this lock could be had; it is this process's alone, and ends with it."""
        lock = os.open(Path(_registry(_LOCKS), name), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True


def _left(user: int, place: str) -> bool:
    """End all processes of a user and remove its files; whether that is done."""
    gone = users.end_all_of(user) if user else True
    remove(place)
    if user and _SHARED.is_dir():
        for file in os.scandir(_SHARED):
            with contextlib.suppress(OSError):
                if file.stat(follow_symlinks=False).st_uid == user:
                    remove(file.path) if file.is_dir(follow_symlinks=False) else os.unlink(file)
    return gone and not os.path.lexists(place)


def _new_folder(prefix: str) -> str:
    """A new folder in the registry, which another keeper may remove as long as it is empty."""
    for _ in range(10):
        with contextlib.suppress(FileNotFoundError):
            return tempfile.mkdtemp(prefix=prefix, dir=_registry(short_folder()))
    raise FileNotFoundError(errno.ENOENT, "somebody removes this folder", short_folder())


def _registry(above: str) -> str:
    """A folder that only this user can change, and that others can enter."""
    folder = Path(above, f"walls-{os.geteuid()}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    facts = folder.lstat()  # FileNotFoundError: it was empty, and another keeper has removed it
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "this must be a folder of yours", str(folder))
    with contextlib.suppress(FileNotFoundError):
        folder.chmod(0o711)
    return str(folder)
