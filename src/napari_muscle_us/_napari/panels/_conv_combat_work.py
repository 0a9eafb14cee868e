"""What the tab of several centres asks the core for: ComBat, and its table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari.panels._conv_columns import usable_columns
from napari_muscle_us.errors import MuscleUSError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_TIDY: Final = ("measure", "value")
_PEOPLE: Final = ("age_years", "sex", "height_cm", "weight_kg", "handedness")
_LABELS: Final = ("subject", "visit", "image")


@dataclass(frozen=True, slots=True, eq=False)
class CombatRequest:
    """What is to be harmonised, and how; nothing in it changes any more."""

    table: pd.DataFrame
    batch: str
    features: tuple[str, ...]
    covariates: tuple[str, ...]
    empirical_bayes: bool
    mean_only: bool
    reference_batch: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """Values of one feature by scanner, before and after."""

    name: str
    batches: tuple[str, ...]
    before: tuple[npt.NDArray[np.float64], ...]
    after: tuple[npt.NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Harmonised:
    """A harmonised table, its features, and what to know about it."""

    table: pd.DataFrame
    features: tuple[Feature, ...]
    notes: tuple[str, ...]


def is_tidy(table: pd.DataFrame) -> bool:
    """Whether a table has one value a row, as the Results have."""
    return set(_TIDY) <= set(map(str, table.columns))


def feature_names(table: pd.DataFrame, batch: str) -> list[str]:
    """Return what can be harmonised: measures, or columns of numbers."""
    if is_tidy(table):
        return list(dict.fromkeys(str(text) for text in table["measure"]))
    known = _known(table, (*_PEOPLE, *_LABELS))
    return [
        name
        for name in usable_columns(table)
        if name != batch and name not in known and _is_numeric(table, name)
    ]


def covariate_names(table: pd.DataFrame, batch: str) -> list[str]:
    """Return what may be kept the effect of; what people differ in comes first."""
    from napari_muscle_us.results import COLUMNS

    people = _known(table, _PEOPLE)
    never = {batch, *_known(table, _LABELS), *(COLUMNS if is_tidy(table) else ())}
    others = [name for name in usable_columns(table) if name not in {*never, *people}]
    return [*people, *(name for name in others if name != batch)]


def _known(table: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    from napari_muscle_us.reference.people.people_columns import guess_columns

    found = guess_columns(table)
    return [found[name] for name in names if name in found]


def batch_names(table: pd.DataFrame, column: str) -> list[str]:
    """Return the scanners of a column, in the order of their names."""
    if column not in table:
        return []
    return sorted({str(text).strip() for text in table[column]} - {""})


def harmonise(
    request: CombatRequest,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Harmonised | MuscleUSError:
    """Return the harmonised table, or what is wrong with the request."""
    from napari_muscle_us.reference.harmonising.harmonise import harmonise_table_noted

    progress(0, 0)
    try:
        done, notes = harmonise_table_noted(
            request.table,
            batch=request.batch,
            features=request.features,
            covariates=request.covariates,
            empirical_bayes=request.empirical_bayes,
            reference_batch=request.reference_batch,
            mean_only=request.mean_only,
        )
    except MuscleUSError as error:
        return error
    found = () if cancelled() else tuple(_features(done, request))
    return Harmonised(done, found, notes)


def write_table(path: str | Path, table: pd.DataFrame, *, opened: Path) -> Path:
    """Write a table as CSV, whole or not at all; no cell can run as a formula.

    Raises
    ------
    ResultsError
        If the file cannot be written, or is the one that was opened.
    """
    from napari_muscle_us.io.files import atomic_path

    path = Path(path)
    if path.suffix.lower() != ".csv":
        path = path.with_name(f"{path.name}.csv")
    if path.exists() and opened.exists() and path.samefile(opened):
        raise ResultsError(
            f"{path.name!r} is the table that was opened; choose another name."
        )
    safe = table.map(_safe).rename(columns=_safe)
    with atomic_path(path) as temporary:
        safe.to_csv(
            temporary, index=False, encoding="utf-8", na_rep="NaN", lineterminator="\n"
        )
    return path


def _safe(cell: Any) -> Any:
    from napari_muscle_us.io.spreadsheet import number_of
    from napari_muscle_us.io.tables import guard_formula

    # A number may begin with a sign; any other text that does could be run.
    if not isinstance(cell, str) or number_of(cell) is not None:
        return cell
    return guard_formula(cell)


def _is_numeric(table: pd.DataFrame, name: str) -> bool:
    from napari_muscle_us.io.spreadsheet import number_of

    numbers = [number_of(str(text)) for text in table[name]]
    known = [number for number in numbers if number is not None and number == number]
    # A column with a wrong cell is offered too, so that the cell is told.
    return len(known) > len(numbers) / 2


def _features(done: pd.DataFrame, request: CombatRequest) -> list[Feature]:
    import pandas as pd

    from napari_muscle_us.reference.harmonising.harmonise import SUFFIX

    if set(request.features) <= set(done.columns):
        return [
            _feature(name, done, request.batch, name, f"{name}{SUFFIX}")
            for name in request.features
        ]
    rows = done[pd.to_numeric(done[f"value{SUFFIX}"]).notna()]
    kind = [name for name in ("muscle", "measure") if name in rows.columns]
    return [
        _feature(
            " ".join(map(str, key)), part, request.batch, "value", f"value{SUFFIX}"
        )
        for key, part in rows.groupby(kind, sort=False)
    ]


def _feature(
    name: str, rows: pd.DataFrame, batch: str, before: str, after: str
) -> Feature:
    import numpy as np

    from napari_muscle_us.io.spreadsheet import number_of

    batches = tuple(batch_names(rows, batch))
    named = rows[batch].astype(str).str.strip()
    old = rows[before].map(lambda cell: number_of(str(cell))).astype("float64")
    new = rows[after].astype("float64")
    return Feature(
        name,
        batches,
        tuple(np.asarray(old[named == one], np.float64) for one in batches),
        tuple(np.asarray(new[named == one], np.float64) for one in batches),
    )
