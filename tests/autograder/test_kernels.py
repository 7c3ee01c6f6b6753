"""Warm kernels start and end at once, and are otherwise what ordinary kernels are."""

import contextlib
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from traitlets.config import PyFileConfigLoader

from autograder.warm import kernel, server
from autograder.warm.provisioner import NAME, announce

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _found():
    announce()


def run(code: str, folder: Path, **environment: str) -> str:
    """What a cell prints in a warm kernel of its own that works in ``folder``."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = NotebookClient(nb, kernel_name=NAME, timeout=60)
    client.resources = {"metadata": {"path": str(folder)}}
    client.execute(env={**os.environ, **environment})
    return "".join(o.text for o in nb.cells[0].outputs if o.output_type == "stream").strip()


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


# ---------------------------------------------------------------------- what a kernel finds


def test_each_module_that_is_to_be_loaded_beforehand_was(tmp_path):
    code = """
import sys
from autograder.warm import preload
names = preload.modules()
print(len(names) > 60, [n for n in names if n not in sys.modules])"""
    assert run(code, tmp_path) == "True []"


def test_the_kernel_leaves_out_what_ipykernel_still_has():
    left_out = {**vars(kernel.Kernel), **vars(kernel.WalledKernel)}
    names = [n for n, one in left_out.items() if inspect.isfunction(one)]
    assert len(names) == 8 and [n for n in names if not hasattr(IPKernelApp, n)] == []
    assert "pipe" in inspect.signature(IOPubThread).parameters


def test_a_net_trains_in_a_warm_kernel(tmp_path):
    code = """
import keras, numpy as np
net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
net.compile("sgd", "mse")
print(sorted(net.fit(np.zeros((8, 4)), np.zeros((8, 3)), verbose=0).history))"""
    assert run(code, tmp_path) == "['loss']"


def test_a_figure_is_shown_as_in_an_ordinary_kernel(tmp_path):
    cells = [
        nbformat.v4.new_code_cell(code)
        for code in (
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
            "lines = plt.plot([1, 2])",  # shown at the end of the cell
        )
    ]
    nb = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(nb, kernel_name=NAME, timeout=60).execute()
    shown = [["image/png" in o.get("data", {}) for o in cell.outputs] for cell in nb.cells]
    assert shown == [[True], [True]]


def test_all_that_a_cell_prints_is_shown_in_its_order(tmp_path):
    code = """
import sys, threading
print("one", end=" ")
sys.stdout.flush()
thread = threading.Thread(target=print, args=("three",))
thread.start()
thread.join()
print("four", file=sys.stderr)
print("five")
sys.stdout.write("six")"""
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell("print('seven')")]
    nb = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(nb, kernel_name=NAME, timeout=60).execute()
    first, second = nb.cells
    text = "".join(o.text for o in first.outputs if o.get("name") == "stdout")
    assert text == "one three\nfive\nsix"
    assert [o.text for o in first.outputs if o.get("name") == "stderr"] == ["four\n"]
    assert [o.text for o in second.outputs] == ["seven\n"]


def test_the_server_has_one_thread_and_has_not_started_tensorflow(tmp_path):
    code = """
import os
from pathlib import Path
from tensorflow.python.eager import context
print(context._context is None or context._context._context_handle is None)"""
    assert run(code, tmp_path) == "True"
    status = Path(f"/proc/{server.server().pid}/status").read_text()
    assert "Threads:\t1\n" in status


def test_a_server_that_had_a_moment_has_the_images_of_offline(tmp_path):
    code = """
from convcourse import shapes
if shapes._kept:
    shapes.render = None  # none of them is drawn
    print(len(shapes.load_shapes10(5_000, 2_000)[0][0]))"""
    deadline = time.monotonic() + 30
    while not (shown := run(code, tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert shown == "5000"


def test_every_kernel_draws_its_own_random_numbers(tmp_path):
    code = """
import json, random, uuid, numpy as np, tensorflow as tf, keras
print(json.dumps([random.random(), np.random.rand(), str(uuid.uuid4()),
      float(tf.random.uniform(())), float(keras.random.uniform(())),
      float(keras.initializers.RandomUniform()((1,))[0])]))"""
    one, other = (json.loads(run(code, tmp_path)) for _ in range(2))
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_pipelines_are_tuned_only_where_that_is_asked_for(tmp_path):
    code = """
import tensorflow as tf
asked = tf.data.Options()
asked.autotune.enabled = True
rows = tf.data.Dataset.range(3)
print(rows.options().autotune.enabled, rows.with_options(asked).options().autotune.enabled)"""
    assert run(code, tmp_path) == "False True"


def test_the_working_folder_comes_last_on_the_path(tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "IPython.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "neighbour.py").write_text("word = 'found'")
    code = (
        "import os, sys, numpy, neighbour\nprint(neighbour.word, sys.path[-1] == '', os.getcwd())"
    )
    assert run(code, tmp_path) == f"found True {tmp_path}"


def test_the_environment_is_the_askers_and_none_of_it_reaches_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("LMS_TOKEN", "secret")
    code = "import os\nprint(os.environ['COURSE_PROFILE'], 'CONVCOURSE_WARM' in os.environ)"
    with server.shared():
        assert run(code, tmp_path, COURSE_PROFILE="quick") == "quick False"
    other = server.start()
    try:
        environ = b""
        while not environ and other.is_running():  # it is empty for a moment after the start
            environ = Path(f"/proc/{other.pid}/environ").read_bytes()
        assert b"secret" not in environ and b"PATH=" in environ
    finally:
        other.close()


def test_threads_follow_the_environment(tmp_path):
    code = """
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info()})"""
    assert run(code, tmp_path, OMP_NUM_THREADS="2") == "{2}"


# ---------------------------------------------------------------------- how a kernel ends


def test_a_kernel_ends_with_all_that_it_started_and_leaves_no_file(tmp_path):
    code = """
