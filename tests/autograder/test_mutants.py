"""Which small faults are put into a solution, and which cells its checks need."""

import textwrap

import pytest

from autograder.text import slices
from autograder.text.authoring import read_cells
from autograder.text.cells import parse
from autograder.text.mutants import mutants

pytestmark = pytest.mark.unit

SOLUTION = '''# %% solution="small-gap-answer"
def gap(a, b, scale=1):
    """Example: gap(3, 1) is 2."""
    ### BEGIN SOLUTION
    return (a - b) * scale
    ### END SOLUTION
'''


def cells(text: str) -> list:
    return [cell for cell in map(parse, read_cells(text)) if cell.kind == "code"]


def solution(body: str, signature: str = "f(a, b)"):
    """A solution cell with one function."""
    marked = f"### BEGIN SOLUTION\n{textwrap.dedent(body).strip()}\n### END SOLUTION"
    text = f'# %% solution="s"\ndef {signature}:\n{textwrap.indent(marked, "    ")}\n'
    return cells(text)[0]


def changes(body: str, signature: str = "f(a, b)", others: tuple = ()) -> set[str]:
    made = mutants(solution(body, signature), others)
    return {one.change.rpartition("→ ")[2] for one in made}


@pytest.mark.parametrize(
    ("body", "mutant"),
    [
        ("return a - b", "return a + b"),
        ("return a - b", "return abs(a - b)"),
        ("return a / (b + 1e-7)", "return a / (b)"),
        ("return a < b", "return a <= b"),
        ("return a < b", "return a >= b"),
        ("return a and b", "return a"),
        ("if a in b:\n    return 1", "if True:"),
        ("return [x for x in a if x]", "return [x for x in a if not x]"),
        ("return a.sum(axis=1)", "return a.sum(axis=2)"),
        ("return a.sum(axis=1)", "return a.sum()"),
        ("return a.sum(axis=1)", "return a.mean(axis=1)"),
        ("return a[-1]", "return a[-2]"),
        ("return a[:b]", "return a[:b - 1]"),
        ("return range(b)", "return range(b + 1)"),
        ("return np.dot(a, b)", "return np.dot(b, a)"),
        ("return round(a)", "return int(a)"),
        ("return abs(a)", "return a"),
        ("return a.copy()", "return a"),
        ('return f(a, "same")', "return f(a, 'valid')"),
        ("return f(a, True)", "return f(a, False)"),
        ("a += b\nreturn a", "a = b"),
        ("for x in a:\n    if x: break", "if x: continue"),
        ('if a: raise ValueError("no")', "if a: pass"),
        ("return a", "pass"),
    ],
)
def test_a_mutant_has_one_fault_that_people_make(body, mutant):
    assert mutant in changes(body)


def test_an_argument_is_ignored_for_its_default_and_for_what_calls_give_it():
    visible = "checks.equal(f(x_train[:5], 3), 1)"
    found = changes("return a * b", "f(a, b=2)", ("x_train = np.zeros(9)", visible))
    assert {"+ b = 2", "+ b = 3", "+ a = x_train[:5]"} <= found


def test_an_argument_is_not_replaced_by_a_name_that_only_a_check_holds():
    assert not [c for c in changes("return a", "f(a)", ("f(local)",)) if c.startswith("+")]


@pytest.mark.parametrize(
    "body", ['print(a - 1, "x")', "plt.plot(a, b, lw=2)", "model.f(verbose=0)"]
)
def test_what_no_check_can_see_is_left_alone(body):
    assert changes(body) <= {"pass"}


def test_lines_that_students_get_stay_and_every_mutant_differs():
    cell = cells(SOLUTION)[0]
    made = mutants(cell)
    assert made
    assert all("def gap(a, b, scale=1):" in one.source for one in made)
    assert len({one.source for one in made} | {cell.source}) == len(made) + 1
    assert len({one.id for one in made}) == len(made)


def test_an_id_outlives_lines_that_come_before_it():
    first = {m.id for m in mutants(solution("return a - b"))}
    later = {m.id for m in mutants(solution("c = a\nreturn a - b"))}
    assert first <= later


def test_a_check_needs_the_cells_whose_names_it_reads_and_those_that_change_them():
    text = """# %%
net = make()
# %%
other = 3
# %%
net.compile(1)
# %%
print(net, other)
# %% solution="s"
def f(x):
    return x * factor
# %%
factor = 3
# %% tests="t" points=1
f(1)
### BEGIN HIDDEN TESTS
submission.model("net")
### END HIDDEN TESTS
"""
    assert slices.before(cells(text), [6], 4) == [0, 2, 4, 5]
