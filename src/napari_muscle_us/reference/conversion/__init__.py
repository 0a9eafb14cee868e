"""From one scanner to another: regressions, agreement, the conversion file."""
