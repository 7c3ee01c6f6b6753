"""Formulas of a page as MathML, which browsers draw and screen readers read without a script."""

import html
import re

from latex2mathml.converter import convert

# What Arithmatex leaves of a formula, escaped as HTML.
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>', re.S
)


def rendered(page: str) -> str:
    """The page with MathML in the place of each TeX formula."""
    return _FORMULA.sub(_mathml, page)


def _mathml(found: re.Match) -> str:
    tex = html.unescape(found["tex"]).strip()
    is_block = found["open"] == "["
    made = convert(tex, display="block" if is_block else "inline")
    # A wide formula scrolls by itself, with the keyboard too.
    label = 'class="formula" role="group" aria-label="Formula" tabindex="0"'
    return f"<div {label}>{made}</div>" if is_block else made
