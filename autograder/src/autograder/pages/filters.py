"""The filters of nbconvert's and nbgrader's templates that format students' texts, in a budget.

`nbgrader_config.py` names them, for Formgrader as well as for feedback pages.
"""

import html
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert import filters
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from autograder.pages import budget, formulas

_CODE = " highlight hl-ipython3"


@pass_context
def highlight_code(
    context: Context, source: str, language: Any = None, metadata: Any = None
) -> str:
    """Code with colors; the language is Python, whatever the arguments say."""
    return code(source, _budget(context))


def code(source: str, spent: budget.Budget) -> str:
    """Python code with colors, within a budget."""

    def made(text: str) -> str:
        return highlight(text, get_lexer_by_name("ipython3"), HtmlFormatter(cssclass=_CODE))

    return spent.show(source, made, lambda text: f'<div class="{_CODE}">{_pre(text)}</div>')


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Markdown as HTML; tags in it are shown as typed, unless the course has locked the cell."""
    cell = context.get("cell") or {}
    grading = cell.get("metadata", {}).get("nbgrader", {})
    is_locked = bool(grading.get("locked")) and not grading.get("solution")
    return markdown(source, _budget(context), cell.get("attachments", {}), not is_locked)


class _Renderer(IPythonRenderer):
    """Draws formulas as MathML; what is none stays as it was typed."""

    def block_math(self, body: str) -> str:
        return formulas.mathml(body, block=True) or super().block_math(body)

    def inline_math(self, body: str) -> str:
        return formulas.mathml(body) or super().inline_math(body)

    def latex_environment(self, name: str, body: str) -> str:
        tex = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return formulas.mathml(tex, block=True) or super().latex_environment(name, body)


def markdown(
    source: str, spent: budget.Budget, attachments: dict[str, dict[str, str]], escape: bool = True
) -> str:
    """Markdown as HTML, within a budget; tags in it are shown as typed unless they may stay."""

    def made(text: str) -> str:
        renderer = _Renderer(escape=escape, allow_harmful_protocols=False, attachments=attachments)
        return MarkdownWithMath(renderer=renderer).render(text)

    return spent.show(source, made, _pre)


@pass_context
def ansi2html(context: Context, text: str) -> str:
    """An output with the colors of its escape sequences."""
    return _budget(context).show(text, filters.ansi2html, _without_colors)


def clean_html(text: str) -> str:
    """HTML as it was typed, in place of a sanitizer."""
    return html.escape(text)


def strip_files_prefix(text: str) -> str:
    """The text as it is; nbconvert repairs links of IPython before version 1 here."""
    return text


def _budget(context: Context) -> budget.Budget:
    resources = context.get("resources")
    return budget.Budget() if resources is None else budget.of(resources)


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text, quote=False)}</pre>"


def _without_colors(text: str) -> str:
    return html.escape(filters.strip_ansi(text), quote=False)
