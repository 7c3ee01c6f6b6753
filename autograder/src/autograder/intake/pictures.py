"""Pictures in a student's texts, as attachments that a page can show.

Colab pastes a picture into a text as a long data URI. JupyterLab attaches it to the cell. Others
name a file beside the notebook. All of them become attachments with names of the grader's own, so
that the text stays short and no page loads anything from elsewhere.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from autograder.pages.sanitize import PICTURES, is_picture

MAX_ONE = 8_000_000  # characters of one picture in base64
MAX_ALL = 24_000_000  # characters of a notebook's pictures in base64
MAX_TRIES = 300  # pictures of a notebook that are looked for
MAX_TEXT = 20_000  # characters of one text, because rendering takes more than linear time
MAX_TEXTS = 1_000_000  # characters of all texts in which pictures are looked for
LEFT_OUT = "(a picture that cannot be shown here)"

_NONE = "none"  # stands for a picture that is not kept
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
_DATA = re.compile(r"data:(image/[a-z+.-]{1,20});base64,([A-Za-z0-9+/=]+)")
_NAMED = re.compile(
    r"!\[([^][\n]{0,300})\]\(\s{0,9}<?([^()<>\"'\n]{1,300}?)>?"
    r"(?:\s{1,9}\"[^\"\n]{0,300}\")?\s{0,9}\)"
)
_HTML = re.compile(
    r"<img\b[^<>]{0,500}?\bsrc\s{0,9}=\s{0,9}[\"']([^\"'<>\n]{1,300})[\"']"
    r"[^<>]{0,500}>",
    re.IGNORECASE,
)


class Pictures:
    """Takes the pictures out of the texts of one notebook.

    Attributes:
        left_out: How many pictures are too large or are no PNG or JPEG.
    """

    def __init__(self) -> None:
        self.left_out, self._size, self._number, self._tries, self._read = 0, 0, 0, 0, 0

    def attached(self, text: str, attachments: Any, files: Mapping[str, bytes]) -> tuple:
        """Take the pictures out of one text.

        Args:
            text: The text of a cell.
            attachments: What the notebook file has attached to the cell, whatever that is.
            files: The files beside the notebook.

        Returns:
            The text, which names each picture as an attachment, and the attachments by name. A
            text that is longer than `MAX_TEXT` without its pictures is cut off one character
            after that.
        """
        kept: dict[str, dict[str, str]] = {}
        known: dict[str, str] = {}  # where the text finds a picture: its name as an attachment

        def from_data(match: re.Match[str]) -> str:
            return f"attachment:{self._kept([(match[1], match[2])], kept) or _NONE}"

        def from_name(match: re.Match[str], where: str, alt: str) -> str:
            if where.removeprefix("attachment:") in kept:
                return f"![{alt}]({where})"
            if re.match(r"(?!attachment:)[a-zA-Z][a-zA-Z0-9+.-]*:|//", where):
                return match[0]  # an address elsewhere, which no page loads
            if where not in known:
                lost = where == f"attachment:{_NONE}"  # counted already
                known[where] = "" if lost else self._kept(_found(where, attachments, files), kept)
            name = known[where]
            return f"![{alt}](attachment:{name})" if name else f"{alt} {LEFT_OUT}".strip()

        text = _DATA.sub(from_data, text, count=MAX_TRIES)[: MAX_TEXT + 1]
        self._read += len(text)
        if self._read > MAX_TEXTS:  # such a notebook cannot be graded
            return text, {}
        text = _HTML.sub(lambda match: from_name(match, match[1], "picture"), text)
        text = _NAMED.sub(lambda match: from_name(match, match[2].strip(), match[1]), text)
        for name in kept:  # a picture that the text names in another way, such as a reference
            if f"](attachment:{name})" not in text:
                text += f"\n\n![{name}](attachment:{name})"
        return text, kept

    def _kept(self, found: Iterable[tuple[str, Any]], kept: dict[str, dict[str, str]]) -> str:
        """Keep the first real picture among those found; return its name, or an empty string."""
        self._tries += 1
        for kind, data in found if self._tries <= MAX_TRIES else ():
            raw = (
                "".join(data)
                if isinstance(data, list) and all(isinstance(part, str) for part in data)
                else data
            )
            fits = isinstance(raw, str) and self._size + len(raw) <= MAX_ALL
            if fits and kind in PICTURES and is_picture(kind, raw, MAX_ONE):
                self._number += 1
                self._size += len(raw)
                name = f"picture-{self._number}.{_ENDINGS[kind]}"
                kept[name] = {kind: "".join(raw.split())}
                return name
        self.left_out += 1
        return ""


def _found(where: str, attachments: Any, files: Mapping[str, bytes]) -> list[tuple[str, Any]]:
    """What a text means by an attachment's or a file's name, as pairs of type and data."""
    name = unquote(where)
    if name.startswith("attachment:"):
        bundle = attachments.get(name.partition(":")[2]) if isinstance(attachments, dict) else None
        return list(bundle.items()) if isinstance(bundle, dict) else []
    content = files.get(name.removeprefix("./"), b"")
    if len(content) > MAX_ONE:
        return []
    kind = next((k for k, start in PICTURES.items() if content.startswith(start)), "")
    return [(kind, base64.b64encode(content).decode())] if kind else []
