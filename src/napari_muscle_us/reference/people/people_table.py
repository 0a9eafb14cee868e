"""Tables of people and their values, made one from what laboratories keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.people._people_cells import (
    ECHO_INTENSITY,
    hands_of,
    known_texts,
    mapped,
    measures_of,
    numbers_of,
    row_numbers,
    sexes_of,
    sides_of,
    texts_of,
)
from napari_muscle_us.reference.people._people_same import (
    check_repeats,
    one_person,
    subjects_only,
    with_people,
)
from napari_muscle_us.reference.people._people_units import (
    check_echo_intensity,
    check_units,
)
from napari_muscle_us.reference.people._people_wide import melt_wide as melt_wide
from napari_muscle_us.reference.people._people_wide import wide_columns as wide_columns
from napari_muscle_us.reference.people.people_columns import (
    IMAGE,
    PEOPLE_COLUMNS,
    fitting_columns,
    identity_columns,
    tells_identity,
)
from napari_muscle_us.registry import MEASURES
from napari_muscle_us.results import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from napari_muscle_us.reference.people._people_cells import Texts

DROPPED: Final = "dropped_columns"
"""Entry of a table's ``attrs``: columns that tell who a person is, left out."""

_NUMBERS: Final = ("age_years", "height_cm", "weight_kg")


def tidy_people(
    table: pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    measure: str = ECHO_INTENSITY,
) -> pd.DataFrame:
    """Return a spreadsheet or results table with our columns, units and words.

    Parameters
    ----------
    table : DataFrame
        One row a value, as from `napari_muscle_us.io.spreadsheet.read_spreadsheet`; or
        one row a person with a column for each muscle; or a results table.
    columns : mapping of str to str, optional
        Columns of the table by our names, where `guess_columns` does not find them.
    measure : str, default: "intensity.mean"
        What the values are where the table does not tell; of a results table, the
        measure to take.

    Returns
    -------
    DataFrame
        With exactly the columns `PEOPLE_COLUMNS`, and ``image`` where values are
        repeated. Texts are ``""`` and numbers NaN where nothing is known. What one row
        of a person tells holds for the others of the visit. The entry
        ``dropped_columns`` of ``attrs`` names the columns that were left out because
        they tell who a person is.

    Raises
    ------
    ReferenceSetError
        If a needed column is missing or not clear, a cell is not understood, units are
        mixed up, a person has two ages, or two values have nothing to tell them apart.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"code": ["S1"], "Muskel": ["Soleus"], "Seite": ["li"], "EI": ["61,5"]}
    ... )
    >>> tidy_people(table).iloc[0][["subject", "side", "value"]].to_dict()
    {'subject': 'S1', 'side': 'left', 'value': 61.5}
    """
    import pandas as pd

    _refuse_empty(table)
    if set(COLUMNS) <= set(map(str, table.columns)):
        return _from_results(table, measure)
    found = _resolved(table, columns)
    if "value" not in found and "muscle" not in found and wide_columns(table):
        table = melt_wide(table, measure=measure)
        found = _resolved(table, columns)
    _need(found, ("subject", "value"), table)
    rows = row_numbers(table)
    data: dict[str, Any] = _person_columns(table, found, rows)
    data |= _value_columns(table, found, rows, measure)
    tidy = pd.DataFrame(data)
    if IMAGE in found:
        tidy[IMAGE] = known_texts(texts_of(table, found[IMAGE]))
    tidy = one_person(tidy)
    check_repeats(tidy, rows)
    return _ordered(tidy, identity_columns(table))


