"""Marking by hand in the browser: over real HTTP, beside the rubric, and nothing is lost."""

import asyncio
import http.client
import itertools
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import browser
import nbformat
import pytest
import tiny
from instant import NAME, RIGHT, Class, notebook
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader.handlers import template_path
from tornado import netutil
from tornado.httpserver import HTTPServer
from traitlets.config import PyFileConfigLoader
from typer.testing import CliRunner

from autograder.cli import app
from autograder.nbgrader import by_hand, disk
from autograder.nbgrader.by_hand import Marking
from autograder.nbgrader.room import Room
from autograder.run import mark

pytestmark = pytest.mark.unit

RUBRIC = "*Rubric.* One point for the sum, one for the word <equal>."
WHY = "Why is it twice?"
SOURCE = f"{WHY}\n\n### BEGIN SOLUTION\n{RUBRIC}\n### END SOLUTION"
HOSTILE = (
    f"{WHY}\n\n<script>alert(1)</script><img src=x onerror=alert(1)> "
    "[click](javascript:alert(1)) ![p](http://evil.example/p.png) "
    '"><form action="http://evil.example"><button>Save</button></form> </section></main>'
    "\x1b[31m\u202e&lt;script&gt;"
)
TOKEN = "the-token"


class Browser:
    """Keeps cookies, follows nothing, and answers with status, headers and text."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port, self.cookies = port, {}
        self.status, self.headers, self.text = self.get(f"/?token={token}")

    def get(self, path: str, **headers: str) -> tuple[int, dict, str]:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, data: bool = False, **fields: str) -> tuple[int, dict, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"Accept": "application/json"} if data else {}
        return self.ask("POST", path, urlencode(fields), headers)

    def ask(self, method: str, path: str, body: str = "", headers: dict | None = None):
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        cookies = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        one.request(method, path, body or None, {"Cookie": cookies, **(headers or {})})
        answer = one.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        text = answer.read().decode()
        one.close()
        return answer.status, dict(answer.getheaders()), text

    def open(self, path: str) -> "Form":
        status, headers, text = self.get(path)
        while status in (302, 303):
            path = headers["Location"]
            status, headers, text = self.get(path)
        assert status == 200, text
        return Form(path, text)


class Form(HTMLParser):
    """The fields of a page's form, its links and its headings."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path, self.text, self.fields, self.links, self.tags = path, text, {}, {}, []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "input":
            self.fields[given["name"]] = given.get("value", "")
        if tag == "textarea":
            self._in = given["name"]
            self.fields[self._in] = ""
        if tag == "a":
            self.links[given.get("id", given["href"])] = given["href"]

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._in = ""

    def handle_data(self, data):
        if self._in:
            self.fields[self._in] += data

    def send(self, browser: Browser, data: bool = False, **fields: str):
        return browser.post(self.path, data, **{**self.fields, **fields})


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    course = Class(tmp_path_factory.mktemp("course") / "begun")
    tiny.make(course.root, students=0)
    course.source(notebook(tiny.STUB, SOURCE))
    for student, why in (("ada", "A sum."), ("bob", "No idea."), ("cyd", "Equal parts.")):
        course.hand_in(RIGHT, f"{WHY}\n\n{why}", student)
    course.hand_in(RIGHT, HOSTILE, "mallory")
    assert set(course.grade().values()) == {"done"}
    return course.root


@pytest.fixture
def course(begun, tmp_path) -> Class:
    return Class(Path(shutil.copytree(begun, tmp_path / "course")))


@pytest.fixture
def port(course, monkeypatch):
    """A server in a thread with a loop of its own, as `autograder mark` runs it."""
    yield from served(course)


