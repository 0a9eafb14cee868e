"""Gray levels of MONOCHROME images: the display window that the file states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

_BITS_OF_GRAY: Final = 8
_STORED: Final = "stored"


def gray_levels(
    pixels: npt.NDArray[Any], dataset: Dataset, name: str
) -> tuple[npt.NDArray[np.uint8], str]:
    r"""Return the 8-bit gray levels of a MONOCHROME image, and the rule that gave them.

    Eight stored bits are gray levels as they are. More bits go through the rescale
    :math:`x = \mathrm{slope}\cdot p + \mathrm{intercept}` and the file's display
    window of centre :math:`c` and width :math:`w`,

    .. math::
       g = 255\left(\frac{x - (c - 1/2)}{w - 1} + \frac12\right)
       \quad\text{(LINEAR)},\qquad
       g = 255\left(\frac{x - c}{w} + \frac12\right)\quad\text{(LINEAR\_EXACT)},

    cut to 0 … 255 and rounded half up. The first window counts if there are several.
    MONOCHROME1 is inverted at the end.

    Returns
    -------
    gray : ndarray of uint8
        Gray levels.
    rule : str
        ``"stored"``, or the window, which is then part of every result.

    Raises
    ------
    ImageReadError
        If there are more than 8 bits and no linear window: another choice would give
        another echo intensity.

    References
    ----------
    DICOM PS3.3 C.11.1.1.2 and C.11.2.1.2.
    """
    rule = _STORED
    if int(dataset.BitsStored) <= _BITS_OF_GRAY:
        if pixels.min() < 0 or pixels.max() > np.iinfo(np.uint8).max:
            raise _no_gray(name, "8-bit pixels with other values")
        gray = pixels.astype(np.uint8)
    else:
        centre, width, exact = _window(dataset, name)
        slope = _number(dataset.get("RescaleSlope"), 1.0)
        intercept = _number(dataset.get("RescaleIntercept"), 0.0)
        shift, divisor = (0.0, width) if exact else (0.5, width - 1)
        level = (pixels * slope + intercept - (centre - shift)) / divisor + 0.5
        gray = np.floor(np.clip(level, 0, 1) * 255 + 0.5).astype(np.uint8)
        rule = f"window {centre:g}/{width:g}{' exact' if exact else ''}"
    if str(dataset.PhotometricInterpretation) == "MONOCHROME1":
        gray = np.invert(gray)
    return gray, rule


def _window(dataset: Dataset, name: str) -> tuple[float, float, bool]:
    """Return centre, width and whether the function is LINEAR_EXACT."""
    bits = int(dataset.BitsStored)
    centre = _number(_first(dataset.get("WindowCenter")), math.nan)
    width = _number(_first(dataset.get("WindowWidth")), math.nan)
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    exact = function == "LINEAR_EXACT"
    usable = width > 0 if exact else width > 1
    if math.isnan(centre) or not usable or "VOILUTSequence" in dataset:
        raise _no_gray(name, f"{bits}-bit pixels without a display window")
    if not exact and function != "LINEAR":
        raise _no_gray(name, f"{bits}-bit pixels with a display curve")
    return centre, width, exact


def _first(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return next(iter(value), None)


def _number(value: Any, default: float) -> float:
    if value is None:
        return default
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _no_gray(name: str, what: str) -> ImageReadError:
    return ImageReadError(
        f"{name!r} holds {what}; echo intensity is defined on 8-bit gray levels, so "
        "export the image with 8 bits."
    )
