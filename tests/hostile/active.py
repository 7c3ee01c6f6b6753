"""What in a page would run, or load something from elsewhere, when somebody opens it."""

import functools
import re
from html.parser import HTMLParser

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers

_TAGS = {"applet", "audio", "base", "button", "embed", "form", "frame", "iframe", "input", "link"}
_TAGS |= {"math", "meta", "noscript", "object", "portal", "script", "style", "svg", "template"}
_TAGS |= {"textarea", "video"}
_RUNS = re.compile(r"(?i)\s*(javascript|vbscript|data\s*:\s*(?!image/(png|jpeg);))")
_LEADS = ("href", "src", "srcset", "action", "formaction", "xlink:href", "data", "poster")
_COLOUR = re.compile(r"((background-)?color: rgb\([\d,]+\);?\s*)*")  # of a terminal's text


class _Finder(HTMLParser):
    """Collects, inside a page's body, what is not text, a picture in the page, or a plain link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.body = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.body = self.body or tag == "body"
        values = {name: value or "" for name, value in attributes}
        if self.body and (tag in _TAGS or any(_is_active(n, v) for n, v in values.items())):
            self.found.add(self.get_starttag_text())


def _is_active(name: str, value: str) -> bool:
    if name == "style":
        return not _COLOUR.fullmatch(value)
    loads = name in ("src", "srcset", "poster", "data") and not value.startswith("data:image/")
    return name.startswith("on") or loads or bool(name in _LEADS and _RUNS.match(value))


def found(page: str) -> set[str]:
    """Tags in a page's body that are not harmless; those of its template are among them."""
    finder = _Finder()
    finder.feed(page)
    return finder.found


def formgrader(nb: nbformat.NotebookNode) -> str:
    """The page that an instructor sees in Formgrader, made as nbgrader's server makes it."""
    facts = {"base_url": "", "index": 0, "total": 1, "notebook_id": "tiny"}
    return _exporter().from_notebook_node(nb, resources=facts)[0]


@functools.cache
def _exporter() -> HTMLExporter:
    return HTMLExporter(template_name="formgrade", extra_template_basedirs=[handlers.template_path])
