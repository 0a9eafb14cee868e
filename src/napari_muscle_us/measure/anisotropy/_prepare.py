"""What every tensor measure starts from: checked input, made ready for the loops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.gradients import (
    GradientKernel,
    gradient_kernel,
)
from napari_muscle_us.measure.texture._checks import shown

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Reach = npt.NDArray[np.uint16]

FLAT_ENERGY: Final = 1e-8
"""Squared slope, in 8-bit gray levels a pixel, below which there is no direction."""


MIN_PIXEL_MM: Final = 1e-6
"""Least size of a pixel; one over it is the largest. Beyond, squares overflow."""

MIN_UNIT: Final = 1e-12
MAX_UNIT: Final = 1e12
"""Range of 1/128 of the gray levels' spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An image, or the part around its mask, with where gradients can be taken.

    Attributes
    ----------
    image : ndarray of float32, shape (depth, lateral)
        0 outside the mask. Other than 8-bit images are brought to about ±128.
    inside : ndarray of bool or None
        The mask of the same part.
    reach_x, reach_y : ndarray of uint16
        See `_tensor_kernels`.
    kernel : GradientKernel
        Derivatives.
    scales : (float, float)
        1 / size of a pixel in x and y, 1 without a scale.
    gain : float
        What an energy must be multiplied by.
    part : (slice, slice)
        Rows and columns in the image that was given.
    """

    image: npt.NDArray[np.float32]
    inside: Mask | None
    reach_x: Reach
    reach_y: Reach
    kernel: GradientKernel
    scales: tuple[float, float]
    gain: float
    part: tuple[slice, slice]

    @property
    def flat(self) -> float:
        """Energy of the prepared image below which there is no direction."""
        return FLAT_ENERGY * min(self.scales) ** 2

    @property
    def has_gradients(self) -> bool:
        """Whether the kernel fits anywhere."""
        return bool(((self.reach_x > 0) & (self.reach_y > 0)).any())


def prepare(
    gray: npt.NDArray[Any],
    mask: Mask | None,
    kernel: GradientKernel,
    spacing: tuple[float, float] | None,
) -> Prepared:
    """Check an image and its mask, and return what the compiled loops take."""
    checked_image(gray, mask)
    part = (slice(None), slice(None))
    if mask is not None:
        part = _box(mask)
    inside = None if mask is None else np.array(mask[part], order="C")
    image, gain = _single(gray[part], inside)
    reach_x, reach_y = _reach(image.shape, inside, kernel)
    down, across = spacing or (1.0, 1.0)
    scales = (1 / across, 1 / down)
    return Prepared(image, inside, reach_x, reach_y, kernel, scales, gain, part)


def checked_image(gray: npt.NDArray[Any], mask: Mask | None) -> None:
    """Refuse what is no gray image, and a mask that does not fit it."""
    if gray.ndim != 2:
        raise MeasureError(
            f"Fibre direction needs one gray image of shape (depth, lateral), not "
            f"{gray.shape}; convert colours to gray, and take one frame of a clip."
        )
    if gray.size == 0 or gray.dtype.kind not in "uif":
        raise MeasureError(
            f"An image of {gray.shape[0]}×{gray.shape[1]} pixels of type {gray.dtype} "
            "has no gray levels to measure; give whole or decimal numbers."
        )
    if mask is None:
        return
    if mask.shape != gray.shape or mask.dtype != np.bool_:
        raise MeasureError(
            f"The image has shape {gray.shape} and the mask {mask.shape} of type "
            f"{mask.dtype}; give a mask of True and False, of the image's shape."
        )
    if not mask.any():
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")


def checked_spacing(
    spacing_mm: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Return the size of a pixel as floats, or refuse what is no length."""
    if spacing_mm is None:
        return None
    try:
        down, across = (_number(value) for value in spacing_mm)
    except (TypeError, ValueError):
        down = across = math.nan
    if not (0 < down < math.inf and 0 < across < math.inf):
        raise MeasureError(
            f"The pixel spacing {shown(spacing_mm)} mm is not a positive length; give "
            "(depth, lateral)."
        )
    if not all(MIN_PIXEL_MM <= size <= 1 / MIN_PIXEL_MM for size in (down, across)):
        raise MeasureError(
            f"Pixels of {down:g} × {across:g} mm are not possible; check the pixel "
            "spacing (depth, lateral)."
        )
    return down, across


