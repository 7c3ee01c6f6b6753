"""What a page may cost, so that a hostile notebook keeps nobody waiting.

Formatting a text may take more than linear time: Pygments, mistune and the filters of nbconvert
need minutes for some texts that are as short as 20 KB. Then nbconvert parses the whole page, at a
price for each tag. So both have a budget; what does not fit is shown without formatting, or not.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

SECONDS = 0.8  # of computing, for formatting a page
FORMATTED, PLAIN = 1.2, 1.0  # seconds that parsing what is formatted, and what is not, may take
TAG, ENTITY, CHARACTER = 35e-6, 3e-6, 15e-9  # seconds that parsing one takes on a slow machine
SHORT = 2_000  # characters that may be formatted where nothing can interrupt
_AGAIN = 0.1  # seconds after which an interrupt that was lost is repeated
_KEY = "autograder_budget"


class _TooSlow(BaseException):
    """Not an `Exception`, which a parser might catch."""


class Budget:
    """What is left for one page."""

    def __init__(self) -> None:
        self.seconds, self.formatted, self.plain = SECONDS, FORMATTED, PLAIN

    def show(self, text: str, made: Callable[[str], str], plain: Callable[[str], str]) -> str:
        """A text as HTML, with formatting if that fits the budget.

        Args:
            text: The text.
            made: Formats it.
            plain: Escapes it, in linear time.
        """
        html = self._made(text, made)
        if html is not None and (cost := _cost(html)) <= self.formatted:
            self.formatted -= cost
            return html
        html = plain(text)
        if (cost := _cost(html)) <= self.plain:
            self.plain -= cost
            return html
        return plain("This text makes the page too long; the graded notebook has it.\n")

    def _made(self, text: str, made: Callable[[str], str]) -> str | None:
        if self.seconds <= 0 or (len(text) > SHORT and not _can_interrupt()):
            return None
        start = time.thread_time()
        try:
            with _interrupted(self.seconds):
                return made(text)
        except _TooSlow:
            self.seconds = 0.0
            return None
        except Exception:  # a parser may fail in any way on a hostile text
            return None
        finally:
            self.seconds -= time.thread_time() - start


def of(resources: MutableMapping[str, Any]) -> Budget:
    """The budget of the page that nbconvert makes with these resources."""
    if _KEY not in resources:
        resources[_KEY] = Budget()
    budget: Budget = resources[_KEY]
    return budget


def _cost(html: str) -> float:
    entities = html.count("&") + html.count(">")
    return TAG * html.count("<") + ENTITY * entities + CHARACTER * len(html)


def _can_interrupt() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer")


@contextlib.contextmanager
def _interrupted(seconds: float) -> Iterator[None]:
    """Raise `_TooSlow` in the block after so many seconds of computing."""
    if not _can_interrupt():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
