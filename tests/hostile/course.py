"""A tiny assignment for hostile submissions: a value, functions, a builder, a model, a text."""

from pathlib import Path

import nbformat

NAME = "tiny"
SECRET = "8314159"  # a hidden argument; the expected result is 16628318
EXPECTED = "16628318"
UNITS = "6151"  # another one; the network built for it has 24604 parameters
HIDDEN_WORDS = "kept-from-students"  # stands in a comment of a hidden block
SEED = "92734157"  # of the images that judge
STANDS_FOR = "BlockingIOError"  # an exception of Python's by which an entry tells a number
# What no student may read.
KEPT = (SECRET, EXPECTED, UNITS, "24604", "24,604", HIDDEN_WORDS, SEED, STANDS_FOR)

STUB = "    ### BEGIN SOLUTION\n{}\n    ### END SOLUTION"
CELLS = {
    "setup": "import keras\nimport numpy as np\n\nfrom convcourse import checks",
    "double-answer": 'def double(n):\n    """Twice n."""\n' + STUB.format("    return 2 * n"),
    "double": f"""with checks.exercise("double"):
    checks.equal(double(1), 2, "double(1)")
### BEGIN HIDDEN TESTS
from autograder import submission
# {HIDDEN_WORDS}
submission.checks.equal(submission.call("double", {SECRET}), {EXPECTED}, "double of a number")
### END HIDDEN TESTS""",
    "table-answer": "table = None\n### BEGIN SOLUTION\ntable = [k * k for k in range(5)]\n"
    "### END SOLUTION",
    "table": """checks.that(table is not None, "table is None.")
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(list(submission.value("table")), [0, 1, 4, 9, 16], "table")
### END HIDDEN TESTS""",
    "build-answer": "def build(units):\n"
    + STUB.format(
        "    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units)])"
    ),
    "build": f"""checks.parameters(build(2), total=8)
### BEGIN HIDDEN TESTS
from autograder import submission
net = submission.build("build", {UNITS})
submission.checks.parameters(net, total=24_604)
submission.checks.architecture(net, "dense {UNITS}")
### END HIDDEN TESTS""",
    "net-answer": """net = None
### BEGIN SOLUTION
net = build(2)
net.set_weights([np.eye(3)[:, :2], np.zeros(2)])
### END SOLUTION""",
    "net": """checks.that(net is not None, "net is None.")
### BEGIN HIDDEN TESTS
from autograder import submission
made = submission.model("net")
x = submission.np.eye(3)[:2]
right = submission.accuracy(made, x, submission.np.array([0, 1]))
submission.checks.that(right == 1.0, "net does not tell the classes apart.")
### END HIDDEN TESTS""",
    "sign-answer": "def sign(n):\n" + STUB.format("    return (n > 0) - (n < 0)"),
    "sign": """checks.that(sign(1) is not None, "sign(1) is None.")
### BEGIN HIDDEN TESTS
from autograder import submission
asked, signs = [(-7,), (0,), (7,), (8,)], (-1, 0, 1, 1)
wrong = [got != sign for got, sign in zip(submission.calls("sign", asked), signs)]
2 - sum(wrong) / 2
### END HIDDEN TESTS""",
    "why": "Why?\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION",
}
TESTS = {"double": 2, "table": 1, "build": 2, "net": 2, "sign": 2}
RIGHT = {
    "double-answer": "def double(n):\n    return n + n",
    "table-answer": "table = [0, 1, 4, 9, 16]",
    "build-answer": "def build(units):\n"
    "    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units)])",
    "net-answer": "net = build(2)\nnet.set_weights([np.eye(3)[:, :2], np.zeros(2)])",
    "sign-answer": "def sign(n):\n    return 0 if n == 0 else n // abs(n)",
}


def facts(name: str) -> dict:
    """nbgrader's metadata of a cell; the set-up cell has none."""
    plain = {"grade_id": name, "schema_version": 3, "task": False}
    if name == "why":
        return {**plain, "grade": True, "solution": True, "locked": False, "points": 1}
    if name in TESTS:
        points = TESTS[name]
        return {**plain, "grade": True, "solution": False, "locked": True, "points": points}
    if name == "setup":
        return {}
    return {**plain, "grade": False, "solution": True, "locked": False}


def notebook(answers: dict[str, str] | None = None) -> nbformat.NotebookNode:
    """The source notebook; with answers, a student's, without hidden blocks.

    Cells are named by their ids.
    """
    cells = []
    for name, source in CELLS.items():
        if answers is not None:
            source = source.partition("\n### BEGIN HIDDEN")[0]
        new = nbformat.v4.new_markdown_cell if name == "why" else nbformat.v4.new_code_cell
        cell = new((answers or {}).get(name, source), id=name)
        if facts(name):
            cell.metadata.nbgrader = nbformat.from_dict(facts(name))
        cells.append(cell)
    nb = nbformat.v4.new_notebook(cells=cells)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.metadata.kernelspec = nbformat.from_dict(spec)
    return nb


def make(root: Path) -> Path:
    """A course folder with this assignment and no submission."""
    (root / "source" / NAME).mkdir(parents=True)
    nbformat.write(notebook(), root / "source" / NAME / f"{NAME}.ipynb")
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(f"heldout_seed = {SEED}\n")
    config = Path(__file__).resolve().parents[2] / "nbgrader_config.py"
    (root / "nbgrader_config.py").write_text(config.read_text())
    return root
