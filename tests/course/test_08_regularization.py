"""08 Regularization: right answers in many forms pass, and wrong ones fail in words."""

import exercise
import pytest
from exercise import cases, changed

from convcourse import checks

NAME = "08_regularization"


@pytest.fixture(scope="module")
def reg():
    return exercise.load(NAME)


@pytest.fixture(scope="module")
def simulation():
    return exercise.locked(NAME, "reg-simulate")


# ------------------------------------------------------------------ reg-build

FUNCTIONAL = """
def build_blocks(batch_norm=True, dropout=0.5, l2=0.0, width=1.0, classes=10):
    L = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    for filters in (32, 64, 128):
        x = L.Conv2D(round(filters * width), (3, 3), padding="same")(x)
        if batch_norm:
            x = L.BatchNormalization(axis=-1, momentum=0.9)(x)
        x = L.Activation("relu")(x)
        x = L.MaxPool2D((2, 2))(x)
    x = L.Flatten()(x)
    first = second = keras.regularizers.L2(l2) if l2 else None
    x = L.Dense(round(512 * width), kernel_regularizer=first)(x)
    x = L.Activation("relu")(x)
    if dropout:
        x = L.Dropout(dropout)(x)
    x = L.Dense(classes, activation="softmax", kernel_regularizer=second)(x)
    return keras.Model(inputs, x)
"""
HEAD = """\
        self.hidden = L.Dense(round(width * 512), activation="relu", kernel_regularizer=penalty)
        self.drop = L.Dropout(dropout) if dropout else None
        self.scores = L.Dense(classes, activation="softmax", kernel_regularizer=penalty)
"""
SUBCLASSED = """
class Blocks(keras.Model):
    def __init__(self, batch_norm, dropout, l2, width, classes):
        super().__init__()
        L, penalty = keras.layers, keras.regularizers.L2(l2) if l2 else None
        sizes = [round(width * n) for n in (32, 64, 128)]
        self.convolutions = [L.Conv2D(n, 3, padding="same") for n in sizes]
        norm = L.BatchNormalization if batch_norm else lambda momentum: L.Identity()
        self.norms = [norm(momentum=0.9) for _ in sizes]
        self.pool, self.flatten = L.MaxPooling2D(), L.Flatten()
        self.hidden = L.Dense(round(width * 512), activation="relu", kernel_regularizer=penalty)
        self.drop = L.Dropout(dropout) if dropout else None
        self.scores = L.Dense(classes, activation="softmax", kernel_regularizer=penalty)

    def call(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = self.pool(keras.ops.relu(norm(convolution(x))))
        x = self.hidden(self.flatten(x))
        if self.drop is not None:
            x = self.drop(x)
        return self.scores(x)

def build_blocks(batch_norm=True, dropout=0.5, l2=0.0, width=1.0, classes=10):
    net = Blocks(batch_norm, dropout, l2, width, classes)
    net.build((None, 32, 32, 3))
    return net
"""
BLOCKS = {
    "functional": FUNCTIONAL,
    "poolings with a padding that adds nothing": changed(
        FUNCTIONAL, ("(2, 2))", "(2, 2), padding='same')")
    ),
    "a penalty of 0": changed(
        FUNCTIONAL, ("keras.regularizers.L2(l2) if l2 else None", "keras.regularizers.L1L2(l2=l2)")
    ),
    "a penalty of one's own": changed(
        FUNCTIONAL,
        ("keras.regularizers.L2(l2) if l2 else None", "lambda w: l2 * keras.ops.sum(w**2)"),
    ),
    "operations": changed(
        FUNCTIONAL,
        ('L.Activation("relu")(x)', "keras.ops.relu(x)"),
        ('classes, activation="softmax"', "classes"),
        ("(inputs, x)", "(inputs, keras.activations.softmax(x))"),
    ),
    "without Input": changed(
        FUNCTIONAL,
        (
            "keras.Model(inputs, x)",
            "keras.Sequential([type(one).from_config(one.get_config())"
            " for one in keras.Model(inputs, x).layers[1:]])",
        ),
    ),
    "a model inside": changed(
        FUNCTIONAL,
        (
            "keras.Model(inputs, x)",
            "keras.Sequential([keras.Input((32, 32, 3)), keras.Model(inputs, x)])",
        ),
    ),
    "subclassed": SUBCLASSED,
    "subclassed, the head made first": changed(
        SUBCLASSED, (HEAD, ""), ("        sizes = [", f"{HEAD}        sizes = [")
    ),
    "verbose": '''
def _conv_block(model: keras.Sequential, filters: int, use_bn: bool) -> None:
    """Add one block: CONV, BN if wanted, ReLU and POOL."""
    model.add(keras.layers.Conv2D(filters=filters, kernel_size=(3, 3), strides=(1, 1),
                                  padding="same", kernel_initializer="he_normal"))
    if use_bn:
        model.add(keras.layers.BatchNormalization(momentum=0.9))
    model.add(keras.layers.ReLU())
    model.add(keras.layers.MaxPooling2D(pool_size=(2, 2), strides=2))

def build_blocks(batch_norm: bool = True, dropout: float = 0.5, l2: float = 0.0,
                 width: float = 1.0, classes: int = 10) -> keras.Model:
    assert 0.0 <= dropout < 1.0, "dropout must lie in [0, 1)"
    model = keras.Sequential(name="three_block_net")
    model.add(keras.Input(shape=(32, 32, 3)))
    for number, base in enumerate((32, 64, 128), start=1):
        _conv_block(model, int(round(width * base)), use_bn=batch_norm)
    model.add(keras.layers.Flatten(name="flat"))
    regularizer = keras.regularizers.l2(l2) if l2 > 0 else None
    model.add(keras.layers.Dense(units=int(round(width * 512)), activation=keras.activations.relu,
                                 kernel_regularizer=regularizer))
    if dropout > 0:
        model.add(keras.layers.Dropout(rate=dropout, seed=1))
    model.add(keras.layers.Dense(units=classes, activation="softmax",
                                 kernel_regularizer=regularizer))
    print(f"{model.count_params():,} parameters")
    return model
''',
}
BN = "L.BatchNormalization(axis=-1, momentum=0.9)"
BLOCKS_WRONG = {
    "no padding": (changed(FUNCTIONAL, ('padding="same"', 'padding="valid"')), "padding"),
    "relu first": (
        changed(
            FUNCTIONAL,
            (
                "        if batch_norm:",
                '        x = L.Activation("relu")(x)\n        if batch_norm:',
            ),
        ),
        "relu; expected linear (no activation)",
    ),
    "always bn": (changed(FUNCTIONAL, ("if batch_norm:", "if True:")), "1,14"),
    "never bn": (changed(FUNCTIONAL, ("if batch_norm:", "if False:")), "batch normalization"),
    "bn's default momentum": (changed(FUNCTIONAL, (", momentum=0.9", "")), "momentum"),
    "bn's default momentum in one block": (
        changed(FUNCTIONAL, ("momentum=0.9", "momentum=0.9 if filters > 32 else 0.99")),
        "momentum of a bn layer is 0.99",
    ),
    "the same network again": (
        FUNCTIONAL.replace("def build", "import functools\n\n@functools.cache\ndef build"),
        "same network in each call",
    ),
    "softmax over the batch": (
        changed(
            FUNCTIONAL,
            ('classes, activation="softmax"', "classes"),
            ("(inputs, x)", "(inputs, L.Softmax(axis=0)(x))"),
        ),
        "softmax over the images of a batch",
    ),
    "momentum of the averages' step": (
        changed(FUNCTIONAL, ("momentum=0.9", "momentum=0.1")),
        "momentum",
    ),
    "bn without an offset": (changed(FUNCTIONAL, ("axis=-1,", "center=False,")), "parameters"),
    "the same units dropped for all images": (
        changed(FUNCTIONAL, ("L.Dropout(dropout)", "L.Dropout(dropout, noise_shape=(1, None))")),
        "sets noise_shape",
    ),
    "dropout that never drops": (
        changed(
            SUBCLASSED,
            ("def call(self, x)", "def call(self, x, training=None)"),
            ("self.drop(x)", "self.drop(x, training=False)"),
        ),
        "same output: dropout drops nothing",
    ),
    "dropout with BN alone": (
        changed(FUNCTIONAL, ("if dropout:", "if dropout and batch_norm:")),
        "with batch_norm=False and dropout above 0, the network has no dropout layers",
    ),
    "always dropout": (changed(FUNCTIONAL, ("if dropout:", "if True:")), "dropout"),
    "fixed rate": (changed(FUNCTIONAL, ("L.Dropout(dropout)", "L.Dropout(0.5)")), "rate"),
    "share kept": (changed(FUNCTIONAL, ("L.Dropout(dropout)", "L.Dropout(1 - dropout)")), "rate"),
    "dropout before the FC layer": (
        changed(
            FUNCTIONAL,
            ("    if dropout:\n        x = L.Dropout(dropout)(x)\n", ""),
            (
                "    x = L.Flatten()(x)\n",
                "    x = L.Flatten()(x)\n    x = L.Dropout(dropout)(x) if dropout else x\n",
            ),
        ),
        "order",
    ),
    "width ignored": (changed(FUNCTIONAL, ("filters * width", "filters")), "filters"),
    "width of the FC layer ignored": (changed(FUNCTIONAL, ("512 * width", "512")), "units"),
    "width rounded down": (
        changed(FUNCTIONAL, ("round(filters * width)", "int(filters * width)")),
        "round(width * 32)",
    ),
    "width rounded up": (
        changed(FUNCTIONAL, ("round(filters * width)", "int(np.ceil(filters * width))")),
        "filters",
    ),
    "classes ignored": (changed(FUNCTIONAL, ("Dense(classes", "Dense(10")), "units"),
    "classes scaled": (
        changed(FUNCTIONAL, ("Dense(classes", "Dense(max(1, round(classes * width))")),
        "units",
    ),
    "classes scaled up": (
        changed(FUNCTIONAL, ("Dense(classes", "Dense(round(classes * max(1, width))")),
        "has classes units",
    ),
    "width of at most 1": (
        changed(FUNCTIONAL, ("L = keras.layers", "L, width = keras.layers, min(width, 1)")),
        "round(width * 32)",
    ),
    "a fixed penalty of one's own": (
        changed(
            FUNCTIONAL,
            ("keras.regularizers.L2(l2) if", "(lambda w: 0.01 * keras.ops.sum(w**2)) if"),
        ),
        "l2 times the squares",
    ),
    "half the penalty": (changed(FUNCTIONAL, ("L2(l2)", "L2(l2 / 2)")), "the l2 penalty"),
    "fixed penalty": (changed(FUNCTIONAL, ("L2(l2)", "L2(0.01)")), "l2 times the squares"),
    "always a penalty": (
        changed(FUNCTIONAL, ("L2(l2) if l2 else None", "L2(l2 or 0.01)")),
        "with l2=0",
    ),
    "penalty of the last layer": (
        changed(FUNCTIONAL, ("_regularizer=first", "_regularizer=None")),
        "the l2 penalty",
    ),
    "penalty of the first layer": (
        changed(FUNCTIONAL, ("_regularizer=second", "_regularizer=None")),
        "the l2 penalty",
    ),
    "penalty of the biases": (
        changed(
            FUNCTIONAL,
            ("kernel_regularizer=second", "kernel_regularizer=second, bias_regularizer=second"),
        ),
        "the l2 penalty",
    ),
    "penalty of the outputs": (
        changed(
            FUNCTIONAL,
            ("kernel_regularizer=first", "kernel_regularizer=first, activity_regularizer=first"),
        ),
        "sets activity_regularizer",
    ),
    "penalty of the convolutions": (
        changed(
            FUNCTIONAL,
            ('padding="same"', 'padding="same", kernel_regularizer=keras.regularizers.L2(l2)'),
        ),
        "the l2 penalty",
    ),
    "L1": (changed(FUNCTIONAL, ("regularizers.L2(l2)", "regularizers.L1(l2)")), "the l2 penalty"),
    "compiled": (
        changed(FUNCTIONAL, ("return keras.Model(inputs, x)", "net = keras.Model(inputs, x)"))
        + '    net.compile("adam", "sparse_categorical_crossentropy")\n    return net\n',
        "compiles the network",
    ),
    "not returned": (changed(FUNCTIONAL, ("return keras", "keras")), "returns None"),
    "another default": (changed(FUNCTIONAL, ("l2=0.0", "l2=0.01")), "by default"),
    "average pooling": (changed(FUNCTIONAL, ("MaxPool2D", "AveragePooling2D")), "pooling"),
    "logits": (changed(FUNCTIONAL, ('classes, activation="softmax"', "classes")), "activation"),
}

