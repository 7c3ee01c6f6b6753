"""07 Augmentation: right answers in many forms pass, and wrong ones fail in words."""

import exercise
import pytest
from exercise import cases, changed

from convcourse import checks

NAME = "07_augmentation"


@pytest.fixture(scope="module")
def aug():
    return exercise.load(NAME)


@pytest.fixture(scope="module")
def clock():
    return exercise.locked(NAME, "aug-simulate")


# ------------------------------------------------------------------ aug-shift

PADDED = """
def shift_nearest(images, dx, dy):
    n, h, w, c = images.shape
    a, b = abs(dy), abs(dx)
    wide = np.pad(images, ((0, 0), (a, a), (b, b), (0, 0)), mode="edge")
    return wide[:, a - dy : a - dy + h, b - dx : b - dx + w]
"""
INDEXED = """
def shift_nearest(images, dx, dy):
    h, w = images.shape[1:3]
    rows, columns = np.arange(h) - dy, np.arange(w) - dx
    rows, columns = np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)
    return images[:, rows[:, None], columns]
"""
SHIFTS = {
    "padding": PADDED,
    "indices": INDEXED,
    "rolling": """
def shift_nearest(images, dx, dy):
    n, h, w, c = images.shape
    dx, dy = max(-w + 1, min(dx, w - 1)), max(-h + 1, min(dy, h - 1))
    out = np.roll(images, (dy, dx), axis=(1, 2))
    if dy > 0:
        out[:, :dy] = out[:, dy : dy + 1]
    if dy < 0:
        out[:, dy:] = out[:, dy - 1 : dy]
    if dx > 0:
        out[:, :, :dx] = out[:, :, dx : dx + 1]
    if dx < 0:
        out[:, :, dx:] = out[:, :, dx - 1 : dx]
    return out
""",
    "loops": """
def shift_nearest(images, dx, dy):
    out = np.empty_like(images)
    n, h, w, c = images.shape
    for i in range(h):
        for j in range(w):
            row = min(max(i - dy, 0), h - 1)
            out[:, i, j, :] = images[:, row, min(max(j - dx, 0), w - 1), :]
    return out
""",
    "take": """
def shift_nearest(images, dx, dy):
    rows = np.arange(images.shape[1]) - dy
    columns = np.arange(images.shape[2]) - dx
    return images.take(rows, axis=1, mode="clip").take(columns, axis=2, mode="clip")
""",
    "scipy": """
def shift_nearest(images, dx, dy):
    from scipy import ndimage
    return ndimage.shift(images, (0, dy, dx, 0), order=0, mode="nearest")
""",
    "tensor": """
def shift_nearest(images, dx, dy):
    height, width = images.shape[1:3]
    rows = tf.clip_by_value(tf.range(height) - dy, 0, height - 1)
    columns = tf.clip_by_value(tf.range(width) - dx, 0, width - 1)
    return tf.gather(tf.gather(images, rows, axis=1), columns, axis=2)
""",
    "verbose": """
def _source_indices(size: int, offset: int) -> np.ndarray:
    return np.array([min(max(k - offset, 0), size - 1) for k in range(size)], dtype=int)

def shift_nearest(images: np.ndarray, dx: int, dy: int) -> np.ndarray:
    if not isinstance(images, np.ndarray):
        raise TypeError("images must be a NumPy array")
    assert images.ndim == 4, f"expected 4 axes, got {images.ndim}"
    if dx == 0 and dy == 0:
        return images
    batch_size, height, width, channels = images.shape
    print(f"shifting {batch_size} images")
    result = images[:, _source_indices(height, dy), :, :][:, :, _source_indices(width, dx), :]
    assert result.shape == images.shape and result.dtype == images.dtype
    return result
""",
}
SHIFTS_WRONG = {
    "left": (changed(PADDED, ("b - dx : b - dx + w", "b + dx : b + dx + w")), "dx=1"),
    "up": (changed(PADDED, ("a - dy : a - dy + h", "a + dy : a + dy + h")), "in a column"),
    "reflected": (changed(PADDED, ('"edge"', '"reflect"')), "dx=1"),
    "mirrored with the edge": (changed(PADDED, ('"edge"', '"symmetric"')), "dx=-2"),
    "wrapped": (changed(PADDED, ('"edge"', '"wrap"')), "dx=1"),
    "black": (changed(PADDED, ('"edge"', '"constant"')), "dx=1"),
    "axes exchanged": (changed(PADDED, ("abs(dy), abs(dx)", "abs(dx), abs(dy)")), "shape"),
    "floats": (changed(PADDED, ("return wide", "return 1.0 * wide")), "dtype float64"),
    "always uint8": (changed(INDEXED, ("columns]", 'columns].astype("uint8")')), "dtype uint8"),
    "height for the width": (changed(INDEXED, ("0, w - 1", "0, h - 1")), "dx=1"),
    "one pixel short": (changed(INDEXED, ("0, w - 1", "0, w - 2")), "dx=-2"),
    "no clip of large shifts": (
        changed(INDEXED, ("np.clip(rows, 0, h - 1)", "rows % h")),
        "column",
    ),
    "dy ignored": (changed(INDEXED, ("np.arange(h) - dy", "np.arange(h)")), "in a column"),
    "only the first image": (
        changed(INDEXED, ("images[:, rows", "images[:1, rows")),
        "another shape",
    ),
    "sixteen pixels at most": (
        changed(PADDED, ("a, b = abs(dy), abs(dx)", "a, b = 16, 16")),
        "by more than the image's size",
    ),
    "remembered without dy": (
        "ROWS = {}\n"
        + changed(
            INDEXED,
            (
                "    return",
                "    rows = ROWS.setdefault((images.shape, dx), rows) if h > 1 < w else rows\n"
                "    return",
            ),
        ),
        "right and down, some pixels",
    ),
    "colors exchanged": (changed(INDEXED, ("columns]", "columns][..., ::-1]")), "pixels are wrong"),
    "the first color alone": (
        changed(INDEXED, ("columns]", "columns][..., :1] + 0 * images")),
        "first channel is right",
    ),
    "the first image for all": (
        changed(INDEXED, ("images[:, rows", "(images[:1] + 0 * images)[:, rows")),
        "first image is right",
    ),
    "wrong beyond the edge": (
        changed(SHIFTS["rolling"], ("max(-h + 1, min(dy, h - 1))", "dy")),
        "ValueError",
    ),
    "nothing": (changed(PADDED, ("return wide", "wide")), "does the function return its result"),
    "in place": (
        changed(
            INDEXED,
            ("return images[", "images[:] = images["),
            ("columns]", "columns]; return images"),
        ),
        "changes its argument images",
    ),
}

