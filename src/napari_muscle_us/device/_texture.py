"""Where an image has the texture of tissue, and where it is flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

FLAT_LEVELS: Final = 2
"""Largest difference in a 3 × 3 neighbourhood of a flat area (rounding of a codec)."""

BRIGHT: Final = 192
MIN_BRIGHT_RIM: Final = 0.6
"""Share of bright pixels around saturated tissue; around white of the screen less.

Our choice: 0.67 to 1 around tissue at 1.5 to 4 times its gain, at most 0.56 on screens.
"""

_WHITE: Final = 255


def textured(view: npt.NDArray[np.uint8]) -> Mask:
    """Return where the 3 × 3 neighbourhood is not flat, or is saturated tissue."""
    high = ndimage.maximum_filter(view, 3)
    flat = high - ndimage.minimum_filter(view, 3) <= FLAT_LEVELS
    flat &= view != _WHITE
    return np.asarray(~flat & ~_drawn_white(view))


def _drawn_white(view: npt.NDArray[np.uint8]) -> Mask:
    """Return the flat white that is a screen or writing, not tissue at too high a gain.

    Tissue reaches 255 by degrees, so most pixels around it are bright; a window or a
    letter ends at once.
    """
    white = view == _WHITE
    inside = ndimage.minimum_filter(white, 3, mode="nearest")
    if not inside.any():
        return np.asarray(inside, np.bool_)
    labels, count = ndimage.label(white, np.ones((3, 3)))
    near = ndimage.maximum_filter(labels, 3)
    rim = (near > 0) & ~white
    total = np.bincount(near[rim], minlength=count + 1)
    bright = np.bincount(near[rim & (view >= BRIGHT)], minlength=count + 1)
    drawn = bright <= MIN_BRIGHT_RIM * total
    return np.asarray(inside & drawn[labels])


def block_mean(mask: Mask, block: int) -> npt.NDArray[np.float64]:
    """Return the share of true pixels in blocks; those at the far edges are smaller."""
    rows, columns = mask.shape
    row_starts = np.arange(0, rows, block)
    column_starts = np.arange(0, columns, block)
    sums = np.add.reduceat(mask, row_starts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(sums, column_starts, axis=1)
    heights = np.diff(np.append(row_starts, rows))
    widths = np.diff(np.append(column_starts, columns))
    return np.asarray(sums / np.outer(heights, widths), dtype=np.float64)
