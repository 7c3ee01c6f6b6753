"""What a notebook loads is read out of its code."""

import ast

import pytest

from autograder.course import load
from autograder.text import needs

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("images = data.load()", ("cifar10",)),
        ("images = data.load('mnist', test=10).scaled()", ("mnist",)),
        ("images = convcourse.data.load(\n    train=5, name='cifar100')", ("cifar100",)),
        ("x, y = submission.heldout()", ("cifar10",)),
        ("x, y = submission.heldout(500, 'cifar100')", ("cifar100",)),
        ("x, y = submission.heldout(dataset='cifar100')", ("cifar100",)),
        ("base = pretrained.load()\ndata.load()", ("cifar10", "vgg16")),
        ("folder = data.batch_folder()", ("cifar10",)),
        ("%matplotlib inline\n# data.load('mnist')\nprint(\"data.load('mnist')\")", ()),
        ("data.load('mnist') = = 3", ()),
        ("data.loaded()\njson.load(file)", ()),
    ],
)
def test_the_data_and_the_weights_that_code_loads(code, found):
    assert needs.of([code]) == found


@pytest.mark.parametrize("given", ["name", "f'{name}'", "*names", "**settings", "name=name"])
def test_a_name_that_is_not_written_there_is_missed_and_said_to_be(given):
    assert needs.unnamed(ast.parse(f"data.load({given})"))
    assert needs.unnamed(ast.parse("submission.heldout(10, dataset=name)"))


def test_what_the_courses_assignments_need_beyond_cifar10():
    course = load()
    found = {n: needs.of([course.text_path(n).read_text()]) for n in course.names}
    assert found["10_inspection"] == ("cifar10", "cifar100", "mnist")
    assert found["12_transfer_learning"] == ("cifar10", "vgg16")
    assert found["00_gpu_setup"] == ()