# ------------------------------------------------------------------ aug-layers

SIGNATURE = """
def build_augmentation(rotation_range=0, width_shift_range=0.0, height_shift_range=0.0,
                       horizontal_flip=False, vertical_flip=False, fill_mode="nearest"):
"""
LISTED = f"""{SIGNATURE}
    kinds, turn = keras.layers, rotation_range / 360
    chain = [kinds.Input((32, 32, 3))]
    for wanted, mode in ((horizontal_flip, "horizontal"), (vertical_flip, "vertical")):
        if wanted:
            chain.append(kinds.RandomFlip(mode))
    if width_shift_range or height_shift_range:
        high, wide = height_shift_range, width_shift_range
        chain.append(kinds.RandomTranslation((-high, high), (-wide, wide), fill_mode=fill_mode))
    if rotation_range:
        chain.append(kinds.RandomRotation((-turn, turn), fill_mode=fill_mode))
    return keras.Sequential(chain)
"""
BUILDERS = {
    "ranges as pairs": LISTED,
    "one layer for both flips": changed(
        LISTED,
        (
            "    for wanted, mode in (",
            "    flips = (bool(horizontal_flip), bool(vertical_flip))\n    for wanted, mode in (",
        ),
        (
            '(horizontal_flip, "horizontal"), (vertical_flip, "vertical")',
            '(flips == (True, False), "horizontal"), (flips == (False, True), "vertical"), '
            '(all(flips), "horizontal_and_vertical")',
        ),
    ),
    "functional": changed(
        LISTED,
        (
            "return keras.Sequential(chain)",
            "x = inputs = keras.Input((32, 32, 3))\n"
            "    for layer in chain[1:]:\n        x = layer(x)\n    return keras.Model(inputs, x)",
        ),
    ),
    "a model inside": changed(LISTED, ("(chain)", "([chain[0], keras.Sequential(chain[1:])])")),
    "a class of its own": """
class Augmentation(keras.Sequential):
    def __init__(self, layers):
        super().__init__([keras.layers.InputLayer((32, 32, 3)), *layers])
"""
    + changed(LISTED, ("keras.Sequential(chain)", "Augmentation(chain[1:])")),
    "subclassed": """
class Augmentation(keras.Model):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def call(self, x, training=None):
        for step in self.steps:
            x = step(x, training=training)
        return x
"""
    + changed(LISTED, ("return keras.Sequential(chain)", "model = Augmentation(chain[1:])"))
    + """
    model(np.zeros((1, 32, 32, 3)))
    return model
""",
    "a model inside that has no input of its own": """
class Pipeline(keras.Model):
    def __init__(self, steps):
        super().__init__()
        self.steps = keras.Sequential(steps)

    def call(self, images, training=None):
        return self.steps(images, training=training)
"""
    + changed(LISTED, ("return keras.Sequential(chain)", "model = Pipeline(chain[1:])"))
    + """
    model.build((None, 32, 32, 3))
    return model
""",
    "nothing outside training": """
class Augmentation(keras.Model):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def call(self, images, training=False):
        if not training:
            return images
        for step in self.steps:
            images = step(images, training=True)
        return images
"""
    + changed(LISTED, ("return keras.Sequential(chain)", "model = Augmentation(chain[1:])"))
    + """
    model.build((None, 32, 32, 3))
    return model
""",
    "verbose": f"""
def _degrees_to_turns(degrees: float) -> float:
    return float(degrees) / 360.0
{SIGNATURE}
    if not (0 <= rotation_range <= 360):
        raise ValueError("rotation_range must lie between 0 and 360")
    model = keras.Sequential(name="augmentation")
    model.add(keras.Input(shape=(32, 32, 3)))
    if horizontal_flip is True:
        model.add(keras.layers.RandomFlip(mode="horizontal", seed=42, name="flip_h"))
    if vertical_flip is True:
        model.add(keras.layers.RandomFlip(mode="vertical", seed=43, name="flip_v"))
    if height_shift_range > 0.0 or width_shift_range > 0.0:
        model.add(keras.layers.RandomTranslation(
            width_factor=width_shift_range, height_factor=height_shift_range,
            fill_mode=fill_mode, interpolation="bilinear", seed=44))
    if rotation_range > 0:
        model.add(keras.layers.RandomRotation(
            factor=_degrees_to_turns(rotation_range), fill_mode=fill_mode, seed=45))
    print(f"{{len(model.layers)}} layers")
    assert model.output_shape == (None, 32, 32, 3)
    return model
""",
}
BUILDERS_WRONG = {
    "degrees": (changed(LISTED, ("rotation_range / 360", "rotation_range")), "neither degrees"),
    "degrees in one number": (
        changed(LISTED, ("RandomRotation((-turn, turn)", "RandomRotation(rotation_range")),
        "neither degrees",
    ),
    "degrees that another Keras refuses": (
        changed(
            LISTED,
            (
                "chain.append(kinds.RandomRotation((-turn, turn), fill_mode=fill_mode))",
                'raise ValueError("The `factor` argument should be a number in [-1, 1].")',
            ),
        ),
        "neither degrees",
    ),
    "radians": (changed(LISTED, ("/ 360", "* np.pi / 180")), "neither degrees nor radians"),
    "half turns": (changed(LISTED, ("/ 360", "/ 180")), "rotation_range in full turns"),
    "whole degrees": (
        changed(LISTED, ("rotation_range / 360", "int(rotation_range) / 360")),
        "rotation_range in full turns",
    ),
    "always fifteen": (
        changed(LISTED, ("rotation_range / 360", "15 / 360")),
        "rotation_range in full",
    ),
    "one way": (changed(LISTED, ("(-turn, turn)", "(0, turn)")), "one direction only"),
    "shift one way": (changed(LISTED, ("(-high, high)", "(0, high)")), "one direction only"),
    "sides exchanged": (
        changed(LISTED, ("(-high, high), (-wide, wide)", "(-wide, wide), (-high, high)")),
        "the height first",
    ),
    "width for both": (changed(LISTED, ("(-high, high)", "(-wide, wide)")), "the height first"),
    "no fill": (changed(LISTED, (", fill_mode=fill_mode", "")), "does not fill"),
    "always nearest": (
        changed(LISTED, ("fill_mode=fill_mode", 'fill_mode="nearest"')),
        "as fill_mode says",
    ),
    "another default": (
        changed(LISTED, ('fill_mode="nearest"):', 'fill_mode="reflect"):')),
        "with nearest by default",
    ),
    "always horizontal": (changed(LISTED, ('"vertical"', '"horizontal"')), "wrong direction"),
    "flip without a mode": (
        changed(LISTED, ("RandomFlip(mode)", "RandomFlip()")),
        "wrong direction",
    ),
    "one of two flips": (
        changed(LISTED, ("        if wanted:", "        if wanted and len(chain) < 2:")),
        "one of the two flips is missing",
    ),
    "always a shift": (
        changed(LISTED, ("if width_shift_range or height_shift_range", "if True")),
        "number of layers",
    ),
    "width only": (
        changed(LISTED, ("width_shift_range or height_shift_range:", "width_shift_range:")),
        "height_shift_range=0.1 alone",
    ),
    "rotation first": (
        changed(
            LISTED,
            ("return keras.Sequential(chain)", "return keras.Sequential(chain[:1] + chain[:0:-1])"),
        ),
        "expected randomflip, randomtranslation, randomrotation",
    ),
    "no layer for half a degree": (
        changed(LISTED, ("if rotation_range:", "if rotation_range >= 1:")),
        "the network has no layers",
    ),
    "whole numbers as pixels": (
        changed(LISTED, ("Input((32, 32, 3))", 'Input((32, 32, 3), dtype="uint8")')),
        "outside training",
    ),
    "also outside training": (
        changed(
            BUILDERS["subclassed"],
            ("step(x, training=training)", "step(x, training=True)"),
        ),
        "outside training",
    ),
    "no input": (changed(LISTED, ("(chain)", "(chain[1:])")), "not built"),
    "another input": (
        changed(LISTED, ("Input((32, 32, 3))", "Input((None, None, 3))")),
        "the model's input does not have",
    ),
    "not returned": (changed(LISTED, ("return keras", "keras")), "returns None"),
    "a list": (changed(LISTED, ("return keras.Sequential(chain)", "return chain")), "not a model"),
}

