"""The size of a pixel of a DICOM ultrasound image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import SIZE_UNKNOWN, Calibration
from napari_muscle_us.io.dicom_region_items import (
    MAX_REGIONS,
    PICTURE_KINDS,
    list_regions,
    read_regions,
)
from napari_muscle_us.io.dicom_spacing import agree, stated_spacing, words_mm
from napari_muscle_us.regions import UltrasoundRegion, no_scale, position_mm

if TYPE_CHECKING:
    from pydicom import Dataset

    from napari_muscle_us.io.dicom_spacing import Spacing, StatedSpacing

__all__ = [
    "MAX_REGIONS",
    "NO_REGION",
    "UNTIL_CHOSEN",
    "Scale",
    "calibrate",
    "calibration_of",
    "position_mm",
    "read_regions",
]

UNTIL_CHOSEN: Final = (
    "choose the one to measure in the panel Acquisition, until then lengths and areas "
    "are in pixels."
)
NO_REGION: Final = (
    "The file states no calibrated ultrasound region: lengths and areas are in pixels."
)

_SOURCE: Final = "DICOM SequenceOfUltrasoundRegions"
_DISAGREEMENT: Final = 0.01
_MAX_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """Size of the pixels of a DICOM file.

    Parameters
    ----------
    calibration : Calibration, optional
        Spacing of the whole image or of all frames; ``None`` when the file does not
        tell, tells several, or is not to be trusted.
    frame_calibrations : tuple of Calibration or None, optional
        Calibration of each frame, where frames differ; `calibration` is ``None`` then.
    regions : tuple of UltrasoundRegion
        What the scanner wrote of the parts of the picture.
    notes : tuple of str
        Sentences for the user.
    """

    calibration: Calibration | None = None
    frame_calibrations: tuple[Calibration | None, ...] | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    notes: tuple[str, ...] = ()


def calibrate(dataset: Dataset, shape: tuple[int, int], *, frames: int = 1) -> Scale:
    """Return the size of a pixel of a DICOM file, its regions and caveats.

    One usable picture region (`read_regions`) gives the spacing and where it holds;
    several of one scale give the spacing. Of different scales none is taken: the user
    chooses (`calibration_of`). A doubtful region is never used by itself.

    PixelSpacing and its relatives (`stated_spacing`) count only where the file
    describes no region at all: beside regions that are no pictures, or no usable
    ones, it is unknown which part of the screen they are meant for. Where they
    contradict the region by more than 1 %, the region holds and a note says so.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The parsed header.
    shape : tuple of int
        Rows and columns of the stored image.
    frames : int, default: 1
        Number of frames of the image.

    Returns
    -------
    Scale
        Calibration, regions and notes; no spacing is ever made up.

    References
    ----------
    DICOM PS3.3 C.8.5.5 (US Region Calibration).
    """
    listed = list_regions(dataset, shape)
    apart = stated_spacing(dataset, frames=frames)
    if not listed.is_stated:
        return _without_regions(apart)
    calibration, notes = _of_pictures(listed.regions)
    if calibration and listed.change_note:
        notes = (*notes, listed.change_note)
    return Scale(
        calibration,
        regions=listed.regions,
        notes=(*listed.notes, *notes, *_beside(calibration, apart)),
    )


def calibration_of(region: UltrasoundRegion) -> Calibration:
    """Return the calibration by a region that the user chose or accepted.

    Parameters
    ----------
    region : UltrasoundRegion
        One of several pictures, or a doubtful one.

    Returns
    -------
    Calibration
        With `by_user` set; `source` names the region and any doubt.

    Raises
    ------
    ImageReadError
        If the region states no size of a pixel.

    Examples
    --------
    >>> inside = (0, 40, 0, 60)
    >>> region = UltrasoundRegion(1, "tissue", True, inside, inside, (0.2, 0.1))
    >>> calibration_of(region).source
    'DICOM SequenceOfUltrasoundRegions, region 2 chosen by the user'
    """
    if region.spacing_mm is None:
        raise ImageReadError(no_scale(region))
    word = "doubtful, accepted" if region.problem else "chosen"
    top, bottom, left, right = region.bounds
    return Calibration(
        region.spacing_mm,
        f"{_SOURCE}, region {region.index + 1} {word} by the user",
        region=region.bounds if top < bottom and left < right else None,
        by_user=True,
    )


def _of_pictures(
    regions: tuple[UltrasoundRegion, ...],
) -> tuple[Calibration | None, tuple[str, ...]]:
    """Return the calibration by picture regions, and what stands against it."""
    usable = [r for r in regions if r.is_usable]
    problems = _problems([r for r in regions if r.kind in PICTURE_KINDS and r.problem])
    if not usable:
        return None, (*problems, SIZE_UNKNOWN) if problems else (NO_REGION,)
    scales: list[Spacing] = []
    for region in usable:
        known = region.spacing_mm
        if known and not any(agree(known, scale) for scale in scales):
            scales.append(known)
    if len(scales) > 1:
        words = " and ".join(words_mm(s) for s in sorted(scales)[:_MAX_NAMED])
        return None, (
            f"The file holds pictures of different scale ({words}); {UNTIL_CHOSEN}",
            *problems,
        )
    bounds = usable[0].bounds if len(usable) == 1 else None
    return Calibration(scales[0], _SOURCE, region=bounds), problems


def _problems(regions: list[UltrasoundRegion]) -> tuple[str, ...]:
    """Return each problem once, with the regions that have it."""
    found: dict[str, list[str]] = {}
    for region in regions:
        found.setdefault(region.problem, []).append(region.label)
    return tuple(
        f"{problem[:-1]} ({', '.join(labels[:_MAX_NAMED])})."
        for problem, labels in list(found.items())[:_MAX_NAMED]
    )


def _without_regions(apart: StatedSpacing) -> Scale:
    source = f"DICOM {apart.element}, no ultrasound region"
    if apart.frame_spacings_mm is not None:
        known = {s: Calibration(s, source) for s in apart.distinct}
        each = tuple(known[s] if s else None for s in apart.frame_spacings_mm)
        return Scale(
            frame_calibrations=each,
            notes=(*apart.notes, *_of_frames(list(known), each)),
        )
    if apart.spacing_mm is None:
        return Scale(notes=(*apart.notes, NO_REGION))
    return Scale(
        Calibration(apart.spacing_mm, source),
        notes=(
            *apart.notes,
            f"The size of a pixel is the file's {apart.element}, which no ultrasound "
            "region confirms; check it against the ruler on the picture.",
        ),
    )


def _of_frames(
    scales: list[Spacing], each: tuple[Calibration | None, ...]
) -> tuple[str, ...]:
    """Return what to say of frames with a calibration of their own."""
    notes: list[str] = []
    if len(scales) > 1:
        smallest, largest = words_mm(min(scales)), words_mm(max(scales))
        notes.append(
            f"The frames differ in scale ({smallest} to {largest}); each is measured "
            "with its own."
        )
    if None in each:
        notes.append(
            f"{each.count(None)} of {len(each)} frames state no size of a pixel: "
            "lengths and areas in them are in pixels."
        )
    return tuple(notes)


def _beside(calibration: Calibration | None, apart: StatedSpacing) -> tuple[str, ...]:
    """Return what to say of PixelSpacing in a file that describes regions."""
    if calibration is None:
        return tuple(
            f"{apart.element} ({words_mm(s)}) is not used, since the file describes "
            "ultrasound regions; set the scale by hand if the ruler on the picture "
            "agrees."
            for s in apart.distinct[:1]
        )
    return tuple(
        f"{apart.element} ({words_mm(s)}) contradicts the ultrasound region "
        f"({words_mm(calibration.spacing_mm)}), which is used; check it against the "
        "ruler on the picture."
        for s in apart.distinct
        if not agree(s, calibration.spacing_mm, tolerance=_DISAGREEMENT)
    )[:1]
