"""The same muscles measured on two devices, matched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    import pandas as pd

MIN_PAIRS: Final = 10
MIN_SUBJECTS: Final = 5
MIN_CORRELATION: Final = 0.5
"""Correlation below which the range is too narrow for the scatter (our choice).

Three quarters of the variance are then not shared by the devices.
"""
MIN_REPEAT_DF: Final = 10
"""Repeats beyond the first that an error variance needs (our choice)."""
MAX_ROWS: Final = 200_000
ECHO_INTENSITY: Final = "intensity.mean"
KEY: Final = ("subject", "visit", "muscle", "side")
_DEVICE_COLUMNS: Final = ("device", "scanner")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Values of the same muscles on two devices.

    Attributes
    ----------
    frame : DataFrame
        One row a pair: ``subject, visit, muscle, side, x, y, n_x, n_y``; `x` and `y`
        are means over the repeats on the first and second device, `n_x` and `n_y`
        their number.
    device_a, device_b : str
        The devices of x and y, as the table names them.
    measure : str
        What was measured.
    unmatched_a, unmatched_b : int
        Muscles of one device that the other has not.
    not_measured : int
        Rows without a value, left out.
    error_ratio : float
        Error variance of y over that of x, from the repeats; NaN without enough.
    repeat_sd_a, repeat_sd_b : float
        SD of single values about the mean of their repeats; NaN without enough.
    notes : tuple of str
        What was left out or averaged, a sentence each.
    """

    frame: pd.DataFrame
    device_a: str
    device_b: str
    measure: str
    unmatched_a: int
    unmatched_b: int
    not_measured: int
    error_ratio: float
    repeat_sd_a: float
    repeat_sd_b: float
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.frame)

    @property
    def n_subjects(self) -> int:
        """Number of people."""
        return int(self.frame["subject"].nunique())


def pair_measurements(
    table: pd.DataFrame,
    other: pd.DataFrame | None = None,
    *,
    device_a: str,
    device_b: str,
    measure: str | None = None,
) -> Pairs:
    r"""Return the muscles that were measured on two devices, matched.

    A pair is one subject, visit, muscle and side. Repeats on a device are averaged.
    Where both devices have enough of them, they give the ratio of error variances of
    the averages,

    .. math::
       \lambda = \frac{s_b^2\,\overline{1 / k_b}}{s_a^2\,\overline{1 / k_a}}

    with the variances :math:`s^2` within muscles and the numbers :math:`k` of
    repeats.

    Parameters
    ----------
    table : DataFrame
        Columns ``subject``, ``muscle``, ``value`` and ``device`` (or ``scanner``);
        ``visit``, ``side`` and ``measure`` where they tell rows apart.
    other : DataFrame, optional
        Then `table` holds the values of `device_a`, `other` those of `device_b`, and
        neither needs the column of the device.
    device_a, device_b : str
        Names of the devices; the conversion leads from the first to the second.
    measure : str, optional
        Which measure, where a table has several; ``intensity.mean`` if it is there.

    Returns
    -------
    Pairs
        At least `MIN_PAIRS` of at least `MIN_SUBJECTS` people.

    Raises
    ------
    ReferenceSetError
        If a column or device is missing, a value is no number, rows are there twice,
        there are too few pairs, all values of a device are the same, or their
        correlation is below `MIN_CORRELATION`.

    Notes
    -----
    Repeats of one session hold only part of what makes devices differ in a muscle;
    their ratio is a guess of the whole one.
    """
    if device_a.strip().casefold() == device_b.strip().casefold():
        raise ReferenceSetError(
            f"Both devices are {device_a.strip()[:60]!r}; name two different ones."
        )
    if other is None:
        parts = _split(_checked_table(table), device_a, device_b)
    else:
        parts = (_checked_table(table), _checked_table(other))
    parts, measure = _one_measure(parts, measure)
    kept, dropped = zip(*(_values(part) for part in parts), strict=True)
    for part in kept:
        _refuse_copies(part)
    (first, sd_a), (second, sd_b) = (_averaged(part) for part in kept)
    frame = first.merge(second, on=["_key"], suffixes=("_x", "_y"))
    frame = _tidy(frame)
    unmatched = (len(first) - len(frame), len(second) - len(frame))
    _check_frame(frame, device_a, device_b, unmatched)
    ratio = math.nan
    if sd_a > 0 and sd_b > 0:
        shares = [(1 / frame[name]).mean() for name in ("n_x", "n_y")]
        ratio = float(sd_b**2 * shares[1] / (sd_a**2 * shares[0]))
    return Pairs(
        frame=frame,
        device_a=device_a.strip(),
        device_b=device_b.strip(),
        measure=measure,
        unmatched_a=unmatched[0],
        unmatched_b=unmatched[1],
        not_measured=sum(dropped),
        error_ratio=ratio,
        repeat_sd_a=sd_a,
        repeat_sd_b=sd_b,
        notes=_notes(frame, (device_a, device_b), unmatched, sum(dropped)),
    )


