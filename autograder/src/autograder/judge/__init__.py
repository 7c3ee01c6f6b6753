"""The process that runs hidden blocks and holds no student code."""