def tidy_subjects(
    table: pd.DataFrame, *, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return a sheet of people, one row a person and visit, without values.

    Parameters
    ----------
    table : DataFrame
        With a column of subject codes and some of age, sex, height, weight, handedness.
    columns : mapping of str to str, optional
        As for `tidy_people`.

    Returns
    -------
    DataFrame
        Columns ``subject, visit, age_years, sex, height_cm, weight_kg, handedness``.

    Raises
    ------
    ReferenceSetError
        As by `tidy_people`.
    """
    import pandas as pd

    _refuse_empty(table)
    found = _resolved(table, columns)
    _need(found, ("subject",), table)
    tidy = pd.DataFrame(_person_columns(table, found, row_numbers(table)))
    return subjects_only(one_person(tidy))


def join_people(values: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return values with the age, sex, height, weight and hand of their people.

    Parameters
    ----------
    values : DataFrame
        As from `tidy_people`, or anything that it takes.
    people : DataFrame
        Sheet of people, as for `tidy_subjects`. Visits are compared where both tables
        have them.

    Returns
    -------
    DataFrame
        As from `tidy_people`.

    Raises
    ------
    ReferenceSetError
        If a subject is not in the sheet of people, has several rows there that no
        visit tells apart, or the two tables contradict each other.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.DataFrame({"subject": ["S1"], "muscle": ["Soleus"], "EI": [60.0]})
    >>> people = pd.DataFrame({"id": ["S1"], "age": [40], "sex": ["male"]})
    >>> joined = join_people(values, people)
    >>> float(joined.loc[0, "age_years"]), joined.loc[0, "sex"]
    (40.0, 'male')
    """
    if not set(PEOPLE_COLUMNS) <= set(map(str, values.columns)):
        values = tidy_people(values)
    dropped = tuple(values.attrs.get(DROPPED, ())) + identity_columns(people)
    return _ordered(with_people(values, tidy_subjects(people)), dropped)


def _refuse_empty(table: pd.DataFrame) -> None:
    if not len(table):
        raise ReferenceSetError("The table has no rows; add the values.")


def _resolved(table: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Return columns of a table by our names, those given before those found."""
    given = dict(columns or {})
    names = [str(column) for column in table.columns]
    for name, column in given.items():
        if name not in (*PEOPLE_COLUMNS, IMAGE):
            raise ReferenceSetError(
                f"{name[:60]!r} is no column of ours; use {', '.join(PEOPLE_COLUMNS)}."
            )
        if column not in names:
            raise ReferenceSetError(
                f"The table has no column {column[:60]!r}; choose one of its own."
            )
        if tells_identity(column):
            raise ReferenceSetError(
                f"Column {column[:60]!r} tells who a person is and is never used; give "
                "codes in another column."
            )
    free = [name for name in names if name not in given.values()]
    found = fitting_columns(free)
    for name, fitting in found.items():
        if name not in given and len(fitting) > 1:
            raise ReferenceSetError(
                f"Columns {' and '.join(repr(c[:60]) for c in fitting)} may both be "
                f"{name}; remove or rename one, or name the right one."
            )
    return {name: fitting[0] for name, fitting in found.items()} | given


def _need(
    found: Mapping[str, str], needed: tuple[str, ...], table: pd.DataFrame
) -> None:
    for name in needed:
        if name not in found:
            words = "subject codes" if name == "subject" else "values"
            hidden = len(identity_columns(table))
            left_out = f" ({hidden} that tell who a person is are not used)"
            raise ReferenceSetError(
                f"No column of the table holds {words}{left_out if hidden else ''}; "
                f"name one {name!r}, or say which it is."
            )


def _person_columns(
    table: pd.DataFrame, found: Mapping[str, str], rows: list[int]
) -> dict[str, Any]:
    subject = known_texts(texts_of(table, found["subject"]))
    _refuse_blank(subject, found["subject"], rows)
    numbers = {
        name: numbers_of(texts_of(table, found[name]), found[name], rows)
        if name in found
        else np.full(len(table), np.nan)
        for name in _NUMBERS
    }
    check_units(numbers, found, rows)
    return {
        "subject": subject,
        "visit": _texts(table, found, "visit"),
        "sex": sexes_of(_texts(table, found, "sex"), found.get("sex", ""), rows),
        "handedness": hands_of(
            _texts(table, found, "handedness"), found.get("handedness", ""), rows
        ),
        **numbers,
    }


def _value_columns(
    table: pd.DataFrame, found: Mapping[str, str], rows: list[int], measure: str
) -> dict[str, Any]:
    column = found["value"]
    values = numbers_of(texts_of(table, column), column, rows)
    muscle = _texts(table, found, "muscle")
    if "muscle" in found:
        _refuse_blank(muscle, found["muscle"], rows)
    measures = measures_of(_texts(table, found, "measure"), measure, rows)
    check_echo_intensity(values, measures.tolist(), column, rows)
    units = _texts(table, found, "unit")
    ours = mapped(measures, lambda key: MEASURES[key].unit if key in MEASURES else "")
    return {
        "muscle": muscle,
        "side": sides_of(_texts(table, found, "side"), found.get("side", ""), rows),
        "measure": measures,
        "value": values,
        "unit": np.where(units != "", units, ours),
    }


def _texts(table: pd.DataFrame, found: Mapping[str, str], name: str) -> Texts:
    if name in found:
        return known_texts(texts_of(table, found[name]))
    return np.full(len(table), "", dtype=object)


def _refuse_blank(texts: Texts, column: str, rows: list[int]) -> None:
    blank = np.flatnonzero(texts == "")
    if len(blank):
        raise ReferenceSetError(
            f"Column {column[:60]!r} is blank in row {rows[int(blank[0])]}; fill it in "
            "for each row, without merged cells."
        )


def _from_results(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows of one measure of a results table."""
    import pandas as pd

    rows = np.array(row_numbers(table))
    kept = texts_of(table, "measure") == measure
    if not kept.any():
        raise ReferenceSetError(
            f"The results table has no rows of {measure}; measure it first."
        )
    chosen, rows = table[kept], rows[kept]
    numbers = rows.tolist()
    # A text that could run as a formula was written with an apostrophe in front.
    texts = {
        name: mapped(texts_of(chosen, name), lambda text: text.removeprefix("'"))
        for name in ("subject", "visit", "muscle", "side", "measure", "unit")
    }
    for name in ("subject", "muscle"):
        _refuse_blank(texts[name], name, numbers)
    tidy = pd.DataFrame(texts | {"sex": "", "handedness": ""})
    tidy["value"] = numbers_of(texts_of(chosen, "value"), "value", numbers)
    for name in _NUMBERS:
        tidy[name] = np.nan
    check_echo_intensity(
        tidy["value"].to_numpy(), texts["measure"].tolist(), "value", numbers
    )
    keys = ["subject", "visit", "muscle", "side"]
    if tidy.duplicated(keys).any():
        parts = [texts_of(chosen, name) for name in ("image_sha256", "frame", "roi")]
        tidy[IMAGE] = ["/".join(part) for part in zip(*parts, strict=True)]
        check_repeats(tidy, numbers)
        # File names may tell who a person is; a number tells images apart as well.
        tidy[IMAGE] = (tidy.groupby(keys, sort=False).cumcount() + 1).astype(str)
    return _ordered(tidy, ())


def _ordered(tidy: pd.DataFrame, dropped: tuple[str, ...]) -> pd.DataFrame:
    extra = [IMAGE] if IMAGE in tidy.columns else []
    ordered = tidy[[*PEOPLE_COLUMNS, *extra]].reset_index(drop=True)
    texts = [c for c in ordered.columns if c not in (*_NUMBERS, "value")]
    ordered = ordered.astype(
        dict.fromkeys(texts, "object") | dict.fromkeys([*_NUMBERS, "value"], "float64")
    )
    ordered.attrs[DROPPED] = dropped
    return ordered
