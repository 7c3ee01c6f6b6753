"""nbgrader in the students' environment; docs/guides/instructors.md says where it goes."""

import os

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "convcourse"  # as in the instructor's nbgrader_config.py
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/srv/nbgrader/exchange")
