"""The field's rules for a region of interest, as options that are checked.

A study that follows a rule says so in the method of its results; a region that breaks
it gives a sentence, and the user decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.shapes import Composite, Rectangle, roi_area

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from napari_muscle_us.device.field import Field
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.quality import FrameFacts
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi

INNER_LATERAL: Final = 0.7
"""Usual inner share of the lateral field; beams at its ends are weaker."""

MAX_BOX_MM: Final = 1000.0
"""Longest side of a box in mm that is taken for meant."""

_NO_SPACING: Final = "the size of a pixel is not known, so it cannot be checked whether"


@dataclass(frozen=True, slots=True)
class RoiRules:
    """Rules that a study follows when it draws regions.

    Parameters
    ----------
    largest_muscle_area : bool, default: False
        As much of the muscle as possible without fascia: a guide warns where border
        or interior holds bright fascia or bone (`fascia_guide`).
    inner_lateral : float, optional
        Share of the lateral field, in its middle, that regions keep to, between 0 and
        1; 0.7 is usual.
    fixed_box_mm : tuple of float, optional
        Height and width in mm of the box that every region is.
    min_area_mm2 : float, optional
        Least area in mm².
    min_pixels : int, optional
        Least number of pixels.

    Raises
    ------
    RoiError
        If a value makes no sense, such as a share above 1 or a box without width.

    Examples
    --------
    >>> RoiRules(inner_lateral=0.7).to_dict()
    {'inner_lateral': 0.7}
    """

    largest_muscle_area: bool = False
    inner_lateral: float | None = None
    fixed_box_mm: tuple[float, float] | None = None
    min_area_mm2: float | None = None
    min_pixels: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that are no rule."""
        if not isinstance(self.largest_muscle_area, bool):
            raise RoiError(
                f"The rule of the largest muscle area is {self.largest_muscle_area!r}; "
                "give true or false."
            )
        if self.inner_lateral is not None:
            share = _number(self.inner_lateral)
            if not 0 < share < 1:
                raise RoiError(
                    f"The inner share of the lateral field is {self.inner_lateral!r}; "
                    "give a share between 0 and 1, such as 0.7."
                )
            object.__setattr__(self, "inner_lateral", share)
        self._check_box()
        for name, least in (("min_area_mm2", 0.0), ("min_pixels", 1.0)):
            self._check_minimum(name, least)

    def _check_box(self) -> None:
        if self.fixed_box_mm is None:
            return
        sides = self.fixed_box_mm
        known = isinstance(sides, tuple | list) and len(sides) == 2
        box = tuple(_number(side) for side in sides) if known else ()
        if len(box) != 2 or not all(0 < side <= MAX_BOX_MM for side in box):
            raise RoiError(
                f"The fixed box is {self.fixed_box_mm!r}; give its height and width in "
                f"mm, each above 0 and at most {MAX_BOX_MM:g}."
            )
        object.__setattr__(self, "fixed_box_mm", box)

    def _check_minimum(self, name: str, least: float) -> None:
        value = getattr(self, name)
        if value is None:
            return
        number = _number(value)
        whole = name != "min_pixels" or number.is_integer()
        if not (math.isfinite(number) and number >= least and number > 0 and whole):
            what = "area in mm²" if name == "min_area_mm2" else "whole number of pixels"
            raise RoiError(f"The least {what} is {value!r}; give a positive one.")
        object.__setattr__(self, name, int(number) if name == "min_pixels" else number)

    @property
    def active(self) -> bool:
        """Whether there is a rule."""
        return self != RoiRules()

    def to_dict(self) -> dict[str, Any]:
        """Return the rules that hold, as plain types; empty where there is none."""
        kept = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if getattr(self, f.name) not in (None, False)
        }
        if self.fixed_box_mm is not None:
            kept["fixed_box_mm"] = list(self.fixed_box_mm)
        return kept

    @classmethod
    def from_dict(cls, rules: Mapping[str, Any]) -> RoiRules:
        """Return the rules that `to_dict` described.

        Raises
        ------
        RoiError
            If a rule is unknown or its value makes no sense.

        Examples
        --------
        >>> RoiRules.from_dict({"fixed_box_mm": [10, 20]}).fixed_box_mm
        (10.0, 20.0)
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(str(key) for key in rules if key not in known)
        if unknown:
            raise RoiError(
                f"The ROI rule {unknown[0]!r} is unknown; use one of "
                f"{', '.join(sorted(known))}."
            )
        return cls(**rules)


def _number(value: object) -> float:
    """Return a value as a number; NaN, which no rule accepts, if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_rules(
    image: UltrasoundImage,
    roi: Roi,
    window: RoiWindow,
    rules: RoiRules,
    *,
    field: Field | None = None,
    facts: FrameFacts | None = None,
) -> tuple[str, ...]:
    """Return a sentence for each rule that a region breaks.

    Parameters
    ----------
    image : UltrasoundImage
        A still image.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    window : RoiWindow
        Its pixels.
    rules : RoiRules
        What to check.
    field : Field, optional
        The picture, where it is known already.
    facts : FrameFacts, optional
        What is known of the frame (`napari_muscle_us.measure.quality.prepare`).

    Returns
    -------
    tuple of str
        Without a full stop, for the column ``note``; empty where all rules are kept.
        A rule in mm that cannot be checked gives a sentence too.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    RoiError
        If `field` is that of another image.

    Notes
    -----
    A box may differ by a pixel in each direction, since it is drawn to the pixel.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> from napari_muscle_us.roi.rasterize import usable_window
    >>> image = mus.sample_image("transverse_healthy")
    >>> roi = mus.Rectangle(150, 200, 109, 223)
    >>> window = usable_window(roi, image.frame_shape)
    >>> check_rules(image, roi, window, RoiRules(fixed_box_mm=(10, 20)))
    ('the box is 9.8 × 20.1 mm, not 10 × 20 mm',)
    """
    return tuple(_broken(image, roi, window, rules, field, facts))


