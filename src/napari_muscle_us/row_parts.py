"""What rows of several kinds of measures share: how a value and its method are made."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.results import MEASURES, MeasuredValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage

MASK_RULE: Final = "ImageJ 1.53t"
SOFTWARE: Final = f"napari-muscle-us {version('napari-muscle-us')}"


def registered(
    key: str, value: float, method: dict[str, Any], note: str = ""
) -> MeasuredValue:
    """Return a value with the unit that the registry tells."""
    return MeasuredValue(key, float(value), MEASURES[key].unit, method, note)


def pixel_method(image: UltrasoundImage) -> dict[str, Any]:
    """Return how the gray levels of a region were taken from an image."""
    return {
        "gray_rule": image.gray_rule,
        "mask": MASK_RULE,
        "hash_of": image.hash_of,
    } | crop_method(image)


def crop_method(image: UltrasoundImage) -> dict[str, Any]:
    """Return which part of the picture an image shows."""
    # Outlines are in the pixels of the part that was measured.
    return {} if image.crop is None else {"crop": list(image.crop)}


def spacing_method(image: UltrasoundImage) -> dict[str, Any]:
    """Return the size of a pixel and where it is known from."""
    known = image.calibration
    if known is None:
        # Said, since the user may have set the file's own scale aside.
        return {"spacing_mm": None}
    method = {"spacing_mm": list(known.spacing_mm), "spacing_source": known.source}
    return method | ({"spacing_by_user": True} if known.by_user else {})


def coloured_note(
    image: UltrasoundImage, rows: slice, columns: slice, mask: npt.NDArray[np.bool_]
) -> str:
    """Return how many coloured pixels a region holds, empty for none."""
    if image.coloured is None:
        return ""
    count = int((image.coloured[rows, columns] & mask).sum())
    if not count:
        return ""
    return f"{count} of the pixels are coloured (Doppler, caliper or marker)"


def coloured_sentence(
    image: UltrasoundImage, mask: npt.NDArray[np.bool_] | None
) -> str:
    """Return `coloured_note` of pixels of the whole image, all by default."""
    if image.coloured is None:
        return ""
    inside = image.coloured if mask is None else mask
    told = coloured_note(image, slice(None), slice(None), inside)
    return f"{told}." if told else ""
