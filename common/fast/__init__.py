"""A room of common."""
