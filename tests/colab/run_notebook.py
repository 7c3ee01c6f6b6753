"""Run a notebook's visible cells as plain Python: what Colab has, and nothing more.

Needs the standard library and what the notebook itself imports, so that it also runs in an
environment without Jupyter, nbgrader or the autograder: `make colab` does that.
"""

import json
import re
import sys
import time
from pathlib import Path

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.DOTALL)


def visible_cells(path: Path) -> list[str]:
    """The code of a source notebook as a student has it who solved everything."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [HIDDEN.sub("", "".join(c["source"])) for c in cells if c["cell_type"] == "code"]


def run(path: Path) -> float:
    """Execute the cells in one namespace; returns seconds. A cell that fails raises."""
    import matplotlib

    matplotlib.use("agg")
    started, names = time.monotonic(), {"__name__": "__main__"}
    for number, code in enumerate(visible_cells(path), start=1):
        exec(compile(code, f"{path.stem}, code cell {number}", "exec"), names)
    return time.monotonic() - started


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{Path(name).stem}: every visible check passed in {run(Path(name)):.0f} s")
