"""What the panel Follow-up asks the core for, and what it shows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari._devices import devices_of
from napari_muscle_us._napari.panels._exam_grid import (
    Cell,
    Column,
    number_cell,
    text_cell,
)
from napari_muscle_us._napari.panels._exam_people import people_of_rows, person_at
from napari_muscle_us._napari.panels._exam_source import load_shared
from napari_muscle_us._napari.panels._exam_texts import shared_warnings
from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._exam_source import Source
    from napari_muscle_us._napari.panels._follow_visits import Visits
    from napari_muscle_us.reference.examination.follow_up import (
        Change,
        FollowUp,
        MuscleCourse,
        Sem,
        VisitValue,
    )
    from napari_muscle_us.reference.subject import Subject

HINT: Final = (
    "Measure the muscles at two visits or more, each with its name in the field Visit "
    "of the panel Results, or take a spreadsheet with a column of visits; what changed "
    "shows here."
)
ONE_VISIT: Final = (
    "The person has one visit only; measure the next one under another name in the "
    "field Visit of the panel Results."
)
COLUMNS: Final = (
    Column("Muscle", 62, "Muscle as the table names it."),
    Column("Side", 38, "Side of the body."),
    Column("Visit", 56, "Name of the visit."),
    Column("EI", 42, "Echo intensity: one image, or the average of several.", True),
    Column("Z", 44, "Z-score of the person as old as at this visit.", True),
    Column("Diff.", 42, "Echo intensity minus that of the visit compared with.", True),
    Column(
        "MDC",
        38,
        "MDC95: smallest change that is beyond the measurement error, 1.96 · √2 · SEM.",
        True,
    ),
    Column("Change", 80, "Whether the difference is beyond the measurement error."),
)


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A follow-up and what it was made of."""

    follow_up: FollowUp
    source: Source
    visits: Visits
    doubts: tuple[str, ...]

    @property
    def days(self) -> dict[str, date]:
        """Day of each visit, where all have one; else empty."""
        days = self.visits.days
        return days if len(days) == len(self.visits.order) else {}


def people_at(
    session: Session, source: Source
) -> tuple[dict[str, Subject], set[str], tuple[str, ...]]:
    """Return the person at each visit, visits whose person is told, and doubts.

    Raises
    ------
    MuscleUSError
        If the rows of a spreadsheet contradict each other.
    """
    typed = session.subject
    people: dict[str, Subject] = {}
    told: set[str] = set()
    doubts = []
    for visit in source.visits:
        known = person_at(
            source.table, source.code, visit, typed, sheet=bool(source.sheet)
        )
        people[visit] = known.subject
        older = _same_but_age(session, source, visit)
        if known.told:
            told.add(visit)
        elif older is not None:
            people[visit] = older
            told.add(visit)
        elif known.doubt:
            doubts.append(f"Visit {visit!r:.40}: {known.doubt}")
    return people, told, tuple(doubts)


def _same_but_age(session: Session, source: Source, visit: str) -> Subject | None:
    """Return the person of the rows' Z-scores, if only the age is another."""
    if source.sheet:
        return None
    found = people_of_rows(source.table, source.code, visit)
    if len(found) != 1:
        return None
    (one,) = found
    typed = session.subject
    return one if replace(one, age_years=typed.age_years) == typed else None


def followed(
    session: Session,
    source: Source,
    visits: Visits,
    doubts: tuple[str, ...],
    *,
    sem: float | None,
    own: Sem | None,
) -> Followed:
    """Return the follow-up of a person.

    Raises
    ------
    MuscleUSError
        If there is none.
    """
    from napari_muscle_us.reference.examination.follow_up import follow_up

    reference, conversion = load_shared(session)
    found = follow_up(
        reference,
        source.table,
        visits.people,
        subject_code=source.code,
        order=visits.order,
        sem=sem,
        own_sem=own,
        rule=source.rule,
        device=None if source.sheet else devices_of(session),
        accept_device=session.accept_device,
        conversion=conversion,
    )
    return Followed(found, source, visits, doubts)


def typed_sem(text: str) -> float | None:
    """Return the SEM that was typed, ``None`` for none.

    Raises
    ------
    ReferenceSetError
        If it is no number.

    Examples
    --------
    >>> typed_sem(" 1,5 "), typed_sem("")
    (1.5, None)
    """
    if not text.strip():
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ReferenceSetError(
            f"The SEM {text.strip()!r:.20} is no number above 0; type it in gray "
            "levels, or leave it blank."
        )
    return number


