"""Paths with colours and texts on a Shapes layer, redrawn fast enough for a drag."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Shapes

    Float = npt.NDArray[np.float64]

ROLE: Final = "role"
LABEL: Final = "label"
COLOUR: Final = "colour"
COLUMNS: Final = (ROLE, LABEL, COLOUR)
EDGE_WIDTH: Final = 2


def show_paths(
    layer: Shapes,
    vertices: Sequence[Float],
    colours: Sequence[str],
    labels: Sequence[str],
    *,
    roles: Sequence[str] = (),
) -> None:
    """Make a layer show paths with colours and texts; what stays is not set again."""
    import pandas as pd

    before = len(layer.data)
    defaults = defaults_of(layer)
    if not vertices:
        if before:
            layer.data = []
        return
    if len(layer.edge_color) != before:
        # As after a line that napari took away by itself, and not its colour.
        layer.data, before = [], 0
    layer.data = [(points, "path") for points in vertices]
    # A layer that had no shape knows no width yet.
    if before != len(vertices):
        layer.edge_width = [EDGE_WIDTH] * len(vertices)
        layer.face_color = ["transparent"] * len(vertices)
    wanted = rgba(colours)
    if not np.array_equal(layer.edge_color, wanted):
        layer.edge_color = wanted
    roles = list(roles) or [""] * len(labels)
    table = pd.DataFrame({ROLE: roles, LABEL: labels, COLOUR: colours})
    if not layer.features.astype(str).equals(table):
        layer.features = table
        layer.feature_defaults = defaults


def show_construction(
    layer: Shapes,
    vertices: Sequence[Float],
    colours: Sequence[str],
    labels: Sequence[str],
) -> None:
    """Make the layer of the construction show paths, in one redraw.

    napari by itself redraws three times and asks the whole viewer for its extent,
    which would make the lines lag behind the mouse.
    """
    events = layer.events
    if len(layer.data) != len(vertices):
        show_paths(layer, vertices, colours, labels)
        return
    with ExitStack() as quiet:
        for event in (events.data, events.set_data, events.extent, events.highlight):
            quiet.enter_context(event.blocker())
        show_paths(layer, vertices, colours, labels)
    layer.refresh(thumbnail=False, highlight=False, extent=False)


def defaults_of(layer: Shapes) -> dict[str, str]:
    """Return what the next path gets."""
    return {k: str(layer.feature_defaults[k].iloc[0]) for k in COLUMNS}


def rgba(colours: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return colours as napari keeps them."""
    from napari.utils.colormaps.standardize_color import transform_color

    return np.vstack([transform_color(colour) for colour in colours])
