"""Cells of a table of people: texts, numbers, and words for sex, side and hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.spreadsheet import MISSING, number_of
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    Texts = npt.NDArray[np.object_]

_MEN: Final = (
    "male man men boy mann männlich maennlich knabe mannelijk jongen homme masculin "
    "mâle garçon hombre masculino varón varon niño"
)
_WOMEN: Final = (
    "female woman women girl frau weiblich mädchen vrouw vrouwelijk meisje femme "
    "féminin feminin fille mujer femenino niña"
)
SEX_WORDS: Final = {
    **dict.fromkeys(_MEN.split(), "male"),
    **dict.fromkeys(_WOMEN.split(), "female"),
}
_SEX_LETTERS: Final = (
    {"m": "male", "f": "female"},
    {"m": "male", "w": "female"},
    {"m": "male", "v": "female"},
)
_LEFT: Final = "left l links li lt gauche izquierda izquierdo izq"
_RIGHT: Final = "right r rechts re rt droite droit derecha derecho dcha"
SIDE_WORDS: Final = {
    **dict.fromkeys(_LEFT.split(), "left"),
    **dict.fromkeys(_RIGHT.split(), "right"),
}
_LEFT_HANDED: Final = (
    "left-handed lefthanded linkshändig linkshandig gaucher gauchère zurdo zurda"
)
_RIGHT_HANDED: Final = (
    "right-handed righthanded rechtshändig rechtshandig droitier droitière diestro "
    "diestra"
)
_BOTH_HANDED: Final = (
    "both ambidextrous ambidexter beidhändig tweehandig ambidextre ambidiestro"
)
_HAND_WORDS: Final = {
    **SIDE_WORDS,
    **dict.fromkeys(_LEFT_HANDED.split(), "left"),
    **dict.fromkeys(_RIGHT_HANDED.split(), "right"),
    # Neither hand is the dominant one, so it counts as not known.
    **dict.fromkeys(_BOTH_HANDED.split(), ""),
}


ECHO_INTENSITY: Final = "intensity.mean"
_MEASURE_WORDS: Final = {
    **dict.fromkeys(("ei", "echo intensity", "echogenicity"), ECHO_INTENSITY),
    **dict.fromkeys(("mean gray value", "mean grey value"), ECHO_INTENSITY),
    **{measure.label.casefold(): key for key, measure in MEASURES.items()},
}


def text_of(value: Any) -> str:
    """Return what a cell holds as a text; ``""`` for nothing."""
    if value is None or value != value:
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def texts_of(table: pd.DataFrame, column: str) -> Texts:
    """Return a column as texts, ``""`` for what is missing."""
    values = table[column].tolist()
    texts = np.empty(len(values), dtype=object)
    texts[:] = [text_of(value) for value in values]
    return texts


def known_texts(texts: Texts) -> Texts:
    """Return texts with words such as ``n/a`` made ``""``."""
    return mapped(texts, lambda text: "" if text.casefold() in MISSING else text)


def mapped(texts: Texts, function: Callable[[str], Any]) -> Texts:
    """Return a function of each text, computed once for equal texts."""
    known = {text: function(text) for text in dict.fromkeys(texts.tolist())}
    found = np.empty(len(texts), dtype=object)
    found[:] = [known[text] for text in texts.tolist()]
    return found


def row_numbers(table: pd.DataFrame) -> list[int]:
    """Return the rows' numbers for messages: those of the file where they are known."""
    if table.index.name == "row":
        return [int(number) for number in table.index]
    return list(range(1, len(table) + 1))


def numbers_of(
    texts: Texts, column: str, rows: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Return a column of numbers, NaN where it is blank.

    Raises
    ------
    ReferenceSetError
        If a cell is no number, or decimal points and commas are mixed.
    """
    found = mapped(texts, number_of)
    wrong = [k for k, number in enumerate(found) if number is None]
    if wrong:
        raise ReferenceSetError(
            f"Column {column[:60]!r} holds {texts[wrong[0]][:40]!r} in row "
            f"{rows[wrong[0]]}, which is no number; write one number a cell, such as "
            "61.5, or leave it blank."
        )
    points = [k for k, text in enumerate(texts) if "." in text and found[k] == found[k]]
    commas = [k for k, text in enumerate(texts) if "," in text]
    if points and commas:
        raise ReferenceSetError(
            f"Column {column[:60]!r} has decimal points and commas, "
            f"{texts[points[0]]!r} in row {rows[points[0]]} and {texts[commas[0]]!r} "
            f"in row {rows[commas[0]]}; write all numbers with a point."
        )
    return found.astype(np.float64)


def sexes_of(texts: Texts, column: str, rows: Sequence[int]) -> Texts:
    """Return ``male``, ``female`` or ``""``.

    Single letters are understood only where the column holds both of M and F, M and W,
    or M and V: M alone is a woman (mujer) elsewhere.

    Raises
    ------
    ReferenceSetError
        If a cell holds something else.
    """
    held = {text.casefold() for text in texts} - MISSING
    for letters in _SEX_LETTERS:
        if held == set(letters):
            return _worded(texts, letters, "", column, rows)
    return _worded(
        texts,
        SEX_WORDS,
        "write male or female (the letters M and F are understood only where the "
        "column holds both and nothing else)",
        column,
        rows,
    )


def sides_of(texts: Texts, column: str, rows: Sequence[int]) -> Texts:
    """Return ``left``, ``right`` or ``""``.

    Raises
    ------
    ReferenceSetError
        If a cell holds something else.
    """
    hint = "write left or right, or leave it blank"
    return _worded(texts, SIDE_WORDS, hint, column, rows)


def hands_of(texts: Texts, column: str, rows: Sequence[int]) -> Texts:
    """Return the hand written with, ``left`` or ``right``; ``""`` for both.

    Raises
    ------
    ReferenceSetError
        If a cell holds something else.
    """
    hint = "write the hand that is written with, left or right"
    return _worded(texts, _HAND_WORDS, hint, column, rows)


def _worded(
    texts: Texts,
    words: Mapping[str, str],
    hint: str,
    column: str,
    rows: Sequence[int],
) -> Texts:
    found = mapped(
        texts,
        lambda t: "" if t.casefold() in MISSING else words.get(t.casefold()),
    )
    for k, word in enumerate(found):
        if word is None:
            raise ReferenceSetError(
                f"Column {column[:60]!r} holds {texts[k][:40]!r} in row {rows[k]}; "
                f"{hint}."
            )
    return found


def measures_of(texts: Texts, measure: str, rows: Sequence[int]) -> Texts:
    """Return keys of measures, `measure` where nothing is told.

    Raises
    ------
    ReferenceSetError
        If a measure is not known.
    """

    def key(text: str) -> str | None:
        if not text:
            return measure
        if text in MEASURES or "." in text.strip("."):
            return text
        return _MEASURE_WORDS.get(text.casefold())

    found = mapped(texts, key)
    for k, known in enumerate(found):
        if known is None:
            raise ReferenceSetError(
                f"Measure {texts[k][:40]!r} in row {rows[k]} is not known; write a key "
                f"of the results table, such as {ECHO_INTENSITY}."
            )
    return found
