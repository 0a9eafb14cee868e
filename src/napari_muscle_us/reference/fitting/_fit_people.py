"""People of a fit: their covariates, typical ones among them, and formulas in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.reference.formula import (
    BINARY,
    COVARIATES,
    covariates_of,
    design_matrix,
    parse_formula,
)
from napari_muscle_us.reference.kinds.linear import LinearModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting._subject_residuals import SubjectResiduals
    from napari_muscle_us.reference.fitting.estimate import Estimate
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

    Floats = npt.NDArray[np.float64]

SEX_WORDS: Final = {"female": "women", "male": "men"}

COVARIATE_WORDS: Final = {
    "age_years": "age",
    "sex_male": "sex",
    "height_cm": "height",
    "weight_kg": "weight",
    "bmi": "BMI",
    "side_right": "side",
    "side_nondominant": "dominance",
}
COVARIATE_UNITS: Final = {
    "age_years": "years",
    "height_cm": "cm",
    "weight_kg": "kg",
    "bmi": "kg/m²",
}
_POWERS: Final = {1: "", 2: "²", 3: "³", 4: "⁴"}


def term_words(term: Mapping[str, int]) -> str:
    """Return a term as it is said.

    Examples
    --------
    >>> term_words({"age_years": 2}), term_words({"sex_male": 1, "bmi": 1})
    ('age²', 'sex × BMI')
    """
    words = (f"{COVARIATE_WORDS[name]}{_POWERS[p]}" for name, p in term.items())
    return " × ".join(words) or "intercept"


def formula_words(formula: str) -> str:
    """Return a formula as it is said.

    Examples
    --------
    >>> formula_words("1 + age_years + age_years^2 + sex_male")
    'age + age² + sex'
    """
    terms = parse_formula(formula)
    return " + ".join(term_words(t) for t in terms if t) or "one mean for all"


def covariates_of_rows(rows: pd.DataFrame) -> dict[str, Floats]:
    """Return all covariates of the rows of a fit; NaN where one is not known."""
    age, height, weight = (
        rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("age_years", "height_cm", "weight_kg")
    )
    right = _coded(rows["side"], "right", "left")
    hand_right = _coded(rows["handedness"], "right", "left")
    other = np.where(np.isnan(right + hand_right), np.nan, right != hand_right)
    return {
        "age_years": age,
        "sex_male": _coded(rows["sex"], "male", "female"),
        "height_cm": height,
        "weight_kg": weight,
        "bmi": weight / (height / 100) ** 2,
        "side_right": right,
        "side_nondominant": np.asarray(other, dtype=np.float64),
    }


def _coded(told: pd.Series[Any], one: str, zero: str) -> Floats:
    values = told.to_numpy(dtype=object)
    return np.array(
        [1.0 if v == one else 0.0 if v == zero else np.nan for v in values],
        dtype=np.float64,
    )


def sexes_of(fit: MuscleFit) -> tuple[str, ...]:
    """Return the sexes among the subjects, women first."""
    told = set(fit.rows["sex"].dropna())
    return tuple(sex for sex in SEX_WORDS if sex in told)


def body_of(fit: MuscleFit, sex: str | None) -> dict[str, float]:
    """Return the mean age, height and weight of the subjects of a sex, or of all.

    Where none of a sex is known, that of all subjects is taken; NaN where none is.
    """
    people = fit.rows.drop_duplicates("subject")
    own = people if sex is None else people[people["sex"] == sex]
    found = {}
    for name in ("age_years", "height_cm", "weight_kg"):
        for among in (own, people):
            values = among[name].to_numpy(dtype=np.float64, na_value=np.nan)
            values = values[np.isfinite(values)]
            found[name] = float(values.mean()) if len(values) else float("nan")
            if len(values):
                break
    return found


def person(
    fit: MuscleFit,
    *,
    sex: str | None = None,
    right: float = 0.5,
    nondominant: float = 0.5,
    **known: float | Floats,
) -> dict[str, Floats]:
    """Return the covariates of a typical person, for a model's `value_at`.

    The body of the sample is worked out anew each time: for many places along a
    covariate give them all at once.

    Parameters
    ----------
    fit : MuscleFit
        The sample.
    sex : {"male", "female"}, optional
        Whose mean body size is taken.
    right, nondominant : float, default: 0.5
        Side; 0.5 is half-way between the sides.
    **known : float or ndarray of float64, shape (n,)
        ``age_years``, ``height_cm``, ``weight_kg``, ``bmi`` in place of the mean.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        All covariates; n is 1 where all that is known are numbers.
    """
    values: dict[str, float | Floats] = {**body_of(fit, sex), **known}
    values.setdefault("bmi", values["weight_kg"] / (values["height_cm"] / 100) ** 2)
    male = {"male": 1.0, "female": 0.0}.get(sex or "", float("nan"))
    values |= {
        "sex_male": male,
        "side_right": right,
        "side_nondominant": nondominant,
    }
    arrays = np.broadcast_arrays(*(np.atleast_1d(values[n]) for n in COVARIATES))
    return {
        name: np.array(array, dtype=np.float64)
        for name, array in zip(COVARIATES, arrays, strict=True)
    }


def first_covariate(fit: MuscleFit) -> str:
    """Return what values are shown along: age, or what differs; empty for nothing."""
    x = covariates_of_rows(fit.rows)
    wanted = ("age_years", *fit.model.covariates, "height_cm", "weight_kg", "bmi")
    for name in wanted:
        if name in BINARY:
            continue
        values = x[name][np.isfinite(x[name])]
        if len(values) and np.ptp(values) > 0:
            return name
    return ""


def linear_estimate(fit: MuscleFit) -> tuple[Floats, Estimate] | None:
    """Return design and estimate of a linear model, made again from its rows.

    The model of a reference set does not hold the variance within subjects.
    ``None`` for another kind of model.
    """
    from napari_muscle_us.reference.fitting.estimate import estimate

    model = fit.model
    if not isinstance(model, LinearModel):
        return None
    x = covariates_of_rows(fit.rows)
    design = design_matrix(model.terms, x, rows=len(fit.rows))
    found = estimate(
        fit.rows["shown"].to_numpy(dtype=np.float64),
        design,
        fit.rows["subject"].to_numpy(dtype=object),
        method="ols" if fit.n_values == fit.n_subjects else "mixed",
    )
    return design, found


def subject_residuals(fit: MuscleFit) -> SubjectResiduals | None:
    """Return one residual a subject; ``None`` for a model that is not linear."""
    from napari_muscle_us.reference.fitting._subject_residuals import by_subject

    made = linear_estimate(fit)
    return None if made is None else by_subject(fit.rows, *made)


def varying(fit: MuscleFit) -> tuple[str, ...]:
    """Return the covariates that differ among the subjects, in their order.

    Where all write with the same hand, dominance is nothing else than side.
    """
    x = covariates_of_rows(fit.rows)
    if fit.rows["handedness"].nunique() < 2:
        del x["side_nondominant"]
    found = []
    for name, values in x.items():
        told = values[np.isfinite(values)]
        if len(told) and np.ptp(told) > 0:
            found.append(name)
    return tuple(found)


def formula_of(fit: MuscleFit) -> str:
    """Return the formula of a model in words, or what stands for it."""
    formula = getattr(fit.model, "formula", None)
    if formula is not None:
        return formula_words(formula)
    names = covariates_of([dict.fromkeys(fit.model.covariates, 1)])
    return "smooth curves of " + ", ".join(COVARIATE_WORDS[name] for name in names)
