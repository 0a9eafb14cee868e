"""Reference values and Z-scores."""
