"""nbgrader's settings for this course; every command of nbgrader and of `autograder` reads them."""

import importlib.util
import os
import secrets
import sysconfig

c = get_config()  # noqa: F821  (nbgrader defines it)
# Without it nbgrader works as it comes: slower kernels, and feedback pages that show hidden tests.
HAS_AUTOGRADER = importlib.util.find_spec("autograder") is not None

# nbgrader calls alembic by its bare name, which fails where .venv is not activated.
_scripts = sysconfig.get_path("scripts")
if _scripts not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = _scripts + os.pathsep + os.environ.get("PATH", "")

c.CourseDirectory.course_id = "convcourse"

# Where assignments are released to and collected from. On a shared machine NBGRADER_EXCHANGE names
# a folder that everybody may write to; without it, one person can try all of it here.
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", os.path.join(os.getcwd(), "exchange"))
# `nbgrader zip_collect` takes ada_03_net_1.ipynb as well as a learning platform's folder for each
# student, as in "Ada Lovelace_4711_assignsubmission_file/03_net_1.ipynb". What lies in that folder
# was named by its student, who is nobody else whatever the names in there say.
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:(?!_assignsubmission_file).)*?(?P<student_id>[A-Za-z0-9][A-Za-z0-9.-]*)"
    r"(?:_assignsubmission_file_?/|_)(?P<file_id>\d\d_[a-z0-9_]+)\.ipynb$"
)
# Archives bring neither secrets nor times, without which nbgrader's own way ends with an error.
if HAS_AUTOGRADER:
    c.ExchangeFactory.release_feedback = "autograder.nbgrader.exchange.ReleaseFeedback"

# What students find in place of a solution. The checks read this exception as "not attempted".
c.ClearSolutions.code_stub = {
    "python": '# YOUR CODE HERE\nraise NotImplementedError("not attempted yet")'
}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# A net trains longer than nbgrader's 30 s; 600 s is ten times what offline needs for a notebook.
# It bounds a cell in `autograder grade` as well: more of it for a slow machine under quick or full.
c.Execute.timeout = 600
# A cell with this tag is not run and gets full marks, so nobody may guess it.
c.Execute.skip_cells_with_tag = f"skip-{secrets.token_hex(16)}"

# Kernels that have TensorFlow loaded when they start; each ends at once with all that it started.
if HAS_AUTOGRADER:
    from autograder.warm import provisioner

    provisioner.announce()
    c.Execute.kernel_name = provisioner.NAME

# Formgrader's button *Autograde* and `nbgrader autograde` read, run and judge a submission as
# `autograder grade` does, and what a person decided in Formgrader stays.
if HAS_AUTOGRADER:
    c.Autograde.exporter_class = "autograder.nbgrader.judging.Unread"
    c.Autograde.sanitize_preprocessors = [
        "autograder.nbgrader.judging.FitSubmission",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.nbgrader.decisions.NoteDecisions",
        "autograder.run.autograde.JudgedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "autograder.nbgrader.decisions.KeepDecisions",
        "autograder.nbgrader.judging.FlagLooks",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]

# What a late hand-in costs stands in course/course.toml; docs/grading.md has the keys.
if HAS_AUTOGRADER:
    c.AssignLatePenalties.plugin_class = "autograder.nbgrader.penalties.LatePolicy"

# A solution that is published has no hidden tests in it: the next year's students are to meet them.
c.GenerateSolution.preprocessors = [
    f"nbgrader.preprocessors.{name}"
    for name in (
        "IncludeHeaderFooter",
        "LockCells",
        "ClearOutput",
        "ClearMarkScheme",
        "ClearHiddenTests",
        "Execute",
    )
]

# Pages of Formgrader and of feedback hold text and pictures, and are made within a budget: some
# texts would keep Pygments or mistune busy for minutes.
if HAS_AUTOGRADER:
    _own = "highlight_code", "markdown2html", "ansi2html", "clean_html", "strip_files_prefix"
    c.TemplateExporter.filters = {name: f"autograder.pages.filters.{name}" for name in _own}
    c.HTMLExporter.default_preprocessors = [
        "autograder.nbgrader.feedback.BoundPage",
        "autograder.nbgrader.feedback.ShowRubric",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]

# Feedback for students has no hidden tests in it, and everybody can read it.
if HAS_AUTOGRADER:
    c.GenerateFeedback.exporter_class = "autograder.nbgrader.feedback.FeedbackPage"
    c.GenerateFeedback.preprocessors = [
        "autograder.nbgrader.feedback.ReadGrades",
        "autograder.nbgrader.feedback.RemoveHidden",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
