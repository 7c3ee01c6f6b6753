"""Hostile submissions, each a few lines with a sentence about what it tries."""

import exhausting
import handed
import messages
import pages
import reading
from entry import (
    Entry,
    another_kernel,
    cell,
    copied,
    deep,
    edited,
    fifo,
    file,
    first,
    link_beside,
    linked,
    older_format,
    reversed_cells,
    tagged,
    with_outputs,
    without,
)

from course import NAME, RIGHT

GAIN_BY_PATCHING = [
    Entry(
        "patched-checks",
        "replaces every function of convcourse.checks, so that nothing can fail",
        first(
            "import convcourse.checks as c\n"
            "for name in ('that', 'equal', 'close', 'shape', 'architecture', 'parameters'):\n"
            "    setattr(c, name, lambda *a, **k: None)"
        ),
    ),
    Entry(
        "patched-submission",
        "puts a module in the place of autograder.submission",
        first(
            "import sys, types\nfake = types.ModuleType('autograder')\n"
            "fake.submission = type('S', (), {'__getattr__': lambda s, n: lambda *a, **k: 1})()\n"
            "sys.modules['autograder'] = fake; sys.modules['autograder.submission'] = fake"
        ),
    ),
    Entry(
        "patched-numpy",
        "makes numpy say that everything is equal",
        first("np.allclose = np.array_equal = lambda *a, **k: True\nnp.all = lambda *a, **k: True"),
    ),
    Entry(
        "patched-builtins",
        "replaces list, len, all and isinstance in builtins",
        first(
            "import builtins\nbuiltins.all = lambda *a: True\n"
            "builtins.any = lambda *a: False\nbuiltins.AssertionError = type('E', (Exception,), {})"
        ),
    ),
    Entry(
        "count-params",
        "gives a model whose count_params and layers lie",
        {
            "build-answer": "class M(keras.Sequential):\n    def count_params(self): return 20\n"
            "def build(units):\n    return M([keras.layers.Input((3,)), keras.layers.Dense(1)])"
        },
    ),
    Entry(
        "lying-predict",
        "gives a model whose predict and evaluate are always right",
        {
            "net-answer": "class M(keras.Sequential):\n"
            "    def predict(self, x, **k): return np.eye(3)[:len(x)]\n"
            "    def evaluate(self, *a, **k): return [0.0, 1.0]\n"
            "net = M([keras.layers.Input((3,)), keras.layers.Dense(2)])\n"
            "net.set_weights([-np.eye(3)[:, :2], np.zeros(2)])"
        },
    ),
    Entry(
        "always-equal",
        "returns an object that is equal to everything",
        {
            "double-answer": "class E(int):\n    __eq__ = lambda s, o: True\n"
            "    __hash__ = int.__hash__\n    __sub__ = __rsub__ = lambda s, o: 0\n"
            "def double(n):\n    return E(0)"
        },
    ),
    Entry(
        "lying-array",
        "returns an object whose __array__ is another one each time",
        {
            "table-answer": "class A:\n    n = 0\n    def __array__(self, *a, **k):\n"
            "        return np.arange(5)\n    def __iter__(self): return iter([1])\n"
            "table = A()"
        },
    ),
    Entry(
        "replaced-answers",
        "replaces the responder that exports values, and writes a number for every question",
        first(
            "import convcourse.wire.answers as a, convcourse.wire.export as e, pathlib\n"
            "def forged(kind, name, arguments, to):\n"
            "    pathlib.Path(to).write_bytes(b'+' + e.dumps(*e.to_plain(1)))\n"
            "a.answer = forged"
        ),
    ),
    Entry(
        "answers-no-data",
        "writes a pickle in place of an answer",
        first(
            "import convcourse.wire.answers as a, pathlib, pickle\n"
            "a.answer = lambda k, n, g, to: pathlib.Path(to).write_bytes(pickle.dumps(print))"
        ),
    ),
    Entry(
        "answer-is-a-link",
        "makes each answer a link to a file of the system",
        first(
            "import convcourse.wire.answers as a, os\na.answer = lambda k, n, g, to: os.symlink('/etc/passwd', to)"
        ),
    ),
    Entry(
        "answer-is-a-pipe",
        "makes each answer a named pipe, so that the reader waits for ever",
        first(
            "import convcourse.wire.answers as a, os\na.answer = lambda k, n, g, to: os.mkfifo(to)"
        ),
    ),
    Entry(
        "answer-is-huge",
        "writes an answer of 600 MB",
        first(
            "import convcourse.wire.answers as a\n"
            "def huge(k, n, g, to):\n    with open(to, 'wb') as f:\n        f.truncate(600 * 2**20)\n"
            "a.answer = huge"
        ),
    ),
]

