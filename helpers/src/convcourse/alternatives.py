"""Text alternatives: what a screen reader reads in the place of a figure.

`describe` makes the text of any matplotlib figure from what is drawn on it, and `attach` hands it
on with every figure that a notebook shows. A text is in the finest of four levels of detail that
fits, from every value to the extremes only.
"""

import html
import re
import sys
import traceback
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convcourse.artists import LEVELS, follows, parts
from convcourse.phrases import clean, listed, named, number, sentences

LIMIT = 350  # characters that the level is chosen for
MOST = 500  # characters after which even the shortest level, of many panels, is cut
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
# Tracebacks of descriptions that failed; the figures were shown all the same.
failures: list[str] = []
_TOLD = "_convcourse_alternative"


def tell(ax: Any, text: str | Callable[[], str]) -> None:
    """Say in a sentence what an axes shows, in the place of what `describe` would find on it.

    A function is called when the figure is described, so that it cannot keep it from being drawn.
    """
    setattr(ax, _TOLD, text)


def attach(shell: Any) -> None:
    """Give every figure that an IPython shell shows its text; calling it again changes nothing.

    Front ends look in different places: nbconvert and nbgrader in the picture's metadata, VS Code
    in ``text/plain``, and JupyterLab shows an ``alt`` only if it is in HTML. A figure whose
    description fails is shown without one, and `failures` keeps why.
    """
    formatter = shell.display_formatter
    plain = formatter.format
    if getattr(plain, "gives_alternatives", False):
        return

    def format(obj: Any, *args: Any, **settings: Any) -> Any:
        shown = plain(obj, *args, **settings)
        known = sys.modules.get("matplotlib.figure")
        if known is not None and isinstance(obj, known.Figure):
            try:
                _add(describe(obj), *shown)
            except Exception:  # a student may draw anything, and sees it in any case
                failures.append(traceback.format_exc())
        return shown

    format.gives_alternatives = True  # type: ignore[attr-defined]
    formatter.format = format


def _add(text: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Put the text wherever a front end looks for it."""
    kinds = [kind for kind in PICTURES if isinstance(data.get(kind), str)]
    if not kinds:
        return
    for kind in kinds:
        metadata[kind] = {**(metadata.get(kind) or {}), "alt": text}
    data["text/plain"] = text
    kind, size = kinds[0], metadata[kinds[0]]
    source = data[kind].replace("\n", "")
    if kind == "image/svg+xml":
        source = b64encode(data[kind].encode()).decode()
    sides = "".join(f' {side}="{size[side]:d}"' for side in ("width", "height") if side in size)
    data["text/html"] = f'<img src="data:{kind};base64,{source}" alt="{html.escape(text)}"{sides}>'


@dataclass(frozen=True)
class _Panel:
    """One axes of a figure."""

    title: str
    head: str
    content: Callable[[int], str]
    picture: str  # what it is called if it is a picture


def describe(figure: Any) -> str:
    """A figure in sentences: titles, axes, and of the data what a reader would look for.

    Args:
        figure: A matplotlib figure.

    Returns:
        About 300 characters on one line; of many panels up to `MOST`.
    """
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    panels = [_panel(ax) for ax in axes]
    panels = [one for one in panels if one.title or one.head or one.content(0)]
    titles = [clean(text.get_text()) for text in (figure._suptitle, *figure.texts) if text]
    text = ""
    for level in range(LEVELS):
        text = sentences([*dict.fromkeys(titles), *_together(panels, level)])
        if len(text) <= LIMIT:
            return text
    return text if len(text) <= MOST else text[: MOST - 2].rpartition(" ")[0] + " …"


def _panel(ax: Any) -> _Panel:
    places = ("center", "left", "right")
    title = ", ".join(filter(None, (clean(ax.get_title(loc=place)) for place in places)))
    told = getattr(ax, _TOLD, "")
    told = told() if callable(told) else told
    found = [] if told else parts(ax)

    def content(level: int) -> str:
        return sentences([told, *(part.says(level) for part in found), _notes(ax, level)])

    picture = ""
    if ax.images and not ax.get_xlabel() and not ax.get_ylabel():
        row = f"{clean(ax.texts[0].get_text())}: " if len(ax.texts) == 1 else ""
        picture = row + (title or "untitled")
    return _Panel(title, " with a ".join(part.head for part in found), content, picture)


def _together(panels: list[_Panel], level: int) -> list[str]:
    """The sentences of all panels; what they have in common comes once."""
    if not panels:
        return ["An empty figure"]
    if len(panels) == 1:
        (one,) = panels
        return [one.title, one.head, one.content(level)]
    heads = {one.head for one in panels}
    shared = heads.pop() if len(heads) == 1 else ""
    contents = [one.content(level) for one in panels]
    first = f"{len(panels)} panels" + f", each a {shared}" * bool(shared)
    # Of many pictures, the titles say enough.
    if all(one.picture for one in panels) and (not any(contents) or level == LEVELS - 1):
        return [f"{first}: " + "; ".join(one.picture for one in panels)]
    made = [first]
    for k, (one, content) in enumerate(zip(panels, contents, strict=True), start=1):
        words = content if shared else sentences([one.head, content])
        title = one.title or f"Panel {k}"
        made.append(f"{title}: {words}" if words else title)
    return made


def _notes(ax: Any, level: int) -> str:
    """What is written on an axes, and the lines that mark a value.

    Numbers on bars and on a matrix repeat what these say.
    """
    texts = [clean(one.get_text()) for one in ax.texts if one.get_visible()]
    if ax.containers or (ax.images and ax.axison):
        texts = [one for one in texts if not re.fullmatch(r"[\d.,%\s−+-]*", one)]
    texts = [one for one in texts if one]
    shown = texts if level < 2 else texts[:3]
    more = f" and {len(texts) - len(shown)} more" if len(texts) > len(shown) else ""
    written = f"Labels: {', '.join(shown)}{more}" if texts else ""
    return sentences([_marks(ax) if level < LEVELS - 1 else "", written])


def _marks(ax: Any) -> str:
    """Lines across the axes; many are a grid and mark nothing."""
    found = []
    for line in ax.lines:
        across, is_level = follows(line, ax), follows(line, ax) == (False, True)
        data = line.get_ydata(orig=False) if is_level else line.get_xdata(orig=False)
        if line.get_visible() and across.count(True) == 1 and len(data):
            kind, name = "horizontal" if is_level else "vertical", named(line)
            found.append(f"a {kind} line at {number(data[0])}" + f" ({name})" * bool(name))
    return f"There is {listed(found)}" if 0 < len(found) <= 3 else ""
