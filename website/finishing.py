"""What a finished page lacks: formulas that browsers draw by themselves, names for the search."""

import html
import re

from latex2mathml.converter import convert

# What Arithmatex leaves of a formula, escaped as HTML.
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>', re.S
)
_UNNAMED = '<div class="md-search" data-md-component="search" role="dialog">'


def finished(page: str) -> str:
    """The page with MathML in the place of each TeX formula, and with a name for the search.

    MathML needs no script, and screen readers read it.
    """
    page = page.replace(_UNNAMED, f'{_UNNAMED[:-1]} aria-label="Search">')
    return _FORMULA.sub(_mathml, page)


def _mathml(found: re.Match) -> str:
    tex = html.unescape(found["tex"]).strip()
    if found["open"] == "(":
        return convert(tex)
    # A wide formula scrolls by itself, with the keyboard too.
    about = 'class="formula" role="group" aria-label="Formula" tabindex="0"'
    return f"<div {about}>{convert(tex, display='block')}</div>"