FORGED_OUTPUTS = [
    Entry(
        "number-shown",
        "shows a number in a test cell, which nbgrader takes for the mark",
        first(
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "get_ipython().ast_node_interactivity = 'all'\n"
            "checks.exercise = lambda *a, **k: __import__('contextlib').nullcontext(display(100))"
        ),
    ),
    Entry(
        "hook-after-cell",
        "registers a hook that clears errors and shows full marks after each cell",
        first(
            "def hook(result):\n    result.error_in_exec = None\n    display(2)\n"
            "get_ipython().events.register('post_run_cell', hook)"
        ),
    ),
    Entry(
        "input-transformer",
        "rewrites every later cell to a number before it runs",
        first("get_ipython().input_transformers_post.append(lambda lines: ['2\\n'])"),
    ),
    Entry(
        "ast-transformer",
        "takes all statements out of every later cell",
        first(
            "import ast\nclass T(ast.NodeTransformer):\n"
            "    def visit_Module(self, node):\n        node.body = []\n        return node\n"
            "get_ipython().ast_transformers.append(T())"
        ),
    ),
    Entry(
        "quiet-errors",
        "handles every exception of later cells in silence",
        first(
            "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)\n"
            "get_ipython().showtraceback = lambda *a, **k: None"
        ),
    ),
    Entry(
        "run-cell-replaced",
        "replaces the shell's run_cell by one that does nothing and succeeds",
        first(
            "from IPython.core.interactiveshell import ExecutionResult\n"
            "s = type(get_ipython())\n"
            "async def nothing(self, *a, **k):\n    return ExecutionResult(None)\n"
            "s.run_cell_async = nothing"
        ),
    ),
    Entry(
        "faked-reply",
        "sends messages of its own on the kernel's sockets: results, idle, another's parent",
        first(
            "k = get_ipython().kernel\n"
            "for kind, content in (('execute_result', {'data': {'text/plain': '2'}, 'metadata': {},"
            " 'execution_count': 1}), ('status', {'execution_state': 'idle'})):\n"
            "    k.session.send(k.iopub_socket, kind, content, parent={'header': {'msg_id': 'x'}})"
        ),
    ),
    Entry(
        "garbage-messages",
        "sends messages that are no messages",
        first(
            "k = get_ipython().kernel\nk.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'0'])\n"
            "k.session.send(k.iopub_socket, 'stream', {'no': 'text'}, parent=k.get_parent())"
        ),
    ),
    Entry("outputs-handed-in", "hands in outputs that say full marks", change=with_outputs),
]

METADATA = [
    Entry("tests-deleted", "deletes the test cells", change=without("double", "table", "net")),
    Entry(
        "test-emptied",
        "empties a test cell and unlocks it",
        change=lambda nb: cell(nb, "double").update(source="2"),
    ),
    Entry(
        "test-copied",
        "hands in two cells of the same name, the first with a test of its own",
        change=copied("double", "pass"),
    ),
    Entry("skip-tagged", "tags every cell to be skipped", change=tagged),
    Entry("more-points", "raises the points of a test", change=edited("double", points=1_000)),
    Entry("negative-points", "makes points negative", change=edited("double", points=-5)),
    Entry("no-grade", "turns a test into no test", change=edited("double", grade=False)),
    Entry("unlocked", "unlocks a test", change=edited("double", locked=False, solution=True)),
    Entry(
        "foreign-schema", "says another schema version", change=edited("double", schema_version=99)
    ),
    Entry("old-schema", "says an old schema version", change=edited("table", schema_version=1)),
    Entry("another-id", "gives a test another name", change=edited("double", grade_id="else")),
    Entry("swapped-id", "gives one test another's name", change=edited("double", grade_id="table")),
    Entry("moved", "hands the cells in in reverse order", change=reversed_cells),
    Entry("another-kernel", "asks for another kernel", change=another_kernel),
    Entry("older-format", "hands in format 3 without cells", change=older_format, refused=True),
    Entry("deep-metadata", "nests metadata 400 levels deep", change=deep),
    Entry(
        "metadata-is-text",
        "makes metadata a text",
        change=lambda nb: cell(nb, "table").update(metadata="x"),
    ),
    Entry(
        "cells-is-text",
        "makes the list of cells a text",
        change=lambda nb: nb.update(cells="x"),
        refused=True,
    ),
    Entry(
        "new-test",
        "adds a test of its own, worth a thousand points",
        change=copied("double", "2") and edited("double", points=1_000),
    ),
]

