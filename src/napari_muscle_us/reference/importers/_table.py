"""Published tables of reference values: their columns, and whom a row is for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.people._people_cells import (
    known_texts,
    mapped,
    measures_of,
    numbers_of,
    row_numbers,
    sexes_of,
    sides_of,
    texts_of,
)
from napari_muscle_us.reference.people.people_columns import read_header
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.people._people_cells import Texts

    Floats = npt.NDArray[np.float64]

_NAMES: Final = {
    "muscle": "muscle, muscle name, muskel, spier, musculo, muscles",
    "measure": "measure, parameter, maat, mesure, medida",
    "unit": "unit, units, einheit, eenheid, unite, unidad",
    "sex": "sex, gender, geschlecht, geslacht, sexe, sexo",
    "side": "side, seite, zijde, cote, lado",
    "dominance": "dominance, dominant side, dominanz, dominantie",
    "n": "n, number, count, sample size, aantal, anzahl, effectif",
    "mean": "mean, average, mean value, mittelwert, gemiddelde, moyenne, media, "
    "mean ei, ei mean, mean echo intensity",
    "sd": "sd, std, st dev, stdev, standard deviation, standardabweichung, "
    "standaarddeviatie, standaardafwijking, ecart type, desviacion estandar, "
    "desviacion tipica, sd ei, ei sd",
    "ages": "age, ages, age range, age group, alter, leeftijd, age band, edad",
    "age_from": "age from, from age, age min, min age, age low, alter von, "
    "leeftijd van",
    "age_to": "age to, to age, age max, max age, age high, alter bis, leeftijd tot",
    "height": "height, grosse, korpergrosse, lengte, taille, talla",
    "weight": "weight, gewicht, poids, peso",
    "l": "l, lambda",
    "m": "m, mu, median",
    "s": "s, sigma",
}
_EVERYBODY: Final = frozenset({"all", "both", "any", "alle", "beide", "tous", "todos"})
_DOMINANCE: Final = {
    **dict.fromkeys(("dominant", "d"), "dominant"),
    **dict.fromkeys(("non-dominant", "nondominant", "non dominant"), "non-dominant"),
    **dict.fromkeys(("nicht-dominant", "niet-dominant", "nd"), "non-dominant"),
}
_UNITS: Final = {
    **dict.fromkeys(("ages", "age_from", "age_to"), "years"),
    "height": "cm",
    "weight": "kg",
}


def found_columns(
    table: pd.DataFrame, needed: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, str]:
    """Return which columns of a table hold what.

    Raises
    ------
    ReferenceSetError
        If a needed one is missing, two may be the same, or one is in another unit.
    """
    found: dict[str, str] = {}
    for name in (*needed, *optional):
        words = {word.strip() for word in _NAMES[name].split(",")}
        fitting = [str(c) for c in table.columns if read_header(str(c)).words in words]
        if len(fitting) > 1:
            raise ReferenceSetError(
                f"Columns {fitting[0][:60]!r} and {fitting[1][:60]!r} may both be "
                f"{name}; remove or rename one."
            )
        if fitting:
            found[name] = fitting[0]
            unit = read_header(fitting[0]).unit
            if unit and unit != _UNITS.get(name, unit):
                raise ReferenceSetError(
                    f"Column {fitting[0][:60]!r} is in {unit} by its name; change it "
                    f"to {_UNITS[name]}."
                )
    missing = [name.upper() if len(name) == 1 else name for name in needed]
    missing = [m for m, name in zip(missing, needed, strict=True) if name not in found]
    if missing:
        raise ReferenceSetError(
            f"The table has no column {', '.join(missing)}; name the columns "
            f"{', '.join(needed)}."
        )
    return found


def column_texts(table: pd.DataFrame, found: Mapping[str, str], name: str) -> Texts:
    """Return a column's texts; ``""`` where it is missing, blank or for everybody."""
    if name not in found:
        return np.full(len(table), "", dtype=object)
    texts = known_texts(texts_of(table, found[name]))
    return mapped(texts, lambda text: "" if text.casefold() in _EVERYBODY else text)


