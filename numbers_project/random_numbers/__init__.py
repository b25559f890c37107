"""Random numbers that were drawn for users."""
