"""A figure's text says what the figure shows; it goes with the figure and never in its way."""

import base64
import html
import re
from types import SimpleNamespace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure, retina_figure

from convcourse import alternatives, plots
from convcourse.alternatives import describe

pytestmark = pytest.mark.unit

NAMES = ["disc", "ring", "star"]
HISTORY = {
    "accuracy": [0.1, 0.5, 0.8],
    "val_accuracy": [0.1, 0.45, 0.4],
    "loss": [2.3, 1.5, 0.7],
    "val_loss": [2.2, 1.4, 1.6],
}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def said(drawn) -> str:
    """The text of the figure that something was drawn on."""
    text = describe(drawn.figure)
    assert len(text) <= alternatives.MOST and "\n" not in text and text.endswith((".", "…"))
    return text


def test_a_history_says_where_each_line_begins_is_best_and_ends():
    text = said(plots.history(HISTORY))
    assert text.startswith("Line chart of accuracy by epoch, 1 to 3.")
    assert "Training rises from 0.1 to 0.8." in text
    assert "Validation starts at 0.1, is highest at 0.45 (epoch 2), and ends at 0.4." in text


def test_the_best_loss_is_the_lowest():
    text = said(plots.history(HISTORY, "loss"))
    assert "loss (cross-entropy)" in text and "Training falls from 2.3 to 0.7." in text
    assert "Validation starts at 2.2, is lowest at 1.4 (epoch 2), and ends at 1.6." in text


def test_many_lines_are_told_by_their_ends_and_very_many_by_the_extremes():
    few = said(plots.compare_histories({f"net {k}": HISTORY for k in range(9)}))
    assert "net 8 at 0.4" in few and "net 0 is at 0.4" in few
    records = {f"a network with a long name {k}": {"val_accuracy": [0, k / 100]} for k in range(20)}
    many = said(plots.compare_histories(records))
    assert "Of 20 lines, a network with a long name 19 ends highest at 0.19" in many
    assert "a network with a long name 0 lowest at 0" in many


def test_images_are_counted_and_their_labels_read_in_order():
    images = np.zeros((3, 32, 32, 3), np.uint8)
    text = said(plots.contact_sheet(images, [2, 0, 1], NAMES))
    assert text == "3 color images of 32 by 32 pixels in one row. Labels: star, disc, ring."
    digits = said(plots.contact_sheet(np.zeros((12, 28, 28, 1)), range(12)))
    assert "12 grayscale images of 28 by 28 pixels in 2 rows of 10" in digits
    assert "Labels: 0, 1, 2" in digits


def test_bars_are_told_one_by_one():
    text = said(plots.class_balance([0, 1, 1, 2], NAMES))
    assert text == "Bar chart of images. It shows 1 for disc, 2 for ring, and 1 for star."
    text = said(plots.class_balance([0, 1, 2], NAMES))
    assert "It shows 1 for each of 3, from disc to star." in text


def test_a_prediction_names_each_class_and_the_image_beside_it():
    image = np.zeros((32, 32, 3), np.uint8)
    text = said(plots.prediction(image, [0.2, 0.79999, 1e-5], NAMES))
    assert "with a color image of 32 by 32 pixels beside it" in text
    assert "It shows 0.2 for disc, 0.8 for ring, and 0 for star." in text


def test_many_bars_are_told_by_the_highest_and_lowest():
    fig, ax = plt.subplots()
    for k in range(4):
        ax.bar([f"a rather long category {i}" for i in range(9)], np.arange(9) * k, label=f"s{k}")
    text = said(fig)
    assert "highest for a rather long category 8 with 8" in text
    assert "lowest for a rather long category 0 with 0" in text


def test_a_confusion_matrix_says_what_is_right_and_what_is_confused_most():
    matrix = np.array([[8, 2, 0], [0, 10, 0], [5, 0, 5]])
    text = said(plots.confusion(matrix, NAMES))
    assert "77% of 30 images are on the diagonal" in text
    assert "star predicted as disc (5) and disc predicted as ring (2)" in text
    assert "Labels" not in text  # the counts are not read again
    assert "%" not in said(plots.confusion(np.sqrt(matrix), NAMES))  # of roots it would be wrong
    assert "No entry off the diagonal is above 0." in said(plots.confusion(np.eye(3), NAMES))
    assert "3 classes" in said(plots.confusion(np.zeros((3, 3)), NAMES))


def test_a_matrix_drawn_by_hand_names_its_largest_entries():
    fig, ax = plt.subplots()
    ax.imshow([[1, 9], [3, 4]])
    ax.set(xlabel="predicted", ylabel="true", title="merged")
    ax.set_xticks([0, 1], ["left", "right"])
    text = said(fig)
    assert text.startswith("Merged. Matrix of 2 by 2, rows true, columns predicted.")
    assert "9 (row 0, column right)" in text


