"""An nbgrader preprocessor that replaces `Execute`: it adds walls and a judge."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer, Unicode

from autograder.judge.judge import Judge
from autograder.kernel import again
from autograder.kernel.notebook import Run
from autograder.warm.provisioner import NAME
from autograder.warm.reach import LIMITS


class ExecuteJudged(NbGraderPreprocessor):
    """Runs the notebook in ``kernel_name``, and hidden tests in a judge's process."""

    kernel_name = Unicode(NAME, help="The kernelspec that runs student code.").tag(config=True)
    timeout = Integer(600, help="Seconds that a cell may take.").tag(config=True)
    judge_timeout = Integer(300, help="Seconds that a hidden block may take.").tag(config=True)
    sandbox = Bool(True, help="Whether warm kernels run behind walls.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Execute every code cell in order and return the notebook with its outputs."""
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        nb = nbformat.from_dict(nb)
        with Judge(seconds=self.judge_timeout) as judge:
            limits = LIMITS if self.sandbox else None

            def made(notebook: NotebookNode) -> Run:
                return Run(notebook, folder, judge, self.kernel_name, self.timeout, limits)

            again.graded(nb, (), made)
        return nb, resources