# ------------------------------------------------------------------ aug-training-only

FUNCTIONAL = """
def with_augmentation(augmentation, network):
    inputs = keras.Input(shape=(32, 32, 3))
    return keras.Model(inputs, network(augmentation(inputs)))
"""
SUBCLASSED = """
class Front(keras.Model):
    def __init__(self, augmentation, network):
        super().__init__()
        self.augmentation, self.network = augmentation, network

    def call(self, images, training=False):
        if training:
            images = self.augmentation(images, training=True)
        return self.network(images, training=training)

def with_augmentation(augmentation, network):
    model = Front(augmentation, network)
    model.build((None, 32, 32, 3))
    return model
"""
FRONTS = {
    "functional": FUNCTIONAL,
    "layers one by one": """
def with_augmentation(augmentation, network):
    layers = [*augmentation.layers, *network.layers]
    return keras.Sequential([keras.layers.Input((32, 32, 3)), *layers])
""",
    "added": """
def with_augmentation(augmentation, network):
    model = keras.models.Sequential()
    model.add(keras.layers.InputLayer(shape=augmentation.input_shape[1:]))
    model.add(augmentation)
    model.add(network)
    return model
""",
    "from the augmentation's output": """
def with_augmentation(augmentation, network):
    return keras.Model(augmentation.inputs, network(augmentation.outputs[0]))
""",
    "subclassed": SUBCLASSED,
    "built by a call": """
def with_augmentation(augmentation, network):
    model = keras.Sequential([augmentation, network])
    model(np.zeros((1, 32, 32, 3), "float32"))
    return model
""",
    "functional in a class": """
class Front(keras.Model):
    def __init__(self, augmentation, network, **kwargs):
        inputs = keras.Input((32, 32, 3))
        super().__init__(inputs=inputs, outputs=network(augmentation(inputs)), **kwargs)

def with_augmentation(augmentation, network):
    return Front(augmentation, network, name="front")
""",
    "verbose": '''
def with_augmentation(augmentation: keras.Model, network: keras.Model) -> keras.Model:
    """Put the augmentation pipeline in front of the classifier."""
    if not isinstance(augmentation, keras.Model) or not isinstance(network, keras.Model):
        raise TypeError("both arguments must be Keras models")
    inputs = keras.layers.Input(shape=(32, 32, 3), dtype="float32", name="images")
    x = augmentation(inputs)
    outputs = network(x)
    model = keras.Model(inputs=inputs, outputs=outputs, name="augmented_network")
    assert model.count_params() == network.count_params()
    model.summary()
    return model
''',
}
CLONE = "network = keras.models.clone_model(network)"
FRONTS_WRONG = {
    "not returned": (changed(FUNCTIONAL, ("return keras", "keras")), "returns None"),
    "a function": (
        changed(
            FUNCTIONAL,
            (
                "keras.Model(inputs, network(augmentation(inputs)))",
                "lambda x: network(augmentation(x))",
            ),
        ),
        "not a model",
    ),
    "no augmentation": (
        changed(FUNCTIONAL, ("augmentation(inputs)", "inputs")),
        "nothing is augmented",
    ),
    "the network itself": (
        "def with_augmentation(augmentation, network): return network",
        "nothing is augmented",
    ),
    "augmented twice": (
        changed(FUNCTIONAL, ("augmentation(inputs)", "augmentation(augmentation(inputs))")),
        "images augmented once",
    ),
    "other weights": (changed(FUNCTIONAL, ("return", f"{CLONE}\n    return")), "outside training"),
    "a copy": (
        changed(
            FUNCTIONAL,
            (
                "return",
                f"old = network.get_weights(); {CLONE}; network.set_weights(old)\n    return",
            ),
        ),
        "use network itself",
    ),
    "frozen network": (
        changed(FUNCTIONAL, ("return", "network.trainable = False\n    return")),
        "use network itself",
    ),
    "one layer more": (
        changed(
            FUNCTIONAL,
            (
                "network(augmentation(inputs))",
                "keras.layers.Dense(5)(network(augmentation(inputs)))",
            ),
        ),
        "number of parameters",
    ),
    "softmax on top": (
        changed(
            FUNCTIONAL,
            (
                "network(augmentation(inputs))",
                "keras.layers.Softmax()(network(augmentation(inputs)))",
            ),
        ),
        "outside training",
    ),
    "clipped": (
        changed(
            FUNCTIONAL,
            ("network(augmentation(inputs))", "network(keras.ops.relu(augmentation(inputs)))"),
        ),
        "what the model predicts",
    ),
    "compiled": (
        changed(FUNCTIONAL, ("return keras", "model = keras"))
        + '    model.compile("adam", "mse")\n    return model\n',
        "compiles the model",
    ),
    "not built": (
        changed(SUBCLASSED, ("    model.build((None, 32, 32, 3))\n", "")),
        "does not know its input size",
    ),
    "added to the augmentation": (
        """
def with_augmentation(augmentation, network):
    augmentation.add(network)
    return augmentation
""",
        "adds layers to an argument",
    ),
    "taken out of the network": (
        changed(FRONTS["layers one by one"], ("    layers =", "    network.pop()\n    layers =")),
        "takes some away",
    ),
    "the notebook's own augmentation": (
        "full = keras.Sequential([keras.layers.RandomFlip()])\n"
        + changed(FUNCTIONAL, ("augmentation(inputs)", "full(inputs)")),
        "images augmented once",
    ),
}

