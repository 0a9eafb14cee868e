"""When a Z-score is refused, and when it is given with a warning in words.

`LOOKUP_RULES` is the whole list as a user reads it; the functions of this module and
of `napari_muscle_us.reference.device_rules` do what it says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference._rule_words import LOOKUP_RULES as LOOKUP_RULES
from napari_muscle_us.reference._rule_words import LookupRule as LookupRule
from napari_muscle_us.reference._rule_words import Severity as Severity
from napari_muscle_us.reference.formula import design_matrix
from napari_muscle_us.reference.kinds.base import rows_of
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.parts import Range
from napari_muscle_us.reference.subject import SIDES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.base import Floats
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import Limited, Sex, Span
    from napari_muscle_us.reference.subject import Subject

_WORDS: Final = {
    "age_years": ("Age", "years"),
    "height_cm": ("Height", "cm"),
    "weight_kg": ("Weight", "kg"),
    "bmi": ("Body-mass index", "kg/m²"),
}

_PEOPLE: Final = {
    "age_years": "age",
    "sex_male": "sex",
    "height_cm": "height",
    "weight_kg": "weight",
    "bmi": "body-mass index",
    "side_right": "side",
    "side_nondominant": "dominant side",
}

_SEX_WORDS: Final = {"female": "women", "male": "men"}

NO_LIMIT: Final = 1e6
"""A limit that no person reaches."""

_ROUNDING: Final = 1e-6
"""A person of the sample itself is not beyond it by a rounding error."""


def check_value(value: float, measure: str) -> None:
    """Refuse what is no value of a measure.

    Parameters
    ----------
    value : float
        Measured value.
    measure : str
        Key of the measure.

    Raises
    ------
    ReferenceSetError
        If it is not finite, or an echo intensity outside 0 … 255.
    """
    if math.isnan(value):
        raise ReferenceSetError(f"There is no value of {measure}; fill it in.")
    if measure == ECHO_INTENSITY and not 0 <= value <= 255:
        raise ReferenceSetError(
            f"Echo intensity {value:g} is no gray level; it must lie between 0 and 255."
        )
    if not math.isfinite(value):
        raise ReferenceSetError(
            f"The value {value:g} of {measure} is no number; measure again."
        )


def check_side(side: str) -> str:
    """Return a side as ``left``, ``right`` or ``""``, whatever its case.

    Raises
    ------
    ReferenceSetError
        If it is another word.
    """
    known = side.strip().casefold()
    if known and known not in SIDES:
        raise ReferenceSetError(
            f"Side {side!r} is not one that the reference models know; use 'left' or "
            "'right', or leave it out."
        )
    return known


def check_unit(model: AnyModel, unit: str) -> None:
    """Refuse a value that is stated in another unit than the model's.

    Raises
    ------
    ReferenceSetError
        If `unit` is not empty and another.
    """
    if unit.strip() and unit.strip() != model.unit:
        raise ReferenceSetError(
            f"The value is in {unit.strip()}, the reference values of {model.muscle} "
            f"in {model.unit}; use a set in {unit.strip()}, or measure in that unit."
        )


def limits_of(reference: ReferenceSet, model: AnyModel) -> Mapping[Limited, Range]:
    """Return the limits that hold for a model.

    Its own come before those of the set; without either, the range of the population
    warns.
    """
    people = reference.population
    told: dict[Limited, Span | None] = {
        "age_years": people.age_years,
        "height_cm": people.height_cm,
        "weight_kg": people.weight_kg,
    }
    implied: dict[Limited, Range] = {
        name: Range(
            warn=(span.low, span.high),
            refuse=(-NO_LIMIT, NO_LIMIT),
            basis="the range of the population",
        )
        for name, span in told.items()
        if span is not None and name not in reference.limits
    }
    return {**implied, **reference.limits, **model.limits}


def unlimited_caveats(reference: ReferenceSet, model: AnyModel) -> list[str]:
    """Return a caveat where nothing tells for whom a prediction is extrapolated.

    A linear model that states the largest leverage of its sample tells it; curves and
    tables tell it of what they run along. BMI is limited by height and weight.
    """
    if isinstance(model, LinearModel) and model.max_leverage is not None:
        return []
    limits = limits_of(reference, model)
    covered = {*limits, getattr(model, "covariate", "")}
    if covered >= {"height_cm", "weight_kg"}:
        covered.add("bmi")
    open_ended = [
        _PEOPLE[name]
        for name in model.covariates
        if name in _WORDS and name not in covered
    ]
    if not open_ended:
        return []
    return [
        f"The reference set {reference.name} states no range of "
        f"{' and '.join(open_ended)} for {model.muscle}, so nobody can tell whether "
        "the prediction is extrapolated."
    ]


def beyond_sentence(
    reference: ReferenceSet, name: Limited, limit: Range, value: float
) -> str:
    """Return why a covariate outside what the set allows is refused."""
    words, unit = _WORDS[name]
    return (
        f"{words} {value:g} {unit} is outside what the reference set "
        f"{reference.name} allows ({limit.refuse[0]:g}–{limit.refuse[1]:g} {unit}); "
        "use a set for this person."
    )


def outside_sentence(name: Limited, limit: Range, value: float) -> str:
    """Return the caveat about a covariate outside the sample's range."""
    words, unit = _WORDS[name]
    return (
        f"{words} {value:g} {unit} is outside {limit.warn[0]:g}–"
        f"{limit.warn[1]:g} {unit} ({limit.basis}); the prediction is extrapolated."
    )


