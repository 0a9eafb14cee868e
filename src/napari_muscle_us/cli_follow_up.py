"""The command ``follow-up``: the visits of a person."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import (
    DEVICE_OPTIONS,
    FILE,
    RULE_OPTION,
    TABLE_OPTIONS,
    conversion_of,
    device_of,
    lined_up,
    load_set,
    note,
    person_of,
    refuse_other_table,
    tell_dropped,
    with_options,
    write_csv,
)
from napari_muscle_us.cli_visits import (
    COMMON,
    person,
    read_table,
    refuse_places,
    visits,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from napari_muscle_us.reference.examination.follow_up import FollowUp, Sem
    from napari_muscle_us.reference.subject import Subject

_COURSE_HEAD: Final = (
    *("muscle", "side", "visit", "value", "Z"),
    *("since first", "since previous", "MDC95"),
)


@click.command("follow-up")
@click.argument("table", type=FILE)
@with_options(*COMMON, RULE_OPTION, *TABLE_OPTIONS, *DEVICE_OPTIONS)
@click.option("--order", metavar="A,B,...", help="All visits in the order of time.")
@click.option(
    "--date",
    "dates",
    multiple=True,
    metavar="VISIT=YYYY-MM-DD",
    help="Day of a visit (again for each): orders visits, and the age goes on.",
)
@click.option(
    "--sem",
    "sems",
    multiple=True,
    metavar="[MUSCLE=]NUMBER",
    help="Standard error of measurement, in the unit of the values; of all muscles or "
    "of one (again for more).",
)
@click.option(
    "--sem-from-repeats",
    is_flag=True,
    help="Estimate it from the repeated images of TABLE where none is known.",
)
@click.option("--out", type=FILE, help="Table of the visits (CSV) to write.")
def follow_up_table(table: Path, **options: Any) -> None:
    """Compare the visits of a person with healthy people and with each other.

    A change is flagged only where it exceeds the measurement error (MDC95). The age
    that is given is that of the first visit.
    """
    from napari_muscle_us.reference.examination.follow_up import (
        follow_up,
        sem_from_repeats,
    )

    refuse_places(table, {**options, "figure": None})
    reference = load_set(options["name"])
    conversion, device = conversion_of(options["conversion"]), device_of(options)
    typed, dates = person_of(options), _dates(options["dates"])
    sem = _sems(options["sems"])
    values = read_table(table, options)
    _refuse_unknown_muscles(sem, values)
    own = None
    if options["sem_from_repeats"]:
        own = sem_from_repeats(values, measure=options["measure"])
    found = follow_up(
        reference,
        values,
        _people(values, options, typed),
        subject_code=options["subject"],
        order=_order(options["order"]),
        dates=dates,
        sem=sem,
        own_sem=own,
        measure=options["measure"],
        rule=options["rule"],
        device=device,
        accept_device=options["accept_device"],
        conversion=conversion,
    )
    _write(options["out"], _course_table(found, reference.name))
    tell_dropped(values)
    _tell_course(found)
    if options["out"] is not None:
        click.echo(f"Written to {options['out']}.")


def _people(
    values: pd.DataFrame, options: dict[str, Any], typed: Subject
) -> Subject | dict[str, Subject]:
    """Return the person at each visit, or as typed at the first."""
    from napari_muscle_us.reference.examination.muscle_values import is_results_table

    pairs = [p for p in visits(values, options) if options["subject"] in (None, p[0])]
    told_nothing = is_results_table(values) and options["people"] is None
    # Several or no subjects are refused by `follow_up`.
    if told_nothing or len({code for code, _ in pairs}) != 1:
        return typed
    without_age = replace(typed, age_years=None)
    people = {
        visit: person(values, options, without_age, code, visit)
        for code, visit in pairs
    }
    if typed.age_years is None:
        return people
    if any(person.age_years is not None for person in people.values()):
        raise MuscleUSError(
            "The tables tell the age of the subject, which changes from visit to "
            "visit; leave out --age."
        )
    if len(set(people.values())) > 1:
        raise MuscleUSError(
            "The tables tell height or weight of each visit, but no age; give the age "
            "at each visit there and leave out --age."
        )
    return replace(next(iter(people.values())), age_years=typed.age_years)


def _dates(texts: Sequence[str]) -> dict[str, date] | None:
    from datetime import date

    days = {}
    for text in texts:
        visit, sign, day = text.rpartition("=")
        try:
            told = date.fromisoformat(day) if len(day) == 10 else None
        except ValueError:
            told = None
        if not sign or told is None:
            raise MuscleUSError(
                f"--date {text[:60]!r} tells no day of a visit; write such as "
                "1=2026-01-31."
            )
        if visit in days:
            raise MuscleUSError(
                f"--date tells two days of the visit {visit[:40]!r}; give one."
            )
        days[visit] = told
    return days or None


def _order(text: str | None) -> list[str] | None:
    return None if text is None else [visit.strip() for visit in text.split(",")]


def _sems(texts: Sequence[str]) -> float | Sem | dict[str, float | Sem] | None:
    """Return what --sem tells, of all muscles or by muscle."""
    told: dict[str, float | Sem] = {}
    for text in texts:
        muscle, _, size = text.rpartition("=")
        try:
            number = float(size)
        except ValueError:
            number = -1.0
        if not 0 < number < float("inf"):
            raise MuscleUSError(
                f"--sem {text[:60]!r} is no number above 0; write such as 2.5 or "
                "Soleus=2.5."
            )
        if muscle.strip() in told:
            raise MuscleUSError(f"--sem {text[:60]!r} is told before; give it once.")
        told[muscle.strip()] = number
    if "" in told and len(told) > 1:
        raise MuscleUSError(
            "--sem is given for all muscles and for some; give one or the other."
        )
    return told.get("", told) if told else None


def _refuse_unknown_muscles(sem: object, values: pd.DataFrame) -> None:
    """Refuse a measurement error that would silently not be used."""
    known = set(values["muscle"])
    for muscle in sem if isinstance(sem, dict) else ():
        if muscle not in known:
            raise MuscleUSError(
                f"--sem tells of {muscle[:60]!r}, which is not in the table; write "
                "muscles as the table does."
            )


def _course_table(found: FollowUp, reference: str) -> pd.DataFrame:
    made = found.table()
    made.insert(0, "subject", found.subject_code)
    return made.assign(reference=reference)


def _write(out: Path | None, made: pd.DataFrame) -> None:
    from napari_muscle_us.io.files import atomic_path

    if out is not None:
        refuse_other_table(out, list(made.columns[:6]), "table of visits")
        with atomic_path(out) as temporary:
            write_csv(temporary, made)


def _tell_course(found: FollowUp) -> None:
    rows: list[Sequence[str]] = [_COURSE_HEAD]
    for course in found.courses:
        for visit in course.visits:
            value, z = visit.examined.measured.value, visit.examined.z
            changes = (_change(visit.first), _change(visit.previous))
            limit = "" if visit.previous is None else _number(visit.previous.mdc95)
            rows.append(
                (
                    *(course.muscle, course.side, visit.visit),
                    *(_number(value), _number(z), *changes, limit),
                )
            )
    click.echo("\n".join(lined_up(rows)))
    for course in found.courses:
        for visit in course.visits:
            if visit.examined.problem:
                label, said = visit.examined.label, visit.examined.problem
                click.echo(f"No Z-score: {label}, visit {visit.visit!r}: {said}")
    shared = [said for one in found.examinations for said in one.warnings]
    for sentence in dict.fromkeys([*found.warnings, *shared]):
        note(sentence)


def _change(change: Any) -> str:
    """Return a change, with a word where it exceeds the measurement error."""
    if change is None:
        return ""
    words = {None: "not judged", True: "CHANGED", False: "within the error"}
    return f"{_number(change.difference, '+')} ({words[change.changed]})"


def _number(value: float, sign: str = "") -> str:
    return "–" if math.isnan(value) else f"{value:{sign}.2f}"
