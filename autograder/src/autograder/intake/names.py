"""Which names of folders in submitted/ can be a student's id, for nbgrader and in every path."""

MOST = 200  # bytes; a file's name has at most 255, and ours add to it
_PATTERN = "*?[]\\"  # nbgrader and the shell look for files by patterns


def unusable(name: str) -> str:
    """Why a folder's name cannot be a student's id, as a sentence with the remedy.

    Args:
        name: The folder's name.

    Returns:
        The sentence; empty if the name can be used.
    """
    why = _why(name)
    return f"The name of this folder {why}: rename it, and grade again." if why else ""


def _why(name: str) -> str:
    if not name.isprintable():
        return "contains a line break or another character that cannot be shown"
    if name != name.strip():
        return "begins or ends with a space"
    if name.startswith("."):
        return "begins with a dot, so it is hidden"
    if len(name.encode()) > MOST:
        return f"is longer than {MOST} bytes"
    if found := sorted(set(name) & set(_PATTERN)):
        return f"contains {' and '.join(found)}, which stands for other characters in patterns"
    return ""


def shown(name: str) -> str:
    """A name as a terminal can show it, on one line and not too long."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return text if len(text) <= MOST else text[: MOST - 3] + "..."
