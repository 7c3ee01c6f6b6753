"""02 Convolution: right answers in more than one form pass, and wrong ones fail in words."""

import re

import exercise
import jupytext
import keras
import numpy as np
import pytest

from convcourse import checks

TESTS = [
    "conv-loops",
    "conv-windows",
    "conv-differences",
    "conv-backward",
    "conv-pool",
    "conv-loss",
    "conv-chain",
]
GIVEN = ("def pad(", "FUNCTIONS =", "def relu(", "def new_parameters(", "def forward(")


@pytest.fixture(scope="module")
def conv():
    return exercise.load("02_convolution")


@pytest.fixture(scope="module")
def given():
    """The code that the notebook gives: it calls the students' functions by name."""
    text = (exercise.COURSE / "02_convolution.py").read_text(encoding="utf-8")
    cells = jupytext.reads(text, "py:percent").cells
    code = "\n".join(c.source for c in cells if c.source.startswith(GIVEN))
    return re.sub("^print.*$", "", code, flags=re.MULTILINE)


@pytest.fixture
def judge(conv, given):
    """Judges one exercise with another answer, given as code."""
    return lambda test, code="": conv.run(test, conv.namespace(given + "\n" + code))


def assert_wrong(result, words, *, hidden=None):
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result
    assert hidden is None or result.hidden == hidden, result


def changed(code, old, new):
    assert old in code, old
    return code.replace(old, new)


def assert_passed(result):
    assert result.passed and result.hidden, result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(conv, given, judge, test):
    assert_passed(judge(test))
    space = conv.stubs()
    exec(given, space)
    assert conv.run(test, space).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ conv-loops

LOOPS = """
def conv2d_loops(x, w, b, stride=1, padding=0):
    N, H, W, C = x.shape
    m, n, _, K = w.shape
    O_h = (H + 2 * padding - m) // stride + 1
    O_w = (W + 2 * padding - n) // stride + 1
    y = [[[[0.0] * K for _ in range(O_w)] for _ in range(O_h)] for _ in range(N)]
    for a in range(N):
        for i in range(O_h):
            for j in range(O_w):
                for k in range(K):
                    s = b[k]
                    for u in range(m):
                        for v in range(n):
                            p, q = i * stride + u - padding, j * stride + v - padding
                            if 0 <= p < H and 0 <= q < W:
                                s += x[a, p, q] @ w[u, v, :, k]
                    y[a][i][j][k] = s
    return y
"""
BY_KERAS = """
def conv2d_loops(x, w, b, stride=1, padding=0):
    padded = np.float32(pad(x, padding))
    return np.asarray(keras.ops.conv(padded, np.float32(w), strides=stride)) + b
"""


@pytest.mark.parametrize("right", [LOOPS, BY_KERAS])
def test_loops_over_pixels_and_single_precision_pass(judge, right):
    assert_passed(judge("conv-loops", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("s = b[k]", "s = 0.0", "bias 1"),
        ("i * stride + u - padding, j * stride + v - padding", "i + u, j + v", "single dot"),
        ("w[u, v, :, k]", "w[m - 1 - u, n - 1 - v, :, k]", "single dot"),
        ("w[u, v, :, k]", "w[v, u, :, k]", "single dot"),
        ("i * stride + u", "i + u", "stride 2"),
        ("(W + 2 * padding - n)", "(W + 2 * padding - m)", "stride 1, padding 0"),
        ("(H + 2 * padding - m) // stride + 1", "-(-(H - m + 1 + 2 * padding) // stride)", None),
        ("+ 1\n    O_w", "\n    O_w", "shape"),
        ("return y", "return np.array(y).transpose(0, 3, 1, 2)", "shape"),
        ("return y", "y", "None"),
        ("range(N)", "range(1)", "shape"),
        ("s += x", "s = x", "four weights"),
    ],
)
def test_wrong_loops_are_told_where(judge, old, new, words):
    result = judge("conv-loops", changed(LOOPS, old, new))
    if words is None:  # another way to round down, and right
        assert_passed(result)
    else:
        assert_wrong(result, words)


# ------------------------------------------------------------------ conv-windows

EINSUM = """
def windows(x, size, stride=1):
    (m, n), (N, H, W, C) = size, x.shape
    rows, columns = range(0, H - m + 1, stride), range(0, W - n + 1, stride)
    return np.stack([[x[:, i : i + m, j : j + n] for j in columns] for i in rows]).transpose(
        2, 0, 1, 3, 4, 5)

def conv2d(x, w, b, stride=1, padding=0):
    padded = pad(x, padding)
    return np.einsum("nijuvc,uvck->nijk", windows(padded, w.shape[:2], stride), w) + b
"""
COLUMNS = """
def conv2d(x, w, b, stride=1, padding=0):
    view = windows(pad(x, padding), w.shape[:2], stride)
    rows = view.reshape(int(np.prod(view.shape[:3])), -1)
    return (rows @ w.reshape(-1, w.shape[-1]) + b).reshape(*view.shape[:3], -1)
"""


