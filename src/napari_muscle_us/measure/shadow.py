"""Where sound did not reach: acoustic shadows and parts of the probe without contact.

Behind bone, calcium or gas, and below a part of the probe that lost the skin, a band of
the picture stays dark down to its lower edge. Its gray levels tell nothing of tissue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.device.field import Field

    Float = npt.NDArray[np.float32]
    Mask = npt.NDArray[np.bool_]

DARK_RATIO: Final = 0.35
"""Largest gray level in a shadow, of the median at its depth.

Our choice: of shadows painted into 33 pictures of muscle all are found where they take
150 gray levels, 7 to 9 in 10 where they take 100. Of 90 pictures of vastus lateralis
7 hold one, each a band at the side that is black from below the skin on.
"""

FAINT_RATIO: Final = 0.5
"""The same for up to half of a shadow's rows, since noise rises with the depth."""

DARK_LEVEL: Final = 8.0
"""Gray level that is dark also where all of the picture's depth is. Our choice."""

MIN_LENGTH: Final = 0.15
"""Least height of a shadow, of the picture's. Our choice."""

MIN_WIDTH: Final = 0.02
"""Least width of a shadow, of the picture's. Our choice."""

NEAR_PROBE: Final = 0.2
"""A shadow from within this share of the height is lost contact, without an echo.

Our choice: the skin's own echoes and the ringing of the probe stay bright.
"""

LOST_LENGTH: Final = 0.3
"""Height, of the picture's, over which a column without contact is black.

Our choice: below it the noise of a high gain may look like tissue.
"""

MAX_NOISE: Final = 60.0
"""Gray level that this noise may reach; behind fluid tissue is brighter. Our choice."""

BRIGHT_SHARE: Final = 0.1
"""The echo above a shadow is among this brightest share of the picture."""

MIN_BRIGHT: Final = 80.0
"""Gray level that an echo above a shadow has at least. Our choice."""

_REACH: Final = 0.1
_SMOOTH_COLUMNS: Final = 60


def find_shadows(gray: npt.NDArray[np.uint8], field: Field) -> Mask:
    r"""Return the pixels of a picture that lie in an acoustic shadow.

    Gray levels are averaged over a tenth of the picture's height :math:`H`. A column
    is in shadow from a depth on when all below is darker than `FAINT_RATIO` of the
    median at the same depth, and at least half of it darker than `DARK_RATIO` of it
    (or than `DARK_LEVEL`), over `MIN_LENGTH` of :math:`H` or more. It must begin below
    a bright echo, or so near the probe that contact was lost. Without contact it
    suffices that it is black over `LOST_LENGTH`, with nothing but noise below. Either
    is `MIN_WIDTH` wide.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels.
    field : Field
        The picture (`napari_muscle_us.device.field.find_image_field`).

    Returns
    -------
    ndarray of bool, shape (depth, lateral)
        True in a shadow; read-only. What is found is dark nearly for certain; a faint
        shadow with echoes in it is not found.

    Notes
    -----
    Shadows run down the columns, as below a linear array. Those at the sides of a
    curved array's picture run obliquely and may be missed.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_muscle_us as mus
    >>> from napari_muscle_us.device.field import find_image_field
    >>> image = mus.sample_image("transverse_healthy")
    >>> gray = image.pixels.copy()
    >>> gray[150:160, 200:280], gray[160:, 200:280] = 230, 4
    >>> shadow = find_shadows(gray, find_image_field(image))
    >>> bool(shadow[170:, 210:270].all()), bool(shadow[:, :190].any())
    (True, False)
    """
    top, bottom, left, right = field.bounds
    inside = field.mask[top:bottom, left:right]
    view = gray[top:bottom, left:right]
    found = np.zeros(gray.shape, np.bool_)
    start = _dark_from(view, inside)
    start[_narrow(start < len(view))] = len(view)
    below = np.arange(len(view))[:, None] >= start
    found[top:bottom, left:right] = below & inside
    found.setflags(write=False)
    return found


