"""nbgrader, driven by this course's settings, does what they are there for."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import tiny
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.preprocessors import Execute
from traitlets.config import Config, PyFileConfigLoader

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config() -> Config:
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


def test_without_the_autograder_nbgrader_works_as_it_comes(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "autograder" else find(n)
    )
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    assert config.Execute.timeout == 600 and "kernel_name" not in config.Execute
    assert "GenerateFeedback" not in config and "ExchangeFactory" not in config


def test_a_cell_tagged_to_be_skipped_is_run_all_the_same(config, tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    executed, _ = Execute(config=config).preprocess(notebook, {"metadata": {"path": tmp_path}})
    assert executed.cells[0].outputs[0].ename == "ZeroDivisionError"


def test_the_tag_that_skips_a_cell_differs_from_run_to_run(config):
    again = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    assert config.Execute.skip_cells_with_tag != again.Execute.skip_cells_with_tag


def test_a_cell_may_train_for_longer_than_nbgraders_half_minute(config):
    assert Execute(config=config).timeout == 600


def test_the_build_and_nbgrader_leave_the_same_stub_where_a_solution_was(config):
    from autograder.text import cells

    assert config.ClearSolutions.code_stub["python"].split("\n")[-1] == cells.STUB


def test_a_solution_made_for_students_runs_and_holds_no_hidden_test(tmp_path):
    root = tiny.make(tmp_path, students=0)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for verb in ("generate_assignment", "generate_solution"):
        command = [sys.executable, "-m", "nbgrader", verb, tiny.NAME]
        subprocess.run(command, cwd=root, check=True, timeout=300)
    made = nbformat.read(root / "solution" / tiny.NAME / f"{tiny.NAME}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in made.cells)
    assert "return 2 * n" in text and "submission" not in text and "HIDDEN" not in text
    assert all(cell.execution_count for cell in made.cells)


def test_feedback_is_made_by_nbgrader_and_by_what_removes_hidden_tests(config):
    from nbconvert.exporters import HTMLExporter

    names = config.GenerateFeedback.get("preprocessors", [])
    if not names:
        pytest.skip("autograder.nbgrader.feedback is not installed")
    exporter = HTMLExporter()
    for name in names:
        exporter.register_preprocessor(name, enabled=True)
    made = [type(one).__name__ for one in exporter._preprocessors]
    assert made[-3:] == ["ReadGrades", "RemoveHidden", "CSSHTMLHeaderPreprocessor"]


@pytest.mark.parametrize(
    ("handed_in", "student"),
    [
        ("/x/extracted/ada_03_net_1.ipynb", "ada"),
        ("/x/extracted/s-4711_03_net_1.ipynb", "s-4711"),
        ("/x/Ada Lovelace_4711_assignsubmission_file_/03_net_1.ipynb", "4711"),
        ("/x/Ada Lovelace_4711_assignsubmission_file/03_net_1.ipynb", "4711"),
    ],
)
def test_the_names_in_an_archive_tell_student_and_assignment(config, handed_in, student):
    found = FileNameCollectorPlugin(config=config).collect(handed_in)
    assert found == {"student_id": student, "file_id": "03_net_1"}


@pytest.mark.parametrize(
    "handed_in",
    [
        "all/Mallory_66_assignsubmission_file/bob_03_net_1.ipynb",
        "all/Mallory_66_assignsubmission_file/bob_assignsubmission_file/03_net_1.ipynb",
        "all/Mallory_66_assignsubmission_file_/in/bob_03_net_1.ipynb",
        "all/.._03_net_1.ipynb",
        "all/._03_net_1.ipynb",
    ],
)
def test_a_name_that_a_student_gave_hands_in_for_nobody_else(config, handed_in):
    assert FileNameCollectorPlugin(config=config).collect(handed_in) is None


def test_feedback_is_released_though_some_handed_in_by_archive(config, tmp_path, caplog):
    config.CourseDirectory.root = str(tmp_path / "course")
    config.CourseDirectory.assignment_id = "03_net_1"
    config.Exchange.root = str(tmp_path / "exchange")
    (tmp_path / "exchange").mkdir(mode=0o777)
    for student, secret in (("ada", "a secret"), ("bob", "")):
        folder = tmp_path / "course" / "feedback" / student / "03_net_1"
        folder.mkdir(parents=True)
        (folder / "03_net_1.html").write_text(f"<p>{student}</p>")
        if secret:
            (folder / "submission_secret.txt").write_text(secret)
            (folder / "timestamp.txt").write_text("2030-01-01 00:00:00 UTC")
    factory = ExchangeFactory(config=config)
    coursedir = CourseDirectory(config=config)
    factory.release_feedback(
        coursedir=coursedir, authenticator=Authenticator(config=config), config=config
    ).start()
    pages = list((tmp_path / "exchange").rglob("*.html"))
    assert [page.read_text() for page in pages] == ["<p>ada</p>"]
    assert "bob did not submit through the exchange" in caplog.text
