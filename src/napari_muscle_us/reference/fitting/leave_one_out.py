"""Z-scores of the controls, each against a model that was fitted without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._left_out_mixed import (
    LEFT,
    blocks_of,
    mixed_left_out,
)
from napari_muscle_us.reference.fitting._mixed import groups_of, only_common
from napari_muscle_us.reference.fitting.fit_types import AgeBand, LeaveOneOut

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]

LIMIT_PERCENT: Final = 99.0
"""Share of sound models whose mean and SD are within the limits of the check."""

MIN_IN_BAND: Final = 15
MAX_BANDS: Final = 5


def left_out_z(
    shown: npt.ArrayLike,
    design: npt.ArrayLike,
    subjects: npt.ArrayLike,
    *,
    method: Literal["ols", "mixed"],
    sd: Literal["prediction", "residual"] = "prediction",
) -> Floats:
    r"""Return Z of each value against the model without its subject.

    All values of the subject are left out together, and everything is estimated anew:
    coefficients, their covariance and the variances. For ordinary least squares this
    has a closed form. With the subject's residuals :math:`e_i`, its block
    :math:`H_i` of the hat matrix and :math:`G_i = (I - H_i)^{-1}`,

    .. math::
       y_i - x_i b_{(i)} = G_i e_i, \qquad
       s_{(i)}^2 = \frac{\mathrm{RSS} - e_i^\top G_i e_i}{N - m_i - p}, \qquad
       x_{ij} C_{(i)} x_{ij}^\top + s_{(i)}^2 = s_{(i)}^2 (G_i)_{jj} .

    With one value a subject Z is the externally studentised residual, which follows
    Student's t with n − 1 − p degrees of freedom: its SD is a little above 1. The mixed
    model (random intercept of the subject) is refitted by restricted maximum likelihood
    for all left-out subjects at once. The formula is kept, also where it was chosen on
    these data.

    Parameters
    ----------
    shown : array_like, shape (rows,)
        Values on the scale of the model.
    design : array_like, shape (rows, p)
        Design matrix.
    subjects : array_like, shape (rows,)
        Code of the subject of each row.
    method : {"ols", "mixed"}
        How the model was fitted.
    sd : {"prediction", "residual"}, default: "prediction"
        SD by which Z divides, as in the model.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Z. NaN where the model cannot be fitted without the subject, such as the only
        woman.

    Raises
    ------
    ReferenceSetError
        If the lengths differ, or a number is not finite.

    References
    ----------
    Cook RD, Weisberg S. Residuals and influence in regression. Chapman & Hall, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([50.0, 54, 55, 61, 60, 66])
    >>> design = np.column_stack([np.ones(6), [20, 30, 40, 50, 60, 70]])
    >>> left_out_z(values, design, list("abcdef"), method="ols").round(2)
    array([-0.18,  0.52, -0.75,  1.37, -2.08,  0.75])
    """
    y = np.asarray(shown, dtype=np.float64)
    x = np.asarray(design, dtype=np.float64)
    codes = _codes(subjects)
    if not len(y) == len(x) == len(codes):
        raise ReferenceSetError(
            f"There are {len(y)} values, {len(x)} rows of covariates and {len(codes)} "
            "subjects; give as many of each."
        )
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise ReferenceSetError(
            "A value or covariate is missing or not finite; leave such rows out."
        )
    groups = groups_of(codes)
    repeated = method == "mixed" and len(groups.sizes) < len(codes)
    if repeated and only_common(y, x, groups):
        # Copies of one value count once, as in `estimate`.
        means = groups.means(np.column_stack([x, y]))
        if groups.about_means(x).any():
            return np.full(len(y), np.nan)
        once = np.arange(len(means))
        return left_out_z(means[:, -1], means[:, :-1], once, method="ols", sd=sd)[codes]
    basis = _basis(x)
    residual = y - basis @ (basis.T @ y)
    if repeated:
        return mixed_left_out(residual, basis, codes, prediction=sd == "prediction")
    return _ols(residual, basis, codes, prediction=sd == "prediction")


def _codes(subjects: npt.ArrayLike) -> Ints:
    """Return the number of each row's subject, 0 … n − 1."""
    import pandas as pd

    return np.asarray(pd.factorize(np.asarray(subjects, dtype=object))[0], np.intp)


