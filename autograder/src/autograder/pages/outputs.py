"""A verdict as the outputs of a test cell: marks for nbgrader, and messages for people."""

from nbformat import NotebookNode

from autograder.judge.verdict import Verdict
from autograder.pages.sanitize import output, printable
from convcourse import outcomes

FOR_INSTRUCTOR = "For the instructor: "
PARTLY = "partly right"
NOTES = "leaderboard"  # metadata of an output; outputs of student code and feedback have none


def write_outputs(verdict: Verdict, name: str) -> list[NotebookNode]:
    """A verdict as the outputs that nbgrader reads: an error, a number, or only text.

    The error's value and the first line of its traceback are for the student. A second line, if
    there is one, is for the instructor.

    Args:
        verdict: The verdict, with a score within the cell's points.
        name: The id of the test cell.
    """
    outcome = outcomes.Outcome(verdict.status, name, printable(verdict.message))
    if not verdict.passed:
        kinds = {outcomes.NOT_ATTEMPTED: "NotAttempted", outcomes.WRONG: "Wrong"}
        ename = kinds.get(verdict.status, "StudentError")
        traceback = [str(outcome)]
        if verdict.detail:
            traceback.append(f"{FOR_INSTRUCTOR}{verdict.detail}")
        return [output("error", ename=ename, evalue=str(outcome), traceback=traceback)]
    if verdict.partly:
        outcome = outcomes.Outcome(PARTLY, name, printable(verdict.message))
    outputs = [output("stream", name="stdout", text=f"{outcome}\n")]
    if verdict.score is not None:
        data = {"text/plain": str(verdict.score)}
        facts = {NOTES: verdict.notes} if verdict.notes else {}
        outputs.append(output("execute_result", data=data, execution_count=1, metadata=facts))
    return outputs
