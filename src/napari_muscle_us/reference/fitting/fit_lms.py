"""LMS curves of healthy people's values along age."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._fit_rows import checked_rows
from napari_muscle_us.reference.fitting._lms_likelihood import (
    LmsDesigns,
    LmsMaximum,
    maximise,
    natural_spline,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.fit_types import FitOptions
    from napari_muscle_us.reference.kinds.lms import LmsCurve, LmsModel

    Floats = npt.NDArray[np.float64]

MINIMUM_SUBJECTS: Final = 40
"""Fewer subjects are refused; of each sex as many are needed for curves of its own."""

SUBJECTS_PER_COEFFICIENT: Final = 10
MINIMUM_OF_A_SEX: Final = 10
POINTS: Final = 101
"""Points of a curve; between them L, M and S are interpolated linearly."""

EDF: Final = ((1, 2), (1, 2, 3, 4, 5), (1, 2, 3))
"""Degrees of freedom that L, M and S may have: 1 constant, 2 straight, 3 … splines."""

# To choose by a criterion; far less than would change the choice.
_ENOUGH: Final = 1e-5

FIXED_EDF: Final = (1, 3, 1)
"""Those of L, M and S without selection."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Values, ages and sexes (1 for men, NaN not known) of the subjects."""

    values: Floats
    ages: Floats
    male: Floats

    def of(self, sex: float) -> _Sample:
        """Return the subjects of one sex."""
        mine = self.male == sex
        return _Sample(self.values[mine], self.ages[mine], self.male[mine])


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """One candidate: its degrees of freedom, knots, and maximum."""

    edf: tuple[int, int, int]
    shift: bool
    knots: tuple[Floats, ...]
    found: LmsMaximum
    n: int

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return sum(self.edf) + self.shift

    def at(self, ages: Floats, male: Floats) -> tuple[Floats, Floats, Floats]:
        """Return L, M and S at ages of a sex."""
        power, log_m, log_s = _designs(ages, male, self.knots, self.shift).split(
            self.found.coefficients
        )
        return power, np.exp(log_m), np.exp(log_s)


def fit_lms(
    rows: pd.DataFrame,
    *,
    options: FitOptions,
    muscle: str,
    measure: str,
    unit: str,
    observation: Literal["single value", "mean of a person's values"] = "single value",
) -> tuple[LmsModel, Floats]:
    r"""Return LMS curves along age, and the median that they give each subject.

    After the power :math:`L` the values of healthy people of an age are normal, with
    the median :math:`M` and the coefficient of variation :math:`S`:

    .. math::
       z = \frac{(y / M)^L - 1}{L S}, \qquad
       \ell = \sum \left( L \ln\tfrac{y}{M} - \ln S - \tfrac{z^2}{2} \right)

    :math:`L`, :math:`\ln M` and :math:`\ln S` are natural cubic splines of age with
    inner knots at quantiles of the ages that occur, and :math:`\ell` is largest.
    Degrees of freedom (`EDF`: L 1–2, M 1–5, S 1–3) are those of the smallest Bayesian
    information criterion, with ``options.selection="aicc"`` of the smallest corrected
    Akaike criterion; with ``"none"`` they are `FIXED_EDF`. Curves are not
    cross-validated: ``"cv"`` takes the Bayesian criterion. There are at most as many
    coefficients as a tenth of the subjects.

    Where ``sex_male`` is a candidate, the same criterion chooses between one curve for
    both sexes, a median that differs by a factor (10 subjects of each sex or more), and
    curves of their own (40 of each sex or more). Other covariates cannot enter.

    Parameters
    ----------
    rows : DataFrame
        Columns ``value, age_years, sex, subject``, one row a subject: average sides
        and images beforehand. ``sex`` may be empty where it is no candidate.
    options : FitOptions
        ``candidates`` and ``selection``.
    muscle, measure, unit : str
        Of the model.
    observation : {"single value", "mean of a person's values"}
        What a value of `rows` is.

    Returns
    -------
    model : LmsModel
        Curves within the sample's range of ages. Those of a sex say so; a sample of one
        sex gives curves of that sex.
    fitted : ndarray of float64, shape (rows,)
        M of each row, in `unit`.

    Raises
    ------
    ReferenceSetError
        If there are fewer than 40 subjects, a subject has two rows, a value is not
        above 0, an age is missing, ages are all alike, or no maximum is found.

    Notes
    -----
    The published Z takes the curves as known. With k coefficients from n subjects that
    of new people then has an SD of about :math:`\sqrt{(n + k) / (n - k)}` (1.08 at 50
    subjects and 4 coefficients, as simulated); the model's remark tells it.

    References
    ----------
    Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and penalized
    likelihood. Stat Med 1992;11:1305. doi:10.1002/sim.4780111005

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from scipy.special import ndtri
    >>> from napari_muscle_us.reference.fitting.fit_types import FitOptions
    >>> rng = np.random.default_rng(0)
    >>> ages = rng.uniform(20, 80, 200)
    >>> values = (30 + 0.5 * ages) * np.exp(0.15 * rng.standard_normal(200))
    >>> rows = pd.DataFrame({"subject": range(200), "value": values, "age_years": ages})
    >>> model, fitted = fit_lms(
    ...     rows,
    ...     options=FitOptions(candidates=("age_years",)),
    ...     muscle="Biceps brachii",
    ...     measure="intensity.mean",
    ...     unit="gray level",
    ... )
    >>> model.remark  # doctest: +NORMALIZE_WHITESPACE
    'LMS curves along age; degrees of freedom L 1, M 2, S 1 by BIC. The uncertainty of
    the curves is not in Z: that of new people has an SD of about 1.02.'
    """
    wanted = (
        ("age_years", "sex") if "sex_male" in options.candidates else ("age_years",)
    )
    table = checked_rows(rows, wanted, muscle=muscle, minimum=MINIMUM_SUBJECTS)
    sample = _sample(table, muscle, with_sex="sex" in wanted)
    best = _chosen(sample, options, muscle)
    fitted = np.empty(len(table))
    for sex, fit in best.items():
        mine = np.ones(len(table), bool) if sex is None else sample.male == sex
        fitted[mine] = fit.at(sample.ages[mine], sample.male[mine])[1]
    return (
        _model(best, sample, options, muscle, measure, unit, observation),
        fitted,
    )


