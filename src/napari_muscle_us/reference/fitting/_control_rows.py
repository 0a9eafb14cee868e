"""Rows of a table of controls: one value of a subject and side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.subject import SIDES

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_UNIT: Final = 200

PERSON: Final = ("age_years", "sex", "height_cm", "weight_kg", "handedness")
"""Columns that are of a person at a visit, not of a value."""

ROWS: Final = ("subject", "side", "value", *PERSON)


def rows_of(
    table: pd.DataFrame, muscle: str, measure: str, warnings: list[str]
) -> tuple[pd.DataFrame, str]:
    """Return the rows of a muscle and measure in known columns, and their unit."""
    import pandas as pd

    for name in ("subject", "muscle", "value"):
        if name not in table.columns:
            raise ReferenceSetError(f"The table has no column {name}; add it.")
    named = table["muscle"].astype(str).str.strip().str.casefold()
    own = named == muscle.strip().casefold()
    if "measure" in table.columns:
        own &= of_measure(table, measure)
    rows = table[own].reset_index(drop=True)
    for name in ("visit", "side", "image", "unit", *PERSON):
        if name not in rows.columns:
            rows[name] = None
    for name in ("subject", "visit", "side", "image", "unit", "sex", "handedness"):
        told = rows[name].astype(object)
        rows[name] = told.where(told.notna(), "").astype(str).str.strip()
    for name in ("value", "age_years", "height_cm", "weight_kg"):
        rows[name] = _numbers(pd.to_numeric(rows[name], errors="coerce"), rows[name])
    for name in ("side", "sex", "handedness"):
        rows[name] = rows[name].str.casefold()
    return _usable(rows, muscle, warnings), _unit_of(rows, muscle, measure)


def of_measure(table: pd.DataFrame, measure: str) -> pd.Series[bool]:
    """Return which rows are of a measure; what is not told is echo intensity."""
    told = table["measure"].astype(object)
    told = told.where(told.notna(), "").astype(str).str.strip()
    return told.where(told != "", ECHO_INTENSITY) == measure


def _numbers(read: pd.Series[Any], told: pd.Series[Any]) -> pd.Series[Any]:
    wrong = read.isna() & told.notna() & (told.astype(str).str.strip() != "")
    if wrong.any():
        raise ReferenceSetError(
            f"{str(told[wrong].iloc[0])[:40]!r} in the column {told.name} is no "
            "number; correct it or leave it empty."
        )
    return read.astype(np.float64)


def _usable(rows: pd.DataFrame, muscle: str, warnings: list[str]) -> pd.DataFrame:
    if (rows["subject"] == "").any():
        raise ReferenceSetError(
            f"{int((rows['subject'] == '').sum())} values of {muscle} have no subject; "
            "without it nobody knows which values are of one person."
        )
    alike = rows["subject"].str.casefold().str.removesuffix(".0")
    if alike.nunique() < rows["subject"].nunique():
        spelt = rows["subject"].groupby(alike).unique()
        one, other = next(s for s in spelt if len(s) > 1)[:2]
        raise ReferenceSetError(
            f"The subjects {one[:40]!r} and {other[:40]!r} of {muscle} look like one "
            "person; spell the code of a person in one way, or give other codes."
        )
    odd = ~rows["side"].isin(["", *SIDES])
    if odd.any():
        raise ReferenceSetError(
            f"The side {rows.loc[odd, 'side'].iloc[0][:40]!r} of {muscle} is none; use "
            "left, right or nothing."
        )
    empty = rows["value"].isna()
    if empty.any():
        warnings.append(
            f"{int(empty.sum())} rows of {muscle} have no value and were left out."
        )
    return rows[~empty]


def _unit_of(rows: pd.DataFrame, muscle: str, measure: str) -> str:
    units = sorted(set(rows["unit"]) - {""})
    if len(units) > 1:
        raise ReferenceSetError(
            f"The values of {muscle} are in {' and '.join(units)[:80]}; bring them to "
            "one unit."
        )
    if units:
        return _one_line(str(units[0]), muscle)
    from napari_muscle_us.registry import MEASURES

    known = MEASURES.get(measure)
    unit = "" if known is None else known.unit
    return unit or "no unit"


def _one_line(unit: str, muscle: str) -> str:
    if not unit.isprintable() or len(unit) > _LONGEST_UNIT:
        raise ReferenceSetError(
            f"The unit {' '.join(unit.split())[:40]!r} of {muscle} has more than "
            f"{_LONGEST_UNIT} letters, or one that is not seen; write such as mm."
        )
    return unit


def first_visits(rows: pd.DataFrame, muscle: str, warnings: list[str]) -> pd.DataFrame:
    """Return the rows of each subject's first visit: by age where told, then label."""
    age = rows.groupby(["subject", "visit"])["age_years"].transform("min")
    untold = age.isna().groupby(rows["subject"]).transform("any")
    order = rows.assign(
        _age=age.mask(untold, np.inf), _label=rows["visit"].map(_natural)
    ).sort_values(["subject", "_age", "_label"], kind="stable")
    first = order.groupby("subject")["visit"].first()
    keep = rows["visit"] == rows["subject"].map(first)
    later = rows.loc[~keep, ["subject", "visit"]].drop_duplicates()
    if len(later):
        warnings.append(
            f"{len(later)} later visits of {later['subject'].nunique()} subjects were "
            f"left out for {muscle}; the first of each counts."
        )
    return rows[keep]


def _natural(label: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key by which visit 10 comes after visit 2."""
    parts = re.findall(r"\d{1,18}|\D+", label)
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)


def one_value_a_side(
    rows: pd.DataFrame, muscle: str, warnings: list[str]
) -> pd.DataFrame:
    """Return rows whose images of one side are averaged; refuse a value told twice."""
    twice = rows.duplicated(["subject", "side", "image"])
    if twice.any():
        first = rows[twice].iloc[0]
        image = f" and image {first['image'][:40]!r}" if first["image"] else ""
        raise ReferenceSetError(
            f"Subject {first['subject'][:40]!r} has two values of {muscle} for side "
            f"{first['side'] or 'not told'!r}{image}; keep one, or name the images in "
            "a column image to average them."
        )
    mean = rows.groupby(["subject", "side"])["value"].transform("mean")
    repeats = int(rows.duplicated(["subject", "side"]).sum())
    if repeats:
        warnings.append(
            f"Images of one side of {muscle} were averaged ({len(rows)} to "
            f"{len(rows) - repeats} values)."
        )
    return rows.assign(value=mean)


def with_people(rows: pd.DataFrame, muscle: str) -> pd.DataFrame:
    """Return one row a side, with the person's facts; refuse two different ones."""
    known = rows.assign(
        sex=rows["sex"].where(rows["sex"] != "", None),
        handedness=rows["handedness"].where(rows["handedness"] != "", None),
    )
    people = known.groupby("subject")[list(PERSON)]
    told = people.nunique(dropna=True)
    if (told > 1).any(axis=None):
        name = str(told.columns[(told > 1).any()][0])
        subject = str(told.index[told[name] > 1][0])
        raise ReferenceSetError(
            f"Subject {subject[:40]!r} has two different entries of {name} in one "
            f"visit of {muscle}; correct the table."
        )
    single = rows.drop_duplicates(["subject", "side"])[["subject", "side", "value"]]
    joined = single.join(people.first(), on="subject")
    return joined[list(ROWS)]
