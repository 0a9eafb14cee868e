"""What rows of one person must agree on, and how two tables of people are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.people.people_columns import IMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

VISIT_FACTS: Final = ("age_years", "height_cm", "weight_kg")
PERSON_FACTS: Final = ("sex", "handedness")

_WORDS: Final = {
    "age_years": "ages",
    "height_cm": "heights",
    "weight_kg": "weights",
    "sex": "sexes",
    "handedness": "hands",
}


def one_person(tidy: pd.DataFrame) -> pd.DataFrame:
    """Return rows in which a person has one age, sex … a visit, blanks filled in.

    Raises
    ------
    ReferenceSetError
        If the rows of a person contradict each other.
    """
    filled = tidy.copy()
    for names, keys in (
        (VISIT_FACTS, ["subject", "visit"]),
        (PERSON_FACTS, ["subject"]),
    ):
        for name in names:
            facts = filled[name].where(filled[name] != "")
            groups = facts.groupby([filled[key] for key in keys], sort=False)
            several = groups.transform("nunique") > 1
            if several.any():
                raise ReferenceSetError(_contradiction(filled[several], name, keys))
            first = groups.transform("first")
            filled[name] = first.fillna("") if name in PERSON_FACTS else first
    return filled


def _contradiction(rows: pd.DataFrame, name: str, keys: list[str]) -> str:
    first = rows.iloc[0]
    same = np.all([rows[key] == first[key] for key in keys], axis=0)
    known = [value for value in rows.loc[same, name].unique() if value == value]
    values = [
        value if isinstance(value, str) else f"{value:g}"
        for value in known
        if value != ""
    ]
    visit = f" at visit {first['visit'][:40]!r}" if first["visit"] else ""
    hint = "" if "visit" not in keys or visit else ", or give visits in a column"
    return (
        f"Subject {first['subject'][:40]!r} has several {_WORDS[name]}"
        f"{visit if 'visit' in keys else ''} ({', '.join(values[:3])}); correct the "
        f"rows, or give different people different codes{hint}."
    )


def check_repeats(tidy: pd.DataFrame, rows: Sequence[int]) -> None:
    """Refuse two values that nothing tells apart.

    Raises
    ------
    ReferenceSetError
        If a subject has two values of a muscle, side, measure and visit (and image).
    """
    keys = ["subject", "visit", "muscle", "side", "measure"]
    compared = tidy[keys + ([IMAGE] if IMAGE in tidy.columns else [])].reset_index(
        drop=True
    )
    compared["muscle"] = compared["muscle"].str.casefold()
    compared = compared[np.isfinite(tidy["value"].to_numpy())]
    twice = compared.duplicated(keep=False)
    if not twice.any():
        return
    first = compared.index[twice][0]
    same = compared.index[(compared == compared.loc[first]).all(axis=1)]
    row = tidy.iloc[first]
    what = " ".join(text for text in (row["muscle"], row["side"]) if text) or "a muscle"
    raise ReferenceSetError(
        f"Duplicate subject: {row['subject'][:40]!r} has {len(same)} values of {what} "
        f"(rows {rows[same[0]]} and {rows[same[1]]}) that nothing tells apart; remove "
        "one, or tell side, visit or image in a column."
    )


def subjects_only(tidy: pd.DataFrame) -> pd.DataFrame:
    """Return one row a person and visit."""
    names = ["subject", "visit", *VISIT_FACTS, *PERSON_FACTS]
    return tidy[names].drop_duplicates(["subject", "visit"]).reset_index(drop=True)


def with_people(values: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return values with the facts of their people filled in.

    Raises
    ------
    ReferenceSetError
        If a subject is missing, not clear, or the tables contradict each other.
    """
    _refuse_missing(values, people)
    by_visit = bool((values["visit"] != "").any() and (people["visit"] != "").any())
    if by_visit:
        _refuse_missing_visits(values, people)
    else:
        several = people[people["subject"].duplicated()]["subject"]
        used = several[several.isin(values["subject"])]
        if len(used):
            raise ReferenceSetError(
                f"Subject {used.iloc[0][:40]!r} has several rows in the table of "
                "people; tell the visit in both tables, or keep one row."
            )
    keys = ["subject", "visit"] if by_visit else ["subject"]
    facts = [*VISIT_FACTS, *PERSON_FACTS]
    joined = values[keys].merge(people[[*keys, *facts]], on=keys, how="left")
    filled = values.reset_index(drop=True).copy()
    for name in facts:
        own, theirs = filled[name], joined[name]
        blank = own.isna() | (own == "")
        wrong = ~blank & theirs.notna() & (theirs != "") & (own != theirs)
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            raise ReferenceSetError(
                f"Subject {filled['subject'][k][:40]!r} has several {_WORDS[name]} "
                f"({own[k]} with the values, {theirs[k]} in the table of people); "
                "correct one of them."
            )
        filled[name] = own.where(~blank, theirs)
    return filled


def _refuse_missing(values: pd.DataFrame, people: pd.DataFrame) -> None:
    known = set(people["subject"])
    missing = [s for s in dict.fromkeys(values["subject"]) if s not in known]
    if not missing:
        return
    alike = {name.casefold().lstrip("0"): name for name in known}
    near = alike.get(missing[0].casefold().lstrip("0"))
    hint = f"it has {near[:40]!r}, so write both alike" if near else "add a row for it"
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    raise ReferenceSetError(
        f"Subject {missing[0][:40]!r}{more} is not in the table of people; {hint}."
    )


def _refuse_missing_visits(values: pd.DataFrame, people: pd.DataFrame) -> None:
    known = set(zip(people["subject"], people["visit"], strict=True))
    for pair in zip(values["subject"], values["visit"], strict=True):
        if pair not in known:
            raise ReferenceSetError(
                f"Subject {pair[0][:40]!r} has no visit {pair[1][:40]!r} in the table "
                "of people; add it, or write visits alike in both."
            )
