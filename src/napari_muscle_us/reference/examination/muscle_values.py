"""One value a muscle and side of a person, from a results table or a spreadsheet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.results import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

    from napari_muscle_us.measure.repeats import RepeatRule
    from napari_muscle_us.reference.subject import Subject

AVERAGED: Final = "repeats.echo_intensity"
PEOPLE_COLUMNS: Final = ("subject", "muscle", "side", "value")
COVARIATE_COLUMNS: Final = (
    "age_years",
    "sex",
    "height_cm",
    "weight_kg",
    "handedness",
)
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class MuscleValue:
    """The value of a muscle and side, and where it comes from.

    Attributes
    ----------
    subject, visit, muscle, side : str
        Labels.
    value : float
        Mean over the images; NaN with a `problem`.
    unit : str
        Its unit; empty where the table tells none.
    n_images : int
        Number of images or rows that were averaged.
    source : str
        Where it comes from, in words.
    note : str
        What to know of it, in words.
    problem : str
        Why there is no value, in words; empty where there is one.
    method : mapping
        How it can be computed again: ``rule`` and ``inputs`` as in the rows of
        `napari_muscle_us.repeat_rows`; empty for a spreadsheet.
    """

    subject: str
    visit: str
    muscle: str
    side: str
    value: float
    unit: str
    n_images: int
    source: str
    note: str = ""
    problem: str = ""
    method: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Muscle and side."""
        return f"{self.muscle} {self.side}".strip()


def is_results_table(table: pd.DataFrame) -> bool:
    """Whether a table has the columns of a results table."""
    return all(column in table.columns for column in COLUMNS)


def muscle_values(
    table: pd.DataFrame,
    *,
    measure: str = ECHO_INTENSITY,
    rule: RepeatRule = "mean",
    drop: Collection[str] = (),
) -> list[MuscleValue]:
    """Return one value for each subject, visit, muscle and side of a table.

    Parameters
    ----------
    table : DataFrame
        A results table, or a table with the columns ``subject``, ``muscle``, ``side``
        and ``value``, and perhaps ``visit``, ``measure`` and ``unit``.
    measure : str, default: "intensity.mean"
        What was measured.
    rule : {"mean", "mean_rounded", "radboud"}, default: "mean"
        How images are averaged; see `napari_muscle_us.measure.repeats`.
    drop : collection of str
        Names of images to leave out; averaged rows are then not looked at.

    Returns
    -------
    list of MuscleValue
        In the order of the labels. In a results table an averaged row
        (``repeats.echo_intensity``) of the rule stands for its images, which are not
        averaged beside it; a note says when they now give another average.

    Raises
    ------
    ReferenceSetError
        If the table is neither.
    ResultsError
        If a method of a results table cannot be read.
    MeasureError
        If the rule is unknown.
    """
    if is_results_table(table):
        return _of_results(table, measure, rule, drop)
    return _of_people(table, measure, rule)


def _of_results(
    table: pd.DataFrame, measure: str, rule: RepeatRule, drop: Collection[str]
) -> list[MuscleValue]:
    from napari_muscle_us.measure.repeats import averaged_groups
    from napari_muscle_us.repeat_rows import inputs_of

    wanted = None if measure == ECHO_INTENSITY else measure
    groups, averages = averaged_groups(table, rule=rule, measure=wanted, drop=drop)
    found: dict[tuple[str, str, str, str], MuscleValue] = {}
    for group, average in zip(groups, averages, strict=True):
        key = (group.subject, group.visit, group.muscle, group.side)
        images = "1 image" if average.n == 1 else f"the mean of {average.n} images"
        found[key] = MuscleValue(
            *key,
            value=average.value,
            unit=group.unit,
            n_images=average.n,
            source=images if average.n else "",
            note="; ".join(filter(None, (average.reason, group.note))),
            problem=group.problem,
            method={"rule": rule, "inputs": inputs_of(group.rows)},
        )
    if measure == ECHO_INTENSITY and not drop:
        for value in _averaged_rows(table, rule):
            key = (value.subject, value.visit, value.muscle, value.side)
            found[key] = _beside(value, found.get(key))
    return [found[key] for key in sorted(found)]


def _averaged_rows(table: pd.DataFrame, rule: RepeatRule) -> list[MuscleValue]:
    """Return the averaged rows of a rule, the latest of each muscle and side."""
    from napari_muscle_us.measure.repeat_groups import method_of

    latest: dict[tuple[str, str, str, str], tuple[float, MuscleValue]] = {}
    for record in table[table["measure"] == AVERAGED].to_dict("records"):
        row = {str(k): v for k, v in record.items()}
        method = method_of(row)
        inputs = method.get("inputs")
        if method.get("rule") != rule or not isinstance(inputs, list) or not inputs:
            continue
        subject, visit, muscle, side = (
            str(row[c]).strip() for c in ("subject", "visit", "muscle", "side")
        )
        key = (subject, visit, muscle, side)
        when = _when(row["measured_at"])
        if key in latest and latest[key][0] > when:
            continue
        number = float(row["value"])
        missing = math.isnan(number)
        value = MuscleValue(
            *key,
            value=number,
            unit=str(row["unit"]),
            n_images=len(inputs),
            source=f"averaged row of {_images(len(inputs))}",
            note="" if missing else str(row["note"]),
            problem=(str(row["note"]) or "the averaged row has no value")
            if missing
            else "",
            method={"rule": rule, "inputs": [] if missing else inputs},
        )
        latest[key] = (when, value)
    return [value for _, value in latest.values()]