def _basis(design: Floats) -> Floats:
    """Return an orthonormal basis of the columns, whatever their scale and rank."""
    size = np.linalg.norm(design, axis=0)
    left, strength, _ = np.linalg.svd(
        design / np.where(size > 0, size, 1), full_matrices=False
    )
    kept = strength > strength.max(initial=0) * len(design) * np.finfo(float).eps
    return np.asarray(left[:, kept])


def _ols(residual: Floats, basis: Floats, codes: Ints, *, prediction: bool) -> Floats:
    z = np.full(len(residual), np.nan)
    rss = float(residual @ residual)
    for block in blocks_of(codes):
        m = block.shape[1]
        freedom = len(residual) - m - basis.shape[1]
        x = basis[block]
        kept = np.eye(m) - x @ x.transpose(0, 2, 1)
        possible = np.linalg.eigvalsh(kept)[:, 0] > LEFT
        if freedom < 1 or not possible.any():
            continue
        rows = block[possible]
        gain = np.linalg.inv(kept[possible])
        out = np.einsum("ijk,ik->ij", gain, residual[rows])
        left = rss - np.einsum("ij,ij->i", residual[rows], out)
        variance = np.where(left > 1e-14 * rss, left / freedom, np.nan)[:, None]
        if prediction:
            variance = variance * np.einsum("ijj->ij", gain)
        z[rows] = out / np.sqrt(variance)
    return z


