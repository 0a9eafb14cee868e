"""Follow-up: the visits of a person, and which change exceeds the measurement error."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.examination.follow_up_types import (
    FOLLOW_UP_COLUMNS as FOLLOW_UP_COLUMNS,
)
from napari_muscle_us.reference.examination.follow_up_types import Change as Change
from napari_muscle_us.reference.examination.follow_up_types import FollowUp as FollowUp
from napari_muscle_us.reference.examination.follow_up_types import (
    MuscleCourse as MuscleCourse,
)
from napari_muscle_us.reference.examination.follow_up_types import (
    VisitValue as VisitValue,
)
from napari_muscle_us.reference.examination.follow_up_types import (
    differing_people as differing_people,
)
from napari_muscle_us.reference.examination.follow_up_types import (
    visit_order as visit_order,
)
from napari_muscle_us.reference.examination.measurement_error import Sem as Sem
from napari_muscle_us.reference.examination.measurement_error import mdc95 as mdc95
from napari_muscle_us.reference.examination.measurement_error import sem_for
from napari_muscle_us.reference.examination.measurement_error import (
    sem_from_cv as sem_from_cv,
)
from napari_muscle_us.reference.examination.measurement_error import (
    sem_from_pairs as sem_from_pairs,
)
from napari_muscle_us.reference.examination.measurement_error import (
    sem_from_repeats as sem_from_repeats,
)
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from napari_muscle_us.image import Device
    from napari_muscle_us.measure.repeats import RepeatRule
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.examination.examination import Examination
    from napari_muscle_us.reference.model import ReferenceSet

_DAYS_A_YEAR: Final = 365.25


def follow_up(
    reference: ReferenceSet,
    table: pd.DataFrame,
    subject: Subject | Mapping[str, Subject] | None = None,
    *,
    subject_code: str | None = None,
    order: Sequence[str] | None = None,
    dates: Mapping[str, date] | None = None,
    sem: float | Sem | Mapping[str, float | Sem] | None = None,
    own_sem: Sem | None = None,
    measure: str = ECHO_INTENSITY,
    rule: RepeatRule = "mean",
    device: Device | Mapping[str, Device] | None = None,
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> FollowUp:
    r"""Compare the visits of a person with healthy people and with each other.

    .. math::
       \mathrm{MDC}_{95} = 1.96\,\sqrt{\mathrm{SEM}_1^2 + \mathrm{SEM}_2^2}
       = 1.96\,\sqrt2\,\mathrm{SEM}\ \text{for equal errors}

    Parameters
    ----------
    reference, table, subject_code, measure, rule, device, accept_device, conversion
        As for `napari_muscle_us.examine`; the table holds the visits of one person, or
        `subject_code` chooses one.
    subject : Subject or mapping of str to Subject, optional
        The person at each visit, since people grow older. One for all visits is the
        person at the first visit: with `dates` the age goes on, without it stays and a
        warning says so. By default what a table of people tells of each visit.
    order, dates
        As for `visit_order`.
    sem : float, Sem, or mapping of str to these, optional
        The user's standard error of measurement, for all muscles or by muscle, in the
        unit of the values; used where the set tells none.
    own_sem : Sem, optional
        As from `sem_from_repeats`; used where neither the set nor the user tells one.

    Returns
    -------
    FollowUp
        A difference is flagged as a change only where it exceeds the MDC95; where no
        measurement error is known nothing is flagged.

    Raises
    ------
    ReferenceSetError
        If the person or the order of the visits is not known, or a standard error is
        not a number above 0.

    Notes
    -----
    The flag is of the measured value, not of Z: the measurement error is of values.
    The expected change is the difference of the set's predictions for the person at
    the two visits; it is shown, not subtracted.

    References
    ----------
    Ishida 2017, PMC5890228: an SEM of 0.6 is an MDC95 of 1.7.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_muscle_us import load_reference
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": "P1",
    ...         "visit": ["1", "2"],
    ...         "muscle": "Biceps brachii",
    ...         "side": "left",
    ...         "value": [70.0, 74.0],
    ...     }
    ... )
    >>> people = {"1": Subject(40, weight_kg=80), "2": Subject(41, weight_kg=80)}
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> found = follow_up(reference, table, people, sem=1.0)
    >>> change = found.courses[0].visits[1].first
    >>> change.difference, round(change.mdc95, 2), change.changed
    (4.0, 2.77, True)
    """
    from napari_muscle_us.reference.examination.examination import (
        examine,
        persons_and_visits,
    )

    pairs = persons_and_visits(table, measure=measure, rule=rule)
    code = _one_person(pairs, subject_code)
    visits = visit_order([v for c, v in pairs if c == code], order=order, dates=dates)
    people = _people(subject, visits, dates)
    examinations = tuple(
        examine(
            reference,
            table,
            people[visit],
            subject_code=code,
            visit=visit,
            measure=measure,
            rule=rule,
            device=device,
            accept_device=accept_device,
            conversion=conversion,
        )
        for visit in visits
    )
    courses = _courses(visits, examinations, sem, own_sem)
    warnings = _warnings(subject, visits, dates, courses)
    warnings = differing_people([e.subject for e in examinations]) + warnings
    return FollowUp(code, visits, examinations, courses, warnings)


def _one_person(pairs: Sequence[tuple[str, str]], code: str | None) -> str:
    codes = sorted({c for c, _ in pairs if code in (None, c)})
    if not codes:
        raise ReferenceSetError(
            "The table holds no values of the subject; choose one that it holds."
        )
    if len(codes) > 1:
        raise ReferenceSetError(
            f"The table holds {len(codes)} subjects; choose one of them."
        )
    return codes[0]


def _people(
    subject: Subject | Mapping[str, Subject] | None,
    visits: Sequence[str],
    dates: Mapping[str, date] | None,
) -> dict[str, Subject | None]:
    """Return the person at each visit; ``None`` where the table tells."""
    if subject is None:
        return dict.fromkeys(visits)
    if not isinstance(subject, Subject):
        lacking = [visit for visit in visits if visit not in subject]
        if lacking:
            raise ReferenceSetError(
                f"The age, sex, height and weight at the visit {lacking[0]!r:.40} are "
                "missing; give the person at each visit."
            )
        return {visit: subject[visit] for visit in visits}
    if dates is None or subject.age_years is None:
        return dict.fromkeys(visits, subject)
    people: dict[str, Subject | None] = {}
    for visit in visits:
        years = (dates[visit] - dates[visits[0]]).days / _DAYS_A_YEAR
        people[visit] = replace(subject, age_years=subject.age_years + years)
    return people


def _courses(
    visits: Sequence[str],
    examinations: Sequence[Examination],
    given: float | Sem | Mapping[str, float | Sem] | None,
    own: Sem | None,
) -> tuple[MuscleCourse, ...]:
    by_place: dict[tuple[str, str], list[VisitValue]] = {}
    spelt: dict[tuple[str, str], tuple[str, str]] = {}
    for visit, examination in zip(visits, examinations, strict=True):
        taken: set[tuple[str, str]] = set()
        for muscle in examination.muscles:
            label = (muscle.muscle, muscle.side)
            # A visit may call a muscle by another of its names than the first did.
            known = (_name_in_set(examination, muscle.muscle), muscle.side)
            place = label if label in by_place else spelt.setdefault(known, label)
            place = label if place in taken else place
            taken.add(place)
            by_place.setdefault(place, []).append(VisitValue(visit, muscle))
    one = examinations[0]
    courses = []
    for (name, side), found in sorted(by_place.items()):
        sem = sem_for(
            one.reference,
            name,
            one.measure,
            given,
            own,
            # The set's is in gray levels of its own device.
            of_set=one.conversion is None,
        )
        courses.append(MuscleCourse(name, side, _with_changes(found, sem), sem))
    return tuple(courses)


def _name_in_set(examination: Examination, muscle: str) -> str:
    try:
        model = examination.reference.model_for(muscle, measure=examination.measure)
    except ReferenceSetError:
        return muscle.casefold()
    return model.muscle


def _with_changes(
    visits: Sequence[VisitValue], sem: Sem | None
) -> tuple[VisitValue, ...]:
    """Return visits with their changes since the first and previous with a value."""
    done: list[VisitValue] = []
    earlier: list[VisitValue] = []
    for visit in visits:
        if math.isnan(visit.examined.measured.value):
            done.append(visit)
            continue
        if earlier:
            first, previous = (
                _change(v, visit, sem) for v in (earlier[0], earlier[-1])
            )
            done.append(replace(visit, first=first, previous=previous))
        else:
            done.append(visit)
        earlier.append(visit)
    return tuple(done)


def _change(earlier: VisitValue, later: VisitValue, sem: Sem | None) -> Change:
    one, other = earlier.examined, later.examined
    difference = other.measured.value - one.measured.value
    expected = math.nan
    # A prediction is on the set's device, a value that is carried over is not.
    if one.score and other.score and not other.score.conversion:
        expected = other.score.predicted - one.score.predicted
    limit = math.nan
    if one.measured.unit != other.measured.unit:
        difference = math.nan
    elif sem is not None:
        limit = mdc95(
            *(sem.of_mean(e.measured.value, e.measured.n_images) for e in (one, other))
        )
    known = not math.isnan(limit)
    return Change(
        earlier.visit,
        difference,
        expected,
        other.z - one.z,
        limit,
        abs(difference) > limit if known else None,
    )


def _warnings(
    subject: Subject | Mapping[str, Subject] | None,
    visits: Sequence[str],
    dates: Mapping[str, date] | None,
    courses: Sequence[MuscleCourse],
) -> tuple[str, ...]:
    warnings = []
    if isinstance(subject, Subject) and dates is None and len(visits) > 1:
        warnings.append(
            "The same age was taken for all visits; give the person at each visit, or "
            "the dates."
        )
    without = [c for c in courses if c.sem is None]
    if without:
        names = ", ".join(dict.fromkeys(course.muscle for course in without))
        warnings.append(
            f"The measurement error of {names} is not known, so no change is flagged; "
            "give an SEM."
        )
    return tuple(warnings)
