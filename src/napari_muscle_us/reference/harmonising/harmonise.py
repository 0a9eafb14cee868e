"""Multi-centre features freed of the scanner they come from (ComBat)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError, MuscleUSWarning
from napari_muscle_us.io.spreadsheet import MISSING, nearest_column, number_of
from napari_muscle_us.reference.harmonising._combat_fit import (
    CombatResult as CombatResult,
)
from napari_muscle_us.reference.harmonising._combat_fit import combat as combat
from napari_muscle_us.reference.harmonising._combat_inputs import Covariate as Covariate
from napari_muscle_us.reference.harmonising._combat_inputs import shown
from napari_muscle_us.reference.people._people_cells import row_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

SAMPLE: Final = ("subject", "visit", "side")
"""Columns that tell the samples of a tidy table apart, as far as it has them."""

SUFFIX: Final = "_harmonised"


def harmonise_table(
    frame: pd.DataFrame,
    *,
    batch: str,
    features: Sequence[str],
    covariates: Sequence[str] = (),
    keep: Sequence[str] | None = None,
    sample: Sequence[str] = SAMPLE,
    empirical_bayes: bool = True,
    reference_batch: object = None,
    mean_only: bool = False,
) -> pd.DataFrame:
    """Return a table with its features harmonised by ComBat, beside the old values.

    A wide table has a column for each feature and a row for each sample. A tidy table,
    such as the Results with the scanner and the covariates added, has the columns
    ``measure`` and ``value``; its features are measures, each of a muscle where there
    is a column ``muscle``.

    Parameters
    ----------
    frame : DataFrame
        Wide or tidy.
    batch : str
        Column of the scanner or centre.
    features : sequence of str
        Columns to harmonise; in a tidy table measures, such as ``intensity.mean``.
    covariates : sequence of str
        Columns to preserve, numbers or categories; texts that are all numbers, as read
        from a file, are numbers.
    keep : sequence of str, optional
        Other columns to keep; without it all are.
    sample : sequence of str
        Columns that tell the samples of a tidy table apart; those it lacks do not
        matter.
    empirical_bayes, reference_batch, mean_only
        As for `combat`.

    Returns
    -------
    DataFrame
        The same rows in the same order. Each feature has a new column with the ending
        ``_harmonised``; a tidy table the column ``value_harmonised``, NaN for other
        measures.

    Raises
    ------
    MeasureError
        As `combat`; also if a column is missing or occurs twice, a name would be taken
        twice, a cell is empty or no number, or a tidy table has several values or none
        of a feature in a sample, or several units of a feature.

    Warns
    -----
    MuscleUSWarning
        With each of `CombatResult.warnings`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"scanner": list("AAABBB"), "ei": [50, 54, 52, 60, 64, 62]}
    ... )
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     done = harmonise_table(
    ...         table, batch="scanner", features=["ei"], empirical_bayes=False
    ...     )
    >>> done["ei_harmonised"].round(6).tolist()
    [55.367007, 58.632993, 57.0, 55.367007, 58.632993, 57.0]
    """
    done, notes = harmonise_table_noted(
        frame,
        batch=batch,
        features=features,
        covariates=covariates,
        keep=keep,
        sample=sample,
        empirical_bayes=empirical_bayes,
        reference_batch=reference_batch,
        mean_only=mean_only,
    )
    for sentence in notes:
        warnings.warn(sentence, MuscleUSWarning, stacklevel=2)
    return done


def harmonise_table_noted(
    frame: pd.DataFrame,
    *,
    batch: str,
    features: Sequence[str],
    covariates: Sequence[str] = (),
    keep: Sequence[str] | None = None,
    sample: Sequence[str] = SAMPLE,
    empirical_bayes: bool = True,
    reference_batch: object = None,
    mean_only: bool = False,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return what `harmonise_table` does, and what to know about it, without warning.

    Parameters
    ----------
    frame, batch, features, covariates, keep, sample
        As for `harmonise_table`.
    empirical_bayes, reference_batch, mean_only
        As for `combat`.

    Returns
    -------
    table : DataFrame
        The rows with the harmonised values.
    notes : tuple of str
        `CombatResult.warnings`, a sentence each.

    Raises
    ------
    MeasureError
        As `harmonise_table`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"scanner": list("AAABBB"), "ei": [50, 54, 52, 60, 64, 62]}
    ... )
    >>> done, notes = harmonise_table_noted(
    ...     table, batch="scanner", features=["ei"], empirical_bayes=False
    ... )
    >>> len(done), len(notes) > 0
    (6, True)
    """
    features, covariates = list(features), list(covariates)
    tidy = {"measure", "value"} <= set(frame.columns) and not (
        set(features) <= set(frame.columns)
    )
    _check_names(frame, batch, features, covariates, tidy=tidy)
    table = frame.set_axis(row_numbers(frame))
    if tidy:
        rows, matrix, names, first = _matrix(table, features, sample, batch, covariates)
    else:
        matrix, names = _wide(table, features), tuple(features)
        first = np.arange(len(table))
    chosen = table.iloc[first]
    _refuse_empty(chosen, [batch, *covariates])
    result = combat(
        matrix,
        chosen[batch].tolist(),
        {name: _covariate(chosen[name].tolist()) for name in covariates},
        features=names,
        empirical_bayes=empirical_bayes,
        reference_batch=reference_batch,
        mean_only=mean_only,
    )
    own = [batch, *covariates, *(["measure", "value"] if tidy else features)]
    kept = _kept(frame, own, keep)
    if tidy:
        values = np.append(result.values.ravel(), np.nan)[rows]
        return kept.assign(**{f"value{SUFFIX}": values}), result.warnings
    new = {f"{n}{SUFFIX}": row for n, row in zip(names, result.values, strict=True)}
    return kept.assign(**new), result.warnings


