"""Loads everything that notebooks and judges import, and starts nothing.

TensorFlow's runtime must not start here, because its threads would not survive the fork. So no
import may create a tensor; tests/autograder/test_kernels.py checks this. Nothing secret may be
here either, because every kernel inherits this memory.
"""

import contextlib
import functools
import importlib
import io
import os
import pkgutil
from typing import Any

import convcourse
from autograder.warm import pools
from convcourse import device, profile, shapes

_NAMES = """
    tensorflow keras numpy numpy.random
    tensorflow.python.data.ops.concatenate_op tensorflow.python.data.ops.flat_map_op
    tensorflow.python.data.ops.from_tensors_op tensorflow.python.data.ops.range_op
    tensorflow.python.data.ops.zip_op
    sklearn.datasets sklearn.linear_model sklearn.manifold
    sklearn.metrics sklearn.model_selection sklearn.multiclass sklearn.preprocessing sklearn.svm
    matplotlib matplotlib.pyplot matplotlib.backends.backend_agg
    IPython IPython.core.completer IPython.core.magics IPython.core.history IPython.display
    IPython.core.completerlib IPython.core.debugger IPython.core.logger IPython.core.oinspect
    IPython.core.pylabtools IPython.extensions.storemagic
    ipykernel.ipkernel ipykernel.kernelapp ipykernel.zmqshell ipykernel.iostream ipykernel.debugger
    ipykernel.displayhook ipykernel.heartbeat jedi comm debugpy
    jupyter_client.session zmq.eventloop.zmqstream tornado.platform.asyncio
    h5py PIL.Image PIL.BmpImagePlugin PIL.GifImagePlugin PIL.JpegImagePlugin PIL.PngImagePlugin
    PIL.PpmImagePlugin rich._emoji_codes zmq.utils.garbage autograder.submission
    autograder.warm.kernel
"""


def modules() -> list[str]:
    """The names of all modules to load, including every module of `convcourse`."""
    own = pkgutil.walk_packages(convcourse.__path__, "convcourse.")
    return [*_NAMES.split(), *(m.name for m in own)]


for _name in modules():
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)


def _without_tuner() -> None:
    """Turn off the automatic tuning of data pipelines, unless code asks for it.

    TensorFlow's tuner is a thread whose sleeps get longer and longer. An epoch ends only when that
    thread ends, and on busy cores it misses the signal and sleeps on. This took up to a third of
    the time of a training on few images. The results are the same without it.
    """
    import tensorflow as tf

    plain = tf.data.Options.__init__

    def init(self: Any) -> None:
        plain(self)
        self.autotune.enabled = False

    tf.data.Options.__init__ = init


def idle() -> None:
    """Do once for all later processes what most notebooks would do first.

    Draws the images of the profile *offline*, looks for the versions that each set-up cell shows,
    and draws a figure: with the first one, matplotlib looks for its fonts and builds its tables.
    """
    offline = profile.PROFILES["offline"]
    if offline.train_images and offline.test_images:
        shapes.keep(offline.train_images, offline.test_images)
    device.versions()
    _backends()
    _figure()


def _backends() -> None:
    """Have matplotlib look for backends in all installed packages, as each kernel would."""
    from matplotlib.backends import backend_registry

    backend_registry.list_all()


def _figure() -> None:
    """Draw a figure with an image, a line, a legend and a formula, and forget it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 2), layout="constrained")  # unknown to pyplot
    left, right = figure.subplots(1, 2)
    left.imshow([[0, 1]])
    right.plot([1, 2], label="$x^2$")
    right.set(title="title", xlabel="steps")
    right.legend()
    FigureCanvasAgg(figure).print_figure(io.BytesIO(), format="png", bbox_inches="tight")


def forked() -> None:
    """Redo, in a forked process, what each interpreter would do at its own start."""
    _random_state()
    _threads()
    pools.prepare()


def _random_state() -> None:
    """Seed NumPy again.

    Python's own generator reseeds itself after a fork; uuid4 and TensorFlow draw their seeds
    later. The order of sets of strings is that of the server, and only a new interpreter could
    change it.
    """
    import numpy as np

    np.random.seed()


def _threads() -> None:
    """Give BLAS and OpenMP as many threads as a newly started interpreter would have."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    _pools().limit(limits=int(wanted) if wanted.isdigit() else len(os.sched_getaffinity(0)))


@functools.cache  # the server finds the libraries once for all processes
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_without_tuner()
_pools()
