"""The napari side: readers, samples, dock widgets."""
