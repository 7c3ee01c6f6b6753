"""The pipeline from course texts to marks; docs/architecture.md shows its rooms."""

__version__ = "1.0.0"
