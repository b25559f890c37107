"""Random numbers drawn for users."""
