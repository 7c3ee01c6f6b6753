"""Answers and messages that are made to mislead or to break the process that reads them."""

from entry import Entry, Nb, first

_ANSWERS = """
import convcourse.wire.answers as answers, json, pathlib
def poisoned(kind, name, arguments, to):
    pathlib.Path(to).write_bytes({})
answers.answer = poisoned"""
_BYTES = "b'+' + len(head).to_bytes(8, 'little') + head + bytes(64)"
_KERNEL = "k = get_ipython().kernel\n"
_CONFIG = """
import convcourse.wire.answers as answers, json, pathlib
def layer(name, **config):
    return {{"module": "keras.layers", "class_name": name, "config": config,
            "registered_name": None}}
layers = {}
def poisoned(kind, name, arguments, to):
    tree = {{"class": "Sequential", "config": json.dumps({{"name": "net", "layers": layers}})}}
    head = json.dumps({{"tree": tree, "arrays": []}}).encode()
    pathlib.Path(to).write_bytes(b"+" + len(head).to_bytes(8, "little") + head)
answers.answer = poisoned
def build(units): return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units)])
net = 0"""


def answers(value: str) -> dict[str, str]:
    """Every question is answered with these bytes; the visible checks pass before."""
    passing = {"double-answer": "def double(n):\n    return 2", "net-answer": "net = 1"}
    return passing | {"double-answer": passing["double-answer"] + _ANSWERS.format(value)}


_SLOW = """
import zmq
frame = k.session.msg("status", parent=k.get_parent())
plain = k.session.pack
slow = b'{"execution_state": "busy", "x": [' + b"[]," * 2_000_000 + b"[]]}"
k.session.pack = lambda one: slow if one == {} else plain(one)
frames = k.session.serialize(frame)
k.session.pack = plain
large = zmq.Frame(bytes(15_000_000))
stream = k.iopub_socket.io_thread.socket
stream.send_multipart([b"x", *frames])
for _ in range(40): stream.send_multipart([b"x", large], copy=False)"""


def head(text: str) -> dict[str, str]:
    """Every question is answered with this head and a few bytes of arrays."""
    found = answers(_BYTES)
    return found | {"double-answer": f"head = {text}\n{found['double-answer']}"}


def described(layers: str) -> dict[str, str]:
    """Every model is answered with this list of layers and no weights."""
    return {"net-answer": _CONFIG.format(layers)}


def replies(content: str) -> dict[str, str]:
    """Every later reply to a cell has this content."""
    return first(
        f"{_KERNEL}plain = k.session.send\n"
        "def send(stream, kind, content=None, *a, **more):\n"
        "    if kind == 'execute_reply':\n"
        f"        content = {content}\n"
        "    return plain(stream, kind, content, *a, **more)\nk.session.send = send"
    )


def sends(kind: str, content: str) -> dict[str, str]:
    """One message more on the kernel's socket of outputs, as an answer to the present cell."""
    return first(
        f"{_KERNEL}k.session.send(k.iopub_socket, {kind!r}, {content}, parent=k.get_parent())"
    )


def updated_later(nb: Nb) -> None:
    """A new last cell changes what the check before it has shown."""
    import nbformat

    code = "from IPython.display import update_display\n"
    code += "update_display({'text/plain': '2', 'text/html': '<b>'}, display_id='mark', raw=True)"
    nb.cells.append(nbformat.v4.new_code_cell(code))


