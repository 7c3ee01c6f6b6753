"""One submission from the shell: `autograder grade` alone, through `autograder serve`, nbgrader.

    python benchmarks/single.py [--repeats 5] > benchmarks/results/single.txt

Seconds from the command to its end, in turn, for one submission of 04_parameter_counting under
*offline*. Whole processes are timed, so everything that a run loads counts; nothing is timed until
the server is ready. nbgrader works as it does where `autograder` is not installed.
"""

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grading import STOCK, as_it_comes, environment, generated, make

from autograder.run.serve import READY
from autograder.run.workers import usable_cores

NAME = "04_parameter_counting"
OURS = ["-c", "from autograder.start import main; main()"]


def seconds(folder: Path, command: list[str]) -> float:
    """Run a command to its end."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder),
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def served(folder: Path, repeats: int) -> list[float]:
    """The same runs with a server that waits in the course."""
    log = folder / "serve.log"
    with log.open("w") as out:
        command = [sys.executable, *OURS, "serve"]
        server = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=out)
        try:
            while READY not in log.read_text() and server.poll() is None:
                time.sleep(0.1)
            time.sleep(2)  # its first quiet moment
            return [seconds(folder, [*OURS, "grade", NAME, "--force"]) for _ in range(repeats)]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(f"{platform.platform()}, {usable_cores()} cores, Python {platform.python_version()}")
    print(f"load average at the start: {os.getloadavg()[0]:.1f}; {repeats} runs each\n")
    print(f"{'one submission of 04':<26} {'fastest':>8} {'median':>8} {'slowest':>8} {'ratio':>7}")
    with tempfile.TemporaryDirectory(prefix="single-") as place:
        ours, theirs = (make(Path(place, way), NAME, 1, None) for way in ("ours", "theirs"))
        as_it_comes(theirs)
        generated(theirs, NAME)
        ways = {
            "autograder grade": [
                seconds(ours, [*OURS, "grade", NAME, "--force"]) for _ in range(repeats)
            ],
            "through autograder serve": served(ours, repeats),
            "nbgrader autograde": [
                seconds(theirs, [*STOCK, NAME, "--force"]) for _ in range(repeats)
            ],
        }
    usual = statistics.median(ways["autograder grade"])
    for way, taken in ways.items():
        middle = statistics.median(taken)
        print(
            f"{way:<26} {min(taken):>8.2f} {middle:>8.2f} {max(taken):>8.2f} "
            f"{middle / usual:>7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
