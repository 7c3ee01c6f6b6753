"""The part of nbgrader's grading that comes after execution."""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde

from autograder.nbgrader import decisions

# Of nbgrader's lists: what other modules do in a run, and `Saving` around the rest.
OURS = "Execute", "JudgedExecute", "NoteDecisions", "KeepDecisions", "FlagLooks", "FitSubmission"


class Saving(Autograde):
    """The part of nbgrader's grading after execution: marks, penalties and the graded notebook."""

    def init_notebooks(self) -> None:
        folder = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        path = os.path.join(folder, f"{self.coursedir.assignment_id}.ipynb")
        self.notebooks: list[str] = []
        self.assignments = {folder: [path]}

    failed: OSError | None = None
    begun: Callable[[str], None] = staticmethod(lambda student: None)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        self.failed = None
        with self._noted():
            super().init_assignment(assignment_id, student_id)
        self.begun(student_id)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Note an error of the disk, which nbgrader turns into an error without a cause."""
        try:
            yield
        except OSError as error:
            self.failed = error
            raise

    def convert_single_notebook(self, notebook_filename: str) -> None:
        self.exporter = NotebookExporter(parent=self, config=self.config)
        saving = without(OURS, self.autograde_preprocessors)
        for one in (decisions.NoteDecisions, *saving, decisions.KeepDecisions):
            self.exporter.register_preprocessor(one)
        with self._noted():
            super(Autograde, self).convert_single_notebook(notebook_filename)


def without(left_out: Collection[str], preprocessors: list) -> list:
    """nbgrader's preprocessors, which the configuration may have changed, without some."""
    names = [one if isinstance(one, str) else one.__name__ for one in preprocessors]
    return [
        one
        for one, name in zip(preprocessors, names, strict=True)
        if name.rpartition(".")[2] not in left_out
    ]
