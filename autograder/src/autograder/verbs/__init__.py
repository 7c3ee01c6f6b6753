"""The verbs of the command line, by the work that they belong to; `autograder.cli` gathers them."""
