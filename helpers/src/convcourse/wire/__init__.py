"""What crosses between a notebook and its grader: plain data, networks, and questions."""
