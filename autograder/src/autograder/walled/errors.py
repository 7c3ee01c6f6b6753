"""The error of this package that people read."""


class WallError(Exception):
    """A wall that this machine cannot build; the message is one sentence."""
