"""The size of a pixel that a user settles: a line, the depth, another image, a ruler.

None of these is a guess: each is what the user drew, typed or accepted, and the source
of the result says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.image import Calibration

if TYPE_CHECKING:
    from napari_muscle_us.device.ruler import RulerReading
    from napari_muscle_us.image import Device, UltrasoundImage
    from napari_muscle_us.regions import Bounds

MIN_LINE_PX: Final = 20.0
MIN_ROWS: Final = 20
SPACING_RANGE_MM: Final = (0.001, 2.0)
"""Sizes of a pixel that an ultrasound picture can have."""

RATIO_RANGE: Final = (0.2, 5.0)
MAX_COORDINATE_PX: Final = 1e6
DEPTH_TOLERANCE: Final = 0.005
"""Relative difference of two stated depths that are the same setting."""

_OFF_DEPTH_DEG: Final = 10.0


@dataclass(frozen=True, slots=True)
class CopiedCalibration:
    """A calibration taken from another image, and what speaks against it.

    Attributes
    ----------
    calibration : Calibration
        With the other image in its source.
    warnings : tuple of str
        Caveats for the user, a sentence each; empty when the files prove that device
        and depth are the same.
    """

    calibration: Calibration
    warnings: tuple[str, ...] = ()


def calibration_from_line(
    start: tuple[float, float],
    end: tuple[float, float],
    length_mm: float,
    *,
    lateral_ratio: float = 1.0,
    region: Bounds | None = None,
) -> Calibration:
    r"""Return the size of a pixel from a line of known length.

    With :math:`\Delta r` rows and :math:`\Delta c` columns between the ends and the
    ratio :math:`\rho` of lateral to depth spacing,

    .. math:: s_\text{depth} = \frac{L}{\sqrt{\Delta r^2 + (\rho\,\Delta c)^2}},
              \quad s_\text{lateral} = \rho\, s_\text{depth}.

    A line down the depth ruler thus gives the depth spacing whatever the ratio; a
    slanted or a horizontal line does only as far as pixels have that ratio, which is 1
    (square) on screenshots.

    Parameters
    ----------
    start, end : tuple of float
        Ends ``(row, column)`` in px.
    length_mm : float
        Length that the line has in tissue.
    lateral_ratio : float, default: 1.0
        Lateral over depth spacing, between 0.2 and 5.
    region : tuple of int, optional
        Bounds of the picture, passed on to the result.

    Returns
    -------
    Calibration
        By the user. The source says what an end that is 1 px off would change: the
        part :math:`1/\text{length in px}`.

    Raises
    ------
    MeasureError
        If a number is not finite, the line is shorter than 20 px, or the spacing does
        not lie between 0.001 and 2 mm.

    Examples
    --------
    >>> calibration_from_line((75.5, 799), (399.5, 799), 20).source
    'line of 324 px drawn by hand = 20 mm; an end 1 px off changes it by 0.31 %'
    """
    rows, columns = _difference(start, end)
    _check_ratio(lateral_ratio)
    length_px = math.hypot(rows, columns)
    if length_px < MIN_LINE_PX:
        raise MeasureError(
            f"The line is {length_px:.3g} px long; at least {MIN_LINE_PX:g} px are "
            "needed, so draw it along as much of the ruler as there is."
        )
    _check_length("length of the line", length_mm)
    spacing = length_mm / math.hypot(rows, lateral_ratio * columns)
    _check_spacing(spacing, f"A line of {length_px:.4g} px that is {length_mm:g} mm")
    slant = math.degrees(math.atan2(abs(columns), abs(rows)))
    note = (
        f", {slant:.0f}° off the depth, with lateral/depth spacing {lateral_ratio:g}"
        if slant > _OFF_DEPTH_DEG
        else ""
    )
    return Calibration(
        (spacing, spacing * lateral_ratio),
        f"line of {length_px:.4g} px drawn by hand = {length_mm:g} mm{note}; an end "
        f"1 px off changes it by {100 / length_px:.2g} %",
        region=region,
        by_user=True,
    )


def calibration_from_depth(
    depth_mm: float, bounds: Bounds, *, lateral_ratio: float = 1.0
) -> Calibration:
    r"""Return the size of a pixel from the image depth that the scanner displays.

    The depth goes from the upper edge of the first row to the lower edge of the last,
    so it is as many pixels as there are rows, not one less:

    .. math:: s_\text{depth} = \text{depth} / (r_\text{stop} - r_\text{start}).

    A row taken in too many or left out changes it by one part in that number.

    Parameters
    ----------
    depth_mm : float
        Depth of the picture in mm.
    bounds : tuple of int
        Bounds of the picture, ``(row_start, row_stop, column_start, column_stop)``,
        stops excluded.
    lateral_ratio : float, default: 1.0
        Lateral over depth spacing, between 0.2 and 5.

    Returns
    -------
    Calibration
        By the user, with the bounds as its region.

    Raises
    ------
    MeasureError
        If the depth is not a positive length, the picture has less than 20 rows, or
        the spacing does not lie between 0.001 and 2 mm.

    Examples
    --------
    >>> calibration_from_depth(40, (0, 400, 0, 300)).spacing_mm
    (0.1, 0.1)
    """
    _check_ratio(lateral_ratio)
    _check_length("depth", depth_mm)
    top, bottom, left, right = bounds
    rows = bottom - top
    if top < 0 or left < 0 or right <= left or rows < MIN_ROWS:
        raise MeasureError(
            f"The bounds {tuple(bounds)} make a picture of {rows} rows; mark one of at "
            f"least {MIN_ROWS} rows, as (row_start, row_stop, column_start, "
            "column_stop)."
        )
    spacing = depth_mm / rows
    _check_spacing(spacing, f"A depth of {depth_mm:g} mm over {rows} rows")
    return Calibration(
        (spacing, spacing * lateral_ratio),
        f"image depth {depth_mm:g} mm typed by hand over {rows} rows; a row more or "
        f"less changes it by {100 / rows:.2g} %",
        region=(top, bottom, left, right),
        by_user=True,
    )


def calibration_from_ruler(
    reading: RulerReading, tick_mm: float | None = None, *, lateral_ratio: float = 1.0
) -> Calibration:
    """Return the size of a pixel from a ruler that was read and accepted.

    Parameters
    ----------
    reading : RulerReading
        The ruler.
    tick_mm : float, optional
        Distance of neighbouring marks in mm as the user settled it, one of the
        candidates or another. Needed where the marks may mean several things.
    lateral_ratio : float, default: 1.0
        Lateral over depth spacing, between 0.2 and 5.

    Returns
    -------
    Calibration
        By the user, with the region that the ruler was read for.

    Raises
    ------
    MeasureError
        If the reading is ambiguous and no `tick_mm` given, or the spacing does not lie
        between 0.001 and 2 mm.
    """
    _check_ratio(lateral_ratio)
    if tick_mm is None:
        if reading.is_ambiguous:
            choices = " or ".join(f"{c.tick_mm:g}" for c in reading.candidates)
            raise MeasureError(
                f"The marks of the ruler may be {choices} mm apart; state which it is."
            )
        tick_mm = reading.tick_mm
    _check_length("distance of the marks", tick_mm)
    spacing = tick_mm / reading.pitch_px
    _check_spacing(
        spacing, f"Marks every {reading.pitch_px:.4g} px that are {tick_mm:g} mm apart"
    )
    count = len(reading.major_rows) + len(reading.minor_rows)
    relative = reading.pitch_uncertainty_px / reading.pitch_px
    return Calibration(
        (spacing, spacing * lateral_ratio),
        f"depth ruler on the {reading.side}, {count} marks every "
        f"{reading.pitch_px:.4g} px = {tick_mm:g} mm (± {100 * relative:.2g} %, "
        "k = 2), accepted by hand",
        region=reading.region,
        by_user=True,
    )


def calibration_from_other(
    other_image: UltrasoundImage, image: UltrasoundImage
) -> CopiedCalibration:
    """Return the calibration of another image of the same device and depth.

    Parameters
    ----------
    other_image : UltrasoundImage
        Where the calibration comes from.
    image : UltrasoundImage
        Where it is to go.

    Returns
    -------
    CopiedCalibration
        With a warning for what the files do not tell (device, depth), and where the
        image states another spacing itself.

    Raises
    ------
    MeasureError
        If the other image has no calibration, or manufacturer, model, transducer,
        depth, size of the frame or place of the picture differ.
    """
    known = other_image.calibration
    if known is None:
        raise MeasureError(
            f"{other_image.name!r} has no size of a pixel that could be copied; choose "
            "an image that is calibrated."
        )
    differences = _device_differences(other_image.device, image.device)
    differences += _picture_differences(other_image, image)
    if differences:
        raise MeasureError(
            f"The size of a pixel of {other_image.name!r} does not hold for "
            f"{image.name!r}: {'; '.join(differences)}. Calibrate this image by itself."
        )
    same_crop = other_image.crop == image.crop
    return CopiedCalibration(
        Calibration(
            known.spacing_mm,
            f"copied from {other_image.name!r} ({known.source})",
            region=known.region if same_crop else None,
            by_user=True,
        ),
        _copy_warnings(other_image, image),
    )


def _device_differences(other: Device, device: Device) -> list[str]:
    found = []
    for name in ("manufacturer", "model", "transducer"):
        theirs, ours = getattr(other, name), getattr(device, name)
        if theirs and ours and theirs.strip().casefold() != ours.strip().casefold():
            found.append(f"the {name} is {theirs!r} there and {ours!r} here")
    theirs, ours = other.depth_mm, device.depth_mm
    if theirs and ours and abs(theirs - ours) > DEPTH_TOLERANCE * max(theirs, ours):
        found.append(f"the depth is {theirs:g} mm there and {ours:g} mm here")
    return found


def _picture_differences(other: UltrasoundImage, image: UltrasoundImage) -> list[str]:
    if other.frame_shape != image.frame_shape:
        theirs, ours = (
            f"{i.frame_shape[0]} × {i.frame_shape[1]}" for i in (other, image)
        )
        return [f"the image has {theirs} pixels there and {ours} here"]
    theirs_at, ours_at = _picture_bounds(other), _picture_bounds(image)
    if (
        theirs_at is not None
        and ours_at is not None
        and theirs_at != ours_at
        and other.crop == image.crop
    ):
        return [f"the picture lies at {theirs_at} there and at {ours_at} here"]
    return []


def _picture_bounds(image: UltrasoundImage) -> Bounds | None:
    """Return where the file itself says that the picture lies."""
    pictures = [r.bounds for r in image.regions if r.is_picture]
    if len(pictures) == 1:
        return pictures[0]
    known = image.calibration
    return known.region if known is not None and not known.by_user else None


def _copy_warnings(other: UltrasoundImage, image: UltrasoundImage) -> tuple[str, ...]:
    found = []
    silent = [i.name for i in (other, image) if not i.device.is_known]
    if silent:
        found.append(
            f"The file {' and '.join(map(repr, silent))} does not name its scanner: "
            "make sure that both images come from the same one."
        )
    silent = [i.name for i in (other, image) if not i.device.depth_mm]
    if silent:
        found.append(
            f"The file {' and '.join(map(repr, silent))} does not tell its depth "
            "setting: make sure that it was the same in both images."
        )
    ours, theirs = image.spacing_mm, other.spacing_mm
    if ours and theirs and not all(map(_is_close, ours, theirs)):
        found.append(
            f"{image.name!r} states {ours[0]:.4g} × {ours[1]:.4g} mm itself, the copy "
            f"says {theirs[0]:.4g} × {theirs[1]:.4g} mm."
        )
    return tuple(found)


def _is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=0.01)


def _difference(
    start: tuple[float, float], end: tuple[float, float]
) -> tuple[float, float]:
    values = [float(v) for v in (*start, *end)]
    if len(values) != 4 or not all(abs(v) <= MAX_COORDINATE_PX for v in values):
        raise MeasureError(
            f"The ends of the line, {', '.join(f'{v:g}' for v in values)}, do not lie "
            "in an image; give two points (row, column) in px."
        )
    return values[2] - values[0], values[3] - values[1]


def _check_length(what: str, length_mm: float) -> None:
    if not (math.isfinite(length_mm) and length_mm > 0):
        raise MeasureError(
            f"The {what}, {length_mm} mm, is not a positive length; give it in mm."
        )


def _check_ratio(ratio: float) -> None:
    if not RATIO_RANGE[0] <= ratio <= RATIO_RANGE[1]:
        raise MeasureError(
            f"The ratio of lateral to depth spacing, {ratio}, does not lie between "
            f"{RATIO_RANGE[0]:g} and {RATIO_RANGE[1]:g}; use 1 for square pixels."
        )


def _check_spacing(spacing: float, how: str) -> None:
    low, high = SPACING_RANGE_MM
    if not low <= spacing <= high:
        raise MeasureError(
            f"{how} makes {spacing:.3g} mm a pixel, where ultrasound has {low:g} to "
            f"{high:g} mm; check the length, which is in mm."
        )