def served(course: Class, names: bool = False):
    ready, found = threading.Event(), {}

    async def run() -> None:
        found["loop"], found["end"] = asyncio.get_running_loop(), asyncio.Event()
        marking = Marking(Room(course.root, NAME))
        sockets = netutil.bind_sockets(0, mark.ADDRESS)
        found["port"] = sockets[0].getsockname()[1]
        server = HTTPServer(mark.application(marking, TOKEN, names), max_buffer_size=mark.MOST)
        server.add_sockets(sockets)
        ready.set()
        await found["end"].wait()
        server.stop()
        await server.close_all_connections()
        marking.end()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(30)
    yield found["port"]
    found["loop"].call_soon_threadsafe(found["end"].set)
    thread.join(30)


def grade_of(course: Class, student: str, cell: str = "why") -> tuple:
    with course.gradebook() as gradebook:
        one = gradebook.find_grade(cell, NAME, NAME, student)
        comment = gradebook.find_comment("why", NAME, NAME, student).manual_comment
        return one.manual_score, one.extra_credit, one.needs_manual_grade, comment


def writer(form: Form) -> str:
    """Whose answer a page shows, from what they wrote."""
    words = {"A sum.": "ada", "No idea.": "bob", "Equal parts.": "cyd", "alert(1)": "mallory"}
    return next(who for text, who in words.items() if text in form.text)


def test_the_rubric_stands_beside_the_answer_and_one_question_is_marked_for_all(course, port):
    browser = Browser(port)
    form = browser.open("/question/why")
    seen = {}
    for number in range(4):
        who = writer(form)
        assert "One point for the sum" in form.text and who not in form.text.partition("Rubric")[2]
        seen[who] = number / 2
        status, headers, _ = form.send(browser, score=str(number / 2), go="waiting")
        assert status == 303
        form = browser.open(headers["Location"])
    assert set(seen) == {"ada", "bob", "cyd", "mallory"} and "Nothing waits" not in form.text
    for who, score in seen.items():
        assert grade_of(course, who) == (score, None, False, None)


def test_answers_have_numbers_instead_of_names_unless_asked(course, port):
    browser = Browser(port)
    pages = [browser.open("/").text, browser.open("/question/why").text]
    assert not any(re.search(r"\b(ada|bob|cyd|mallory)\b", text) for text in pages)
    first = [row for row in re.findall(r"submission \d", pages[1])]
    assert first and browser.open("/question/why").text.count(first[0]) > 0


def test_names_are_shown_on_request(course):
    server = served(course, names=True)
    text = Browser(next(server)).open("/").text
    assert "ada" in text and "mallory" in text
    next(server, None)


def test_each_step_is_saved_as_it_is_typed(course, port):
    browser = Browser(port)
    form = browser.open("/question/why")
    who = writer(form)
    status, _, text = form.send(browser, data=True, comment="Half of")
    assert status == 200 and grade_of(course, who) == (None, None, True, "Half of")
    version = re.search(r'"version": "(\w+)"', text)[1]
    status, _, _ = form.send(browser, data=True, seen=version, comment="Half of it.", score="1,5")
    assert status == 200 and grade_of(course, who) == (1.5, None, False, "Half of it.")
    again = browser.open(form.path)
    assert (again.fields["score"], again.fields["comment"]) == ("1.5", "Half of it.")
    again.send(browser, score="", extra="0.5", comment="")
    assert grade_of(course, who) == (None, 0.5, True, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"score": "2.5"}, "between 0 and 2"),
        ({"score": "-1"}, "between 0 and 2"),
        ({"score": "nan"}, "is no number"),
        ({"score": "1e999"}, "is no number"),
        ({"score": "<b>x"}, "is no number"),
        ({"score": "1", "extra": "-1"}, "extra credit must be"),
        ({"score": "1", "extra": "inf"}, "is no number"),
    ],
)
@pytest.mark.parametrize("data", [True, False])
def test_a_mark_out_of_its_bounds_is_refused_and_what_was_typed_stays(
    course, port, fields, words, data
):
    browser = Browser(port)
    form = browser.open("/question/why")
    status, _, text = form.send(browser, data=data, comment="Half of it.", **fields)
    assert status == 422 and words in text and (data or "<b>x" not in text)
    assert grade_of(course, writer(form)) == (None, None, True, None)
    if not data:
        assert "Half of it." in text and "Not saved." in text


