"""Reference values from healthy controls: fits, diagnostics, report."""
