"""What would run in the browser of whoever looks at a graded notebook, or call home from there."""

from collections.abc import Callable

import nbformat
from entry import Entry, Nb, first

ALERT = "<script>alert(1)</script>"
_PNG = "'iVBORw0KGgoAAAANSUhEUg=='"


def shows(data: str, metadata: str = "{}") -> dict[str, str]:
    return first(f"display({data}, metadata={metadata}, raw=True)")


def written(text: str) -> dict[str, str]:
    return {"why": text}


def added(make: Callable[..., Nb], source: str, **more) -> Callable[[Nb], None]:
    """A cell of its own, in front of all others."""

    def change(nb: Nb) -> None:
        nb.cells.insert(0, make(source, **more))

    return change


def many_pictures(nb: Nb) -> None:
    code = "display({'image/png': 'iVBORw0KGgoA' + 'AAAA' * 950_000}, raw=True)"
    nb.cells += [nbformat.v4.new_code_cell(f"{code}\n{code}") for _ in range(9)]


def titled(nb: Nb) -> None:
    nb.metadata |= nbformat.from_dict(
        {
            "title": ALERT,
            "authors": [{"name": ALERT}],
            "language_info": {"name": ALERT, "pygments_lexer": ALERT, "mimetype": ALERT},
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"x": ALERT}}},
        }
    )
    nb.metadata.kernelspec.display_name = ALERT


_TEXTS = {
    "html-event": ("an event in a picture's tag", "<img src=x onerror=alert(1)>"),
    "html-open-tag": ("a tag that never closes", "<img src=x onerror=alert(1) "),
    "html-frame": ("a frame with another page", "<iframe src=https://example.org></iframe>"),
    "html-form": ("a form that sends what is typed", "<form action=https://example.org><input>"),
    "html-overlay": ("a box over the grader's buttons", '<b style="position:fixed;top:0">mark</b>'),
    "html-style": ("a style for the whole page", "<style>*{display:none}</style>"),
    "svg-event": ("a drawing that runs when loaded", "<svg onload=alert(1)>"),
    "link-script": ("a link that is a script", "[x](javascript:alert(1))"),
    "link-entities": ("a link written in entities", "[x](&#106;avascript&colon;alert(1))"),
    "link-broken-line": ("a link broken by a line", "[x](java\nscript:alert(1))"),
    "link-escaped": ("a link with an escaped colon", "[x](javascript\\:alert(1))"),
    "link-reference": ("a link by reference", "[x][y]\n\n[y]: javascript:alert(1)"),
    "link-data": ("a link to a page in the link", "[x](data:text/html;base64,PHNjcmlwdD4=)"),
    "link-formula": ("a link in a formula", "$\\href{javascript:alert(1)}{x}$"),
    "picture-elsewhere": ("a picture that tells who reads", "![x](https://example.org/seen.png)"),
    "picture-doubled": ("a picture behind a second mark", "!![x](https://example.org/seen.png)"),
    "picture-script": ("a picture that is a script", "![x](javascript:alert(1))"),
    "text-bomb": ("a text that takes minutes to render", "[" * 1_000_000),
}

ENTRIES = [
    Entry(
        "picture-is-html",
        "shows a picture whose bytes are HTML",
        shows(f"{{'image/png': '\">{ALERT}'}}"),
    ),
    Entry(
        "picture-ends-in-html",
        "shows a picture followed by HTML",
        shows(f"{{'image/png': {_PNG} + '\">{ALERT}'}}"),
    ),
    Entry(
        "picture-with-size",
        "shows a picture whose width is a script, and whose text alternative is 2 MB of them",
        shows(
            f"{{'image/png': {_PNG}}}",
            f"{{'image/png': {{'width': '1 onload=alert(1)', 'alt': '\">{ALERT}' * 70_000}}}}",
        ),
    ),
    Entry(
        "picture-of-50-MB",
        "shows a picture of 50 MB",
        shows("{'image/png': 'iVBORw0KGgoA' + 'AAAA' * 12_500_000}"),
    ),
    Entry(
        "many-pictures",
        "shows pictures of 68 MB, a little in each of nine cells",
        change=many_pictures,
    ),
    Entry(
        "error-of-codes",
        "raises an exception whose text takes over a terminal",
        {"double-answer": "def double(n): raise ValueError('\\x1b[2J\\x1b]0;owned\\x07\\u202e')"},
    ),
    Entry(
        "colours",
        "shows nothing but codes of colours",
        first("for _ in range(20): print('\\x1b[31;44m' * 9_000)"),
    ),
    Entry(
        "other-kinds",
        "shows HTML, JavaScript, SVG, markdown, LaTeX and a widget",
        shows(
            f"dict.fromkeys(('text/html', 'application/javascript', 'image/svg+xml', "
            "'text/markdown', 'text/latex', 'application/vnd.jupyter.widget-view+json', "
            f"'application/vnd.plotly.v1+json'), {ALERT!r})"
        ),
    ),
    Entry(
        "kinds-unknown",
        "shows data of a kind that is a script",
        shows(f"{{'{ALERT}': 'x', 'text/plain': ['a', ['b']]}}"),
    ),
    Entry(
        "error-is-named",
        "raises an exception whose class is named as a script",
        first(f"raise type({ALERT!r}, (Exception,), {{}})({ALERT!r})"),
    ),
    Entry(
        "later-update-of-outputs",
        "shows text in one cell and turns it into HTML from another",
        first("display({'text/plain': 'x'}, display_id='a', raw=True)")
        | {
            "table-answer": "table = [1]\nfrom IPython.display import update_display\n"
            f"update_display({{'text/html': {ALERT!r}}}, display_id='a', raw=True)"
        },
    ),
    Entry("named-notebook", "writes scripts into all metadata of the notebook", change=titled),
    Entry(
        "own-text-cell",
        "adds a text cell with a script",
        change=added(nbformat.v4.new_markdown_cell, ALERT),
    ),
    Entry(
        "own-raw-cell",
        "adds a raw cell of HTML",
        change=added(nbformat.v4.new_raw_cell, ALERT, metadata={"format": "text/html"}),
    ),
    Entry(
        "attachment",
        "attaches a drawing with a script to a text",
        change=added(
            nbformat.v4.new_markdown_cell,
            "![x](attachment:x.svg)",
            attachments={"x.svg": {"image/svg+xml": f"<svg>{ALERT}</svg>"}},
        ),
    ),
    *(
        Entry(name, f"writes {tries} into an answer", written(text))
        for name, (tries, text) in _TEXTS.items()
    ),
]
