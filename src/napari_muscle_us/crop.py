"""A part of a picture, with its own calibration and its place in the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import CroppedFrames, FrameStack

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.image import Calibration, UltrasoundImage
    from napari_muscle_us.regions import Bounds, UltrasoundRegion


def crop_image(image: UltrasoundImage, bounds: Bounds) -> UltrasoundImage:
    """Return a part of an image; see `UltrasoundImage.cropped`."""
    top, bottom, left, right = bounds
    rows, columns = image.frame_shape
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise ImageReadError(
            f"Rows {top} to {bottom} and columns {left} to {right} are no part of a "
            f"picture of {rows} × {columns} pixels; choose bounds inside it."
        )
    part = (slice(top, bottom), slice(left, right))
    gray: npt.NDArray[np.uint8] | FrameStack
    if isinstance(image.gray, FrameStack):
        gray = FrameStack(CroppedFrames(image.gray, bounds))
    else:
        gray = np.ascontiguousarray(image.gray[part])
    coloured = None if image.coloured is None else image.coloured[part].copy()
    y, x = (0, 0) if image.crop is None else (image.crop[0], image.crop[2])
    return replace(
        image,
        gray=gray,
        coloured=coloured if coloured is not None and coloured.any() else None,
        calibration=_calibration_in(image, bounds),
        regions=tuple(
            _inside(region, bounds)
            for region in image.regions
            if _overlap(region.bounds, bounds)
        ),
        crop=(top + y, bottom + y, left + x, right + x),
    )


def _calibration_in(image: UltrasoundImage, bounds: Bounds) -> Calibration | None:
    """Return the calibration of a part, its region in the part's coordinates."""
    from napari_muscle_us.io.dicom_regions import calibration_of

    top, bottom, left, right = bounds
    known = image.calibration
    if known is None:
        inside = [
            r
            for r in image.regions
            if r.is_picture
            and r.spacing_mm is not None
            and not r.problem
            and r.contains(top, left)
            and r.contains(bottom - 1, right - 1)
        ]
        if len({r.spacing_mm for r in inside}) != 1:
            return None
        known = replace(calibration_of(inside[0]), by_user=False)
    if known.region is None:
        return known
    r0, r1, c0, c1 = known.region
    height, width = bottom - top, right - left
    region = (
        min(max(r0 - top, 0), height),
        min(max(r1 - top, 0), height),
        min(max(c0 - left, 0), width),
        min(max(c1 - left, 0), width),
    )
    return replace(known, region=region)


def _overlap(one: Bounds, other: Bounds) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1]) and max(
        one[2], other[2]
    ) < min(one[3], other[3])


def _inside(region: UltrasoundRegion, bounds: Bounds) -> UltrasoundRegion:
    """Return the part of a region that a cropped picture shows, in its coordinates."""
    top, bottom, left, right = bounds
    kept = (
        max(region.bounds[0], top),
        min(region.bounds[1], bottom),
        max(region.bounds[2], left),
        min(region.bounds[3], right),
    )
    reference = region.reference_px
    return replace(
        region,
        bounds=_shift(kept, top, left),
        stated_bounds=_shift(region.stated_bounds, top, left),
        reference_px=(
            None if reference is None else (reference[0] - top, reference[1] - left)
        ),
    )


def _shift(bounds: Bounds, top: int, left: int) -> Bounds:
    return (bounds[0] - top, bounds[1] - top, bounds[2] - left, bounds[3] - left)
