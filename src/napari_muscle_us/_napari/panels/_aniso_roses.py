"""What the half rose shows of each region; without matplotlib, which is loaded late."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_muscle_us._napari.panels._aniso_columns import OrderColumn, value_of
from napari_muscle_us._napari.panels._aniso_words import short_number
from napari_muscle_us._napari.panels._plot import colour_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us._napari.panels._aniso_work import Order
    from napari_muscle_us._napari.panels._texture_columns import Column


@dataclass(frozen=True, slots=True, eq=False)
class Rose:
    """The directions of one region.

    Attributes
    ----------
    label : str
        Name, with the direction.
    colour : str
        Of its place among the regions.
    kept : bool
        Whether it was kept for comparison.
    shares, edges_deg : ndarray of float64
        Histogram of the local directions, weighted by their energy.
    direction_deg : float
        Direction to draw, NaN where none is to be seen.
    """

    label: str
    colour: str
    kept: bool
    shares: npt.NDArray[np.float64]
    edges_deg: npt.NDArray[np.float64]
    direction_deg: float


def roses_of(columns: Sequence[Column]) -> tuple[Rose, ...]:
    """Return the roses of the columns that have numbers."""
    regions = [column for column in columns if isinstance(column, OrderColumn)]
    roses = []
    for number, column in enumerate(regions):
        found = column.found
        if found is None or isinstance(found, str):
            continue
        direction = direction_to_draw(found)
        title = column.heading.title
        if not math.isnan(direction):
            title = f"{title}  {short_number(direction, '°')}°"
        tensor = found.tensor
        kept = column.source is not None and column.source.kept
        roses.append(
            Rose(
                title,
                colour_of(number),
                kept,
                tensor.histogram,
                tensor.bin_edges_deg,
                direction,
            )
        )
    return tuple(roses)


def direction_to_draw(found: Order) -> float:
    """Return the direction of the fascicles, or of the tensor if that is all."""
    of = "fascicle_direction" if found.fascicle is not None else "direction"
    number, reason = value_of(found, f"anisotropy.{of}")
    return math.nan if reason else number
