"""The size of a pixel, from SequenceOfUltrasoundRegions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.image import Calibration

if TYPE_CHECKING:
    from pydicom import Dataset

_SPATIAL_2D: Final = 1
_TISSUE_OR_FLOW: Final = (1, 2)
_CENTIMETRE: Final = 3
_MM_PER_CM: Final = 10.0

NO_REGION: Final = (
    "The file states no calibrated ultrasound region: lengths and areas are in pixels."
)


@dataclass(frozen=True, slots=True)
class _Region:
    x0: int
    y0: int
    x1: int  # inclusive, as in DICOM
    y1: int
    dx_mm: float
    dy_mm: float


def calibrate(
    dataset: Dataset, shape: tuple[int, int]
) -> tuple[Calibration | None, tuple[str, ...]]:
    """Return the spacing of a DICOM ultrasound image, and caveats.

    Only regions of spatial format 2D, data type tissue or colour flow and unit cm on
    both axes count; ``spacing in mm = 10 · PhysicalDelta``. Bounds are inclusive and
    clipped to the image. Two regions with different scales give no spacing, and
    neither does a region larger than the stored image: then the picture was resized
    and its calibration is doubtful.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The parsed file.
    shape : tuple of int
        Rows and columns of the stored image.

    Returns
    -------
    calibration : Calibration or None
        ``None`` when the file does not tell, or is not to be trusted.
    notes : tuple of str
        Sentences for the user.

    References
    ----------
    DICOM PS3.3 C.8.5.5.
    """
    regions = [r for r in map(_read, _items(dataset)) if r is not None]
    if not regions:
        return None, (NO_REGION,)
    if any(_is_resized(r, shape) for r in regions):
        return None, (
            "The calibrated region is larger than the stored image, which was resized "
            "after acquisition; its calibration is doubtful and is not used.",
        )
    spacings = {(round(r.dy_mm, 9), round(r.dx_mm, 9)) for r in regions}
    if len(spacings) > 1:
        words = " and ".join(f"{dy:g} × {dx:g} mm" for dy, dx in sorted(spacings))
        return None, (
            f"The file holds pictures of different scale ({words}), so lengths and "
            "areas are in pixels.",
        )
    first = regions[0]
    spacing = (first.dy_mm, first.dx_mm)
    bounds = _clip(first, shape) if len(regions) == 1 else None
    source = "DICOM SequenceOfUltrasoundRegions"
    return Calibration(spacing, source, region=bounds), _cropped(regions, shape)


def _items(dataset: Dataset) -> list[Any]:
    items = dataset.get("SequenceOfUltrasoundRegions")
    try:
        return list(items or [])
    except TypeError:
        return []


def _read(item: Any) -> _Region | None:
    """Return a region that tells the size of tissue pixels, else ``None``."""
    try:
        codes = [
            int(item.get(keyword, 0))
            for keyword in (
                "RegionSpatialFormat",
                "RegionDataType",
                "PhysicalUnitsXDirection",
                "PhysicalUnitsYDirection",
            )
        ]
        region = _Region(
            int(item.RegionLocationMinX0),
            int(item.RegionLocationMinY0),
            int(item.RegionLocationMaxX1),
            int(item.RegionLocationMaxY1),
            # Some scanners count leftwards; the distance stays the same.
            abs(float(item.PhysicalDeltaX)) * _MM_PER_CM,
            abs(float(item.PhysicalDeltaY)) * _MM_PER_CM,
        )
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    spatial = codes[0] == _SPATIAL_2D and codes[1] in _TISSUE_OR_FLOW
    lengths = codes[2:] == [_CENTIMETRE, _CENTIMETRE]
    sizes = (region.dx_mm, region.dy_mm)
    usable = all(math.isfinite(v) and v > 0 for v in sizes)
    ordered = region.x1 > region.x0 and region.y1 > region.y0
    return region if spatial and lengths and usable and ordered else None


def _is_resized(region: _Region, shape: tuple[int, int]) -> bool:
    # A crop loses pixels on one side and keeps the scale; a reduced copy puts both
    # far edges outside. One pixel over is how some makers count.
    return region.y1 > shape[0] and region.x1 > shape[1]


def _cropped(regions: list[_Region], shape: tuple[int, int]) -> tuple[str, ...]:
    if any(r.y1 > shape[0] or r.x1 > shape[1] for r in regions):
        return ("The calibrated region reaches outside the stored image: it was cut.",)
    return ()


def _clip(region: _Region, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    return (
        max(region.y0, 0),
        min(region.y1 + 1, shape[0]),
        max(region.x0, 0),
        min(region.x1 + 1, shape[1]),
    )