# ------------------------------------------------------------------ aug-erase

ERASE = """
def erase(images, tops, lefts, size, value=0.5):
    n, h, w, c = images.shape
    i, j = np.arange(h)[None, :, None, None], np.arange(w)[None, None, :, None]
    t, s = np.reshape(tops, (n, 1, 1, 1)), np.reshape(lefts, (n, 1, 1, 1))
    inside = (i >= t) & (i < t + size) & (j >= s) & (j < s + size)
    return np.where(inside, value, images)
"""
SLICED = """
def erase(images, tops, lefts, size, value=0.5):
    out = images.copy()
    for k in range(len(out)):
        top, left = tops[k], lefts[k]
        out[k, top : top + size, left : left + size] = value
    return out
"""
ERASERS = {
    "where": ERASE,
    "slices": SLICED,
    "loops": """
def erase(images, tops, lefts, size, value=0.5):
    out = images.copy()
    for k in range(len(out)):
        for i in range(size):
            for j in range(size):
                if tops[k] + i < out.shape[1] and lefts[k] + j < out.shape[2]:
                    out[k, tops[k] + i, lefts[k] + j] = value
    return out
""",
    "broadcast": """
def erase(images, tops, lefts, size, value=0.5):
    i, j = np.ogrid[:images.shape[1], :images.shape[2]]
    rows = (i >= tops[:, None, None]) & (i < tops[:, None, None] + size)
    columns = (j >= lefts[:, None, None]) & (j < lefts[:, None, None] + size)
    result = images.astype("float32")
    result[rows & columns] = value
    return result
""",
    "a list of images": """
def erase(images, tops, lefts, size, value=0.5):
    import copy
    images = copy.deepcopy(images)
    def paint(image, top, left):
        image[top : top + size, left : left + size, :] = value
        return image
    return [paint(*each) for each in zip(images, tops, lefts)]
""",
    "tensor": """
def erase(images, tops, lefts, size, value=0.5):
    i, j = np.indices(images.shape[1:3])
    masks = [(t <= i) & (i < t + size) & (s <= j) & (j < s + size) for t, s in zip(tops, lefts)]
    return tf.where(np.stack(masks)[..., None], tf.constant(value, images.dtype), images)
""",
    "verbose": """
def erase(images: np.ndarray, tops: np.ndarray, lefts: np.ndarray, size: int,
          value: float = 0.5) -> np.ndarray:
    assert images.ndim == 4 and len(tops) == len(lefts) == images.shape[0]
    result = np.copy(images)
    _, height, width, _ = images.shape
    for index, (top, left) in enumerate(zip(tops.tolist(), lefts.tolist())):
        bottom, right = min(int(top) + size, height), min(int(left) + size, width)
        result[index, int(top):bottom, int(left):right, :] = float(value)
        print(f"image {index}: erased {bottom - top} x {right - left} pixels")
    return result
""",
}
ERASERS_WRONG = {
    "black": (changed(ERASE, ("value, images", "0.0, images")), "sum of each image"),
    "always a half": (changed(ERASE, ("value, images", "0.5, images")), "value asked for"),
    "another default": (changed(ERASE, ("value=0.5", "value=0.0")), "sum of each image"),
    "one row more": (changed(ERASE, ("t + size", "t + size + 1")), "sum of each image"),
    "one row less": (changed(ERASE, ("i >= t", "i > t")), "sum of each image"),
    "top for left": (
        changed(ERASE, ("i >= t", "i >= s"), ("i < t", "i < s")),
        "square of the first",
    ),
    "the rest": (changed(ERASE, ("inside, value, images", "inside, images, value")), "sum"),
    "not returned": (changed(ERASE, ("return", "images = ")), "does the function return"),
    "in place": (changed(SLICED, ("images.copy()", "images")), "changes its argument images"),
    "a view": (changed(SLICED, ("images.copy()", "images[:]")), "changes its argument images"),
    "one top for all": (
        changed(ERASE, ("np.reshape(tops, (n, 1, 1, 1))", "tops[0]")),
        "inside the square",
    ),
    "one left for all": (
        changed(ERASE, ("np.reshape(lefts, (n, 1, 1, 1))", "lefts[0]")),
        "inside the square",
    ),
    "one channel": (changed(SLICED, ("left + size]", "left + size, 0]")), "after the first"),
    "fixed size": (changed(ERASE, ("size) & (j", "2) & (j")), "inside the square"),
    "moved inside": (
        changed(SLICED, ("tops[k], lefts[k]", "min(tops[k], out.shape[1] - size), lefts[k]")),
        "outside a square that goes beyond the edge was changed",
    ),
    "left out at the edge": (
        changed(
            SLICED,
            ("        out[k,", "        if left + size <= out.shape[2]:\n            out[k,"),
        ),
        "inside a square that goes beyond the edge",
    ),
    "in place if they are float32": (
        changed(SLICED, ("images.copy()", 'images.astype("float32", copy=False)')),
        "changes its first argument",
    ),
    "squares remembered": (
        "SQUARES = {}\n"
        + changed(
            ERASE,
            ("    return", "    inside = SQUARES.setdefault((n, h, w, size), inside)\n    return"),
        ),
        "inside the square",
    ),
    "square images only": (
        changed(ERASE, ("np.arange(w)[None", "np.arange(h)[None")),
        "ValueError",
    ),
    "noise": (
        changed(ERASE, ("value, images", "np.random.random(images.shape), images")),
        "sum of each image",
    ),
}

