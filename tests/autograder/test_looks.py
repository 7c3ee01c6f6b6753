"""What a person must look at because of a network, and who learns of it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
import tiny
from nbgrader.api import Gradebook

from autograder.judge import heldout, source
from autograder.judge.evaluate import evaluate
from autograder.kernel import doubts
from autograder.kernel.answers import KernelSource
from autograder.nbgrader import results
from autograder.nbgrader.room import Room
from autograder.run import grade
from autograder.run.job import Settings
from convcourse import shapes
from convcourse.wire import export
from convcourse.wire.answers import Namespace

pytestmark = pytest.mark.kernel

ANSWER = """import keras
import numpy as np
from convcourse import training

def build():
    keras.utils.set_random_seed(2)
    layers = [keras.layers.Input((4,)), keras.layers.Dense(3, "softmax")]
    net = keras.Sequential(layers)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return net

net, share = build(), {share}
x = np.random.default_rng(1).normal(size=(300, 4)).astype("float32")
made = training.fit(net, "net", x, x[:, :3].argmax(axis=1), epochs=1, validation_split=0.5)"""
CHECKS = {
    "shape": "net\n{}submission.checks.equal(submission.model('net').output_shape[1], 3, 'n')\n{}",
    "share": "share\n{}held = submission.heldout()[0][:500]\nr = submission.measured(lambda x, y: "
    "submission.value('share') if (x[:500] == held).all() else 0.5)\n{}\n",
}
MARKS = (
    "### BEGIN HIDDEN TESTS\nfrom autograder import submission\n",
    "### END HIDDEN TESTS",
)


def notebook(share: float) -> str:
    solution = dict(grade=False, solution=True, locked=False)
    tests = dict(grade=True, solution=False, locked=True, points=2)
    cells = [
        tiny.cell("1 + 1", "early", **tests),
        tiny.cell(ANSWER.format(share=share), "answer", **solution),
    ]
    cells += [tiny.cell(text.format(*MARKS), name, **tests) for name, text in CHECKS.items()]
    nb = nbformat.v4.new_notebook(cells=cells)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.metadata.kernelspec = nbformat.from_dict(spec)
    return nbformat.writes(nb)


def hand_in(root: Path, student: str, share: float) -> Path:
    place = root / "submitted" / student / tiny.NAME
    place.mkdir(parents=True)
    (place / f"{tiny.NAME}.ipynb").write_text(notebook(share))
    return place


def checkpoint(place: Path, monkeypatch, scale: float = 1.0) -> None:
    """A checkpoint of the notebook's training, with weights that were multiplied since."""
    names: dict = {}
    monkeypatch.chdir(place)
    exec(ANSWER.format(share=0), names)
    names["net"].set_weights([scale * w for w in names["net"].get_weights()])
    weights, note = Path("checkpoints/net.weights.h5"), Path("checkpoints/net.json")
    names["net"].save_weights(weights)
    known = json.loads(note.read_text()) | {
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest()
    }
    note.write_text(json.dumps(known))


@pytest.fixture
def room(tmp_path, monkeypatch):
    root = tiny.make(tmp_path, students=0)
    (root / "source" / tiny.NAME / f"{tiny.NAME}.ipynb").write_text(notebook(0.5))
    checkpoint(hand_in(root, "honest", 0.55), monkeypatch)
    checkpoint(hand_in(root, "forged", 0.55), monkeypatch, scale=-9)
    hand_in(root, "knows", 0.95)
    monkeypatch.chdir(root)
    grade.grade(root, tiny.NAME, jobs=1, settings=Settings(profile="offline"))
    return Room(root, tiny.NAME)


def test_a_forged_checkpoint_and_a_network_that_knows_the_images_are_for_a_person(room):
    with Gradebook(room.db_url) as gradebook:
        submissions = gradebook.assignment_submissions(tiny.NAME)
        scores = {one.student_id: one.score for one in submissions}
        flagged = {
            (one.student_id, each.name)
            for one in submissions
            for book in one.notebooks
            for each in book.grades
            if each.needs_manual_grade
        }
    assert scores == {"honest": 6, "forged": 6, "knows": 6}  # never a lost point
    assert flagged == {("forged", "shape"), ("knows", "share")}
    rows = {row.student: row.marks for row in results.read(room.root, tiny.NAME).rows}
    told = rows["forged"]["shape"].message
    assert "checkpoint net does not fit its own record" in told and "val_" in told
    assert "about 95% of the images that judge and about 50%" in rows["knows"]["share"].message
    room.feedback()
    for student in ("forged", "knows"):
        book = room.root / "autograded" / student / tiny.NAME / f"{tiny.NAME}.ipynb"
        shown = nbformat.read(book, as_version=4)
        pages = (room.root / "feedback" / student).rglob("*.html")
        for text in [
            *(str(c.get("outputs")) for c in shown.cells[-2:]),
            *(p.read_text() for p in pages),
        ]:
            assert "that judge" not in text and "own record" not in text


