"""Grades the submissions of a class in parallel, can resume, and writes from one process only."""
