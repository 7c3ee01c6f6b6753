"""The pages in a real browser: for everybody, without network, by keyboard, and at once."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import classes
import matplotlib.pyplot as plt
import nbformat
import pytest
from browser import Browser, needs_browser, started, violations
from traitlets.config import PyFileConfigLoader

from autograder.course import load
from autograder.nbgrader.feedback import FeedbackPage, RemoveHidden
from autograder.pages import changes, contents, leaderboard, marking, report
from autograder.pages.changes import TOTAL, Change, Changes
from autograder.pages.leaderboard import Place
from autograder.text.cells import facts

pytestmark = [pytest.mark.browser, needs_browser]

ROOT = Path(__file__).resolve().parents[2]
MOST = 2_000  # milliseconds until a page of 1,000 students in all assignments can be read
SCHEMES = ("light", "dark")
READY = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done([
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  performance.getEntriesByName("first-contentful-paint")[0].startTime]), 100)))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """The report of a class of 17 in two assignments, one of which has a leaderboard."""
    root = tmp_path_factory.mktemp("class")
    reports = classes.course(17, 2)
    classes.feedback(root, reports)
    page = root / "report" / "class.html"
    entries = [Place(f"net {k}", "wider", 0.9 - k / 50, 34_170 + k) for k in range(9)]
    leaderboard.write(entries, page.parent, reports[0].assignment, "Networks")
    report.write_students(reports, page, "Networks", root)
    report.write(reports, page, "Networks", root)
    return page.parent


@pytest.fixture(scope="module")
def page(place) -> Path:
    return place / "class.html"


PAGES = ["class.html", "students/student0005.html", "00_assignment-leaderboard.html"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_wrong(browser, place, name, scheme):
    with browser.opened(place / name, color_scheme=scheme) as shown:
        assert violations(shown) == []


def picture() -> str:
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([1, 2])
    figure.savefig(path := "figure.png")
    plt.close(figure)
    return base64.b64encode(Path(path).read_bytes()).decode()


def feedback(name: str, to: Path) -> Path:
    """The feedback page of the reference, with an output of each kind and a late penalty."""
    nb = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", as_version=4)
    data = {"image/png": picture(), "text/plain": "<Figure>"}
    traceback = ["wrong: it is 3.", "\x1b[0;31mValueError\x1b[0m: \x1b[1;32mx\x1b[0m \x1b[38;5;9mb"]
    failed = nbformat.v4.new_output("error", ename="Wrong", evalue="3", traceback=traceback)
    drawn = nbformat.v4.new_output("display_data", data)
    printed = nbformat.v4.new_output("stream", text="\x1b[41;33m" + "loss 0.5 " * 60)
    for cell in nb.cells:
        role, _, _ = facts(cell)
        if cell.cell_type == "code":
            cell.outputs = [failed] if role == "tests" else [drawn, printed]
        if cell.metadata.get("nbgrader"):
            cell.metadata.nbgrader |= {"score": 1.0, "points": 2.0, "comment": "A *good* idea."}
    facts_of = {"notebook": name, "score": -1.0, "max_score": 9.0, "late_penalty": 3.0}
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    exporter = FeedbackPage(config=config)
    exporter.register_preprocessor(RemoveHidden, enabled=True)
    to.write_text(exporter.from_notebook_node(nb, {"nbgrader": facts_of})[0], encoding="utf-8")
    return to


def assignments() -> list:
    """All of them as parameters; a short run takes one."""
    names = sorted(path.name for path in (ROOT / "source").iterdir())
    short = "04_parameter_counting"
    return [pytest.param(n, marks=() if n == short else pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", assignments())
def test_axe_finds_nothing_wrong_with_feedback(browser, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = feedback(name, tmp_path / "page.html")
    assert "0.0 / 9.0 points" in made.read_text() and "late penalty of 3.0" in made.read_text()
    for scheme in SCHEMES:
        with browser.opened(made, color_scheme=scheme) as shown:
            assert violations(shown) == []
            assert shown.locator("h1").first.inner_text().startswith(name)
            assert shown.locator("a[href^='#']").count() > 3 and scrolls(shown) <= 0


def marks_changed(to: Path) -> None:
    made = [Change("ada", "net1-build", 4, 2, "tests changed"), Change("ada", TOTAL, 4, 2, "")]
    changes.write(Changes("03_net_1", "2026-01-30T20-00-00", "Graded again", tuple(made), 1), to)


def listed(to: Path) -> None:
    known = load(ROOT)
    files = {name: f"{name}/{name}.ipynb" for name in known.names}
    to.write_text(contents.html(known, contents.entries(known, files, {}), "convcourse.whl"))


ENTRY = marking.Entry("why", 1, "k1", "ada", True)
QUESTION = marking.Question("why", 2, "Why is it **twice**?", "*One point* for the sum.", True)
SHARED = marking.Page("03_net_1", False, "nonce", '<input type="hidden" name="_xsrf" value="x">')


def what_waits(to: Path) -> None:
    to.write_text(marking.index(SHARED, [QUESTION], [ENTRY, replace(ENTRY, number=2, key="k2")]))


def one_answer(to: Path) -> None:
    written = nbformat.v4.new_markdown_cell("# Because\n\nof `this`:\n\n    a sum")
    found = marking.Answer(ENTRY, (written,), (), None, 1.5, None, "Good.", True, ("late",), "v")
    around = {"previous": None, "next": replace(ENTRY, key="k2"), "waiting": None}
    problem, mine = "Another person has saved.", {"score": "2", "extra": "", "comment": "Mine."}
    to.write_text(marking.answer(SHARED, QUESTION, found, around, 3, problem, mine))


@pytest.mark.parametrize("write", [marks_changed, listed, what_waits, one_answer])
def test_axe_finds_nothing_wrong_with_what_else_there_is(browser, tmp_path, write):
    write(tmp_path / "page.html")
    for scheme in SCHEMES:
        how = {"color_scheme": scheme, "viewport": {"width": 320, "height": 640}}
        with browser.opened(tmp_path / "page.html", **how) as shown:
            assert violations(shown) == [] and scrolls(shown) <= 0


def scrolls(shown) -> int:
    """By how many pixels the page is wider than its window."""
    return shown.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_the_width_that_wcag_asks_for(browser, place, name):
    with browser.opened(place / name, viewport={"width": 320, "height": 640}) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert scrolls(shown) <= 0


def test_nothing_is_loaded_and_nothing_fails(browser, page):
    with browser.opened(page) as shown:
        asked, failed = [], []
        shown.on("request", lambda one: asked.append(one.url))
        shown.on("pageerror", lambda one: failed.append(one))
        shown.reload()
        assert asked == [page.as_uri()] and failed == []


def names(shown, table: str = "table.students") -> list[str]:
    return shown.locator(f"{table} >> nth=0").locator("tbody tr:visible th").all_inner_texts()


def test_a_table_is_sorted_and_filtered_by_keyboard(browser, page):
    with browser.opened(page) as shown:
        table = shown.locator("table.students").first
        points = table.get_by_role("button", name="points")
        points.focus()
        shown.keyboard.press("Enter")
        column = points.locator("xpath=ancestor::th")
        assert column.get_attribute("aria-sort") == "ascending"
        sums = [float(one) for one in table.locator("tbody b").all_inner_texts()]
        assert sums == sorted(sums) and len(set(sums)) > 3
        shown.keyboard.press("Enter")
        assert column.get_attribute("aria-sort") == "descending"
        sums = [float(one) for one in table.locator("tbody b").all_inner_texts()]
        assert sums == sorted(sums, reverse=True)
        shown.get_by_role("searchbox").first.focus()
        shown.keyboard.type("0005")
        assert names(shown) == ["student0005"]
        assert shown.get_by_role("status").first.inner_text() == "1 of 17 students"
        shown.get_by_role("searchbox").first.fill("")
        shown.get_by_label("Show").first.select_option(label="with a late penalty")
        assert sorted(names(shown)) == ["student0005", "student0016"]


def test_without_scripts_the_page_says_the_same(browser, page):
    with browser.opened(page, java_script_enabled=False) as shown:
        assert len(names(shown)) == 17 and shown.locator("button, input, select").count() == 0
        assert shown.get_by_text("Discrimination").first.is_visible()


def test_a_link_to_a_student_and_to_feedback_leads_there(browser, page):
    with browser.opened(page) as shown:
        shown.get_by_role("link", name="student0005").first.click()
        assert shown.get_by_role("heading", level=1).inner_text() == "student0005"
        shown.get_by_role("link", name="feedback on 01_assignment").click()
        assert shown.url.endswith("/feedback/student0005/01_assignment/01_assignment.html")


def test_print_leaves_out_what_only_a_screen_can_use(browser, page):
    with browser.opened(page, color_scheme="dark") as shown:
        shown.emulate_media(media="print")
        assert not shown.get_by_role("searchbox").first.is_visible()
        assert shown.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert len(names(shown)) == 17 and shown.pdf().startswith(b"%PDF")


def test_a_thousand_students_in_all_assignments_open_at_once(browser, tmp_path):
    assignments = len(load(ROOT).names)
    made = report.write(classes.course(1_000, assignments), tmp_path / "class.html")
    took = []
    for _ in range(3):  # what else the machine does may slow one of them
        with browser.opened(made) as shown:
            took.append(max(shown.evaluate(READY)))
            assert shown.locator("table.students tbody tr").count() == (assignments + 1) * 1_000
    assert min(took) < MOST