@pytest.mark.parametrize("right", [EINSUM, COLUMNS])
def test_windows_stacked_and_products_of_matrices_pass(judge, right):
    assert_passed(judge("conv-windows", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2, 0, 1, 3, 4, 5)", "2, 0, 1, 5, 3, 4)", "windows(...) has shape"),
        ("2, 0, 1, 3, 4, 5)", "2, 1, 0, 3, 4, 5)", "windows(...) has shape"),
        (", stride), range(0, W - n + 1, stride)", "), range(0, W - n + 1)", "windows(...)"),
        (" + b", "", "stride 1 and padding 0"),
        (", stride), w)", "), w)", "stride 2 and padding 0"),
        ("pad(x, padding)", "x", "stride 2 and padding 1"),
        ("x[:, i : i + m, j : j + n]", "x[:, i : i + m, j : j + n][:, ::-1]", "conv2d with"),
        ("nijuvc,uvck->nijk", "nijvuc,uvck->nijk", ""),
    ],
)
def test_wrong_windows_are_told_where(judge, old, new, words):
    result = judge("conv-windows", changed(EINSUM, old, new))
    assert result.status in (checks.WRONG, checks.ERROR) and words in result.message, result


def test_a_right_convolution_that_loops_over_pixels_is_told_that_it_is_slow(judge, monkeypatch):
    from autograder import submission

    monkeypatch.setattr(submission, "seconds", lambda *a, **k: 12.0)
    code = "def conv2d(x, w, b, stride=1, padding=0): return conv2d_loops(x, w, b, stride, padding)"
    assert_wrong(judge("conv-windows", code), "right but slow", hidden=True)


# ------------------------------------------------------------------ conv-differences

DIFFERENCES = """
def centred_differences(f, x, h=1e-5):
    slopes = []
    for place in range(x.size):
        step = np.zeros(x.size)
        step[place] = h
        step = step.reshape(x.shape)
        slopes.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(slopes).reshape(x.shape)
"""
IN_PLACE = """
def centred_differences(f, x, h=1e-5):
    slopes = np.empty_like(x)
    for at, old in np.ndenumerate(x):
        x[at] = old + h
        above = f(x)
        x[at] = old - h
        slopes[at] = (above - f(x)) / 2 / h
        x[at] = old
    return slopes
"""


@pytest.mark.parametrize("right", [DIFFERENCES, IN_PLACE])
def test_differences_in_other_forms_pass(judge, right):
    assert_passed(judge("conv-differences", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("f(x - step)) / (2 * h)", "f(x)) / h", "gradient of squares for h = 0.5"),
        ("/ (2 * h)", "/ h", "gradient of squares"),
        ("/ (2 * h)", "/ 2 * h", "gradient of squares"),
        ("f(x + step) - f(x - step)", "f(x - step) - f(x + step)", "gradient of squares"),
        ("] = h", "] = h = 1e-5", "centered difference of x**3"),
        (".reshape(x.shape)\n", "\n", None),
        ("step = np.zeros(x.size)", "step = np.full(x.size, h)", "gradient of squares"),
        ("return np.array(slopes).reshape(x.shape)", "return np.array(slopes)", "shape"),
    ],
)
def test_wrong_differences_are_told_where(judge, old, new, words):
    result = judge("conv-differences", changed(DIFFERENCES, old, new))
    if words is None:
        assert result.status == checks.ERROR, result
    else:
        assert_wrong(result, words)


def test_an_argument_that_is_changed_for_good_is_found(judge):
    result = judge("conv-differences", changed(IN_PLACE, "        x[at] = old\n", ""))
    assert_wrong(result, "x after the call")


# ------------------------------------------------------------------ conv-backward

