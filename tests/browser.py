"""Chromium as a reader has it, for tests of pages; they are skipped where it is missing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    PROGRAM is None, reason="there is no chromium on this machine: install it, or set CHROMIUM"
)
# What universities must meet: WCAG 2.1, levels A and AA, and what axe advises besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


class Browser:
    """One Chromium for several pages; it has no network."""

    def __init__(self, program: Any) -> None:
        self._program = program

    @contextmanager
    def opened(self, page: Path, **how: Any) -> Iterator[Any]:
        """The page as somebody sees it first; ``how`` goes to Playwright's context."""
        context = self._program.new_context(offline=True, **how)
        try:
            shown = context.new_page()
            shown.goto(page.resolve().as_uri(), wait_until="domcontentloaded")
            yield shown
        finally:
            context.close()


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium, and end it afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        program = tools.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        try:
            yield Browser(program)
        finally:
            program.close()


def violations(shown: Any) -> list[str]:
    """What axe finds wrong with a page as it is shown now, one line for each rule and place."""
    from axe_playwright_python.sync_playwright import Axe

    shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = Axe().run(shown, options=options)
    return [
        f"{rule['id']}: {place['html'][:200]} {place['failureSummary']}"
        for rule in found.response["violations"]
        for place in rule["nodes"]
    ]
