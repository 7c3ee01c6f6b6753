"""Text and outputs of students that run nothing, and load nothing, where somebody reads them."""

import base64
import html
import re
from typing import Any

import nbformat
from nbformat import NotebookNode

MAX_OUTPUT = 100_000  # characters of output kept for one cell
MAX_PICTURE = 4_000_000  # characters of one picture in base64
PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}  # and how they begin


def printable(text: str) -> str:
    """Text that every file and terminal takes: no control characters, no half characters."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def harmless(text: str) -> str:
    """A student's markdown that runs nothing, and loads nothing, where somebody reads it.

    HTML is taken apart by a space behind each ``<``, a picture becomes a link to it (or loses its
    place to the link that it stands in), and a text with a link that would run is shown as it was
    typed.
    """
    text = re.sub(r"\[!\[([^][]*)\]\([^()]*\)\]\(", r"[\1](", text)
    text = re.sub(r"!+\[", "[", re.sub(r"<(?=[a-zA-Z/!?])", "< ", text))
    plain = re.sub(r"[\s\x00-\x1f\\]", "", html.unescape(html.unescape(text)))
    if re.search(r"(?i)(java|vb)script:|[({\[\]:\"'=]data:", plain):
        return "\n".join(f"    {line}" for line in text.splitlines())
    return text


def safe(shown: Any) -> NotebookNode | None:
    """An output made anew of what runs nothing in the browser of whoever looks at it.

    Text is bounded and every picture is one; None for what is neither. Nothing else that a
    kernel may have written into an output is kept, be it as metadata, name or number.
    """
    kind = shown.get("output_type")
    if kind == "stream":
        name = "stderr" if shown.get("name") == "stderr" else "stdout"
        return output("stream", name=name, text=bounded(shown.get("text")))
    if kind == "error":
        lines = shown.get("traceback")
        lines = [bounded(line, 5_000) for line in lines[:100]] if isinstance(lines, list) else []
        ename, evalue = (bounded(shown.get(key), 2_000) for key in ("ename", "evalue"))
        return output("error", ename=ename, evalue=evalue, traceback=lines)
    found = shown.get("data")
    found = found if isinstance(found, dict) else {}
    data = {k: found[k] for k in PICTURES if _is_picture(k, found.get(k))}
    if "text/plain" in found:
        data["text/plain"] = bounded(found["text/plain"])
    return output("display_data", data=data, metadata={}) if data else None


def bounded(value: Any, most: int = MAX_OUTPUT) -> str:
    """Text that every file takes, and not more than a person reads."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.encode("utf-8", "replace").decode()
    if len(text) > most:
        text = text[:most] + "\n... the rest of the output was left out"
    return text


def _is_picture(kind: str, data: Any) -> bool:
    """Whether this is a picture in base64 and nothing else: it stands unquoted in a page."""
    if not isinstance(data, str) or len(data) > MAX_PICTURE:
        return False
    try:
        return base64.b64decode("".join(data.split("\n")), validate=True).startswith(PICTURES[kind])
    except ValueError:
        return False


def output(kind: str, **content: Any) -> NotebookNode:
    """An output as nbformat makes it; the content is the grader's own and needs no schema."""
    return nbformat.from_dict({"output_type": kind, **content})
