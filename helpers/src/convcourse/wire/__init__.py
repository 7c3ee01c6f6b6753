"""What passes between a notebook and its grader: requests, plain data and networks."""
