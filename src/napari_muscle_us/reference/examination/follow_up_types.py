"""What a follow-up consists of, and the order of visits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from napari_muscle_us.reference.examination.examination_types import (
        Examination,
        ExaminedMuscle,
    )
    from napari_muscle_us.reference.examination.measurement_error import Sem
    from napari_muscle_us.reference.subject import Subject

FOLLOW_UP_COLUMNS: Final = (
    *("muscle", "side", "visit", "value", "unit", "n_images"),
    *("z", "predicted"),
    *("difference_first", "expected_first", "z_difference_first"),
    *("mdc95_first", "changed_first"),
    *("difference_previous", "expected_previous", "z_difference_previous"),
    *("mdc95_previous", "changed_previous"),
    *("sem", "sem_source", "note", "problem"),
)
"""Columns of `FollowUp.table`, in this order."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Change:
    """A value compared with that of an earlier visit.

    Attributes
    ----------
    since : str
        The earlier visit.
    difference : float
        This value minus the earlier one.
    expected : float
        Change of the value that the reference set predicts between the two visits,
        as by ageing; NaN where it predicts none, or for values of another device.
    z_difference : float
        Change of the Z-score; NaN where one is missing.
    mdc95 : float
        Smallest change that is beyond the measurement error; NaN where that is not
        known.
    changed : bool or None
        Whether the difference, up or down, exceeds `mdc95`; ``None`` where that is
        not known.
    """

    since: str
    difference: float
    expected: float
    z_difference: float
    mdc95: float
    changed: bool | None


@dataclass(frozen=True, slots=True)
class VisitValue:
    """A muscle and side at a visit.

    Attributes
    ----------
    visit : str
        Label.
    examined : ExaminedMuscle
        Value, Z-score and caveats.
    first, previous : Change or None
        Against the first and the previous visit that have a value; ``None`` at the
        first, and where this visit has none.
    """

    visit: str
    examined: ExaminedMuscle
    first: Change | None = None
    previous: Change | None = None


@dataclass(frozen=True, slots=True)
class MuscleCourse:
    """The visits of a muscle and side, in order.

    Attributes
    ----------
    muscle, side : str
        Labels.
    visits : tuple of VisitValue
        In the order of time; visits without the muscle are left out.
    sem : Sem or None
        Measurement error and where it is known from.
    """

    muscle: str
    side: str
    visits: tuple[VisitValue, ...]
    sem: Sem | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The visits of a person against the reference and the measurement error.

    Attributes
    ----------
    subject_code : str
        Label.
    visits : tuple of str
        Labels in the order of time.
    examinations : tuple of Examination
        One a visit.
    courses : tuple of MuscleCourse
        One a muscle and side.
    warnings : tuple of str
        Caveats, a sentence each.
    """

    subject_code: str
    visits: tuple[str, ...]
    examinations: tuple[Examination, ...]
    courses: tuple[MuscleCourse, ...]
    warnings: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """Return the visits as a table with `FOLLOW_UP_COLUMNS`."""
        import pandas as pd

        rows = [
            _table_row(course, visit)
            for course in self.courses
            for visit in course.visits
        ]
        return pd.DataFrame(rows, columns=list(FOLLOW_UP_COLUMNS))


def _table_row(course: MuscleCourse, visit: VisitValue) -> tuple[object, ...]:
    examined, sem = visit.examined, course.sem
    value, score = examined.measured, examined.score
    return (
        *(course.muscle, course.side, visit.visit, value.value, value.unit),
        *(value.n_images, examined.z, math.nan if score is None else score.predicted),
        *(_change_cells(visit.first) + _change_cells(visit.previous)),
        math.nan if sem is None else sem.value,
        "not known, so no change is flagged" if sem is None else sem.words,
        " ".join(examined.warnings),
        examined.problem,
    )


def _change_cells(change: Change | None) -> tuple[object, ...]:
    if change is None:
        return (math.nan,) * 4 + (None,)
    return (
        *(change.difference, change.expected, change.z_difference),
        *(change.mdc95, change.changed),
    )


def differing_people(people: Sequence[Subject]) -> tuple[str, ...]:
    """Return what cannot be of one person, a sentence each.

    Parameters
    ----------
    people : sequence of Subject
        The person at each visit, in the order of time.

    Examples
    --------
    >>> from napari_muscle_us.reference.subject import Subject
    >>> differing_people([Subject(41, "male"), Subject(40, "male")])
    ('The age falls from one visit to a later one; check the ages and the order.',)
    """
    told = []
    for name in ("sex", "handedness"):
        if len({getattr(person, name) for person in people} - {None}) > 1:
            told.append(
                f"The {name} is not the same at all visits; check that they are of "
                "one person."
            )
    ages = [person.age_years for person in people if person.age_years is not None]
    if any(later < earlier for earlier, later in pairwise(ages)):
        told.append(
            "The age falls from one visit to a later one; check the ages and the order."
        )
    return tuple(told)


def visit_order(
    visits: Sequence[str],
    *,
    order: Sequence[str] | None = None,
    dates: Mapping[str, date] | None = None,
) -> tuple[str, ...]:
    """Return visits in the order of time.

    Parameters
    ----------
    visits : sequence of str
        Labels.
    order : sequence of str, optional
        All of them in order, as the user gives it.
    dates : mapping of str to date, optional
        Day of each.

    Returns
    -------
    tuple of str
        By `order`; else by `dates`; else by the labels, where all are whole numbers
        or all are days such as 2026-01-31.

    Raises
    ------
    ReferenceSetError
        If the order is not known, or what is given does not name each visit once.

    Examples
    --------
    >>> visit_order(["10", "9"])
    ('9', '10')
    >>> visit_order(["2026-03-01", "2025-12-24"])
    ('2025-12-24', '2026-03-01')
    """
    labels = sorted(set(visits))
    if order is not None:
        if sorted(order) != labels:
            raise ReferenceSetError(
                "The order of the visits does not name each of "
                f"{_listed(labels)} once; give all of them in order."
            )
        return tuple(order)
    if dates is not None:
        lacking = [label for label in labels if label not in dates]
        if lacking:
            raise ReferenceSetError(
                f"The visit {lacking[0]!r:.40} has no date; give one for each visit."
            )
        days = [dates[label] for label in labels]
        if len(set(days)) < len(days):
            raise ReferenceSetError(
                "Two visits have the same date; give the order of the visits."
            )
        return tuple(sorted(labels, key=lambda label: dates[label]))
    return _by_labels(labels)


def _by_labels(labels: list[str]) -> tuple[str, ...]:
    if len(labels) < 2:
        return tuple(labels)
    if all(_NUMBER.fullmatch(label) for label in labels):
        if len({int(label) for label in labels}) == len(labels):
            return tuple(sorted(labels, key=int))
    elif all(_day(label) is not None for label in labels):
        return tuple(labels)
    raise ReferenceSetError(
        f"The order of the visits {_listed(labels)} is not known; give their order or "
        "dates, or name them 1, 2, 3 or by day as 2026-01-31."
    )


def _day(label: str) -> date | None:
    try:
        return date.fromisoformat(label) if len(label) == 10 else None
    except ValueError:
        return None


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(f"{label!r:.40}" for label in labels[:8])
    return f"{shown} …" if len(labels) > 8 else shown