# ------------------------------------------------------------------ reg-dropout

WHERE = """
def dropout_forward(x, rate, uniform, training=True):
    if not training:
        return x
    return np.where(uniform >= rate, x / (1 - rate), 0)
"""
INDEXED = """
def dropout_forward(x, rate, uniform, training=True):
    out = np.array(x)
    if training:
        out[uniform < rate] = 0
        out /= 1 - rate
    return out
"""
DROPOUTS = {
    "where": WHERE,
    "a mask": """
def dropout_forward(x, rate, uniform, training=True):
    return x * (uniform >= rate) / (1 - rate) if training else x
""",
    "indices": INDEXED,
    "loops": """
def dropout_forward(x, rate, uniform, training=True):
    out = np.array(x, dtype=float)
    if training:
        for place in np.ndindex(out.shape):
            out[place] = out[place] / (1 - rate) if uniform[place] >= rate else 0.0
    return out.tolist()
""",
    "tensor": """
def dropout_forward(x, rate, uniform, training=True):
    x = keras.ops.convert_to_tensor(x)
    mask = keras.ops.cast(uniform >= rate, x.dtype)
    return x * mask / (1 - rate) if training else x
""",
    "masked array": """
def dropout_forward(x, rate, uniform, training=True):
    dropped = np.ma.masked_array(x, mask=(uniform < rate) & training)
    return dropped.filled(0) * (1 / (1 - rate) if training else 1)
""",
    "rate and random numbers as tensors": """
def dropout_forward(x, rate, uniform, training=True):
    keep = keras.ops.cast(keras.ops.greater_equal(uniform, rate), "float64")
    return keras.ops.convert_to_numpy(keep * x / (1 - rate)) if training else x
""",
    "heaviside": """
def dropout_forward(x, rate, uniform, training=True):
    return x * np.heaviside(uniform - rate, 1) / (1 - rate) if training else x
""",
    "verbose": """
def dropout_forward(x: np.ndarray, rate: float, uniform: np.ndarray,
                    training: bool = True) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    uniform = np.asarray(uniform)
    if not 0 <= rate < 1:
        raise ValueError("rate must be in [0, 1)")
    if not training:
        return np.copy(x)
    assert x.shape == uniform.shape, "shapes must match"
    keep_probability = 1.0 - rate
    mask = (uniform >= rate).astype(x.dtype)
    print(f"kept {mask.mean():.0%}")
    return (x * mask) / keep_probability
""",
}
DROPOUTS_WRONG = {
    "the first mask again": (
        "mask = None\n"
        + changed(
            WHERE,
            (
                "    return np.where",
                "    global mask\n    if mask is None or mask.shape != x.shape:\n"
                "        mask = uniform >= rate\n    return np.where",
            ),
            ("np.where(uniform >= rate", "np.where(mask"),
        ),
        "keep nothing from one call to the next",
    ),
    "not scaled": (changed(WHERE, ("x / (1 - rate)", "x")), "dropout with rate 0.25"),
    "the others dropped": (
        changed(WHERE, ("uniform >= rate", "uniform < rate")),
        "dropout with rate 0.25",
    ),
    "divided by the rate": (changed(WHERE, ("(1 - rate)", "rate")), "dropout with rate 0.25"),
    "multiplied": (changed(WHERE, ("x / (1", "x * (1")), "dropout with rate 0.25"),
    "always dropping": (changed(WHERE, ("if not training", "if False")), "training=False"),
    "scaled after training": (
        changed(WHERE, ("return x\n", "return x * (1 - rate)\n")),
        "training=False",
    ),
    "zero after training": (changed(WHERE, ("return x\n", "return 0 * x\n")), "training=False"),
    "training reversed": (
        changed(WHERE, ("if not training", "if training")),
        "dropout with rate 0.25",
    ),
    "equal dropped": (
        changed(WHERE, ("uniform >= rate", "uniform > rate")),
        "dropout with rate 0.25",
    ),
    "flattened": (
        changed(
            WHERE,
            ("return np.where", "x, uniform = x.ravel(), uniform.ravel()\n    return np.where"),
        ),
        "shape",
    ),
    "all zeros": (
        changed(WHERE, ("np.where(uniform >= rate, x / (1 - rate), 0)", "np.zeros_like(x)")),
        "dropout with rate 0.25",
    ),
    "small rates left out": (
        changed(WHERE, ("if not training", "if not training or rate < 0.1")),
        "random number is below the rate",
    ),
    "fixed rate": (
        changed(WHERE, ("uniform >= rate, x / (1 - rate)", "uniform >= 0.25, x / 0.75")),
        "random number",
    ),
    "own random numbers": (
        changed(WHERE, ("uniform >= rate", "np.random.random(x.shape) >= rate")),
        "result of dropout",
    ),
    "the share that is kept made exact": (
        changed(
            WHERE,
            ("uniform >= rate", "uniform >= (np.quantile(uniform, rate) if x.size > 5 else rate)"),
        ),
        "where no random number equals the rate",
    ),
    "ones for the dropped": (changed(WHERE, (", 0)", ", x)")), "dropout with rate 0.25"),
    "scaled by the share that is kept": (
        changed(WHERE, ("(1 - rate)", "np.mean(uniform >= rate)")),
        "dropout with rate 0.25",
    ),
    "in place": (changed(INDEXED, ("np.array(x)", "x")), "changes its argument x"),
    "uniform changed": (
        changed(
            WHERE,
            ("    return np.where", "    uniform -= rate\n    rate += 0\n    return np.where"),
        ),
        "changes its argument uniform",
    ),
    "not returned": (changed(WHERE, ("return np", "np")), "does the function return"),
    "another default": (
        changed(WHERE, ("training=True", "training=False")),
        "dropout with rate 0.25",
    ),
}