def age_unknown_sentence(limit: Range) -> str:
    """Return the caveat about a person whose age is not known."""
    return (
        "The age is not known; these values hold for "
        f"{limit.warn[0]:g}–{limit.warn[1]:g} years only."
    )


def limit_caveats(
    reference: ReferenceSet, model: AnyModel, subject: Subject
) -> list[str]:
    """Return a sentence for each covariate outside the sample's range.

    Parameters
    ----------
    reference : ReferenceSet
        The set.
    model : LinearModel or another kind
        One of its models.
    subject : Subject
        The person. Of what is not known, only the age is said to be missing.

    Returns
    -------
    list of str
        Caveats.

    Raises
    ------
    ReferenceSetError
        If one is outside what the set allows.
    """
    warnings = []
    for name, limit in limits_of(reference, model).items():
        value = getattr(subject, name)
        if value is None:
            if name == "age_years":
                warnings.append(age_unknown_sentence(limit))
        elif not limit.refuse[0] <= value <= limit.refuse[1]:
            raise ReferenceSetError(beyond_sentence(reference, name, limit, value))
        elif not limit.warn[0] <= value <= limit.warn[1]:
            warnings.append(outside_sentence(name, limit, value))
    warnings += unlimited_caveats(reference, model)
    male = subject.known()["sex_male"]
    return warnings + [
        said for code, said in sex_sentences(reference, model) if _same(male, code)
    ]


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def sex_sentences(
    reference: ReferenceSet, model: AnyModel
) -> tuple[tuple[float, str], ...]:
    """Return the caveats about a person who is not of the only sex of the sample.

    Parameters
    ----------
    reference : ReferenceSet
        The set; where the model does not tell the sexes, the numbers of women and men
        of its population do.
    model : LinearModel or another kind
        One of its models.

    Returns
    -------
    tuple of (float, str)
        The covariate ``sex_male`` of such a person, NaN where it is not known, and the
        sentence; empty where both sexes were in the sample, or it is not told.
    """
    only = _only_sex(reference, model)
    if only is None:
        return ()
    who = _SEX_WORDS[only]
    return (
        (
            float(only == "female"),
            f"All people of the sample of {model.muscle} are {who}; the prediction is "
            "extrapolated.",
        ),
        (
            math.nan,
            f"The sex is not known; these values of {model.muscle} hold for {who} "
            "only.",
        ),
    )


def _only_sex(reference: ReferenceSet, model: AnyModel) -> Sex | None:
    if model.sexes:
        return model.sexes[0] if len(set(model.sexes)) == 1 else None
    people = reference.population
    if people.women and people.men == 0:
        return "female"
    return "male" if people.men and people.women == 0 else None


def leverage(model: AnyModel, x: Mapping[str, Floats]) -> Floats:
    r"""Return how far people are from the sample of a linear model.

    .. math:: h = x C x^\top / s^2

    with the covariance :math:`C` of the coefficients and the residual variance
    :math:`s^2`.

    Parameters
    ----------
    model : LinearModel or another kind
        For other kinds there is no leverage.
    x : mapping of str to ndarray of float64, shape (n,)
        Values of the covariates.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where there is none.

    References
    ----------
    Hoaglin DC, Welsch RE. The hat matrix in regression and ANOVA. Am Stat 1978;32:17.
    doi:10.1080/00031305.1978.10479237
    """
    rows = rows_of(x)
    if not isinstance(model, LinearModel):
        return np.full(rows, np.nan)
    design = design_matrix(model.terms, x, rows=rows)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = design @ np.array(model.covariance)
        found = np.einsum("ij,ij->i", spread, design) / model.residual_variance
    return np.asarray(found)


def largest_leverage(model: AnyModel) -> float:
    """Return the leverage above which nobody in the sample can have been.

    That of the sample where the model states it, else 1, which no point of a least
    squares fit exceeds. The usual limit 3 p / n is not used: in the built-in set it
    would warn of 2 % (a muscle up to 9 %) of ordinary adults.
    """
    stored = model.max_leverage if isinstance(model, LinearModel) else None
    return (1.0 if stored is None else stored) * (1 + _ROUNDING)


def leverage_sentence(model: AnyModel, found: float) -> str:
    """Return the caveat about a person whom few of the sample are like."""
    about = " and ".join(_PEOPLE[name] for name in model.covariates)
    return (
        f"The sample of {model.muscle} has few people like this one in {about} taken "
        f"together (leverage {found:.2g}, above {largest_leverage(model):.2g}); the "
        "prediction is extrapolated."
    )


def leverage_caveats(model: AnyModel, x: Mapping[str, Floats]) -> list[str]:
    """Return a caveat where few people of the sample are like this one."""
    (found,) = leverage(model, x)
    if not found > largest_leverage(model):
        return []
    return [leverage_sentence(model, found)]


def observation_caveats(model: AnyModel) -> list[str]:
    """Return a caveat where a value of the sample was a mean of several."""
    if model.observation == "single value":
        return []
    return [
        f"The reference values of {model.muscle} are of means of a person's values, "
        "which scatter less than one value; compare such a mean with them, or expect "
        "Z-scores too far from 0."
    ]
