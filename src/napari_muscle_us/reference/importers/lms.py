"""Tables of L, M and S along age, height or weight."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.spreadsheet import read_spreadsheet
from napari_muscle_us.reference.importers._table import (
    column_numbers,
    conditions_of,
    counts_of,
    found_columns,
    refuse_no_gray_level,
    subjects_of_models,
)
from napari_muscle_us.reference.people._people_cells import row_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

_ALONG: Final = {"ages": "age_years", "height": "height_cm", "weight": "weight_kg"}


def read_models(
    path: str | Path, facts: Mapping[str, Any], *, sheet: str | None = None
) -> list[dict[str, Any]]:
    """Return one model a muscle and measure, with the curves of the table.

    Parameters
    ----------
    path : str or Path
        Spreadsheet with the columns muscle, age (or height or weight), L, M and S, and
        perhaps measure, unit, sex, side, dominance, and n: how many people a curve
        comes from, the same in each of its rows.
    facts : mapping
        ``measure`` and ``unit`` where the table does not tell; without a column n the
        ``n`` of ``population``.
    sheet : str, optional
        Sheet of a workbook.

    Returns
    -------
    list of dict
        Models of the kind ``lms``.

    Raises
    ------
    ReferenceSetError
        If a column is missing, a cell is not understood, or a curve has two rows for
        the same age.
    """
    table = read_spreadsheet(path, sheet=sheet)
    found = found_columns(
        table,
        ("muscle", "l", "m", "s"),
        ("measure", "unit", "sex", "side", "dominance", "n", *_ALONG),
    )
    along = [name for name in _ALONG if name in found]
    if len(along) != 1:
        raise ReferenceSetError(
            "An LMS table has one column of age (years), height (cm) or weight (kg); "
            f"this one has {len(along)}."
        )
    keys = subjects_of_models(table, found, facts)
    numbers = {
        "x": column_numbers(table, found, along[0]),
        **{name: column_numbers(table, found, name) for name in ("l", "m", "s")},
    }
    refuse_no_gray_level(numbers["m"], keys, found["m"], row_numbers(table))
    conditions = conditions_of(table, found)
    places: dict[tuple[str, str, str], dict[tuple[Any, ...], list[int]]] = {}
    for k, key in enumerate(keys):
        who = tuple(conditions[k].items())
        places.setdefault(key, {}).setdefault(who, []).append(k)
    counts = counts_of(table, found) if "n" in found else None
    models = []
    for key, curves in places.items():
        drawn = [
            _curve(dict(who), own, numbers, counts, table)
            for who, own in curves.items()
        ]
        models.append(
            {
                **dict(zip(("muscle", "measure", "unit"), key, strict=True)),
                "kind": "lms",
                "n": _people(drawn, facts),
                "covariate": _ALONG[along[0]],
                "curves": drawn,
            }
        )
    return models


def _curve(
    who: dict[str, str],
    places: list[int],
    numbers: Mapping[str, Any],
    counts: list[int] | None,
    table: pd.DataFrame,
) -> dict[str, Any]:
    rows = row_numbers(table)
    order = sorted(places, key=lambda k: float(numbers["x"][k]))
    for one, other in pairwise(order):
        if numbers["x"][one] == numbers["x"][other]:
            raise ReferenceSetError(
                f"Rows {rows[one]} and {rows[other]} are for the same people at "
                f"{numbers['x'][one]:g}; remove one, or tell sex, side or muscle."
            )
    curve: dict[str, Any] = dict(who)
    curve |= {name: [float(found[k]) for k in order] for name, found in numbers.items()}
    if counts is not None:
        people = {counts[k] for k in order}
        if len(people) > 1:
            raise ReferenceSetError(
                f"Rows {rows[order[0]]} to {rows[order[-1]]} of one curve have "
                "different n; write how many people the whole curve comes from in each."
            )
        curve["n"] = people.pop()
    return curve


def _people(curves: list[dict[str, Any]], facts: Mapping[str, Any]) -> int:
    if all("n" in curve for curve in curves):
        largest: dict[Any, int] = {}
        for curve in curves:
            # Both sides of a person are of one person.
            sex = curve.get("sex")
            largest[sex] = max(largest.get(sex, 0), curve["n"])
        return sum(largest.values())
    told = facts["population"].get("n")
    if told is None:
        raise ReferenceSetError(
            "Nothing tells how many people the curves come from; add a column n, or n "
            "to the population in the metadata."
        )
    return int(told)
