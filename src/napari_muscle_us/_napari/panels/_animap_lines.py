"""Lines of direction on a grid: as long as the fibres are ordered there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap

MOST: Final = 10_000
"""More lines would cover the image and hold up the window."""

_FULL: Final = 0.9
"""Share of the grid's step that a line of coherency 1 is long."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines as napari's vectors: start and way to the end, in pixels (row, column).

    Attributes
    ----------
    vectors : ndarray of float64, shape (n, 2, 2)
        Their middle lies on the grid.
    direction_deg, coherency : ndarray of float32, shape (n,)
        What each shows.
    """

    vectors: npt.NDArray[np.float64]
    direction_deg: npt.NDArray[np.float32]
    coherency: npt.NDArray[np.float32]


def grid_lines(
    found: OrientationMap,
    *,
    step_px: tuple[float, float],
    least: float,
    spacing_mm: tuple[float, float] | None,
) -> Lines:
    """Return a line at each point of a grid where the coherency is high enough.

    Parameters
    ----------
    found : OrientationMap
        Directions are physical angles if the image has a scale.
    step_px : (float, float)
        Rows and columns from point to point; the same length in the muscle.
    least : float
        Coherency from which on there is a line.
    spacing_mm : (float, float) or None
        Size of a pixel: depth, lateral.

    Returns
    -------
    Lines
        In the muscle their length is coherency · 0.9 · step. None at all where the grid
        would have more than `MOST` points.
    """
    rows, columns = _grid(found.coherency.shape, step_px)
    if len(rows) * len(columns) > MOST:
        rows = rows[:0]
    down, across = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    place = np.round(down).astype(np.intp), np.round(across).astype(np.intp)
    angle, order = found.orientation_deg[place], found.coherency[place]
    # NaN is not above anything.
    kept = (order >= least) & np.isfinite(angle)
    angle, order = angle[kept], order[kept]
    high, wide = (1.0, 1.0) if spacing_mm is None else spacing_mm
    length = _FULL * order.astype(np.float64) * (step_px[0] * high)
    turned = np.radians(angle.astype(np.float64))
    way = np.stack(
        [-np.sin(turned) * length / high, np.cos(turned) * length / wide], axis=1
    )
    middle = np.stack([place[0][kept], place[1][kept]], axis=1)
    return Lines(np.stack([middle - way / 2, way], axis=1), angle, order)


def too_many(shape: tuple[int, int], step_px: tuple[float, float]) -> str:
    """Return why a grid is too fine, or an empty string."""
    rows, columns = (len(places) for places in _grid(shape, step_px))
    if rows * columns <= MOST:
        return ""
    return (
        f"A grid of {rows} × {columns} lines would hide the image; put them further "
        "apart."
    )


def _grid(
    shape: tuple[int, ...], step_px: tuple[float, float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the rows and columns of a grid in the middle of an image."""
    found = []
    for size, step in zip(shape, step_px, strict=True):
        # A grid that is too fine is refused; it is not built.
        step = max(step, 1.0)
        number = max(1, math.floor(size / step))
        first = (size - 1 - (number - 1) * step) / 2
        found.append(first + step * np.arange(number, dtype=np.float64))
    return found[0], found[1]
