"""Who the person of an examination is, and where that is known from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

_COVARIATES: Final = ("age_years", "sex", "height_cm", "weight_kg", "handedness")


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person at a visit.

    Attributes
    ----------
    subject : Subject
        Age, sex, height, weight and handedness.
    told : bool
        Whether the spreadsheet tells them; else they are typed.
    doubt : str
        What speaks against them, a sentence; empty for nothing.
    """

    subject: Subject
    told: bool = False
    doubt: str = ""


def person_at(
    table: pd.DataFrame, code: str, visit: str, typed: Subject, *, sheet: bool
) -> KnownPerson:
    """Return the person at a visit: as the spreadsheet tells, else as typed.

    Raises
    ------
    ReferenceSetError
        If the rows of a spreadsheet contradict each other.
    """
    if sheet:
        from napari_muscle_us.reference.examination.muscle_values import subject_of_rows

        told = subject_of_rows(table, code, visit)
        if told is not None and told != Subject():
            # Nothing typed is mixed in: it may be of somebody else.
            return KnownPerson(told, told=True)
        return KnownPerson(typed)
    others = people_of_rows(table, code, visit) - {typed}
    if not others or typed == Subject():
        return KnownPerson(typed)
    described = " or ".join(sorted(person_words(person) for person in others))
    doubt = (
        f"Z-scores of single images of this visit were made for another person than "
        f"the one typed now: {described}. Check who is meant."
    )
    return KnownPerson(typed, doubt=doubt)


def people_of_rows(table: pd.DataFrame, code: str, visit: str) -> set[Subject]:
    """Return the people for whom Z-scores of single images of a visit were made."""
    rows = table[table["measure"] == "z_score.echo_intensity"]
    found = set()
    for row in rows[["subject", "visit", "method"]].itertuples(index=False):
        if (str(row.subject).strip(), str(row.visit).strip()) != (code, visit):
            continue
        person = _person_of(str(row.method))
        if person is not None:
            found.add(person)
    return found


def _person_of(method: str) -> Subject | None:
    try:
        known: dict[str, Any] = json.loads(method)
        return Subject(**{name: known.get(name) for name in _COVARIATES})
    except (ValueError, TypeError, AttributeError, RecursionError, ReferenceSetError):
        # A script may have written it; the row is of no use here.
        return None


def person_words(person: Subject) -> str:
    """Return what is known of a person, in words.

    Examples
    --------
    >>> person_words(Subject(40, "male", 180, 80))
    'male, 40 years, 180 cm, 80 kg'
    >>> person_words(Subject())
    'nobody described'
    """
    parts = [person.sex or ""]
    for number, unit in (
        (person.age_years, "years"),
        (person.height_cm, "cm"),
        (person.weight_kg, "kg"),
    ):
        parts.append("" if number is None else f"{number:.4g} {unit}")
    if person.handedness is not None:
        parts.append(f"{person.handedness}-handed")
    return ", ".join(filter(None, parts)) or "nobody described"
