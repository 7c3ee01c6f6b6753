"""The set-up cell and the badge come from one template, and install from one address alone."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

import convcourse
from autograder import course
from autograder.root import CourseError
from autograder.text import setup
from autograder.text.authoring import to_notebook, to_text
from autograder.text.setup import SetUp

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
RELEASED = sorted((ROOT / "release").glob("*/*.ipynb")) + sorted(
    (ROOT / "source").glob("*/*.ipynb")
)
ADDRESS = re.compile(r"(?:https?|git\+\w+|ftp)://[^\s)\"'<>]+")
WHEEL = f"convcourse-{convcourse.__version__}-py3-none-any.whl"
PUBLISHED = f"""
repository = "https://github.com/OWNER/NAME"
tag = "v1.0.0"
wheel = "dist/{WHEEL}"
"""


@pytest.fixture
def published(small_course):
    table = small_course.root / "course" / "course.toml"
    table.write_text(PUBLISHED + table.read_text())
    (small_course.root / "dist").mkdir()
    (small_course.root / "dist" / WHEEL).write_bytes(b"a wheel")
    return small_course


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_notebook_installs_from_no_address_but_the_courses_own(path):
    own = SetUp(course.load(ROOT)).wheel
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert set(ADDRESS.findall(cell.source)) <= {own}


def test_without_an_address_there_is_no_badge(small_course):
    one = SetUp(small_course.load())
    assert one.badge("04_counting") == "" and 'WHEEL = ""' in one.cell


def test_with_an_address_badge_and_wheel_are_those_of_the_tag(published):
    one = SetUp(published.load())
    place = "github.com/OWNER/NAME"
    digest = hashlib.sha256(b"a wheel").hexdigest()
    assert one.wheel == f"https://{place}/releases/download/v1.0.0/{WHEEL}#sha256={digest}"
    assert f"{one.wheel}" in one.cell
    assert "/github/OWNER/NAME/blob/v1.0.0/release/04_counting/" in one.badge("04_counting")


@pytest.mark.parametrize("change", ["missing", "another version"])
def test_a_wheel_that_is_not_there_is_said_in_a_sentence(published, change):
    path = published.root / "dist" / WHEEL
    if change == "missing":
        path.unlink()
    else:
        table = published.root / "course" / "course.toml"
        table.write_text(table.read_text().replace(WHEEL, "convcourse-0.0.1-py3-none-any.whl"))
    with pytest.raises(CourseError, match="make wheels"):
        _ = SetUp(published.load()).cell


def test_badge_and_set_up_cell_are_not_part_of_the_text(published):
    text = '# %% [markdown]\n# # Title\n#\n# 30 minutes\n\n# %% setup="a-setup"\n'
    text += "# build writes the set-up cell here.\n"
    one = SetUp(published.load())
    notebook = to_notebook(text, "python3", one.cell, one.badge("04_counting"))
    assert "colab-badge" in notebook.cells[0].source and "NEEDS" in notebook.cells[1].source
    assert to_text(notebook, one.cell) == text
    notebook.cells[1].source += "\nimport seaborn"
    with pytest.raises(CourseError, match="cell 2, the set-up cell"):
        to_text(notebook, one.cell)


WITH_SET_UP = (
    '# %% [markdown]\n# # Title\n\n# %% setup="a-setup"\n# build writes the set-up cell here.\n'
)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_last_cell_of_each_notebook_is_the_one_template(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[-1].source == setup.last_cell(path.stem) and "nbgrader" not in cells[-1].metadata
    assert [setup.is_last(cell.source) for cell in cells] == [False] * (len(cells) - 1) + [True]


def test_the_last_cell_is_no_part_of_the_text():
    notebook = to_notebook(WITH_SET_UP, cell="x = 1", name="04_counting")
    assert 'submit.pack("04_counting")' in notebook.cells[-1].source
    notebook.cells[-1].source += "\n"
    assert to_text(to_notebook(WITH_SET_UP, name="04_counting")) == WITH_SET_UP


def test_a_text_without_a_set_up_cell_gets_no_last_cell():
    assert len(to_notebook("# %%\n1\n", name="04_counting").cells) == 1


# ---------------------------------------------------------------------- as a student meets it


def run(cell: str, folder: Path, *paths: Path) -> subprocess.CompletedProcess:
    """Run the first part of the set-up cell, where the packages are those of ``paths`` alone."""
    code = cell.partition("from convcourse import")[0] + "\nprint(_convcourse_version())"
    code = f"import sys\nsys.path[:0] = {[*map(str, paths)]!r}\n{code}"
    hide = "import sys\nsys.path = [p for p in sys.path if not p.endswith('helpers/src')]\n"
    hide += "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    asked = [sys.executable, "-c", hide + code]
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True)


def package(folder: Path, version: str) -> Path:
    (folder / "convcourse").mkdir(parents=True)
    (folder / "convcourse" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    return folder


@pytest.fixture
def cell(small_course) -> str:
    return SetUp(small_course.load()).cell


def test_a_recent_convcourse_is_taken_as_it_is(cell, tmp_path):
    done = run(cell, tmp_path, package(tmp_path / "new", "99.0"))
    assert done.stdout.strip() == "99.0", done.stderr


def test_an_old_convcourse_is_named_with_the_command_that_helps(cell, tmp_path):
    done = run(cell, tmp_path, package(tmp_path / "old", "0.9"))
    assert f"needs convcourse {convcourse.__version__}, and version 0.9 is installed" in done.stderr
    assert f"pip install --upgrade {WHEEL}" in done.stderr


@pytest.mark.parametrize(
    "name", ["convcourse.py", "convcourse/notes.txt", "helpers/x", "helpers.py"]
)
def test_files_beside_the_notebook_are_not_taken_for_the_package(cell, tmp_path, name):
    path = tmp_path / "beside" / name
    path.parent.mkdir(parents=True)
    path.write_text("x = 1")
    done = run(cell, tmp_path / "beside")
    assert "it is not installed. Ask your instructor for" in done.stderr


@pytest.mark.parametrize(
    ("address", "version", "taken"),
    [
        ("https://a.example/w.whl", "99.0", "convcourse-99.0-py3-none-any.whl"),
        ("https://a.example/w.whl", "0.1", "https://a.example/w.whl"),
        ("https://a.example/w.whl", "", "https://a.example/w.whl"),
        ("", "0.1", "convcourse-0.1-py3-none-any.whl"),
    ],
)
def test_a_recent_wheel_beside_the_notebook_spares_the_network(
    cell, tmp_path, address, version, taken
):
    if version:
        (tmp_path / f"convcourse-{version}-py3-none-any.whl").write_bytes(b"")
    at = cell.index("NEEDS =")
    fake = "subprocess.run = lambda asked: sys.exit('took ' + asked[-1])\n"
    shown = cell[:at] + fake + cell[at:].replace('WHEEL = ""', f'WHEEL = "{address}"')
    assert f"took {taken}" in run(shown, tmp_path).stderr


def test_a_wheel_beside_the_notebook_is_installed(cell, tmp_path):
    """pip is replaced by what it would do, so that nothing of this environment changes."""
    beside = tmp_path / "beside"
    beside.mkdir()
    for version in ("1.9.0", "1.10.0"):
        with zipfile.ZipFile(beside / f"convcourse-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("convcourse/__init__.py", f'__version__ = "{version}"\n')
    site = tmp_path / "site"
    site.mkdir()
    fake = (
        "import zipfile\nsubprocess.run = lambda a: zipfile.ZipFile(a[-1]).extractall("
        + repr(str(site))
        + ")\n"
    )
    at = cell.index("NEEDS =")
    done = run(cell[:at] + fake + cell[at:], beside, site)
    assert done.stdout.strip() == "1.10.0", done.stderr
