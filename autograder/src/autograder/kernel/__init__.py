"""Runs a notebook: student code in a kernel, hidden blocks in the judge."""
