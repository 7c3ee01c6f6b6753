"""What is collected is graded as it is: archive in, marks out."""

import pytest
import tiny
from platforms import collect, facts, zipped
from typer.testing import CliRunner

from autograder import cli
from autograder.run import grade

pytestmark = pytest.mark.kernel


def test_a_moodle_archive_is_collected_and_graded(tmp_path, monkeypatch):
    root = tiny.make(tmp_path / "course", students=0)
    (root / "students.csv").write_text("id,name\nana,Ana García\nbo,Bo\n", encoding="utf-8")
    names = {
        "CS-1/Ana García_4821_assignsubmission_file_/Copy of tiny.ipynb": tiny.ANSWERS[0],
        "CS-1/Bo_4822_assignsubmission_file_/tiny.ipynb": tiny.ANSWERS[1],
    }
    files = {name: tiny.notebook(answer).encode() for name, answer in names.items()}
    monkeypatch.setenv("COURSE_ROOT", str(root))
    given = zipped(tmp_path / "CS-1-tiny-99.zip", files)
    done = CliRunner().invoke(cli.app, ["collect", tiny.NAME, str(given)])
    assert done.exit_code == 0, done.output
    assert grade.grade(root, tiny.NAME, jobs=1) == {"ana": "done", "bo": "done"}
    assert tiny.results(root)["scores"] == {"ana": 2, "bo": 0}
    assert facts(root, "ana", tiny.NAME)["matched_by"] == "name"
    assert [one.what for one in collect(root, given, name=tiny.NAME).results] == ["unchanged"] * 2