# ------------------------------------------------------------------ aug-mixup

MIXUP = """
def mixup(images, labels, shares, partners):
    y = np.zeros((len(images), 10))
    y[np.arange(len(y)), labels[:, 0]] = 1
    a = shares[:, None, None, None]
    return a * images + (1 - a) * images[partners], (
        a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners])
"""
SOFT = "a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners]"
MIXUPS = {
    "broadcast": MIXUP,
    "keras": """
def mixup(images, labels, shares, partners):
    y = keras.utils.to_categorical(labels, 10)
    mixed = [s * images[k] + (1 - s) * images[p] for k, (s, p) in enumerate(zip(shares, partners))]
    soft = [s * y[k] + (1 - s) * y[p] for k, (s, p) in enumerate(zip(shares, partners))]
    return np.array(mixed), np.array(soft)
""",
    "loops": """
def mixup(images, labels, shares, partners):
    blends, targets = np.zeros(images.shape), np.zeros((len(images), 10))
    for k in range(len(images)):
        blends[k] = shares[k] * images[k] + (1 - shares[k]) * images[partners[k]]
        targets[k, labels[k, 0]] += shares[k]
        targets[k, labels[partners[k], 0]] += 1 - shares[k]
    return [blends, targets]
""",
    "from the partner": """
def mixup(images, labels, shares, partners):
    def blend(values):
        share = shares.reshape((-1,) + (1,) * (values.ndim - 1))
        return values[partners] + share * (values - values[partners])
    return blend(images), blend((labels == np.arange(10)).astype(float))
""",
    "tensors": """
def mixup(images, labels, shares, partners):
    y = tf.one_hot(labels.ravel().astype(int), 10)
    a, x = tf.constant(shares, tf.float32), tf.constant(images, tf.float32)
    wide = tf.reshape(a, (-1, 1, 1, 1))
    blends = wide * x + (1 - wide) * tf.gather(x, partners)
    return blends, a[:, None] * y + (1 - a[:, None]) * tf.gather(y, partners)
""",
    "einsum": """
def mixup(images, labels, shares, partners):
    own, rest = np.diag(shares), np.diag(1 - shares)
    y = np.eye(10, dtype="float32")[np.squeeze(labels, axis=1)]
    mix = lambda v: np.tensordot(own, v, 1) + np.tensordot(rest, v[partners], 1)
    return mix(images), mix(y)
""",
    "verbose": """
NUM_CLASSES: int = 10

def _to_one_hot(labels: np.ndarray) -> np.ndarray:
    flat = np.asarray(labels).reshape(-1).astype(np.int64)
    encoded = np.zeros((flat.size, NUM_CLASSES), dtype=np.float64)
    encoded[np.arange(flat.size), flat] = 1.0
    return encoded

def mixup(images: np.ndarray, labels: np.ndarray, shares: np.ndarray, partners: np.ndarray):
    assert np.all((0 <= shares) & (shares <= 1)), "shares must lie in [0, 1]"
    one_hot = _to_one_hot(labels=labels)
    lam_images = np.expand_dims(shares, axis=(1, 2, 3))
    lam_labels = np.expand_dims(shares, axis=1)
    blends = np.add(lam_images * images, (1.0 - lam_images) * np.take(images, partners, axis=0))
    targets = lam_labels * one_hot + (1.0 - lam_labels) * np.take(one_hot, partners, axis=0)
    print("sums:", targets.sum(axis=1))
    return blends, targets
""",
}
MIXUPS_WRONG = {
    "images as they are": (
        changed(MIXUP, ("a * images + (1 - a) * images[partners]", "images")),
        "pixel of each blend",
    ),
    "the share to the partner": (
        changed(MIXUP, ("a * images + (1 - a) * images[p", "(1 - a) * images + a * images[p")),
        "pixel of each blend",
    ),
    "a half each": (
        changed(
            MIXUP, ("a = shares[:, None, None, None]", "a = 0 * shares[:, None, None, None] + 0.5")
        ),
        "pixel of each blend",
    ),
    "one share for all": (
        changed(MIXUP, ("shares[:, None", "shares[:1, None")),
        "pixel of each blend",
    ),
    "one-hot targets": (changed(MIXUP, (SOFT, "y")), "entries 3 and 7"),
    "two ones": (changed(MIXUP, (SOFT, "np.sign(y + y[partners])")), "entries 3 and 7"),
    "the partner's target": (
        changed(MIXUP, (SOFT, "(1 - a[:, :, 0, 0]) * y[partners]")),
        "first target",
    ),
    "the targets' share to the partner": (
        changed(MIXUP, (SOFT, "(1 - a[:, :, 0, 0]) * y + a[:, :, 0, 0] * y[partners]")),
        "entries 3",
    ),
    "class numbers blended": (
        changed(MIXUP, (SOFT, SOFT.replace("y", "labels"))),
        "targets has shape (2, 1)",
    ),
    "neighbors in place of partners": (
        changed(MIXUP, ("images[partners]", "images[::-1]")),
        "a blend is wrong",
    ),
    "other labels": (changed(MIXUP, ("y[partners])", "y[::-1])")), "a target is wrong"),
    "the number of classes from the data": (
        changed(MIXUPS["keras"], ("(labels, 10)", "(labels)")),
        "targets has shape (2, 8)",
    ),
    "same label overwritten": (
        changed(
            MIXUPS["loops"],
            ("+= shares[k]", "= shares[k]"),
            ("+= 1 - shares[k]", "= 1 - shares[k]"),
        ),
        "a target is wrong",
    ),
    "in place": (
        changed(MIXUPS["loops"], ("np.zeros(images.shape)", "images")),
        "changes its argument images",
    ),
    "in place if they are float32": (
        changed(
            MIXUPS["loops"], ("np.zeros(images.shape)", 'images.astype("float32", copy=False)')
        ),
        "changes its first argument",
    ),
    "each blend from the ones before": (
        changed(
            MIXUPS["loops"],
            ("np.zeros(images.shape)", "images.copy()"),
            ("* images[", "* blends["),
        ),
        "a blend is wrong",
    ),
    "no axis left of one label": (
        changed(
            MIXUP,
            ("np.zeros((len(images), 10))", "np.eye(10)[np.squeeze(labels)]"),
            ("    y[np.arange(len(y)), labels[:, 0]] = 1\n", ""),
        ),
        "with a single image",
    ),
    "labels remembered": (
        "LABELS = {}\n"
        + changed(MIXUP, ("    a =", "    y = LABELS.setdefault(len(y), y)\n    a =")),
        "a target is wrong",
    ),
    "shares changed": (
        changed(MIXUP, ("    a = shares", "    shares *= 0.5\n    a = shares")),
        "changes its argument shares",
    ),
    "blends alone": (
        changed(MIXUPS["loops"], ("return [blends, targets]", "return blends")),
        "return blends, targets",
    ),
    "not returned": (changed(MIXUPS["loops"], ("return [", "[")), "return blends, targets"),
    "exchanged": (
        changed(MIXUPS["loops"], ("[blends, targets]", "targets, blends")),
        "blends has shape (2, 10)",
    ),
}

