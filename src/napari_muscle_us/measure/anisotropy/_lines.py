"""Lines through points: checked, averaged by column, and laid robustly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float64]

FARTHEST_PX: Final = 1e6
"""Largest row or column, of either sign, that a drawn point may have."""

_RESAMPLED: Final = 65
_MAX_POINTS: Final = 100_000


def robust_polynomial(x: Float, y: Float, degree: int, at: Float) -> Float:
    """Return a polynomial through points, evaluated, which stray points do not move.

    Iterated weighted least squares with Tukey's bisquare and the MAD as scale.

    Parameters
    ----------
    x, y : ndarray of float, shape (n,)
        Points; at least `degree` + 1 different `x`.
    degree : int
        Degree, 1 or 2.
    at : ndarray of float
        Where to evaluate.

    Returns
    -------
    ndarray of float
        Values at `at`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(10.0)
    >>> y = 2 * x + 1
    >>> y[4] = 70
    >>> robust_polynomial(x, y, 1, np.array([20.0])).round(6).tolist()
    [41.0]
    """
    middle, half = (x.max() + x.min()) / 2, (x.max() - x.min()) / 2
    design = np.vander((x - middle) / half, degree + 1)
    weights = np.ones(len(x))
    coefficients = np.zeros(degree + 1)
    for step in range(30):
        root = np.sqrt(weights)
        coefficients, *_ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
        distance = np.abs(y - design @ coefficients)
        # A tenth of a pixel is as good as a drawn line can be.
        scale = max(1.4826 * float(np.median(distance)), 0.1)
        if step < 5:
            # Huber's weights first: bisquare may hold on to a poor start.
            weights = 1 / np.maximum(distance / (1.345 * scale), 1)
        else:
            weights = np.clip(1 - (distance / (4.685 * scale)) ** 2, 1e-9, None) ** 2
    return np.asarray(np.vander((at - middle) / half, degree + 1) @ coefficients)


def checked_points(points: npt.ArrayLike) -> tuple[Float, Float]:
    """Return rows and columns, sorted, with one row a column."""
    try:
        values = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1:] != (2,) or len(values) > _MAX_POINTS:
        raise MeasureError(
            f"An aponeurosis needs 2 to {_MAX_POINTS} points of row and column, not an "
            f"array of shape {values.shape}; draw it as a line."
        )
    if not (np.abs(values) <= FARTHEST_PX).all():
        raise MeasureError(
            "A point of the aponeurosis is no number or lies far outside any image; "
            "draw the line again."
        )
    columns, place = np.unique(values[:, 1], return_inverse=True)
    if len(columns) < 2:
        raise MeasureError(
            f"The {len(values)} points of the aponeurosis lie in {len(columns)} "
            "column(s); draw it from left to right."
        )
    return np.bincount(place, values[:, 0]) / np.bincount(place), columns


def straight_line(rows: Float, columns: Float) -> tuple[float, float]:
    """Return the row at column 0 and the slope of the robust line.

    Along the line, not at its vertices, which may be crowded at one place.
    """
    ends = np.array([columns[0], columns[-1]])
    along = np.linspace(ends[0], ends[1], _RESAMPLED)
    first, last = robust_polynomial(along, np.interp(along, columns, rows), 1, ends)
    slope = float((last - first) / (ends[1] - ends[0]))
    return float(first - slope * ends[0]), slope
