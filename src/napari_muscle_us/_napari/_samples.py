"""File › Open Sample: simulated muscle, and real images fetched on demand."""

from __future__ import annotations

from typing import Any

from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us.io.read import read_image
from napari_muscle_us.samples import fetch_sample, sample_image

LayerData = tuple[Any, dict[str, Any], str]


def _simulated(name: str) -> list[LayerData]:
    plane, condition = name.split("_")
    title = f"Simulated {plane} muscle, {condition}"
    return [layer_data(sample_image(name), title=title)]


def transverse_healthy() -> list[LayerData]:
    """Return the simulated transverse image of healthy muscle."""
    return _simulated("transverse_healthy")


def transverse_diseased() -> list[LayerData]:
    """Return the simulated transverse image of diseased muscle."""
    return _simulated("transverse_diseased")


def longitudinal_healthy() -> list[LayerData]:
    """Return the simulated longitudinal image of healthy muscle."""
    return _simulated("longitudinal_healthy")


def longitudinal_diseased() -> list[LayerData]:
    """Return the simulated longitudinal image of diseased muscle."""
    return _simulated("longitudinal_diseased")


def vastus_lateralis_1() -> list[LayerData]:
    """Return a real image of the first person, downloaded once."""
    return [layer_data(read_image(fetch_sample("vastus_lateralis_1")))]


def vastus_lateralis_2() -> list[LayerData]:
    """Return a real image of the second person, downloaded once."""
    return [layer_data(read_image(fetch_sample("vastus_lateralis_2")))]
