"""What the cells of submissions cost by themselves: no kernel, no walls, no judge, no gradebook.

    python benchmarks/cells_alone.py FOLDER ASSIGNMENT

Each notebook of FOLDER/submitted is executed, hidden blocks included, by IPython in a process of
its own, forked from one that has loaded what warm kernels have; as many at a time as there are
cores, with one thread each. No grader that starts a process for each submission can be faster.
Prints the seconds of the run, without those of loading. `grading.py` uses it.
"""

import contextlib
import io
import os
import sys
import time
from pathlib import Path

import nbformat

from autograder.run.workers import usable_cores
from autograder.warm import preload


def execute(path: Path) -> None:
    """Run all code cells in this process; raises RuntimeError for one that fails."""
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib_inline.backend_inline import flush_figures

    os.chdir(path.parent)
    shell = InteractiveShell.instance()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            result = shell.run_cell(cell.source)
            flush_figures()
        if not result.success:
            raise RuntimeError(f"{path}: {cell.source[:80]}")


def fork(path: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        execute(path)
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Execute the class and print how long it took."""
    folder, name = Path(sys.argv[1]).resolve(), sys.argv[2]
    os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    os.environ |= {"TF_NUM_INTEROP_THREADS": "1", "MPLBACKEND": "inline"}
    preload.idle()
    waiting = sorted((folder / "submitted").glob(f"*/{name}/{name}.ipynb"))
    running = 0
    start = time.perf_counter()
    while waiting or running:
        while waiting and running < usable_cores():
            fork(waiting.pop())
            running += 1
        _, status = os.wait()
        running -= 1
        if status:
            raise SystemExit("a submission could not be executed")
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
