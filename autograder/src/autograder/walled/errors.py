"""The errors of this package that people read."""


class WallError(Exception):
    """A wall that this machine cannot build; the message is one sentence."""


class Lost(RuntimeError):
    """A process that ended through no fault of the work in it; the message is one sentence.

    Attributes:
        place: Where the work was, if its own code may have sent the signal that ended it: the same
            end at the same place of a second try is its own. Empty if it came from outside.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place
