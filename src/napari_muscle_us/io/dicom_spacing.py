"""PixelSpacing and its relatives: the size of a pixel where no region tells it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.io._pydicom import quiet_pydicom
from napari_muscle_us.io.dicom_elements import items_of, value_of

if TYPE_CHECKING:
    from pydicom import Dataset

Spacing = tuple[float, float]
"""Distance of pixel centres in mm, ``(depth, lateral)``."""

SAME_SCALE: Final = 1e-9
"""Relative difference up to which two spacings are one."""

SMALLEST_MM: Final = 1e-4
LARGEST_MM: Final = 10.0
"""No scanner's pixels are smaller or larger; beyond lie wrong units and damage."""

_PIXEL_MEASURES: Final = "PixelMeasuresSequence"
_IN_THE_IMAGE: Final = ("PixelSpacing", "ImagerPixelSpacing")
_PLACEHOLDER: Final = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class StatedSpacing:
    """What a file states apart from its ultrasound regions.

    Parameters
    ----------
    element : str
        DICOM keyword that it comes from; empty when the file states none.
    spacing_mm : tuple of float, optional
        Spacing of the still image, or of all frames alike.
    frame_spacings_mm : tuple of tuple of float or None, optional
        Spacing of each frame, where frames differ.
    notes : tuple of str
        Sentences for the user.
    """

    element: str = ""
    spacing_mm: Spacing | None = None
    frame_spacings_mm: tuple[Spacing | None, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def distinct(self) -> tuple[Spacing, ...]:
        """All spacings that it states, each once."""
        if self.frame_spacings_mm is None:
            return () if self.spacing_mm is None else (self.spacing_mm,)
        return tuple(dict.fromkeys(s for s in self.frame_spacings_mm if s))


def is_damaged(item: Any, keyword: str) -> bool:
    """Whether an element is there and not empty, but cannot be read."""
    if keyword not in item or value_of(item, keyword) is not None:
        return False
    # What could not be converted stays as bytes.
    element = item.get_item(keyword, keep_deferred=True)
    return bool(element.value or getattr(element, "length", 0))


def as_number(value: Any) -> float:
    """Return a single number of a data element; NaN when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def words_mm(spacing: Spacing) -> str:
    """Return a spacing as text, depth first.

    Examples
    --------
    >>> words_mm((0.2, 0.1))
    '0.2 × 0.1 mm'
    """
    return f"{spacing[0]:.9g} × {spacing[1]:.9g} mm"


def spacing_problem(spacing: Spacing) -> str:
    """Return why a spacing is not the size of a pixel; empty when it may be.

    Examples
    --------
    >>> spacing_problem((0.2, 0.1))
    ''
    >>> spacing_problem((0.2, 0.0))
    'The size of a pixel is stated as 0.2 × 0 mm, which is not a length.'
    """
    stated = f"The size of a pixel is stated as {words_mm(spacing)}"
    if not all(math.isfinite(s) and s > 0 for s in spacing):
        return f"{stated}, which is not a length."
    if not all(SMALLEST_MM <= s <= LARGEST_MM for s in spacing):
        return (
            f"{stated}, which no scanner has (between {SMALLEST_MM:g} and "
            f"{LARGEST_MM:g} mm)."
        )
    return ""


def agree(one: Spacing, other: Spacing, *, tolerance: float = SAME_SCALE) -> bool:
    """Whether two spacings are the same on both axes, to a relative tolerance.

    Examples
    --------
    >>> agree((0.2, 0.1), (0.2, 0.101), tolerance=0.02)
    True
    """
    pairs = zip(one, other, strict=True)
    return all(math.isclose(a, b, rel_tol=tolerance) for a, b in pairs)


def stated_spacing(dataset: Dataset, *, frames: int = 1) -> StatedSpacing:
    """Return the spacing that a file states apart from ultrasound regions.

    PixelMeasuresSequence of the functional groups (Enhanced US Volume) comes first,
    a frame's own before the shared one; then PixelSpacing (0028,0030); where that is
    absent, ImagerPixelSpacing (0018,1164). NominalScannedPixelSpacing is never used:
    it is the size of a pixel on the paper or film that was scanned.

    ``[row spacing, column spacing]`` in DICOM is ``(depth, lateral)`` here. Values of
    zero, below zero, NaN and implausible ones are refused; so is exactly 1 × 1 mm,
    which programs write when they do not know the size.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The parsed header.
    frames : int, default: 1
        Number of frames of the image.

    Returns
    -------
    StatedSpacing
        Empty when the file states nothing usable; `notes` tell why.

    References
    ----------
    DICOM PS3.3 10.7.1.3 (Pixel Spacing), C.7.6.16.2.1 (Pixel Measures).
    """
    with quiet_pydicom():
        grouped = _from_groups(dataset, frames)
        if grouped.element:
            return grouped
        for keyword in _IN_THE_IMAGE:
            spacing, problem = _pair(dataset, keyword)
            if spacing or problem:
                notes = (problem,) if problem else ()
                return StatedSpacing(keyword, spacing, None, (*grouped.notes, *notes))
        return grouped


def _pair(item: Any, keyword: str) -> tuple[Spacing | None, str]:
    """Return the two numbers of an element, or why they are not used."""
    value = value_of(item, keyword)
    if value is None and not is_damaged(item, keyword):
        return None, ""
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    values = list(value) if several else []
    if len(values) != 2:
        return None, f"{keyword} is not two numbers and is not used."
    spacing = (as_number(values[0]), as_number(values[1]))
    problem = spacing_problem(spacing)
    if problem:
        return None, f"{problem[:-1]} ({keyword})."
    if spacing == _PLACEHOLDER:
        return None, (
            f"{keyword} is exactly 1 × 1 mm, which programs write when they do not "
            "know the size of a pixel; it is not used."
        )
    return spacing, ""


def _from_groups(dataset: Dataset, frames: int) -> StatedSpacing:
    """Return what the functional groups state; no element when they are silent."""
    shared_item = next(iter(items_of(dataset, "SharedFunctionalGroupsSequence")), None)
    shared = _measures(shared_item)
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    notes: tuple[str, ...] = ()
    if len(per_frame) not in (0, frames):
        notes = (
            f"The file describes {len(per_frame)} frames and holds {frames}; what it "
            "says of single frames is ignored.",
        )
        per_frame = []
    found = [own if any(own) else shared for own in map(_measures, per_frame)]
    found = found or [shared]
    if not any(spacing or problem for spacing, problem in found):
        return StatedSpacing(notes=notes)
    return _summary([spacing for spacing, _ in found], _told(found), notes)


def _summary(
    spacings: list[Spacing | None], problems: tuple[str, ...], notes: tuple[str, ...]
) -> StatedSpacing:
    first = spacings[0]
    notes = (*notes, *problems)
    if all(s is None for s in spacings):
        return StatedSpacing(_PIXEL_MEASURES, None, None, notes)
    if first and all(s is not None and agree(s, first) for s in spacings):
        return StatedSpacing(_PIXEL_MEASURES, first, None, notes)
    return StatedSpacing(_PIXEL_MEASURES, None, tuple(spacings), notes)


def _told(found: list[tuple[Spacing | None, str]]) -> tuple[str, ...]:
    """Return the first problem, and how many frames have one."""
    problems = [problem for _, problem in found if problem]
    if len(problems) > 1:
        return (f"{problems[0][:-1]}, and so in {len(problems)} frames.",)
    return tuple(problems)


def _measures(item: Any) -> tuple[Spacing | None, str]:
    """Return PixelSpacing of a functional group."""
    if item is None:
        return None, ""
    measures = next(iter(items_of(item, _PIXEL_MEASURES)), None)
    return (None, "") if measures is None else _pair(measures, "PixelSpacing")