ODD = "does not fit its own record: it is odd."


class Kernel:
    """A notebook whose process gives this answer."""

    told = False

    def __init__(self, answer):
        self.answer = answer


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([["net", "it is odd", "b"]], {"b": f"The checkpoint net {ODD}"}),
        ([["net", "it is odd", "elsewhere"]], {"c": f"The checkpoint net {ODD}"}),
        ([["n\x1b[31m\n" * 900, ["x"], None]], None),
        ([], {}),
        (7, {}),
        ([7], {}),
        ([["net"]], {}),
        ({"a": 1}, {}),
    ],
)
def test_an_answer_about_checkpoints_is_a_short_sentence_or_nothing(answer, found, monkeypatch):
    monkeypatch.setattr(KernelSource, "doubts", lambda self: export.to_plain(answer))
    said = doubts.looks(Kernel(answer), ["a", "b", "c"])
    if found is not None:
        assert said == found
    else:
        (words,) = said.values()
        assert len(words) < 600 and "\x1b" not in words and "\n" not in words


# -- a network that knows images by heart


def nearest(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """The class of the nearest of these images, as a network."""
    rows = x.reshape(len(x), -1).astype("float32") / 255
    net = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten()])
    net.add(keras.layers.Dense(len(rows), "softmax"))
    net.add(keras.layers.Dense(10, use_bias=False))
    net.set_weights([500 * rows.T, -250 * (rows**2).sum(axis=1), np.eye(10)[np.ravel(y)]])
    return net


BLOCK = """from autograder import submission
np, net = submission.np, submission.model("net")
reached = submission.measured(lambda x, y: submission.accuracy(net, np.float32(x) / 255, y))
submission.note(reached=reached)
2
"""


@pytest.fixture
def judged(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    monkeypatch.setattr(heldout, "_kept_in", tmp_path)

    def judge(net):
        monkeypatch.setattr(source, "_source", Namespace({"net": net}))
        return evaluate(BLOCK)

    yield judge
    source._looks = None


def test_a_network_that_knows_the_held_out_images_is_for_a_person_and_keeps_its_points(judged):
    verdict = judged(nearest(*heldout.images()))
    assert verdict.passed and verdict.score == 2 and verdict.notes["reached"] > 0.99
    assert (
        "was it trained on those that judge?" in verdict.look
        and verdict.look not in verdict.message
    )
    assert verdict.within(2).look == verdict.look


def test_a_network_that_knows_other_images_is_not(judged):
    verdict = judged(nearest(*shapes.shapes10(1_500)))
    assert verdict.score == 2 and verdict.look == "" and verdict.notes["reached"] > 0.15
    # What judges is not what is compared with it.
    known = {image.tobytes() for image in heldout.images()[0]}
    assert not known & {image.tobytes() for image in heldout._others(2_000, "cifar10")[0]}


def test_where_nobody_takes_looks_the_other_images_are_not_drawn(judged, monkeypatch):
    monkeypatch.setattr(source, "_looks", None)
    monkeypatch.setattr(heldout, "_others", None)
    assert heldout.measured(lambda x, y: 0.5) == 0.5


def test_what_fails_on_the_other_images_costs_nothing(judged):
    source.take_looks()

    def measure(x, y):
        heldout.outcomes.that(len(x) == heldout.IMAGES, "not finite")
        return 0.9

    assert heldout.measured(measure) == 0.9 and source.take_looks() == ""


def drawn(chances: tuple[float, float], draws: np.random.Generator) -> Callable:
    """A measurement: the chance to be right on the images that judge, and on others."""
    shares = iter([chances[0], chances[1], chances[1]])
    return lambda x, y: draws.binomial(len(y), next(shares)) / len(y)


def asked(chances: tuple[float, float], times: int, monkeypatch) -> int:
    """How often a person is asked to look."""
    monkeypatch.setattr(heldout, "_kept", lambda draw, number, dataset: (None, range(number)))
    draws = np.random.default_rng(3)
    source.take_looks()
    return sum(
        heldout.measured(drawn(chances, draws)) >= 0 and bool(source.take_looks())
        for _ in range(times)
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_chance_alone_asks_nobody(share, judged, monkeypatch):
    assert asked((share, share), 10_000, monkeypatch) == 0


def test_a_network_that_was_trained_on_the_images_asks_somebody(judged, monkeypatch):
    assert asked((0.95, 0.75), 100, monkeypatch) == 100
    assert asked((0.86, 0.77), 100, monkeypatch) > 85


def test_the_module_of_doubts_tells_where_weights_lie(tmp_path):
    assert not doubts.handed_in(tmp_path)
    (tmp_path / "kept" / "here").mkdir(parents=True)
    (tmp_path / "kept" / "here" / "net.weights.h5").touch()
    assert doubts.handed_in(tmp_path)
