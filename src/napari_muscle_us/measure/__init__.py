"""Measures: image and region in, numbers out."""