def test_a_histogram_says_its_range_and_where_most_lies():
    values = np.random.default_rng(0).normal(0, 1, 2_000)
    for draw in ("bars", "steps", "line"):
        fig, ax = plt.subplots()
        counts, edges = np.histogram(values, 40)
        if draw == "bars":
            ax.hist(values, 40)
        elif draw == "steps":
            ax.stairs(counts, edges)
        else:
            ax.plot(edges[:-1], counts)
        ax.set(xlabel="weight", ylabel="density")
        text = said(fig)
        assert text.startswith("Histogram of weight.") and "80% between −1." in text


def test_points_say_whether_groups_lie_together():
    fig, ax = plt.subplots()
    ax.scatter([0, 0.1, 0.2], [0, 0, 0], label="a")
    ax.scatter([5, 5.1, 5.2], [0, 0, 0], label="b")
    text = said(fig)
    assert "Scatter plot of 6 points in 2 groups." in text and "a and b" in text
    assert "The nearest neighbor is of the same group for 100%." in text


def test_panels_share_what_they_have_in_common():
    fig, axes = plt.subplots(1, 2)
    for ax, title in zip(axes, ("NET I", "NET II"), strict=True):
        plots.history(HISTORY, ax=ax).set_title(title)
    text = said(fig)
    assert text.count("chart") == 1 and text.startswith("2 panels, each a line chart of accuracy")
    assert "NET I: Training rises" in text and "NET II: Training rises" in text


def test_panels_of_images_are_listed_by_their_titles():
    fig, axes = plt.subplots(1, 2)
    for ax, title in zip(axes, ("cat 0.9\nnot dog", "ship"), strict=True):
        ax.imshow(np.zeros((8, 8, 3)))
        ax.set_title(title)
    assert said(fig) == ("2 panels, each a color image of 8 by 8 pixels: cat 0.9, not dog; ship.")


def test_a_matrix_that_has_no_words_is_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(alternatives, "failures", [])
    data, _ = shown(plots.confusion(np.ones((2, 3)), ["only one"]).figure)
    assert data["image/png"] and alternatives.failures


def test_many_panels_still_fit():
    fig, axes = plt.subplots(2, 3)
    for k, ax in enumerate(axes.flat):
        for name in ("before training", "after training"):
            ax.stairs(*np.histogram(np.random.default_rng(k).normal(size=500), 40), label=name)
        ax.set(xlabel="weight", title=f"layer {k}")
    text = said(fig)
    assert "Layer 5: 80% lie at −1.3 to 1.2; −1.3 to 1.2." in text and "…" not in text
    fig, axes = plt.subplots(4, 5)
    for row, name in zip(axes, "abcd", strict=True):
        row[0].text(0, 0, f"row {name}")
        for ax in row:
            ax.imshow(np.zeros((8, 8, 3)))
            ax.set_title("crescent 0.91")
    text = said(fig)
    assert text.count("crescent 0.91") == 20 and "row d: crescent" in text


def test_logarithmic_axes_marked_values_and_names_of_ticks_are_read():
    fig, ax = plt.subplots()
    ax.loglog([1, 10, 100], [5, 1, 8], label="$f$")
    ax.axhline(2, label="limit")
    ax.set_xticks([1, 10, 100], ["one", "ten", "hundred"])
    text = said(fig)
    assert "one to hundred, logarithmic axes" in text and "horizontal line at 2 (limit)" in text
    assert "F starts at 5, is lowest at 1 (x = ten), and ends at 8." in text


def test_what_an_author_tells_comes_first():
    fig, ax = plt.subplots()
    ax.plot([1, 2])
    ax.set_title("A title")
    alternatives.tell(ax, "A staircase with two steps")
    assert said(fig) == "A title. A staircase with two steps."