# ------------------------------------------------------------------ aug-rate

RATE = """
def images_per_second(batches, clock=time.perf_counter):
    start, total = None, 0
    for batch in batches:
        if start is None:
            start = clock()
        else:
            total += batch.shape[0]
    return total / (clock() - start)
"""
ITERATOR = """
def images_per_second(batches, clock=time.perf_counter):
    batches = iter(batches)
    next(batches)
    start = clock()
    total = sum(len(batch) for batch in batches)
    return total / (clock() - start)
"""
RATES = {
    "first seen": RATE,
    "iterator": ITERATOR,
    "moments": """
def images_per_second(batches, clock=time.perf_counter):
    moments = [(clock(), len(batch)) for batch in batches]
    return sum(n for _, n in moments[1:]) / (moments[-1][0] - moments[0][0])
""",
    "enumerated": """
def images_per_second(batches, clock=time.perf_counter):
    total = 0
    for number, batch in enumerate(batches):
        if number == 0:
            start = clock()
            continue
        total, end = total + np.shape(batch)[0], clock()
    return np.float32(total / (end - start))
""",
    "a class": """
class Meter:
    def __init__(self, clock):
        self.clock, self.times, self.sizes = clock, [], []

    def __call__(self, batch):
        self.times.append(self.clock())
        self.sizes.append(int(batch.shape[0]))

    @property
    def rate(self):
        return np.sum(self.sizes[1:]) / np.ptp(self.times)

def images_per_second(batches, clock=time.perf_counter):
    meter = Meter(clock)
    for batch in batches:
        meter(batch)
    return meter.rate
""",
    "library": """
def images_per_second(batches, clock=time.perf_counter):
    import itertools
    times, counts = zip(*((clock(), len(b)) for b in batches))
    *_, total = itertools.accumulate(counts[1:])
    return tf.constant(total / (max(times) - min(times)))
""",
    "verbose": """
from collections.abc import Callable, Iterable

def images_per_second(batches: Iterable, clock: Callable[[], float] = time.perf_counter) -> float:
    iterator = iter(batches)
    try:
        first = next(iterator)
    except StopIteration:
        raise ValueError("at least two batches are needed") from None
    assert first is not None
    started_at: float = clock()
    finished_at, image_count = started_at, 0
    for batch in iterator:
        image_count += int(batch.shape[0])
        finished_at = clock()
    elapsed = finished_at - started_at
    print(f"{image_count} images in {elapsed:.3f} s")
    return float(image_count / elapsed) if elapsed > 0 else float("inf")
""",
}
RATES_WRONG = {
    "all batches before the clock": (
        changed(ITERATOR, ("iter(batches)", "iter(list(batches))")),
        "no time passes",
    ),
    "positions": (
        changed(ITERATOR, ("iter(batches)", "iter(batches[1:])")),
        "go through it with for",
    ),
    "the first batch counts": (
        changed(RATE, ("        else:\n            total", "        if True:\n            total")),
        "rate of three",
    ),
    "the first batch's time counts": (
        changed(RATE, ("start, total = None, 0", "start, total = clock(), 0")),
        "rate of three",
    ),
    "batches counted": (changed(RATE, ("batch.shape[0]", "1")), "rate of three"),
    "always a hundred": (changed(RATE, ("batch.shape[0]", "100")), "smaller last batch"),
    "images alone": (changed(RATE, ("total / (clock() - start)", "total")), "smaller last batch"),
    "seconds per image": (
        changed(RATE, ("total / (clock() - start)", "(clock() - start) / total")),
        "rate of three",
    ),
    "values counted": (changed(RATE, ("batch.shape[0]", "batch.size")), "rate of three"),
    "rounded": (
        changed(RATE, ("total / (clock() - start)", "round(total / (clock() - start))")),
        "is rounded: return the quotient",
    ),
    "whole seconds": (
        changed(RATE, ("(clock() - start)", "max(1, round(clock() - start))")),
        "rate of two batches",
    ),
    "the real clock alone": (changed(RATE, ("clock()", "time.perf_counter()")), "rate of three"),
    "processor time": (
        changed(RATE, ("=time.perf_counter", "=time.process_time")),
        "default clock",
    ),
    "milliseconds": (
        changed(RATE, ("=time.perf_counter", "=lambda: 1000 * time.perf_counter()")),
        "keep clock=time.perf_counter",
    ),
    "nanoseconds": (
        changed(RATE, ("=time.perf_counter", "=time.perf_counter_ns")),
        "keep clock=time.perf_counter",
    ),
    "the time itself as the default": (
        changed(RATE, ("=time.perf_counter", "=time.perf_counter()")),
        "no clock to call: keep clock=time.perf_counter, the function itself",
    ),
    "no default clock": (changed(RATE, ("=time.perf_counter", "=None")), "no clock to call"),
    "an iterator is expected": (
        changed(ITERATOR, ("    batches = iter(batches)\n", "")),
        "not an iterator",
    ),
    "started twice": (
        changed(
            ITERATOR, ("    batches = iter(batches)\n    next(batches)", "    next(iter(batches))")
        ),
        "rate of three",
    ),
    "counted before it is timed": (
        "def images_per_second(batches, clock=time.perf_counter):\n"
        "    first, *others = [len(batch) for batch in batches]\n"
        "    times = [clock() for batch in batches]\n"
        "    return sum(others) / (times[-1] - times[0])\n",
        "starts on batches more than once",
    ),
    "first batch's size for all": (
        "def images_per_second(batches, clock=time.perf_counter):\n"
        "    times, counts = zip(*((clock(), len(b)) for b in batches))\n"
        "    return counts[0] * (len(counts) - 1) / (times[-1] - times[0])\n",
        "smaller last batch",
    ),
    "mean of the rates": (
        "def images_per_second(batches, clock=time.perf_counter):\n"
        "    times, counts = zip(*((clock(), len(b)) for b in batches))\n"
        "    return np.mean(np.array(counts[1:]) / np.diff(times))\n",
        "divide the number of images",
    ),
    "not returned": (changed(RATE, ("return total", "total")), "does the function return"),
}

