"""Means and SDs by muscle, sex, age and side, as papers print them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.spreadsheet import read_spreadsheet
from napari_muscle_us.reference.importers._table import (
    column_numbers,
    column_texts,
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

    Ages = list[tuple[float, float] | None]

COMPLETED_YEARS: Final = (
    "Ages of the table are in completed years: a group to 39 ends before the 40th "
    "birthday."
)

_RANGE: Final = re.compile(
    r"(\d{1,3}(?:[.,]\d+)?)\s*(?:-|–|—|\bto\b|\bbis\b|\btot\b|\bà\b)\s*"
    r"(\d{1,3}(?:[.,]\d+)?)"
)


def read_models(
    path: str | Path, facts: Mapping[str, Any], *, sheet: str | None = None
) -> list[dict[str, Any]]:
    """Return one model a muscle and measure, with the groups of the table.

    Parameters
    ----------
    path : str or Path
        Spreadsheet with the columns muscle, mean, SD and n, and perhaps measure, unit,
        sex, side, dominance, and age (as ``20-39``) or age from and age to.
    facts : mapping
        ``measure``, ``unit`` and ``sd`` where the table does not tell.
    sheet : str, optional
        Sheet of a workbook.

    Returns
    -------
    list of dict
        Models of the kind ``groups``. Where no group begins with the age at which
        another ends, and ages are whole, they are completed years, and a group to 39
        ends before 40.

    Raises
    ------
    ReferenceSetError
        If a column is missing or a cell not understood.
    """
    table = read_spreadsheet(path, sheet=sheet)
    found = found_columns(
        table,
        ("muscle", "n", "mean", "sd"),
        ("measure", "unit", "sex", "side", "dominance", "ages", "age_from", "age_to"),
    )
    rows = row_numbers(table)
    keys = subjects_of_models(table, found, facts)
    means = column_numbers(table, found, "mean")
    refuse_no_gray_level(means, keys, found["mean"], rows)
    sds = column_numbers(table, found, "sd")
    counts, conditions = counts_of(table, found), conditions_of(table, found)
    spans, completed = _spans(_ages(table, found))
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for k, key in enumerate(keys):
        group: dict[str, Any] = dict(conditions[k])
        span = spans[k]
        if span is not None:
            group["age_years"] = {"low": span[0], "high": span[1]}
        group |= {"mean": float(means[k]), "sd": float(sds[k]), "n": counts[k]}
        groups.setdefault(key, []).append(group)
    remark = COMPLETED_YEARS if completed else ""
    return [_model(key, own, facts, remark) for key, own in groups.items()]


def _model(
    key: tuple[str, str, str],
    groups: list[dict[str, Any]],
    facts: Mapping[str, Any],
    remark: str,
) -> dict[str, Any]:
    muscle, measure, unit = key
    return {
        "muscle": muscle,
        "measure": measure,
        "unit": unit,
        "kind": "groups",
        "n": _people(groups),
        "groups": groups,
        "sd": facts.get("sd", "prediction"),
        "remark": remark,
    }


def _people(groups: list[dict[str, Any]]) -> int:
    """Return how many people there are; both sides of a person are of one person."""
    largest: dict[tuple[Any, ...], int] = {}
    for group in groups:
        ages = group.get("age_years", {})
        who = (group.get("sex"), ages.get("low"), ages.get("high"))
        largest[who] = max(largest.get(who, 0), group["n"])
    return sum(largest.values())


def _ages(table: pd.DataFrame, found: Mapping[str, str]) -> Ages:
    """Return the ages of each row as they are written."""
    if "age_from" in found or "age_to" in found:
        if not {"age_from", "age_to"} <= set(found) or "ages" in found:
            raise ReferenceSetError(
                "The table tells ages in one column of two; use the columns 'age from' "
                "and 'age to', or one column 'age' with such as 20-39."
            )
        low = column_numbers(table, found, "age_from")
        high = column_numbers(table, found, "age_to")
        return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    ages: Ages = []
    texts = column_texts(table, found, "ages")
    for text, row in zip(texts, row_numbers(table), strict=True):
        match = _RANGE.fullmatch(text)
        if text and match is None:
            raise ReferenceSetError(
                f"Column {found['ages'][:60]!r} holds {text[:40]!r} in row {row}, "
                "which is no range of ages; write both ends, such as 20-39."
            )
        if match is None:
            ages.append(None)
        else:
            first, last = (float(end.replace(",", ".")) for end in match.groups())
            ages.append((first, last))
    return ages


def _spans(ages: Ages) -> tuple[Ages, bool]:
    """Return the ages from the first to below the second, and whether those changed."""
    known = [span for span in ages if span is not None]
    starts = {low for low, _ in known}
    whole = all(end.is_integer() for span in known for end in span)
    if (
        not known
        or not whole
        or any(high in starts for low, high in known if low < high)
    ):
        return ages, False
    return [None if span is None else (span[0], span[1] + 1) for span in ages], True
