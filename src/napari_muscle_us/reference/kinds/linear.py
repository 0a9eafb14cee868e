"""Linear models of a measure on covariates, their powers and products."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

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
    checked_variance,
    cleared,
    finite_or_nan,
    nothing,
    refuse_unbounded,
    rows_of,
)
from napari_muscle_us.reference.kinds.power import box_cox, inverse_box_cox
from napari_muscle_us.reference.parts import Finite, FrozenDict, Positive, Strict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from napari_muscle_us.reference.kinds.base import Floats

_ROUNDING: Final = 1e-4
_NEGLIGIBLE: Final = 1e-6

_SD_LABELS: Final = {
    "prediction": "SD of prediction, √(x C xᵀ + residual variance)",
    "residual": "plain residual SD, without the uncertainty of the model",
}


class BoxCox(Strict):
    """The scale that a model works on: (y^λ − 1) / λ, or ln y for λ = 0.

    Parameters
    ----------
    power : float
        λ, −5 to 5.
    """

    power: Annotated[float, Field(ge=-5, le=5, allow_inf_nan=False)]

    def forward(self, values: Floats) -> Floats:
        """Return values on the scale of the model; NaN for values not above 0."""
        with np.errstate(all="ignore"):
            safe = np.where(values > 0, values, np.nan)
            return box_cox(np.log(safe), np.array(self.power))

    def back(self, values: Floats) -> Floats:
        """Return values in their unit; NaN for those that no value gives."""
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(inverse_box_cox(values, np.array(self.power))))


class LinearModel(ModelBase):
    r"""A linear model of one muscle's measure on covariates.

    .. math::
       \hat y = x b, \qquad
       \mathrm{SD} = \sqrt{x C x^\top + s^2}, \qquad
       Z = \frac{f(y) - \hat y}{\mathrm{SD}}

    with the row :math:`x` of the formula's terms, coefficients :math:`b`, their
    covariance :math:`C`, residual variance :math:`s^2`, and :math:`f` the Box–Cox
    transformation where the model has one. With ``sd="residual"`` the SD is
    :math:`s` alone.

    The covariance must be symmetric and positive semidefinite as far as the digits of
    a printed table allow. A person for whom :math:`x C x^\top` is below 0 has no
    Z-score. The degrees of freedom need not be whole (those of a mixed model are not).
    Where people have several values each, ``values`` is the number of these; the
    degrees of freedom are then up to values, not people, less coefficients.
    """

    kind: Literal["linear"]
    formula: Formula
    coefficients: tuple[Finite, ...]
    covariance: tuple[tuple[Finite, ...], ...]
    residual_variance: Positive
    degrees_of_freedom: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    sd: Literal["prediction", "residual"] = "prediction"
    transform: BoxCox | None = None
    max_leverage: Positive | None = None
    values: Annotated[int, Field(ge=2)] | None = None

    @field_validator("formula")
    @classmethod
    def _check_formula(cls, text: str) -> str:
        parse_formula(text)
        return text

    @model_validator(mode="after")
    def _check(self) -> Self:
        size = len(self.terms)
        if len(self.coefficients) != size:
            raise ValueError(f"{size} terms, {len(self.coefficients)} coefficients")
        if [len(row) for row in self.covariance] != [size] * size:
            raise ValueError(f"covariance is not {size} × {size}")
        self._check_freedom(size)
        _check_covariance(np.array(self.covariance))
        return self

    def _check_freedom(self, size: int) -> None:
        if self.values is not None and self.values < self.n:
            raise ValueError(f"{self.values} values of {self.n} people")
        if self.degrees_of_freedom > (self.values or self.n) - size:
            values = "" if self.values is None else f" with {self.values} values"
            raise ValueError(
                f"{self.degrees_of_freedom:g} degrees of freedom from {self.n} people"
                f"{values} and {size} coefficients"
            )

    @cached_property
    def terms(self) -> tuple[dict[str, int], ...]:
        """Terms of the formula, each a map from covariate to power."""
        return tuple(FrozenDict(term) for term in parse_formula(self.formula))

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that the formula uses."""
        return covariates_of(self.terms)

    @property
    def sd_label(self) -> str:
        """Which SD divides."""
        return _SD_LABELS[self.sd]

    def predict(
        self, x: Mapping[str, Floats], *, rows: int | None = None
    ) -> tuple[Floats, Floats]:
        """Return prediction and SD on the scale that the model works on.

        Parameters
        ----------
        x : mapping of str to ndarray of float64, shape (n,)
            Values of the covariates.
        rows : int, optional
            Number of people, needed where `x` is empty; else 1 is taken.

        Returns
        -------
        predicted, sd : ndarray of float64, shape (n,)
            NaN where a number is too large or the covariance gives a variance below 0.
        """
        rows = rows_of(x, otherwise=1 if rows is None else rows)
        with np.errstate(all="ignore"):
            design = design_matrix(self.terms, x, rows=rows)
            predicted = design @ np.array(self.coefficients)
            variance = np.full(rows, self.residual_variance)
            if self.sd == "prediction":
                spread = design @ np.array(self.covariance)
                added = np.einsum("ij,ij->i", spread, design)
                lowest = -_NEGLIGIBLE * self.residual_variance
                variance = variance + np.where(added >= lowest, added, np.nan)
            sd = np.sqrt(variance)
        wrong = ~(np.isfinite(predicted) & np.isfinite(sd))
        return np.where(wrong, np.nan, predicted), np.where(wrong, np.nan, sd)

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with the prediction; see `ModelBase.evaluate`."""
        from scipy.special import ndtr, stdtr

        predicted, sd = self.predict(x, rows=len(measured))
        sd = np.hypot(sd, self._extra_sd(extra_variance))
        problem, caveat = nothing(len(measured)), nothing(len(measured))
        shown = measured if self.transform is None else self.transform.forward(measured)
        problem[np.isnan(shown)] = (
            f"The value is not above 0, and the model of {self.muscle} works on a "
            "Box–Cox scale; measure again."
        )
        with np.errstate(all="ignore"):
            z = (shown - predicted) / sd
            half = self._reach(np.array([97.5]))[0] * sd
            ends = [predicted - half, predicted, predicted + half]
            if self.transform is not None:
                steps = [self.transform.back(predicted + k * sd) for k in (-1, 1)]
                sd = (steps[1] - steps[0]) / 2
                ends = [self.transform.back(end) for end in ends]
        refuse_unbounded(problem, self.muscle, z, sd, *ends)
        freedom = self.degrees_of_freedom if self.sd == "prediction" else np.inf
        share = ndtr(z) if self.sd == "residual" else stdtr(freedom, z)
        return cleared(
            z,
            ends[1],
            sd,
            100 * share,
            (ends[0], ends[2]),
            problem,
            caveat,
            degrees_of_freedom=freedom,
        )

    def _extra_sd(self, extra_variance: float) -> float:
        if extra_variance and self.transform is not None:
            raise ReferenceSetError(
                f"The model of {self.muscle} works on a Box–Cox scale, through which "
                "the error of a conversion cannot be carried; use a set of this "
                "device."
            )
        return math.sqrt(checked_variance(extra_variance))

    def _reach(self, percent: Floats) -> Floats:
        from scipy.special import ndtri, stdtrit

        share = percent / 100
        if self.sd == "prediction":
            return np.asarray(stdtrit(self.degrees_of_freedom, share))
        return np.asarray(ndtri(share))

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie."""
        predicted, sd = self.predict(x)
        with np.errstate(all="ignore"):
            values = predicted + self._reach(percent) * sd
        if self.transform is not None:
            values = self.transform.back(values)
        return finite_or_nan(values)


def _check_covariance(matrix: Floats) -> None:
    """Refuse what is no covariance matrix, apart from the rounding of its digits."""
    if not np.allclose(matrix, matrix.T, rtol=1e-6, atol=0):
        raise ValueError("covariance is not symmetric")
    variances = np.diag(matrix)
    if np.any(variances < 0):
        raise ValueError("covariance has a negative variance")
    scale = np.sqrt(np.where(variances > 0, variances, 1))
    with np.errstate(all="ignore"):
        correlation = matrix / scale / scale[:, None]
    known = np.where(variances > 0, 1.0, 0.0)
    if np.any(np.abs(correlation) > np.outer(known, known) * (1 + _ROUNDING)):
        raise ValueError("covariance has an entry that its variances do not allow")
    if np.linalg.eigvalsh((correlation + correlation.T) / 2)[0] < -_ROUNDING:
        raise ValueError(
            "covariance is not positive semidefinite: some sum of the coefficients "
            "would have a negative variance"
        )
