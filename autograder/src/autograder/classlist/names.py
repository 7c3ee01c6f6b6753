"""People's names as different programs write them: with or without accents, in either order."""

import re
import unicodedata

# Letters that Unicode does not split into a plain letter and an accent.
_PLAIN = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
)

_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019]")  # Moodle leaves them out of file names


def folded(name: str) -> str:
    """A name without accents, case, punctuation and extra spaces, for comparing.

    >>> folded("  GARCÍA-López,  Ana ")
    'garcia lopez ana'
    """
    split = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name).casefold().translate(_PLAIN))
    letters = "".join(one for one in split if not unicodedata.combining(one))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


def in_reading_order(name: str) -> str:
    """A name that is sorted by its last part, "García, Ana", as people say it, "Ana García"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() else name.strip()


def run_together(name: str) -> str:
    """A name as Canvas begins file names: last name first, lower case, letters and digits only.

    >>> run_together("García López, Ana")
    'garcíalópezana'
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).lower())
