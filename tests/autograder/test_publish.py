"""What is published holds notebooks, wheel, contents, no secret, and the course's own address."""

import hashlib
import json
import os
import subprocess
import threading
import zipfile
from datetime import datetime
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

import convcourse
from autograder import cli, course
from autograder.nbgrader import generate as generating
from autograder.pages import addresses, publish
from autograder.root import CourseError
from autograder.text import new_course, release

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["01_data_loading", "04_parameter_counting"]
WHEEL = f"convcourse-{convcourse.__version__}-py3-none-any.whl"
GITHUB = 'repository = "https://github.com/OWNER/NAME"\ntag = "v1"\n'


def make_wheel(path: Path, change: bytes = b"") -> Path:
    package = Path(convcourse.__file__).parent
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for file in package.rglob("*.py"):
            wheel.writestr(f"convcourse/{file.relative_to(package)}", file.read_bytes() + change)
    return path


_known: dict[str, dict[str, str]] = {}
_real = generating.generate


def generate(one: course.Course, sources: dict[str, str]) -> dict[str, str]:
    """What nbgrader makes of the same sources is made once."""
    key = json.dumps(sources)
    if key not in _known:
        _known[key] = _real(one, sources)
    return _known[key]


@pytest.fixture(autouse=True)
def once(monkeypatch):
    monkeypatch.setattr(generating, "generate", generate)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A course of two assignments, built, with a wheel."""
    root = tmp_path_factory.mktemp("published") / "mine"
    one = new_course.make(root, ROOT, NAMES, "A <small> course")
    release.write(release.build(one, generate=generate))
    make_wheel(root / "dist" / WHEEL)
    return root


@pytest.fixture
def table(made):
    """Writes lines at the top of course.toml and builds; takes them back at the end."""
    path = made / "course" / "course.toml"
    before = path.read_text()

    def write(lines: str) -> course.Course:
        path.write_text(lines + before)
        changed = course.load(made)
        release.write(release.build(changed, generate=generate))
        return changed

    yield write
    path.write_text(before)
    release.write(release.build(course.load(made), generate=generate))


def collect(root: Path, *names: str, kind: str = "site", wheel: Path | None = None):
    one = course.load(root)
    return publish.collected(one, names, kind=kind, wheel=wheel, generate=generate)


def run(root: Path, monkeypatch, *words: str):
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return CliRunner().invoke(cli.app, ["publish", *words])


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [value for key, value in attributes if key in ("href", "src")]


def test_a_folder_holds_what_its_page_links_to_and_nothing_else(made, tmp_path, monkeypatch):
    done = run(made, monkeypatch, str(tmp_path / "public"))
    assert done.exit_code == 0, done.output
    assert "course.toml gives no address" in done.output
    files = {path.name for path in (tmp_path / "public").rglob("*") if path.is_file()}
    notebooks = {f"{name}.ipynb" for name in NAMES}
    assert files == {*notebooks, WHEEL, "index.html", "README.md", "SHA256SUMS"}
    page = (tmp_path / "public" / "index.html").read_text()
    assert set(Links(page).found) == {*notebooks, WHEEL}
    assert "A &lt;small&gt; course" in page and "40 points in all" in page
    for name in NAMES:
        copy = (tmp_path / "public" / f"{name}.ipynb").read_bytes()
        assert copy == (made / "release" / name / f"{name}.ipynb").read_bytes()
    for line in (tmp_path / "public" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        content = (tmp_path / "public" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest


def test_an_archive_is_the_same_every_time(made, tmp_path, monkeypatch):
    to = tmp_path / "week 1.zip"
    for _ in range(2):
        done = run(made, monkeypatch, str(to), "--assignments", NAMES[1])
        assert done.exit_code == 0, done.output
        assert "Wrote 1 notebook, the wheel and a page of contents" in done.output
    first = to.read_bytes()
    run(made, monkeypatch, str(to), "--assignments", NAMES[1])
    assert to.read_bytes() == first
    assert zipfile.ZipFile(to).namelist() == [
        *(f"{NAMES[1]}.ipynb", "README.md", "SHA256SUMS", WHEEL, "index.html")
    ]


def test_files_of_an_archive_have_the_day_on_which_their_notebooks_were_built(made, tmp_path):
    built = made / "release" / NAMES[1] / f"{NAMES[1]}.ipynb"
    files = collect(made, NAMES[1], kind="archive")
    for when, day in ((datetime(2026, 3, 1, 17, 5), (2026, 3, 1)), (datetime(1975, 6, 2), None)):
        os.utime(built, (0, when.timestamp()))
        to = publish.written(course.load(made), files, tmp_path / "a.zip", "archive")
        dates = {one.date_time for one in zipfile.ZipFile(to).infolist()}
        assert dates == {(*(day or (1980, 1, 1)), 0, 0, 0)}


def test_a_repository_has_the_paths_to_which_the_badges_lead(table, made, tmp_path, monkeypatch):
    table(f'{GITHUB}wheel = "dist/{WHEEL}"\n')
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "person@example.org")
    to = tmp_path / "repository"
    done = run(made, monkeypatch, str(to), "--for", "git", "--no-ask")
    assert done.exit_code == 0, done.output
    assert "Push it to https://github.com/OWNER/NAME, tag it v1" in done.output
    for name in NAMES:
        notebook = (to / "release" / name / f"{name}.ipynb").read_text()
        assert f"OWNER/NAME/blob/v1/release/{name}/{name}.ipynb" in notebook
    done = run(made, monkeypatch, str(to), "--for", "git", "--assignments", NAMES[0])
    assert "Committed in" in done.output
    git = ["git", "-C", str(to), "ls-tree", "-r", "--name-only", "HEAD"]
    listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split()
    kept = f"release/{NAMES[0]}/{NAMES[0]}.ipynb"
    assert set(listed) == {kept, WHEEL, "index.html", "README.md", "SHA256SUMS"}
    assert not (to / "release" / NAMES[1]).exists()
    done = run(made, monkeypatch, str(to), "--for", "git", "--assignments", NAMES[0], "--no-ask")
    assert "Nothing has changed since the last commit" in done.output


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_a_site_is_asked_whether_it_answers_with_these_files(table, made, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site"))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        table(f'site = "{site}/"\nwheel = "dist/{WHEEL}"\n')
        source = (made / "release" / NAMES[0] / f"{NAMES[0]}.ipynb").read_text()
        digest = hashlib.sha256((made / "dist" / WHEEL).read_bytes()).hexdigest()
        assert f"{site}/{WHEEL}#sha256={digest}" in source
        before = run(made, monkeypatch, str(tmp_path / "site"))
        assert f"The wheel answers: {site}/{WHEEL}." in before.output
        assert f"index.html answers: {site}/index.html." in before.output
        (tmp_path / "site" / WHEEL).write_bytes(b"another")
        (tmp_path / "site" / "index.html").unlink()
        one = course.load(made)
        told = list(addresses.told(publish.addresses(one, collect(made))))
        assert any("The wheel answers with another file than the notebooks" in t for t in told)
        assert any("index.html does not answer yet (404), so upload it" in t for t in told)
        server.shutdown()
    after = list(addresses.told(publish.addresses(one, collect(made))))
    host = site.removeprefix("http://")
    assert after == [f"{host} is not reachable from here, so 5 addresses there could not be tried."]


def test_a_host_that_refuses_head_is_asked_for_the_file():
    asked = []

    def ask(method, url):
        asked.append(method)
        return (405, b"") if method == "HEAD" else (200, b"x")

    (said,) = addresses.told([addresses.Address("It", "https://a.example/b")], ask)
    assert said == "It answers: https://a.example/b." and asked == ["HEAD", "GET"]


def test_a_notebook_that_is_not_the_graded_one_is_not_published(made, tmp_path):
    path = made / "source" / NAMES[0] / f"{NAMES[0]}.ipynb"
    before = path.read_bytes()
    try:
        path.write_bytes(before + b"\n")
        with pytest.raises(CourseError, match="Run autograder build first"):
            collect(made)
        assert collect(made, NAMES[1])
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: make_wheel(root / WHEEL, b"#"), "is not the convcourse that is installed"),
        (lambda root: root / "nothing.whl", "run make wheels in the repository of convcourse"),
        (lambda root: (root / WHEEL).write_bytes(b"x") and root / WHEEL, "is not a wheel"),
    ],
)
def test_another_wheel_is_refused(made, tmp_path, change, words):
    with pytest.raises(CourseError, match=words):
        collect(made, wheel=change(tmp_path))


def test_a_wheel_with_more_than_convcourse_is_refused(made, tmp_path):
    path = make_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.writestr("autograder/given/course/01_data_loading.py", "answers")
    with pytest.raises(CourseError, match=r"autograder/given.* differs"):
        collect(made, wheel=path)


@pytest.mark.parametrize("secret", ["### BEGIN HIDDEN TESTS", "918273645"])
def test_a_secret_in_any_file_ends_it(made, monkeypatch, secret):
    kept = made / ".autograder" / "heldout_seed"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("918273645\n")
    monkeypatch.setattr(publish.contents, "html", lambda *facts: f"<p>{secret}</p>")
    with pytest.raises(CourseError, match=r"index.html shows .*\nNothing was published"):
        collect(made)


def test_a_solution_of_an_assignment_that_is_not_published_is_found(made, monkeypatch):
    text = (made / "course" / f"{NAMES[0]}.py").read_text()
    answers = [part.split("### END")[0] for part in text.split("### BEGIN SOLUTION\n")[1:]]
    real = release.build

    def leaking(one, names=None, *, generate):
        built = real(one, names, generate=generate)
        path = one.release_path(NAMES[1])
        nb = json.loads(built[path])
        nb["cells"][1]["source"] = [*nb["cells"][1]["source"], "\n", *answers]
        return built | {path: json.dumps(nb)}

    monkeypatch.setattr(publish.release, "build", leaking)
    monkeypatch.setattr(publish.release, "differences", lambda *facts: [])
    with pytest.raises(CourseError, match=rf"release/{NAMES[1]} shows"):
        collect(made, NAMES[1])


@pytest.mark.parametrize("place", ["", "course", "source/x", ".autograder"])
def test_nothing_is_published_into_the_course_itself(made, place):
    with pytest.raises(CourseError, match="name another folder"):
        publish.written(course.load(made), {}, made / place, "site")


def test_nothing_of_somebody_else_is_overwritten(made, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("mine")
    done = run(made, monkeypatch, str(tmp_path))
    assert done.exit_code == 1 and "autograder publish did not write it" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_an_archive_of_somebody_else_is_not_overwritten(made, tmp_path):
    mine = tmp_path / "submissions.zip"
    with zipfile.ZipFile(mine, "w") as archive:
        archive.writestr("ada/03_net_1.ipynb", "her work")
    before = mine.read_bytes()
    with pytest.raises(CourseError, match="autograder publish did not write it"):
        publish.written(course.load(made), {publish.SUMS: b""}, mine, "archive")
    assert mine.read_bytes() == before


def test_nothing_is_published_into_a_folder_that_holds_the_course(made):
    with pytest.raises(CourseError, match="holds this course, with its solutions"):
        publish.written(course.load(made), {}, made.parent, "site")


def test_a_repository_that_ignores_wheels_gets_the_wheel(made, tmp_path, monkeypatch):
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "person@example.org")
    (tmp_path / ".gitignore").write_text("*.whl\n")
    done = run(made, monkeypatch, str(tmp_path), "--for", "git")
    assert done.exit_code == 0 and "Committed in" in done.output


def test_where_git_refuses_to_commit_the_verb_says_why_and_fails(made, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    refuses = tmp_path / ".git" / "hooks" / "pre-commit"
    refuses.parent.mkdir(exist_ok=True)
    refuses.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    refuses.chmod(0o755)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "person@example.org")
    done = run(made, monkeypatch, str(tmp_path), "--for", "git")
    assert done.exit_code == 1 and "Git did not commit (not today)" in done.output
    assert (tmp_path / f"{NAMES[0]}.ipynb").is_file()


def test_a_file_that_somebody_changed_since_is_kept(made, tmp_path, monkeypatch):
    to = tmp_path / "public"
    assert run(made, monkeypatch, str(to)).exit_code == 0
    (to / f"{NAMES[0]}.ipynb").write_text("changed")
    assert "did not write it" in run(made, monkeypatch, str(to)).output


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('site = "https://a.example"\n', "gives a site without a wheel"),
        ('site = "http://a.example"\nwheel = "w"\n', "expected https://HOST/PATH"),
        ('site = "https://a.example/x\'y"\nwheel = "w"\n', "expected https://HOST/PATH"),
        ('site = "https://a.example/?x=1"\nwheel = "w"\n', "expected https://HOST/PATH"),
        (f'{GITHUB}site = "https://a.example"\n', "gives a site without a wheel"),
        ('site = "https://a.example"\nwheel = "w"\ntag = "v1"\n', "without repository"),
    ],
)
def test_an_address_that_cannot_be_is_refused(small_course, lines, words):
    table = small_course.root / "course" / "course.toml"
    table.write_text(lines + table.read_text())
    with pytest.raises(CourseError, match=words):
        small_course.load()
