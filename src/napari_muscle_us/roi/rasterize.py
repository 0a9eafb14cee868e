"""Which pixels a region selects: pixel for pixel those that ImageJ selects.

The rules are ImageJ 1.53t's (``PolygonFiller``, ``OvalRoi``, ``Roi``, ``EllipseRoi``),
checked against ImageJ itself; its coordinates are single precision, so ours are
rounded to it before a pixel is decided.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi.shapes import Roi


class RoiWindow(NamedTuple):
    """The part of an image that a region touches, and the pixels selected in it."""

    rows: slice
    columns: slice
    mask: npt.NDArray[np.bool_]

    @property
    def n_pixels(self) -> int:
        """Number of selected pixels."""
        return int(np.count_nonzero(self.mask))


class _Box(NamedTuple):
    """ImageJ's integer bounds of a region."""

    row: int
    column: int
    height: int
    width: int

    def clip(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the rows and columns of the box, counted in it, inside an image."""
        top, left = max(-self.row, 0), max(-self.column, 0)
        bottom = min(self.height, shape[0] - self.row)
        right = min(self.width, shape[1] - self.column)
        return top, max(bottom, top), left, max(right, left)


def roi_mask(roi: Roi, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    r"""Return the mask of a region: the pixels that ImageJ selects.

    Polygons, freehand and traced outlines fill the pixels between successive
    crossings of each row (even–odd), where an edge from ``y1`` to ``y2`` crosses the
    rows ``round(y1) ≤ r < round(y2)`` and, in ImageJ's coordinates, at

    .. math:: x(r) = x_1 + (r - y_1 + 1/2)\,\frac{x_2 - x_1}{y_2 - y_1} + 10^{-8}.

    An upright ellipse (ImageJ's oval) holds the pixels whose centre lies in it,
    after its box was made integer; a rectangle all of that box.

    Parameters
    ----------
    roi : Polygon, Rectangle or Ellipse
        Region; it may reach outside the image, and a polygon may cross itself.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    ndarray of bool, shape `shape`
        True inside. All false when the region lies outside the image or between
        pixel centres.

    Raises
    ------
    RoiError
        If `shape` is not two positive numbers.

    References
    ----------
    ImageJ 1.53t, ``ij/process/PolygonFiller.java``, ``ij/gui/OvalRoi.java``.

    Examples
    --------
    A 2 × 3 rectangle drawn around the pixels (1, 1) … (2, 3):

    >>> from napari_muscle_us import Rectangle
    >>> roi_mask(Rectangle(0.5, 0.5, 2, 3), (4, 5)).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]])
    """
    if len(shape) != 2 or min(shape) < 1:
        raise RoiError(f"An image of shape {tuple(shape)} has no (depth, lateral).")
    window = roi_window(roi, shape)
    mask = np.zeros(shape, dtype=np.bool_)
    mask[window.rows, window.columns] = window.mask
    return mask


def roi_window(roi: Roi, shape: tuple[int, int]) -> RoiWindow:
    """Return the selected pixels inside the region's box only.

    The fast form of `roi_mask`: what a drag recomputes is as large as the region, not
    as the image.
    """
    if isinstance(roi, Polygon) or not roi.is_upright:
        box, mask, (top, bottom, left, right) = _polygon_mask(roi, shape)
    else:
        box = _integer_box(roi)
        top, bottom, left, right = box.clip(shape)
        if isinstance(roi, Ellipse):
            mask = _oval_mask(box, top, bottom, left, right)
        else:
            mask = np.ones((bottom - top, right - left), dtype=np.bool_)
    return RoiWindow(
        slice(box.row + top, box.row + bottom),
        slice(box.column + left, box.column + right),
        mask,
    )


def _integer_box(roi: Rectangle | Ellipse) -> _Box:
    """Return ImageJ's integer bounds: truncated corner, extent rounded up."""
    return _Box(
        # int() truncates towards zero, as Java's cast does.
        int(roi.top + 0.5),
        int(roi.left + 0.5),
        max(math.ceil(roi.height), 1),
        max(math.ceil(roi.width), 1),
    )


def _oval_mask(
    box: _Box, top: int, bottom: int, left: int, right: int
) -> npt.NDArray[np.bool_]:
    ry, rx = box.height / 2, box.width / 2
    rows = np.arange(top, bottom) - (ry - 0.5)
    cols = np.arange(left, right) - (rx - 0.5)
    inside = cols * cols / (rx * rx) + (rows * rows / (ry * ry))[:, None]
    return np.asarray(inside <= 1.0, dtype=np.bool_)


def _polygon_mask(
    roi: Roi, shape: tuple[int, int]
) -> tuple[_Box, npt.NDArray[np.bool_], tuple[int, int, int, int]]:
    from napari_muscle_us._kernels import fill_polygon

    y, x = np.ascontiguousarray((roi.outline().T + 0.5).astype(np.float32))
    box_rule = _polygon_extent if isinstance(roi, Polygon) else _turned_extent
    row, height, y_rel = box_rule(y)
    col, width, x_rel = box_rule(x)
    box = _Box(row, col, height, width)
    top, bottom, left, right = box.clip(shape)
    mask = np.zeros((bottom - top, right - left), dtype=np.bool_)
    fill_polygon(x_rel, y_rel, height, width, top, bottom, left, right, mask)
    return box, mask, (top, bottom, left, right)


def _polygon_extent(
    values: npt.NDArray[np.float32],
) -> tuple[int, int, npt.NDArray[np.float64]]:
    """Return start, extent and coordinates from there, as PolygonRoi keeps them."""
    low = values.min()
    base = math.floor(low)
    extent = math.ceil(float(low) + float(values.max() - low)) - base
    # The subtraction is ImageJ's, in single precision; its base is exact.
    return base, extent, (values - low).astype(np.float64) + (float(low) - base)


def _turned_extent(
    values: npt.NDArray[np.float32],
) -> tuple[int, int, npt.NDArray[np.float64]]:
    """Return the same for EllipseRoi and RotatedRectRoi, counted from an integer."""
    base = math.floor(values.min())
    relative = values - np.float32(base)
    return base, int(float(relative.max()) + 0.5), relative.astype(np.float64)


def usable_window(roi: Roi, shape: tuple[int, int]) -> RoiWindow:
    """Return the pixels of a region that can be measured.

    Raises
    ------
    RoiError
        If the outline crosses itself, or selects no pixel of the image.
    """
    label = f"ROI {roi.name!r}" if roi.name else "The ROI"
    crossing = find_crossing(roi)
    if crossing is not None:
        raise RoiError(
            f"{label} crosses itself near row {crossing[0]:.1f}, column "
            f"{crossing[1]:.1f}; move a vertex or draw it again."
        )
    window = roi_window(roi, shape)
    if window.n_pixels == 0:
        raise RoiError(f"{label} covers 0 pixels; {_why_empty(roi, shape)}.")
    return window


def _why_empty(roi: Roi, shape: tuple[int, int]) -> str:
    low, high = roi.outline().min(axis=0), roi.outline().max(axis=0)
    outside = (high < -0.5).any() or (low > np.array(shape) - 0.5).any()
    size = f"{shape[0]} × {shape[1]}"
    if outside:
        return f"it lies outside the image ({size} px), so move it onto the muscle"
    return "it is smaller than a pixel, so draw it larger"
