"""Marks and feedback pages on their way back to a learning platform, in the platform's own form."""