FILES = [
    Entry("notebook-is-a-link", "links to another's notebook", files=linked, refused=True),
    Entry("notebook-is-a-pipe", "hands in a named pipe", files=fifo, refused=True),
    Entry("links-beside", "hands in links to the system and to itself", files=link_beside),
    Entry("own-numpy", "hands in a numpy.py", files=file("numpy.py", "raise SystemExit")),
    Entry("own-helpers", "hands in helpers/checks.py", files=file("helpers/checks.py", "x = 1")),
    Entry(
        "own-autograder",
        "hands in an autograder package",
        files=file("autograder/__init__.py", "submission = None"),
    ),
    Entry(
        "own-launcher",
        "hands in ipykernel_launcher.py and sitecustomize.py",
        files=lambda f: (
            [file(n, "raise SystemExit")(f) for n in ("ipykernel_launcher.py", "sitecustomize.py")]
            and None
        ),
    ),
    Entry(
        "back-dated",
        "hands in a time-stamp that is no time",
        files=file("timestamp.txt", "the year 1"),
    ),
    Entry("empty-file", "hands in an empty file", files=file(f"{NAME}.ipynb", ""), refused=True),
    Entry("list-file", "hands in a list", files=file(f"{NAME}.ipynb", "[1]"), refused=True),
    Entry(
        "nested-file",
        "hands in brackets only",
        files=file(f"{NAME}.ipynb", "[" * 100_000),
        refused=True,
    ),
]

VALUES = [
    Entry(
        "huge-value",
        "gives an array of 2 GB without filling it",
        {"table-answer": "table = np.zeros((16384, 16384))"},
    ),
    Entry(
        "cyclic-value",
        "gives a list that holds itself",
        {"table-answer": "table = []\ntable.append(table)"},
    ),
    Entry(
        "nested-value",
        "gives a list nested a hundred thousand levels deep",
        {"table-answer": "table = []\nfor _ in range(100_000): table = [table]"},
    ),
    Entry(
        "endless-value",
        "gives an endless generator",
        {"table-answer": "import itertools\ntable = itertools.count()"},
    ),
    Entry(
        "array-for-a-value",
        "returns arrays where values are counted, so that the sum is no number",
        {"sign-answer": "def sign(n):\n    return np.array([5, 5])"},
    ),
    Entry(
        "object-array",
        "gives an array of objects",
        {"table-answer": "table = np.array([print, 1], dtype=object)"},
    ),
    Entry(
        "long-integer",
        "gives an integer of a million digits",
        {"table-answer": "table = [10 ** 1_000_000]"},
    ),
    Entry(
        "lambda-layer",
        "gives a model with a Lambda layer that calls Python",
        {
            "build-answer": "import tensorflow as tf\ndef build(units):\n"
            "    return keras.Sequential([keras.layers.Input((3,)),"
            " keras.layers.Dense(units), keras.layers.Lambda(lambda x: tf.numpy_function("
            "lambda a: a, [x], tf.float32), output_shape=(units,))])"
        },
    ),
    Entry(
        "registered-layer",
        "gives a model with a registered layer of its own, whose configuration lies",
        {
            "build-answer": "@keras.saving.register_keras_serializable('keras', 'Dense2')\n"
            "class Dense2(keras.layers.Dense):\n    def count_params(self): return 20\n"
            "    def __init__(self, units, **k): super().__init__(min(units, 2), **k)\n"
            "    def get_config(self): return super().get_config() | {'units': 8201}\n"
            "def build(units):\n    return keras.Sequential([keras.layers.Input((3,)), Dense2(units)])"
        },
    ),
    Entry(
        "huge-layer",
        "describes a model of a billion units",
        {
            "net-answer": "net = keras.Sequential([keras.layers.Dense(10**9)])\n"
            "net.built = True\nnet._build_input_shape = (None, 3)"
        },
    ),
    Entry(
        "not-finite",
        "gives a model with weights that are no numbers",
        {
            "net-answer": "net = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])\n"
            "net.set_weights([np.full((3, 2), np.nan), np.zeros(2)])"
        },
    ),
    Entry(
        "forged-config",
        "gives an object that calls itself a model",
        {
            "net-answer": "class F:\n    built = True\n    weights = []\n"
            "    def get_config(self): return {'layers': [{'module': 'os', 'class_name': 'system'}]}\n"
            "net = F()"
        },
    ),
]

