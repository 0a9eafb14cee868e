"""Statistical tests of residuals, one a subject, told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._subject_residuals import orthonormal
from napari_muscle_us.reference.fitting.fit_types import StatTest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.reference.fitting._subject_residuals import (
        Floats,
        SubjectResiduals,
    )

PASSED: Final = 0.05
"""p from which nothing speaks against the model."""

# Sizes for which the approximations of the tests hold.
_SHAPIRO: Final = (3, 5000)
_DAGOSTINO: Final = (20, 2000)
_SKEWNESS: Final = 8

# Lowest power that is not in the model is sought up to this one.
_HIGHEST_POWER: Final = 5

_NORMAL: Final = ("residuals are normal", "residuals are not normal")
_EVEN: Final = ("the scatter is the same along", "the scatter changes with")

# Scatter, of a column's length, up to which it is constant.
_CONSTANT: Final = 1e-9

_NONE: Final = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class _Test:
    """A test before it is put in words: claim and its contrary are clauses."""

    name: str
    about: str
    result: tuple[float, float]
    claim: str
    contrary: str
    passed: str = ""
    """What is said when nothing speaks against the model, in place of the claim."""


def residual_tests(
    subjects: SubjectResiduals,
) -> tuple[tuple[StatTest, ...], str]:
    """Return the tests in words, and which term would mend linearity best.

    Parameters
    ----------
    subjects : SubjectResiduals
        One residual a subject.

    Returns
    -------
    tests : tuple of StatTest
        Normality, skewness, heteroscedasticity, linearity.
    to_add : str
        A clause such as ``"add age to the power of 2"``; for the smallest p.
    """
    linear, to_add = _linearity(subjects)
    found = [*_shape(subjects), *_scatter(subjects), *linear]
    return tuple(_told(test, len(found)) for test in found), to_add


def _told(test: _Test, k: int) -> StatTest:
    statistic, p = test.result
    passed = _capital(test.passed or f"{test.claim}, as far as can be told")
    contrary = _capital(test.contrary)
    if np.isnan(p):
        words = f"Whether {test.claim} could not be tested in these data."
    elif p >= PASSED:
        words = f"{passed} (p = {p:.2f})."
    elif p >= PASSED / k:
        words = (
            f"{contrary} (p = {p:.2g}), or it is chance: of {k} tests one below 0.05 "
            f"is found in up to {100 * (1 - 0.95**k):.0f} % of sound models."
        )
    else:
        words = f"{contrary} (p = {p:.2g}), too clearly for chance among {k} tests."
    return StatTest(
        test.name, test.about, statistic, p, words, passed=bool(p >= PASSED)
    )


def _capital(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}"


def _shape(subjects: SubjectResiduals) -> list[_Test]:
    """Return tests of normality and skewness."""
    from scipy import stats
    from statsmodels.stats.stattools import jarque_bera

    z = subjects.studentised
    z = z[np.isfinite(z)]
    n = len(z)
    flat = n < _SHAPIRO[0] or not np.ptp(z) > 1e-9
    tests = []
    if n <= _SHAPIRO[1]:
        result = _NONE if flat else _pair(stats.shapiro(z))
        tests.append(_Test("Shapiro–Wilk", "normality", result, *_NORMAL))
    if n >= _DAGOSTINO[1]:
        result = _NONE if flat else _pair(jarque_bera(z))
        tests.append(_Test("Jarque–Bera", "normality", result, *_NORMAL))
    elif n >= _DAGOSTINO[0]:
        result = _NONE if flat else _pair(stats.normaltest(z))
        tests.append(_Test("D'Agostino–Pearson", "normality", result, *_NORMAL))
    skewed = _NONE if flat or n < _SKEWNESS else _pair(stats.skewtest(z))
    where = "right" if skewed[0] > 0 else "left"
    contrary = f"residuals are skewed to the {where}"
    claim = "residuals are symmetric"
    return [*tests, _Test("D'Agostino skewness", "skewness", skewed, claim, contrary)]


def _pair(result: Sequence[float]) -> tuple[float, float]:
    return float(result[0]), float(result[1])


def _scatter(subjects: SubjectResiduals) -> list[_Test]:
    """Return tests of heteroscedasticity: all terms, fitted values, each covariate."""
    single = [
        _Test(
            f"Breusch–Pagan, {name}",
            "heteroscedasticity",
            _koenker(subjects, values[:, None]),
            f"{_EVEN[0]} {name}",
            f"{_EVEN[1]} {name}",
        )
        for name, values in subjects.covariates.items()
    ]
    tests = []
    whole = _koenker(subjects, subjects.terms)
    # With one covariate, both are the same test.
    known = [test.result[0] for test in single]
    if subjects.p > 1 and not np.isclose(whole[0], known, rtol=1e-9, atol=0).any():
        claim, contrary = (f"{even} the model's terms" for even in _EVEN)
        tests.append(
            _Test("Breusch–Pagan", "heteroscedasticity", whole, claim, contrary)
        )
    height = _standard(subjects.fitted)
    if height is not None:
        # What het_white does, which warns of two fitted values, as of women and men.
        result = _koenker(subjects, np.column_stack([height, height**2]))
        claim = f"{_EVEN[0]} the fitted values"
        contrary = f"{_EVEN[1]} the fitted values"
        tests.append(
            _Test("White, fitted", "heteroscedasticity", result, claim, contrary)
        )
    return [*tests, *single]


def _standard(values: Floats) -> Floats | None:
    """Return values with mean 0 and SD 1; None where they are all the same."""
    spread = values.std()
    if not spread > 1e-9 * np.abs(values).max(initial=0):
        return None
    return np.asarray((values - values.mean()) / spread)


def _koenker(subjects: SubjectResiduals, columns: Floats) -> tuple[float, float]:
    """Return n R² of the squared residuals on columns, and its p by χ²."""
    from statsmodels.stats.diagnostic import het_breuschpagan

    scaled = columns / np.linalg.norm(columns, axis=0)
    left, strength, _ = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)
    # It takes all columns for independent.
    basis = left[:, strength > _CONSTANT]
    degrees = basis.shape[1]
    even = not np.ptp(subjects.residual**2) > 0
    if subjects.n < degrees + 2 or degrees == 0 or even:
        return _NONE
    # Its F, which is not used, divides by 0 where columns tell the scatter exactly.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = het_breuschpagan(
            subjects.residual, np.column_stack([np.ones(subjects.n), basis])
        )
    return _pair(found)


def _linearity(subjects: SubjectResiduals) -> tuple[list[_Test], str]:
    """Return tests of linearity, and a clause with the term that would mend most."""
    tests, terms = [], []
    height = _standard(subjects.fitted)
    if height is not None:
        result = _added(subjects, np.column_stack([height**2, height**3]))
        claim = "the form of the model fits along the fitted values"
        contrary = "the form of the model does not fit along the fitted values"
        tests.append(_Test("RESET", "linearity", result, claim, contrary))
        terms.append("add powers or products of covariates")
    for name, values in subjects.covariates.items():
        power, column = _lowest_power(subjects, values)
        if column is None:
            continue
        result = _added(subjects, column[:, None])
        term = name if power == 1 else f"{name} to the power of {power}"
        title = f"Added {'term' if power == 1 else 'power'}, {name}"
        tests.append(
            _Test(
                title,
                "linearity",
                result,
                claim=f"{term} adds anything",
                contrary=f"the model would fit better with {term}",
                passed=f"{term} adds nothing that can be told",
            )
        )
        terms.append(f"add {term}")
    p = [test.result[1] for test in tests]
    # RESET names no term; it speaks only where no covariate does.
    named = [
        i for i, test in enumerate(tests) if test.name != "RESET" and p[i] < PASSED
    ]
    best = min(named, key=lambda i: p[i], default=0)
    return tests, terms[best] if terms else ""


def _lowest_power(
    subjects: SubjectResiduals, values: Floats
) -> tuple[int, Floats | None]:
    """Return the lowest power of a covariate that the model does not hold."""
    unit = _standard(values)
    if unit is None:
        return 0, None
    # A power of a covariate with k values is a sum of lower ones from k on.
    highest = min(_HIGHEST_POWER, len(np.unique(values)) - 1)
    for power in range(1, highest + 1):
        if _rest(subjects, unit[:, None] ** power).shape[1]:
            return power, unit**power
    return 0, None


def _rest(subjects: SubjectResiduals, columns: Floats) -> Floats:
    """Return an orthonormal basis of what columns add to the model."""
    scaled = np.sqrt(subjects.weight)[:, None] * columns
    scaled = scaled / np.linalg.norm(scaled, axis=0)
    rest = scaled - subjects.basis @ (subjects.basis.T @ scaled)
    rest = rest[:, np.linalg.norm(rest, axis=0) > 1e-6]
    return orthonormal(rest) if rest.shape[1] else rest


def _added(subjects: SubjectResiduals, columns: Floats) -> tuple[float, float]:
    """Return F of columns added to the model, and its p."""
    # Not its linear_reset, which knows no weights of subjects, and takes powers of the
    # fitted values as they are: their cubes differ by no digits of a narrow range.
    from statsmodels.regression.linear_model import OLS

    rest = _rest(subjects, columns)
    added = rest.shape[1]
    freedom = subjects.n - subjects.p - added
    total = float(subjects.residual @ subjects.residual)
    if added == 0 or freedom < 1 or not total > 0:
        return _NONE
    gained = float(np.sum((rest.T @ subjects.residual) ** 2))
    if not total - gained > 1e-12 * total:
        return _NONE
    without = OLS(subjects.residual, subjects.basis, hasconst=False).fit()
    both = np.column_stack([subjects.basis, rest])
    whole = OLS(subjects.residual, both, hasconst=False).fit()
    return _pair(whole.compare_f_test(without))
