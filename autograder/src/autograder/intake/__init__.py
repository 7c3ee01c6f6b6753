"""What comes in: a folder that a student filled, read and fitted to the source notebook."""
