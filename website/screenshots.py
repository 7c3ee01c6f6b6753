"""Takes the pictures of docs/images/ in Chromium, as `make screenshots` does.

They show the demo's class, so it is graded first if it has not been. Look at each picture before
you commit it.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import build
import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Page, sync_playwright

from autograder import demo
from autograder.course import Course, load

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
NAME, STUDENT = "03_net_1", "partly_wrong"
FIRST = 'plots.history(history, "loss")'  # the first cell that the picture shows
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
_PATIENCE = 60  # seconds for JupyterLab to start


def chromium() -> str:
    """The browser's program: what CHROMIUM names, or the one that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        sys.exit("There is no Chromium on this machine: install it, or set CHROMIUM.")
    return found


def answered() -> nbformat.NotebookNode:
    """What a student of the demo handed in, in the notebook that students get.

    The demo hands in source notebooks, which hold hidden tests; a picture must not show these.
    """
    release = nbformat.read(ROOT / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    work = ROOT / "demo" / "submitted" / STUDENT / NAME / f"{NAME}.ipynb"
    handed_in = {_id(cell): cell.source for cell in nbformat.read(work, as_version=4).cells}
    for cell in release.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution") and cell.cell_type == "code":
            cell.source = handed_in[_id(cell)]
    return release


def _id(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def execute(content: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a folder and save it there; a check that fails does not stop it."""
    resources = {"metadata": {"path": str(folder)}}
    kernel = {"kernel_name": "python3", "timeout": 600, "allow_errors": True}
    NotebookClient(content, resources=resources, **kernel).execute()
    nbformat.write(content, folder / f"{NAME}.ipynb")


def settle(folder: Path) -> None:
    """JupyterLab's settings in a folder: no question about news, and all cells drawn."""
    for name, settings in _SETTINGS.items():
        file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")


@contextmanager
def jupyterlab(folder: Path, settings: Path) -> Iterator[str]:
    """JupyterLab in a folder; gives its address, and ends it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex()
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", "--no-browser"]
    options += [f"--ServerApp.root_dir={folder}", f"--LabApp.user_settings_dir={settings}"]
    options += [f"--LabApp.workspaces_dir={settings}", "--allow-root"]
    options += ["--LabApp.expose_app_in_browser=True"]
    command = [sys.executable, "-m", "jupyter", "lab", *options]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api/status?token={token}")
        yield f"{address}/lab/tree/{{file}}?token={token}&reset"
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str) -> None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(address):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.3)
    sys.exit(f"JupyterLab did not start within {_PATIENCE} s.")


def of_notebook(page: Page) -> None:
    """The notebook of a student with a wrong answer, from the curves of the loss on."""
    with TemporaryDirectory() as work, TemporaryDirectory() as settings:
        execute(answered(), Path(work))
        settle(Path(settings))
        with jupyterlab(Path(work), Path(settings)) as address:
            page.set_viewport_size({"width": 1100, "height": 1440})
            page.goto(address.format(file=f"{NAME}.ipynb"))
            cell = page.locator(".jp-CodeCell", has_text=FIRST).first
            cell.wait_for(timeout=1000 * _PATIENCE)
            page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
            page.wait_for_timeout(4000)  # until the figures have their place
            cell.evaluate("one => one.scrollIntoView({block: 'start'})")
            page.wait_for_timeout(1000)
            page.screenshot(path=IMAGES / "notebook.png")


def of_page(page: Page, file: Path, image: str, height: int, width: int = 1100) -> None:
    """The upper part of a page."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(file.as_uri())
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / image)


def take(course: Course) -> None:
    """Take all pictures."""
    place = ROOT / "demo"
    if not (place / "report" / "class.html").is_file():
        demo.run(ROOT)
    feedback = place / "feedback" / STUDENT / NAME / f"{NAME}.html"
    with sync_playwright() as tools:
        program = tools.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = program.new_page(device_scale_factor=1)
        of_page(page, place / "report" / "class.html", "class.png", 1240)
        of_page(page, feedback, "feedback.png", 1000)
        of_notebook(page)
        build.build(course, ROOT / "site")
        of_page(page, ROOT / "site" / "index.html", "site.png", 800, width=1280)
        program.close()


if __name__ == "__main__":
    os.environ["COURSE_PROFILE"] = "offline"
    take(load(ROOT))
    print("The pictures are in docs/images/: look at each of them.")