def length_px(
    name: str,
    px: float,
    mm: float | None,
    spacing: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return a length in pixels of depth and lateral, given in pixels or in mm."""
    if mm is None:
        size = _number(px)
        if not 0 < size < math.inf:
            raise MeasureError(
                f"A {name} of {shown(px)} px is not possible; give a number above 0."
            )
        return size, size
    if spacing is None:
        raise MeasureError(
            f"The image has no scale, so a {name} in mm is not possible; give it in "
            "pixels or calibrate the image."
        )
    size = _number(mm)
    if not 0 < size < math.inf:
        raise MeasureError(
            f"A {name} of {shown(mm)} mm is not possible; give a length above 0."
        )
    return size / spacing[0], size / spacing[1]


def chosen_kernel(
    gradient: str,
    sigma_px: float,
    sigma_mm: float | None,
    spacing: tuple[float, float] | None,
) -> GradientKernel:
    """Return the derivative kernel of a name and a scale in pixels or in mm."""
    if gradient != "gaussian":
        return gradient_kernel(gradient)
    sigmas = length_px("gradient scale", sigma_px, sigma_mm, spacing)
    return gradient_kernel(gradient, sigma_px=sigmas)


def _number(value: Any) -> float:
    """Return a number as float, and NaN for anything else."""
    try:
        return math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _single(
    gray: npt.NDArray[Any], inside: Mask | None
) -> tuple[npt.NDArray[np.float32], float]:
    """Return the image in single precision, and what its energy was divided by."""
    if gray.dtype == np.uint8:
        image = np.array(gray, np.float32, order="C")
        if inside is not None:
            image[~inside] = 0
        return image, 1.0
    values = gray if inside is None else gray[inside]
    missing = values.size - int(np.isfinite(values).sum())
    if missing:
        raise MeasureError(
            f"{missing} pixels of the region have no gray level (NaN or infinite); "
            "leave them out by a mask."
        )
    # Whole numbers are exact in double precision up to 2^53.
    middle = float(values.mean(dtype=np.float64))
    most = max(float(values.max()) - middle, middle - float(values.min()))
    unit = most / 128 or 1.0
    # The energy, in squares of them, is given in single precision.
    if not MIN_UNIT <= unit <= MAX_UNIT:
        raise MeasureError(
            f"Gray levels of {values.min():.3g} … {values.max():.3g} are beyond what "
            "can be measured; scale the image to 0 … 255."
        )
    kept = gray if inside is None else np.where(inside, gray, middle)
    image = np.empty(gray.shape, np.float32)
    # In double precision, yet without a copy of the image in it.
    np.subtract(kept, middle, out=image, dtype=np.float64, casting="same_kind")
    image /= np.float32(unit)
    return image, unit * unit


def _reach(
    shape: tuple[int, ...], inside: Mask | None, kernel: GradientKernel
) -> tuple[Reach, Reach]:
    """Return where the kernel fits, and how long it may be there."""
    down, across = kernel.reach
    if inside is None:
        rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
        fits_y = np.where(rows >= kernel.least_y, np.minimum(rows, down), 0)
        fits_x = np.where(columns >= kernel.least_x, np.minimum(columns, across), 0)
        return fits_x[None, :].astype(np.uint16), fits_y[:, None].astype(np.uint16)
    from napari_muscle_us.measure.anisotropy import _tensor_kernels as kernels

    reach_x, reach_y = np.empty((2, *shape), np.uint16)
    kernels.mask_reach(inside, max(down, across), reach_x, reach_y)
    np.minimum(reach_x, across, out=reach_x)
    np.minimum(reach_y, down, out=reach_y)
    reach_x[reach_x < kernel.least_x] = 0
    reach_y[reach_y < kernel.least_y] = 0
    if kernel.smooths:
        _whole_rectangle(reach_x, reach_y, down)
    return reach_x, reach_y


def _whole_rectangle(reach_x: Reach, reach_y: Reach, down: int) -> None:
    """Leave only pixels whose rows above and below hold the kernel, too."""
    from scipy import ndimage

    fits = ndimage.minimum_filter1d(reach_x, 2 * down + 1, axis=0, mode="constant")
    reach_x[fits == 0] = 0
    reach_y[fits == 0] = 0
