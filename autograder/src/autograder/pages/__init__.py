"""The sanitized outputs, feedback and class page that people read."""
