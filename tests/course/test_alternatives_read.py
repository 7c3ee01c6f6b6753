"""A notebook that has run: on each page that is made of it, every figure has its own text."""

import os
from pathlib import Path

import nbformat
import pytest
from browser import needs_browser, started, violations
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import PyFileConfigLoader

from autograder.nbgrader.feedback import FeedbackPage, RemoveHidden
from autograder.warm import server
from autograder.warm.provisioner import NAME, announce

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "source" / "04_parameter_counting" / "04_parameter_counting.ipynb"
# A student's own figure, drawn without any function of the course.
OWN = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 4], [3, 1, 2], label="mine")
plt.xlabel("epoch"); plt.ylabel("loss")
plt.show()
"""
FACTS = {"notebook": "n", "score": 1.0, "max_score": 9.0, "late_penalty": 0.0}


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The executed notebook as nbconvert exports it, and as a feedback page."""
    folder = tmp_path_factory.mktemp("executed")
    nb = nbformat.read(NOTEBOOK, as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell(OWN))
    announce()
    env = os.environ | {
        "COURSE_PROFILE": "offline",
        "COURSE_ROOT": str(ROOT),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    resources = {"metadata": {"path": str(folder)}}
    with server.shared():
        NotebookClient(nb, kernel_name=NAME, timeout=300, resources=resources).execute(env=env)
    for cell in nb.cells:
        if cell.metadata.get("nbgrader"):
            cell.metadata.nbgrader |= {"score": 1.0, "points": 2.0}
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    feedback = FeedbackPage(config=config)
    feedback.register_preprocessor(RemoveHidden, enabled=True)
    made = {
        "classic": HTMLExporter(template_name="classic").from_notebook_node(nb)[0],
        "lab": HTMLExporter(template_name="lab").from_notebook_node(nb)[0],
        "feedback": feedback.from_notebook_node(nb, {"nbgrader": FACTS})[0],
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("name", ["classic", "lab", "feedback"])
def test_every_figure_has_its_own_text(pages, name):
    images = BeautifulSoup(pages[name].read_text(encoding="utf-8"), "html.parser").find_all("img")
    figures = [one["alt"] for one in images if one["src"].startswith("data:image/png")]
    assert len(figures) == len(set(figures)) == 4
    assert any("receptive field in pixels by layer" in text for text in figures)
    assert "Mine starts at 3, is lowest at 1 (epoch 2), and ends at 2." in figures[-1]


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("name", ["classic", "lab", "feedback"])
def test_axe_finds_no_image_without_a_text(pages, name):
    with started() as browser, browser.opened(pages[name]) as shown:
        assert shown.locator("img").count() >= 4
        found = violations(shown)
    assert [one for one in found if one.startswith(("image-alt", "image-redundant"))] == []
    assert name != "feedback" or found == []