def column_numbers(table: pd.DataFrame, found: Mapping[str, str], name: str) -> Floats:
    """Return a column's numbers.

    Raises
    ------
    ReferenceSetError
        If one is missing or no number.
    """
    rows = row_numbers(table)
    numbers = numbers_of(texts_of(table, found[name]), found[name], rows)
    blank = np.flatnonzero(np.isnan(numbers))
    if len(blank):
        raise ReferenceSetError(
            f"Column {found[name][:60]!r} is blank in row {rows[int(blank[0])]}; fill "
            "it in, or remove the row."
        )
    return numbers


def counts_of(table: pd.DataFrame, found: Mapping[str, str]) -> list[int]:
    """Return the numbers of people of each row.

    Raises
    ------
    ReferenceSetError
        If one is not whole.
    """
    numbers = column_numbers(table, found, "n")
    broken = np.flatnonzero((numbers != np.round(numbers)) | (numbers < 2))
    if len(broken):
        k = int(broken[0])
        raise ReferenceSetError(
            f"Column {found['n'][:60]!r} holds {numbers[k]:g} in row "
            f"{row_numbers(table)[k]}; it is the number of people, 2 or more."
        )
    return [int(number) for number in numbers]


def conditions_of(
    table: pd.DataFrame, found: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return for whom each row is: sex, side and dominance, as far as it tells."""
    rows = row_numbers(table)
    sex = sexes_of(column_texts(table, found, "sex"), found.get("sex", ""), rows)
    side = sides_of(column_texts(table, found, "side"), found.get("side", ""), rows)
    dominance = mapped(
        column_texts(table, found, "dominance"),
        lambda text: _DOMINANCE.get(text.casefold()) if text else "",
    )
    for k, word in enumerate(dominance):
        if word is None:
            raise ReferenceSetError(
                f"Column {found['dominance'][:60]!r} holds no dominance in row "
                f"{rows[k]}; write dominant or non-dominant."
            )
    named = {"sex": sex, "side": side, "dominance": dominance}
    return [
        {name: texts[k] for name, texts in named.items() if texts[k]}
        for k in range(len(table))
    ]


def subjects_of_models(
    table: pd.DataFrame, found: Mapping[str, str], facts: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return muscle, measure and unit of each row.

    Raises
    ------
    ReferenceSetError
        If a muscle is blank, or a measure without a known unit has none.
    """
    rows = row_numbers(table)
    muscles = column_texts(table, found, "muscle")
    told = column_texts(table, found, "measure")
    measures = measures_of(told, facts.get("measure", "intensity.mean"), rows)
    units = column_texts(table, found, "unit")
    keys = []
    for k, row in enumerate(rows):
        measure = measures[k]
        unit = units[k] or facts.get("unit", "")
        if not unit and measure in MEASURES:
            unit = MEASURES[measure].unit
        if not muscles[k] or not unit:
            raise ReferenceSetError(
                f"Row {row} has no {'unit' if muscles[k] else 'muscle'}; write it in "
                "each row."
            )
        keys.append((str(muscles[k]), str(measure), str(unit)))
    return keys


def refuse_no_gray_level(
    values: Floats, keys: list[tuple[str, str, str]], column: str, rows: list[int]
) -> None:
    """Refuse an average echo intensity outside 0 … 255, or no number above 0."""
    for k, (_, measure, _) in enumerate(keys):
        high = 255.0 if measure == "intensity.mean" else math.inf
        if not 0 <= values[k] <= high and high < math.inf:
            raise ReferenceSetError(
                f"Column {column[:60]!r} holds {values[k]:g} in row {rows[k]}, which "
                "is no gray level; echo intensity lies between 0 and 255."
            )