def _kept(
    frame: pd.DataFrame, own: list[str], keep: Sequence[str] | None
) -> pd.DataFrame:
    if keep is None:
        return frame
    _need(frame, keep)
    wanted = {*own, *keep}
    return frame[[name for name in frame.columns if name in wanted]]


def _need(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        found = int(np.sum(frame.columns == name))
        if found != 1:
            raise MeasureError(
                f"The table has {found or 'no'} column{'s' if found else ''} "
                f"{shown(name)}; "
                + ("keep one." if found else nearest_column(name, frame.columns))
            )


def _check_names(
    frame: pd.DataFrame,
    batch: str,
    features: list[str],
    covariates: list[str],
    *,
    tidy: bool,
) -> None:
    if not features:
        raise MeasureError("No feature is named; name the columns to harmonise.")
    roles = [batch, *features, *covariates]
    twice = next((name for name in roles if roles.count(name) > 1), None)
    if twice is not None:
        raise MeasureError(
            f"{shown(twice)} is named twice; a column is the batch, a feature or a "
            "covariate."
        )
    _need(frame, [batch, *covariates, *(["measure", "value"] if tidy else features)])
    if frame.empty:
        raise MeasureError("The table has no rows; there is nothing to harmonise.")
    for name in ["value"] if tidy else features:
        if f"{name}{SUFFIX}" in frame.columns:
            raise MeasureError(
                f"The table has a column {shown(name + SUFFIX)} already; take it away "
                "or start from the table that was measured."
            )


def _refuse_empty(table: pd.DataFrame, columns: list[str]) -> None:
    import pandas as pd

    for name in columns:
        for row, value in zip(table.index, table[name].tolist(), strict=True):
            if pd.isna(value) or str(value).strip().casefold() in MISSING:
                raise MeasureError(
                    f"{shown(name)} is empty in row {row} of the table; fill it in or "
                    "leave the row out."
                )


def _covariate(values: list[Any]) -> list[Any]:
    """Return numbers where all cells are, as those of a file; else the cells."""
    numbers = [number_of(v) if isinstance(v, str) else v for v in values]
    return values if None in numbers else numbers


def _wide(table: pd.DataFrame, features: list[str]) -> npt.NDArray[np.float64]:
    return np.array([_numbers(table, name) for name in features])


def _numbers(table: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    _refuse_empty(table, [name])
    numbers = np.empty(len(table))
    for place, value in enumerate(table[name].tolist()):
        number = number_of(str(value))
        if number is None or number != number:
            raise MeasureError(
                f"{shown(name)} is {shown(value)} in row {table.index[place]} of the "
                "table, which is no number; correct it or leave the row out."
            )
        numbers[place] = number
    return numbers


def _matrix(
    table: pd.DataFrame,
    measures: list[str],
    sample: Sequence[str],
    batch: str,
    covariates: list[str],
) -> tuple[
    npt.NDArray[np.intp],
    npt.NDArray[np.float64],
    tuple[str, ...],
    npt.NDArray[np.intp],
]:
    """Return each row's place in the matrix, the matrix, features, samples' rows.

    The place of a row of another measure is −1.
    """
    places = np.flatnonzero(table["measure"].isin(measures))
    used = table.iloc[places]
    absent = sorted(set(measures) - set(used["measure"]))
    if absent:
        raise MeasureError(
            f"The table has no rows of the measure {shown(absent[0])}; name measures "
            "or columns that it has."
        )
    by = [name for name in sample if name in table.columns]
    if not by:
        raise MeasureError(
            "The table has no column that tells its samples apart; it needs one of "
            f"{', '.join(sample)}."
        )
    kind = [name for name in ("muscle", "measure") if name in table.columns]
    groups = used.groupby(by, sort=False, dropna=False)
    kinds = used.groupby(kind, sort=False, dropna=False)
    where: npt.NDArray[np.intp] = groups.ngroup().to_numpy().astype(np.intp)
    what: npt.NDArray[np.intp] = kinds.ngroup().to_numpy().astype(np.intp)
    firsts = np.unique(where, return_index=True)[1].astype(np.intp)
    names = tuple(" ".join(map(str, key)) for key, _ in kinds)
    _check_tidy(used, where, what, names, [batch, *covariates])
    matrix = np.full((len(names), len(firsts)), np.nan)
    matrix[what, where] = _numbers(used, "value")
    lacking = np.argwhere(np.isnan(matrix))
    if len(lacking):
        feature, number = (int(index) for index in lacking[0])
        raise MeasureError(
            f"The sample that begins in row {used.index[firsts[number]]} of the table "
            f"has no {shown(names[feature])}; measure it or leave the sample out."
        )
    rows = np.full(len(table), -1, dtype=np.intp)
    rows[places] = what * len(firsts) + where
    return rows, matrix, names, places[firsts]


def _check_tidy(
    used: pd.DataFrame,
    where: npt.NDArray[np.intp],
    what: npt.NDArray[np.intp],
    names: tuple[str, ...],
    steady: list[str],
) -> None:
    import pandas as pd

    again = pd.DataFrame({"where": where, "what": what}).duplicated().to_numpy()
    if again.any():
        place = int(np.flatnonzero(again)[0])
        raise MeasureError(
            f"Row {used.index[place]} of the table is another value of "
            f"{shown(names[what[place]])} in the same sample; average repeated values "
            "first."
        )
    for name in steady:
        if (used.groupby(where)[name].nunique(dropna=False) > 1).any():
            raise MeasureError(
                f"{shown(name)} differs within a sample; it must be the same in all "
                "rows of a subject, visit and side."
            )
    if "unit" in used.columns:
        units = used.groupby(what)["unit"].nunique(dropna=False).to_numpy()
        if (units > 1).any():
            raise MeasureError(
                f"{shown(names[int(np.argmax(units > 1))])} has several units; bring "
                "them to one first."
            )
