"""One residual for each subject of a fit, and how much each subject pulls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.estimate import Estimate

    Floats = npt.NDArray[np.float64]

# Names of covariates in words, in the order of the tests.
_CONTINUOUS: Final = {"age_years": "age", "height_cm": "height", "weight_kg": "weight"}

# Leverage from which the model goes through a subject, but for rounding.
_ALONE: Final = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class SubjectResiduals:
    """The weighted regression of subjects' means.

    Attributes
    ----------
    codes : ndarray of object, shape (n,)
        The subjects.
    of : ndarray of int, shape (rows,)
        Subject of each row.
    weight : ndarray of float64, shape (n,)
        Inverse variance of the subject's mean, 1 for one value.
    terms : ndarray of float64, shape (n, p)
        Orthonormal basis of the means of the design.
    basis : ndarray of float64, shape (n, p)
        The same of √weight times the means.
    residual : ndarray of float64, shape (n,)
        √weight times the mean residual, perpendicular to `basis`.
    fitted : ndarray of float64, shape (n,)
        Mean of the fitted values.
    covariates : dict of str to ndarray
        Age, sex, height and weight, by their names in words.
    """

    codes: npt.NDArray[np.object_]
    of: npt.NDArray[np.intp]
    weight: Floats
    terms: Floats
    basis: Floats
    residual: Floats
    fitted: Floats
    covariates: dict[str, Floats]

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.residual)

    @property
    def p(self) -> int:
        """Coefficients that subjects' means can tell."""
        return int(self.basis.shape[1])

    def mean(self, values: Floats) -> Floats:
        """Return the subjects' means of the rows."""
        return subject_means(values, self.of)

    @cached_property
    def leverage(self) -> Floats:
        """Diagonal of the hat matrix."""
        return np.asarray(np.sum(self.basis**2, axis=1))

    @cached_property
    def alone(self) -> npt.NDArray[np.bool_]:
        """Whether a coefficient rests on this subject alone."""
        return np.asarray(self.leverage > _ALONE)

    @cached_property
    def variance(self) -> float:
        """Residual variance of these means."""
        freedom = self.n - self.p
        return float(self.residual @ self.residual) / freedom if freedom > 0 else np.nan

    @cached_property
    def studentised(self) -> Floats:
        """Internally studentised residuals, with variance 1; NaN where `alone`."""
        left = np.where(self.alone, np.nan, 1 - self.leverage)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.residual / np.sqrt(self.variance * left))

    @cached_property
    def studentised_outer(self) -> Floats:
        """Residuals against the fit without the subject, in their own SD."""
        freedom = self.n - self.p
        square = self.studentised**2
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = np.sqrt((freedom - 1) / np.maximum(freedom - square, 0))
            return np.asarray(self.studentised * factor)

    @cached_property
    def cooks_distance(self) -> Floats:
        """Cook's distance; NaN where `alone`."""
        left = np.where(self.alone, np.nan, 1 - self.leverage)
        return np.asarray(self.studentised**2 * self.leverage / left / self.p)


def by_subject(
    rows: pd.DataFrame, design: Floats, estimate: Estimate
) -> SubjectResiduals:
    """Return one residual a subject; see `diagnostics`.

    Parameters
    ----------
    rows, design, estimate
        As for `diagnose`.

    Returns
    -------
    SubjectResiduals
        In the order in which subjects first occur.
    """
    import pandas as pd

    of, codes = pd.factorize(rows["subject"].to_numpy(dtype=object))
    of = np.asarray(of, dtype=np.intp)
    counts = np.bincount(of).astype(np.float64)
    weight = _weight(counts, estimate)
    means = subject_means(design, of)
    root = np.sqrt(weight)
    basis = orthonormal(root[:, None] * means)
    residual = root * subject_means(rows["residual"].to_numpy(dtype=np.float64), of)
    return SubjectResiduals(
        codes=np.asarray(codes, dtype=object),
        of=of,
        weight=weight,
        terms=orthonormal(means),
        basis=basis,
        residual=residual - basis @ (basis.T @ residual),
        fitted=subject_means(rows["fitted"].to_numpy(dtype=np.float64), of),
        covariates=_covariates(rows, of),
    )


def _weight(counts: Floats, estimate: Estimate) -> Floats:
    """Return total variance over that of the mean of a subject's values."""
    within = estimate.within_variance
    if np.isnan(within):
        # Without a variance between subjects all values are as good.
        return counts
    total = estimate.residual_variance
    return np.asarray(total / (total - within + within / counts))


def _covariates(rows: pd.DataFrame, of: npt.NDArray[np.intp]) -> dict[str, Floats]:
    """Return those that are known of all subjects and differ."""
    found = {}
    for column, name in _CONTINUOUS.items():
        if column in rows:
            values = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
            found[name] = subject_means(values, of)
    if "sex" in rows and rows["sex"].notna().all():
        male = np.asarray(rows["sex"] == "male", dtype=np.float64)
        found["sex"] = subject_means(male, of)
    return {
        name: values
        for name, values in found.items()
        if np.isfinite(values).all() and np.ptp(values) > 0
    }


def subject_means(values: Floats, of: npt.NDArray[np.intp]) -> Floats:
    """Return means over the rows of each subject, (n,) or (n, columns)."""
    counts = np.bincount(of)
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, of, values)
    return np.asarray((sums.T / counts).T)


def orthonormal(columns: Floats) -> Floats:
    """Return an orthonormal basis of columns, whatever their scale and rank."""
    size = np.linalg.norm(columns, axis=0)
    left, strength, _ = np.linalg.svd(
        columns / np.where(size > 0, size, 1), full_matrices=False
    )
    kept = strength > strength.max(initial=0) * 1e-10
    return np.asarray(left[:, kept])