BACKWARD = """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    wide = pad(x, padding)
    grad_x, grad_w = np.zeros_like(wide), np.zeros(w.shape)
    m, n = w.shape[:2]
    for i in range(grad.shape[1]):
        for j in range(grad.shape[2]):
            rows = slice(i * stride, i * stride + m)
            columns = slice(j * stride, j * stride + n)
            grad_x[:, rows, columns] += np.einsum("uvck,nk->nuvc", w, grad[:, i, j])
            grad_w += np.einsum("nuvc,nk->uvck", wide[:, rows, columns], grad[:, i, j])
    grad_b = grad.sum((0, 1, 2))
    if padding:
        grad_x = grad_x[:, padding:-padding, padding:-padding]
    return grad_x, grad_w, grad_b
"""
BY_TAPE = """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    import tensorflow as tf
    x, w = tf.Variable(np.float32(x)), tf.Variable(np.float32(w))
    with tf.GradientTape() as tape:
        wide = tf.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        loss = tf.reduce_sum(tf.nn.conv2d(wide, w, stride, "VALID") * np.float32(grad))
    return [g.numpy() for g in tape.gradient(loss, (x, w))] + [grad.sum((0, 1, 2))]
"""


@pytest.mark.parametrize("right", [BACKWARD, BY_TAPE])
def test_slopes_by_a_loop_over_places_and_by_a_tape_pass(judge, right):
    assert_passed(judge("conv-backward", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("grad.sum((0, 1, 2))", "grad.sum((1, 2))", "gradient for b"),
        ("grad.sum((0, 1, 2))", "grad.mean((0, 1, 2))", "gradient for b"),
        ("columns] +=", "columns] =", "gradient for x"),
        ("if padding:", "if False:", "gradient for x with stride 2 and padding 1"),
        ("return grad_x, grad_w, grad_b", "return grad_w, grad_x, grad_b", "gradient for x"),
        ("return grad_x, grad_w, grad_b", "return grad_x, grad_w", "number of results"),
        ("return grad_x, grad_w, grad_b", "return grad_x, grad_w / len(x), grad_b", "for w with"),
        ("slice(i * stride, i * stride + m)", "slice(i, i + m)", "stride 2 and padding 0"),
        ("nuvc,nk->uvck", "nuvc,nk->vuck", "gradient for w"),
        ('einsum("uvck,nk->nuvc", w,', 'einsum("uvck,nk->nuvc", w[::-1, ::-1],', "gradient for x"),
    ],
)
def test_wrong_slopes_of_a_convolution_are_told_where(judge, old, new, words):
    assert_wrong(judge("conv-backward", changed(BACKWARD, old, new)), words)


# ------------------------------------------------------------------ conv-pool

POOL = """
def max_pool(x, size=2):
    N, H, W, C = x.shape
    x = x[:, : H // size * size, : W // size * size]
    return x.reshape(N, H // size, size, W // size, size, C).max((2, 4))

def max_pool_backward(grad, x, size=2):
    grad_x = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(grad.shape):
        window = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c]
        u, v = np.unravel_index(window.argmax(), window.shape)
        grad_x[n, i * size + u, j * size + v, c] = grad[n, i, j, c]
    return grad_x
"""
SHARED = """
def max_pool_backward(grad, x, size=2):
    h, w = grad.shape[1] * size, grad.shape[2] * size
    spread = lambda a: a.repeat(size, axis=1).repeat(size, axis=2)
    chosen = x[:, :h, :w] == spread(max_pool(x, size))
    counts = windows(chosen.astype(float), (size, size), size).sum((3, 4))
    out = np.zeros(x.shape)
    out[:, :h, :w] = chosen * spread(grad / counts)
    return out
"""


@pytest.mark.parametrize("right", [POOL, SHARED])
def test_pooling_in_other_forms_passes(judge, right):
    assert_passed(judge("conv-pool", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (".max((2, 4))", ".mean((2, 4))", "max_pool of 0 to 15"),
        (".max((2, 4))", ".max((2, 3))", "max_pool of 0 to 15"),
        (".max((2, 4))", ".max((2, 4), initial=0)", "gradient for x|images (2, 6, 4, 1)"),
        ("window.argmax()", "window.argmin()", "gradient for x"),
        ("window.argmax()", "0", "gradient for x"),
        ("= grad[n, i, j, c]", "= 1", "gradient for x"),
        ("np.zeros(x.shape)", "np.zeros(x[:, : grad.shape[1] * size].shape)", "shape"),
        ("size=2):\n    grad_x", "size=2):\n    size = 2\n    grad_x", "windows of 3"),
    ],
)
def test_wrong_pooling_is_told_where(judge, old, new, words):
    result = judge("conv-pool", changed(POOL, old, new))
    assert result.status == checks.WRONG, result
    assert any(word in result.message for word in words.split("|")), result


def test_a_slope_that_goes_to_every_equal_pixel_is_found(judge):
    code = changed(SHARED, "grad / counts", "grad")
    assert_wrong(judge("conv-pool", code), "window of equal pixels", hidden=True)


# ------------------------------------------------------------------ conv-loss

