"""One notebook in one kernel: student code there, hidden blocks in the judge."""
