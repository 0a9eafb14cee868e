"""Tables with a column for each muscle, made one row a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.muscles import STANDARD_MUSCLES
from napari_muscle_us.reference.people._people_cells import (
    SIDE_WORDS,
    known_texts,
    texts_of,
)
from napari_muscle_us.reference.people.people_columns import read_header

if TYPE_CHECKING:
    import pandas as pd

_WIDE_WORDS: Final = frozenset(
    {"ei", "echo", "intensity", "mean", "gray", "grey", "level", "value"}
)
"""Words that stand beside a muscle in the name of a column."""


def melt_wide(
    table: pd.DataFrame, *, measure: str = "intensity.mean", value: str = "value"
) -> pd.DataFrame:
    """Return a table with a column for each muscle as one row a value.

    Parameters
    ----------
    table : DataFrame
        Columns named as ``Biceps brachii left`` or ``Soleus R (EI)``; their muscles are
        those of `napari_muscle_us.muscles.STANDARD_MUSCLES`.
    measure : str, default: "intensity.mean"
        What the values are.
    value : str, default: "value"
        Name of the new column of values.

    Returns
    -------
    DataFrame
        The other columns, ``muscle``, ``side``, ``measure`` and values; blank cells
        give no row.

    Raises
    ------
    ReferenceSetError
        If no column is named after a muscle, or two after the same muscle and side.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame({"id": ["S1"], "Soleus L": ["60"], "Soleus R": ["62"]})
    >>> melt_wide(wide)[["muscle", "side", "value"]].to_numpy().tolist()
    [['Soleus', 'left', '60'], ['Soleus', 'right', '62']]
    """
    import pandas as pd

    wide = wide_columns(table)
    if not wide:
        raise ReferenceSetError(
            "No column is named after a muscle and side, such as 'Biceps brachii "
            "left'; name them so, or write one row a value."
        )
    if len(set(wide.values())) < len(wide):
        seen = list(wide.values())
        muscle, side = next(pair for pair in seen if seen.count(pair) > 1)
        raise ReferenceSetError(
            f"Two columns are named after {muscle} {side or 'without a side'}; "
            "rename or remove one."
        )
    kept = [column for column in table.columns if str(column) not in wide]
    parts = []
    for column, (muscle, side) in wide.items():
        part = table[kept].copy()
        part["muscle"], part["side"], part["measure"] = muscle, side, measure
        part[value] = known_texts(texts_of(table, column))
        parts.append(part[part[value] != ""])
    long = pd.concat(parts)
    # A stable sort keeps the muscles of a person in the order of the columns.
    return long.sort_index(kind="stable")


def wide_columns(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the columns that are named after a muscle, with muscle and side."""
    known = {read_header(name).words: name for name in STANDARD_MUSCLES}
    wide = {}
    for column in map(str, table.columns):
        words = read_header(column).words.split()
        sides = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
        rest = [w for w in words if w not in SIDE_WORDS and w not in _WIDE_WORDS]
        muscle = known.get(" ".join(rest)) or known.get(" ".join(rest[1:]))
        if muscle and len(sides) < 2:
            wide[column] = (muscle, next(iter(sides), ""))
    return wide