def _checked_table(table: pd.DataFrame) -> pd.DataFrame:
    if len(table) > MAX_ROWS:
        raise ReferenceSetError(
            f"The table has {len(table)} rows; give at most {MAX_ROWS}."
        )
    missing = [name for name in ("subject", "muscle", "value") if name not in table]
    if missing:
        raise ReferenceSetError(
            f"The table has no column {' and no column '.join(map(repr, missing))}; "
            "name the columns subject, muscle, side, device and value."
        )
    found = table.copy()
    for name in ("visit", "side"):
        if name not in found:
            found[name] = ""
    for name in KEY:
        found[name] = found[name].fillna("").astype(str).str.strip()
    for name in ("subject", "muscle"):
        _refuse_first(found, found[name] == "", f"names no {name}; fill it in")
    sides = found["side"].str.casefold()
    found["side"] = sides
    wrong = ~sides.isin(["", "left", "right"])
    _refuse_first(found, wrong, "has a side other than left and right; write it so")
    # Which person or muscle it is does not depend on capital letters.
    found["_key"] = found[list(KEY)].agg("\x1f".join, axis=1).str.casefold()
    return found


def _refuse_first(table: pd.DataFrame, wrong: pd.Series[bool], what: str) -> None:
    if wrong.any():
        place = table.index[int(np.flatnonzero(wrong.to_numpy())[0])]
        raise ReferenceSetError(f"Row {place} of the table {what}.")


def _split(
    table: pd.DataFrame, device_a: str, device_b: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    column = next((name for name in _DEVICE_COLUMNS if name in table), None)
    if column is None:
        raise ReferenceSetError(
            "The table has no column 'device' that tells the scanner of each value; "
            "add it, or give a table for each device."
        )
    named = table[column].fillna("").astype(str).str.strip()
    folded = named.str.casefold()
    parts = [table[folded == name.strip().casefold()] for name in (device_a, device_b)]
    for part, name in zip(parts, (device_a, device_b), strict=True):
        if part.empty:
            has = ", ".join(repr(told[:60]) for told in sorted(set(named))[:5])
            raise ReferenceSetError(
                f"The table has no values of the device {name[:60]!r}; it has {has}."
            )
    return parts[0], parts[1]


def _one_measure(
    parts: tuple[pd.DataFrame, pd.DataFrame], measure: str | None
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], str]:
    """Return the rows of one measure, and its key."""
    has = sorted({str(m) for part in parts if "measure" in part for m in part.measure})
    if not has:
        return parts, measure or ECHO_INTENSITY
    if measure is None:
        measure = has[0] if len(has) == 1 else ECHO_INTENSITY
    if measure not in has:
        raise ReferenceSetError(
            f"The table has no values of {measure}; choose one of "
            f"{', '.join(name[:60] for name in has[:5])}."
        )
    first, second = (
        part[part["measure"].astype(str) == measure] if "measure" in part else part
        for part in parts
    )
    return (first, second), measure


