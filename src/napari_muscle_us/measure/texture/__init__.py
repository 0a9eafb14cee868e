"""Texture of a region by the definitions of the IBSI: features and maps."""
