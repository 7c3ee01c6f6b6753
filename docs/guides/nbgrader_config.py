"""nbgrader in the students' environment; docs/guides/instructors.md says where it goes."""

import os

c = get_config()  # noqa: F821  (nbgrader defines it)

# It names no course, so students find every course that is in the exchange.
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/srv/nbgrader/exchange")
