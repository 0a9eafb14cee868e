"""What every texture setting is checked with: whole numbers, lengths, messages."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from napari_muscle_us.errors import MeasureError


def shown(value: object) -> str:
    """Return a value as a message shows it: its type where it is long or no scalar.

    Examples
    --------
    >>> shown("a"), shown([1]), shown(10**5000), shown((0.1, None))
    ("'a'", 'a list', 'a long int', '(0.1, None)')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple) and len(value) <= 3:
        return f"({', '.join(map(shown, value))})"
    if not isinstance(value, (str, int, float, type(None))):
        return f"a {type(value).__name__}"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a long {type(value).__name__}"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 62 else f"{text[:61]}…"


def whole(value: object) -> int | None:
    """Return a whole number as int; ``None`` for all else, truth values too.

    Examples
    --------
    >>> whole(8), whole(np.uint8(8)), whole(True), whole(8.0), whole(np.True_)
    (8, 8, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    return int(value)


def length(value: object) -> float:
    """Return a finite number as float, and NaN for anything else.

    Examples
    --------
    >>> length(2), length(float("inf")), length("2"), length(True)
    (2.0, nan, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def checked_spacing(spacing_mm: Any) -> tuple[float, float]:
    """Return the size of a pixel in mm, depth and lateral, or refuse it.

    Raises
    ------
    MeasureError
        If it is not two positive lengths.
    """
    try:
        lengths = tuple(map(length, spacing_mm))
    except TypeError:
        lengths = ()
    if len(lengths) != 2 or not all(found > 0 for found in lengths):
        raise MeasureError(
            f"The pixel spacing {shown(spacing_mm)} mm is not a positive length; give "
            "(depth, lateral)."
        )
    return lengths[0], lengths[1]


def array_of(values: Any, what: str) -> np.ndarray[Any, Any]:
    """Return an array as NumPy's own kind, or refuse what is none.

    Raises
    ------
    MeasureError
        If the rows have different lengths, for instance.
    """
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise MeasureError(
            f"The {what} is no array of pixels; give a NumPy array of shape (depth, "
            "lateral)."
        ) from None
