"""Pixels of a de-identified copy: what stays, and black around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.dicom import looks_like_dicom, open_dicom
from napari_muscle_us.io.dicom_palette import apply_palette
from napari_muscle_us.io.dicom_region_items import read_regions
from napari_muscle_us.io.dicom_window import gray_levels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt
    from pydicom import Dataset

    from napari_muscle_us.io.dicom_frames import DicomFrames
    from napari_muscle_us.regions import Bounds


def open_source(path: Path) -> tuple[Dataset, DicomFrames]:
    name = path.name
    if not path.is_file():
        raise ImageReadError(f"{name!r} is no file that exists; check the path.")
    with path.open("rb") as file:
        if not looks_like_dicom(file.read(132)):
            raise ImageReadError(
                f"{name!r} is not DICOM; write a TIFF or PNG copy of it instead."
            )
    source = open_dicom(path, name=name, digest=FileDigest(path))
    return source.dataset, source.frames


def decode_frame(frames: DicomFrames, index: int) -> npt.NDArray[Any]:
    """Return a frame as `read_image` decodes it, before it becomes gray levels."""
    pixels = frames.pixels(index)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)


def kept_bounds(
    keep: Bounds | None, dataset: Dataset, shape: tuple[int, int, int], name: str
) -> tuple[Bounds, ...]:
    rows, columns = shape[1:]
    if keep is not None:
        top, bottom, left, right = (int(value) for value in keep)
        if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
            raise ImageReadError(
                f"Rows {top} to {bottom} and columns {left} to {right} are no part of "
                f"an image of {rows} × {columns} pixels; give a part inside it."
            )
        return ((top, bottom, left, right),)
    pictures = [r for r in read_regions(dataset, (rows, columns)) if r.is_picture]
    moved = [
        r
        for r in pictures
        if r.problem
        and (r.stated_bounds[1] > rows + 1 or r.stated_bounds[3] > columns + 1)
    ]
    if not pictures or moved:
        why = (
            "describes a larger image than it holds" if moved else "is silent about it"
        )
        raise ImageReadError(
            f"Where the picture lies in {name!r} is not known: the file {why}; give "
            "the rows and columns to keep."
        )
    return tuple(dict.fromkeys(r.bounds for r in pictures))


def mask_of(shape: tuple[int, ...], keep: Iterable[Bounds]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(shape, np.bool_)
    for top, bottom, left, right in keep:
        inside[top:bottom, left:right] = True
    return inside


def blackened(
    pixels: npt.NDArray[Any], keep: Iterable[Bounds], black: int
) -> npt.NDArray[Any]:
    result = np.full_like(pixels, black, order="C")
    for top, bottom, left, right in keep:
        result[top:bottom, left:right] = pixels[top:bottom, left:right]
    return result


def black_value(dataset: Dataset, pixels: npt.NDArray[Any]) -> int:
    """Return the stored value that shows as black."""
    photometric = str(dataset.PhotometricInterpretation)
    bits = int(dataset.BitsStored)
    signed = pixels.dtype.kind == "i"
    low, high = (
        (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    )
    if photometric == "PALETTE COLOR":
        values = np.arange(low, high + 1, dtype=pixels.dtype)
        return int(values[apply_palette(values, dataset, "").sum(axis=1).argmin()])
    if not photometric.startswith("MONOCHROME"):
        return 0
    falling = float(dataset.get("RescaleSlope") or 1) < 0
    return high if (photometric == "MONOCHROME1") != falling else low


def as_shown(
    pixels: npt.NDArray[Any], dataset: Dataset, name: str
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Return a frame as 8-bit gray or RGB, and a note where that is not exact."""
    photometric = str(dataset.PhotometricInterpretation)
    if pixels.ndim == 3:
        return pixels, ()
    if photometric == "PALETTE COLOR":
        return apply_palette(pixels, dataset, name), ()
    try:
        return gray_levels(pixels, dataset, name)[0], ()
    except ImageReadError:
        low, high = float(pixels.min()), float(pixels.max())
        gray = (pixels - low) * (255 / max(high - low, 1))
        gray = 255 - gray if photometric == "MONOCHROME1" else gray
        return gray.astype(np.uint8), (
            "The file states no gray levels for its pixels; the preview is stretched "
            "from darkest to brightest.",
        )
