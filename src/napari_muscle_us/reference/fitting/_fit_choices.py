"""Whether the options of a fit go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.fit_types import (
    Kind,
    Repeated,
    Scale,
    Selection,
)
from napari_muscle_us.reference.formula import (
    COVARIATES,
    MAX_POWER,
    covariates_of,
    parse_formula,
)

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import FitOptions

_CHOICES: Final = {
    "selection": get_args(Selection),
    "repeated": get_args(Repeated),
    "scale": get_args(Scale),
    "kind": get_args(Kind),
    "sd": ("prediction", "residual"),
}


def check_options(options: FitOptions) -> None:
    """Refuse options that make no fit.

    Raises
    ------
    ReferenceSetError
        If a candidate, power, number of folds or formula is not possible, or one is
        told that the kind of the model does not use.
    """
    for field, allowed in _CHOICES.items():
        told = getattr(options, field)
        if told not in allowed:
            raise ReferenceSetError(
                f"{str(told)[:40]!r} is no choice for {field}; use "
                f"{', '.join(allowed)}."
            )
    _check_candidates(options)
    _check_numbers(options)
    _check_kind(options)
    if options.formula is not None and {} not in parse_formula(options.formula):
        raise ReferenceSetError(
            f"The formula {options.formula[:60]!r} has no intercept; begin it with 1 +."
        )
    sided = [name for name in needed_covariates(options) if name.startswith("side_")]
    if sided and options.repeated != "mixed":
        raise ReferenceSetError(
            f"{sided[0]} needs both sides of a person as they are; use a mixed model, "
            "or take it out."
        )


def _check_candidates(options: FitOptions) -> None:
    for name in options.candidates:
        if name not in COVARIATES:
            raise ReferenceSetError(
                f"{name[:60]!r} is not a covariate; use {', '.join(COVARIATES)}."
            )
    if len(set(options.candidates)) != len(options.candidates):
        raise ReferenceSetError("A candidate is named twice; name each once.")


def _check_numbers(options: FitOptions) -> None:
    for field in ("max_power", "folds", "seed"):
        number = getattr(options, field)
        # True and 2.0 are whole numbers to Python.
        if type(number) is not int:
            raise ReferenceSetError(
                f"{str(number)[:40]!r} is no choice for {field}; give a whole number."
            )
    if not 1 <= options.max_power <= MAX_POWER:
        raise ReferenceSetError(
            f"The highest power {options.max_power} is not possible; it may be 1 to "
            f"{MAX_POWER}."
        )
    if options.folds < 2:
        raise ReferenceSetError(
            f"{options.folds} folds are no cross-validation; take 2 or more."
        )
    if options.seed < 0:
        raise ReferenceSetError(
            f"The seed {options.seed} is below 0; take 0 or a whole number above."
        )


def _check_kind(options: FitOptions) -> None:
    if options.kind == "linear":
        return
    if options.scale != "none":
        raise ReferenceSetError(
            f"A model of the kind {options.kind} works on the values as they are; use "
            "scale 'none'."
        )
    if options.sd != "prediction":
        raise ReferenceSetError(
            f"A model of the kind {options.kind} has no residual SD; use sd "
            "'prediction', or a linear model."
        )
    if options.kind == "lms" and options.formula is not None:
        raise ReferenceSetError(
            "LMS curves run along age and have no formula; leave the formula out, or "
            "take another kind of model."
        )


def needed_covariates(options: FitOptions) -> tuple[str, ...]:
    """Return the covariates that must be known of each person.

    LMS curves are along age, of both sexes or of each.
    """
    if options.kind == "lms":
        sexed = "sex_male" in options.candidates
        return ("age_years", "sex_male") if sexed else ("age_years",)
    if options.formula is not None:
        return covariates_of(parse_formula(options.formula))
    return tuple(name for name in COVARIATES if name in options.candidates)
