"""A failed import binds a stand-in, and the cell goes on."""

import ast
import sys
from pathlib import Path

import pytest

from autograder.course import load
from autograder.text import needs
from autograder.warm.imports import Absent, Colab, StandIns, unguarded

pytestmark = pytest.mark.unit


def run(code: str) -> dict:
    tree = ast.fix_missing_locations(StandIns().visit(ast.parse(code)))
    names: dict = {"__name__": "__main__", "__package__": ""}
    exec(compile(tree, "cell", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import lightgbm_", "lightgbm_"),
        ("import lightgbm_ as lgb", "lgb"),
        ("import lightgbm_.sklearn", "lightgbm_"),
        ("import lightgbm_.sklearn as s, json", "s"),
        ("from lightgbm_ import Classifier", "Classifier"),
        ("from lightgbm_.deep import (a, Classifier as c)", "c"),
        ("if True:\n    from lightgbm_ import c", "c"),
        ("try:\n    from lightgbm_ import c\nexcept ValueError:\n    c = 3", "c"),
        ("try:\n    import lightgbm_\nexcept ImportError:\n    import xgboost_ as c", "c"),
    ],
)
def test_a_missing_package_becomes_something_that_raises_when_it_is_used(code, name):
    found = run(f"{code}\nafter = 3")
    assert found["after"] == 3 and isinstance(found[name], Absent)
    for use in (lambda it: it.fit, lambda it: it(3), lambda it: it[0], lambda it: iter(it)):
        with pytest.raises(ModuleNotFoundError, match="_, which the grader does not have"):
            use(found[name])


def test_a_class_built_on_a_missing_package_names_it():
    with pytest.raises(ModuleNotFoundError, match="This notebook imports lightgbm_"):
        run("from lightgbm_ import Module\nclass Net(Module):\n    pass")


def test_a_question_about_the_stand_in_is_no_use_of_it():
    found = run("import lightgbm_")["lightgbm_"]
    assert not hasattr(found, "_repr_html_") and "lightgbm_" in repr(found)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("from math import cosinus", "cannot import name"),
        ("import json.nothing", "json.nothing"),
        ("from lightgbm_ import *", "lightgbm_"),
        ("from . import mine", "relative import"),
    ],
)
def test_an_import_that_is_the_students_own_mistake_still_fails(code, error):
    with pytest.raises(ImportError, match=error):
        run(code)


@pytest.mark.parametrize("caught", ["", " ImportError", " (ValueError, ModuleNotFoundError)"])
def test_a_notebook_that_guards_an_import_decides_itself(caught):
    code = f"try:\n    import google.colab\n    colab = True\nexcept{caught}:\n    colab = False"
    assert run(code)["colab"] is False
    suppressed = "import contextlib\nx = 1\nwith contextlib.suppress(ImportError):\n"
    assert run(f"{suppressed}    import lightgbm_ as x")["x"] == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("from google.colab import drive\ndrive.mount('/content/drive')", "drive.mount"),
        ("import google.colab\ngoogle.colab.auth.authenticate_user()", "auth.authenticate_user"),
        ("from google import colab\ncolab.output.clear()", "output.clear"),
        ("from google.colab.patches import cv2_imshow\ncv2_imshow(3)", "patches.cv2_imshow"),
        ("import google.colab.files as f\nassert f.upload() == {}", "files.upload"),
        ("from google.colab import userdata\nassert userdata.get('key') == ''", "userdata.get"),
    ],
)
def test_colabs_functions_do_nothing_and_say_so(code, says, capsys):
    pytest.importorskip("google.protobuf")  # so that the package google exists, as with TensorFlow
    run(code)
    said = capsys.readouterr().out
    assert said == f"google.colab.{says} does nothing while a notebook is graded.\n"
    assert isinstance(run("from google.colab import files")["files"], Colab)


def test_an_import_that_works_binds_what_it_always_binds():
    found = run("import os.path as p, json, xml.dom\nfrom math import pi as half, sqrt\nhalf /= 2")
    assert found["p"] is sys.modules["os.path"] and found["json"].loads("3") == 3
    assert found["xml"].dom and found["half"] < 2 and found["sqrt"](4) == 2
    assert set(found) - {"__builtins__", "__name__", "__package__"} == {
        "p",
        "json",
        "xml",
        "half",
        "sqrt",
    }


def test_only_imports_that_end_a_cell_are_listed():
    code = "import a\ntry:\n    import b\nexcept ImportError:\n    import c\n"
    code += "def f():\n    from d import e"
    assert [ast.unparse(one) for one in unguarded(ast.parse(code))] == [
        "import a",
        "import c",
        "from d import e",
    ]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["import lightgbm_, json"], ("lightgbm_",)),
        (["%matplotlib inline\nfrom lightgbm_.a import b", "import a_zz"], ("a_zz", "lightgbm_")),
        (["from google.colab import drive", "import google.colab.files"], ()),
        (["import mine", "from . import other", "import numpy.random"], ()),
        (["%%writefile own.py\nx = 3", "import own"], ()),
        (["!pip install a\nfiles = !ls\n  \nimport a_", "%%time\nimport b_\n'\\d'"], ("a_", "b_")),
        (["if 1:\n    %cd /content\n    import a_"], ("a_",)),
        (["import a\0_", "import a_\n" + "-" * 50_000 + "1", "import " + "a" * 200_000], ()),
        (["import lightgbm_ = 3", "try:\n    import b_\nexcept Exception:\n    pass"], ()),
    ],
)
def test_the_packages_that_code_needs_and_that_are_missing(cells, found):
    assert needs.lacking(cells, {"mine"}) == found


def test_the_courses_own_notebooks_lack_nothing():
    course = load()
    for name in course.names:
        assert needs.lacking([course.text_path(name).read_text(encoding="utf-8")]) == ()


def test_every_package_that_the_set_up_cell_names_is_in_the_extra():
    import tomllib

    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "autograder/pyproject.toml").read_text())["project"]
    extra = {line.partition(">=")[0] for line in project["optional-dependencies"]["notebooks"]}
    titles = {"opencv-python-headless": "OpenCV", "tensorboard": "TensorBoard"}
    titles |= {"scipy": "SciPy", "pillow": "Pillow"}
    template = root / "autograder/src/autograder/text/templates/setup_cell.py"
    for text in (template.read_text(), (root / "README.md").read_text()):
        missing = [name for name in extra if titles.get(name, name) not in text]
        assert missing == []