def _broken(
    image: UltrasoundImage,
    roi: Roi,
    window: RoiWindow,
    rules: RoiRules,
    field: Field | None,
    facts: FrameFacts | None,
) -> Iterator[str]:
    spacing = image.spacing_mm
    if rules.largest_muscle_area:
        from napari_muscle_us.roi.fascia import fascia_guide

        yield from fascia_guide(image.pixels, roi, window, spacing_mm=spacing).sentences
    if rules.inner_lateral is not None:
        from napari_muscle_us.measure.quality import prepare

        known = prepare(image, field=field) if facts is None else facts
        yield from _beyond_inner(window, known, rules.inner_lateral)
    if rules.fixed_box_mm is not None:
        yield from _other_box(roi, rules.fixed_box_mm, spacing)
    if rules.min_area_mm2 is not None:
        yield from _small_area(roi, rules.min_area_mm2, spacing)
    if rules.min_pixels is not None and window.n_pixels < rules.min_pixels:
        yield (
            f"the ROI holds {window.n_pixels} pixels, fewer than the "
            f"{rules.min_pixels} that the rule asks for"
        )


def _beyond_inner(window: RoiWindow, facts: FrameFacts, share: float) -> Iterator[str]:
    """Yield how much lies outside the inner share of the field."""
    from napari_muscle_us.measure.quality import percent

    first, last = _inner_columns(window, facts, share)
    columns = np.arange(window.columns.start, window.columns.stop)
    within = (columns >= first[:, None]) & (columns <= last[:, None])
    outside = np.count_nonzero(window.mask & ~within)
    if outside:
        part = percent(outside / window.n_pixels)
        yield (
            f"{part} of the ROI lies outside the inner {100 * share:g} % of the "
            "lateral field"
        )


