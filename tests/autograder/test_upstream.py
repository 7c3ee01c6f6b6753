"""Every foreign name in docs/upstream.md still exists and means what our code expects."""

import importlib.util
import inspect
import os
import pickle
import re
from multiprocessing import connection, forkserver
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


def test_nbgrader_opens_the_gradebook_by_this_name():
    from nbgrader.api import Gradebook

    from autograder.nbgrader import ledger

    for module in ledger._USERS:
        assert module.Gradebook is Gradebook
        assert " Gradebook(" in inspect.getsource(module)
    assert list(inspect.signature(Gradebook).parameters)[:1] == ["db_url"]


def test_a_new_gradebook_has_the_version_that_nbgrader_gives_it(tmp_path, monkeypatch):
    from nbgrader import api
    from sqlalchemy import inspect as look
    from sqlalchemy import text

    from autograder.nbgrader import new_gradebook

    stamped, plain = (f"sqlite:///{tmp_path}/{name}.db" for name in ("stamped", "plain"))
    found = []
    new_gradebook.stamp(stamped)
    for db_url, asks in ((plain, True), (stamped, False)):
        if not asks:
            monkeypatch.setattr(api, "get_alembic_version", None)
        with api.Gradebook(db_url) as gradebook:
            version = gradebook.db.execute(text("SELECT version_num FROM alembic_version")).all()
            found.append((version, sorted(look(gradebook.engine).get_table_names())))
    assert found[0] == found[1] and len(found[0][0]) == 1
    new_gradebook.stamp(plain)  # one that has tables stays as it is
    with api.Gradebook(plain) as gradebook:
        assert len(gradebook.db.execute(text("SELECT * FROM alembic_version")).all()) == 1


def test_nbgrader_validates_by_this_name():
    import jsonschema
    from nbgrader.nbgraderformat import common

    assert common.jsonschema is jsonschema
    assert "jsonschema.validate(" in inspect.getsource(common)


def test_nbgraders_converter_has_two_lists_of_preprocessors():
    from nbgrader.converters import Autograde, BaseConverter

    for name in ("_format_source", "exporter_class", "init_notebooks", "convert_single_notebook"):
        assert hasattr(BaseConverter, name), name
    for name in ("sanitize_preprocessors", "autograde_preprocessors", "convert_single_notebook"):
        assert name in vars(Autograde), name


def test_a_kernel_client_reads_the_reply_of_kernel_info():
    from jupyter_client.client import KernelClient

    assert list(inspect.signature(KernelClient._handle_kernel_info_reply).parameters)[1:] == ["msg"]


def test_a_kernel_application_has_these_steps():
    from ipykernel.iostream import IOPubThread, OutStream
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    steps = "init_crash_handler init_connection_file write_connection_file init_poller init_iopub"
    for name in f"{steps} init_io configure_tornado_logger load_connection_info".split():
        assert hasattr(IPKernelApp, name), name
    assert "pipe" in inspect.signature(IOPubThread).parameters
    assert "self.background_socket = " in inspect.getsource(IOPubThread)
    assert "_execute_sleep" in IPythonKernel.class_traits(config=True)
    taken = list(inspect.signature(IPythonKernel.do_execute).parameters)
    assert taken[:4] == ["self", "code", "silent", "store_history"]
    assert {"write", "flush"} <= set(vars(OutStream))
    assert "self.watch_fd_thread = threading.Thread(" in inspect.getsource(OutStream)
    assert "self.write(bts.decode(" in inspect.getsource(OutStream)
    assert "in sys.modules.copy().values()" in inspect.getsource(IPythonKernel.__init__)


def test_options_of_data_sets_have_no_arguments_and_an_autotune_switch():
    import tensorflow as tf

    assert list(inspect.signature(tf.data.Options.__init__).parameters) == ["self"]
    assert hasattr(tf.data.Options().autotune, "enabled")


def test_every_preloaded_module_exists():
    source = ROOT / "autograder" / "src" / "autograder" / "warm" / "preload.py"
    names = re.search(r'_NAMES = """(.*?)"""', source.read_text(encoding="utf-8"), re.DOTALL)
    missing = [name for name in names[1].split() if importlib.util.find_spec(name) is None]
    assert missing == []


def test_jsonschema_looks_for_the_parsers_of_addresses():
    from jsonschema import _format

    from autograder import quick_import

    assert f"from {quick_import.PARSERS} import" in inspect.getsource(_format)


def test_the_forkserver_can_be_started_ahead():
    assert list(inspect.signature(forkserver.ensure_running).parameters) == []


def test_a_connection_is_made_of_a_file_descriptor():
    theirs, ours = os.pipe()
    with (
        connection.Connection(theirs, writable=False) as end,
        connection.Connection(ours, readable=False) as start,
    ):
        start.send("a word")
        assert end.recv() == "a word"


