"""In a notebook: stubs and missing names are reported in one sentence, and what ran is kept.

The figures that it shows carry a text for screen readers.
"""

import builtins
import time
from types import TracebackType
from typing import Any

from convcourse import alternatives
from convcourse.outcomes import NotAttempted, explain
from convcourse.session import Ran, ran


def shell() -> Any:
    """IPython's shell; None outside a notebook."""
    return getattr(builtins, "get_ipython", lambda: None)()


def explain_missing_names() -> None:
    """In Jupyter, show stubs and names that do not exist yet as *not attempted*, in one sentence.

    Cells that ran are kept from now on, and figures carry their alternative text. Does nothing
    outside IPython. The set-up cell of every notebook calls it.
    """
    here = shell()
    if here is not None:
        alternatives.attach(here)
        here.set_custom_exc((NameError, NotImplementedError), _show_short)
        here.events.register("post_run_cell", _keep)


def _keep(result: Any) -> None:
    """Keep how a cell ended, for `convcourse.submit`."""
    source = str(getattr(result.info, "raw_cell", None) or "").strip()
    if source and result.info.store_history:  # no question of a program
        error = result.error_before_exec or result.error_in_exec
        said, kind = (f"{error}" or repr(error), type(error).__name__) if error else ("", "")
        ran.pop(source, None)
        ran[source] = Ran(source, time.time(), said, kind)


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
