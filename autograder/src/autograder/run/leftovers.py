"""Ends what a job leaves, its processes and folders, while its result is already on its way.

A kernel with TensorFlow takes some 50 ms to die. Only a worker of a pool ends leftovers in the
background, because only its process waits for them: before its next job, and before it ends.
"""

import contextlib
import threading

_is_worker = False
_threads: list[threading.Thread] = []  # at most one


def in_background() -> None:
    """Let `end` return at once in this process from now on."""
    global _is_worker
    _is_worker = True


def end(left: contextlib.ExitStack) -> None:
    """Close a stack: now, or in the background."""
    if not _is_worker:
        left.close()
        return
    thread = threading.Thread(target=left.close, name="leftovers")  # its process waits for it
    thread.start()
    _threads.append(thread)


def wait() -> None:
    """Wait until everything that earlier jobs left has ended."""
    while _threads:
        _threads.pop().join()