ENTRIES = [
    Entry("answer-status-is-a-list", "answers with a list for a status", answers("b'-[[1], 2]'")),
    Entry(
        "answer-of-half-characters",
        "answers with text that no file can hold",
        answers(r"""b'-["wrong", "\\ud800"]'"""),
    ),
    Entry("answer-is-empty", "answers with nothing", answers("b''")),
    Entry(
        "answer-without-size",
        "answers with a million million texts of length 0",
        head("""b'{"tree": {"array": 0}, "arrays": [["U0", [1000000000000]]]}'"""),
    ),
    Entry(
        "answer-of-objects",
        "answers with an array of Python objects",
        head("""b'{"tree": {"array": 0}, "arrays": [["|O8", [2]]]}'"""),
    ),
    Entry(
        "answer-is-cut",
        "announces more bytes of an array than it writes",
        head("""b'{"tree": {"array": 0}, "arrays": [["<f8", [100000000]]]}'"""),
    ),
    Entry(
        "answers-too-few",
        "answers a question about several cases with an empty list",
        head("""b'{"tree": {"list": []}, "arrays": []}'"""),
    ),
    Entry(
        "answer-of-many-axes",
        "answers with an array of a hundred axes",
        head("""b'{"tree": {"array": 0}, "arrays": [["|u1", [' + b'1, ' * 99 + b'1]]]}'"""),
    ),
    Entry(
        "answer-without-end",
        "answers with an array of 500,000,000,000 empty rows",
        head("""b'{"tree": {"array": 0}, "arrays": [["|u1", [549755813887, 0]]]}'"""),
    ),
    Entry(
        "answer-of-many-arrays",
        "answers with thirty thousand empty arrays",
        head("""b'{"tree": 0, "arrays": [' + b'["|u1", [0]], ' * 29_999 + b'["|u1", [0]]]}'"""),
    ),
    Entry("answer-of-brackets", "nests brackets in an answer", head("b'[' * 1_000_000")),
    Entry(
        "answer-of-lists",
        "answers with 60 MB of empty lists, which take 1.2 GB to read",
        head("b'[' + b'[],' * 20_000_000"),
    ),
    Entry(
        "answer-with-a-function",
        "answers with a tree that names what is no data",
        head("""b'{"tree": {"__import__": ["os"]}, "arrays": []}'"""),
    ),
    Entry(
        "described-lambda",
        "describes a layer that holds Python bytecode",
        described("""[layer("Dense", units=2, activation={"class_name": "__lambda__",
            "config": {"value": "gASVDAAAAAAAAACMAm9zlIwGc3lzdGVtlJOULg=="}})]"""),
    ),
    Entry(
        "described-import",
        "describes a layer by a function of a module of the system",
        described("""[{"module": "os", "class_name": "system", "config": "true",
            "registered_name": "system"}]"""),
    ),
    Entry(
        "described-huge-layers",
        "describes layers of 17 GB and brings no weights",
        described("""[layer("InputLayer", batch_shape=[None, 65536]),
            layer("Dense", units=65536), layer("Dense", units=65536)]"""),
    ),
    Entry(
        "described-many-layers",
        "describes ten thousand layers",
        described("""[layer("InputLayer", batch_shape=[None, 3]),
            *[layer("Dense", units=1) for _ in range(10_000)]]"""),
    ),
    Entry(
        "described-picture",
        "describes a layer that enlarges pictures to a million pixels a side",
        described("""[layer("InputLayer", batch_shape=[None, 3, 3, 3]),
            layer("Resizing", height=1_000_000, width=1_000_000)]"""),
    ),
    Entry(
        "described-nest",
        "describes a network in which each network calls the one inside it twice",
        {
            "net-answer": "flat = keras.layers.Dense(3, kernel_initializer='zeros')\n"
            "net = keras.Sequential([keras.Input((3,)), flat])\n"
            "for _ in range(9):\n    x = keras.Input((3,))\n"
            "    net = keras.Model(x, keras.layers.Add()([net(x), net(x)]))"
        },
    ),
    Entry("reply-is-a-list", "replies to each cell with a list", replies("['status', 'ok']")),
    Entry(
        "reply-is-poisoned",
        "replies to each cell with lists in the place of names",
        replies("{'status': 'error', 'ename': ['Wrong'], 'evalue': {}, 'traceback': 5}"),
    ),
    Entry("reply-says-ok", "replies to each cell that all went well", replies("{'status': 'ok'}")),
    Entry(
        "output-of-half-characters",
        "shows text that no file can hold",
        sends("stream", "{'name': 'stdout', 'text': '\\ud800'}"),
    ),
    Entry(
        "count-is-text",
        "numbers a cell with a text",
        sends("execute_input", "{'code': '', 'execution_count': '<script>alert(1)</script>'}"),
    ),
    Entry(
        "stream-is-named",
        "shows text on a stream whose name is a script",
        sends("stream", "{'name': '\"><script>alert(1)</script>', 'text': 'x'}"),
    ),
    Entry(
        "error-is-malformed",
        "shows an error whose traceback is a number",
        sends("error", "{'ename': [], 'evalue': {}, 'traceback': 5}"),
    ),
    Entry(
        "updates-its-mark",
        "shows something in a check, and changes it to the mark when the verdict stands there",
        {
            "sign-answer": "def sign(n):\n"
            "    display({'text/plain': 'x'}, display_id='mark', raw=True)\n    return 5"
        },
        change=updated_later,
    ),
    Entry(
        "widget-takes-outputs",
        "opens an output widget that takes the outputs of later cells",
        sends(
            "comm_open",
            "{'comm_id': 'x', 'target_name': 'jupyter.widget', 'data': {'state': "
            "{'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel', "
            "'msg_id': '', 'outputs': []}}}",
        ),
    ),
    Entry(
        "many-messages",
        "shows fifty thousand small things",
        first("for i in range(50_000): display({'text/plain': 'x' * 99}, raw=True)"),
    ),
    Entry(
        "one-large-message",
        "shows one thing of 80 MB",
        first("display({'text/plain': 'x' * 80_000_000}, raw=True)"),
    ),
    Entry(
        "fills-the-reader",
        "sends 600 MB behind a message that takes long to read",
        first(_KERNEL + _SLOW.lstrip()),
    ),
    Entry(
        "closes-sockets",
        "closes the kernel's sockets and goes on",
        first(f"{_KERNEL}k.shell_stream.close()\nk.iopub_socket.close()"),
    ),
]
