"""Dock widgets, one a file."""