def _sample(table: pd.DataFrame, muscle: str, *, with_sex: bool) -> _Sample:
    values = table["value"].to_numpy(dtype=np.float64)
    ages = table["age_years"].to_numpy(dtype=np.float64)
    if (values <= 0).any():
        raise ReferenceSetError(
            f"A value of {muscle} is {values.min():g}, and LMS curves are of values "
            "above 0; take another kind of model."
        )
    if len(np.unique(ages)) < 3:
        raise ReferenceSetError(
            f"The subjects of {muscle} have {len(np.unique(ages))} different age(s), "
            "and curves along age need more; take another kind of model."
        )
    if np.ptp(values) == 0:
        raise ReferenceSetError(
            f"All values of {muscle} are {values[0]:g}; check the column of values."
        )
    line = np.column_stack([np.ones_like(ages), ages])
    for told in (values, np.log(values)):
        left = told - line @ np.linalg.lstsq(line, told, rcond=None)[0]
        if left.std() < 1e-6 * told.std():
            raise ReferenceSetError(
                f"The values of {muscle} follow age exactly, as no measured values do; "
                "check the columns."
            )
    male = np.full(len(values), np.nan)
    if with_sex:
        male = (table["sex"] == "male").to_numpy(dtype=np.float64)
    return _Sample(values, ages, male)


def _chosen(
    sample: _Sample, options: FitOptions, muscle: str
) -> dict[float | None, _Fit]:
    """Return the fit of all (key None), or of each sex, by the smallest criterion."""
    choices: list[dict[float | None, _Fit]] = []
    sexes = [int(np.sum(sample.male == sex)) for sex in (0.0, 1.0)]
    shifts = (False, True) if min(sexes) >= MINIMUM_OF_A_SEX else (False,)
    for shift in shifts:
        fit = _best(sample, options, shift=shift)
        if fit is not None:
            choices.append({None: fit})
    if min(sexes) >= MINIMUM_SUBJECTS:
        own = {sex: _best(sample.of(sex), options, shift=False) for sex in (0.0, 1.0)}
        both: dict[float | None, _Fit] = {k: v for k, v in own.items() if v is not None}
        if len(both) == 2:
            choices.append(both)
    if not choices:
        raise ReferenceSetError(
            f"The likelihood of LMS curves of {muscle} has no maximum for these "
            f"{len(sample.values)} subjects; look for outliers or take another kind of "
            "model."
        )
    return min(choices, key=lambda fits: _criterion(list(fits.values()), options))


def _best(sample: _Sample, options: FitOptions, *, shift: bool) -> _Fit | None:
    allowed = len(sample.values) / SUBJECTS_PER_COEFFICIENT
    if options.selection == "none":
        tried = [FIXED_EDF, (1, 2, 1), (1, 1, 1)]
    else:
        tried = [(a, b, c) for a, b, c in product(*EDF)]
    best: _Fit | None = None
    for edf in tried:
        if sum(edf) + shift > allowed:
            continue
        fit = _fitted(sample, edf, shift=shift)
        if fit is None:
            continue
        if best is None or _criterion([fit], options) < _criterion([best], options):
            best = fit
        if options.selection == "none":
            break
    return best and _polished(sample, best)


