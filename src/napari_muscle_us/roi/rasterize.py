"""Which pixels a region selects: pixel for pixel those that ImageJ selects.

The rules are ImageJ 1.53t's (``PolygonFiller``, ``OvalRoi``, ``Roi``, ``EllipseRoi``,
``ShapeRoi``), checked against ImageJ itself; its coordinates are single precision, so
ours are rounded to it before a pixel is decided.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import next_vertices, refuse_crossing
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


class PixelBox(NamedTuple):
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
    after its box was made integer; a rectangle all of that box. The outlines of a
    composite are filled as one: what lies in an odd number of them.

    Parameters
    ----------
    roi : Polygon, Rectangle, Ellipse or Composite
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
    ImageJ 1.53t, ``ij/process/PolygonFiller.java``, ``ij/gui/OvalRoi.java``,
    ``ij/gui/ShapeRoi.java``.

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
    if isinstance(roi, Polygon | Composite) or not roi.is_upright:
        box, mask, (top, bottom, left, right) = _polygon_mask(roi, shape)
    else:
        box = pixel_box(roi)
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


def pixel_box(roi: Rectangle | Ellipse) -> PixelBox:
    """Return ImageJ's integer bounds: truncated corner, extent rounded up."""
    return PixelBox(
        # int() truncates towards zero, as Java's cast does.
        int(roi.top + 0.5),
        int(roi.left + 0.5),
        max(math.ceil(roi.height), 1),
        max(math.ceil(roi.width), 1),
    )


def _oval_mask(
    box: PixelBox, top: int, bottom: int, left: int, right: int
) -> npt.NDArray[np.bool_]:
    ry, rx = box.height / 2, box.width / 2
    rows = np.arange(top, bottom) - (ry - 0.5)
    cols = np.arange(left, right) - (rx - 0.5)
    inside = cols * cols / (rx * rx) + (rows * rows / (ry * ry))[:, None]
    return np.asarray(inside <= 1.0, dtype=np.bool_)


def oval_rows(roi: Ellipse) -> tuple[int, npt.NDArray[np.int64]]:
    """Return the first row of an upright ellipse's pixels and each row's first column.

    Both are counted in its box; a row reaches as far from the right as from the left.
    """
    _, _, height, width = pixel_box(roi)
    ry, rx = height / 2, width / 2
    rows = np.arange(height) - (ry - 0.5)
    share = np.sqrt(np.clip(1 - rows * rows / (ry * ry), 0, None))
    # Rounding may miss by one; the rule of the mask itself decides.
    near = np.floor(rx - rx * share)[:, None] + np.arange(-1, 3)
    near = np.clip(near, 0, width - 1)
    cols = near - (rx - 0.5)
    inside = cols * cols / (rx * rx) + (rows * rows / (ry * ry))[:, None] <= 1.0
    filled = inside.any(axis=1)
    first = near[np.arange(height), inside.argmax(axis=1)][filled]
    return int(filled.argmax()), first.astype(np.int64)


def _polygon_mask(
    roi: Roi, shape: tuple[int, int]
) -> tuple[PixelBox, npt.NDArray[np.bool_], tuple[int, int, int, int]]:
    from napari_muscle_us._kernels import fill_polygon

    y, x = np.ascontiguousarray((roi.outline().T + 0.5).astype(np.float32))
    box_rule = _EXTENTS.get(type(roi), _turned_extent)
    parts = roi.parts if isinstance(roi, Composite) else (y,)
    _, after = next_vertices([len(part) for part in parts])
    row, height, y_rel = box_rule(y)
    col, width, x_rel = box_rule(x)
    box = PixelBox(row, col, height, width)
    top, bottom, left, right = box.clip(shape)
    mask = np.zeros((bottom - top, right - left), dtype=np.bool_)
    fill_polygon(x_rel, y_rel, after, height, width, top, bottom, left, right, mask)
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


def _composite_extent(
    values: npt.NDArray[np.float32],
) -> tuple[int, int, npt.NDArray[np.float64]]:
    """Return the same for ShapeRoi: a polygon's extent, counted from an integer."""
    base, extent, _ = _polygon_extent(values)
    return base, extent, (values - np.float32(base)).astype(np.float64)


_EXTENTS = {Polygon: _polygon_extent, Composite: _composite_extent}


def usable_window(roi: Roi, shape: tuple[int, int]) -> RoiWindow:
    """Return the pixels of a region that can be measured.

    Raises
    ------
    RoiError
        If an outline crosses itself or another one, or the region selects no pixel of
        the image.
    """
    refuse_crossing(roi)
    window = roi_window(roi, shape)
    if window.n_pixels == 0:
        raise RoiError(
            f"{label_of(roi.name)} covers 0 pixels; {_why_empty(roi, shape)}."
        )
    return window


def _why_empty(roi: Roi, shape: tuple[int, int]) -> str:
    low, high = roi.outline().min(axis=0), roi.outline().max(axis=0)
    outside = (high < -0.5).any() or (low > np.array(shape) - 0.5).any()
    size = f"{shape[0]} × {shape[1]}"
    if outside:
        return f"it lies outside the image ({size} px), so move it onto the muscle"
    return "it is smaller than a pixel, so draw it larger"
