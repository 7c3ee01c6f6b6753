"""Builds the course's site: python website/build.py writes it to site/.

It gathers the pages, lets MkDocs lay them out, and then finishes each page, so that another program
that reads mkdocs.yml can take MkDocs's place.
"""

import os
import subprocess
import sys
from pathlib import Path

import finishing
import staging
import yaml

from autograder.course import Course, load

ROOT = Path(__file__).resolve().parents[1]
_STAGED = ".site"


class SiteError(Exception):
    """What MkDocs found wrong with the pages."""


def build(course: Course, site: Path) -> None:
    """Write the site of a course into a folder.

    Raises:
        SiteError: If MkDocs finds a link that leads nowhere.
    """
    room = course.root / _STAGED
    staging.gather(course, room / "docs")
    settings = yaml.safe_load((course.root / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"site_name": course.title or "Course", "docs_dir": "docs", "site_dir": str(site)}
    settings |= {"site_url": course.site} if course.site else {}
    settings["nav"] = staging.navigation(course, room / "docs")
    config = room / "mkdocs.yml"
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    # Material's note on its successor is for maintainers; decision 0006 has it.
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--clean", "-f", str(config)]
    # Without --quiet, under which warnings would not end the build.
    made = subprocess.run(command, env=quiet, capture_output=True, text=True)
    if made.returncode:
        raise SiteError(made.stderr)
    if not course.site:  # its links begin at the root of a host, where the site need not be
        (site / "404.html").unlink(missing_ok=True)
    for page in sorted(site.rglob("*.html")):
        page.write_text(finishing.finished(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    try:
        build(load(ROOT), ROOT / "site")
    except SiteError as error:
        sys.exit(str(error))
    print("The site is in site/: open site/index.html, or serve the folder.")