RIGHT = {
    "aug-shift": SHIFTS,
    "aug-layers": BUILDERS,
    "aug-training-only": FRONTS,
    "aug-erase": ERASERS,
    "aug-mixup": MIXUPS,
    "aug-rate": RATES,
}
WRONG = {
    "aug-shift": SHIFTS_WRONG,
    "aug-layers": BUILDERS_WRONG,
    "aug-training-only": FRONTS_WRONG,
    "aug-erase": ERASERS_WRONG,
    "aug-mixup": MIXUPS_WRONG,
    "aug-rate": RATES_WRONG,
}


@pytest.mark.parametrize("test", RIGHT)
def test_the_solution_passes_and_a_stub_is_not_attempted(aug, clock, test):
    result = aug.run(test, aug.namespace(clock))
    assert result.passed and result.hidden, result
    stubs = aug.stubs()
    exec(clock, stubs)
    assert aug.run(test, stubs).status == checks.NOT_ATTEMPTED


@pytest.mark.parametrize(("test", "answer"), cases(RIGHT))
def test_a_right_answer_passes_in_any_form(aug, clock, test, answer):
    result = aug.run(test, aug.namespace(f"{clock}\n{answer}"))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(("test", "answer"), cases(WRONG))
def test_a_wrong_answer_is_told_its_mistake(aug, clock, test, answer):
    code, words = answer
    result = aug.run(test, aug.namespace(f"{clock}\n{code}"))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", RIGHT)
