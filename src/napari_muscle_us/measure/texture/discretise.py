"""From gray to levels: the step before every texture matrix, written in full."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.intensity import GRAY_LEVELS
from napari_muscle_us.measure.texture._checks import array_of, shown, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

DEFAULT_BIN_SIZE: Final = 8
"""Gray levels in a bin: 32 levels, which keep the meaning of the gray scale."""

FEW_LEVELS: Final = 8
"""Occupied levels below which a choice flattens the texture. Our choice."""

_MIDDLE: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A region after discretisation, as every texture family takes it.

    Attributes
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        1 … `n_levels` inside the region, 0 outside. A still image has one frame.
    n_levels : int
        Highest level in the region, N_g of the standard.
    occupied : int
        Number of levels that occur.
    method : dict
        Settings that lead from the gray levels to these; they belong in every row.
    """

    levels: npt.NDArray[np.uint16]
    n_levels: int
    occupied: int
    method: Mapping[str, Any]

    @property
    def caveat(self) -> str:
        """Sentence that warns of too few levels, or an empty string."""
        if self.occupied >= FEW_LEVELS:
            return ""
        left = "1 level is" if self.occupied == 1 else f"{self.occupied} levels are"
        return (
            f"Only {left} left of the region's gray levels, which flattens its "
            "texture; choose smaller bins or more of them."
        )


def discretise(
    gray: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.bool_],
    *,
    bin_size: int = DEFAULT_BIN_SIZE,
    bin_number: int | None = None,
    origin: int = 0,
) -> Levels:
    r"""Return the levels of a region: bins of a fixed size, or a fixed number of them.

    *Fixed bin size* w from an origin :math:`x_0` keeps the meaning of the gray scale,
    so that a level is the same brightness in every image of a device:

    .. math:: l = \lfloor (x - x_0) / w \rfloor + 1

    A size of 1 from 0 leaves all 256 levels as they are. *Fixed bin number* N spreads
    the region's own range, which takes out gain and offset and with them the echo
    intensity:

    .. math::
       l = \min(N, \lfloor N (x - x_{min}) / (x_{max} - x_{min}) \rfloor + 1)

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels. A pixel of value 0 inside the region counts.
    mask : ndarray of bool, same shape
        Pixels of the region; of shape (depth, lateral) it holds for every frame.
    bin_size : int, default: 8
        Gray levels in a bin, 1 … 128. Not used when `bin_number` is given.
    bin_number : int, optional
        Number of bins, 2 … 256, between the lowest and the highest gray level of the
        region in all its frames.
    origin : int, default: 0
        Gray level at which the first bin of fixed size begins.

    Returns
    -------
    Levels
        A constant region has the level ceil(N/2) under a fixed bin number.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, the region covers no pixel,
        a setting is not possible, or the region has gray levels below the origin.

    Notes
    -----
    Other programs differ. pyradiomics has bins of a fixed size of 25 as default,
    which leaves 11 levels at most; its origin is the multiple of the size below the
    region's lowest value, so that its lowest level is always 1.

    References
    ----------
    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology
    2020;295:328. doi:10.1148/radiol.2020191145. MIRP for the constant region.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.array([[0, 7, 8, 255]], np.uint8)
    >>> region = gray < 255
    >>> discretise(gray, region).levels
    array([[[1, 1, 2, 0]]], dtype=uint16)
    >>> discretise(gray, region, bin_number=4).levels
    array([[[1, 4, 4, 0]]], dtype=uint16)
    >>> discretise(gray, region, bin_size=1).n_levels
    9
    """
    frames, inside = checked_region(gray, mask)
    counts = region_histogram(frames, inside)
    if bin_number is None:
        table = _by_size(counts, bin_size, origin)
        method = {
            "discretisation": "fixed_bin_size",
            "bin_size": int(bin_size),
            "origin": int(origin),
        }
    else:
        table = _by_number(counts, bin_number)
        method = {"discretisation": "fixed_bin_number", "bin_number": int(bin_number)}
    levels = np.empty(frames.shape, np.uint16)
    # Frame by frame: a look-up takes eight bytes a pixel for the while.
    for frame, area, found in zip(frames, inside, levels, strict=True):
        np.multiply(table[frame], area, out=found)
    present = np.unique(table[counts > 0])
    return Levels(levels, int(present[-1]), len(present), method)


