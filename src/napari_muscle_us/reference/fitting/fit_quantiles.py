"""Quantile regression of healthy people's values on covariates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._fit_rows import checked_rows
from napari_muscle_us.reference.formula import (
    BINARY,
    COVARIATES,
    covariates_of,
    design_matrix,
    format_formula,
    parse_formula,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.kinds.quantiles import QuantileModel

    Floats = npt.NDArray[np.float64]

PROBABILITIES: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)

SUBJECTS_BEYOND: Final = 5
"""Fewest subjects that a quantile must have beyond it on the average; twice the number
of coefficients where that is more."""

OUTERMOST: Final = 0.1
"""Quantiles must reach to this and to 1 minus it, or nobody abnormal has a Z-score."""

_GRID: Final = 41

_NEEDED: Final = {
    "age_years": ("age_years",),
    "sex_male": ("sex",),
    "height_cm": ("height_cm",),
    "weight_kg": ("weight_kg",),
    "bmi": ("height_cm", "weight_kg"),
    "side_right": ("side",),
    "side_nondominant": ("side", "handedness"),
}


def fit_quantiles(
    rows: pd.DataFrame,
    formula: str,
    *,
    probabilities: Sequence[float] = PROBABILITIES,
    muscle: str,
    measure: str,
    unit: str,
    observation: Literal["single value", "mean of a person's values"] = "single value",
) -> tuple[QuantileModel, Floats]:
    """Return the quantile regression on covariates, and each subject's median.

    Each quantile is found exactly, see `quantile_coefficients`. A probability p is
    left out, and the model's remark says so, where fewer than 5 subjects (or than twice
    the number of coefficients) are expected beyond it, n · min(p, 1 − p). So 2.5 % need
    200 subjects, 5 % 100 and 10 % 50. Of two quantiles that cross or touch within the
    sample's range, the outer one and its mirror image are left out likewise. What
    remains must reach from 10 % or less to 90 % or more.

    Parameters
    ----------
    rows : DataFrame
        Columns ``value, subject`` and those that the formula needs of ``age_years, sex,
        height_cm, weight_kg, side, handedness``; one row a subject: average sides and
        images beforehand.
    formula : str
        As `napari_muscle_us.reference.formula.parse_formula` reads it.
    probabilities : sequence of float
        Rising, with 0.5.
    muscle, measure, unit : str
        Of the model.
    observation : {"single value", "mean of a person's values"}
        What a value of `rows` is.

    Returns
    -------
    model : QuantileModel
        One row of coefficients a probability.
    fitted : ndarray of float64, shape (rows,)
        Median of each row, in `unit`.

    Raises
    ------
    ReferenceSetError
        If the formula is none, a column or cell is missing, a subject has two rows,
        covariates are constant or sums of each other, or too few quantiles remain.

    References
    ----------
    Koenker R, Bassett G. Regression quantiles. Econometrica 1978;46:33.
    doi:10.2307/1913643

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> ages = rng.uniform(20, 80, 120)
    >>> values = 40 + 0.5 * ages + rng.gamma(2, 4, 120)
    >>> rows = pd.DataFrame({"subject": range(120), "value": values, "age_years": ages})
    >>> model, fitted = fit_quantiles(
    ...     rows,
    ...     "1 + age_years",
    ...     muscle="Biceps brachii",
    ...     measure="intensity.mean",
    ...     unit="gray level",
    ... )
    >>> model.probabilities
    (0.1, 0.25, 0.5, 0.75, 0.9)
    >>> print(model.remark)  # doctest: +NORMALIZE_WHITESPACE
    Quantile regression. 120 subjects are too few for the quantiles 2.5 %, 97.5 %. The
    quantiles 5 %, 95 % were left out, since quantiles cross or touch within the sample.
    """
    from napari_muscle_us.reference.kinds.quantiles import QuantileModel

    terms = parse_formula(formula)
    wanted = tuple(probabilities)
    _check_probabilities(wanted)
    used = covariates_of(terms)
    columns = dict.fromkeys(name for c in used for name in _NEEDED[c])
    beyond = max(SUBJECTS_BEYOND, 2 * len(terms))
    table = checked_rows(
        rows, tuple(columns), muscle=muscle, minimum=round(beyond / OUTERMOST)
    )
    x = _covariates(table, used)
    values = table["value"].to_numpy(dtype=np.float64)
    design = design_matrix(terms, x, rows=len(values))
    _check_design(design, terms, muscle)
    # The number 0.1 · 50 must not fall short of 5 by rounding.
    kept = [p for p in wanted if len(values) * min(p, 1 - p) >= beyond - 1e-9]
    found = {p: quantile_coefficients(values, design, p) for p in kept}
    inside = _within(terms, x, design)
    uncrossed = _uncrossed(found, inside)
    _check_reach(uncrossed, muscle)
    model = QuantileModel(
        kind="quantiles",
        muscle=muscle,
        measure=measure,
        unit=unit,
        n=len(values),
        centre={name: float(x[name].mean()) for name in used},
        observation=observation,
        remark=_remark(wanted, kept, uncrossed, len(values)),
        formula=format_formula(terms),
        probabilities=tuple(uncrossed),
        coefficients=tuple(tuple(found[p].tolist()) for p in uncrossed),
    )
    return model, design @ found[0.5]


def quantile_coefficients(values: Floats, design: Floats, probability: float) -> Floats:
    r"""Return the coefficients of one regression quantile, exactly.

    They make smallest

    .. math::
       \sum_i \rho_p(y_i - x_i b), \qquad \rho_p(u) = u \, (p - [u < 0]),

    a linear programme. It is solved in its dual form by the simplex method, and the
    hyperplane then laid through the values that it touches, so that no digits are lost
    to the solver's tolerance.

    Parameters
    ----------
    values : ndarray, shape (n,)
        y.
    design : ndarray, shape (n, k)
        Of full column rank.
    probability : float
        p, above 0 and below 1.

    Returns
    -------
    ndarray of float64, shape (k,)
        b. Where several are equally good, one of them, through k of the values.

    Raises
    ------
    ReferenceSetError
        If the linear programme has no solution.

    Examples
    --------
    >>> import numpy as np
    >>> quantile_coefficients(np.array([1.0, 2.0, 9.0]), np.ones((3, 1)), 0.5).tolist()
    [2.0]
    """
    from scipy.optimize import linprog

    scale = np.abs(design).max(axis=0)
    x = design / scale
    size = float(np.abs(values).max()) or 1.0
    y = values / size
    solved = linprog(
        -y,
        A_eq=x.T,
        b_eq=(1 - probability) * x.sum(axis=0),
        bounds=(0, 1),
        method="highs-ds",
    )
    if solved.status != 0:
        raise ReferenceSetError(
            f"The regression of the {100 * probability:g} % quantile has no solution; "
            "take covariates out of the formula."
        )
    near = -np.asarray(solved.eqlin.marginals)
    return np.asarray(_polished(y, x, near, probability) * size / scale)


def _polished(y: Floats, x: Floats, near: Floats, probability: float) -> Floats:
    """Return the coefficients of the plane through the values next to a plane."""
    chosen: list[int] = []
    for row in np.argsort(np.abs(y - x @ near), kind="stable"):
        if np.linalg.matrix_rank(x[[*chosen, int(row)]]) > len(chosen):
            chosen.append(int(row))
        if len(chosen) == x.shape[1]:
            break
    exact = np.asarray(np.linalg.solve(x[chosen], y[chosen]), dtype=np.float64)
    # Of a plane that does not go through so many values the solver's own is better.
    lost = _loss(y - x @ exact, probability) - _loss(y - x @ near, probability)
    return exact if lost <= 1e-12 * np.abs(y).sum() else near


def _loss(residual: Floats, probability: float) -> float:
    return float(np.sum(residual * (probability - (residual < 0))))


def _check_probabilities(probabilities: tuple[float, ...]) -> None:
    rising = all(0 < p < 1 for p in probabilities) and list(probabilities) == sorted(
        set(probabilities)
    )
    if not rising or 0.5 not in probabilities:
        raise ReferenceSetError(
            f"The probabilities {', '.join(f'{p:g}' for p in probabilities[:20])} must "
            "rise between 0 and 1 and hold 0.5, the median; give such."
        )


def _covariates(table: pd.DataFrame, used: tuple[str, ...]) -> dict[str, Floats]:
    """Return the covariates that are used, NaN for the others."""
    rows = len(table)
    x = {name: np.full(rows, np.nan) for name in COVARIATES}
    for name in ("age_years", "height_cm", "weight_kg"):
        if name in table.columns:
            x[name] = table[name].to_numpy(dtype=np.float64)
    if "bmi" in used:
        x["bmi"] = x["weight_kg"] / (x["height_cm"] / 100) ** 2
    if "sex_male" in used:
        x["sex_male"] = (table["sex"] == "male").to_numpy(dtype=np.float64)
    if "side_right" in used:
        x["side_right"] = (table["side"] == "right").to_numpy(dtype=np.float64)
    if "side_nondominant" in used:
        other = (table["side"] != table["handedness"]).to_numpy(dtype=np.float64)
        x["side_nondominant"] = other
    return x


def _check_design(
    design: Floats, terms: Sequence[Mapping[str, int]], muscle: str
) -> None:
    scaled = design / np.maximum(np.abs(design).max(axis=0), 1e-300)
    for column, term in enumerate(terms):
        name = format_formula([term])
        values = design[:, column]
        if term and np.ptp(values) == 0:
            raise ReferenceSetError(
                f"{name} of {muscle} is {values[0]:g} in all subjects; take it out of "
                "the formula."
            )
        if np.linalg.matrix_rank(scaled[:, : column + 1]) <= column:
            raise ReferenceSetError(
                f"{name} of {muscle} is a sum of other terms of the formula in these "
                "subjects; take it out."
            )


def _within(
    terms: Sequence[Mapping[str, int]], x: Mapping[str, Floats], design: Floats
) -> Floats:
    """Return design rows at which quantiles may not cross.

    Those of the subjects, within whose hull straight terms need no others; and for a
    bent or multiplied covariate a grid along its range, for the mean subject and for
    both values of what is 0 or 1.
    """
    used = covariates_of(terms)
    bent = {
        name
        for term in terms
        if len(term) > 1 or max(term.values(), default=0) > 1
        for name in term
        if name not in BINARY
    }
    rows = [design]
    for name in sorted(bent):
        for code in (0.0, 1.0):
            along = {
                other: np.full(_GRID, code if other in BINARY else x[other].mean())
                for other in used
            }
            along[name] = np.linspace(x[name].min(), x[name].max(), _GRID)
            rows.append(design_matrix(terms, along, rows=_GRID))
    return np.vstack(rows)


def _uncrossed(found: Mapping[float, Floats], inside: Floats) -> list[float]:
    """Return the probabilities, from the median outwards, whose quantiles rise."""
    predicted = {p: inside @ b for p, b in found.items()}
    kept = [0.5]
    lost: set[float] = set()
    for p in sorted(found, key=lambda p: abs(p - 0.5)):
        if p == 0.5:
            continue
        inner = kept[0] if p < 0.5 else kept[-1]
        gap = (predicted[inner] - predicted[p]) * (1 if p < 0.5 else -1)
        if gap.min() <= 1e-9 * np.abs(predicted[0.5]).max():
            lost |= {p, round(1 - p, 12)}
        elif round(p, 12) not in lost:
            kept = sorted([*kept, p])
    return [p for p in kept if round(p, 12) not in lost]


def _check_reach(kept: list[float], muscle: str) -> None:
    if kept[0] > OUTERMOST or kept[-1] < 1 - OUTERMOST:
        raise ReferenceSetError(
            f"The quantiles of {muscle} that do not cross, and have enough subjects "
            f"beyond them, reach from {100 * kept[0]:g} % to {100 * kept[-1]:g} % "
            "only; take a simpler formula, more subjects, or another kind of model."
        )


def _remark(
    wanted: tuple[float, ...], kept: list[float], uncrossed: list[float], n: int
) -> str:
    told = ["Quantile regression."]
    few = [p for p in wanted if p not in kept]
    if few:
        told.append(f"{n} subjects are too few for the quantiles {_percents(few)}.")
    crossing = [p for p in kept if p not in uncrossed]
    if crossing:
        told.append(
            f"The quantiles {_percents(crossing)} were left out, since quantiles cross "
            "or touch within the sample."
        )
    return " ".join(told)


def _percents(probabilities: Sequence[float]) -> str:
    return ", ".join(f"{100 * p:g} %" for p in probabilities)
