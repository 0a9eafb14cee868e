"""From an image and regions to rows of the results table."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import (
    DeviceMismatchError,
    ImageReadError,
    ReferenceSetError,
)
from napari_muscle_us.extra_rows import MeasuredRegion, extra_values, region_note
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.results import (
    BASE_MEASURES,
    MeasuredValue,
    canonical_json,
    results_frame,
)
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.shapes import roi_area, roi_to_dict
from napari_muscle_us.row_parts import MASK_RULE as MASK_RULE
from napari_muscle_us.row_parts import SOFTWARE as SOFTWARE
from napari_muscle_us.row_parts import coloured_note as coloured_note
from napari_muscle_us.row_parts import (
    crop_method,
    pixel_method,
    registered,
    spacing_method,
)
from napari_muscle_us.z_request import ZScoreRequest as ZScoreRequest
from napari_muscle_us.z_request import compute_z_score as compute_z_score
from napari_muscle_us.z_request import request_method

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_muscle_us.image import Calibration, UltrasoundImage
    from napari_muscle_us.measure.quality import FrameFacts
    from napari_muscle_us.roi.shapes import Roi

_INTENSITY: Final = tuple(
    key.partition(".")[2] for key in BASE_MEASURES if key.startswith("intensity.")
)
_DEFAULT: Final = MeasureOptions()


def measure_rois(
    image: UltrasoundImage,
    rois: Sequence[Roi],
    *,
    subject: str = "",
    visit: str = "",
    z_score: ZScoreRequest | None = None,
    frame: int | None = None,
    options: MeasureOptions | None = None,
) -> pd.DataFrame:
    """Return the results rows of regions on an image.

    Parameters
    ----------
    image : UltrasoundImage
        Image to measure on.
    rois : sequence of Polygon, Rectangle, Ellipse or Composite
        Regions; each must cover a pixel and must not cross itself.
    subject, visit : str
        Labels of the person (a code, not a name) and the visit.
    z_score : ZScoreRequest, optional
        Adds the Z-score of each region's muscle.
    frame : int, optional
        Frame of a clip, from 0. A clip needs it; a still image has frame 0 only.
    options : MeasureOptions, optional
        Further measures (percentiles, bands, corrections, texture …) and rules that
        regions are checked by; none by default.

    Returns
    -------
    DataFrame
        One row a region and measure. ``value`` is NaN with a reason in ``note``
        where it cannot be computed, as for the Z-score of another device's image. The
        ``note`` of gray-level measures also tells what may spoil the echo intensity.

    Raises
    ------
    ImageReadError
        If the image is a clip and no frame, or one that is not there, was chosen.
    RoiError
        If a region is not usable; then no row is given.
    ReferenceSetError
        If the Z-score's muscle or person do not fit the set, and the request does not
        ask for a note instead.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> rows = mus.measure_rois(image, [mus.Rectangle(150, 200, 40, 60, name="BB")])
    >>> rows.loc[rows["measure"] == "intensity.n", "value"].item()
    2400.0
    """
    if frame is not None:
        image = image.frame(frame)
    elif image.is_clip:
        raise ImageReadError(
            f"{image.name!r} is a clip of {image.n_frames} frames; say which frame to "
            f"measure, 0 to {image.n_frames - 1}."
        )
    options = _DEFAULT if options is None else options
    facts = _facts(image, options) if len(rois) else None
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    rows: list[dict[str, Any]] = []
    for roi in rois:
        common = {
            "subject": subject,
            "visit": visit,
            "image": image.name,
            "frame": image.frame_index,
            "roi": roi.name,
            "muscle": roi.muscle,
            "side": roi.side,
            "image_sha256": image.sha256,
            "roi_geometry": canonical_json(roi_to_dict(roi)),
            "software_version": SOFTWARE,
            "measured_at": measured_at,
        }
        for value in _region_values(image, roi, z_score, options, facts):
            rows.append(
                common
                | {
                    "measure": value.measure,
                    "value": value.value,
                    "unit": value.unit,
                    "method": canonical_json(value.method),
                    "note": value.note,
                }
            )
    return results_frame(rows)


def measure_values(
    image: UltrasoundImage,
    roi: Roi,
    *,
    z_score: ZScoreRequest | None = None,
    options: MeasureOptions | None = None,
) -> list[MeasuredValue]:
    """Return all values of one region: intensity, area and, if asked, more.

    Parameters
    ----------
    image : UltrasoundImage
        A still image.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    z_score : ZScoreRequest, optional
        Adds the Z-score.
    options : MeasureOptions, optional
        Adds further measures; see there.

    Returns
    -------
    list of MeasuredValue
        In the order of the registry, Z-score before the further measures.

    Raises
    ------
    MuscleUSError
        If the region or what the options ask for is not usable.
    """
    options = _DEFAULT if options is None else options
    return _region_values(image, roi, z_score, options, None)


def _facts(image: UltrasoundImage, options: MeasureOptions) -> FrameFacts | None:
    """Return what the notes of all regions share, so that it is found once."""
    if not options.quality and options.active_rules is None:
        return None
    from napari_muscle_us.measure.quality import prepare

    return prepare(image)


def _region_values(
    image: UltrasoundImage,
    roi: Roi,
    z_score: ZScoreRequest | None,
    options: MeasureOptions,
    facts: FrameFacts | None,
) -> list[MeasuredValue]:
    window = usable_window(roi, image.frame_shape)
    stats = measure_intensity(image.pixels[window.rows, window.columns], window.mask)
    method = pixel_method(image)
    rules = options.active_rules
    if rules is not None:
        method["rules"] = rules.to_dict()
    note = region_note(image, roi, window, options, facts)
    values = []
    for statistic in _INTENSITY:
        reasons = "; ".join(filter(None, (stats.reason(statistic), note)))
        values.append(
            registered(
                f"intensity.{statistic}", getattr(stats, statistic), method, reasons
            )
        )
    values.append(_area(image, roi))
    if z_score is not None:
        values.append(_z_value(image, roi, stats.mean, z_score, pixel_method(image)))
    region = MeasuredRegion(image, window, stats, method, note)
    values.extend(extra_values(region, options))
    return values


def _area(image: UltrasoundImage, roi: Roi) -> MeasuredValue:
    area, unit = roi_area(roi, image.spacing_mm)
    known = image.calibration
    method: dict[str, Any] = {"rule": "outline", "hash_of": image.hash_of}
    method |= crop_method(image) | spacing_method(image)
    if known is None:
        note = "the size of a pixel is not known"
    else:
        note = _outside_note(known, roi)
    return MeasuredValue("roi.area", area, unit, method, note)


def _outside_note(known: Calibration, roi: Roi) -> str:
    """Return a caveat for a region that leaves the part which the spacing is of."""
    if known.region is None:
        return ""
    top, bottom, left, right = known.region
    rows, columns = roi.outline().T
    inside = (
        rows.min() >= top - 0.5
        and rows.max() <= bottom - 0.5
        and columns.min() >= left - 0.5
        and columns.max() <= right - 0.5
    )
    return "" if inside else "the ROI reaches outside the calibrated region"


def _z_value(
    image: UltrasoundImage,
    roi: Roi,
    echo_intensity: float,
    request: ZScoreRequest,
    method: dict[str, Any],
) -> MeasuredValue:
    key = "z_score.echo_intensity"
    method = method | request_method(request)
    if image.device_by_user:
        completed = {name: getattr(image.device, name) for name in image.device_by_user}
        method["device_by_user"] = completed
    try:
        score = compute_z_score(image, roi, echo_intensity, request)
    except ReferenceSetError as error:
        if isinstance(error, DeviceMismatchError) or request.note_problems:
            return registered(key, math.nan, method, str(error))
        raise
    return registered(key, score.z, method, " ".join(score.warnings))
