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
_MOST_BITS: Final = 16
_STORED: Final = "stored"
_PSEUDOCOLOUR: Final = ("COLOR", "MIXED", "TRUE_COLOR")


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

    Parameters
    ----------
    pixels : ndarray of integers
        Stored values of one frame.
    dataset : Dataset
        Elements of the file.
    name : str
        File name, for messages.

    Returns
    -------
    gray : ndarray of uint8
        Gray levels.
    rule : str
        ``"stored"``, or the window, which is then part of every result.

    Raises
    ------
    ImageReadError
        If the values are no gray levels and no linear window makes them so (fewer than
        8 bits, signed 8 bits, more bits without window, with a curve or a table), or
        if the file colours some of them: another choice would give another echo
        intensity.

    References
    ----------
    DICOM PS3.3 C.11.1.1.2, C.11.2.1.2 and C.8.16.2.1.1.1.
    """
    bits = int(dataset.BitsStored)
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    if str(dataset.get("PixelPresentation") or "") in _PSEUDOCOLOUR:
        raise _no_gray(name, "gray values that a second table turns into colours")
    if bits < _BITS_OF_GRAY or bits > _MOST_BITS:
        raise _no_gray(name, f"{bits}-bit pixels")
    if bits > _BITS_OF_GRAY:
        table, rule = _window_table(dataset, name, signed=signed)
        stored = pixels.astype(np.int16 if signed else np.uint16, copy=False)
        gray = table[stored.view(np.uint16)]
    else:
        if signed or pixels.min() < 0 or pixels.max() > np.iinfo(np.uint8).max:
            raise _no_gray(name, "8-bit pixels that may be negative")
        gray, rule = pixels.astype(np.uint8), _STORED
    if str(dataset.PhotometricInterpretation) == "MONOCHROME1":
        gray = np.invert(gray)
    return gray, rule


def _window_table(
    dataset: Dataset, name: str, *, signed: bool
) -> tuple[npt.NDArray[np.uint8], str]:
    """Return the gray level of each 16-bit pattern, and the window in words."""
    centre, width, exact = _window(dataset, name)
    slope = _number(dataset.get("RescaleSlope"), 1.0)
    intercept = _number(dataset.get("RescaleIntercept"), 0.0)
    if slope == 0:
        raise _no_gray(name, "pixels that are all rescaled to one value")
    patterns = np.arange(1 << _MOST_BITS, dtype=np.uint16)
    values = patterns.view(np.int16) if signed else patterns
    shift, divisor = (0.0, width) if exact else (0.5, width - 1)
    # A hostile slope overflows to an infinity, which is cut like any level.
    with np.errstate(over="ignore"):
        level = (values * slope + intercept - (centre - shift)) / divisor + 0.5
    gray = np.floor(np.clip(level, 0, 1) * 255 + 0.5).astype(np.uint8)
    return gray, f"window {centre:g}/{width:g}{' exact' if exact else ''}"


def _window(dataset: Dataset, name: str) -> tuple[float, float, bool]:
    """Return centre, width and whether the function is LINEAR_EXACT."""
    bits = int(dataset.BitsStored)
    centre = _number(_first(dataset.get("WindowCenter")), math.nan)
    width = _number(_first(dataset.get("WindowWidth")), math.nan)
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    exact = function == "LINEAR_EXACT"
    usable = width > 0 if exact else width > 1
    if "ModalityLUTSequence" in dataset:
        raise _no_gray(name, f"{bits}-bit pixels with a table of values")
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
    if value is None or value == "":
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
