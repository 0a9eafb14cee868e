"""Rows that LMS curves and quantile regression are fitted to, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def checked_rows(
    rows: pd.DataFrame, wanted: Sequence[str], *, muscle: str, minimum: int
) -> pd.DataFrame:
    """Return rows with a plain index, one a subject and nothing missing.

    Parameters
    ----------
    rows : DataFrame
        With ``subject``, ``value`` and the columns `wanted`.
    wanted : sequence of str
        Covariates' columns; all but ``sex``, ``side``, ``handedness`` are numbers.
    muscle : str
        For messages.
    minimum : int
        Fewest subjects.

    Raises
    ------
    ReferenceSetError
        If a column is missing, a cell is empty, a number is not finite, a sex is
        unknown, a subject occurs twice, or there are fewer than `minimum` subjects.
    """
    table = rows.reset_index(drop=True)
    for name in ("subject", "value", *wanted):
        if name not in table.columns:
            raise ReferenceSetError(
                f"The table of {muscle} has no column {name!r}; add it or take the "
                "covariate out."
            )
        _check_column(table, name, muscle)
    twice = table["subject"].duplicated()
    if twice.any():
        raise ReferenceSetError(
            f"Row {int(np.argmax(twice)) + 1} of {muscle} is another value of the same "
            "subject; average the sides and images of each subject first."
        )
    if len(table) < minimum:
        raise ReferenceSetError(
            f"{muscle} has {len(table)} subjects, and this kind of model needs at "
            f"least {minimum}; collect more or fit a linear model."
        )
    return table


def _check_column(table: pd.DataFrame, name: str, muscle: str) -> None:
    import pandas as pd

    column = table[name]
    empty = column.isna().to_numpy(dtype=bool)
    if name == "sex":
        empty = empty | ~column.isin(["male", "female"]).to_numpy(dtype=bool)
    elif name not in ("subject", "side", "handedness"):
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
        empty = empty | ~np.isfinite(numbers)
    if empty.any():
        raise ReferenceSetError(
            f"{name} of {muscle} is missing or not possible in row "
            f"{int(np.argmax(empty)) + 1}; fill it in or leave the subject out."
        )
