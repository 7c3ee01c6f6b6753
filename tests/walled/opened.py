"""A Python that every user may run, although it lies in a folder that is closed to others.

Development machines have Python in root's home folder. The level *own users* needs one that others
can read, so its server starts in a mount namespace in which the closed folder holds Python alone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = """#!/bin/sh
exec unshare --mount --propagation private sh -c '
cd "$INSIDE" && mount -t tmpfs -o mode=755 none "$CLOSED" && mkdir -p "$INSIDE" &&
mount --no-canonicalize --bind /proc/self/cwd "$INSIDE" && cd / && exec "$@"' sh "{python}" "$@"
"""


def executable(folder: Path) -> str:
    """This Python, or a program in ``folder`` that starts it where it is open to all."""
    inside = Path(sys.base_prefix).resolve()
    closed = [p for p in reversed(inside.parents) if not p.stat().st_mode & 0o005]
    if not closed or os.geteuid() != 0 or not shutil.which("unshare"):
        return sys.executable
    inside = closed[0] / inside.relative_to(closed[0]).parts[0]
    made = folder / "python"
    text = SCRIPT.replace("$INSIDE", str(inside)).replace("$CLOSED", str(closed[0]))
    made.write_text(text.replace("{python}", sys.executable))
    made.chmod(0o755)
    works = subprocess.run([made, "-c", ""], capture_output=True).returncode == 0
    return str(made) if works else sys.executable