def _beside(row: MuscleValue, own: MuscleValue | None) -> MuscleValue:
    """Return the averaged row with a note where its images now say otherwise."""
    if own is None:
        return row
    if own.problem:
        said = f"the images of the table cannot be averaged now: {own.problem}"
    elif own.n_images != row.n_images or not math.isclose(
        own.value, row.value, rel_tol=_SAME
    ):
        said = (
            f"the images of the table now give {own.value:.2f} ({_images(own.n_images)}"
            "); average them again"
        )
    else:
        return row
    return _with_note(row, said)


def _with_note(value: MuscleValue, said: str) -> MuscleValue:
    from dataclasses import replace

    return replace(value, note="; ".join(filter(None, (value.note, said))))


def _images(number: int) -> str:
    return "1 image" if number == 1 else f"{number} images"


def _when(text: object) -> float:
    try:
        time = datetime.fromisoformat(str(text))
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return -math.inf


def _of_people(
    table: pd.DataFrame, measure: str, rule: RepeatRule
) -> list[MuscleValue]:
    groups = _people_groups(table, measure)
    return [_person_value(key, groups[key], rule) for key in sorted(groups)]


def _people_groups(
    table: pd.DataFrame, measure: str
) -> dict[tuple[str, str, str, str], list[Mapping[str, Any]]]:
    missing = [c for c in PEOPLE_COLUMNS if c not in table.columns]
    if missing:
        raise ReferenceSetError(
            f"The table lacks the columns {', '.join(missing)}; give a results table, "
            f"or one with {', '.join(PEOPLE_COLUMNS)}."
        )
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        # One of the two would be taken, nobody knows which.
        raise ReferenceSetError(
            f"The table has two columns {str(twice[0])[:60]!r}; rename or drop one."
        )
    groups: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for record in table.to_dict("records"):
        row = {str(k): v for k, v in record.items()}
        if cell(row.get("measure")) in ("", measure):
            key = (
                cell(row["subject"]),
                cell(row.get("visit")),
                cell(row["muscle"]),
                cell(row["side"]).casefold(),
            )
            groups.setdefault(key, []).append(row)
    return groups


def repeated_values(
    table: pd.DataFrame,
    *,
    measure: str = ECHO_INTENSITY,
    drop: Collection[str] = (),
) -> list[tuple[str, tuple[float, ...]]]:
    """Return the muscle and the values of the single images of each group.

    The parameters and errors are those of `muscle_values`. A group is a muscle and
    side of a subject at a visit; those that cannot be averaged are left out.
    """
    if not is_results_table(table):
        groups = _people_groups(table, measure)
        return [
            (key[2], tuple(number(row["value"]) for row in rows))
            for key, rows in groups.items()
            if not _person_value(key, rows, "mean").problem
        ]
    from napari_muscle_us.measure.repeat_groups import group_repeats

    return [
        (group.muscle, group.values)
        for group in group_repeats(table, measure=measure, drop=drop)
        if group.rows
    ]


def _person_value(
    key: tuple[str, str, str, str], rows: list[Mapping[str, Any]], rule: RepeatRule
) -> MuscleValue:
    from napari_muscle_us.measure.repeats import average_repeats

    numbers = [number(row["value"]) for row in rows]
    units = sorted({cell(row.get("unit")) for row in rows})
    problem = ""
    if not key[2]:
        problem = "a row without muscle"
    elif key[3] not in ("", "left", "right"):
        problem = f"{key[3]!r:.40} is no side; write left or right"
    elif any(math.isnan(n) for n in numbers):
        problem = "a value is missing or no number"
    elif len(units) > 1:
        problem = f"the values have different units ({', '.join(units)})"
    if problem:
        return MuscleValue(*key, math.nan, units[0], 0, "", problem=problem)
    average = average_repeats(numbers, rule=rule)
    n = len(numbers)
    source = "spreadsheet" if n == 1 else f"the mean of {n} rows of the spreadsheet"
    note = average.reason if average.flagged else ""
    return MuscleValue(*key, average.value, units[0], n, source, note=note)


def subject_of_rows(table: pd.DataFrame, subject: str, visit: str) -> Subject | None:
    """Return the covariates that a spreadsheet tells of a person at a visit.

    Returns
    -------
    Subject or None
        ``None`` for a results table, and for a table without such columns.

    Raises
    ------
    ReferenceSetError
        If rows of the person contradict each other, or a value is impossible.
    """
    from napari_muscle_us.reference.subject import Subject

    columns = [c for c in COVARIATE_COLUMNS if c in table.columns]
    if is_results_table(table) or not columns:
        return None
    told: dict[str, set[object]] = {c: set() for c in columns}
    for record in table.to_dict("records"):
        row = {str(k): v for k, v in record.items()}
        if (cell(row["subject"]), cell(row.get("visit"))) != (subject, visit):
            continue
        for column in columns:
            if cell(row[column]):
                told[column].add(_covariate(column, row[column]))
    for column, values in told.items():
        if len(values) > 1:
            raise ReferenceSetError(
                f"The rows of one person and visit tell different values of {column} "
                f"({', '.join(sorted(map(str, values)))}); correct the table."
            )
    known: dict[str, Any] = {c: v.pop() for c, v in told.items() if v}
    return Subject(**known)


def _covariate(column: str, value: object) -> object:
    if column in ("sex", "handedness"):
        return cell(value).casefold()
    found = number(value)
    if math.isnan(found):
        raise ReferenceSetError(
            f"{cell(value)!r:.40} is no number of {column}; correct the table."
        )
    return found


def number(value: object) -> float:
    """Return a cell as a finite number, or NaN."""
    text = str(value).strip()
    # Python also reads 1_000 and digits of other scripts.
    if "_" in text or not text.isascii():
        return math.nan
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def cell(value: Any) -> str:
    """Return a cell as text, empty where it is missing."""
    import pandas as pd

    return "" if pd.isna(value) else str(value).strip()
