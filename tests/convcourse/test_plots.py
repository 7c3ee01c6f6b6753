"""Figures draw on the axes they are given, label them, and differ by more than colour."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from convcourse import plots

pytestmark = pytest.mark.unit

HISTORY = {"accuracy": [0.1, 0.5], "val_accuracy": [0.1, 0.4], "loss": [2, 1], "val_loss": [2, 1]}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_a_history_labels_its_axes_and_two_distinct_lines():
    ax = plots.history(HISTORY)
    assert ax.get_xlabel() == "epoch" and "accuracy" in ax.get_ylabel()
    first, second = ax.lines
    assert first.get_linestyle() != second.get_linestyle()
    assert list(first.get_xdata()) == [1, 2]


def test_a_given_axes_is_drawn_on_and_returned():
    mine = plt.subplots()[1]
    assert plots.class_balance([0, 1, 1], ["a", "b"], ax=mine) is mine


def test_a_contact_sheet_holds_every_image_and_label():
    images = np.zeros((12, 32, 32, 3), np.uint8)
    ax = plots.contact_sheet(images, np.zeros(12, int), ["disc"])
    assert len(ax.texts) == 12 and max(ax.figure.get_size_inches()) <= 8


def test_comparisons_predictions_and_confusions_draw():
    assert len(plots.compare_histories({"a": HISTORY, "b": HISTORY}).lines) == 2
    image = np.zeros((32, 32, 3), np.uint8)
    assert len(plots.prediction(image, [0.2, 0.8], ["a", "b"]).patches) >= 2
    assert plots.confusion(np.eye(2), ["a", "b"]).get_ylabel() == "true class"