# ------------------------------------------------------------------ reg-penalty

SUMS = """
def l2_penalty(kernels, factor):
    penalty = factor * sum((k ** 2).sum() for k in kernels)
    return penalty, [2 * factor * k for k in kernels]
"""
PENALTIES = {
    "sums": SUMS,
    "an array of arrays": """
def l2_penalty(kernels, factor):
    gradients = np.empty(len(kernels), dtype=object)
    for number, kernel in enumerate(kernels):
        gradients[number] = 2 * factor * kernel
    return factor * sum(np.vdot(k, k) for k in kernels), gradients
""",
    "norms": """
def l2_penalty(kernels, factor):
    total = 0.0
    for kernel in kernels:
        total += float(np.linalg.norm(kernel)) ** 2
    return factor * total, tuple(kernel * factor * 2 for kernel in kernels)
""",
    "dot products": """
def l2_penalty(kernels, factor):
    flat = np.concatenate([np.ravel(k) for k in kernels] or [np.zeros(0)])
    return np.array(factor * flat @ flat), [np.multiply(k, factor + factor) for k in kernels]
""",
    "loops": """
def l2_penalty(kernels, factor):
    penalty, gradients = 0, []
    for kernel in kernels:
        gradient = np.zeros(kernel.shape)
        for place in np.ndindex(kernel.shape):
            penalty += factor * float(kernel[place]) ** 2
            gradient[place] = 2 * factor * kernel[place]
        gradients.append(gradient.tolist())
    return [penalty, gradients]
""",
    "keras": """
def l2_penalty(kernels, factor):
    regularizer = keras.regularizers.L2(factor)
    penalty = sum(float(regularizer(k.astype("float64"))) for k in kernels)
    return penalty, [k.astype("float64") * 2.0 * factor for k in kernels]
""",
    "automatic": """
import tensorflow as tf

def l2_penalty(kernels, factor):
    variables = [tf.Variable(k) for k in kernels]
    with tf.GradientTape() as tape:
        penalty = factor * sum(tf.reduce_sum(v ** 2) for v in variables)
    return penalty, tape.gradient(penalty, variables) if kernels else []
""",
    "verbose": """
def _sum_of_squares(kernel: np.ndarray) -> float:
    return float(np.sum(np.square(np.asarray(kernel))))

def l2_penalty(kernels: list[np.ndarray], factor: float) -> tuple[float, list[np.ndarray]]:
    if factor < 0:
        raise ValueError("the factor must not be negative")
    penalty = float(factor) * sum(map(_sum_of_squares, kernels))
    gradients = []
    for number, kernel in enumerate(kernels):
        gradient = 2.0 * factor * np.asarray(kernel)
        assert gradient.shape == kernel.shape
        print(number, gradient.shape)
        gradients.append(gradient)
    return penalty, gradients
""",
}
PENALTIES_WRONG = {
    "kernels with one axis left out": (
        SUMS.replace("for k in kernels", "for k in kernels if k.ndim > 1"),
        "one kernel with a single axis",
    ),
    "a half": (changed(SUMS, ("penalty = factor", "penalty = factor / 2")), "penalty"),
    "rounded": (
        changed(SUMS, ("return penalty", "return round(float(penalty), 4)")),
        "for a small factor",
    ),
    "none without kernels": (
        changed(SUMS, ("return penalty, ", "return penalty, None if not kernels else ")),
        "for no kernels, the gradients are not a list",
    ),
    "the mean": (changed(SUMS, (".sum()", ".mean()")), "penalty"),
    "L1": (changed(SUMS, ("(k ** 2)", "abs(k)")), "penalty"),
    "the first kernel alone": (
        changed(SUMS, ("for k in kernels)", "for k in kernels[:1])")),
        "penalty",
    ),
    "no square root undone": (
        changed(SUMS, ("(k ** 2).sum()", "np.sqrt((k ** 2).sum())")),
        "penalty",
    ),
    "a trace for square kernels": (
        changed(
            SUMS,
            (
                "(k ** 2).sum()",
                "(np.trace(k @ k) if k.ndim == 2 and len(k) == k.shape[1] else (k ** 2).sum())",
            ),
        ),
        "sum of the squares of all entries of all kernels",
    ),
    "gradients by number": (
        changed(SUMS, ("[2 * factor * k for k in kernels]", "dict(enumerate(kernels))")),
        "the gradients are not a list",
    ),
    "factor squared": (changed(SUMS, ("penalty = factor", "penalty = factor ** 2")), "penalty"),
    "no factor": (changed(SUMS, ("penalty = factor * ", "penalty = ")), "penalty"),
    "gradient without the two": (changed(SUMS, ("2 * factor", "factor")), "gradient number 1"),
    "gradient of L1": (
        changed(SUMS, ("2 * factor * k", "factor * np.sign(k)")),
        "gradient number 1",
    ),
    "squared gradient": (
        changed(SUMS, ("2 * factor * k", "2 * factor * k ** 2")),
        "gradient number 1",
    ),
    "downhill": (changed(SUMS, ("2 * factor", "-2 * factor")), "gradient number 1"),
    "flat gradients": (changed(SUMS, ("2 * factor * k", "2 * factor * k.ravel()")), "shape"),
    "one gradient": (
        changed(SUMS, ("k for k in kernels]", "k for k in kernels[:1]]")),
        "number of gradients",
    ),
    "fixed factor": (
        changed(SUMS, ("    penalty", "    factor = 0.01\n    penalty")),
        "the factor",
    ),
    "matrices alone": (changed(SUMS, ("(k ** 2).sum()", "np.trace(k @ k.T)")), "ValueError"),
    "penalty alone": (
        changed(SUMS, (", [2 * factor * k for k in kernels]", "")),
        "return penalty, gradients",
    ),
    "not returned": (changed(SUMS, ("return penalty", "penalty")), "return penalty, gradients"),
    "exchanged": (
        "def l2_penalty(kernels, factor):\n    squares = [float((k ** 2).sum()) for k in kernels]\n"
        "    return [2 * factor * k for k in kernels], factor * sum(squares)\n",
        "penalty",
    ),
    "in place": (
        "def l2_penalty(kernels, factor):\n"
        "    penalty = factor * sum((k ** 2).sum() for k in kernels)\n"
        "    for k in kernels:\n        k *= 2 * factor\n    return penalty, kernels\n",
        "changes its argument kernels",
    ),
    "no kernels": (
        changed(
            SUMS,
            (
                "sum((k ** 2).sum() for k in kernels)",
                "np.max(np.cumsum([(k ** 2).sum() for k in kernels]))",
            ),
        ),
        "ValueError",
    ),
}

