"""nbgrader, driven by this course's settings, does what they are there for."""

from pathlib import Path

import nbformat
import pytest
from nbgrader.preprocessors import Execute
from traitlets.config import Config, PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config() -> Config:
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


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
    from autograder import rules

    assert config.ClearSolutions.code_stub["python"].split("\n")[-1] == rules.STUB


def test_feedback_is_made_by_nbgrader_and_by_what_removes_hidden_tests(config):
    from nbconvert.exporters import HTMLExporter

    names = config.GenerateFeedback.get("preprocessors", [])
    if not names:
        pytest.skip("autograder.feedback is not installed")
    exporter = HTMLExporter()
    for name in names:
        exporter.register_preprocessor(name, enabled=True)
    made = [type(one).__name__ for one in exporter._preprocessors]
    assert made[-3:] == ["GetGrades", "RemoveHidden", "CSSHTMLHeaderPreprocessor"]
