"""What a step along an outline costs: little where an edge of fascia lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Gray = npt.NDArray[np.uint8] | npt.NDArray[np.floating]

SnapTo = Literal["edge", "line"]
SNAP_TO: Final = ("edge", "line")
MAX_PIXELS: Final = 2**23
"""Most pixels of a frame, a little more than 3840 × 2160; it bounds the memory."""

_LEAST: Final = 0.03
"""Cost of a px along the clearest edge; 1 is that of a px where there is none."""
_NEIGHBOURHOOD: Final = 24
"""Side of the box whose contrast is the measure, in scales: 60 px at 2.5 px."""
_FLOOR: Final = 0.5
_INVISIBLE: Final = 0.1
"""Change in gray levels a px below which no eye sees an edge, only rounding."""
_TOLERANCE: Final = 2.0
"""A step up to 60° off the course of an edge still counts in full."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeCost:
    r"""What a px of outline costs at each pixel of a frame, for both its directions.

    A step in the unit direction :math:`(r, c)` with the brighter tissue on its right
    costs, for each px of its length,

    .. math:: w = f - \max(0, \min(g, d\,c - l\,r))

    and with the brighter tissue on its left the same with :math:`-d` and :math:`-l`.

    Parameters
    ----------
    flat : ndarray of float32, shape (rows, columns)
        Cost :math:`f` without regard to the direction, 0 … 1.
    gain : ndarray of float32, shape (rows, columns)
        The most, :math:`g`, by which an edge lowers it; below `flat`.
    down, right : ndarray of float32, shape (rows, columns)
        Direction :math:`(d, l)` in which the image gets brighter, times twice `gain`.
    """

    flat: npt.NDArray[np.float32]
    gain: npt.NDArray[np.float32]
    down: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame."""
        rows, columns = self.flat.shape
        return rows, columns

    @property
    def lowest(self) -> npt.NDArray[np.float32]:
        """Cost of a px along the best direction at each pixel, to be looked at."""
        return self.flat - self.gain


def edge_cost(
    gray: Gray, *, scale_px: float = 2.5, prefer: SnapTo = "edge"
) -> EdgeCost:
    r"""Return where an outline should run, computed once a frame.

    Parameters
    ----------
    gray : ndarray, shape (rows, columns)
        Gray levels 0 … 255 of one frame.
    scale_px : float, default: 2.5
        Standard deviation in px of the Gaussian that evens out the speckle, 0.5 … 20.
    prefer : {"edge", "line"}, default: "edge"
        ``"edge"`` follows one border of a bright fascia and does not change over to
        its other border; ``"line"`` follows the middle of the fascia.

    Returns
    -------
    EdgeCost
        Costs between 0.03 along a clear edge and 1 where there is none.

    Raises
    ------
    RoiError
        If the frame is not two-dimensional, has a gray level that is not finite, is
        too small or too large, or an option is out of range.

    Notes
    -----
    The response :math:`R` is the magnitude of the Gaussian gradient (``"edge"``) or,
    at twice the scale, the negative curvature across a bright line, the lower
    eigenvalue of the Hessian (``"line"``). It is divided by the contrast around it,

    .. math:: \rho = \frac{R}{\mathrm{rms}_\mathrm{box}(R) +
        \tfrac12 \mathrm{rms}_\mathrm{frame}(R) + 0.1}, \qquad
        w = 1 - 0.97\,(1 - e^{-\rho})\,\frac{R}{\max_\mathrm{near} R}

    so that deep, dark fascia counts like bright, and speckle less than either. Adding
    a constant to all gray levels changes nothing.

    References
    ----------
    Mortensen & Barrett 1995, doi:10.1145/218380.218442, for gradient magnitude and
    direction as costs.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((40, 60), np.uint8)
    >>> gray[20:] = 200
    >>> cost = edge_cost(gray).lowest
    >>> bool(cost[20, 30] < 0.5 * cost[10, 30])
    True
    """
    picture = _checked(gray, scale_px, prefer)
    if prefer == "line":
        flat = 1 - _gain(_ridge(picture, 2 * scale_px), 2 * scale_px)
        # One array of zeros, which takes no memory, stands for all three.
        none = np.broadcast_to(np.float32(0), flat.shape)
        return _frozen(flat, none, none, none)
    from scipy.ndimage import gaussian_filter

    down, right = np.gradient(gaussian_filter(picture, scale_px, truncate=3))
    size = np.hypot(down, right)
    gain = _gain(size, scale_px)
    turn = np.float32(_TOLERANCE) * gain / np.maximum(size, np.float32(1e-9))
    flat = np.broadcast_to(np.float32(1), gain.shape)
    return _frozen(flat, gain, down * turn, right * turn)


def nearest_edge(
    cost: EdgeCost, point: Sequence[float], *, within_px: float = 5
) -> tuple[int, int]:
    """Return the pixel with the clearest edge near a click, to be used as an anchor.

    Parameters
    ----------
    cost : EdgeCost
        Cost of the frame.
    point : sequence of float
        ``(row, column)`` of the click.
    within_px : float, default: 5
        How far the pixel may lie from the click, 0 … 100 px.

    Returns
    -------
    tuple of int
        ``(row, column)``; the pixel of the click where there is no edge.

    Raises
    ------
    RoiError
        If the click lies outside the image or the distance is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((40, 60), np.uint8)
    >>> gray[20:] = 200
    >>> nearest_edge(edge_cost(gray), (23, 30))
    (20, 30)
    """
    if not 0 <= within_px <= 100:
        raise RoiError(
            f"An edge is not looked for within {within_px:g} px; choose 0 to 100."
        )
    row, column = pixel_of(point, cost.shape, "anchor")
    reach = int(within_px)
    top, left = max(row - reach, 0), max(column - reach, 0)
    near = np.s_[top : row + reach + 1, left : column + reach + 1]
    prices = (cost.flat[near] - cost.gain[near]).astype(np.float64)
    rows, columns = np.ogrid[tuple(slice(n) for n in prices.shape)]
    far = np.hypot(rows + top - row, columns + left - column)
    # Of pixels alike, the nearest; what differs by less is alike.
    prices = np.where(far <= within_px, np.round(prices, 2) + 1e-5 * far, np.inf)
    at = np.unravel_index(int(prices.argmin()), prices.shape)
    return int(at[0]) + top, int(at[1]) + left


def pixel_of(
    point: Sequence[float], shape: tuple[int, int], what: str
) -> tuple[int, int]:
    """Return the pixel nearest to a point, which must lie within the image."""
    values = np.asarray(point, dtype=np.float64)
    if values.shape != (2,) or not np.isfinite(values).all():
        raise RoiError(f"The {what} of an outline is no (row, column); click again.")
    if (values < -0.5).any() or (values > np.array(shape) - 0.5).any():
        raise RoiError(
            f"The {what} at row {values[0]:.1f}, column {values[1]:.1f} lies outside "
            f"the image of {shape[0]} × {shape[1]} px; click within it."
        )
    row, column = np.clip(np.rint(values), 0, np.array(shape) - 1).astype(int)
    return int(row), int(column)


def as_cost(image: Gray | EdgeCost, scale_px: float, prefer: SnapTo) -> EdgeCost:
    """Return the cost of a frame, which may be known already."""
    if isinstance(image, EdgeCost):
        return image
    return edge_cost(image, scale_px=scale_px, prefer=prefer)


def _checked(gray: Gray, scale_px: float, prefer: str) -> npt.NDArray[np.float32]:
    """Return the gray levels as float32, or say why not."""
    picture = np.asarray(gray)
    if picture.ndim != 2 or picture.dtype.kind not in "uif":
        raise RoiError(
            f"An outline snaps to one gray frame, not to an array of "
            f"{picture.ndim} axes of type {picture.dtype}; choose a frame."
        )
    if min(picture.shape) < 3 or picture.size > MAX_PIXELS:
        raise RoiError(
            f"The image of {picture.shape[0]} × {picture.shape[1]} px is too small or "
            f"too large to snap to; it may have {MAX_PIXELS} px, so crop it."
        )
    if not 0.5 <= scale_px <= 20:
        raise RoiError(
            f"The scale of edges is {scale_px:g} px; choose one from 0.5 to 20 px."
        )
    if prefer not in SNAP_TO:
        raise RoiError(
            f"An outline cannot snap to {prefer!r}; use one of {', '.join(SNAP_TO)}."
        )
    if picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise RoiError(
            "The image has gray levels that are not finite, which no outline can snap "
            "to; crop it."
        )
    return picture.astype(np.float32)


def _ridge(picture: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    """Return how sharply the brightness falls off on both sides, 0 where it rises."""
    from scipy.ndimage import gaussian_filter

    # Differences of the smooth image do not answer to its level; a cut-off kernel of
    # second derivatives does.
    down, right = np.gradient(gaussian_filter(picture, scale, truncate=3))
    rows, mixed = np.gradient(down)
    columns = np.gradient(right, axis=1)
    low = (rows + columns) / 2 - np.hypot((rows - columns) / 2, mixed)
    # The curvature in gray levels a px, as the gradient is.
    return np.asarray(np.maximum(-low, 0) * np.float32(scale))


def _gain(response: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    """Return by how much a response, beside those around it, lowers the cost."""
    from scipy.ndimage import maximum_filter, uniform_filter

    square = response * response
    around = uniform_filter(square, int(_NEIGHBOURHOOD * scale) | 1)
    # Running sums may end a rounding error below 0.
    measure = np.sqrt(np.maximum(around, 0))
    measure += np.float32(_FLOOR * float(np.sqrt(square.mean())) + _INVISIBLE)
    gain = np.exp(-response / measure)
    gain = (1 - gain) * np.float32(1 - _LEAST)
    # Along a clear edge the exponential is flat, so the cost would not tell its middle.
    top = maximum_filter(response, int(2 * scale) | 1)
    gain *= response / np.maximum(top, np.float32(1e-9))
    return np.asarray(gain)


def _frozen(*arrays: npt.NDArray[np.float32]) -> EdgeCost:
    """Return the arrays as a cost that cannot be written to."""
    for array in arrays:
        array.setflags(write=False)
    return EdgeCost(*arrays)
