"""What a statistician would ask of a fit: tests of residuals, influential subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._residual_tests import residual_tests
from napari_muscle_us.reference.fitting._subject_residuals import by_subject
from napari_muscle_us.reference.fitting.fit_types import (
    Diagnostics,
    Influential,
    StatTest,
)

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us.reference.fitting._subject_residuals import (
        Floats,
        SubjectResiduals,
    )
    from napari_muscle_us.reference.fitting.estimate import Estimate

MAX_INFLUENTIAL: Final = 20

STRONG_COOK: Final = 0.5
"""Cook's distance from which a subject should be looked at before the fit is used."""

STUDENTISED: Final = 3.0
"""Studentised residual from which a subject is told."""


MAX_POWER: Final = 2.0
"""Largest Box–Cox power, either way, that is suggested."""


def diagnose(rows: pd.DataFrame, design: Floats, estimate: Estimate) -> Diagnostics:
    r"""Return tests of the residuals, influential subjects and what to try.

    Sides and images of a person are not independent, so that each subject has *one*
    residual: the mean of its values', with the weight of its variance
    :math:`\sigma_b^2 + \sigma_w^2 / m`. The tests are those of the regression of these
    means; with one value a subject it is the model itself.

    Parameters
    ----------
    rows : DataFrame
        As `fit_types.MuscleFit.rows`; of these are used
        ``subject, value, shown, fitted, residual`` and, as far as they are known of all
        subjects, ``age_years, sex, height_cm, weight_kg``.
    design : ndarray of float64, shape (rows, p)
        Design matrix.
    estimate : Estimate
        The model.

    Returns
    -------
    Diagnostics
        See Notes. A test that cannot be computed has NaN, has not passed and says so.

    Notes
    -----
    *Normality* of internally studentised residuals: Shapiro–Wilk up to 5000 subjects;
    D'Agostino–Pearson from 20 to 1999, Jarque–Bera from 2000 (asymptotic). *Skewness*:
    D'Agostino. *Heteroscedasticity*: Breusch–Pagan in Koenker's form on all terms and
    on each covariate, White's on the fitted values and their squares. *Linearity*:
    Ramsey's RESET with second and third power of the fitted values; the F test of the
    lowest power of each covariate that the model does not hold.

    With k tests one p below 0.05 is found in up to 1 − 0.95ᵏ of sound models, so that
    the words tell apart those below 0.05 / k (Bonferroni).

    Influential are subjects with a Cook's distance above 4 / n, a leverage above
    3 p / n or an externally studentised residual beyond ±3. All values of the subject
    are left out together; only the ratio of the variances between and within subjects
    is kept.

    References
    ----------
    Koenker R. A note on studentizing a test for heteroscedasticity. J Econometrics
    1981;17:107. doi:10.1016/0304-4076(81)90062-2

    Ramsey JB. Tests for specification errors in classical linear least-squares
    regression analysis. J R Stat Soc B 1969;31:350.
    doi:10.1111/j.2517-6161.1969.tb00796.x

    Cook RD. Detection of influential observation in linear regression. Technometrics
    1977;19:15. doi:10.1080/00401706.1977.10489493

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from napari_muscle_us.reference.fitting.estimate import estimate
    >>> age = np.linspace(20, 80, 60)
    >>> value = 40 + 0.01 * age**2 + 7 * np.random.default_rng(2).normal(size=60)
    >>> design = np.column_stack([np.ones(60), age])
    >>> found = estimate(value, design, np.arange(60), method="ols")
    >>> rows = pd.DataFrame({"subject": np.arange(60), "age_years": age})
    >>> rows = rows.assign(value=value, shown=value, fitted=design @ found.coefficients)
    >>> rows["residual"] = rows["shown"] - rows["fitted"]
    >>> diagnostics = diagnose(rows, design, found)
    >>> [test.name for test in diagnostics.tests if not test.passed]
    ['RESET', 'Added power, age']
    """
    subjects = by_subject(rows, design, estimate)
    tests, to_add = residual_tests(subjects)
    power, interval = _box_cox(rows, design, subjects)
    influential, serious = _influential(subjects)
    transformed = not np.allclose(rows["shown"], rows["value"], rtol=1e-9)
    return Diagnostics(
        tests=tests,
        influential=influential[:MAX_INFLUENTIAL],
        box_cox_power=power,
        box_cox_interval=interval,
        suggestion=_suggestion(
            tests,
            to_add,
            serious,
            None if transformed else (power, interval),
        ),
    )


def _box_cox(
    rows: pd.DataFrame, design: Floats, subjects: SubjectResiduals
) -> tuple[float, tuple[float, float]]:
    """Return the best Box–Cox power of the subjects' mean values."""
    from napari_muscle_us.reference.fitting.box_cox import box_cox_power

    values = subjects.mean(rows["value"].to_numpy(dtype=np.float64))
    return box_cox_power(values, subjects.mean(design))