def test_a_functional_network_is_known_by_its_name():
    import keras

    inputs = keras.Input((2,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    assert type(network).__name__ == "Functional"
    assert keras.saving.serialize_keras_object(network)["class_name"] == "Functional"


def test_a_model_keeps_the_arguments_of_compile():
    import keras

    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    network.compile("adam", keras.losses.MeanSquaredError, metrics=["mae"])
    given = network._compile_config.config
    assert given["loss"] is keras.losses.MeanSquaredError and given["metrics"] == ["mae"]


def test_calls_of_layers_and_captured_weights_can_be_noted():
    import keras
    import tensorflow as tf

    layer, seen = keras.layers.Dense(1), []
    layer.build((None, 2))
    call = keras.layers.Layer.__call__
    assert "__call__" not in vars(keras.layers.Dense) and callable(call)
    made = tf.function(lambda x: seen.append(x) or layer(x), autograph=False)
    graph = made.get_concrete_function(tf.TensorSpec((3, 2), tf.float32)).graph
    handles = {id(weight.value.handle) for weight in layer.weights}
    assert handles <= {id(outer) for outer, _ in graph.captures}
    assert callable(tf.nn.dropout) and callable(keras.random.dropout)


def test_fit_takes_its_arguments_in_this_order():
    import keras

    names = list(inspect.signature(keras.Model.fit).parameters)[1:8]
    wanted = ["x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split"]
    assert names == wanted
    assert list(inspect.signature(keras.Model.train_on_batch).parameters)[1:3] == ["x", "y"]


def test_tensorflow_tells_which_operations_it_runs():
    import tensorflow as tf

    from convcourse import computing

    with computing.operations() as found, tf.device("CPU:0"):
        tf.matmul(tf.ones((2, 3)), tf.ones((3, 4)))
    (one,) = [one for one in found if one.name == "MatMul"]
    assert (one.inputs, one.outputs) == ([(2, 3), (3, 4)], [(2, 4)])
    assert one.device.endswith("CPU:0") and set(one.dtypes) == {"float32"}


def test_pickled_arrays_name_these_functions():
    from convcourse import _unpickle

    rebuild, scalar = np.empty(0).__reduce__()[0], np.float32(1).__reduce__()[0]
    assert {(f.__module__, f.__name__) for f in (rebuild, scalar)} <= set(_unpickle._ADMITTED)
    assert b"_reconstruct" in pickle.dumps(np.empty(0), protocol=2)


def test_the_page_names_a_test_for_each_row():
    page = (ROOT / "docs" / "upstream.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)` \|$", page, re.MULTILINE)
    own = {name for name in globals() if name.startswith("test_")}
    assert set(named) == own - {"test_the_page_names_a_test_for_each_row"}
    assert len(named) == page.count("\n| `")


def test_nbgraders_preprocessors_find_the_converter():
    from nbconvert.exporters import NotebookExporter
    from nbgrader.converters import Autograde, base
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import ClearOutput

    converter = Autograde(coursedir=CourseDirectory())
    assert issubclass(converter.exporter_class, NotebookExporter)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    exporter.register_preprocessor(ClearOutput)
    assert exporter._preprocessors[-1].parent.parent.coursedir is converter.coursedir
    reading = inspect.getsource(base.BaseConverter.convert_single_notebook)
    assert "self.exporter.from_filename(notebook_filename, resources=resources)" in reading


def test_templates_format_by_these_filters():
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader.handlers import template_path

    from autograder.pages import filters

    used = set()
    exporter = HTMLExporter()
    folders = [Path(template_path), *map(Path, exporter.template_paths)]
    for folder in folders:
        for path in folder.rglob("*.j2"):
            used |= set(re.findall(r"\|\s*(\w+)", path.read_text(encoding="utf-8")))
    own = {"highlight_code", "markdown2html", "ansi2html", "clean_html", "strip_files_prefix"}
    assert (
        own <= used
        and own <= {*exporter.environment.filters, "highlight_code"}
        and own <= set(vars(filters))
    )


def test_a_late_penalty_can_be_asked_for_without_a_run():
    from nbgrader.plugins import LateSubmissionPlugin
    from nbgrader.preprocessors import AssignLatePenalties
    from traitlets.config import Config

    config = Config()
    config.AssignLatePenalties.plugin_class = "autograder.nbgrader.penalties.LatePolicy"
    assigning = AssignLatePenalties(config=config)
    assigning.init_plugin()
    assert isinstance(assigning.plugin_inst, LateSubmissionPlugin)
    assert assigning.plugin_inst.parent is assigning
    assert assigning._check_late_penalty(SimpleNamespace(score=2), 3) == 2
    source = inspect.getsource(AssignLatePenalties.preprocess)
    assert "self.gradebook = Gradebook(" in source and "self.assignment_id = " in source


def test_a_key_can_be_put_behind_another():
    import tomlkit

    table = tomlkit.parse("[[a]]\nx = 1\n\n# About b.\n[a.b]\ny = 2\n")
    table["a"][0].value._insert_after("x", "z", 3)
    assert tomlkit.dumps(table) == "[[a]]\nx = 1\nz = 3\n\n# About b.\n[a.b]\ny = 2\n"
