"""Small bright spots of a screenshot that may be marks of a ruler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]
    Gray = npt.NDArray[np.uint8]
    Flags = npt.NDArray[np.bool_]

CONTRASTS: Final = (24, 64, 128)
"""Least contrast of the marks, tried in turn: a higher one parts them from tissue."""

# Bounds of the work on an image that is nothing but spots.
_MAX_LABELS: Final = 200_000
_MAX_BLOBS: Final = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Blobs:
    """Spots sorted by row; bounds are inclusive, `row` is the weighted centre."""

    row: Floats
    top: Ints
    bottom: Ints
    left: Ints
    right: Ints
    contrast: Floats

    def take(self, index: npt.NDArray[Any]) -> Blobs:
        """Return some of them."""
        return Blobs(
            self.row[index],
            self.top[index],
            self.bottom[index],
            self.left[index],
            self.right[index],
            self.contrast[index],
        )

    @property
    def middle(self) -> Ints:
        """Column of the middle."""
        return np.asarray((self.left + self.right) // 2)

    @property
    def width(self) -> Floats:
        """Number of columns."""
        return (self.right - self.left + 1).astype(np.float64)

    @property
    def height(self) -> Floats:
        """Number of rows."""
        return (self.bottom - self.top + 1).astype(np.float64)


def thin_bright(gray: Gray) -> Gray:
    """Return what is brighter than the rows above and below it and only a few high.

    A white top-hat along the columns: a vertical axis line, a gray bar or a slowly
    changing ground leave nothing.
    """
    length = max(9, gray.shape[0] // 120)
    low = ndimage.minimum_filter1d(gray, length, axis=0)
    ground = ndimage.maximum_filter1d(low, length, axis=0)
    return np.asarray(gray - np.minimum(ground, gray))


def find_blobs(gray: Gray, thin: Gray, *, contrast: int) -> Blobs:
    """Return the small solid spots that stand alone.

    Parameters
    ----------
    gray, thin : ndarray of uint8
        A part of the image, all rows of it, and what `thin_bright` makes of it.
    contrast : int
        Least value of `thin` in a spot.

    Returns
    -------
    Blobs
        None at all where there are too many to be marks.
    """
    labels, count = ndimage.label(thin >= contrast)
    if count == 0 or count > _MAX_LABELS:
        return _no_blobs()
    flat = np.flatnonzero(labels)
    label = labels.ravel()[flat] - 1
    row, column = np.divmod(flat, gray.shape[1])
    value = thin.ravel()[flat].astype(np.float64)
    centre = np.bincount(label, value * row, count) / np.bincount(label, value, count)
    peak = np.zeros(count)
    np.maximum.at(peak, label, value)
    # The ripples of JPEG around a mark are no part of its shape.
    core = value >= 0.4 * peak[label]
    label, row, column = label[core], row[core], column[core]
    top, left = (np.full(count, np.iinfo(np.intp).max) for _ in range(2))
    bottom, right = (np.zeros(count, np.intp) for _ in range(2))
    np.minimum.at(top, label, row)
    np.maximum.at(bottom, label, row)
    np.minimum.at(left, label, column)
    np.maximum.at(right, label, column)
    blobs = Blobs(centre, top, bottom, left, right, peak)
    shaped = _has_shape(blobs, np.bincount(label, minlength=count), gray.shape[0])
    blobs = blobs.take(np.flatnonzero(shaped))
    blobs = blobs.take(np.flatnonzero(_stands_alone(gray, blobs)))
    if len(blobs.row) > _MAX_BLOBS:
        return _no_blobs()
    return blobs.take(np.argsort(blobs.row, kind="stable"))


def half_level(gray: Gray, marks: Blobs) -> float:
    """Return the gray level half-way between the ground and the marks."""
    peak = gray[np.rint(marks.row).astype(np.intp), marks.middle]
    return float(np.median(peak - 0.5 * marks.contrast))


def _no_blobs() -> Blobs:
    none = np.zeros(0, np.intp)
    return Blobs(np.zeros(0), none, none, none, none, np.zeros(0))


def _has_shape(blobs: Blobs, area: Ints, rows: int) -> Flags:
    """Return which spots are small, solid and not upright."""
    width, height = blobs.width, blobs.height
    return np.asarray(
        (width <= max(16, min(60, rows // 20)))
        & (height <= max(8, rows // 120))
        & (height <= width + 3)
        & (area >= 2)
        & (area >= 0.5 * width * height)
    )


def _stands_alone(gray: Gray, blobs: Blobs) -> Flags:
    """Return which spots have darker rows above and below and one free end."""
    last_row, last_col = gray.shape[0] - 1, gray.shape[1] - 1
    row, middle = np.rint(blobs.row).astype(np.intp), blobs.middle
    limit = gray[row, middle] - 0.5 * blobs.contrast

    def dark(rows: Ints, columns: Ints) -> Ints:
        outside = (columns < 0) | (columns > last_col) | (rows < 0) | (rows > last_row)
        value = gray[np.clip(rows, 0, last_row), np.clip(columns, 0, last_col)]
        return np.asarray((value <= limit) | outside, dtype=np.intp)

    calm = np.zeros(len(row), np.intp)
    for columns in (blobs.left, middle, blobs.right):
        for gap in (2, 3):
            calm += dark(blobs.top - gap, columns) + dark(blobs.bottom + gap, columns)
    before = dark(row, blobs.left - 2) + dark(row, blobs.left - 3)
    after = dark(row, blobs.right + 2) + dark(row, blobs.right + 3)
    return np.asarray((calm >= 10) & (np.maximum(before, after) == 2))
