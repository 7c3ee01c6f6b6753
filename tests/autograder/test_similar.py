"""Answers that resemble each other: found for a person, and honest ones left alone."""

import random
import re
import time

import instant
import pytest
import tiny
from browser import needs_browser, started, violations
from typer.testing import CliRunner

from autograder.cli import app
from autograder.pages import side_by_side
from autograder.text import fingerprints, similarity

pytestmark = pytest.mark.unit

STUB = 'def pool(image, size):\n    """Largest values."""\n    raise NotImplementedError("later")\n'
LOOPS = '''def pool(image, size):
    """Largest values."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    made = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            block = image[i * size:(i + 1) * size, j * size:(j + 1) * size]
            made[i, j] = block.max()
    return made
'''
RENAMED = """# my own work
def pool(image, size):
    h, w = image.shape[0] // size, image.shape[1] // size   # how many
    out = np.zeros(( h, w ))

    for a in range(h):
        for b in range(w):
            part = image[a * size:(a + 1) * size, b * size:(b + 1) * size]
            out[a, b] = part.max()
    return out
"""
SHAPED = """def pool(image, size):
    rows, columns = image.shape
    if rows % size or columns % size:
        image = image[: rows - rows % size, : columns - columns % size]
    blocks = image.reshape(image.shape[0] // size, size, image.shape[1] // size, size)
    return blocks.max(axis=(1, 3))
"""
LISTED = """def pool(image, size):
    found = []
    for top in range(0, len(image) - size + 1, size):
        found.append([np.amax(image[top:top + size, left:left + size])
                      for left in range(0, len(image[0]) - size + 1, size)])
    return np.array(found)
"""


def find(*release: str, **answers: str) -> similarity.Found:
    return similarity.find({"pool": answers}, release or (STUB,))


def pairs(found: similarity.Found) -> list[tuple[str, ...]]:
    return [one.students for one in found.pairs]


def test_other_names_comments_and_layout_do_not_hide_a_copy():
    found = find(ada=LOOPS, bob=SHAPED, cy=RENAMED, di=LISTED)
    assert pairs(found) == [("ada", "cy")]
    one = found.pairs[0]
    assert one.share > 0.9 and not one.same
    assert {0, 1} < one.lines[0] or 3 in one.lines[0]
    assert max(one.lines[1]) == 9 and 3 in one.lines[1]


def test_a_copy_with_lines_between_is_found():
    lines = RENAMED.splitlines(keepends=True)
    lines.insert(5, "    print('here we are', h, w, out.shape, image.dtype)\n")
    assert pairs(find(ada=LOOPS, cy="".join(lines))) == [("ada", "cy")]


def test_what_was_given_counts_for_nobody():
    given = LOOPS.replace("def pool", "def convolve")
    work = given + "\nmean = sum(values[1:]) / len(values[1:])\n"
    other = given + "\ntop = sorted(scores)[::-1][:3]\n"
    found = find(given, ada=work, bob=other)
    assert found.pairs == [] and found.short == {"pool": 2}


def test_short_answers_are_counted_and_not_compared():
    short = "def double(n):\n    return 2 * n\n"
    found = find(ada=short, bob=short, cy=LOOPS)
    assert (found.pairs, found.short, found.compared) == ([], {"pool": 2}, {"pool": 1})


def test_the_usual_answer_is_no_pair_and_a_rare_one_is():
    usual = {f"student{k:02}": LOOPS for k in range(40)}
    found = find(**usual, ada=SHAPED, bob=SHAPED.replace("blocks", "parts"))
    assert pairs(found) == [("ada", "bob")]
    assert [(name, len(who)) for name, who in found.groups] == [("pool", 40)]


def test_letter_by_letter_is_said():
    found = find(ada=LOOPS, bob=LOOPS + "  \n", cy=RENAMED)
    assert found.pairs[0].students == ("ada", "bob") and found.pairs[0].same
    assert not found.pairs[1].same


@pytest.mark.parametrize("text", ['"""\\"' * 5000, '"\\' * 10_000, "'" * 20_001, '\\"""' * 5000])
def test_no_answer_takes_long(text):
    before = time.process_time()
    fingerprints.of(text)
    assert time.process_time() - before < 5


def test_any_passage_of_sure_length_is_noticed():
    chance = random.Random(3)

    def words(count: int) -> str:
        return " ".join(f"f{chance.randrange(10**6)}()" for _ in range(count))

    shared = words(fingerprints.SURE // 3 + 1)
    for _ in range(20):
        one, other = (fingerprints.of(words(9) + " " + shared + " " + words(9)) for _ in "ab")
        assert one.prints & other.prints


def program(chance: random.Random) -> str:
    names = [f"v{chance.randrange(50)}" for _ in range(8)]
    lines = [
        f"    {chance.choice(names)} = f{chance.randrange(99)}({chance.choice(names)}, "
        f"{chance.choice(names)}[{chance.randrange(9)}]) "
        f"{chance.choice('+-*')} g(x.a{chance.randrange(99)})"
        for _ in range(20)
    ]
    return "def f(x):\n" + "\n".join(lines)


def test_two_hundred_answers_take_seconds():
    chance = random.Random(1)
    answers = {f"student{k:03}": program(chance) for k in range(200)}
    answers["student199"] = answers["student007"].replace("v1", "w1")
    before = time.process_time()
    found = find(**answers)
    assert time.process_time() - before < 20
    assert pairs(found) == [("student007", "student199")]


def page(place, found, names=None) -> str:
    path = side_by_side.write(found, place, "03_net_1", names or {}, "Course")
    return path.read_text(encoding="utf-8")


def test_the_page_says_that_it_is_no_proof_and_shows_both(tmp_path):
    text = page(tmp_path, find(ada=LOOPS, cy=RENAMED), {"ada": "Ada <b>L</b>"})
    assert "This list is no proof." in text
    assert "ada (Ada &lt;b&gt;L&lt;/b&gt;)" in text and "<b>" not in text
    assert text.count("<pre") == 2 and "part.max()" in text and "block.max()" in text


def test_code_is_shown_and_never_run(tmp_path):
    evil = LOOPS.replace("Largest", "</pre><script>alert(1)</script>\u202e")
    text = page(tmp_path, find(ada=evil, bob=evil))
    assert "<script>alert" not in text and "\u202e" not in text
    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(tmp_path, scheme):
    usual = {f"student{k:02}": SHAPED for k in range(9)}
    page(tmp_path, find(**usual, ada=LOOPS, cy=RENAMED))
    path = tmp_path / "03_net_1-similar.html"
    with started() as browser, browser.opened(path, color_scheme=scheme) as shown:
        assert violations(shown) == []


def test_the_verb_compares_what_is_graded(tmp_path, monkeypatch):
    made = instant.Class(tmp_path)
    tiny.make(tmp_path, students=0)
    (tmp_path / "students.csv").write_text("id,name\nada,Ada L\nbob,Bob\n")
    for student, answer in {"ada": LOOPS, "bob": RENAMED, "cy": LISTED}.items():
        folder = tmp_path / "submitted" / student / tiny.NAME
        folder.mkdir(parents=True)
        (folder / f"{tiny.NAME}.ipynb").write_text(tiny.notebook(answer))
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    made.grade()
    done = CliRunner().invoke(app, ["similar", tiny.NAME])
    assert done.exit_code == 0, done.output
    assert "no proof" in done.output and "Pairs to look at: 1." in done.output
    text = (tmp_path / "report" / f"{tiny.NAME}-similar.html").read_text(encoding="utf-8")
    assert "ada (Ada L)" in text and "bob (Bob)" in text and "np.amax" not in text
