"""In a notebook: stubs and missing names are reported in one sentence."""

import builtins
from types import TracebackType
from typing import Any

from convcourse.outcomes import NotAttempted, explain


def explain_missing_names() -> None:
    """In Jupyter, show stubs and names that do not exist yet as *not attempted*, in one sentence.

    Does nothing outside IPython. The set-up cell of every notebook calls it.
    """
    shell = getattr(builtins, "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_custom_exc((NameError, NotImplementedError), _show_short)


def _show_short(
    shell: Any,
    etype: type[BaseException],
    value: BaseException,
    tb: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str] | None:
    explained = explain(value, "this cell")
    if isinstance(explained, NotAttempted):
        # IPython shows a failed check by its `_render_traceback_`: the sentence alone.
        shell.showtraceback((type(explained), explained, None))
        return explained._render_traceback_()
    shell.showtraceback((etype, value, tb), tb_offset=tb_offset)
    return None
