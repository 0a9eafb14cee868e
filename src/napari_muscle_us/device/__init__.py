"""The scanner as a measuring device: pixel size, ruler, overlay, field, profiles."""