# What nobody means to draw, and what is drawn by artists that have no words of their own.
STRANGE = [
    lambda ax: ax.plot([]),
    lambda ax: ax.plot([np.nan, np.nan], [1, np.inf]),
    lambda ax: ax.plot([np.nan, 1, 2], [1, 2, np.nan]),
    lambda ax: ax.bar([], []),
    lambda ax: ax.bar(["a"], [np.nan]),
    lambda ax: ax.hist([]),
    lambda ax: ax.scatter([], []),
    lambda ax: ax.scatter([np.nan], [1]),
    lambda ax: ax.imshow(np.full((3, 3), np.nan)),
    lambda ax: ax.imshow(np.ma.masked_all((3, 3))),
    lambda ax: ax.imshow(np.zeros((1, 5), bool)),
    lambda ax: ax.set(xlabel="a", ylabel="b") and ax.imshow(np.full((3, 3), np.nan)),
    lambda ax: ax.pcolormesh(np.eye(3)),
    lambda ax: ax.pie([1, 2], labels=["a", "b"]),
    lambda ax: ax.boxplot([1, 2, 3]),
    lambda ax: ax.violinplot([1, 2, 3]),
    lambda ax: ax.fill_between([1, 2], [1, 2]),
    lambda ax: ax.errorbar([1, 2], [1, 2], yerr=0.1),
    lambda ax: ax.stem([1, 2, 3]),
    lambda ax: ax.contour(np.arange(9).reshape(3, 3)),
    lambda ax: ax.quiver([1], [1], [1], [1]),
    lambda ax: ax.hexbin([1, 2], [1, 2]),
    lambda ax: ax.axline((0, 0), slope=1),
    lambda ax: ax.axhspan(0, 1),
    lambda ax: ax.step([1, 2, 3], [1, 2, 1]),
    lambda ax: ax.plot(np.array(["2020-01-01", "2020-01-02"], "datetime64"), [1, 2]),
    lambda ax: ax.plot(["a", "b"], ["c", "d"]),
    lambda ax: ax.twinx().plot([1, 2]),
    lambda ax: ax.figure.colorbar(ax.imshow(np.eye(3))),
    lambda ax: ax.text(0, 0, "$x^2$\nmore"),
    lambda ax: ax.set_title("t" * 5_000),
    lambda ax: ax.legend(handles=[]),
    lambda ax: ax.set_visible(False),
    lambda ax: ax.figure.suptitle("above"),
    lambda ax: ax.remove(),
    lambda ax: ax.figure.clear(),
    lambda ax: polar(ax).plot([1, 2, 3], [1, 2, 3]),
    lambda ax: solid(ax).plot([1, 2, 3], [1, 2, 3], [1, 2, 3]),
    lambda ax: solid(ax).scatter([1, 2], [1, 2], [1, 2]),
    lambda ax: solid(ax).bar3d(0, 0, 0, 1, 1, 1),
]


def polar(ax):
    return ax.figure.add_subplot(projection="polar")


def solid(ax):
    return ax.figure.add_subplot(projection="3d")


@pytest.mark.parametrize("draw", STRANGE)
def test_any_figure_gets_a_text(draw, recwarn):
    fig, ax = plt.subplots(figsize=(2, 2))
    draw(ax)
    recwarn.clear()  # matplotlib's own, about what was drawn
    assert said(fig) and not recwarn.list


def shown(fig, attached: bool = True, kind: str = "png"):
    """What a front end receives of a figure."""
    formatter = DisplayFormatter()
    maker = {"png": print_figure, "retina": retina_figure}.get(kind, print_figure)
    if kind == "svg":
        formatter.formatters["image/svg+xml"].for_type_by_name(
            "matplotlib.figure", "Figure", lambda one: print_figure(one, fmt="svg")
        )
    else:
        formatter.formatters["image/png"].for_type_by_name(
            "matplotlib.figure", "Figure", lambda one: maker(one, base64=True)
        )
    shell = SimpleNamespace(display_formatter=formatter)
    for _ in range(2 * attached):  # the second time changes nothing
        alternatives.attach(shell)
    return formatter.format(fig)


@pytest.mark.parametrize("kind", ["png", "retina"])
def test_the_same_picture_is_shown_with_its_text_in_each_place(kind):
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.plot([1, 2], label='<b> & "c"')
    plain, _ = shown(fig, attached=False, kind=kind)
    data, metadata = shown(fig, kind=kind)
    text = describe(fig)
    assert data["image/png"] == plain["image/png"]
    assert metadata["image/png"]["alt"] == data["text/plain"] == text
    (alt,) = re.findall(r'alt="([^"]*)"', data["text/html"])
    assert html.unescape(alt) == text and "<b>" not in data["text/html"]
    (source,) = re.findall(r"base64,([^\"]*)", data["text/html"])
    assert base64.b64decode(source) == base64.b64decode(data["image/png"])
    assert ("width" in metadata["image/png"]) == ("width=" in data["text/html"]) == (kind != "png")


def test_a_drawing_in_svg_has_a_text_too():
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.plot([1, 2])
    data, metadata = shown(fig, kind="svg")
    assert metadata["image/svg+xml"]["alt"] in data["text/html"]


def test_a_description_that_fails_leaves_the_figure_and_is_kept(monkeypatch):
    monkeypatch.setattr(alternatives, "describe", lambda figure: 1 / 0)
    monkeypatch.setattr(alternatives, "failures", [])
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.plot([1, 2])
    data, _ = shown(fig)
    assert data["image/png"] and "ZeroDivisionError" in alternatives.failures[0]


def test_other_values_are_shown_as_before():
    formatter = DisplayFormatter()
    alternatives.attach(SimpleNamespace(display_formatter=formatter))
    assert formatter.format(3) == ({"text/plain": "3"}, {})