def _polished(sample: _Sample, fit: _Fit) -> _Fit:
    """Return the fit with the likelihood at its maximum to all digits."""
    designs = _designs(sample.ages, sample.male, fit.knots, fit.shift)
    found = maximise(sample.values, designs, start=fit.found.coefficients)
    return replace(fit, found=found)


def _criterion(fits: list[_Fit], options: FitOptions) -> float:
    size, n = sum(fit.size for fit in fits), sum(fit.n for fit in fits)
    lost = -2 * sum(fit.found.log_likelihood for fit in fits)
    if options.selection == "aicc":
        return lost + 2 * size * n / (n - size - 1)
    return float(lost + size * np.log(n))


def _fitted(sample: _Sample, edf: tuple[int, int, int], *, shift: bool) -> _Fit | None:
    """Return the fit of given degrees of freedom; None where there is none."""
    # Quantiles of the ages that occur: many of one age would else be one knot.
    occur = np.unique(sample.ages)
    knots = tuple(np.quantile(occur, np.linspace(0, 1, size)) for size in edf)
    designs = _designs(sample.ages, sample.male, knots, shift)
    if any(
        np.linalg.matrix_rank(design) < design.shape[1]
        for design in (designs.power, designs.median, designs.spread)
    ):
        return None
    found = maximise(sample.values, designs, tolerance=_ENOUGH)
    if not found.converged:
        return None
    return _Fit(edf, shift, knots, found, len(sample.values))


def _designs(
    ages: Floats, male: Floats, knots: tuple[Floats, ...], shift: bool
) -> LmsDesigns:
    columns = [
        natural_spline(ages, k) if len(k) > 1 else np.ones((len(ages), 1))
        for k in knots
    ]
    if shift:
        columns[1] = np.column_stack([columns[1], male])
    return LmsDesigns(*columns)


def _model(
    best: dict[float | None, _Fit],
    sample: _Sample,
    options: FitOptions,
    muscle: str,
    measure: str,
    unit: str,
    observation: Literal["single value", "mean of a person's values"],
) -> LmsModel:
    from napari_muscle_us.reference.kinds.lms import LmsModel

    known = sorted({float(sex) for sex in sample.male[np.isfinite(sample.male)]})
    first = next(iter(best.values()))
    apart = None not in best or first.shift or len(known) == 1
    sexes: list[float | None] = [*known] if apart else [None]
    centre = {"age_years": float(sample.ages.mean())}
    if apart:
        centre["sex_male"] = float(sample.male.mean())
    return LmsModel(
        kind="lms",
        muscle=muscle,
        measure=measure,
        unit=unit,
        n=len(sample.values),
        centre=centre,
        observation=observation,
        remark=_remark(best, known, options),
        covariate="age_years",
        curves=tuple(_curve(best.get(sex, first), sample, sex) for sex in sexes),
    )


def _curve(fit: _Fit, sample: _Sample, sex: float | None) -> LmsCurve:
    from napari_muscle_us.reference.kinds.lms import LmsCurve

    mine = sample if sex is None else sample.of(sex)
    ages = np.linspace(mine.ages.min(), mine.ages.max(), POINTS)
    power, median, spread = fit.at(
        ages, np.full(POINTS, np.nan if sex is None else sex)
    )
    return LmsCurve(
        sex=None if sex is None else ("male" if sex else "female"),
        x=tuple(ages.tolist()),
        n=len(mine.values),
        l=tuple(power.tolist()),
        m=tuple(median.tolist()),
        s=tuple(spread.tolist()),
    )


def _remark(
    best: dict[float | None, _Fit], known: list[float], options: FitOptions
) -> str:
    rule = {"aicc": "by AICc", "none": "as fixed"}.get(options.selection, "by BIC")
    degrees = []
    for sex, fit in best.items():
        who = "" if sex is None else ("men " if sex else "women ")
        degrees.append(f"{who}L {fit.edf[0]}, M {fit.edf[1]}, S {fit.edf[2]}")
    told = f"LMS curves along age; degrees of freedom {'; '.join(degrees)} {rule}."
    fit = next(iter(best.values()))
    if fit.shift:
        factor = float(np.exp(fit.found.coefficients[fit.edf[0] + fit.edf[1]]))
        told += f" The median of men is {factor:.3f} of that of women."
    if len(known) == 1:
        told += f" The sample is of {'men' if known[0] else 'women'} only."
    wider = max(np.sqrt((f.n + f.size) / (f.n - f.size)) for f in best.values())
    return told + (
        " The uncertainty of the curves is not in Z: that of new people has an SD of "
        f"about {wider:.2f}."
    )
