"""Kinds of reference models: linear, groups, LMS curves, quantiles."""
