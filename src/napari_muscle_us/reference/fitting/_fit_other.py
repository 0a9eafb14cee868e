"""LMS curves and quantile regression of one muscle, with all that speaks of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._fit_linear import linear_fit
from napari_muscle_us.reference.fitting._fit_set import limits_of_people
from napari_muscle_us.reference.fitting.fit_types import LeaveOneOut

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.controls import Controls
    from napari_muscle_us.reference.fitting.fit_types import (
        Candidate,
        FitOptions,
        MuscleFit,
    )
    from napari_muscle_us.reference.kinds.any_model import AnyModel

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[int, int], None]
    Cancelled = Callable[[], bool]
    Fit = Callable[[pd.DataFrame], tuple[AnyModel, Floats]]

MOST_LOST: Final = 0.05
"""Part of the controls who may have no left-out Z; beyond, nothing is checked."""

_BESIDE: Final = (
    "Diagnostics and the error of the limits are those of a linear model of {muscle} "
    "({formula}) beside this one; left-out Z are of {folds} folds of the subjects."
)


def curves_of(
    controls: Controls,
    options: FitOptions,
    progress: Progress,
    cancelled: Cancelled | None,
) -> MuscleFit | None:
    """Return LMS curves of one muscle; ``None`` when it was cancelled.

    Parameters
    ----------
    controls : Controls
        One value a subject.
    options : FitOptions
        How it is fitted.
    progress, cancelled : callable
        As of `napari_muscle_us.reference.fitting.fit.fit_reference`.

    Raises
    ------
    ReferenceSetError
        If no curves can be fitted.
    """
    from napari_muscle_us.reference.fitting.fit_lms import fit_lms

    def fit(rows: pd.DataFrame) -> tuple[AnyModel, Floats]:
        return fit_lms(
            rows,
            options=options,
            muscle=controls.muscle,
            measure=controls.measure,
            unit=controls.unit,
            observation=controls.observation,
        )

    terms = "1 + age_years + age_years^2"
    if "sex_male" in options.candidates:
        terms += " + sex_male"
    return _told(controls, options, fit, terms, (), progress, cancelled)


def quantiles_of(
    controls: Controls,
    options: FitOptions,
    formula: str,
    candidates: tuple[Candidate, ...],
    progress: Progress,
    cancelled: Cancelled | None,
) -> MuscleFit | None:
    """Return quantile regression of one muscle; ``None`` when it was cancelled.

    Parameters
    ----------
    controls : Controls
        One value a subject.
    options : FitOptions
        How it is fitted.
    formula : str
        Formula of each quantile.
    candidates : tuple of Candidate
        How the formula was chosen.
    progress, cancelled : callable
        As of `napari_muscle_us.reference.fitting.fit.fit_reference`.

    Raises
    ------
    ReferenceSetError
        If it cannot be fitted.
    """
    from napari_muscle_us.reference.fitting.fit_quantiles import fit_quantiles

    def fit(rows: pd.DataFrame) -> tuple[AnyModel, Floats]:
        return fit_quantiles(
            rows,
            formula,
            muscle=controls.muscle,
            measure=controls.measure,
            unit=controls.unit,
            observation=controls.observation,
        )

    return _told(controls, options, fit, formula, candidates, progress, cancelled)


def _told(
    controls: Controls,
    options: FitOptions,
    fit: Fit,
    formula: str,
    candidates: tuple[Candidate, ...],
    progress: Progress,
    cancelled: Cancelled | None,
) -> MuscleFit | None:
    from napari_muscle_us.reference.fitting.leave_one_out import check_left_out

    model, _ = fit(controls.rows)
    model = model.model_copy(
        update={
            "limits": model.limits or limits_of_people(controls.rows, model.covariates),
            "centre": model.centre or controls.centre(model.covariates),
            "sexes": controls.only_sex,
        }
    )
    left_out = _left_out(controls, options, fit, progress, cancelled)
    if left_out is None:
        return None
    beside = linear_fit(controls, controls.values, None, formula, candidates, options)
    found = model.evaluate(controls.x, controls.values)
    rows = beside.rows.assign(
        fitted=found.predicted,
        residual=controls.values - found.predicted,
        standardised=found.z,
        z=found.z,
        z_left_out=left_out,
    )
    said = _BESIDE.format(
        muscle=controls.muscle, formula=formula, folds=_folds(controls, options)
    )
    checked = check_left_out(rows)
    lost = int(np.isnan(left_out).sum())
    if lost > MOST_LOST * len(left_out):
        checked = _unchecked(controls.muscle, lost, len(left_out))
    doubts = () if checked.passed else (checked.words,)
    return replace(
        beside,
        model=model,
        rows=rows,
        left_out=checked,
        warnings=(*controls.warnings, said, *doubts),
    )


def _unchecked(muscle: str, lost: int, of: int) -> LeaveOneOut:
    """Return the check where too many have no Z, who are not just any."""
    nan = float("nan")
    words = (
        f"{lost} of {of} controls of {muscle} have no left-out Z, since they are "
        "beyond what the model without them reaches; mean and SD of the others say "
        "nothing of the model, so it is not checked."
    )
    return LeaveOneOut(nan, nan, nan, of - lost, (), passed=False, words=words)


def _folds(controls: Controls, options: FitOptions) -> int:
    return min(options.folds, controls.n_subjects)


def _left_out(
    controls: Controls,
    options: FitOptions,
    fit: Fit,
    progress: Progress,
    cancelled: Cancelled | None,
) -> Floats | None:
    """Return Z of each value against a model of the other folds' subjects."""
    folds = _folds(controls, options)
    order = np.random.default_rng(options.seed).permutation(controls.n_subjects)
    by_data = np.lexsort((controls.values, controls.x["age_years"]))
    fold = np.empty(controls.n_subjects, np.int64)
    fold[by_data[order]] = np.arange(controls.n_subjects) % folds
    z = np.full(controls.n_subjects, np.nan)
    for number in range(folds):
        if cancelled is not None and cancelled():
            return None
        out = fold == number
        try:
            model, _ = fit(controls.rows[~out].reset_index(drop=True))
            x = {name: values[out] for name, values in controls.x.items()}
            z[out] = model.evaluate(x, controls.values[out]).z
        except ReferenceSetError:
            # Too few are left without them; NaN says so.
            continue
        finally:
            progress(number + 1, folds)
    return z
