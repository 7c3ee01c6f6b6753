"""What a warm process has loaded: all that notebooks and judges import, and nothing started.

TensorFlow's runtime must not run here: its threads would not survive the fork. So no tensor is
made at import time; tests/autograder/test_kernels.py checks this. Nothing secret may be here
either, because every kernel inherits this memory.
"""

import contextlib
import importlib
import pkgutil

import helpers
from helpers import profile, shapes

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
"""


def modules() -> list[str]:
    """Names of everything to load: these and each module of `helpers`."""
    own = pkgutil.walk_packages(helpers.__path__, "helpers.")
    return [*_NAMES.split(), *(m.name for m in own)]


for _name in modules():
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)


def _without_tuner() -> None:
    """Data pipelines are not tuned unless somebody asks for it.

    TensorFlow's tuner is a thread that sleeps for ever longer times. An epoch ends when that thread
    has ended, and where cores are busy it misses the call and sleeps on: up to a third of the time
    of a training on few images went by so, with nothing computed. The results are the same.
    """
    import tensorflow as tf

    plain = tf.data.Options.__init__

    def init(self) -> None:
        plain(self)
        self.autotune.enabled = False

    tf.data.Options.__init__ = init


def images() -> None:
    """Draw what most notebooks load under *offline*, for all that are forked from now on."""
    offline = profile.PROFILES["offline"]
    shapes.keep(offline.train_images, offline.test_images)


_without_tuner()
