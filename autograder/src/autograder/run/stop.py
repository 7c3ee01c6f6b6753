"""Ends a run at once when somebody stops it: Ctrl-C, SIGTERM, or a terminal that closes."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

STOPPED = "Stopped. What is graded stays graded: run this again for the rest."
_SIGNALS = ("SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end.

    It passes through nbgrader as Ctrl-C does, so that what is half done is undone.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(STOPPED)
        self.number = number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` inside when the process is asked to end.

    A signal that this process ignores, as under nohup, stays ignored.
    """

    def stop(number: int, _: FrameType | None) -> None:
        for name in _SIGNALS:  # ending takes a moment, and a second signal must not cut it short
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        raise Stopped(number)

    before = {}
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, stop)
    try:
        yield
    except Stopped:
        raise
    except KeyboardInterrupt:
        raise Stopped from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(stopped: Stopped) -> None:
    """End this process with the exit code of its signal, although its terminal may be gone."""
    with contextlib.suppress(OSError):
        os.write(2, f"\n{STOPPED}\n".encode())
    raise SystemExit(128 + stopped.number)
