"""What the tests' server loads: nothing but these two functions."""

import os

idled = 0


def idle() -> None:
    global idled
    idled += 1


def forked() -> None:
    os.environ["IDLED"] = str(idled)
