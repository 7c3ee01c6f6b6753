"""What people read: outputs, feedback, the class page; all of it sanitized first."""