def _values(part: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows that have a value, and how many have none."""
    from napari_muscle_us.io.spreadsheet import number_of

    numbers = np.empty(len(part))
    for place, told in enumerate(part["value"]):
        number = told if isinstance(told, int | float) else number_of(str(told))
        if number is None or isinstance(told, bool) or math.isinf(number):
            raise ReferenceSetError(
                f"Row {part.index[place]} of the table has the value "
                f"{str(told)[:40]!r}, which is no number; mend it or leave it blank."
            )
        numbers[place] = number
    found = part.assign(value=numbers)
    known = ~np.isnan(numbers)
    return found[known], int((~known).sum())


def _refuse_copies(part: pd.DataFrame) -> None:
    """Refuse a row that is there twice, where a column would tell repeats apart."""
    telling = set(part.columns) - {*KEY, "_key", "value", "measure", *_DEVICE_COLUMNS}
    if not telling:
        return
    twice = part.astype(str).duplicated().to_numpy()
    if twice.any():
        place = part.index[int(np.flatnonzero(twice)[0])]
        raise ReferenceSetError(
            f"Row {place} of the table is there twice; leave out the copy."
        )


def _averaged(part: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return the mean of each muscle, and the SD of single values about it."""
    groups = part.groupby("_key", sort=True)
    found = groups.agg(
        **{name: (name, "first") for name in KEY},
        value=("value", "mean"),
        n=("value", "size"),
    )
    rest = part["value"] - groups["value"].transform("mean")
    freedom = len(part) - len(found)
    if freedom < MIN_REPEAT_DF:
        return found.reset_index(), math.nan
    return found.reset_index(), math.sqrt(float((rest**2).sum()) / freedom)


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    names: dict[str, Any] = {f"{name}_x": name for name in KEY}
    names |= {"value_x": "x", "value_y": "y"}
    frame = frame.rename(columns=names)
    # One spelling of a person, so that all pairs of a person stay together.
    spelled = frame.groupby(frame["subject"].str.casefold())["subject"]
    frame["subject"] = spelled.transform("first")
    return frame[[*KEY, "x", "y", "n_x", "n_y"]]


def _check_frame(
    frame: pd.DataFrame, device_a: str, device_b: str, unmatched: tuple[int, int]
) -> None:
    n, people = len(frame), frame["subject"].nunique()
    if n < MIN_PAIRS or people < MIN_SUBJECTS:
        raise ReferenceSetError(
            f"{n} muscles of {people} people were measured on both devices "
            f"({unmatched[0]} only on {device_a[:60]}, {unmatched[1]} only on "
            f"{device_b[:60]}); a conversion needs at least {MIN_PAIRS} of "
            f"{MIN_SUBJECTS} people."
        )
    for column, device in (("x", device_a), ("y", device_b)):
        if frame[column].nunique() == 1:
            raise ReferenceSetError(
                f"All {n} values of {device[:60]} are {frame[column].iloc[0]:g}; a "
                "conversion needs muscles that differ."
            )
    shared = float(np.corrcoef(frame["x"], frame["y"])[0, 1])
    if shared < MIN_CORRELATION:
        raise ReferenceSetError(
            f"The correlation of the two devices is {shared:.2f} over {n} pairs, below "
            f"{MIN_CORRELATION:g}: the range of the muscles is too narrow for their "
            "scatter; measure darker and brighter muscles too."
        )


def _notes(
    frame: pd.DataFrame,
    devices: tuple[str, str],
    unmatched: tuple[int, int],
    dropped: int,
) -> tuple[str, ...]:
    notes = [
        f"{count} muscles were measured on {device.strip()[:60]} only and left out."
        for device, count in zip(devices, unmatched, strict=True)
        if count
    ]
    if dropped:
        notes.append(f"{dropped} rows have no value and were left out.")
    most = int(max(frame["n_x"].max(), frame["n_y"].max()))
    if most > 1:
        notes.append(
            f"Values are means of up to {most} repeats; a single image scatters more "
            "about the line."
        )
    return tuple(notes)
