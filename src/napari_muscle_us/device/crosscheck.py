"""The header's size of a pixel, checked against the ruler burned into the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.device.acceptance import Finding
from napari_muscle_us.device.ruler import check_spacing, read_depth_ruler

if TYPE_CHECKING:
    from napari_muscle_us.device.acceptance import Level
    from napari_muscle_us.image import UltrasoundImage

KEY: Final = "ruler"


def check_ruler(image: UltrasoundImage) -> Finding:
    """Return whether the depth ruler on the picture agrees with the spacing.

    Parameters
    ----------
    image : UltrasoundImage
        A still image; of a clip, take ``image.frame(index)``.

    Returns
    -------
    Finding
        A warning when they differ by more than 1 %; ok when they agree; a note when
        there is no ruler, or no spacing to compare. `value` is the ruler's spacing in
        mm, ``None`` without a ruler.

    Raises
    ------
    ImageReadError
        If the image is a clip.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> check_ruler(mus.sample_image("transverse_healthy")).level
    'note'
    """
    known = image.calibration
    region = None if known is None else known.region
    reading = read_depth_ruler(image.pixels, region=region)
    if reading is None:
        return Finding(
            KEY,
            "note",
            "No depth ruler was found in the picture to check the size of a pixel by.",
        )
    if known is None:
        return Finding(
            KEY,
            "note",
            "The picture holds a depth ruler; press Read and accept its scale.",
            reading.candidates[0].spacing_mm,
        )
    check = check_spacing(reading, known.spacing_mm[0])
    level: Level = "ok" if check.agrees else "warning"
    return Finding(KEY, level, check.message, check.ruler_spacing_mm)