def sem_text(found: FollowUp) -> str:
    """Return which measurement error each muscle has, and where it is known from."""
    muscles: dict[str, list[str]] = {}
    for course in found.courses:
        if course.sem is not None:
            names = muscles.setdefault(course.sem.words, [])
            if course.muscle not in names:
                names.append(course.muscle)
    if len(muscles) == 1 and all(course.sem for course in found.courses):
        return f"{next(iter(muscles))}."
    return " ".join(f"{', '.join(names)}: {words}." for words, names in muscles.items())


def warnings_text(found: Followed) -> str:
    """Return what is to be known of the follow-up, a sentence each."""
    said = list(found.doubts)
    if found.visits.same_age:
        said.append(
            "The same age was taken for several visits; type the age at each visit, "
            "or the dates."
        )
    if found.source.n_codes > 1 and not found.source.sheet:
        said.append(
            "The table holds several people: see that sex, height and weight are those "
            "of this one."
        )
    said += found.follow_up.warnings
    for examination in found.follow_up.examinations:
        said += shared_warnings(examination)
    return " ".join(dict.fromkeys(said))


def lines(found: FollowUp, *, first: bool) -> list[tuple[Cell, ...]]:
    """Return a line for each muscle, side and visit."""
    return [
        _line(course, visit, visit.first if first else visit.previous)
        for course in found.courses
        for visit in course.visits
    ]


def _line(
    course: MuscleCourse, visit: VisitValue, change: Change | None
) -> tuple[Cell, ...]:
    nan = math.nan
    apart, limit = (nan, nan) if change is None else (change.difference, change.mdc95)
    word = verdict(visit, change)
    return (
        text_cell(course.muscle),
        text_cell(course.side),
        text_cell(visit.visit),
        number_cell(visit.examined.measured.value, 1),
        number_cell(visit.examined.z, 2, signed=True),
        number_cell(apart, 1, signed=True),
        number_cell(limit, 1),
        text_cell(word, bold=change is not None and change.changed is True),
    )


def verdict(visit: VisitValue, change: Change | None) -> str:
    """Return what became of a value, in two words."""
    if change is None:
        return "no value" if math.isnan(visit.examined.measured.value) else "first"
    if math.isnan(change.difference):
        return "other unit"
    if change.changed is None:
        return "no SEM"
    if not change.changed:
        return "within error"
    return "▲ changed" if change.difference > 0 else "▼ changed"


def note_of(found: FollowUp, line: int) -> str:
    """Return what is to be known of a line besides what holds for all."""
    places = [(course, visit) for course in found.courses for visit in course.visits]
    course, visit = places[line]
    examined = visit.examined
    images = examined.measured.source
    images = images and f"{images[:1].upper()}{images[1:]}."
    sem = "SEM not known" if course.sem is None else course.sem.words
    shared = {said for e in found.examinations for said in shared_warnings(e)}
    own = [said for said in examined.warnings if said not in shared]
    said = examined.problem or " ".join(own)
    expected = visit.first.expected if visit.first is not None else math.nan
    older = (
        ""
        if math.isnan(expected)
        else f"Expected of a healthy person meanwhile: {expected:+.1f}."
    )
    parts = (said and f"⚠ {said}", images, older)
    return " ".join(filter(None, (*parts, f"{sem}.")))


def told_table(found: Followed) -> pd.DataFrame:
    """Return the visits with who was compared with whom, to copy or save."""
    table = found.follow_up.table()
    people, days = found.visits.people, found.visits.days
    examination = found.follow_up.examinations[0]
    facts: dict[str, list[Any]] = {
        "subject": [found.follow_up.subject_code] * len(table),
        "reference": [examination.reference.name] * len(table),
        "average": [examination.rule] * len(table),
        "date": [str(days.get(visit, "")) for visit in table["visit"]],
        "age_years": [people[visit].age_years for visit in table["visit"]],
        "sex": [people[visit].sex or "" for visit in table["visit"]],
        "height_cm": [people[visit].height_cm for visit in table["visit"]],
        "weight_kg": [people[visit].weight_kg for visit in table["visit"]],
    }
    for place, (name, values) in enumerate(facts.items()):
        table.insert(place, name, values)
    return table