def _inner_columns(
    window: RoiWindow, facts: FrameFacts, share: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and last inner column of each row; none where last < first.

    A curved array's picture widens with the depth, and its inner part with it.
    """
    left, right = facts.picture_of(window)[2:]
    inside = facts.field.mask[window.rows, left:right]
    first = left + inside.argmax(axis=1)
    last = right - 1 - inside[:, ::-1].argmax(axis=1)
    centre, half = (first + last) / 2, share * (last + 1 - first) / 2
    some = np.asarray(inside.any(axis=1))
    inner_first = np.where(some, np.ceil(centre - half), 0).astype(np.int64)
    inner_last = np.where(some, np.floor(centre + half), -1).astype(np.int64)
    return inner_first, inner_last


def clip_to_inner(
    image: UltrasoundImage,
    roi: Roi,
    share: float = INNER_LATERAL,
    *,
    facts: FrameFacts | None = None,
) -> Roi:
    """Return the part of a region within the inner share of the lateral field.

    What is cut off is what the rule `RoiRules.inner_lateral` counts as outside, row by
    row: in a sector the inner part widens with the depth.

    Parameters
    ----------
    image : UltrasoundImage
        A still image.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    share : float, default: 0.7
        Part of the field's width that remains.
    facts : FrameFacts, optional
        What the regions of the image share; found where it is missing.

    Returns
    -------
    Region
        The region itself when it lies within; otherwise a polygon or composite.

    Raises
    ------
    RoiError
        If nothing of the region lies there, or the region cannot be measured.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> inside = mus.Rectangle(200, 200, 40, 40)
    >>> clip_to_inner(image, inside) is inside
    True
    """
    from napari_muscle_us.measure.quality import prepare
    from napari_muscle_us.roi.boolean import intersect
    from napari_muscle_us.roi.rasterize import usable_window

    RoiRules(inner_lateral=share)
    window = usable_window(roi, image.frame_shape)
    known = prepare(image) if facts is None else facts
    if not list(_beyond_inner(window, known, share)):
        return roi
    first, last = _inner_columns(window, known, share)
    parts = _stepped_outlines(window.rows.start, first, last)
    if not parts:
        raise RoiError(
            f"{label_of(roi.name)} lies outside the inner {100 * share:g} % of the "
            "lateral field; move it there."
        )
    return intersect([roi, Composite(tuple(parts), name="inner field")])


def _stepped_outlines(
    top: int, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.float64]]:
    """Return outlines along pixel edges around the columns first … last of rows."""
    filled = np.flatnonzero(last >= first)
    parts = []
    for run in np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1):
        if not run.size:
            continue
        rows = top + np.repeat(run, 2) + np.tile([-0.5, 0.5], len(run))
        left = np.column_stack([rows, np.repeat(first[run] - 0.5, 2)])
        right = np.column_stack([rows, np.repeat(last[run] + 0.5, 2)])
        parts.append(np.vstack([right, left[::-1]]))
    return parts


def _other_box(
    roi: Roi, box: tuple[float, float], spacing: tuple[float, float] | None
) -> Iterator[str]:
    asked = f"{box[0]:g} × {box[1]:g} mm"
    if not isinstance(roi, Rectangle):
        kind = type(roi).__name__.lower()
        kind = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
        yield f"the ROI is {kind}, not a box of {asked}"
        return
    if spacing is None:
        yield f"{_NO_SPACING} the box is {asked}"
        return
    corners = roi.outline() * spacing
    width, height = (float(np.hypot(*(corners[i + 1] - corners[i]))) for i in range(2))
    near = max(spacing) * (1 + 1e-9)
    if abs(height - box[0]) > near or abs(width - box[1]) > near:
        # Fine pixels tell sides apart that one decimal would show as the same.
        digits = 1 if near >= 0.05 else 2
        yield f"the box is {height:.{digits}f} × {width:.{digits}f} mm, not {asked}"


def _small_area(
    roi: Roi, least: float, spacing: tuple[float, float] | None
) -> Iterator[str]:
    if spacing is None:
        yield f"{_NO_SPACING} the ROI has {least:g} mm²"
        return
    area, _ = roi_area(roi, spacing)
    if area < least:
        yield (
            f"the ROI has {area:.4g} mm², less than the {least:g} mm² that the rule "
            "asks for"
        )