# ------------------------------------------------------------------ reg-rule

COUNTED = """
def should_stop(losses, val_losses, epochs=3):
    running = 0
    for k in range(1, len(losses)):
        both = losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1]
        running = running + 1 if both else 0
    return running >= epochs
"""
WINDOW = """
def should_stop(losses, val_losses, epochs=3):
    if len(losses) < epochs + 1:
        return False
    steps = range(-epochs, 0)
    return all(losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1] for k in steps)
"""
RULES = {
    "counted": COUNTED,
    "window": WINDOW,
    "sorted": """
import itertools

def should_stop(losses, val_losses, epochs=3):
    if len(losses) < epochs + 1:
        return 0
    a, b = losses[-(epochs + 1) :], val_losses[-(epochs + 1) :]
    return np.bool_(all(x > y for x, y in itertools.pairwise(a)) and sorted(set(b)) == b)
""",
    "differences": """
def should_stop(losses, val_losses, epochs=3):
    both = (np.diff(losses) < 0) & (np.diff(val_losses) > 0)
    return len(both) >= epochs and both[-epochs:].all()
""",
    "recursive": """
def should_stop(losses, val_losses, epochs=3):
    if epochs == 0:
        return True
    if len(losses) < 2 or losses[-1] >= losses[-2] or val_losses[-1] <= val_losses[-2]:
        return False
    return should_stop(losses[:-1], val_losses[:-1], epochs - 1)
""",
    "tensor": """
def should_stop(losses, val_losses, epochs=3):
    if len(losses) <= epochs:
        return np.array(False)
    a, b = (keras.ops.convert_to_tensor(np.array(v, "float64")) for v in (losses, val_losses))
    both = keras.ops.logical_and(a[1:] < a[:-1], b[1:] > b[:-1])
    return keras.ops.all(both[-epochs:])
""",
    "verbose": '''
def should_stop(losses: list[float], val_losses: list[float], epochs: int = 3) -> bool:
    """Return True if the network has overfitted for some epochs in a row."""
    losses, val_losses = list(map(float, losses)), list(map(float, val_losses))
    assert len(losses) == len(val_losses), "one value of each loss for each epoch"
    number_of_epochs = len(losses)
    if number_of_epochs < epochs + 1:
        return False
    for step in range(epochs):
        current, previous = number_of_epochs - 1 - step, number_of_epochs - 2 - step
        train_fell = losses[current] < losses[previous]
        val_rose = val_losses[current] > val_losses[previous]
        if not (train_fell and val_rose):
            print(f"epoch {current} breaks the series")
            return False
    return True
''',
}
RULES_WRONG = {
    "with a tolerance": (
        changed(
            WINDOW,
            ("val_losses[k] > val_losses[k - 1]", "val_losses[k] > val_losses[k - 1] + 1e-3"),
        ),
        "wrong for steps of 0.00001",
    ),
    "the number of steps": (
        changed(COUNTED, ("return running >= epochs", "return running")),
        "returns 2 for two rises in three epochs; expected false",
    ),
    "training loss ignored": (
        changed(COUNTED, ("losses[k] < losses[k - 1] and ", "")),
        "training loss rises once",
    ),
    "validation loss ignored": (
        changed(WINDOW, (" and val_losses[k] > val_losses[k - 1]", "")),
        "interrupted",
    ),
    "training loss at the ends alone": (
        changed(
            WINDOW,
            ("losses[k] < losses[k - 1] and val", "losses[-1] < losses[-1 - epochs] and val"),
        ),
        "training loss rises once",
    ),
    "at any time": (
        "def should_stop(losses, val_losses, epochs=3):\n    running = best = 0\n"
        "    for k in range(1, len(losses)):\n"
        "        both = losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1]\n"
        "        running = running + 1 if both else 0\n        best = max(best, running)\n"
        "    return best >= epochs\n",
        "followed by a fall",
    ),
    "one step too few": (changed(COUNTED, (">= epochs", ">= epochs - 1")), "two rises"),
    "one step too many": (changed(COUNTED, (">= epochs", "> epochs")), "three rises"),
    "a window too short": (
        changed(WINDOW, ("range(-epochs, 0)", "range(-epochs + 1, 0)")),
        "two rises",
    ),
    "the last step left out": (
        changed(WINDOW, ("range(-epochs, 0)", "range(-epochs, -1)")),
        "rises at the end",
    ),
    "equal is a rise": (
        changed(COUNTED, ("val_losses[k] > ", "val_losses[k] >= ")),
        "equal validation",
    ),
    "equal is a fall": (changed(COUNTED, ("losses[k] < ", "losses[k] <= ")), "equal training"),
    "validation loss at the ends alone": (
        changed(
            WINDOW,
            (
                "val_losses[k] > val_losses[k - 1] for",
                "val_losses[-1] > val_losses[-1 - epochs] for",
            ),
        ),
        "interrupted",
    ),
    "always three": (changed(COUNTED, (">= epochs", ">= 3")), "epochs=1"),
    "another default": (changed(COUNTED, ("epochs=3", "epochs=2")), "two rises"),
    "never": (changed(COUNTED, (">= epochs", "< 0")), "three rises"),
    "exchanged": (
        changed(COUNTED, ("losses, val_losses, epochs", "val_losses, losses, epochs")),
        "three rises",
    ),
    "patience": (
        "def should_stop(losses, val_losses, epochs=3):\n"
        "    n = len(losses)\n"
        "    return n > epochs and int(np.argmin(val_losses)) + epochs < n\n",
        "interrupted rise",
    ),
    "total of the steps": (
        changed(COUNTED, ("running + 1 if both else 0", "running + both")),
        "equal validation",
    ),
    "counted from the start": (
        changed(WINDOW, ("range(-epochs, 0)", "range(1, epochs + 1)")),
        "longer history",
    ),
    "a run of exactly epochs steps": (
        changed(COUNTED, ("return running >= epochs", "return running == epochs")),
        "epochs=3 and four rises in a row",
    ),
    "short histories": (
        changed(WINDOW, ("return False", "return all(np.diff(val_losses) > 0)")),
        "two rises",
    ),
    "None": (
        changed(
            WINDOW,
            ("return all(", "if all("),
            ("for k in steps)", "for k in steps):\n        return True"),
        ),
        "returns None",
    ),
    "text": (
        changed(COUNTED, ("return running >= epochs", "return str(running >= epochs)")),
        "text",
    ),
    "one answer for each step": (
        "def should_stop(losses, val_losses, epochs=3):\n"
        "    return (np.diff(losses) < 0) & (np.diff(val_losses) > 0)\n",
        "returns an array",
    ),
    "in place": (
        changed(
            WINDOW,
            (
                "    if len",
                "    losses.insert(0, losses[0]); val_losses.insert(0, val_losses[0])\n    if len",
            ),
            ("epochs + 1:", "epochs + 2:"),
        ),
        "changes its argument losses",
    ),
}

