"""Pennation, thickness and fascicle length as rows of the results table."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.architecture_lines import (
    TEXTURE,
    between,
    drawn_muscle,
    drawn_of_row,
)
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.measure.anisotropy.measures import ARCHITECTURE
from napari_muscle_us.registry import MEASURES
from napari_muscle_us.results import MeasuredValue, canonical_json, results_frame
from napari_muscle_us.row_parts import (
    SOFTWARE,
    crop_method,
    pixel_method,
    registered,
    spacing_method,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.architecture_lines import DrawnMuscle
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis
    from napari_muscle_us.measure.anisotropy.fascicle import FascicleDirection
    from napari_muscle_us.measure.anisotropy.pennation import Architecture

PREFIX: Final = "architecture."
KEYS: Final = tuple(entry[0] for entry in ARCHITECTURE)
_WITHOUT_FASCICLE: Final = (f"{PREFIX}thickness", f"{PREFIX}thickness_min")
_OF_EACH: Final = {
    "pennation": "pennation_deg",
    "pennation_superficial": "pennation_superficial_deg",
    "pennation_curved": "pennation_curved_deg",
    "fascicle_length": "length",
    "fascicle_length_curved": "length_curved",
    "fascicle_length_trigonometric": "length_trigonometric",
}
"""Names of the same number of a single fascicle."""

_EXTRAPOLATED: Final = (f"{PREFIX}fascicle_length", f"{PREFIX}fascicle_length_curved")
_LEAST_EXTRAPOLATED: Final = 0.005
"""Share of a length beyond the aponeuroses from which it is said."""


def architecture_rows(
    image: UltrasoundImage,
    superficial: Aponeurosis | npt.ArrayLike,
    deep: Aponeurosis | npt.ArrayLike,
    fascicles: float | str | npt.ArrayLike | Sequence[npt.ArrayLike] | None,
    *,
    subject: str = "",
    visit: str = "",
    muscle: str = "",
    side: str = "",
    name: str = "architecture",
    frame: int | None = None,
    note: str = "",
) -> pd.DataFrame:
    """Return the results rows of a muscle between two aponeuroses.

    Parameters
    ----------
    image : UltrasoundImage
        Image on which the lines were drawn; its size of a pixel is used.
    superficial, deep : Aponeurosis, or array_like of shape (n, 2)
        Inner borders, the first above the second.
    fascicles : float, array_like of shape (n, 2), a sequence of them, "texture" or None
        Direction in degrees, counter-clockwise positive; the row and column of points
        along one or more drawn fascicles; ``"texture"`` for the direction that
        `fascicle_between` finds; ``None`` for the thickness alone.
    subject, visit : str
        Labels of the person (a code, not a name) and the visit.
    muscle, side : str
        Labels of the muscle.
    name : str, default: "architecture"
        What stands in the column ``roi``.
    frame : int, optional
        Frame of a clip, from 0. A clip needs it.
    note : str, optional
        What is to be known of all rows, such as that a line is faint.

    Returns
    -------
    DataFrame
        A row for each number. Lengths are in px when the size of a pixel is not known.
        ``value`` is NaN with the reason in ``note`` where it cannot be computed;
        ``roi_geometry`` holds the lines as they were drawn. The ``note`` of lengths
        tells how much of them lies beyond the lines.

    Raises
    ------
    ImageReadError
        If the image is a clip and no frame, or one that is not there, was chosen.
    MeasureError
        If the aponeuroses cross or lie above one another nowhere, or a fascicle is
        not one.

    See Also
    --------
    napari_muscle_us.measure.anisotropy.pennation.measure_architecture : The numbers.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> rows = architecture_rows(
    ...     image, [(100, 0), (100, 300)], [(200, 0), (200, 300)], 30.0
    ... )
    >>> rows.set_index("measure").loc["architecture.pennation", "value"].round(6)
    np.float64(30.0)
    """
    image = _still(image, frame)
    drawn = drawn_muscle(superficial, deep, fascicles)
    # First, so that lines that are none are refused before they are written.
    values = _values(image, drawn, note)
    common = {
        "subject": subject,
        "visit": visit,
        "image": image.name,
        "frame": image.frame_index,
        "roi": name,
        "muscle": muscle,
        "side": side,
        "image_sha256": image.sha256,
        "roi_geometry": canonical_json(drawn.to_dict()),
        "software_version": SOFTWARE,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    rows = [
        common
        | {
            "measure": value.measure,
            "value": value.value,
            "unit": value.unit,
            "method": canonical_json(value.method),
            "note": value.note,
        }
        for value in values
    ]
    return results_frame(rows)


def fascicle_between(
    image: UltrasoundImage, superficial: Aponeurosis, deep: Aponeurosis
) -> FascicleDirection:
    """Return the fascicles' direction between two aponeuroses.

    Parameters
    ----------
    image : UltrasoundImage
        A still image.
    superficial, deep : Aponeurosis
        Inner borders; the region is what lies between them in the columns that both
        have.

    Returns
    -------
    FascicleDirection
        See `measure.anisotropy.fascicle.fascicle_direction`.

    Raises
    ------
    MeasureError
        If nothing of the image lies between the lines.
    """
    from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction

    mask = between(superficial, deep, image.frame_shape)
    return fascicle_direction(image.pixels, mask, spacing_mm=image.spacing_mm)


def is_architecture(measure: str) -> bool:
    """Return whether a measure is one of a muscle's architecture, by its key.

    Examples
    --------
    >>> is_architecture("architecture.pennation"), is_architecture("roi.area")
    (True, False)
    """
    return measure.startswith(PREFIX)


def recompute_architecture(
    image: UltrasoundImage, geometry: Mapping[str, Any], method: Mapping[str, Any]
) -> list[MeasuredValue]:
    """Return the values of a row's lines and method again.

    Parameters
    ----------
    image : UltrasoundImage
        The still that was measured, with the size of a pixel that was used.
    geometry, method : mapping
        What the row's columns ``roi_geometry`` and ``method`` hold.

    Returns
    -------
    list of MeasuredValue
        All that the lines give.

    Raises
    ------
    MuscleUSError
        If the lines or the method are not usable.
    """
    return _values(image, drawn_of_row(geometry, method), "")


def _still(image: UltrasoundImage, frame: int | None) -> UltrasoundImage:
    if frame is not None:
        return image.frame(frame)
    if image.is_clip:
        raise ImageReadError(
            f"{image.name!r} is a clip of {image.n_frames} frames; say which frame to "
            f"measure, 0 to {image.n_frames - 1}."
        )
    return image


def _values(
    image: UltrasoundImage, drawn: DrawnMuscle, note: str
) -> list[MeasuredValue]:
    """Return what the lines give on an image."""
    from napari_muscle_us.measure.anisotropy.pennation import measure_architecture

    fascicles, said = _fascicles(image, drawn)
    found = measure_architecture(
        drawn.superficial,
        drawn.deep,
        # The thickness does not depend on the fascicle.
        90.0 if fascicles is None else fascicles,
        spacing_mm=image.spacing_mm,
    )
    caveats = (_caveat(image, drawn), note)
    values = []
    for key in KEYS:
        own = () if key in _WITHOUT_FASCICLE else (said,)
        told = "; ".join(filter(None, (*own, *caveats)))
        if key in _WITHOUT_FASCICLE or fascicles is not None:
            values.append(_value(image, drawn, found, key, told))
        elif drawn.kind == TEXTURE:
            missing = registered(key, math.nan, _method(image, drawn), told)
            values.append(replace(missing, unit=_unit(key, image)))
    return values


def _fascicles(image: UltrasoundImage, drawn: DrawnMuscle) -> tuple[Any, str]:
    """Return what is measured as fascicle, ``None`` for nothing, and what to say."""
    if drawn.kind != TEXTURE:
        return drawn.fascicles, ""
    found = fascicle_between(image, drawn.superficial, drawn.deep)
    if math.isnan(found.direction_deg):
        return None, f"no direction between the aponeuroses: {found.reason}"
    return found.direction_deg, (
        f"fascicle direction {found.direction_deg:.1f}° found between the aponeuroses, "
        f"confidence {found.confidence:.2f}"
    )


def _value(
    image: UltrasoundImage,
    drawn: DrawnMuscle,
    found: Architecture,
    key: str,
    note: str,
) -> MeasuredValue:
    unit = _unit(key, image)
    attribute = f"{key.removeprefix(PREFIX)}_{'deg' if unit == '°' else unit}"
    reasons = [found.reason(attribute).removesuffix("."), _some(found, key)]
    value, share = getattr(found, attribute), found.extrapolated_share
    known = not math.isnan(value)
    if known and key in _EXTRAPOLATED and share > _LEAST_EXTRAPOLATED:
        reasons.append(
            f"{share:.0%} of the straight length is extrapolated beyond the aponeuroses"
        )
    said = "; ".join(filter(None, (*reasons, note)))
    return MeasuredValue(key, float(value), unit, _method(image, drawn), said)


def _some(found: Architecture, key: str) -> str:
    """Return how many fascicles a median is of, where it is not of all."""
    name = _OF_EACH.get(key.removeprefix(PREFIX))
    if name is None:
        return ""
    known = sum(not math.isnan(getattr(f, name)) for f in found.fascicles)
    if known in (0, len(found.fascicles)):
        return ""
    return f"median of {known} of {len(found.fascicles)} fascicles"


def _unit(key: str, image: UltrasoundImage) -> str:
    unit = MEASURES[key].unit
    return "px" if unit == "mm" and image.spacing_mm is None else unit


def _method(image: UltrasoundImage, drawn: DrawnMuscle) -> dict[str, Any]:
    """Return how the numbers came about; gray levels matter to found fascicles only."""
    if drawn.kind == TEXTURE:
        told = pixel_method(image)
    else:
        told = {"hash_of": image.hash_of} | crop_method(image)
    return told | {"fascicle": drawn.kind} | spacing_method(image)


def _caveat(image: UltrasoundImage, drawn: DrawnMuscle) -> str:
    """Return what is to be known of the scale."""
    known = image.calibration
    if known is None:
        return "the size of a pixel is not known, so pixels are taken to be square"
    if known.region is None:
        return ""
    top, bottom, left, right = known.region
    rows, columns = np.vstack([drawn.superficial.vertices, drawn.deep.vertices]).T
    inside = (
        min(rows) >= top - 0.5
        and max(rows) <= bottom - 0.5
        and min(columns) >= left - 0.5
        and max(columns) <= right - 0.5
    )
    return "" if inside else "an aponeurosis reaches outside the calibrated region"
