"""Everything that depends on nbgrader's internals, and nothing else."""
