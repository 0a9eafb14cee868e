"""Columns of a table of people and values, read for `reference.batch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.rules import check_side, check_value
from napari_muscle_us.reference.subject import POSSIBLE, SEXES, SIDES, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.kinds.base import Floats

    Objects = npt.NDArray[np.object_]

NUMBERS: Final = {
    "age_years": "Age",
    "height_cm": "Height",
    "weight_kg": "Weight",
    "value": "The value",
}
WORDS: Final = ("muscle", "side", "measure", "unit", "sex", "handedness")
NEEDED: Final = ("muscle", "value")
_NO_NUMBERS: Final = (bool, np.bool_, complex, np.complexfloating)
ADDED: Final = (
    "z",
    "predicted",
    "sd",
    "percentile",
    "low",
    "high",
    "unit",
    "muscle_in_set",
    "warning",
    "problem",
)
"""Columns that the Z-scores add, in this order."""


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: each of `words` is the word of the rows with its code."""

    codes: npt.NDArray[np.intp]
    words: list[str]

    def __getitem__(self, row: int | np.intp) -> str:
        """Return the word of a row, ``""`` for none."""
        word: str = self.words[self.codes[row]]
        return word

    def mapped(self, rule: Callable[[str], float]) -> Floats:
        """Return a number for each row."""
        return np.array([rule(word) for word in self.words], dtype=np.float64)[
            self.codes
        ]


class Columns:
    """The columns that a look-up needs, and what is wrong with each row.

    Attributes
    ----------
    rows : int
        Number of rows.
    numbers : dict of str to ndarray of float64
        Value, age, height and weight; NaN where not known.
    words : dict of str to Words
        Columns of words; ``""`` where not known.
    problem : ndarray of object
        Sentence why a row has no Z-score, ``""`` while none is known.
    fine : ndarray of bool
        Whether there is none.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        check_names(table)
        self.rows = len(table)
        self.problem: Objects = np.full(self.rows, "", dtype=object)
        self.fine = np.ones(self.rows, dtype=bool)
        self.numbers = {name: self._read_numbers(table, name) for name in NUMBERS}
        self.words = {name: _read_words(table, name) for name in WORDS}
        self._check_people()
        self._check_sides()
        self._check_values()

    def refuse(self, rows: npt.NDArray[np.intp], why: str) -> None:
        """Note a problem of rows; the first one of a row stays."""
        rows = rows[self.fine[rows]]
        self.problem[rows] = why
        self.fine[rows] = False

    def subject(self, row: int | np.intp) -> Subject:
        """Return the person of a row.

        Raises
        ------
        ReferenceSetError
            If such a person is not possible.
        """
        told = {name: self.numbers[name][row] for name in POSSIBLE}
        return Subject(
            **{k: None if np.isnan(v) else float(v) for k, v in told.items()},
            sex=self.words["sex"][row] or None,
            handedness=self.words["handedness"][row] or None,
        )

    def covariates(self) -> dict[str, Floats]:
        """Return all covariates of all rows; NaN where one is not known."""
        age, height, weight = (self.numbers[name] for name in POSSIBLE)
        right = self.words["side"].mapped(lambda word: _either(word, "right", SIDES))
        hand = self.words["handedness"].mapped(
            lambda word: _either(word, "right", SIDES)
        )
        known = np.isfinite(right) & np.isfinite(hand)
        with np.errstate(all="ignore"):
            # An impossible height was refused before, but is still in the column.
            bmi = weight / (height / 100) ** 2
        return {
            "age_years": age,
            "sex_male": self.words["sex"].mapped(
                lambda word: _either(word, "male", SEXES)
            ),
            "height_cm": height,
            "weight_kg": weight,
            "bmi": bmi,
            "side_right": right,
            "side_nondominant": np.where(known, right != hand, np.nan),
        }

    def _read_numbers(self, table: pd.DataFrame, name: str) -> Floats:
        import pandas as pd

        if name not in table:
            return np.full(self.rows, np.nan)
        column = table[name]
        if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        told = column.astype(object)
        # Truth values and complex numbers are numbers to pandas, but no measurements.
        read = told.where(~told.map(lambda cell: isinstance(cell, _NO_NUMBERS)))
        numbers = pd.to_numeric(read, errors="coerce").to_numpy(np.float64)
        for row in np.flatnonzero(np.isnan(numbers) & told.notna().to_numpy()):
            text = str(told.iloc[row]).strip()
            if text and text.casefold() != "nan":
                shown = text if len(text) <= 40 else f"{text[:39]}…"
                self.refuse(
                    np.array([row]),
                    f"{NUMBERS[name]} {shown!r} is not a number; write it as 12.5.",
                )
        return numbers

    def _check_people(self) -> None:
        wrong = ~(
            np.isfinite(self.words["sex"].mapped(lambda w: _known(w, SEXES)))
            & np.isfinite(self.words["handedness"].mapped(lambda w: _known(w, SIDES)))
        )
        for name, (low, high) in POSSIBLE.items():
            told = self.numbers[name]
            wrong |= (told < low) | (told > high)
        for row in np.flatnonzero(wrong & self.fine):
            self._try(row, self.subject, row)

    def _check_sides(self) -> None:
        side = self.words["side"]
        for row in np.flatnonzero(
            np.isnan(side.mapped(lambda w: _known(w, SIDES))) & self.fine
        ):
            self._try(row, check_side, side[row])

    def _check_values(self) -> None:
        value, measure = self.numbers["value"], self.words["measure"]
        gray = measure.mapped(lambda word: float(word == ECHO_INTENSITY)) == 1
        inside = np.isfinite(value) & (~gray | ((value >= 0) & (value <= 255)))
        for row in np.flatnonzero(~inside & self.fine):
            self._try(row, check_value, float(value[row]), measure[row])

    def _try(self, row: np.intp, check: Callable[..., object], *told: object) -> None:
        try:
            check(*told)
        except ReferenceSetError as error:
            self.refuse(np.array([row]), str(error))


def check_names(table: pd.DataFrame) -> None:
    """Refuse a table whose columns cannot be told apart or would be replaced.

    Raises
    ------
    ReferenceSetError
        If a column is missing, there twice, or of a name that the Z-scores need.
    """
    names = list(table.columns)
    for name in NEEDED:
        if name not in names:
            raise ReferenceSetError(
                f"The table has no column {name!r}; name its columns muscle, value "
                "and, where known, side, measure, unit, age_years, sex, height_cm, "
                "weight_kg, handedness."
            )
    for name in (*NUMBERS, *WORDS):
        if names.count(name) > 1:
            raise ReferenceSetError(
                f"The table has {names.count(name)} columns {name!r}; keep one."
            )
    taken = [name for name in ADDED if name in names and name != "unit"]
    if taken:
        raise ReferenceSetError(
            f"The table already has the column {taken[0]!r}, which the Z-scores would "
            "replace; rename or drop it."
        )


def _read_words(table: pd.DataFrame, name: str) -> Words:
    import pandas as pd

    default = ECHO_INTENSITY if name == "measure" else ""
    if name not in table:
        return Words(np.zeros(len(table), dtype=np.intp), [default])
    codes, found = pd.factorize(table[name])
    # Code −1, nothing, becomes the last word.
    words = [str(word) if str(word).strip() else default for word in found]
    return Words(np.asarray(codes, dtype=np.intp), [*words, default])


def _known(word: str, allowed: tuple[str, ...]) -> float:
    return 1.0 if not word or word.strip().casefold() in allowed else np.nan


def _either(word: str, one: str, allowed: tuple[str, ...]) -> float:
    word = word.strip().casefold()
    return float(word == one) if word in allowed else np.nan
