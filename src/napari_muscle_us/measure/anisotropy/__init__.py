"""Direction and order of muscle fibres, by definitions that are written in full."""
