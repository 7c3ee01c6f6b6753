"""Everything that touches nbgrader, and nothing else."""
