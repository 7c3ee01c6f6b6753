"""Makes students' text and outputs safe to view: they run nothing and load nothing."""

import base64
import html
import re
from collections.abc import Collection
from typing import Any

import nbformat
from nbformat import NotebookNode

MAX_OUTPUT = 100_000  # characters of output kept for one cell
MAX_PICTURE = 4_000_000  # characters of one picture in base64
MAX_ALTERNATIVE = 600  # characters of a picture's text alternative
PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}  # and how they begin


def printable(text: str) -> str:
    """The text without control characters and lone surrogates, for any file or terminal."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def harmless(text: str, attached: Collection[str] = ()) -> str:
    """A student's markdown as text that runs nothing and loads nothing when somebody views it.

    A space after each ``<`` breaks HTML. A picture becomes a link to it, or text if it is inside
    a link. A text with a link that would run code is shown as typed.

    Args:
        text: The markdown.
        attached: The names of the cell's attachments; pictures with such a name stay pictures.
    """

    def picture(match: re.Match[str]) -> str:
        return "![" if match[1] in attached else "["

    text = re.sub(r"\[!\[([^][]*)\]\((?!attachment:)[^()]*\)\]\(", r"[\1](", text)
    text = re.sub(r"<(?=[a-zA-Z/!?])", "< ", text)
    text = re.sub(r"(?<!!)!+\[(?=[^][]*\]\(attachment:([\w.-]+)\)|)", picture, text)
    plain = re.sub(r"[\s\x00-\x1f\\]", "", _unescaped(text))
    if re.search(r"(?i)(java|vb)script:|[({\[\]:\"'=]data:", plain):
        return "\n".join(f"    {line}" for line in text.splitlines())
    return text


def _unescaped(text: str) -> str:
    """The text with its character references resolved, also those inside of others."""
    for _ in range(2):
        text = re.sub(r"&#0+", "&#", text)
        # Python refuses to read a long number, and this one is no character.
        text = html.unescape(re.sub(r"&#[0-9]{8,};?", "", text))
    return text


def safe(shown: Any) -> NotebookNode | None:
    """A new output with only the text and the pictures of a given one.

    Nothing in it runs in a browser: text is bounded, and a picture is checked to be one. Whatever
    else a kernel may have written into the output, such as numbers or metadata other than a
    picture's text alternative, is dropped.

    Args:
        shown: An output as the kernel sent it.

    Returns:
        The new output; None if it has neither text nor a picture.
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
    data = {k: found[k] for k in PICTURES if is_picture(k, found.get(k))}
    if "text/plain" in found:
        data["text/plain"] = bounded(found["text/plain"])
    texts = {k: {"alt": text} for k in data if k in PICTURES and (text := _alternative(shown, k))}
    return output("display_data", data=data, metadata=texts) if data else None


def _alternative(shown: Any, kind: str) -> str:
    """The text alternative of a picture on one line, cut off; empty if there is none."""
    about = shown.get("metadata")
    about = about.get(kind) if isinstance(about, dict) else None
    text = about.get("alt") if isinstance(about, dict) else None
    if not isinstance(text, str):
        return ""
    line = printable(" ".join(text[: 2 * MAX_ALTERNATIVE].split()))
    return line if len(line) <= MAX_ALTERNATIVE else line[: MAX_ALTERNATIVE - 2] + " …"


def bounded(value: Any, most: int = MAX_OUTPUT) -> str:
    """The text without lone surrogates, cut off after ``most`` characters."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.encode("utf-8", "replace").decode()
    if len(text) > most:
        text = text[:most] + "\n... the rest of the output was left out"
    return text


def is_picture(kind: str, data: Any, most: int = MAX_PICTURE) -> bool:
    """Whether this is a picture in base64 and nothing else; pages contain it unquoted."""
    if not isinstance(data, str) or len(data) > most:
        return False
    try:
        return base64.b64decode("".join(data.split("\n")), validate=True).startswith(PICTURES[kind])
    except ValueError:
        return False


def output(kind: str, **content: Any) -> NotebookNode:
    """An output like nbformat's; the content is the grader's own and needs no validation."""
    return nbformat.from_dict({"output_type": kind, **content})
