"""The values of a region that `MeasureOptions` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_muscle_us.measure.fat_correction import correct_for_fat, correction_caveats
from napari_muscle_us.measure.gray_levels import (
    band_shares,
    echovariation,
    echovariation_reason,
    entropy_bits,
    luminosity_ratio,
    luminosity_ratio_reason,
    mean_above_black,
    mean_above_black_reason,
    percentile,
)
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.measure.repeat_rules import ABOVE_BLACK
from napari_muscle_us.measure_options import FAT_MEASURE
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.shapes import roi_to_dict
from napari_muscle_us.row_parts import coloured_note, registered, spacing_method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.fat_correction import FatCorrection, FatModel
    from napari_muscle_us.measure.intensity import IntensityStatistics
    from napari_muscle_us.measure.quality import FrameFacts
    from napari_muscle_us.measure_options import MeasureOptions
    from napari_muscle_us.results import MeasuredValue
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi


class MeasuredRegion(NamedTuple):
    """A region whose gray levels were taken, with what all its rows share."""

    image: UltrasoundImage
    window: RoiWindow
    stats: IntensityStatistics
    method: dict[str, Any]
    note: str


def region_note(
    image: UltrasoundImage,
    roi: Roi,
    window: RoiWindow,
    options: MeasureOptions,
    facts: FrameFacts | None,
) -> str:
    """Return what is to be known about a region: its quality and the rules it breaks.

    Parameters
    ----------
    image : UltrasoundImage
        A still image.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    window : RoiWindow
        Its pixels.
    options : MeasureOptions
        Whether quality is told, and which rules are checked.
    facts : FrameFacts, optional
        What the flags of all regions of the image share; found where it is missing.

    Returns
    -------
    str
        Sentences joined by ``"; "``; empty where there is nothing to say.
    """
    sentences = []
    if options.quality:
        from napari_muscle_us.measure.quality import quality_flags, quality_note

        flags = quality_flags(image, roi, window, facts=facts)
        sentences.append(quality_note(flags))
    else:
        sentences.append(coloured_note(image, *window))
    rules = options.active_rules
    if rules is not None:
        from napari_muscle_us.roi.rules import check_rules

        sentences += check_rules(image, roi, window, rules, facts=facts)
    return "; ".join(filter(None, sentences))


def extra_values(
    region: MeasuredRegion, options: MeasureOptions
) -> Iterator[MeasuredValue]:
    """Yield the values that the options ask for, in the registry's order.

    Raises
    ------
    MuscleUSError
        If the fat region is not usable, the line of the fat does not fit the image, or
        the settings of texture or anisotropy do not fit image and region.
    """
    histogram, method, note = region.stats.histogram, region.method, region.note
    for q in options.percentiles:
        found = percentile(histogram, q)
        yield registered(
            "intensity.percentile", found, method | {"percentile": q}, note
        )
    shares = band_shares(histogram, options.bands, allow_overlap=True)
    for band, share in zip(options.bands, shares, strict=True):
        yield registered("intensity.band", share, method | {"band": list(band)}, note)
    if options.heterogeneity:
        reasons = _joined(echovariation_reason(region.stats), note)
        found_ev = echovariation(region.stats)
        yield registered("intensity.echovariation", found_ev, method, reasons)
        yield registered("intensity.entropy", entropy_bits(histogram), method, note)
    if options.above_black:
        reasons = _joined(mean_above_black_reason(histogram), note)
        yield registered(ABOVE_BLACK, mean_above_black(histogram), method, reasons)
    if options.standard_error:
        yield _standard_error(region)
    if options.fat_roi is not None:
        yield _luminosity_ratio(region, options.fat_roi)
    if options.fat is not None:
        yield from _fat_corrected(region, options.fat, options.fat_models)
    if options.texture is not None:
        from napari_muscle_us.texture_rows import texture_values

        yield from texture_values(region, options.texture)
    if options.anisotropy is not None:
        from napari_muscle_us.anisotropy_rows import anisotropy_values

        yield from anisotropy_values(region, options.anisotropy)


def _standard_error(region: MeasuredRegion) -> MeasuredValue:
    from napari_muscle_us.measure.standard_error import standard_error_of_mean

    window = region.window
    gray = region.image.pixels[window.rows, window.columns]
    found = standard_error_of_mean(gray, window.mask)
    method = region.method | found.method()
    note = _joined(found.reason, region.note)
    return registered("intensity.standard_error", found.value, method, note)


def _luminosity_ratio(region: MeasuredRegion, fat_roi: Roi) -> MeasuredValue:
    image, window = region.image, usable_window(fat_roi, region.image.frame_shape)
    fat = measure_intensity(image.pixels[window.rows, window.columns], window.mask)
    shared = shared_pixels(region.window, window)
    note = _joined(
        luminosity_ratio_reason(fat),
        f"{shared} of the pixels lie in the fat region too" if shared else "",
        region.note,
    )
    method = region.method | {"fat_roi": roi_to_dict(fat_roi)}
    ratio = luminosity_ratio(region.stats, fat)
    return registered("intensity.luminosity_ratio", ratio, method, note)


def _fat_corrected(
    region: MeasuredRegion, fat: FatCorrection, models: tuple[FatModel, ...]
) -> Iterator[MeasuredValue]:
    fat.refuse_other_length(region.image.spacing_mm)
    for model in models:
        value = correct_for_fat(
            region.stats.mean, fat.thickness_cm, model=model, slope=fat.slope
        )
        method = region.method | fat.method(model)
        if fat.line is not None:
            method |= spacing_method(region.image)
        caveats = correction_caveats(value, fat.thickness_cm, model)
        note = _joined(*caveats, region.note)
        yield registered(f"{FAT_MEASURE}{model}", value, method, note)


def shared_pixels(one: RoiWindow, other: RoiWindow) -> int:
    """Return how many pixels two regions of an image have in common."""
    top = max(one.rows.start, other.rows.start)
    left = max(one.columns.start, other.columns.start)
    bottom = min(one.rows.stop, other.rows.stop)
    right = min(one.columns.stop, other.columns.stop)
    if bottom <= top or right <= left:
        return 0
    first, second = (
        w.mask[
            top - w.rows.start : bottom - w.rows.start,
            left - w.columns.start : right - w.columns.start,
        ]
        for w in (one, other)
    )
    return int((first & second).sum())


def _joined(*sentences: str) -> str:
    return "; ".join(filter(None, sentences))