def _influential(
    subjects: SubjectResiduals,
) -> tuple[tuple[Influential, ...], tuple[Influential, ...]]:
    """Return subjects that pull, and those of them to be looked at first."""
    from scipy.special import stdtrit

    n, p = subjects.n, subjects.p
    cook, leverage = _pull(subjects)
    # Not of statsmodels, which fits anew without each subject for it.
    outer = subjects.studentised_outer
    freedom = max(n - p - 1, 1)
    outlying = -float(stdtrit(freedom, 0.025 / n))
    beyond = np.abs(outer)
    told = (cook > 4 / n) | (leverage > 3 * p / n) | (beyond > STUDENTISED)
    told |= subjects.alone
    strong = (cook > STRONG_COOK) | (beyond > outlying) | subjects.alone
    order = np.argsort(np.where(subjects.alone, -np.inf, -cook), kind="stable")
    all_told, serious = [], []
    for i in order[told[order]]:
        one = Influential(
            subject=str(subjects.codes[i]),
            cooks_distance=float(cook[i]),
            leverage=float(leverage[i]),
            studentised=float(outer[i]),
            words=_striking(subjects, int(i), (cook[i], leverage[i]), outlying),
        )
        all_told.append(one)
        if strong[i]:
            serious.append(one)
    return tuple(all_told), tuple(serious)


def _pull(subjects: SubjectResiduals) -> tuple[Floats, Floats]:
    """Return Cook's distance, NaN where a subject is alone, and leverage."""
    from statsmodels.regression.linear_model import OLS

    found = OLS(subjects.residual, subjects.basis, hasconst=False).fit()
    influence = found.get_influence()
    # Who is alone has no residual, and no variance of it, left.
    with np.errstate(divide="ignore", invalid="ignore"):
        cook = np.asarray(influence.cooks_distance[0])
    leverage = np.asarray(influence.hat_matrix_diag)
    return np.where(subjects.alone, np.nan, cook), leverage


def _striking(
    subjects: SubjectResiduals, i: int, pull: tuple[float, float], outlying: float
) -> str:
    n, p = subjects.n, subjects.p
    if subjects.alone[i]:
        return (
            "The model goes through this subject, as one of its coefficients rests on "
            "it alone."
        )
    cook, leverage = pull
    outer = subjects.studentised_outer[i]
    told = []
    if cook > STRONG_COOK:
        told.append(f"Cook's distance {cook:.2g} is above {STRONG_COOK:g}: pulls much")
    elif cook > 4 / n:
        told.append(f"Cook's distance {cook:.2g} is above 4/n = {4 / n:.2g}")
    if leverage > 3 * p / n:
        told.append(
            f"leverage {leverage:.2g} is above 3p/n = {3 * p / n:.2g}: unlike the "
            "others in its covariates"
        )
    if abs(outer) > outlying:
        told.append(
            f"studentised residual {_told(outer, '.1f')} is beyond ±{outlying:.1f}, "
            f"which one in {n} subjects would exceed in 5 % of samples: an outlier"
        )
    elif abs(outer) > STUDENTISED:
        told.append(
            f"studentised residual {_told(outer, '.1f')} is beyond ±{STUDENTISED:g}"
        )
    whole = "; ".join(told)
    return whole[0].upper() + whole[1:] + "."


def _told(number: float, form: str) -> str:
    """Return a number with a real minus sign."""
    return format(number, form).replace("-", "−")


def _suggestion(
    tests: tuple[StatTest, ...],
    to_add: str,
    serious: tuple[Influential, ...],
    box_cox: tuple[float, tuple[float, float]] | None,
) -> str:
    """Return what to try, the first thing first; empty when nothing is wrong."""
    p = {about: _smallest(tests, about) for about in {test.about for test in tests}}
    wrong = {about for about, value in p.items() if value < 0.05}
    ideas = []
    if serious:
        codes = ", ".join(one.subject for one in serious[:3])
        ideas.append(f"look at {codes}: a slip of the pen, or somebody not healthy?")
    if "linearity" in wrong:
        ideas.append(to_add)
    if wrong & {"skewness", "normality", "heteroscedasticity"}:
        ideas.append(_scale(wrong, box_cox))
    if not ideas:
        return ""
    whole = "; then ".join(idea.rstrip(".?") for idea in ideas)
    if wrong and min(p.values()) >= 0.05 / len(tests) and not serious:
        return (
            f"With {len(tests)} tests this may be chance, so look at the plots; if "
            f"they agree, {whole}."
        )
    return whole[0].upper() + whole[1:] + "."


def _smallest(tests: tuple[StatTest, ...], about: str) -> float:
    values = [t.p_value for t in tests if t.about == about and t.p_value >= 0]
    return min(values, default=1.0)


def _scale(wrong: set[str], box_cox: tuple[float, tuple[float, float]] | None) -> str:
    if box_cox is not None and wrong & {"skewness", "heteroscedasticity"}:
        power, (low, high) = box_cox
        if low <= 0 <= high < 1:
            ends = f"{_told(low, '.2g')} to {_told(high, '.2g')}"
            return f"try the logarithm of the values (Box–Cox λ {ends})"
        # A power that far from 1 only hides something else.
        if abs(power) <= MAX_POWER and (high < 1 or low > 1):
            ends = f"{_told(low, '.2g')} to {_told(high, '.2g')}"
            return f"try a Box–Cox scale (λ = {_told(power, '.2g')}, {ends})"
    if "heteroscedasticity" in wrong:
        return "try LMS curves or quantiles, whose spread may change along age"
    return "try LMS curves or quantiles, which need no normal residuals"
