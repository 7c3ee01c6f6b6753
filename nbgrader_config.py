"""nbgrader's settings for this course; every command of nbgrader and of `autograder` reads them."""

import importlib.util
import os
import secrets
import sysconfig

c = get_config()  # noqa: F821  (nbgrader defines it)

# nbgrader calls alembic by its bare name, which fails where .venv is not activated.
_scripts = sysconfig.get_path("scripts")
if _scripts not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = _scripts + os.pathsep + os.environ.get("PATH", "")

c.CourseDirectory.course_id = "convcourse"

# What students find in place of a solution. The checks read this exception as "not attempted".
c.ClearSolutions.code_stub = {
    "python": '# YOUR CODE HERE\nraise NotImplementedError("not attempted yet")'
}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# A net trains longer than nbgrader's 30 s; 600 s is ten times what offline needs for a notebook.
c.Execute.timeout = 600
# A cell with this tag is not run and gets full marks, so nobody may guess it.
c.Execute.skip_cells_with_tag = f"skip-{secrets.token_hex(16)}"

# Feedback for students has no hidden tests in it.
if importlib.util.find_spec("autograder.feedback"):
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograder.feedback.RemoveHidden",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