def _dark_from(view: npt.NDArray[np.uint8], inside: Mask) -> npt.NDArray[np.intp]:
    """Return the row from which each column is in shadow; the height for none."""
    from scipy import ndimage

    height, width = view.shape
    reach = max(5, int(_REACH * height)) | 1
    across = max(3, width // _SMOOTH_COLUMNS) | 1
    gray = view.astype(np.float32)
    coarse = _mean_inside(gray, inside, (reach, across))
    limit, faint = _limits(coarse, inside)
    dark = _dark_below(inside, coarse <= limit, coarse <= faint)
    dark |= _black_from_probe(inside, coarse)
    start: npt.NDArray[np.intp] = np.where(
        dark.any(axis=0), dark.argmax(axis=0), height
    )
    first = inside.argmax(axis=0)
    fine = ndimage.uniform_filter(gray, (3, across))
    bright = max(MIN_BRIGHT, float(np.quantile(gray[inside], 1 - BRIGHT_SHARE)))
    for column in np.flatnonzero(start < height):
        low = max(start[column] - reach, first[column])
        lit = fine[low : start[column] + 1, column] > limit[low : start[column] + 1, 0]
        edge = low + int(np.flatnonzero(lit)[-1]) + 1 if lit.any() else low
        echo = fine[max(edge - reach, 0) : edge + 1, column].max() >= bright
        near = edge - first[column] <= NEAR_PROBE * height
        start[column] = edge if echo or near else height
    return start


def _limits(coarse: Float, inside: Mask) -> tuple[Float, Float]:
    """Return the gray levels of a dark and of a faint row, shape (depth, 1)."""
    usual = np.zeros((len(coarse), 1), np.float32)
    for row in np.flatnonzero(inside.any(axis=1)):
        usual[row] = np.median(coarse[row, inside[row]])
    dark = np.maximum(DARK_LEVEL, DARK_RATIO * usual)
    return np.asarray(dark), np.asarray(np.maximum(dark, FAINT_RATIO * usual))


def _dark_below(inside: Mask, dark: Mask, faint: Mask) -> Mask:
    """Return from where on a column stays faint to the bottom and mostly dark."""

    def below(mask: Mask) -> npt.NDArray[np.int64]:
        return np.asarray(np.cumsum(mask[::-1], axis=0, dtype=np.int64)[::-1])

    length = below(inside)
    lit = below(inside & ~faint)
    mostly = 2 * below(inside & dark) >= length
    return np.asarray(
        inside & dark & (lit == 0) & mostly & (length >= MIN_LENGTH * len(inside))
    )


def _black_from_probe(inside: Mask, coarse: Float) -> Mask:
    """Return where columns turn black near the probe, stay so, and show noise below."""
    height = len(inside)
    rows = np.arange(height)[:, None]
    near = rows - inside.argmax(axis=0) <= (NEAR_PROBE + _REACH / 2) * height
    over = np.where(inside & (coarse <= DARK_LEVEL), height, rows)
    ends = np.minimum.accumulate(over[::-1], axis=0)[::-1]
    long = ends - rows >= LOST_LENGTH * height
    bright = inside & (coarse > MAX_NOISE)
    none = ~np.logical_or.accumulate(bright[::-1], axis=0)[::-1]
    return np.asarray(inside & near & long & none)


def _mean_inside(gray: Float, inside: Mask, size: tuple[int, int]) -> Float:
    """Return the running mean over the pixels of the picture only."""
    from scipy import ndimage

    weight = ndimage.uniform_filter(inside.astype(np.float32), size, mode="constant")
    total = ndimage.uniform_filter(gray * inside, size, mode="constant")
    return np.asarray(total / np.maximum(weight, np.float32(1e-6)), np.float32)


def _narrow(columns: Mask) -> Mask:
    """Return the columns that are no part of a band wide enough, or of none."""
    from scipy import ndimage

    bands, count = ndimage.label(columns)
    wide = np.bincount(bands, minlength=count + 1) >= max(4, MIN_WIDTH * len(columns))
    wide[0] = False
    return np.asarray(~wide[bands], np.bool_)
