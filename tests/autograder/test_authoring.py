"""A course text and its notebook hold the same, both ways."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.root import CourseError
from autograder.text import authoring
from autograder.text.authoring import notebook_json, to_notebook, to_text

pytestmark = pytest.mark.unit

ALL_KINDS = '''\
# %% [markdown]
# # Title
#
# ```python
# model.fit(x)
# ```

# %% [markdown] locked="intro"
r"""
A formula $\\alpha$ that is easier to read without hashes.
"""

# %% tags=["hide-input"]
# %matplotlib inline
import numpy as np


# %% solution="build"
def build():
    ### BEGIN SOLUTION
    return 1
    ### END SOLUTION


# %% tests="build-check" points=2.5
assert build()
### BEGIN HIDDEN TESTS
from autograder import submission
### END HIDDEN TESTS

# %% [markdown] answer="why" points=2
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
'''


def grading(text: str, number: int) -> dict:
    return dict(to_notebook(text).cells[number].metadata["nbgrader"])


def test_each_header_word_becomes_the_metadata_of_nbgrader():
    common = {"schema_version": 3, "task": False}
    assert grading('# %% solution="a"\n1\n', 0) == {
        "grade_id": "a", "grade": False, "solution": True, "locked": False, **common
    }  # fmt: skip
    assert grading('# %% tests="a" points=3\n1\n', 0) == {
        "grade_id": "a", "grade": True, "solution": False, "locked": True, "points": 3, **common
    }  # fmt: skip
    assert grading('# %% [markdown] answer="a" points=2\n# b\n', 0) == {
        "grade_id": "a", "grade": True, "solution": True, "locked": False, "points": 2, **common
    }  # fmt: skip
    assert grading('# %% [markdown] locked="a"\n# b\n', 0) == {
        "grade_id": "a", "grade": False, "solution": False, "locked": True, **common
    }  # fmt: skip


def test_nbgrader_accepts_the_metadata():
    from nbgrader.nbgraderformat import MetadataValidator

    MetadataValidator().validate_nb(to_notebook(ALL_KINDS))


def test_text_to_notebook_to_text_is_exact():
    assert to_text(to_notebook(ALL_KINDS)) == ALL_KINDS


def test_notebook_to_text_to_notebook_is_exact():
    notebook = to_notebook(ALL_KINDS)
    assert notebook_json(to_notebook(to_text(notebook))) == notebook_json(notebook)


def test_building_twice_gives_the_same_bytes():
    assert notebook_json(to_notebook(ALL_KINDS)) == notebook_json(to_notebook(ALL_KINDS))


def test_cell_ids_are_unique_even_for_equal_cells():
    ids = [cell.id for cell in to_notebook("# %%\n1\n\n# %%\n1\n\n# %%\n2\n").cells]
    assert len(set(ids)) == 3


def test_editing_one_cell_keeps_the_ids_of_the_others():
    before = [cell.id for cell in to_notebook(ALL_KINDS).cells]
    after = [cell.id for cell in to_notebook(ALL_KINDS.replace("# # Title", "# # Other")).cells]
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_an_edited_answer_keeps_its_id():
    after = to_notebook(ALL_KINDS.replace("return 1", "return 2"))
    assert [cell.id for cell in after.cells] == [cell.id for cell in to_notebook(ALL_KINDS).cells]


def test_magic_commands_are_comments_in_the_text_and_commands_in_the_notebook():
    assert to_notebook(ALL_KINDS).cells[2].source.startswith("%matplotlib inline")


def test_outputs_and_the_traces_of_jupyterlab_are_no_content():
    notebook = to_notebook(ALL_KINDS)
    cell = notebook.cells[3]
    cell.outputs = [new_output("stream", text="hello")]
    cell.execution_count = 7
    cell.metadata.update(collapsed=True, editable=True, slideshow={"slide_type": ""}, tags=[])
    assert to_text(notebook) == ALL_KINDS


def test_a_check_whose_lock_create_assignment_left_open_is_still_a_check():
    notebook = to_notebook(ALL_KINDS)
    notebook.cells[4].metadata.nbgrader.locked = False
    assert to_text(notebook) == ALL_KINDS


def test_a_cell_that_create_assignment_reset_is_plain():
    notebook = to_notebook('# %% [markdown] locked="a"\n# b\n')
    notebook.cells[0].metadata.nbgrader.locked = False
    assert to_text(notebook) == "# %% [markdown]\n# b\n"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (new_markdown_cell("a", attachments={"a.png": {"image/png": ""}}), "attached picture"),
        (new_code_cell("a", metadata={"slideshow": {"slide_type": "slide"}}), '"slideshow"'),
        (new_code_cell("a", metadata={"deletable": False}), '"deletable"'),
        (
            new_markdown_cell("a", metadata={"nbgrader": {"task": True, "grade_id": "b"}}),
            "nbgrader's tasks",
        ),
        (new_code_cell("a = 1\n# %%\nb = 2"), "reads as a cell header"),
    ],
)
def test_what_text_cannot_hold_is_refused_with_its_cell(cell, words):
    with pytest.raises(CourseError, match=r"cell 2 ") as caught:
        to_text(new_notebook(cells=[new_code_cell("0"), cell]))
    assert words in str(caught.value)


def test_adopt_brings_an_edit_in_the_notebook_back_into_the_text(small_course):
    name = "04_counting"
    notebook = to_notebook(small_course.text)
    notebook.cells[0].source += "\nAnd it is easy."
    source = small_course.load().source_path(name)
    source.parent.mkdir(parents=True)
    nbformat.write(notebook, source)
    before = small_course.text
    assert authoring.adopt(small_course.load(), name)
    line = "# This takes 30 minutes.\n"
    assert small_course.text == before.replace(line, line + "# And it is easy.\n")
    assert not authoring.adopt(small_course.load(), name)


def test_adopt_leaves_the_text_when_the_notebook_is_refused(small_course):
    notebook = to_notebook(small_course.text)
    notebook.cells[1].metadata["slideshow"] = {"slide_type": "slide"}
    source = small_course.load().source_path("04_counting")
    source.parent.mkdir(parents=True)
    nbformat.write(notebook, source)
    before = small_course.text
    with pytest.raises(CourseError, match=r"source/04_counting/04_counting.ipynb: cell 2"):
        authoring.adopt(small_course.load(), "04_counting")
    assert small_course.text == before


@pytest.mark.parametrize("content", [None, "{", "{}", '{"cells": 3}'])
def test_adopt_says_in_a_sentence_that_there_is_no_notebook(small_course, content):
    source = small_course.load().source_path("04_counting")
    source.parent.mkdir(parents=True)
    if content is not None:
        source.write_text(content)
    with pytest.raises(CourseError, match=r"to adopt|is not a notebook"):
        authoring.adopt(small_course.load(), "04_counting")


@pytest.mark.parametrize("number", [0, 2, 3])
@pytest.mark.parametrize("ending", ["\n", "\n\n"])
def test_a_cell_that_ends_in_a_line_break_is_adopted(small_course, number, ending):
    notebook = to_notebook(small_course.text)
    notebook.cells[number].source += ending
    source = small_course.load().source_path("04_counting")
    source.parent.mkdir(parents=True)
    nbformat.write(notebook, source)
    assert authoring.adopt(small_course.load(), "04_counting") is False