def normalise_three_sigma(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    r"""Return the image on the region's own gray scale, µ ± 3σ over 0 … 255.

    .. math::
       x' = \lfloor 256\,(x - \mu + 3\sigma) / 6\sigma \rfloor
       \text{, held within 0 … 255}

    with the mean µ and the standard deviation σ (with n) of the region. It takes out
    gain and offset, and is less bound to single bright pixels than a fixed bin
    number. The echo intensity is lost: a mean of the result says nothing. To be
    called, and recorded, before `discretise`; nothing calls it unasked.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels.
    mask : ndarray of bool, same shape
        Pixels of the region; only these enter µ and σ. Of shape (depth, lateral) it
        holds for every frame.

    Returns
    -------
    ndarray of uint8, shape of `gray`
        Pixels outside the region are on the same scale. Of a constant region the
        result is 128 everywhere.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, or the region covers no
        pixel.

    References
    ----------
    Collewet G, Strzelecki M, Mariette F. Influence of MRI acquisition protocols and
    image intensity normalization methods on texture classification. Magn Reson
    Imaging 2004;22:81. doi:10.1016/j.mri.2003.09.001

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.array([[90, 110, 100, 0]], np.uint8)
    >>> normalise_three_sigma(gray, gray > 0)
    array([[ 75, 180, 128,   0]], dtype=uint8)
    """
    gray = array_of(gray, "image")
    frames, inside = checked_region(gray, mask)
    counts = [int(count) for count in region_histogram(frames, inside)]
    n = sum(counts)
    total = sum(level * count for level, count in enumerate(counts))
    squares = sum(level * level * count for level, count in enumerate(counts))
    # n² times the variance: a whole number, zero only in a constant region.
    spread = n * squares - total * total
    if spread == 0:
        return np.full(gray.shape, _MIDDLE, np.uint8)
    sixfold = 6.0 * math.sqrt(spread)
    scaled = [
        math.floor(GRAY_LEVELS * ((n * level - total) / sixfold + 0.5))
        for level in range(GRAY_LEVELS)
    ]
    table = np.clip(scaled, 0, GRAY_LEVELS - 1).astype(np.uint8)
    normalised = np.empty(frames.shape, np.uint8)
    for frame, found in zip(frames, normalised, strict=True):
        found[...] = table[frame]
    return normalised.reshape(gray.shape)


def checked_region(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Return image and mask with a frame axis, or refuse them.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels.
    mask : ndarray of bool, same shape
        Pixels of the region; of shape (depth, lateral) it holds for every frame.

    Returns
    -------
    frames : ndarray of uint8, shape (frame, depth, lateral)
        A view of `gray`.
    inside : ndarray of bool, same shape
        A view of `mask`.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, or the region covers no
        pixel.

    Examples
    --------
    >>> import numpy as np
    >>> frames, inside = checked_region(np.zeros((4, 5), np.uint8), np.eye(4, 5) > 0)
    >>> frames.shape, int(inside.sum())
    ((1, 4, 5), 4)
    """
    gray, mask = array_of(gray, "image"), array_of(mask, "mask")
    if gray.dtype != np.uint8:
        raise MeasureError(
            f"Texture needs 8-bit gray levels, not {gray.dtype}; convert the image to "
            "8 bits first."
        )
    if gray.ndim == 4 or _coloured(gray.shape, mask.shape):
        raise MeasureError(
            f"Texture needs one gray level a pixel, and the image has shape "
            f"{gray.shape}; convert colours to gray first."
        )
    if mask.dtype != np.bool_:
        raise MeasureError(
            f"The mask holds {mask.dtype}, which does not say what is inside; give "
            "booleans, such as labels == 1."
        )
    if gray.ndim not in (2, 3) or mask.shape not in (gray.shape, gray.shape[-2:]):
        raise MeasureError(
            f"The image has shape {gray.shape} and the mask {mask.shape}; both must "
            "be the same (depth, lateral) or (frame, depth, lateral)."
        )
    if not mask.any() or not gray.size:
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")
    frames = gray.reshape(-1, *gray.shape[-2:])
    inside = mask.reshape(-1, *mask.shape[-2:])
    if inside.shape != frames.shape:
        inside = np.broadcast_to(inside, frames.shape)
    return frames, inside


def _coloured(image: tuple[int, ...], mask: tuple[int, ...]) -> bool:
    """Return whether a picture has colours, to judge by the shape of its mask."""
    if len(image) != 3 or mask != image[:2]:
        return False
    # A clip may have as many frames as rows, and one mask for all of them.
    return mask != image[-2:] or image[2] in (3, 4)


def region_histogram(
    frames: npt.NDArray[np.uint8], inside: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return the 256 counts of the gray levels of a region over all frames.

    Parameters
    ----------
    frames, inside : ndarray, shape (frame, depth, lateral)
        What `checked_region` gave.

    Returns
    -------
    ndarray of int64, shape (256,)
        Number of pixels of each gray level.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.array([[[0, 0, 3]]], np.uint8)
    >>> region_histogram(frames, frames < 9)[:4].tolist()
    [2, 0, 0, 1]
    """
    from napari_muscle_us._kernels import masked_histogram

    counts = np.zeros(GRAY_LEVELS, np.int64)
    for frame, area in zip(frames, inside, strict=True):
        counts += masked_histogram(frame, area)
    return counts


def _by_size(
    counts: npt.NDArray[np.int64], bin_size: int, origin: int
) -> npt.NDArray[np.uint16]:
    """Return the level of each gray level for bins of a fixed size."""
    start = _whole("origin", origin, 0, GRAY_LEVELS - 2)
    size = _whole("bin size", bin_size, 1, GRAY_LEVELS // 2)
    if start + size >= GRAY_LEVELS:
        raise MeasureError(
            f"Bins of {size} gray levels from {start} leave one level only; choose a "
            "smaller bin size or a lower origin."
        )
    lowest = int(np.flatnonzero(counts)[0])
    if lowest < start:
        raise MeasureError(
            f"The region has gray levels from {lowest}, below the origin {start}; set "
            f"the origin to {lowest} or less."
        )
    # Gray levels below the origin lie outside the region: any level will do.
    above = np.maximum(np.arange(GRAY_LEVELS) - start, 0)
    return (above // size + 1).astype(np.uint16)


def _by_number(
    counts: npt.NDArray[np.int64], bin_number: int
) -> npt.NDArray[np.uint16]:
    """Return the level of each gray level for a fixed number of bins."""
    number = _whole("bin number", bin_number, 2, GRAY_LEVELS)
    present = np.flatnonzero(counts)
    low, high = int(present[0]), int(present[-1])
    if low == high:
        return np.full(GRAY_LEVELS, -(-number // 2), np.uint16)
    # Gray levels outside low … high lie outside the region: any level will do.
    above = np.clip(np.arange(GRAY_LEVELS), low, high) - low
    levels = number * above // (high - low) + 1
    return np.minimum(levels, number).astype(np.uint16)


def _whole(name: str, value: int, low: int, high: int) -> int:
    """Return a setting as int, or refuse what is not whole or out of range."""
    number = whole(value)
    if number is None or not low <= number <= high:
        raise MeasureError(
            f"The {name} {shown(value)} is not possible; give a whole number from "
            f"{low} to {high}."
        )
    return number
