"""Whether a frame is fit to be measured, each check a sentence for the user.

None of the checks refuses anything: what they say is shown beside the image, and the
user decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.device._settings import compare_device, compare_others
from napari_muscle_us.device.field import Field, find_image_field
from napari_muscle_us.device.overlay import Overlay, find_overlays

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.image import Calibration, Device, UltrasoundImage
    from napari_muscle_us.reference.model import DeviceBinding
    from napari_muscle_us.regions import Bounds

    Mask = npt.NDArray[np.bool_]

Level = Literal["ok", "note", "warning"]

SATURATED_NOTE: Final = 0.005
SATURATED_WARNING: Final = 0.02
"""Share of pixels at 255 that is said, and warned of.

Our choice, no published limit was found: 90 pictures of vastus lateralis at their usual
gain hold at most 0.14 %, the same at 1.5 times their gray levels 5 % to 20 %.
"""

BLACK_NOTE: Final = 0.25
BLACK_WARNING: Final = 0.5
"""Share of pixels at 0 that is said, and warned of.

Our choice: the same pictures hold up to 20 % in deep muscle.
"""

COLOURED_WARNING: Final = 0.01
"""Share of coloured pixels from which they are more than a marker. Our choice."""

PLAUSIBLE_DEPTH_MM: Final = (5.0, 400.0)
"""Height of a picture outside which its calibration is doubtful. Our choice."""

DEPTH_RATIO: Final = 1.35
"""Calibrated height and stated depth may differ by so much: margins, curved array."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    key : str
        The check: ``"field"``, ``"saturated"``, ``"black"``, ``"colour"``,
        ``"overlay"``, ``"calibration"``, ``"gray"``, ``"compression"``,
        ``"device.model"``, ``"device.gain_db"`` …
    level : {"ok", "note", "warning"}
        ``"note"`` is worth knowing, ``"warning"`` may change the result.
    sentence : str
        The value and what it means, in plain words.
    value : float or str or None
        The number behind it; a share lies between 0 and 1.
    bounds : tuple of int or None
        Where in the image, ``(row_start, row_stop, column_start, column_stop)``.
    """

    key: str
    level: Level
    sentence: str
    value: float | str | None = None
    bounds: Bounds | None = None


def check_frame(
    image: UltrasoundImage,
    *,
    reference_device: DeviceBinding | Device | None = None,
    others: Sequence[Device] | None = None,
    field: Field | None = None,
) -> tuple[Finding, ...]:
    """Return what is to be known of a frame before it is measured.

    Every check gives a finding, also when all is well. Shares are of the pixels of the
    picture (`find_image_field`) that are not coloured, not of the screen around it.

    Parameters
    ----------
    image : UltrasoundImage
        A still image; of a clip, take ``image.frame(index)``.
    reference_device : DeviceBinding or Device, optional
        Device of the reference set, or of a scanner profile with its settings; what it
        tells is compared with the image's device.
    others : sequence of Device, optional
        Devices of the images that this one is compared with (other side, other
        visit); settings that differ are said.
    field : Field, optional
        The picture, where it is known already; else it is looked for.

    Returns
    -------
    tuple of Finding
        Picture, gray levels, overlays, calibration and compression first, then the
        device. A share is never NaN, since a field is never empty.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    MeasureError
        If `field` does not fit the image.

    Notes
    -----
    Gain, depth, dynamic range and gray map change echo intensity; a saturated pixel is
    a lower limit of its true gray level, a black one an upper limit.

    References
    ----------
    The influence of ultrasound image depth and gain on skeletal muscle echo intensity.
    Appl Physiol Nutr Metab 2022. Scafoglieri A, et al. Skeletal muscle echo intensity
    values differ significantly across ultrasound parameter settings. Life 2024;14:291.
    doi:10.3390/life14030291

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> [f.level for f in check_frame(image) if f.key == "saturated"]
    ['ok']
    """
    gray = image.pixels
    known = find_image_field(image) if field is None else field
    overlays = find_overlays(gray, known, coloured=image.coloured)
    values = gray[_tissue(known, image.coloured)]
    device = image.device
    return (
        _field(known),
        _saturated(float(np.mean(values == 255))),
        _black(float(np.mean(values == 0)), certain=known.certain),
        _colour(image, known, overlays),
        _overlay([o for o in overlays if o.kind != "colour"]),
        _calibration(image, known),
        _gray_rule(image.gray_rule),
        _compression(image),
        *(Finding(*said) for said in compare_device(device, reference_device)),
        *(Finding(*said) for said in compare_others(device, others)),
    )


def _tissue(field: Field, coloured: npt.NDArray[np.bool_] | None) -> Mask:
    """Return the pixels whose gray level is an echo; colour is none."""
    if coloured is None:
        return field.mask
    plain = field.mask & ~coloured
    return plain if plain.any() else field.mask


def worst_level(findings: Sequence[Finding]) -> Level:
    """Return the gravest level among findings; ``"ok"`` when there are none.

    Examples
    --------
    >>> worst_level([Finding("gray", "ok", ""), Finding("black", "note", "")])
    'note'
    """
    order: tuple[Level, ...] = ("ok", "note", "warning")
    return max((f.level for f in findings), key=order.index, default="ok")


def _field(field: Field) -> Finding:
    top, bottom, left, right = field.bounds
    said = (
        f"The picture was taken as rows {top}–{bottom - 1}, columns {left}–{right - 1} "
        f"({field.found})."
    )
    if field.certain:
        return Finding("field", "ok", said, field.found, field.bounds)
    return Finding(
        "field",
        "note",
        f"{said} {field.doubt} Look whether that is right.",
        field.found,
        field.bounds,
    )


def _saturated(share: float) -> Finding:
    said = f"{_percent(share)} of the picture is saturated (255)"
    if share >= SATURATED_WARNING:
        meaning = "the gain may be too high; echo intensity is underestimated there."
        return Finding("saturated", "warning", f"{said}: {meaning}", share)
    if share >= SATURATED_NOTE:
        meaning = "keep regions of interest away, echo intensity is underestimated."
        return Finding("saturated", "note", f"{said}: {meaning}", share)
    return Finding("saturated", "ok", f"{said}.", share)


def _black(share: float, *, certain: bool) -> Finding:
    said = f"{_percent(share)} of the picture is black (0)"
    where = "" if certain else " The outline of the picture is not certain."
    if share >= BLACK_NOTE:
        meaning = (
            "shadow, too little gain or too much depth; weak echoes are lost there and "
            f"echo intensity does not tell tissue apart.{where}"
        )
        level: Level = "warning" if share >= BLACK_WARNING else "note"
        return Finding("black", level, f"{said}: {meaning}", share)
    return Finding("black", "ok", f"{said}.", share)


def _colour(
    image: UltrasoundImage, field: Field, overlays: Sequence[Overlay]
) -> Finding:
    inside = 0
    if image.coloured is not None:
        inside = int(np.count_nonzero(image.coloured & field.mask))
    if not inside:
        return Finding("colour", "ok", "No pixel of the picture is coloured.", 0.0)
    share = inside / field.n
    places = [o.bounds for o in overlays if o.kind == "colour"]
    return Finding(
        "colour",
        "warning" if share >= COLOURED_WARNING else "note",
        f"{inside} pixels of the picture ({_percent(share)}) are coloured: Doppler, a "
        "map or a marker, whose gray level is no echo intensity.",
        share,
        places[0] if places else None,
    )


def _overlay(overlays: Sequence[Overlay]) -> Finding:
    if not overlays:
        said = "No text, line or marker was found in the picture."
        return Finding("overlay", "ok", said, 0.0)
    first = overlays[0]
    top, bottom, left, right = first.bounds
    what = "A line or caliper" if first.kind == "caliper line" else "Text or a marker"
    more = f", and {len(overlays) - 1} more elsewhere" if len(overlays) > 1 else ""
    return Finding(
        "overlay",
        "warning",
        f"{what} may be drawn into the picture at rows {top}–{bottom - 1}, columns "
        f"{left}–{right - 1}{more}: keep regions of interest away from it.",
        float(len(overlays)),
        first.bounds,
    )


def _calibration(image: UltrasoundImage, field: Field) -> Finding:
    known = image.calibration
    if known is None:
        problem = next((r.problem for r in image.regions if r.problem), "")
        said = "The size of a pixel is not known: depths and areas are in pixels."
        level: Level = "warning" if problem else "note"
        return Finding("calibration", level, f"{said} {problem}".strip())
    depth, lateral = known.spacing_mm
    said = f"A pixel is {depth:.4g} × {lateral:.4g} mm ({known.source})"
    doubt = _doubtful(known, field, image.device.depth_mm)
    if doubt and not known.by_user:
        return Finding("calibration", "warning", f"{said}; {doubt}", depth)
    return Finding("calibration", "ok", f"{said}.", depth)


def _doubtful(known: Calibration, field: Field, depth_mm: float | None) -> str:
    top, bottom = (known.region or field.bounds)[:2]
    height = (bottom - top) * known.spacing_mm[0]
    low, high = PLAUSIBLE_DEPTH_MM
    if not low <= height <= high:
        return f"the picture would be {height:.4g} mm high: check the calibration."
    if depth_mm and not 1 / DEPTH_RATIO <= height / depth_mm <= DEPTH_RATIO:
        return (
            f"the picture would be {height:.4g} mm high where the file states a depth "
            f"of {depth_mm:.4g} mm: check the calibration."
        )
    return ""


def _gray_rule(rule: str) -> Finding:
    if rule.startswith("window"):
        said = (
            f"The file holds more than 8 bits; its display {rule} made the gray "
            "levels, and with another one echo intensity would be another."
        )
        return Finding("gray", "note", said, rule)
    if rule == "luma601":
        said = (
            "Colour became gray by the weighted mean (luma601), where reference values "
            "usually rest on ImageJ's plain mean; only coloured pixels differ."
        )
        return Finding("gray", "note", said, rule)
    if rule == "imagej":
        said = "Colour became gray by ImageJ's plain mean, as reference values expect."
        return Finding("gray", "ok", said, rule)
    return Finding("gray", "ok", "The gray levels are 8-bit as stored.", rule)


def _compression(image: UltrasoundImage) -> Finding:
    if image.lossy:
        return Finding(
            "compression",
            "note",
            "The picture was compressed with loss: its fine texture is not as the "
            "scanner drew it.",
        )
    return Finding("compression", "ok", "Nothing tells of lossy compression.")


def _percent(share: float) -> str:
    """Return a share in per cent that never rounds something to nothing."""
    if 0 < share < 0.0005:
        return "Less than 0.1 %"
    return f"{100 * share:.1f} %"
