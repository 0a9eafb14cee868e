"""What ``examine`` and ``follow-up`` share: the table, the person, the files."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import PERSON_OPTIONS, read_values, refuse_own_input
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from napari_muscle_us.reference.subject import Subject

_FIGURES: Final = (".png", ".svg", ".pdf")
COMMON: Final = (
    click.option("--reference", "name", required=True, help="Name or file of the set."),
    *PERSON_OPTIONS,
    click.option("--subject", help="Code of the subject, where TABLE has several."),
)


def refuse_places(table: Path, options: Mapping[str, Any]) -> None:
    """Refuse before long work what could not be written after it.

    Raises
    ------
    ResultsError
        If a file to write is an input, or must not be replaced.
    """
    from napari_muscle_us.io.files import refuse_unwritable

    inputs = [table, options["people"], options["conversion"], Path(options["name"])]
    for option in ("out", "figure"):
        if options[option] is not None:
            refuse_unwritable(options[option])
            refuse_own_input(options[option], inputs, f"--{option}")
    figure = options["figure"]
    if figure is None:
        return
    if figure.suffix.lower() not in _FIGURES:
        raise ResultsError(
            f"{figure.name!r} is no picture that can be written; give it a name ending "
            f"in {', '.join(_FIGURES)}."
        )
    if figure.exists() and not options["overwrite"]:
        raise ResultsError(
            f"{figure.name!r} is there already; choose another name or add --overwrite."
        )


def read_table(table: Path, options: dict[str, Any]) -> pd.DataFrame:
    """Return a results table as it is, or a spreadsheet as a table of people.

    Raises
    ------
    MuscleUSError
        If it cannot be read or is not clear.
    """
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.io.tables import read_results
    from napari_muscle_us.reference.examination.muscle_values import is_results_table

    if not is_results_table(read_spreadsheet(table, sheet=options["sheet"])):
        return read_values(table, options)
    if options["columns"]:
        raise MuscleUSError(
            "--column is for spreadsheets, and TABLE is a results table; leave it out."
        )
    return read_results(table)


def visits(values: pd.DataFrame, options: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the subjects and visits of a table."""
    from napari_muscle_us.reference.examination.examination import persons_and_visits

    return persons_and_visits(values, measure=options["measure"], rule=options["rule"])


def person(
    values: pd.DataFrame,
    options: dict[str, Any],
    typed: Subject,
    code: str | None,
    visit: str | None,
) -> Subject:
    """Return the person at a visit: what was typed, before what tables tell.

    Raises
    ------
    ReferenceSetError
        If a sheet of people does not tell of the person.
    """
    from napari_muscle_us.reference.examination.muscle_values import (
        is_results_table,
        subject_of_rows,
    )

    told = None
    if not is_results_table(values):
        told = subject_of_rows(values, code or "", visit or "")
    elif options["people"] is not None:
        told = _in_sheet(options["people"], code or "", visit or "")
    return typed if told is None else _with(told, typed)


def _with(told: Subject, typed: Subject) -> Subject:
    """Return a person of whom more was typed."""
    given = {field.name: getattr(typed, field.name) for field in fields(typed)}
    return replace(told, **{k: v for k, v in given.items() if v is not None})


def _in_sheet(people: Path, code: str, visit: str) -> Subject:
    """Return a person of a sheet of people, beside a results table.

    Raises
    ------
    ReferenceSetError
        If the person is not in it.
    """
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.examination.muscle_values import subject_of_rows
    from napari_muscle_us.reference.people.people_table import tidy_subjects

    sheet = tidy_subjects(read_spreadsheet(people))
    own = sheet[sheet["subject"] == code]
    at_visit = own[own["visit"] == visit]
    chosen = own[own["visit"] == ""] if at_visit.empty else at_visit
    told = None
    if len(chosen) == 1:
        told = subject_of_rows(chosen, code, str(chosen["visit"].iloc[0]))
    if told is None:
        raise ReferenceSetError(
            f"The sheet {people.name!r} does not tell of the subject at the visit "
            f"{visit!r:.40}; add a row of the subject, with the visit where there are "
            "several."
        )
    return told
