"""No text of the project uses a phrase that docs/vocabulary.md asks authors to avoid."""

import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "vocabulary.md"
TEXTS = (
    *("*.md", "docs/**/*.md", "helpers/*.md", "autograder/*.md", ".github/**/*.md"),
    *(".github/**/*.yml", "Makefile", "nbgrader_config.py", "course/course.toml", "course/**/*.py"),
    *("helpers/src/**/*.py", "helpers/src/**/*.toml"),
    *("autograder/src/**/*.py", "autograder/src/**/*.html"),
)
CODE_SPAN = re.compile(r"``.+?``|`[^`\n]+`")
REPLACEMENT_FIELD = re.compile(r"\{[^{}\n]*\}")
BETWEEN = r"[\s#]+"  # two words of a phrase may stand on two lines of a comment


@dataclass(frozen=True)
class Avoided:
    """One phrase of the table, what to write in its place, and how often a file may have it."""

    phrase: str
    write: str
    allowed: dict[str, int]

    @property
    def pattern(self) -> re.Pattern:
        words = (re.escape(word).replace(r"\*", "[a-z]*") for word in self.phrase.split())
        # Neither a part of a longer word nor of an id such as "net1-mend".
        after = r"(?![\w-])" if self.phrase[-1].isalnum() or self.phrase[-1] == "*" else ""
        return re.compile(rf"(?<![\w-]){BETWEEN.join(words)}{after}", re.IGNORECASE)


def table(page: str) -> list[Avoided]:
    """The rows below "Words to avoid"; only phrases that are set as code can be looked for."""
    section = page.split("## Words to avoid")[1].split("\n## ")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| ")]
    found = []
    for write, phrases, exceptions in rows[1:]:
        allowed = {path: 1 for path in re.findall(r"once in `([^`]+)`", exceptions)}
        for phrase in re.findall(r"`([^`]+)`", phrases):
            found.append(Avoided(phrase, write.strip(), allowed))
    return found


def prose(path: str, text: str) -> str:
    """What people read of a file, with each word on the line that it has in the file.

    In Python these are comments and strings, so that an identifier is never found.
    """
    read = _comments_and_strings(text) if path.endswith(".py") else text
    return CODE_SPAN.sub(lambda span: "·" * len(span[0]), read)


def _comments_and_strings(code: str) -> str:
    lines = [[" "] * len(line) for line in code.splitlines()]
    tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    names = {token.string for token in tokens if token.type == tokenize.NAME}
    wanted = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    for token in tokens:
        shown = token.string
        # The header of a cell holds an id, and a string such as "net1" the name of a variable.
        if token.type not in wanted or shown.startswith("# %%") or shown.strip("\"'") in names:
            continue
        if token.type == tokenize.STRING:
            prefix, quote, rest = re.split("(['\"])", shown, maxsplit=1)
            if "f" in prefix.lower():  # before Python 3.12 its expressions are a part of it
                rest = REPLACEMENT_FIELD.sub(lambda field: " " * len(field[0]), rest)
            shown = " " * len(prefix + quote) + rest
        row, column = token.start
        for offset, part in enumerate(shown.splitlines()):
            start = column if offset == 0 else 0
            lines[row - 1 + offset][start : start + len(part)] = part
    return "\n".join("".join(line) for line in lines)


def found(path: str, text: str, avoided: list[Avoided]) -> list[str]:
    """One line for each phrase in the text: the file, the line, the phrase, what to write."""
    read = prose(path, text)
    messages = []
    for one in avoided:
        hits = list(one.pattern.finditer(read))
        for hit in hits[one.allowed.get(path, 0) :]:
            line = read.count("\n", 0, hit.start()) + 1
            messages.append((line, f'{path}:{line}: "{hit[0]}"; write: {one.write}'))
    return [message for _, message in sorted(messages)]


def paths() -> list[str]:
    files = {path for pattern in TEXTS for path in ROOT.glob(pattern) if path.is_file()} - {PAGE}
    return sorted(str(path.relative_to(ROOT)) for path in files)


AVOIDED = table(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", paths())
def test_a_file_has_no_word_to_avoid(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    if slips := found(path, text, AVOIDED):
        pytest.fail("\n".join(slips), pytrace=False)


def test_the_texts_of_every_kind_are_read():
    read = set(paths())
    assert {"README.md", "docs/authoring.md", "course/03_net_1.py", "course/course.toml"} <= read
    assert {"helpers/src/convcourse/checks.py", "autograder/src/autograder/cli.py"} <= read
    assert "helpers/src/convcourse/hints/03_net_1.toml" in read


def test_the_table_holds_the_words_that_this_project_had():
    phrases = {one.phrase for one in AVOIDED}
    assert {"by heart", "learnt", "mend", "whoever", "only who", "refining", "is well"} <= phrases
    assert {"no answer to any question", "all without", "of the kind '"} <= phrases


def test_every_exception_names_a_file_that_is_read():
    assert {path for one in AVOIDED for path in one.allowed} <= set(paths())


SLIPS = [
    ("a.md", "It learns\nby heart.", "by heart", 2),
    ("a.md", "The simplest Mend.", "mend", 1),
    ("a.py", "x = 1\n# learnt by\n# heart", "by heart", 2),
    ("a.py", 'x = f"{x} is\\n"\n"""One.\n\nMend it."""', "mend", 4),
    ("a.py", "raise E(f\"has {n} of the kind '{k}'\")", "of the kind '", 1),
    ("a.toml", 'title = "without learning by heart"', "by heart", 1),
    ("a.md", "its colourful behaviour", "colour*", 1),
]


@pytest.mark.parametrize(("path", "text", "phrase", "line"), SLIPS)
def test_a_slip_is_found_on_its_line(path, text, phrase, line):
    one = next(one for one in AVOIDED if one.phrase == phrase)
    (message,) = found(path, text, [one])
    assert message.startswith(f"{path}:{line}: ") and message.endswith(one.write)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "mend = learnt(colour)"),
        ("a.py", 'print(f"{learnt:.2f}")'),
        ("a.py", '# %% tests="net-mend" points=2'),
        ("a.py", 'refined = 1\nsubmission.model("refined")'),
        ("a.py", "# `learnt` holds the accuracy, ``mend`` too"),
        ("a.md", "I recommend to amend it; the answer to `whoever`."),
        ("a.md", "id look-mend, centred_differences, optimistic"),
        ("a.md", "it is well-known"),
    ],
)
def test_identifiers_ids_and_longer_words_are_no_slips(path, text):
    assert found(path, text, AVOIDED) == []


def test_an_exception_counts_once():
    (path,) = next(one.allowed for one in AVOIDED if one.phrase == "refining")
    text = "# The report calls it refining.\n# More refining."
    assert [m.split(": ")[0] for m in found(path, text, AVOIDED)] == [f"{path}:2"]
    assert len(found("course/03_net_1.py", text, AVOIDED)) == 2
