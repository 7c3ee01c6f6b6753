"""In a grading kernel, no line that was written for Colab or JupyterLab ends a cell."""

from pathlib import Path

import nbformat
import pytest
from walls_needed import walls_needed

from autograder.kernel import notebook
from autograder.warm.provisioner import NAME
from autograder.warm.reach import LIMITS

pytestmark = [pytest.mark.kernel, walls_needed]

# What a student may write above an answer, and words that the cell must show.
LINES = {
    "import pandas as pd\nprint(pd.DataFrame({'a': [3]}).a.sum())": "3",
    "import seaborn as sns\nsns.set_theme()": "",
    "from tqdm import tqdm": "",
    "from tqdm.notebook import tqdm\nprint(sum(tqdm(range(4))))": "6",
    "import cv2, numpy as np\nprint(cv2.resize(np.zeros((4, 4)), (2, 2)).shape)": "(2, 2)",
    "from PIL import Image": "",
    "from scipy import ndimage": "",
    "from skimage.transform import resize": "",
    "from keras.callbacks import TensorBoard\nTensorBoard('logs')": "",
    "%load_ext tensorboard\n%tensorboard --logdir logs": "%tensorboard does not work",
    "%matplotlib inline": "",
    "%matplotlib widget": "",
    "%matplotlib notebook": "",
    "%config InlineBackend.figure_format = 'retina'": "",
    "%config Nothing.known = 3": "",
    "%load_ext autoreload\n%autoreload 2": "",
    "%load_ext nb_black": "%load_ext does not work while a notebook is graded",
    "%tensorflow_version 2.x": "%tensorflow_version does not work while a notebook is graded.",
    "%cd /content/drive/MyDrive": "the grader stays in the notebook's folder",
    "%pip install -q lightgbm": "%pip does not work while a notebook is graded: the grader has no",
    "%env THREADS=3": "",
    "%unknown_magic 3": "%unknown_magic does not work",
    "%%time": "",
    "%%capture": "",
    "%%wandb": "%wandb does not work",
    "!pip install lightgbm": "!pip does not work while a notebook is graded: the grader has no",
    "!python -m pip install lightgbm": "!pip does not work",
    "!apt-get -qq install graphviz && echo done": "!apt-get does not work",
    "!wget -q https://example.org/data.zip": "!wget does not work",
    "!nvidia-smi": "nvidia-smi",
    "!mkdir -p kept && ls": "kept",
    "!false": "",
    "!sleep 300 &": "",
    "n = 3\n!echo {n} $n": "3 3",
    "found = !echo one && echo two\nprint(list(found))": "['one', 'two']",
    "from google.colab import drive\ndrive.mount('/content/drive')": "drive.mount does nothing",
    "from google.colab import files\nprint(files.upload())": "{}",
    "from google.colab.patches import cv2_imshow\ncv2_imshow(3)": "cv2_imshow does nothing",
    "import lightgbm_ as lgb": "",
    "from lightgbm_ import Classifier": "",
    "try:\n    import google.colab\n    there = True\nexcept ImportError:\n    there = False\n"
    "print('in Colab:', there)": "in Colab: False",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> notebook.Run:
    """One notebook: below each line the answer, which the next cell calls."""
    cells = []
    for number, line in enumerate(LINES):
        answer = f"{line}\ndef answer_{number}():\n    return 'the answer {number} counts'"
        cells += [answer, f"print(answer_{number}())"]
    cells += ["%%shell\necho $((40 + 2))", "1 / 0", "%time 1 / 0", "print('to the end')"]
    cells += ["from lightgbm_ import *\nafter = 3", "import nosuch_\nnosuch_.fit()"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    folder: Path = tmp_path_factory.mktemp("work")
    run = notebook.Run(nb, folder, None, NAME, 60, LIMITS)
    run.all_cells()
    assert not run.cells.dead, run.cells.dead
    return run


def shown(run: notebook.Run, index: int) -> str:
    outputs = run.nb.cells[index].outputs
    return "".join(str(o.get("text") or o.get("evalue") or "") for o in outputs)


@pytest.mark.parametrize("line", LINES)
def test_an_answer_below_such_a_line_counts(graded, line):
    number = list(LINES).index(line)
    assert LINES[line] in shown(graded, 2 * number)
    assert shown(graded, 2 * number + 1) == f"the answer {number} counts\n"


def test_a_cell_for_the_shell_runs_there(graded):
    assert shown(graded, 2 * len(LINES)) == "42\n"


def test_an_error_of_the_students_own_code_still_ends_its_cell(graded):
    at = 2 * len(LINES)
    assert "division by zero" in shown(graded, at + 1)
    assert "division by zero" in shown(graded, at + 2)
    assert shown(graded, at + 3) == "to the end\n"
    assert "No module named 'lightgbm_'" in shown(graded, at + 4)


def test_a_use_of_a_missing_package_names_it(graded):
    words = shown(graded, 2 * len(LINES) + 5)
    assert words == "This notebook imports nosuch_, which the grader does not have."


PAST_PYTHON = {
    "os.system('echo past')": "past\n",
    "os.write(1, b'past\\n')": "past\n",
    "os.write(2, b'past\\n')": "past\n",
    "c.puts(b'past'); c.fflush(None)": "past\n",
    "os.write(1, b'past' * 5_000)": "past" * 5_000,
}


def test_a_cell_that_replaces_what_outputs_need_costs_the_later_ones_nothing(tmp_path):
    cells = ["import os", "os.write = None", "print('one')", "os.fstat = None"]
    cells += ["print('two')", "os.close(2)", "6 * 7"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    run = notebook.Run(nb, tmp_path, None, NAME, 20, LIMITS)
    run.all_cells()
    assert [shown(run, index) for index in (2, 4)] == ["one\n", "two\n"]
    assert run.nb.cells[-1].outputs[0].data["text/plain"] == "42" and not run.cells.stopped


def test_what_comes_past_python_is_shown_by_its_own_cell(tmp_path):
    lines = [*PAST_PYTHON] * 20
    cells = ["import ctypes, os\nc = ctypes.PyDLL(None)\nout = os.dup(1)"]
    cells += [f"{line};" for line in lines]
    # A file in the place of the pipe gets what the notebook writes and nothing else.
    cells += ["file = os.open('log', os.O_RDWR | os.O_CREAT)\n_ = os.dup2(file, 1)"]
    cells += ["_ = os.write(1, b'here')", "_ = os.dup2(out, 1)\nprint(open('log').read())"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    run = notebook.Run(nb, tmp_path, None, NAME, 60, LIMITS)
    run.all_cells()
    assert [shown(run, 1 + index) for index in range(len(lines))] == [*PAST_PYTHON.values()] * 20
    assert shown(run, len(cells) - 1) == "here\n"
