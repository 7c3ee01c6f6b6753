"""Puts the course's texts into the wheel, so that `autograder new` works without the repository."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

REPOSITORY = Path(__file__).resolve().parent.parent
KINDS = ("*.py", "course.toml", "calibration/*.*", "equivalents/*.toml", "demo/*.py")


def gather(given: Path) -> None:
    """Copy ``course/`` and nbgrader's settings into a folder that holds nothing else."""
    shutil.rmtree(given, ignore_errors=True)
    files = {path for kind in KINDS for path in (REPOSITORY / "course").glob(kind)}
    for path in sorted(files | {REPOSITORY / "nbgrader_config.py"}):
        to = given / path.relative_to(REPOSITORY)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)


class WithTexts(build_py):
    """Builds the package with the folder ``given`` in it, unless it stays in the repository."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode and (REPOSITORY / "course").is_dir():
            gather(Path(self.build_lib, "autograder", "given"))


setup(cmdclass={"build_py": WithTexts})