READING = [
    Entry(
        "shows-arguments",
        "keeps the hidden arguments and shows them in a later cell",
        {
            "double-answer": "seen = []\ndef double(n):\n    seen.append(n)\n    return 2 if n == 1 else 0",
            "table-answer": "print('seen', seen)\ntable = [1]",
        },
    ),
    Entry(
        "raises-arguments",
        "raises the hidden arguments in an exception's text",
        {
            "double-answer": "def double(n):\n    if n == 1: return 2\n    raise ValueError(f'got {n}')"
        },
    ),
    Entry(
        "names-arguments",
        "raises an exception whose class is named after the hidden arguments",
        {
            "double-answer": "def double(n):\n    if n == 1: return 2\n"
            "    raise type(f'got{n}', (Exception,), {})()"
        },
    ),
    Entry(
        "reads-frames",
        "searches all frames and objects for a hidden block",
        first(
            "import gc, sys\n"
            "found = [o for o in gc.get_objects() if isinstance(o, str) and 'BEGIN HIDDEN' in o]\n"
            "print('found', found)"
        ),
    ),
    Entry(
        "reads-source",
        "looks for the source notebook above and beside the working folder",
        first(
            "import glob, os\nfor place in ('.', '..', '../..', '/', os.path.expanduser('~')):\n"
            "    for f in glob.glob(place + '/**/source/**/*.ipynb', recursive=True)[:5]:\n"
            "        print(open(f).read())"
        ),
        walls=True,
    ),
    Entry(
        "reads-environment",
        "shows the environment and the processes",
        first("import os\nprint(dict(os.environ), os.listdir('/proc'))"),
        walls=True,
    ),
    Entry(
        "imports-autograder",
        "imports the autograder in the kernel and asks it for its thresholds",
        first(
            "from autograder import course, root, submission\nprint(root.find_root(), course.load().heldout_seed)"
        ),
        walls=True,
    ),
]

DAMAGE = [
    Entry("exits", "ends the kernel", first("import os\nos._exit(0)")),
    Entry(
        "kills",
        "kills the kernel's own process",
        first("import os, signal\nos.kill(os.getpid(), 9)"),
    ),
    Entry(
        "kills-others",
        "kills every process that it may",
        first("import os\nos.kill(-1, 9)"),
        walls=True,
    ),
    Entry(
        "endless",
        "loops for ever and ignores interrupts",
        first("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"),
    ),
    Entry("prints-much", "prints six million lines", first("print('x\\n' * 6_000_000)")),
    Entry(
        "recursion",
        "recurses without an end",
        first("import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()"),
    ),
    Entry(
        "leaves-process",
        "leaves a process behind",
        first("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)"),
        walls=True,
    ),
    Entry(
        "writes-gradebook",
        "writes marks into the gradebook above its folder",
        first(
            "import glob, sqlite3\nfor up in ('..', '../..', '../../..'):\n"
            "    for f in glob.glob(up + '/gradebook.db'):\n"
            "        with sqlite3.connect(f) as db: db.execute('update grade set manual_score = 99')"
        ),
        walls=True,
    ),
    Entry(
        "uses-network",
        "opens a connection",
        first("import socket\nsocket.create_connection(('127.0.0.1', 22), 2)"),
        walls=True,
    ),
    Entry(
        "script-in-output",
        "shows HTML and JavaScript that would run in the grader's browser",
        first(
            "from IPython.display import HTML, Javascript, SVG\n"
            "display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))"
        ),
    ),
    Entry(
        "script-in-text",
        "writes a script into the written answer",
        {"why": "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1))"},
    ),
    Entry(
        "script-in-error",
        "raises an exception whose text is a script",
        first("raise ValueError('<script>alert(1)</script>')"),
    ),
    Entry(
        "half-honest",
        "does half of the work honestly, then ends the kernel",
        {
            "double-answer": RIGHT["double-answer"],
            "table-answer": "table = [0, 1, 4, 9, 16]",
            "net-answer": "import os\nos._exit(1)",
        },
        earned=3,
    ),
]

ENTRIES = [
    *GAIN_BY_PATCHING,
    *FORGED_OUTPUTS,
    *METADATA,
    *FILES,
    *VALUES,
    *READING,
    *DAMAGE,
    *messages.ENTRIES,
    *pages.ENTRIES,
    *reading.ENTRIES,
    *handed.ENTRIES,
    *exhausting.ENTRIES,
]
