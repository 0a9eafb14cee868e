"""Reference values as quantiles: tables along a covariate, or quantile regression."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import AfterValidator, Field, field_validator, model_validator

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.formula import (
    covariates_of,
    design_matrix,
    parse_formula,
)
from napari_muscle_us.reference.kinds.base import (
    Evaluation,
    Formula,
    ModelBase,
    cleared,
    finite_or_nan,
    nothing,
    refuse_unbounded,
    rows_of,
)
from napari_muscle_us.reference.kinds.curves import Curve, CurveModel
from napari_muscle_us.reference.parts import Finite, FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

    from napari_muscle_us.reference.kinds.base import Floats

_REACH: Final = 0.1
_LABEL: Final = "half the way from Z −1 to Z +1, between the quantiles"


def _checked(probabilities: tuple[float, ...]) -> tuple[float, ...]:
    if any(a >= b for a, b in pairwise(probabilities)):
        raise ValueError("the probabilities do not rise")
    if 0.5 not in probabilities:
        raise ValueError("0.5, the median, is missing")
    if probabilities[0] > _REACH or probabilities[-1] < 1 - _REACH:
        raise ValueError(
            f"they must reach from {_REACH:g} or less to {1 - _REACH:g} or more, or "
            "too few people would have a Z-score"
        )
    return probabilities


Probabilities = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    Field(min_length=3, max_length=50),
    AfterValidator(_checked),
]


class QuantileCurve(Curve):
    """Quantiles at points of the covariate.

    Parameters
    ----------
    values : tuple of tuple of float
        One row a point of `x`, one column a probability of the model; each row rises.
    """

    values: tuple[tuple[Finite, ...], ...]

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if len(self.values) != len(self.x):
            raise ValueError(
                f"values has {len(self.values)} rows for {len(self.x)} points of x"
            )
        for number, row in enumerate(self.values):
            if any(a >= b for a, b in pairwise(row)):
                raise ValueError(
                    f"row {number + 1} of values does not rise, so its quantiles cross"
                )
        return self

    def columns(self) -> list[tuple[float, ...]]:
        """Return the quantiles, a series a probability."""
        return list(zip(*self.values, strict=True))


class QuantileTableModel(CurveModel):
    """Quantiles of healthy people along age, height or weight, as in a table.

    Between the points of a curve each quantile is interpolated linearly. The Z-score
    is that of `quantile_scores`.
    """

    kind: Literal["quantile_table"]
    probabilities: Probabilities
    curves: tuple[QuantileCurve, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _check_width(self) -> Self:
        for curve in self.curves:
            for row in curve.values:
                if len(row) != len(self.probabilities):
                    raise ValueError(
                        f"a row of values has {len(row)} numbers for "
                        f"{len(self.probabilities)} probabilities"
                    )
        return self

    @property
    def sd_label(self) -> str:
        """What the SD is; Z is not the distance divided by it."""
        return _LABEL

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with the table; see `ModelBase.evaluate`."""
        _refuse_variance(extra_variance, self.muscle)
        quantiles, problem, _ = self._at(x)
        return _evaluated(
            quantiles.T, self.probabilities, measured, problem, self.muscle
        )

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie."""
        return _values_at(self._at(x)[0].T, self.probabilities, percent)


class QuantileModel(ModelBase):
    """Quantile regression: one row of coefficients a probability.

    The Z-score is that of `quantile_scores`. For a person far from the sample the
    quantiles may cross; then there is none.

    References
    ----------
    Koenker R, Bassett G. Regression quantiles. Econometrica 1978;46:33.
    doi:10.2307/1913643
    """

    kind: Literal["quantiles"]
    formula: Formula
    probabilities: Probabilities
    coefficients: tuple[tuple[Finite, ...], ...]

    @field_validator("formula")
    @classmethod
    def _check_formula(cls, text: str) -> str:
        parse_formula(text)
        return text

    @model_validator(mode="after")
    def _check(self) -> Self:
        size = len(self.terms)
        if [len(row) for row in self.coefficients] != [size] * len(self.probabilities):
            raise ValueError(
                f"coefficients is not {len(self.probabilities)} × {size}, a row a "
                "probability and a column a term"
            )
        if self.n <= size:
            raise ValueError(f"{self.n} people are too few for {size} coefficients")
        return self

    @property
    def terms(self) -> tuple[dict[str, int], ...]:
        """Terms of the formula, each a map from covariate to power."""
        return tuple(FrozenDict(term) for term in parse_formula(self.formula))

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that the formula uses."""
        return covariates_of(self.terms)

    @property
    def sd_label(self) -> str:
        """What the SD is; Z is not the distance divided by it."""
        return _LABEL

    def _quantiles(self, x: Mapping[str, Floats], *, rows: int = 1) -> Floats:
        rows = rows_of(x, otherwise=rows)
        with np.errstate(over="ignore", invalid="ignore"):
            design = design_matrix(self.terms, x, rows=rows)
            return np.asarray(design @ np.array(self.coefficients).T)

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with the quantiles; see `ModelBase.evaluate`."""
        _refuse_variance(extra_variance, self.muscle)
        return _evaluated(
            self._quantiles(x, rows=len(measured)),
            self.probabilities,
            measured,
            nothing(len(measured)),
            self.muscle,
        )

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie."""
        return _values_at(self._quantiles(x), self.probabilities, percent)


