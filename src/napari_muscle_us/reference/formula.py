"""Formulas of reference models: sums of covariates, their powers and products.

``1 + age_years + age_years^2 + sex_male:height_cm`` is read by a small parser of its
own. Nothing is executed, and only known covariates may occur.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

COVARIATES: Final = (
    "age_years",
    "sex_male",
    "height_cm",
    "weight_kg",
    "bmi",
    "side_right",
    "side_nondominant",
)
"""What a formula may hold.

``sex_male`` is 1 for men and 0 for women; ``side_right`` 1 on the right and 0 on the
left; ``side_nondominant`` 1 on the side that is not of the hand written with.
"""

BINARY: Final = ("sex_male", "side_right", "side_nondominant")
"""Covariates that are 0 or 1; a power of them is themselves."""

MAX_POWER: Final = 4
MAX_TERMS: Final = 64
MAX_LENGTH: Final = 2000

_FACTOR: Final = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\s*(?:\^\s*([0-9]{1,3}))?")


def parse_formula(text: str) -> tuple[dict[str, int], ...]:
    """Return the terms of a formula, each a map from covariate to power.

    Parameters
    ----------
    text : str
        Terms joined by ``+``. A term is ``1`` (the intercept), a covariate, a power
        ``age_years^2``, or a product with ``:``. Spaces do not matter.

    Returns
    -------
    tuple of dict
        In the order of the text; the intercept is the empty dict.

    Raises
    ------
    ReferenceSetError
        If the text is not such a formula, names an unknown covariate, repeats a term,
        or is too long.

    Examples
    --------
    >>> parse_formula("1 + age_years + age_years^2 + sex_male:height_cm")
    ({}, {'age_years': 1}, {'age_years': 2}, {'sex_male': 1, 'height_cm': 1})
    """
    if len(text) > MAX_LENGTH:
        raise ReferenceSetError(
            f"The formula has {len(text)} characters; at most {MAX_LENGTH} are read."
        )
    parts = text.split("+")
    if len(parts) > MAX_TERMS:
        raise ReferenceSetError(
            f"The formula has {len(parts)} terms; at most {MAX_TERMS} are allowed."
        )
    terms = tuple(_term(part.strip(), text) for part in parts)
    for number, term in enumerate(terms):
        if term in terms[:number]:
            raise ReferenceSetError(
                f"The formula holds the term {format_formula([term])!r} twice; "
                "name it once."
            )
    return terms


def _term(part: str, whole: str) -> dict[str, int]:
    if part == "1":
        return {}
    term: dict[str, int] = {}
    for factor in part.split(":"):
        match = _FACTOR.fullmatch(factor.strip())
        if match is None:
            raise ReferenceSetError(
                f"{_shown(part) or 'An empty term'} in {_shown(whole)} is no term of a "
                "formula; write such as 1 + age_years + age_years^2 + "
                "sex_male:height_cm."
            )
        name, power = match.group(1), int(match.group(2) or 1)
        _check_factor(name, power, term)
        term[name] = power
    return term


def _check_factor(name: str, power: int, term: Mapping[str, int]) -> None:
    if name not in COVARIATES:
        close = difflib.get_close_matches(name, COVARIATES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use {', '.join(COVARIATES)}."
        raise ReferenceSetError(
            f"{_shown(name)} is not a covariate of a formula; {hint}"
        )
    largest = 1 if name in BINARY else MAX_POWER
    if not 1 <= power <= largest:
        raise ReferenceSetError(
            f"The power {power} of {name} is not possible; it may be 1"
            f"{'' if largest == 1 else f' to {largest}'}."
        )
    if name in term:
        raise ReferenceSetError(
            f"A term multiplies {name} by itself; write {name}^2 instead."
        )


def _shown(text: str) -> str:
    text = text if len(text) <= 60 else text[:59] + "…"
    return repr(text) if text else ""


def format_formula(terms: Iterable[Mapping[str, int]]) -> str:
    """Return terms as a formula; `parse_formula` gives them back.

    Examples
    --------
    >>> format_formula([{}, {"age_years": 2}, {"sex_male": 1, "bmi": 1}])
    '1 + age_years^2 + sex_male:bmi'
    """
    return " + ".join(
        ":".join(k if p == 1 else f"{k}^{p}" for k, p in term.items()) or "1"
        for term in terms
    )


def covariates_of(terms: Iterable[Mapping[str, int]]) -> tuple[str, ...]:
    """Return the covariates that terms use, in the order of `COVARIATES`."""
    used = {name for term in terms for name in term}
    return tuple(name for name in COVARIATES if name in used)


def design_matrix(
    terms: Sequence[Mapping[str, int]],
    values: Mapping[str, npt.NDArray[np.float64]],
    *,
    rows: int,
) -> npt.NDArray[np.float64]:
    """Return the design matrix of terms, one row a person and one column a term.

    Parameters
    ----------
    terms : sequence of mapping
        As from `parse_formula`.
    values : mapping of str to ndarray, shape (rows,)
        Values of the covariates; NaN where one is not known gives NaN.
    rows : int
        Number of people.

    Returns
    -------
    ndarray of float64, shape (rows, terms)
        Products of powers.
    """
    design = np.ones((rows, len(terms)))
    with np.errstate(over="ignore", invalid="ignore"):
        for column, term in enumerate(terms):
            for name, power in term.items():
                design[:, column] *= values[name] ** power
    return design