LOSS = """
def softmax_cross_entropy(scores, labels):
    top = scores.max(1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
    truth = np.eye(scores.shape[1])[labels]
    return -(truth * logs).sum() / len(scores), (np.exp(logs) - truth) / len(scores)
"""
BY_TENSORFLOW = """
def softmax_cross_entropy(scores, labels):
    import tensorflow as tf
    z = tf.constant(np.asarray(scores, float))
    with tf.GradientTape() as tape:
        tape.watch(z)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)
        loss = tf.reduce_mean(each)
    return float(loss), tape.gradient(loss, z).numpy()
"""


@pytest.mark.parametrize("right", [LOSS, BY_TENSORFLOW])
def test_the_loss_in_other_forms_passes(judge, right):
    assert_passed(judge("conv-loss", right))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return -(", "return (", "loss for two equal scores"),
        (".sum() / len(scores),", ".sum(),", "gradient for four images"),
        ("truth) / len(scores)", "truth)", "gradient for four images"),
        ("(np.exp(logs) - truth)", "(truth - np.exp(logs))", "gradient for two equal scores"),
        ("(np.exp(logs) - truth)", "np.exp(logs)", "gradient for two equal scores"),
        ("top = scores.max(1, keepdims=True)", "top = 0", "scores 1000 and 0"),
        (".sum() / len(scores)", ".mean()", "loss for two equal scores"),
        ("np.log(", "np.log10(", "loss for two equal scores"),
        ("-(truth * logs).sum() / len(scores)", "-(truth * logs).sum(axis=1)", "shape"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value", "ignore:divide")
def test_a_wrong_loss_is_told_where(judge, old, new, words):
    assert_wrong(judge("conv-loss", changed(LOSS, old, new)), words)


# ------------------------------------------------------------------ conv-chain

CHAIN = """
def loss_and_slopes(parameters, x, labels):
    p, f = parameters, forward(parameters, x)
    loss, g3 = softmax_cross_entropy(f["scores"], labels)
    g2 = relu_backward(g3.dot(p["w3"].T), f["relu2"])
    g1 = np.reshape(g2.dot(p["w2"].T), f["pool"].shape)
    g1 = max_pool_backward(g1, f["relu1"])
    _, w1, b1 = conv2d_backward(relu_backward(g1, f["relu1"]), x, p["w1"])
    return loss, {
        "w1": w1, "b1": b1,
        "w2": f["flat"].T.dot(g2), "b2": g2.sum(0),
        "w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),
    }
"""


def test_the_chain_with_relus_outputs_and_other_names_passes(judge):
    assert_passed(judge("conv-chain", CHAIN))


def test_a_chain_that_computes_the_scores_itself_passes(judge):
    own = changed(CHAIN, "forward(parameters, x)\n", "forward(dict(parameters), x.copy())\n")
    own = changed(own, "return loss, {", "return [np.float64(loss), {").replace(
        "    }\n", "    }]\n"
    )
    assert_passed(judge("conv-chain", own))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('relu_backward(g3.dot(p["w3"].T), f["relu2"])', 'g3.dot(p["w3"].T)', "gradient for b2"),
        ('relu_backward(g1, f["relu1"])', "g1", "gradient for b1"),
        ('f["relu2"].T.dot(g3)', 'f["fc"].T.dot(g3)', "gradient for w3"),
        ('"b2": g2.sum(0)', '"b2": g2.sum(0) / len(x)', "gradient for b2"),
        ('"w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),', "", "gradient names"),
        ('"b1": b1,', '"b1": -b1,', "gradient for b1"),
        ("return loss, {", "return loss * len(x), {", "gradient for"),
        ('"w2": f["flat"].T.dot(g2)', '"w2": g2.T.dot(f["flat"])', "gradient for w2 has shape"),
        ('"w1": w1', '"w1": w1 + 1e-3', "gradient for w1"),
    ],
)
def test_a_wrong_chain_is_told_where(judge, old, new, words):
    assert_wrong(judge("conv-chain", changed(CHAIN, old, new)), words)


def test_a_loss_that_is_not_the_networks_is_found_by_the_hidden_checks(judge):
    # Loss and slopes agree with each other, but the labels are not those that were given.
    code = changed(CHAIN, 'f["scores"], labels)', 'f["scores"], labels * 0)')
    assert_wrong(judge("conv-chain", code), "loss of the network", hidden=True)


def test_new_parameters_fit_the_network_of_the_table(judge, conv, given):
    space = conv.namespace(given)
    assert sum(p.size for p in space["new_parameters"]().values()) == 607_394
    assert keras.ops.shape(
        space["forward"](space["new_parameters"](), np.zeros((2, 28, 28, 1)))["scores"]
    ) == (2, 10)
