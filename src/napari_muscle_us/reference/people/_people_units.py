"""Units mixed up in a table of people, found by headers and by implausible values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.people.people_columns import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

ECHO_INTENSITIES: Final = ("intensity.mean", "intensity.median")
ECHO_INTENSITY_SUFFIX: Final = ".echo_intensity"

_WANTED: Final = {
    "age_years": ("years", "ages"),
    "height_cm": ("cm", "heights"),
    "weight_kg": ("kg", "weights"),
}
_TIMES: Final = {
    "months": "divide by 12",
    "weeks": "divide by 52.18",
    "days": "divide by 365.25",
    "m": "multiply by 100",
    "mm": "divide by 10",
    "inches": "multiply by 2.54",
    "feet": "multiply by 30.48",
    "pounds": "multiply by 0.45359",
    "stones": "multiply by 6.35029",
    "grams": "divide by 1000",
}
_ADULT: Final = 16.0
_FEW: Final = 5
"""Fewer people than these tell nothing of what most have."""


def check_units(
    people: Mapping[str, Floats], columns: Mapping[str, str], rows: Sequence[int]
) -> None:
    """Refuse ages, heights and weights that are not in years, cm and kg.

    Parameters
    ----------
    people : mapping of str to ndarray
        ``age_years``, ``height_cm`` and ``weight_kg``, NaN where not known.
    columns : mapping of str to str
        Columns of the file that they come from.
    rows : sequence of int
        Numbers of the rows, for messages.

    Raises
    ------
    ReferenceSetError
        In one sentence with the column, the first value, its row, and what to do.
    """
    for name, (wanted, words) in _WANTED.items():
        unit = read_header(columns.get(name, "")).unit
        if unit and unit != wanted:
            remedy = _TIMES.get(unit, "change them")
            raise ReferenceSetError(
                f"Column {columns[name][:60]!r} is in {unit} by its name; {remedy}, "
                f"so that all {words} are in {wanted}, and rename it {name!r}."
            )
    _check_heights(people, columns, rows)
    _check_ages(people, columns, rows)
    _check_weights(people, columns, rows)


def check_echo_intensity(
    values: Floats, measures: Sequence[str], column: str, rows: Sequence[int]
) -> None:
    """Refuse echo intensities that are no gray levels 0 … 255.

    Raises
    ------
    ReferenceSetError
        If one is outside, or all are shares of 1.
    """
    told = np.array([is_echo_intensity(measure) for measure in measures], dtype=bool)
    outside = told & ((values < 0) | (values > 255))
    if outside.any():
        _refuse(
            (column, values, rows),
            outside,
            "which is no gray level; echo intensity lies between 0 and 255, so correct "
            "it or leave it blank",
        )
    known = told & np.isfinite(values)
    if known.any() and np.all(values[known] <= 1) and np.any(values[known] > 0):
        _refuse(
            (column, values, rows),
            known,
            "and nothing above 1, which looks like shares of 1; give echo intensity as "
            "gray levels from 0 to 255",
        )


def is_echo_intensity(measure: str) -> bool:
    """Whether a measure is a gray level from 0 to 255."""
    return measure in ECHO_INTENSITIES or (
        measure.endswith(ECHO_INTENSITY_SUFFIX) and not measure.startswith("z_score")
    )


def _refuse(
    where: tuple[str, Floats, Sequence[int]], wrong: npt.NDArray[np.bool_], why: str
) -> None:
    column, values, rows = where
    k = int(np.flatnonzero(wrong)[0])
    raise ReferenceSetError(
        f"Column {column[:60]!r} holds {values[k]:g} in row {rows[k]}, {why}."
    )


def _check_ages(
    people: Mapping[str, Floats], columns: Mapping[str, str], rows: Sequence[int]
) -> None:
    age, height = people["age_years"], people["height_cm"]
    where = (columns.get("age_years", ""), age, rows)
    if np.any(age < 0):
        _refuse(where, age < 0, "which is no age; give it in years")
    if np.any(age > 120):
        why = "which looks like months; give all ages in years"
        _refuse(where, age > 120, why)
    both = np.isfinite(age) & np.isfinite(height) & (height >= 30)
    small = both & (age >= _ADULT) & (height < 120)
    if small.sum() >= 3 and small.sum() > both.sum() / 2:
        _refuse(
            where,
            small,
            "and such people are below 120 cm, so ages look like months; give all ages "
            "in years",
        )


def _check_heights(
    people: Mapping[str, Floats], columns: Mapping[str, str], rows: Sequence[int]
) -> None:
    age, height = people["age_years"], people["height_cm"]
    where = (columns.get("height_cm", ""), height, rows)
    cases = (
        ((height >= 0.3) & (height <= 2.5), "looks like metres"),
        ((height > 2.5) & (height <= 8), "looks like feet"),
        ((height >= 300) & (height <= 2500), "looks like millimetres"),
        ((height < 30) | (height > 250), "no person has"),
        # Of a small child it is a height in cm.
        (
            (height >= 48) & (height <= 84) & ~(age < 4),
            "looks like inches (of a small child, the age is missing or in months)",
        ),
    )
    for wrong, what in cases:
        if np.any(wrong):
            _refuse(where, wrong, f"which {what}; give all heights in cm")


def _check_weights(
    people: Mapping[str, Floats], columns: Mapping[str, str], rows: Sequence[int]
) -> None:
    age, height, weight = (people[k] for k in ("age_years", "height_cm", "weight_kg"))
    where = (columns.get("weight_kg", ""), weight, rows)
    impossible = (weight < 1) | (weight > 400)
    if np.any(impossible):
        _refuse(where, impossible, "which no person weighs in kg; give weights in kg")
    with np.errstate(invalid="ignore"):
        bmi = weight / (height / 100) ** 2
    adult = np.isfinite(bmi) & ~(age < _ADULT)
    heavy = adult & (bmi > 40)
    if adult.sum() >= _FEW and heavy.sum() > adult.sum() / 2:
        _refuse(
            where,
            heavy,
            "which as most weights gives a body-mass index above 40 and looks like "
            "pounds; give all weights in kg",
        )
    strange = adult & ((bmi < 8) | (bmi > 90))
    if np.any(strange):
        k = int(np.flatnonzero(strange)[0])
        _refuse(
            where,
            strange,
            f"which with {height[k]:g} cm is a body-mass index of {bmi[k]:.0f}; "
            "correct height or weight",
        )
