"""What every kind of region refuses: odd labels, numbers that are no place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    import numpy.typing as npt

SIDES: Final = ("", "left", "right")
LABELS: Final = ("name", "muscle", "side")
MAX_VERTICES: Final = 1_000_000
MAX_COORDINATE: Final = 1e6
"""Largest coordinate in px; beyond it float32, ImageJ's type, has lost the half."""


def label_of(name: str) -> str:
    """Return how a message calls a region."""
    return f"ROI {name!r}" if name else "The ROI"


def check_labels(name: str, side: str) -> None:
    """Refuse a side that is none.

    Raises
    ------
    RoiError
        If `side` is neither left, right nor empty.
    """
    if side not in SIDES:
        raise RoiError(
            f"{label_of(name)} has side {side!r}; use 'left', 'right' or leave it "
            "empty."
        )


def check_numbers(name: str, values: npt.NDArray[np.float64]) -> None:
    """Refuse coordinates that are not finite or lie far outside any image.

    Raises
    ------
    RoiError
        If a value is NaN, infinite or beyond `MAX_COORDINATE`.
    """
    if not np.isfinite(values).all() or (np.abs(values) > MAX_COORDINATE).any():
        worst = values[~(np.abs(values) <= MAX_COORDINATE)].ravel()[0]
        raise RoiError(
            f"{label_of(name)} has the coordinate {worst:g}, which is no place in an "
            "image; draw it again."
        )


def frozen_vertices(
    name: str, vertices: object, *, least: int, what: str = "an outline"
) -> npt.NDArray[np.float64]:
    """Return vertices as a checked, read-only copy of shape (n, 2).

    Raises
    ------
    RoiError
        If there are fewer than `least`, more than `MAX_VERTICES`, or one is no place.
    """
    try:
        points = np.array(vertices, dtype=np.float64)
    except OverflowError:
        raise RoiError(
            f"{label_of(name)} has a coordinate beyond all numbers, which is no place "
            "in an image; draw it again."
        ) from None
    except (TypeError, ValueError):
        points = np.empty((0, 0))
    if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < least:
        raise RoiError(
            f"{label_of(name)} has {len(points)} vertices; {what} needs at least "
            f"{least}, each a (row, column)."
        )
    if len(points) > MAX_VERTICES:
        raise RoiError(
            f"{label_of(name)} has {len(points)} vertices; the most is "
            f"{MAX_VERTICES}, so simplify the outline."
        )
    check_numbers(name, points)
    points.setflags(write=False)
    return points
