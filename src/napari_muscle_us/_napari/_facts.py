"""What a layer's metadata keep of its ultrasound image: plain values, nobody's name."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.image import (
    LAYER_CALIBRATION,
    SIZE_UNKNOWN,
    Calibration,
    Device,
    Person,
    UltrasoundImage,
)
from napari_muscle_us.io.dicom_regions import NO_REGION, UNTIL_CHOSEN
from napari_muscle_us.regions import UltrasoundRegion

if TYPE_CHECKING:
    from napari_muscle_us.frames import FrameStack

METADATA_KEY: Final = "napari-muscle-us"

# Apart from the metadata: they hold paths, and a folder's name can tell a patient's.
_digests: dict[str, FileDigest] = {}

_AS_THEY_ARE: Final = (
    "name",
    "hash_of",
    "gray_rule",
    "coloured",
    "frame_times_s",
    "frame_index",
    "crop",
    "acquired_after_s",
    "device_by_user",
    "lossy",
)


def facts_of(image: UltrasoundImage) -> dict[str, Any]:
    """Return what the layer of an image remembers of it, besides the pixels."""
    frames = image.frame_calibrations
    if isinstance(image.digest, FileDigest):
        _digests[image.digest.quick] = image.digest
    return {name: getattr(image, name) for name in _AS_THEY_ARE} | {
        "digest": image.key,
        "calibration": _plain(image.calibration),
        "frame_calibrations": None if frames is None else [_plain(c) for c in frames],
        "device": asdict(image.device),
        "person": asdict(image.person),
        "regions": [asdict(region) for region in image.regions],
        "warnings": list(image.warnings),
    }


def image_from(
    facts: dict[str, Any], gray: Any | FrameStack, calibration: Calibration | None
) -> UltrasoundImage:
    """Return the image of a layer; `calibration` is what its scale says now."""
    known = _calibration(facts["calibration"])
    if known and calibration and known.spacing_mm == calibration.spacing_mm:
        calibration = known
    frames = facts["frame_calibrations"]
    regions = tuple(UltrasoundRegion(**region) for region in facts["regions"])
    return UltrasoundImage(
        gray,
        **{name: facts[name] for name in _AS_THEY_ARE},
        # Of a clip the mark that is known at once, for which the hash is looked up.
        digest=_digests.get(facts["digest"], facts["digest"]),
        calibration=calibration,
        frame_calibrations=(
            None if frames is None else tuple(_calibration(c) for c in frames)
        ),
        device=Device(**facts["device"]),
        person=Person(**facts["person"]),
        regions=regions,
        warnings=_present_warnings(facts["warnings"], calibration, regions),
    )


def is_ours(facts: object) -> bool:
    """Whether metadata were written by `facts_of`."""
    return isinstance(facts, dict) and "digest" in facts and "regions" in facts


def _plain(calibration: Calibration | None) -> dict[str, Any] | None:
    return None if calibration is None else asdict(calibration)


def _calibration(told: dict[str, Any] | None) -> Calibration | None:
    return None if told is None else Calibration(**told)


def _present_warnings(
    told: list[str],
    calibration: Calibration | None,
    regions: tuple[UltrasoundRegion, ...],
) -> tuple[str, ...]:
    """Return a file's caveats without those that a spacing set by hand has settled."""
    if calibration is None:
        return tuple(told)
    settled = [UNTIL_CHOSEN]
    if calibration.by_user or calibration.source == LAYER_CALIBRATION:
        settled += [
            SIZE_UNKNOWN,
            NO_REGION,
            *filter(None, (r.problem for r in regions)),
        ]
    return tuple(
        sentence
        for sentence in told
        if not any(said.rstrip(".") in sentence for said in settled)
    )