import os, subprocess
hidden = subprocess.Popen(["sleep", "300"], start_new_session=True)
print(os.getpid(), hidden.pid)"""
    manager, client = start_new_kernel(kernel_name=NAME, cwd=str(tmp_path))
    said = []
    client.execute_interactive(code, output_hook=lambda m: said.append(m["content"].get("text")))
    pids = [int(word) for word in "".join(filter(None, said)).split()]
    folder = manager.provisioner.folder
    assert len(pids) == 2 and all(map(alive, pids)) and folder.is_dir()
    client.stop_channels()
    manager.shutdown_kernel()
    assert not any(map(alive, pids)) and not folder.exists()


def test_a_kernel_that_ends_itself_is_seen_to_be_dead(tmp_path):
    manager, client = start_new_kernel(kernel_name=NAME, cwd=str(tmp_path))
    client.execute("import os; os._exit(3)")
    assert manager.provisioner.process.wait(10) == 3
    assert not manager.is_alive()
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_machine_without_memory_is_told_to_take_fewer_jobs(tmp_path):
    process = server.fork("os:abort", {}, folder=tmp_path)
    assert process.wait(20) is not None and not process.lost()  # by another signal
    process.returncode, process._kills_before = -signal.SIGKILL, -1
    assert process.lost() == "The machine ran out of memory: grade again with fewer --jobs."
    process.kill()


def test_a_kernel_restarts_and_is_interrupted_like_any_other(tmp_path):
    manager, client = start_new_kernel(kernel_name=NAME, cwd=str(tmp_path))
    client.execute_interactive("left_over = 1")
    manager.restart_kernel()
    client.wait_for_ready(timeout=30)
    reply = client.execute_interactive("left_over", output_hook=lambda m: None)
    assert reply["content"]["ename"] == "NameError"
    client.execute("import time\nfor _ in range(600): time.sleep(0.1)")
    time.sleep(0.5)
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=10)["content"]["ename"] == "KeyboardInterrupt"
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_target_that_cannot_start_says_why(tmp_path):
    process = server.fork("autograder.warm.kernel:no_such_function", {}, folder=tmp_path)
    with pytest.raises(RuntimeError, match="no_such_function"):
        process.wait_ready()


def test_a_server_that_was_killed_is_started_again(tmp_path):
    first = server.server()
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait()
    assert run("print(1)", tmp_path) == "1"
    assert server.server() is not first
    assert first.folder.exists()  # what it has forked lives on
    first.close()
    assert not first.folder.exists()


# ---------------------------------------------------------------------- one server for many

OWNER = """
import sys, time
from autograder.warm import server
from autograder.warm.provisioner import NAME, announce
from jupyter_client.manager import start_new_kernel
announce()
manager, client = start_new_kernel(kernel_name=NAME)
pids = []
hook = lambda m: pids.append(m["content"]["text"]) if "text" in m["content"] else None
client.execute_interactive("import os; print(os.getpid(), flush=True)", output_hook=hook)
own = server._server
print(pids[0].strip(), own.pid if own else 0, own.folder if own else "/none", flush=True)
time.sleep(300)
"""


@contextlib.contextmanager
def asker():
    """Another process with a kernel; gives it, the kernel's pid, its server's pid and folder."""
    process = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    try:
        kernel, server, folder = process.stdout.readline().split()
        yield process, int(kernel), int(server), Path(folder)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_nothing_outlives_an_owner_that_was_killed():
    with asker() as (owner, kernel, server, folder):
        assert alive(kernel) and alive(server)
        owner.kill()
        assert gone(kernel) and gone(server)
        deadline = time.monotonic() + 5
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not folder.exists()


def test_workers_share_the_server_and_a_killed_worker_takes_only_its_own_kernel():
    with server.shared(), asker() as (one, kernel, none, _), asker() as (_, other, _, _):
        assert none == 0, "the worker started a server of its own"
        one.kill()
        assert gone(kernel) and alive(other)
        assert server.server().is_running()


# ---------------------------------------------------------------------- users by name


def test_stock_nbgrader_executes_in_a_warm_kernel_by_its_configuration(tmp_path):
    from nbgrader.preprocessors import Execute

    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    cell = nbformat.v4.new_code_cell("import sys\n'autograder.warm.preload' in sys.modules")
    nb = nbformat.v4.new_notebook(cells=[cell])
    nb, _ = Execute(config=config).preprocess(nb, {"metadata": {"path": str(tmp_path)}})
    assert nb.cells[0].outputs[0].data["text/plain"] == "True"


@pytest.mark.slow  # every notebook of the course runs in this way
def test_nbval_runs_a_notebook_in_a_warm_kernel_by_its_name(tmp_path):
    cell = nbformat.v4.new_code_cell("import sys\nassert 'autograder.warm.preload' in sys.modules")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    name = f"--nbval-kernel-name={NAME}"
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", name, "one.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