def quantile_scores(
    quantiles: Floats, probabilities: tuple[float, ...], measured: Floats
) -> Floats:
    r"""Return Z-scores of values between quantiles.

    With the neighbouring quantiles :math:`q_i \le y \le q_{i+1}` of probabilities
    :math:`p_i, p_{i+1}`:

    .. math::
       Z = z_i + \frac{y - q_i}{q_{i+1} - q_i} (z_{i+1} - z_i),
       \qquad z_i = \Phi^{-1}(p_i)

    For a normal distribution that is exact, whatever the quantiles.

    Parameters
    ----------
    quantiles : ndarray of float64, shape (n, k)
        Of each person; they rise.
    probabilities : tuple of float
        Of the k quantiles.
    measured : ndarray of float64, shape (n,)
        Values.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN outside the outermost quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[40.0, 50.0, 70.0]] * 3)
    >>> quantile_scores(table, (0.025, 0.5, 0.975), np.array([50, 60, 71])).round(4)
    array([0.  , 0.98,  nan])
    """
    from scipy.special import ndtri

    scores = ndtri(np.array(probabilities))
    upper = np.count_nonzero(quantiles <= measured[:, None], axis=1)
    upper = np.clip(upper, 1, len(scores) - 1)
    rows = np.arange(len(measured))
    below, above = quantiles[rows, upper - 1], quantiles[rows, upper]
    with np.errstate(all="ignore"):
        share = (measured - below) / (above - below)
        z = scores[upper - 1] + share * (scores[upper] - scores[upper - 1])
    return np.where((share >= 0) & (share <= 1), z, np.nan)


def _between(
    quantiles: Floats, probabilities: tuple[float, ...], percent: float
) -> Floats:
    """Return the value of a share for each person; NaN outside the quantiles."""
    from scipy.special import ndtri

    # The score of a probability of the table must be its own, not a digit beside it.
    share, told = percent / 100, np.array(probabilities)
    share = next((p for p in probabilities if abs(p - share) < 1e-12), share)
    if not probabilities[0] <= share <= probabilities[-1]:
        return np.full(len(quantiles), np.nan)
    upper = int(np.clip(np.searchsorted(told, share, side="right"), 1, len(told) - 1))
    low, high = ndtri(told[upper - 1 : upper + 1])
    part = (ndtri(share) - low) / (high - low)
    with np.errstate(all="ignore"):
        first, second = quantiles[:, upper - 1], quantiles[:, upper]
        return np.asarray(first * (1 - part) + second * part)


def _values_at(
    quantiles: Floats, probabilities: tuple[float, ...], percent: Floats
) -> Floats:
    with np.errstate(all="ignore"):
        crossing = not np.all(np.diff(quantiles[0]) > 0)
    if crossing:
        return np.full(len(percent), np.nan)
    values = [_between(quantiles, probabilities, float(p))[0] for p in percent]
    return finite_or_nan(np.array(values, dtype=np.float64))


def _evaluated(
    quantiles: Floats,
    probabilities: tuple[float, ...],
    measured: Floats,
    problem: npt.NDArray[np.object_],
    muscle: str,
) -> Evaluation:
    """Return the evaluation of values against each person's quantiles."""
    from scipy.special import ndtr

    caveat = nothing(len(measured))
    _tell_problems(problem, quantiles, probabilities, measured, muscle)
    z = quantile_scores(quantiles, probabilities, measured)
    one = [100 * float(ndtr(k)) for k in (-1, 1)]
    low, below, middle, above, high = (
        _between(quantiles, probabilities, percent)
        for percent in (2.5, one[0], 50, one[1], 97.5)
    )
    with np.errstate(all="ignore"):
        sd = (above - below) / 2
    refuse_unbounded(problem, muscle, z, sd, middle)
    if probabilities[0] > 0.025 or probabilities[-1] < 0.975:
        caveat[problem == ""] = (
            f"The reference values of {muscle} know the {_ordinal(probabilities[0])} "
            f"to the {_ordinal(probabilities[-1])} percentile only, so not both ends "
            "of a 95 % interval can be given."
        )
    return cleared(z, middle, sd, 100 * ndtr(z), (low, high), problem, caveat)


def _tell_problems(
    problem: npt.NDArray[np.object_],
    quantiles: Floats,
    probabilities: tuple[float, ...],
    measured: Floats,
    muscle: str,
) -> None:
    with np.errstate(all="ignore"):
        crossing = ~(np.diff(quantiles, axis=1) > 0).all(axis=1)
    problem[(problem == "") & crossing] = (
        f"The quantiles of {muscle} cross for this person, so the model does not hold "
        "there; use another set."
    )
    for beyond, word, probability in (
        (measured < quantiles[:, 0], "below", probabilities[0]),
        (measured > quantiles[:, -1], "above", probabilities[-1]),
    ):
        problem[(problem == "") & beyond] = (
            f"The value is {word} the {_ordinal(probability)} percentile, the "
            f"outermost that the reference values of {muscle} know, so it has no "
            "Z-score; report it in these words."
        )


def _ordinal(probability: float) -> str:
    """Return a share as 2.5th, 5th, 91st."""
    text = f"{100 * probability:.10g}"
    ending = "th"
    if text.isdigit() and text[-2:] not in ("11", "12", "13"):
        ending = {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return text + ending


def _refuse_variance(extra_variance: float, muscle: str) -> None:
    if extra_variance:
        raise ReferenceSetError(
            f"The reference values of {muscle} are quantiles, through which the error "
            "of a conversion cannot be carried; use a set of this device."
        )
