"""The random number service."""