# ------------------------------------------------------------------ reg-callback

CALLBACK = """
class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.before, self.running = None, 0

    def on_epoch_end(self, epoch, logs=None):
        now = logs["loss"], logs["val_loss"]
        if self.before is not None:
            both = now[0] < self.before[0] and now[1] > self.before[1]
            self.running = self.running + 1 if both else 0
        self.before = now
        if self.running >= self.epochs:
            self.model.stop_training = True
"""
HISTORY = """
class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.history = []

    def on_epoch_end(self, epoch, logs=None):
        self.history.append((logs["loss"], logs["val_loss"]))
        losses, val_losses = zip(*self.history)
        self.model.stop_training = bool(should_stop(list(losses), list(val_losses), self.epochs))
"""
CALLBACKS = {
    "counting": CALLBACK,
    "a list of pairs": HISTORY,
    "new at epoch 0": """
class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs, self.losses, self.val_losses = epochs, [], []

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.losses.clear()
            self.val_losses.clear()
        self.losses.append(logs.get("loss"))
        self.val_losses.append(logs.get("val_loss"))
        if should_stop(self.losses, self.val_losses, epochs=self.epochs):
            self.model.stop_training = True
""",
    "arrays": """
class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.seen = np.empty((2, 0))

    def on_epoch_end(self, epoch, logs=None):
        self.seen = np.hstack([self.seen, [[logs["loss"]], [logs["val_loss"]]]])
        falls, rises = np.diff(self.seen)[:, -self.epochs:]
        if falls.size == self.epochs and falls.max() < 0 < rises.min():
            self.model.stop_training = True
""",
    "deque": """
from collections import deque

class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.steps = deque([False], maxlen=self.epochs)
        self.last = float("-inf"), float("inf")

    def on_epoch_end(self, epoch, logs=None):
        loss, val_loss = logs["loss"], logs["val_loss"]
        self.steps.append(loss < self.last[0] and val_loss > self.last[1])
        self.last = loss, val_loss
        if len(self.steps) == self.epochs and all(self.steps):
            self.model.stop_training = True
""",
    "a generator": """
def watch(epochs):
    run, before = 0, None
    while True:
        now = yield run >= epochs
        fell = before is not None and now[0] < before[0] and now[1] > before[1]
        run, before = (run + 1 if fell else 0), now

class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.rule = watch(self.epochs)
        next(self.rule)

    def on_epoch_end(self, epoch, logs=None):
        if self.rule.send((logs["loss"], logs["val_loss"])):
            self.model.stop_training = True
""",
    "verbose": '''
class StopOnRise(keras.callbacks.Callback):
    """Stop training as soon as the network overfits."""

    def __init__(self, epochs: int = 3, verbose: int = 1) -> None:
        super().__init__()
        if epochs < 1:
            raise ValueError("epochs must be at least 1")
        self.epochs, self.verbose = epochs, verbose
        self.losses: list[float] = []
        self.val_losses: list[float] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.losses, self.val_losses = [], []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        if "loss" not in logs or "val_loss" not in logs:
            raise KeyError("StopOnRise needs validation data")
        self.losses.append(float(logs["loss"]))
        self.val_losses.append(float(logs["val_loss"]))
        stop = should_stop(self.losses, self.val_losses, self.epochs)
        if stop:
            if self.verbose:
                print(f"stopping after epoch {epoch + 1}")
            self.model.stop_training = True
''',
}
RESET = "self.before, self.running = None, 0"
KEPT = changed(
    CALLBACK, (RESET, "pass"), ("self.epochs = epochs", f"self.epochs = epochs; {RESET}")
)
CALLBACKS_WRONG = {
    "returns True": (
        changed(CALLBACK, ("self.model.stop_training = True", "return True")),
        "set self.model.stop_training to true",
    ),
    "stops itself": (changed(CALLBACK, ("self.model.stop", "self.stop")), "three rises"),
    "nothing begun": (changed(CALLBACK, (RESET, "pass")), "AttributeError"),
    "the last four epochs alone": (
        changed(
            HISTORY,
            (
                '(logs["loss"], logs["val_loss"]))',
                '(logs["loss"], logs["val_loss"]))\n        del self.history[:-4]',
            ),
        ),
        "epochs=6",
    ),
    "losses kept": (KEPT, "earlier training"),
    "only the count begins anew": (
        changed(KEPT, ("        pass", "        self.running = 0")),
        "earlier training",
    ),
    "only the losses begin anew": (
        changed(KEPT, ("        pass", "        self.before = None")),
        "two runs in a row",
    ),
    "interrupted rises": (
        changed(CALLBACK, ("self.running + 1 if both else 0", "self.running + both")),
        "interrupted",
    ),
    "always three": (changed(CALLBACK, (">= self.epochs", ">= 3")), "epochs=2"),
    "rounded losses": (
        changed(CALLBACK, ('logs["val_loss"]', 'round(logs["val_loss"], 2)')),
        "losses that change by 0.00001",
    ),
    "one too many": (changed(CALLBACK, (">= self.epochs", "> self.epochs")), "three rises"),
    "one too few": (changed(CALLBACK, (">= self.epochs", ">= self.epochs - 1")), "three rises"),
    "training loss ignored": (
        changed(CALLBACK, ("now[0] < self.before[0] and ", "")),
        "training loss rises",
    ),
    "validation loss ignored": (
        changed(CALLBACK, (" and now[1] > self.before[1]", "")),
        "without a rise",
    ),
    "any change": (
        changed(CALLBACK, ("now[1] > self.before[1]", "now[1] != self.before[1]")),
        "without a rise",
    ),
    "equal is a rise": (
        changed(CALLBACK, ("now[1] > self", "now[1] >= self")),
        "equal validation losses",
    ),
    "equal is a fall": (changed(CALLBACK, ("now[0] < self", "now[0] <= self")), "random runs"),
    "never compared": (changed(CALLBACK, ("        self.before = now\n", "")), "three rises"),
    "compared with the first": (
        changed(CALLBACK, ("self.before = now", "self.before = self.before or now")),
        "epoch",
    ),
    "the training loss twice": (
        changed(CALLBACK, ('logs["val_loss"]', 'logs["loss"]')),
        "three rises",
    ),
    "exchanged": (
        changed(CALLBACK, ('logs["loss"], logs["val_loss"]', 'logs["val_loss"], logs["loss"]')),
        "three rises",
    ),
    "another key": (changed(CALLBACK, ('logs["val_loss"]', 'logs["validation_loss"]')), "KeyError"),
    "epochs ignored": (changed(HISTORY, (", self.epochs))", "))")), "epochs=2"),
}