def check_left_out(
    rows: pd.DataFrame, *, degrees_of_freedom: float | None = None
) -> LeaveOneOut:
    r"""Return whether left-out Z of the controls have mean 0 and SD 1.

    Subjects weigh the same, however many values they have. With :math:`\bar z_i` the
    mean of a subject's :math:`m_i` values, :math:`\bar z` the mean of these over n
    subjects, and v their variance,

    .. math::
       \mathrm{SD}^2 = \frac1n \sum_i \frac1{m_i} \sum_j (z_{ij} - \bar z)^2
       + \frac vn ,

    whose expectation is the variance of a single value, 1, whatever the correlation of
    a subject's values; with one value a subject it is the usual SD. (The mean of two
    sides would scatter less than 1.)

    Parameters
    ----------
    rows : DataFrame
        Columns ``subject``, ``age_years`` and ``z_left_out``. Values of NaN are left
        out; they are told in words.
    degrees_of_freedom : float, optional
        Of the left-out models, when Z is by the SD of prediction: the interval then
        reaches to the 97.5 % point of Student's t, and an SD of √(ν / (ν − 2)) is
        expected. Without it 1.96 and 1.

    Returns
    -------
    LeaveOneOut
        Mean and SD over all, and in up to 5 age bands of as many subjects each, at
        least 15; no bands below 30 subjects.

    Notes
    -----
    The mean must be within the 99 % limits of Student's t about 0, the SD within those
    of χ² with n − 1 degrees of freedom. In age bands the limits are wider, so that
    *all* bands of a sound model are within them in 99 % of samples (Bonferroni).
    Residuals of a model with an intercept add up to 0, so that the mean over all says
    little; the bands show where the curve is wrong.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> z = np.random.default_rng(1).normal(size=60)
    >>> rows = pd.DataFrame(
    ...     {"subject": np.arange(60), "age_years": np.arange(20, 80), "z_left_out": z}
    ... )
    >>> check = check_left_out(rows)
    >>> check.passed, len(check.bands)
    (True, 4)
    """
    z = rows["z_left_out"].to_numpy(dtype=np.float64, na_value=np.nan)
    age = rows["age_years"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(z)
    table = _Table(z[known], age[known], _codes(rows["subject"])[known])
    reach, expected = _of_student(degrees_of_freedom)
    whole = table.judged(100 - LIMIT_PERCENT, expected)
    bands = table.bands(expected)
    inside = np.abs(table.z) <= reach
    coverage = 100 * float(inside.mean()) if len(inside) else float("nan")
    words = _words(whole, bands, expected, coverage, int((~known).sum()))
    return LeaveOneOut(
        mean=whole.mean,
        sd=whole.sd,
        coverage=coverage,
        n=whole.n,
        bands=bands,
        passed=whole.passed and all(band.passed for band in bands),
        words=words,
    )


def _of_student(degrees_of_freedom: float | None) -> tuple[float, float]:
    """Return Z at the end of the 95 % interval, and the SD of Z that is expected."""
    from scipy.special import stdtrit

    if degrees_of_freedom is None:
        return 1.959963984540054, 1.0
    if not degrees_of_freedom > 2:
        return float(stdtrit(max(degrees_of_freedom, 1.0), 0.975)), float("inf")
    expected = np.sqrt(degrees_of_freedom / (degrees_of_freedom - 2))
    return float(stdtrit(degrees_of_freedom, 0.975)), float(expected)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Z, age and subject of the values that have a left-out Z."""

    z: Floats
    age: Floats
    codes: Ints

    def judged(self, alpha_percent: float, expected: float) -> AgeBand:
        """Return mean and SD with their verdict; 2 limits, each of this error."""
        from scipy.special import chdtri, stdtrit

        _, code, counts = np.unique(self.codes, return_inverse=True, return_counts=True)
        n = len(counts)
        ages = self.age[np.isfinite(self.age)]
        low, high = (ages.min(), ages.max()) if len(ages) else (np.nan, np.nan)
        if n < 2:
            return AgeBand(float(low), float(high), n, np.nan, np.nan, passed=False)
        means = np.bincount(code, self.z) / counts
        mean, spread = means.mean(), means.var(ddof=1)
        square = np.bincount(code, (self.z - mean) ** 2) / counts
        sd = np.sqrt(square.mean() + spread / n)
        tail = alpha_percent / 200
        fits = abs(mean) <= -stdtrit(n - 1, tail) * np.sqrt(spread / n)
        ends = np.sqrt(chdtri(n - 1, np.array([1 - tail, tail])) / (n - 1)) * expected
        return AgeBand(
            low=float(low),
            high=float(high),
            n=n,
            mean=float(mean),
            sd=float(sd),
            passed=bool(fits and ends[0] <= sd <= ends[1]),
        )

    def bands(self, expected: float) -> tuple[AgeBand, ...]:
        """Return bands of as many subjects each, from young to old."""
        known = np.isfinite(self.age)
        _, first = np.unique(self.codes[known], return_index=True)
        ages = np.sort(self.age[known][first])
        number = min(MAX_BANDS, len(ages) // MIN_IN_BAND)
        if number < 2:
            return ()
        starts: list[float] = []
        last = 0
        for start in ages[[round(len(ages) * k / number) for k in range(1, number)]]:
            # People of one age stay together, which may leave a band too few.
            place = int(np.searchsorted(ages, start))
            if min(place - last, len(ages) - place) >= MIN_IN_BAND:
                starts.append(float(start))
                last = place
        of = np.searchsorted(starts, self.age, side="right")
        of = np.where(known, of, -1)
        if not starts:
            return ()
        error = (100 - LIMIT_PERCENT) / (len(starts) + 1)
        return tuple(
            self.part(of == band).judged(error / 2, expected)
            for band in range(len(starts) + 1)
        )

    def part(self, chosen: npt.NDArray[np.bool_]) -> _Table:
        """Return the table of chosen values."""
        return _Table(self.z[chosen], self.age[chosen], self.codes[chosen])


def _words(
    whole: AgeBand,
    bands: tuple[AgeBand, ...],
    expected: float,
    coverage: float,
    missing: int,
) -> str:
    if whole.n < 2:
        return (
            f"{whole.n} controls have a Z against a model without them, which is too "
            "few to check; measure more people."
        )
    told = [
        f"Z of {whole.n} controls, each against a model without them: mean "
        f"{whole.mean:z.2f} and SD {whole.sd:.2f}, where 0 and {_expected(expected)} "
        f"are expected; {coverage:.1f} % of the values are inside their 95 % interval"
        f"{_binomial(whole.n)}."
    ]
    if not whole.passed:
        told.append("This is outside its 99 % limits.")
    wrong = [band for band in bands if not band.passed]
    told += [
        f"From {band.low:g} to {band.high:g} years ({band.n} people) mean "
        f"{band.mean:z.2f} and SD {band.sd:.2f} are outside their limits."
        for band in wrong
    ]
    if not bands:
        told.append(f"Below {2 * MIN_IN_BAND} people age bands are too small to tell.")
    elif not wrong:
        told.append(f"All {len(bands)} age bands are within their limits.")
    if missing:
        told.append(f"{missing} values have none, as it cannot be fitted without them.")
    return " ".join(told)


def _expected(expected: float) -> str:
    return f"{expected:.2f}" if np.isfinite(expected) else "an unknown SD"


def _binomial(n: int) -> str:
    """Return in words where coverage lies in 95 % of samples of n people."""
    from scipy.stats import binom

    low, high = binom.interval(0.95, n, 0.95)
    return (
        f" ({100 * low / n:.0f} to {100 * high / n:.0f} % for {n} independent people)"
    )