def test_an_exercise_is_judged_without_the_answers_to_the_others(aug, clock, test):
    names, whole = aug.stubs(), aug.namespace()
    names[ANSWERS[test]] = whole[ANSWERS[test]]
    exec(clock, names)
    assert aug.run(test, names).passed


ANSWERS = {
    "aug-shift": "shift_nearest",
    "aug-layers": "build_augmentation",
    "aug-training-only": "with_augmentation",
    "aug-erase": "erase",
    "aug-mixup": "mixup",
    "aug-rate": "images_per_second",
}

# Faults that show in few cases only.
FAULTS = {
    "aug-shift": {
        "one array for all results": (
            """
_buf = {}
def shift_nearest(images, dx, dy):
    out = _buf.setdefault((images.shape, images.dtype), np.empty_like(images))
    h, w = images.shape[1:3]
    out[...] = images[:, np.clip(np.arange(h) - dy, 0, h - 1)][
        :, :, np.clip(np.arange(w) - dx, 0, w - 1)
    ]
    return out
""",
            "changes what the first one returned: make new arrays",
        ),
        "a black corner": (
            changed(
                INDEXED,
                ("return images", "out = images"),
                (
                    "columns]",
                    "columns]\n    if dx > 0 < dy:\n        out[:, :dy, :dx] = 0\n    return out",
                ),
            ),
            "For a shift to the right and down, some pixels are wrong",
        ),
        "three colors": (
            """
def shift_nearest(images, dx, dy):
    out = np.zeros_like(images)
    n, h, w, channels = images.shape
    for y in range(h):
        for x in range(w):
            for c in range(min(channels, 3)):
                row, column = min(max(y - dy, 0), h - 1), min(max(x - dx, 0), w - 1)
                out[:, y, x, c] = images[:, row, column, c]
    return out
""",
            "the first channel is right, but another one is wrong",
        ),
        "values of bytes": (
            changed(
                INDEXED,
                ("return images", "return np.clip(images"),
                ("columns]", "columns], 0, 255)"),
            ),
            "values below 0 and above 255, some pixels are wrong",
        ),
    },
    "aug-training-only": {
        "no gradient": (
            """
def with_augmentation(augmentation, network):
    x = keras.Input((32, 32, 3))
    return keras.Model(x, keras.ops.stop_gradient(network(augmentation(x))))
""",
            "ValueError: No gradients provided for any variable",
        ),
    },
    "aug-erase": {
        "three channels": (
            """
def erase(images, tops, lefts, size, value=0.5):
    out = images.copy()
    for im, t, l in zip(out, tops, lefts):
        im[t : t + size, l : l + size, :3] = value
    return out
""",
            "inside the square, in a channel after the first, does not have the value asked for",
        ),
    },
    "aug-mixup": {
        "clipped": (
            """
def mixup(images, labels, shares, partners):
    share, hot = shares[:, None, None, None], np.eye(10)[labels.ravel()]
    blends = np.clip(share * images + (1 - share) * images[partners], 0.0, 1.0)
    return blends, shares[:, None] * hot + (1 - shares[:, None]) * hot[partners]
""",
            "A blend is clipped to 0 to 1: keep its values as they are",
        ),
    },
    "aug-rate": {
        "a least time": (
            """
def images_per_second(batches, clock=time.perf_counter):
    it = iter(batches)
    next(it)
    start = clock()
    n = sum(len(b) for b in it)
    return n / max(clock() - start, 1e-2)
""",
            "the arrival of the first batch to that of the last",
        ),
        "ten batches": (
            """
def images_per_second(batches, clock=time.perf_counter):
    it = iter(batches)
    next(it)
    start = clock()
    n = 0
    for k, b in enumerate(it):
        n += len(b)
        if k >= 9:
            break
    return n / (clock() - start)
""",
            "the arrival of the first batch to that of the last",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(aug, clock, test, answer):
    code, words = answer
    result = aug.run(test, aug.namespace(f"{clock}\n{code}"))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result
