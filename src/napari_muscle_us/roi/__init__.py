"""Regions of interest: shapes and masks."""
