"""Registered users."""