@pytest.mark.parametrize("data", [True, False])
def test_two_markers_do_not_overwrite_each_other(course, port, data):
    one, two = Browser(port), Browser(port)
    mine, theirs = one.open("/question/why"), two.open("/question/why")
    who = writer(mine)
    theirs.send(two, score="2", comment="All of it.")
    status, _, text = mine.send(one, data=data, score="1", comment="Half of it.")
    assert status == 409 and "Somebody else has changed this mark" in text
    assert grade_of(course, who) == (2, None, False, "All of it.")
    if not data:
        shown = Form(mine.path, text)
        assert "All of it." in text and shown.fields["comment"].strip() == "Half of it."
        shown.send(one)  # knowing both, the marker decides
        assert grade_of(course, who)[0] == 1
    same = two.open(mine.path)
    assert same.send(two, data=True, seen="old")[0] == 200  # the same mark is no conflict


def test_a_mark_that_formgrader_saved_meanwhile_is_not_overwritten(course, port):
    browser = Browser(port)
    form = browser.open("/question/why")
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, writer(form))
        grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.db.commit()
    assert form.send(browser, score="0")[0] == 409


class Tags(HTMLParser):
    """What a browser would make of the answer's part of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_hostile_answer_runs_and_loads_nothing(course, port):
    browser = Browser(port)
    form = browser.open("/question/why")
    for _ in range(4):
        if writer(form) == "mallory":
            break
        form = browser.open(form.links.get("next", form.path))
    assert writer(form) == "mallory"
    panel = form.text.partition('id="answer-heading"')[2].partition('id="rubric-heading"')[0]
    tags = Tags(panel).found
    assert {tag for tag, _ in tags} <= {"div", "p", "a", "em", "pre", "code", "section", "h2"}
    assert not any(key.startswith("on") for _, attrs in tags for key in attrs)
    assert not any("javascript" in str(value) for _, attrs in tags for value in attrs.values())
    assert "\x1b" not in panel and form.text.count("<main>") == form.text.count("</main>") == 1
    policy = browser.get(form.path)[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize(
    "attachment",
    [
        {"image/svg+xml": "<svg onload=alert(1)>"},
        {"text/html": "<script>"},
        {"image/png": '"><script>alert(1)</script>'},
    ],
)
def test_an_attachment_that_is_no_picture_is_not_shown(course, attachment):
    path = course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[-1].source = f"{WHY}\n\nA sum. ![p](attachment:p.png)"
    nb.cells[-1].attachments = {"p.png": attachment}
    path.write_text(nbformat.writes(nb))
    server = served(course)
    browser = Browser(next(server))
    form = browser.open("/question/why")
    for _ in range(4):
        if writer(form) == "ada":
            break
        form = browser.open(form.links.get("next", form.path))
    assert "alert(1)" not in form.text and "svg" not in form.text
    next(server, None)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?token=wrong", {}),
        ("/?token=", {}),
        ("/question/why", {"Host": "evil.example"}),
        ("/?token=the-token", {"Host": "evil.example:80"}),
    ],
)
def test_who_has_no_token_or_comes_by_another_name_sees_nothing(port, path, headers):
    browser = Browser(port, "wrong")
    status, _, text = browser.get(path, **headers)
    assert status == 403 and "why" not in text and "Traceback" not in text


def test_a_form_of_another_site_saves_nothing(course, port):
    browser = Browser(port)
    form = browser.open("/question/why")
    status, _, _ = browser.post(form.path, seen=form.fields["seen"], score="2")
    assert status == 403 and grade_of(course, writer(form))[0] is None
    assert "SameSite=Strict" in str(Browser(port).headers) and "HttpOnly" in str(browser.headers)


@pytest.mark.parametrize(
    "path", ["/question/none", "/question/why/0123456789abcdef", "/x", "/question/..%2f..", "/%00"]
)
def test_a_page_that_is_not_there_says_so(port, path):
    status, _, text = Browser(port).get(path)
    assert status == 404 and text == "There is no such page."


def test_what_the_grader_could_not_settle_waits_with_its_reason(course, port):
    course.decide("test", manual_score=3)
    course.hand_in("def double(n):\n    return n + n + 0", f"{WHY}\n\nA sum.")
    course.grade()
    browser = Browser(port)
    assert "test" in browser.open("/").text
    form = browser.open("/question/test")
    assert "the answer changed" in form.text and "return 2 * n" in form.text
    form.send(browser, confirmed="1")
    assert course.mark("test") == (3, None, 4, False)


def test_a_mark_changes_the_late_penalty_with_it(course, port):
    (course.root / "course" / "course.toml").write_text(
        'late = "zero"\n[[assignment]]\nname = "tiny"\ntitle = "T"\nminutes = 1\npoints = 6\n'
        "due = 2026-03-01T12:00:00Z\n"
    )
    for who in ("ada", "bob", "cyd", "mallory"):
        folder = course.root / "submitted" / who / NAME
        (folder / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC")
    course.grade(force=True)
    assert course.penalty("ada") == 4
    server = served(course)  # reads the table anew
    browser = Browser(next(server))
    form = browser.open("/question/why")
    form.send(browser, score="2")
    assert course.penalty(writer(form)) == 6
    table = course.root / "course" / "course.toml"
    table.write_text(table.read_text().replace('"zero"', '"keep"'))  # while the server runs
    browser.open(form.path).send(browser, score="1")
    assert course.penalty(writer(form)) == 0
    next(server, None)


def test_a_gradebook_that_cannot_be_written_is_said_and_the_text_stays(course, port, monkeypatch):
    browser = Browser(port)
    form = browser.open("/question/why")
    monkeypatch.setattr(disk, "_HELPS", {"": "the file is read-only: make it writable"})

    def closed(*_, **__):
        raise by_hand.CourseError("The gradebook cannot be written: the file is read-only.")

    monkeypatch.setattr(by_hand.penalties, "settle", closed)
    status, _, text = form.send(browser, score="1", comment="Half of it.")
    assert status == 503 and "cannot be written" in text and "Half of it." in text
    assert grade_of(course, writer(form)) == (None, None, True, None)


def test_numbers_stay_the_same_the_next_time(course):
    def numbers() -> dict[str, int]:
        marking = Marking(Room(course.root, NAME))
        found = {one.student: one.number for one in marking.entries()}
        marking.end()
        return found

    assert numbers() == numbers() and sorted(numbers().values()) == [1, 2, 3, 4]
    key = course.root / ".autograder" / by_hand.KEY
    assert key.stat().st_mode & 0o077 == 0


def test_every_field_has_a_label_and_headings_are_in_order(port):
    browser = Browser(port)
    form = browser.open("/question/why")
    labels = {given["for"] for tag, given in form.tags if tag == "label"}
    visible = [g for t, g in form.tags if t in ("input", "textarea") and g.get("type") != "hidden"]
    assert {given["id"] for given in visible} == labels == {"score", "extra", "comment"}
    levels = [int(tag[1]) for tag, _ in form.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_marking_what_was_never_graded_is_said_in_a_sentence(tmp_path, monkeypatch):
    tiny.make(tmp_path, students=0)
    table = '[[assignment]]\nname = "tiny"\ntitle = "T"\nminutes = 1\npoints = 6\n'
    (tmp_path / "course" / "course.toml").write_text(table)
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    done = CliRunner().invoke(app, ["mark", NAME])
    assert done.exit_code == 1 and "has been graded yet" in done.output


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture
def page(chromium, port):
    """The marking pages in a real browser; what it asks for and every dialog are noted."""
    context = chromium._program.new_context()
    shown = context.new_page()
    shown.asked, shown.dialogs = [], []
    shown.on("request", lambda request: shown.asked.append(request.url))
    shown.on("dialog", lambda dialog: (shown.dialogs.append(dialog.message), dialog.accept()))
    shown.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
    yield shown
    context.close()


@pytest.mark.browser
@browser.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(page, course, scheme):
    page.emulate_media(color_scheme=scheme)
    assert browser.violations(page) == []
    page.click("text=why")
    assert browser.violations(page) == []
    for _ in range(3):
        page.click("#next")
        assert browser.violations(page) == []
    page.fill("#score", "7")
    page.click("text=Save, and on")
    page.wait_for_selector("[role=alert]")
    assert browser.violations(page) == []


@pytest.mark.browser
@browser.needs_browser
def test_what_is_typed_is_saved_though_the_browser_closes(page, course):
    page.click("text=why")
    who = next(w for w in ("ada", "bob", "cyd", "mallory") if writer_of(page) == w)
    page.keyboard.type("1.5")  # the score has the focus
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Half of it.")
    page.wait_for_selector("#state:text-is('Saved.')")
    page.context.close()
    assert grade_of(course, who) == (1.5, None, False, "Half of it.")


def writer_of(page) -> str:
    return writer(Form("", page.content()))


@pytest.mark.browser
@browser.needs_browser
def test_the_keyboard_leads_through_a_class_and_hostile_texts_do_nothing(page, course):
    page.click("text=why")
    marked = {}
    for number in range(4):
        marked[writer_of(page)] = number / 2
        page.keyboard.type(f"{number / 2:g}")
        with page.expect_navigation():
            page.keyboard.press("Control+Enter")
    assert {who: grade_of(course, who)[0] for who in marked} == marked and len(marked) == 4
    page.click("text=why")
    first = page.url
    with page.expect_navigation():
        page.keyboard.press("Alt+PageDown")
    assert page.url != first
    with page.expect_navigation():
        page.keyboard.press("Alt+PageUp")
    assert page.url == first and page.dialogs == []
    assert all(url.startswith("http://127.0.0.1") for url in page.asked)


@pytest.mark.browser
@browser.needs_browser
def test_a_conflict_is_shown_while_typing(page, course, port):
    page.click("text=why")
    other = Browser(port)
    form = other.open("/" + page.url.split("/", 3)[3])
    form.send(other, score="2")
    page.keyboard.type("1")
    page.wait_for_selector("#state:has-text('Somebody else')")
    assert grade_of(course, writer(form))[0] == 2
    page.click("text=Save, and on")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("#score") == "1"
    assert "In the gradebook: score 2" in page.inner_text("[role=alert]")


ROOT = Path(__file__).resolve().parents[2]


def test_formgrader_shows_the_rubric_and_a_students_page_does_not(course, monkeypatch):
    monkeypatch.chdir(course.root)
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    graded = course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb"
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [template_path]
    exporter = HTMLExporter(config=config)
    about = {"index": 0, "total": 1, "assignment_id": NAME, "notebook_id": NAME}
    shown, _ = exporter.from_filename(str(graded), resources={**about, "submission_id": "1"})
    assert "One point for the sum" in shown and "<equal>" not in shown
    assert shown.index("One point for the sum") < shown.index("A sum.")
    Room(course.root, NAME).feedback()
    pages = sorted(course.root.glob(f"feedback/*/{NAME}/*.html"))
    assert len(pages) == 4 and not any("One point" in page.read_text() for page in pages)


def test_a_students_page_says_which_answers_nobody_has_marked_yet(course):
    with Gradebook(course.url) as gradebook:
        gradebook.find_grade("why", NAME, NAME, "bob").manual_score = 0
        gradebook.db.commit()
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    Room(course.root, NAME).feedback()
    waits, marked = (
        (course.root / "feedback" / student / NAME / f"{NAME}.html").read_text()
        for student in ("ada", "bob")
    )
    assert waits.count("not marked yet (of 2.0)") == 2
    assert "Answers that wait for a person: 1." in waits
    assert "not marked yet" not in marked and "wait for a person" not in marked
    assert "0.0 / 2.0" in marked
