"""JPEG pictures that end before their last row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy.typing as npt

_FILLER: Final = 128
_BLOCK_ROWS: Final = 8


def ends_in_filler(pixels: npt.NDArray[Any]) -> bool:
    """Whether the last blocks of a decoded 8-bit JPEG hold nothing but filler.

    Decoders fill blocks whose data are missing with level 128 and do not say so. No
    scanner draws a line of blocks of exactly this level across the lower edge.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (depth, lateral) or (depth, lateral, 3)
        Gray, RGB or YBR values as decoded.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.zeros((16, 8), np.uint8)
    >>> ends_in_filler(picture)
    False
    >>> picture[8:] = 128
    >>> ends_in_filler(picture)
    True
    """
    # The lowest row of blocks may be cut by the edge of the picture.
    rows = (pixels.shape[0] - 1) % _BLOCK_ROWS + 1
    last = pixels[-rows:]
    if not (last == _FILLER).all():
        return False
    # A test picture of one level is no picture cut short.
    return bool((pixels != _FILLER).any())
