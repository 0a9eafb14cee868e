"""What the panel Examination asks the core for, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari._devices import devices_of
from napari_muscle_us._napari.panels._exam_people import (
    KnownPerson,
    person_at,
    person_words,
)
from napari_muscle_us._napari.panels._exam_source import load_shared
from napari_muscle_us._napari.panels._exam_texts import shared_warnings
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._exam_source import Source
    from napari_muscle_us.reference.examination.examination import Examination

HINT: Final = (
    "Measure the muscles in the panel Results, each ROI with its muscle and side, or "
    "take a spreadsheet; all muscles are compared with healthy people here."
)
Z_OF_REPEATS: Final = "repeats.z_score"
_WHERE: Final = "typed in the panel Z-score; change it there"


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """An examination, where it came from and of whom it is."""

    examination: Examination
    source: Source
    person: KnownPerson


def examined(session: Session, source: Source) -> Examined:
    """Return the examination of a person at a visit.

    Raises
    ------
    MuscleUSError
        If there is none.
    """
    from napari_muscle_us.reference.examination.examination import examine

    reference, conversion = load_shared(session)
    person = person_at(
        source.table,
        source.code,
        source.visit,
        session.subject,
        sheet=bool(source.sheet),
    )
    examination = examine(
        reference,
        source.table,
        person.subject,
        subject_code=source.code,
        visit=source.visit,
        rule=source.rule,
        device=None if source.sheet else devices_of(session),
        accept_device=session.accept_device,
        conversion=conversion,
    )
    return Examined(examination, source, person)


def told_line(session: Session, known: KnownPerson) -> str:
    """Return set and person in a line, with where to change them."""
    where = "as the spreadsheet tells" if known.told else _WHERE
    converted = (
        f" Carried over by {Path(session.conversion).name}."
        if session.conversion
        else ""
    )
    return (
        f"Set {Path(session.reference).stem}. Person: {person_words(known.subject)} "
        f"({where}).{converted}"
    )


def warnings_text(found: Examined) -> str:
    """Return what holds for the whole examination, a sentence each.

    What holds for a single muscle stands in its line of the table.
    """
    source = found.source
    shared = list(shared_warnings(found.examination))
    if source.n_codes > 1 and not found.person.told:
        shared.insert(
            0,
            "The table holds several people: see that age, sex, height and weight are "
            "those of this one.",
        )
    if found.person.doubt:
        shared.insert(0, found.person.doubt)
    return " ".join(shared)


def told_table(found: Examined) -> pd.DataFrame:
    """Return the muscles with what they were compared by, to copy or save."""
    examination = found.examination
    person = examination.subject
    facts = {
        "subject": examination.subject_code,
        "visit": examination.visit,
        "reference": examination.reference.name,
        "average": examination.rule,
        "age_years": person.age_years,
        "sex": person.sex or "",
        "height_cm": person.height_cm,
        "weight_kg": person.weight_kg,
        "handedness": person.handedness or "",
        "other_device_accepted": examination.accept_device,
        "conversion": "" if examination.conversion is None else "yes",
    }
    table = examination.table()
    for place, (name, value) in enumerate(facts.items()):
        table.insert(place, name, [value] * len(table))
    return table


def with_rows(session: Session, found: Examined) -> pd.DataFrame:
    """Return the results table with the Z-scores of an examination as rows.

    Those added before for the same subject, visit, muscle and side are left out.

    Raises
    ------
    MuscleUSError
        If there is no Z-score, or the values are of a spreadsheet.
    """
    import pandas as pd

    from napari_muscle_us.reference.examination.examination_rows import examination_rows

    if not found.examination.z_scores:
        raise MeasureError(
            "There is no Z-score to add; see the column Note for the reasons."
        )
    rows = examination_rows(
        found.examination, session.reference, conversion=session.conversion or None
    )
    known = session.results
    places = set(_places(rows))
    kept = [
        measure != Z_OF_REPEATS or place not in places
        for measure, place in zip(known["measure"], _places(known), strict=True)
    ]
    return pd.concat([known[kept], rows], ignore_index=True)


def _places(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    labels = ("subject", "visit", "muscle", "side")
    columns = [[str(text).strip() for text in rows[label]] for label in labels]
    return list(zip(*columns, strict=True))
