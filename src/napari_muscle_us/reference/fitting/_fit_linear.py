"""A linear model of one muscle, with all that speaks for and against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._fit_set import limits_of_people
from napari_muscle_us.reference.fitting.estimate import RANK_LIMIT, estimate
from napari_muscle_us.reference.fitting.fit_types import MuscleFit
from napari_muscle_us.reference.fitting.selection import (
    SEARCH_WORDS,
    SELECTION_WORDS,
    tries_all,
)
from napari_muscle_us.reference.formula import (
    covariates_of,
    design_matrix,
    format_formula,
    parse_formula,
)
from napari_muscle_us.reference.kinds.linear import LinearModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.fitting.controls import Controls
    from napari_muscle_us.reference.fitting.estimate import Estimate, Method
    from napari_muscle_us.reference.fitting.fit_types import (
        Candidate,
        FitOptions,
        LeaveOneOut,
    )
    from napari_muscle_us.reference.kinds.linear import BoxCox

    Floats = npt.NDArray[np.float64]

GOOD_SUBJECTS_A_COEFFICIENT: Final = 10
"""Subjects for each coefficient below which a fit says that they are few."""


def linear_fit(
    controls: Controls,
    shown: Floats,
    scale: BoxCox | None,
    formula: str,
    candidates: tuple[Candidate, ...],
    options: FitOptions,
) -> MuscleFit:
    """Return the linear model of one muscle with a formula, and all about it.

    Parameters
    ----------
    controls : Controls
        People and values.
    shown : ndarray of float64, shape (rows,)
        Values on the scale of the model.
    scale : BoxCox, optional
        That scale.
    formula : str
        Formula with an intercept.
    candidates : tuple of Candidate
        How it was chosen; empty when it was not.
    options : FitOptions
        All the rest.

    Returns
    -------
    MuscleFit
        Ready to use.

    Raises
    ------
    ReferenceSetError
        If the formula cannot be estimated.
    """
    from napari_muscle_us.reference.fitting.diagnostics import diagnose
    from napari_muscle_us.reference.fitting.leave_one_out import (
        check_left_out,
        left_out_z,
    )
    from napari_muscle_us.reference.fitting.limit_error import limit_error

    terms = parse_formula(formula)
    design = design_matrix(terms, controls.x, rows=len(shown))
    _check_rank(design, terms, controls.muscle)
    method: Method = "ols" if len(shown) == controls.n_subjects else "mixed"
    fitted = estimate(shown, design, controls.subjects, method=method)
    model = _model(controls, formula, fitted, scale, options)
    predicted = design @ fitted.coefficients
    rows = controls.rows.assign(
        shown=shown,
        fitted=predicted,
        residual=shown - predicted,
        standardised=(shown - predicted) / np.sqrt(fitted.residual_variance),
        z=model.evaluate(controls.x, controls.values).z,
        z_left_out=left_out_z(
            shown, design, controls.subjects, method=method, sd=options.sd
        ),
    )
    centre = {name: np.array([value]) for name, value in model.centre.items()}
    freedom = _left_freedom(controls.n_subjects, fitted, options)
    left_out = check_left_out(rows, degrees_of_freedom=freedom)
    return MuscleFit(
        model=model,
        rows=rows,
        n_subjects=controls.n_subjects,
        n_values=len(rows),
        options=options,
        candidates=candidates,
        diagnostics=diagnose(rows, design, fitted),
        limit_error=limit_error(
            fitted,
            controls.n_subjects,
            unit=_unit_shown(controls.unit, scale),
            centre_row=design_matrix(terms, centre, rows=1)[0],
        ),
        left_out=left_out,
        warnings=(*controls.warnings, *_few(controls, len(terms)), *_doubts(left_out)),
    )


def _left_freedom(n: int, fitted: Estimate, options: FitOptions) -> float | None:
    """Return the degrees of freedom of a model without one subject; see `sd`."""
    if options.sd != "prediction":
        return None
    between = n - len(fitted.coefficients)
    return fitted.degrees_of_freedom * (between - 1) / between


def _check_rank(design: Floats, terms: Sequence[dict[str, int]], muscle: str) -> None:
    """Refuse a term that is a combination of those before it, by name."""
    length = np.linalg.norm(design, axis=0)
    left = np.abs(np.diag(np.linalg.qr(design / np.where(length > 0, length, 1))[1]))
    for term, part in zip(terms, left, strict=False):
        if part < RANK_LIMIT:
            raise ReferenceSetError(
                f"The term {format_formula([term])} is a combination of the others "
                f"among the subjects of {muscle}, so that its effect cannot be told; "
                "take it out."
            )


def _model(
    controls: Controls,
    formula: str,
    fitted: Estimate,
    scale: BoxCox | None,
    options: FitOptions,
) -> LinearModel:
    covariates = covariates_of(parse_formula(formula))
    spread = (fitted.covariance + fitted.covariance.T) / 2
    return LinearModel(
        kind="linear",
        muscle=controls.muscle,
        measure=controls.measure,
        unit=controls.unit,
        n=controls.n_subjects,
        limits=limits_of_people(controls.rows, covariates),
        centre=controls.centre(covariates),
        sexes=controls.only_sex,
        observation="mean of a person's values"
        if controls.averaged
        else "single value",
        remark=_remark(controls, fitted, options),
        formula=formula,
        coefficients=tuple(fitted.coefficients.tolist()),
        covariance=tuple(map(tuple, spread.tolist())),
        residual_variance=fitted.residual_variance,
        degrees_of_freedom=fitted.degrees_of_freedom,
        sd=options.sd,
        transform=scale,
        max_leverage=float(fitted.leverage.max()),
        values=None if fitted.method == "ols" else len(controls.values),
    )


def _remark(controls: Controls, fitted: Estimate, options: FitOptions) -> str:
    """Return how the model was made, for its readers."""
    if options.formula is not None or options.selection == "none":
        said = [f"The formula is {SELECTION_WORDS['none']}."]
    else:
        how = SEARCH_WORDS[tries_all(options, n_subjects=controls.n_subjects)]
        said = [f"Formula by {SELECTION_WORDS[options.selection]}; {how}."]
    if fitted.method == "mixed":
        within = np.sqrt(fitted.within_variance)
        between = np.sqrt(fitted.residual_variance - fitted.within_variance)
        said.append(
            f"Mixed model with a random intercept for each subject (restricted maximum "
            f"likelihood): SD between subjects {between:.4g}, between the sides of a "
            f"subject {within:.4g}, which is no error of measurement. Degrees of "
            "freedom after Satterthwaite, with only a part of what repeats add in "
            "small samples."
        )
    else:
        said.append("Ordinary least squares, one value a subject.")
    said += [w for w in controls.warnings if "hold for" in w]
    return " ".join(said)


def _unit_shown(unit: str, scale: BoxCox | None) -> str:
    if scale is None:
        return unit
    if scale.power == 0:
        return f"ln({unit})"
    return f"{unit} on the Box–Cox scale λ = {scale.power:g}"


def _few(controls: Controls, coefficients: int) -> list[str]:
    wanted = GOOD_SUBJECTS_A_COEFFICIENT * coefficients
    if controls.n_subjects >= wanted:
        return []
    return [
        f"{controls.n_subjects} subjects are few for the {coefficients} coefficients "
        f"of {controls.muscle}; {wanted} or more are sensible."
    ]


def _doubts(left_out: LeaveOneOut) -> list[str]:
    return [] if left_out.passed else [left_out.words]
