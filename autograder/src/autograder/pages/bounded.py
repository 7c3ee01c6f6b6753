"""The outputs of a notebook as a page shows them: safe, and no more than a page can hold."""

import nbformat
from nbformat import NotebookNode

from autograder.pages.sanitize import output, safe

OUTPUTS = 2_000  # of one page
CHARACTERS = 5_000_000  # of text in them
ALTERNATIVES = 50_000  # of the texts that stand for pictures; each may be an entity on the page
_REST = "More outputs make the page too long; the graded notebook has them.\n"


def bound(nb: NotebookNode) -> NotebookNode:
    """Keep only safe outputs, as many as fit, with carriage returns done."""
    outputs, characters, alternatives = 0, 0, 0
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        kept: list[NotebookNode] = []
        for one in cell.outputs:
            made = safe(one)
            if made is None:
                continue
            outputs, characters = outputs + 1, characters + _tidied(made)
            if outputs > OUTPUTS or characters > CHARACTERS:
                kept.append(output("stream", name="stdout", text=_REST))
                break
            alternatives += sum(len(one["alt"]) for one in made.get("metadata", {}).values())
            if alternatives > ALTERNATIVES:
                made.metadata = nbformat.from_dict({})
            kept.append(made)
        cell.outputs = kept
    return nb


def _tidied(one: NotebookNode) -> int:
    """Do the carriage returns of an output, and join its lines; returns its length."""
    if one.output_type == "stream":
        one.text = returned(one.text)
        return len(one.text)
    if one.output_type == "error":
        one.traceback = ["\n".join(one.traceback)]
        return len(one.traceback[0])
    return len(one.data.get("text/plain", ""))


def returned(text: str) -> str:
    """What a terminal shows of a text: of each line, what follows the last carriage return."""
    lines = text.replace("\r\n", "\n").split("\n") if "\r" in text else [text]
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
