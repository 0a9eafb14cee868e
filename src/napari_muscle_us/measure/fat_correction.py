"""Echo intensity corrected for subcutaneous fat; off unless asked for.

Fat between probe and muscle darkens the muscle. Both corrections add gray levels for
the thickness of the fat **in cm**. Their constants were read in an open program, not
in the papers, so a corrected value always stands beside the raw one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.roi.open_shapes import Polyline

if TYPE_CHECKING:
    from collections.abc import Mapping

FatModel = Literal["young2015", "muller2021"]
FAT_MODELS: Final[tuple[FatModel, ...]] = ("young2015", "muller2021")

YOUNG_SLOPE: Final = 40.5278
"""Gray levels per cm of subcutaneous fat, Young 2015."""

MULLER_SQUARE: Final = -5.0054
MULLER_LINEAR: Final = 38.30836
"""Gray levels per cm² and per cm of subcutaneous fat, Müller 2021."""

MAX_THICKNESS_CM: Final = 10.0
UNUSUAL_THICKNESS_CM: Final = 5.0
MULLER_RANGE_CM: Final = 3.0
"""Thickest layer in the experiment of Müller 2021."""

_MAX_SLOPE: Final = 255.0
_MAX_SOURCE: Final = 200
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class FatCorrection:
    """Thickness of subcutaneous fat, and how it is known.

    Parameters
    ----------
    thickness_cm : float
        Thickness in **cm**, 0 … 10.
    source : str
        Where the thickness comes from, in words; no person's name.
    slope : float, default: 40.5278
        Gray levels per cm of the model ``"young2015"``, the user's to edit.
    measured_with : {"typed", "line"}
        Whether it was typed, or measured with a line on the image.
    line : Polyline, optional
        The line; needed for, and only with, ``"line"``.

    Raises
    ------
    MeasureError
        If the thickness or slope is not possible, or the line is missing.

    Examples
    --------
    >>> FatCorrection(0.8, "caliper on the scanner").thickness_cm
    0.8
    """

    thickness_cm: float
    source: str = "typed by hand"
    slope: float = YOUNG_SLOPE
    measured_with: Literal["typed", "line"] = "typed"
    line: Polyline | None = None

    def __post_init__(self) -> None:
        """Refuse what is no thickness, no slope or no line."""
        object.__setattr__(self, "thickness_cm", _checked_thickness(self.thickness_cm))
        object.__setattr__(self, "slope", _checked_slope(self.slope))
        if not isinstance(self.source, str) or len(self.source) > _MAX_SOURCE:
            raise MeasureError(
                "The source of the fat thickness is not a short text; say in words "
                "where it comes from."
            )
        if self.measured_with not in ("typed", "line"):
            raise MeasureError(
                f"The fat thickness is measured with {self.measured_with!r}; use "
                "'typed' or 'line'."
            )
        has_line = isinstance(self.line, Polyline)
        if has_line != (self.measured_with == "line"):
            raise MeasureError(
                "The fat thickness has no line but is measured with one, or has one "
                "but is typed; give the line with 'line' only."
            )

    @classmethod
    def from_line(
        cls,
        line: Polyline,
        spacing_mm: tuple[float, float] | None,
        *,
        slope: float = YOUNG_SLOPE,
        source: str = "line on the image",
    ) -> FatCorrection:
        """Return the thickness that a line on the image measures.

        Raises
        ------
        MeasureError
            If the size of a pixel is not known, or the length is not possible.

        Examples
        --------
        >>> line = Polyline([(10, 50), (90, 50)], kind="line")
        >>> FatCorrection.from_line(line, (0.1, 0.1)).thickness_cm
        0.8
        """
        thickness = thickness_from_line(line, spacing_mm)
        return cls(thickness, source, slope, "line", line)

    def refuse_other_length(self, spacing_mm: tuple[float, float] | None) -> None:
        """Refuse a thickness that is not the length of its line in the image.

        Raises
        ------
        MeasureError
            If the line has another length at this spacing.
        """
        if self.line is None:
            return
        length = thickness_from_line(self.line, spacing_mm)
        if not math.isclose(length, self.thickness_cm, rel_tol=_SAME):
            raise MeasureError(
                f"The fat thickness is {self.thickness_cm:g} cm but its line measures "
                f"{length:g} cm in this image; measure it here again, or type it."
            )

    def method(self, model: FatModel) -> dict[str, Any]:
        """Return the parameters of a model for the column ``method``."""
        from napari_muscle_us.roi.shapes import roi_to_dict

        method: dict[str, Any] = {
            "thickness_cm": self.thickness_cm,
            "thickness_source": self.source,
            "measured_with": self.measured_with,
        }
        if model == "young2015":
            method["slope"] = self.slope
        if self.line is not None:
            method["line"] = roi_to_dict(self.line)
        return method

    @classmethod
    def from_method(cls, method: Mapping[str, Any]) -> FatCorrection:
        """Return the correction that `method` described.

        Raises
        ------
        MuscleUSError
            If an entry is missing or wrong.
        """
        from napari_muscle_us.roi.shapes import any_roi_from_dict

        told = method.get("line")
        line = any_roi_from_dict(told) if isinstance(told, dict) else None
        if line is not None and not isinstance(line, Polyline):
            raise MeasureError("The line of the fat thickness is no line; draw one.")
        return cls(
            method.get("thickness_cm", math.nan),
            method.get("thickness_source", ""),
            method.get("slope", YOUNG_SLOPE),
            method.get("measured_with", "typed"),
            line,
        )


def correct_for_fat(
    echo_intensity: float,
    thickness_cm: float,
    *,
    model: FatModel = "young2015",
    slope: float = YOUNG_SLOPE,
) -> float:
    r"""Return an echo intensity corrected for subcutaneous fat.

    With the thickness :math:`t` in **cm**:

    .. math::
       \text{young2015:}\ EI + 40.5278\,t,\qquad
       \text{muller2021:}\ EI - 5.0054\,t^2 + 38.30836\,t.

    Parameters
    ----------
    echo_intensity : float
        Mean gray level, 0 … 255.
    thickness_cm : float
        Thickness of subcutaneous fat in cm, 0 … 10.
    model : {"young2015", "muller2021"}
        Which equation.
    slope : float, default: 40.5278
        Gray levels per cm for ``"young2015"``; the other model has none.

    Returns
    -------
    float
        In gray levels. It is not clipped, so it can exceed 255.

    Raises
    ------
    MeasureError
        If a number is not possible or the model unknown.

    Notes
    -----
    The constants were read in an open program, not in the papers. Each was found on
    other muscles and scanners than yours: treat the result as a sensitivity check. In
    older women the raw echo intensity went better with function than the corrected.
    Müller 2021 tried layers of 0 to 3 cm only.

    References
    ----------
    Young H-J et al. Measurement of intramuscular fat by muscle echo intensity. Muscle
    Nerve 2015;52:963. doi:10.1002/mus.24656. Müller JN et al. Examination of the
    confounding effect of subcutaneous fat on muscle echo intensity utilizing exogenous
    fat. Appl Physiol Nutr Metab 2021;46:473. doi:10.1139/apnm-2020-0413

    Examples
    --------
    >>> round(correct_for_fat(60, 0.5), 4)
    80.2639
    >>> round(correct_for_fat(60, 0.5, model="muller2021"), 4)
    77.9028
    """
    if not 0 <= echo_intensity <= 255:
        raise MeasureError(
            f"The echo intensity {echo_intensity!r} is no mean gray level; it lies "
            "between 0 and 255."
        )
    thickness = _checked_thickness(thickness_cm)
    if model == "young2015":
        return float(echo_intensity + _checked_slope(slope) * thickness)
    if model == "muller2021":
        added = (MULLER_SQUARE * thickness + MULLER_LINEAR) * thickness
        return float(echo_intensity + added)
    raise MeasureError(
        f"The fat correction {model!r} is unknown; use one of {', '.join(FAT_MODELS)}."
    )


def correction_caveats(
    corrected: float, thickness_cm: float, model: FatModel
) -> tuple[str, ...]:
    """Return what is doubtful about a corrected value, a sentence each.

    Examples
    --------
    >>> correction_caveats(266.0, 0.5, "young2015")
    ('the corrected value exceeds 255, the highest gray level',)
    """
    sentences = []
    if corrected > 255:
        sentences.append("the corrected value exceeds 255, the highest gray level")
    if thickness_cm > UNUSUAL_THICKNESS_CM:
        sentences.append(
            f"a fat thickness of {thickness_cm:g} cm is unusual; check that it is in cm"
        )
    elif model == "muller2021" and thickness_cm > MULLER_RANGE_CM:
        sentences.append(
            f"the fat is thicker ({thickness_cm:g} cm) than the 3 cm that the "
            "equation was made for"
        )
    return tuple(sentences)


def thickness_from_line(
    line: Polyline, spacing_mm: tuple[float, float] | None
) -> float:
    """Return the thickness in cm that a line measures.

    Parameters
    ----------
    line : Polyline
        From skin to fascia; its vertices are ``(row, column)`` in px.
    spacing_mm : tuple of float or None
        Pixel spacing ``(depth, lateral)`` in mm.

    Returns
    -------
    float
        Length in cm.

    Raises
    ------
    MeasureError
        If the size of a pixel is not known, or the line is an angle.

    Examples
    --------
    >>> thickness_from_line(Polyline([(0, 0), (30, 40)], kind="line"), (0.1, 0.1))
    0.5
    """
    if spacing_mm is None:
        raise MeasureError(
            "The size of a pixel is not known, so a line gives no thickness; "
            "calibrate the image, or type the thickness in cm."
        )
    if line.kind == "angle":
        raise MeasureError("An angle gives no thickness; draw a straight line.")
    return line.length(spacing_mm)[0] / 10


def _checked_thickness(value: float) -> float:
    thickness = _number(value)
    if not 0 <= thickness <= MAX_THICKNESS_CM:
        hint = " Was it typed in mm?" if thickness > MAX_THICKNESS_CM else ""
        raise MeasureError(
            f"A fat thickness of {value!r} cm is not possible; give it in cm, from 0 "
            f"to {MAX_THICKNESS_CM:g}.{hint}"
        )
    return thickness


def _checked_slope(value: float) -> float:
    slope = _number(value)
    if not 0 < slope <= _MAX_SLOPE:
        raise MeasureError(
            f"A slope of {value!r} gray levels per cm is not possible; give a positive "
            f"number, at most {_MAX_SLOPE:g}."
        )
    return slope


def _number(value: float) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
