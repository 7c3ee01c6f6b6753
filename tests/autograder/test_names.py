"""A folder's name that cannot be a student's id costs that folder alone."""

import os
import re
import shutil

import pytest
import tiny

from autograder.intake import names
from autograder.run import grade

UNUSABLE = {
    "a\nb": "line break",
    " ada": "space",
    "ada ": "space",
    os.fsdecode(b"\xff\xfe"): "cannot be shown",
    "\u202eada": "cannot be shown",
    "a" * 252: "longer than 200 bytes",
    "é" * 120: "longer than 200 bytes",
    "[abc]": r"contains \[ and \]",
    "a\\b": "contains",
    "a*": r"contains \*",
    ".hidden": "dot",
}


@pytest.mark.unit
@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_a_name_that_no_path_or_page_can_hold_is_told(name):

    sentence = names.unusable(name)
    assert re.search(UNUSABLE[name], sentence) and sentence.endswith("rename it, and grade again.")
    shown = names.shown(name)
    assert shown.isprintable() and len(shown) <= names.MOST and shown.encode()


@pytest.mark.unit
@pytest.mark.parametrize(
    "name", ["ada", "s123456", "Ada Lovelace", "jürgen", "o'neil", "a.b-c_d@e"]
)
def test_names_of_people_can_be_ids(name):
    assert names.unusable(name) == "" and names.shown(name) == name


@pytest.mark.kernel
def test_the_others_are_graded_and_each_such_folder_gets_its_sentence(tmp_path):
    root = tiny.make(tmp_path, students=2)
    right = root / "submitted" / "student00"
    for name in UNUSABLE:
        shutil.copytree(right, root / "submitted" / name)
    events = []
    states = grade.grade(root, tiny.NAME, jobs=1, watch=events.append)
    assert states["student00"] == states["student01"] == "done"
    refused = [event for event in events if event.state == "failed"]
    assert len(refused) == len(UNUSABLE) and all("rename it" in one.message for one in refused)
    assert sorted(p.name for p in (root / "autograded").iterdir()) == ["student00", "student01"]