RIGHT = {
    "reg-build": BLOCKS,
    "reg-dropout": DROPOUTS,
    "reg-penalty": PENALTIES,
    "reg-rule": RULES,
    "reg-callback": CALLBACKS,
}
WRONG = {
    "reg-build": BLOCKS_WRONG,
    "reg-dropout": DROPOUTS_WRONG,
    "reg-penalty": PENALTIES_WRONG,
    "reg-rule": RULES_WRONG,
    "reg-callback": CALLBACKS_WRONG,
}


@pytest.mark.parametrize("test", RIGHT)
def test_the_solution_passes_and_a_stub_is_not_attempted(reg, simulation, test):
    result = reg.run(test, reg.namespace(simulation))
    assert result.passed and result.hidden, result
    stubs = reg.stubs()
    exec(simulation, stubs)
    assert reg.run(test, stubs).status == checks.NOT_ATTEMPTED


@pytest.mark.parametrize(("test", "answer"), cases(RIGHT))
def test_a_right_answer_passes_in_any_form(reg, simulation, test, answer):
    result = reg.run(test, reg.namespace(f"{simulation}\n{answer}"))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(("test", "answer"), cases(WRONG))
def test_a_wrong_answer_is_told_its_mistake(reg, simulation, test, answer):
    code, words = answer
    result = reg.run(test, reg.namespace(f"{simulation}\n{code}"))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", ["reg-build", "reg-dropout", "reg-penalty", "reg-rule"])
def test_an_exercise_is_judged_without_the_answers_to_the_others(reg, test):
    names, whole = reg.stubs(), reg.namespace()
    answer = {"reg-build": "build_blocks", "reg-dropout": "dropout_forward"}
    answer |= {"reg-penalty": "l2_penalty", "reg-rule": "should_stop"}
    names[answer[test]] = whole[answer[test]]
    assert reg.run(test, names).passed


def test_a_callback_with_its_own_rule_does_not_need_should_stop(reg, simulation):
    names = reg.stubs()
    exec(f"{simulation}\n{CALLBACK}", names)
    assert reg.run("reg-callback", names).passed
