"""People who are registered."""
