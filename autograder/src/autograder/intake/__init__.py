"""Reads the folder that a student submitted, and fits the notebook to its source."""
