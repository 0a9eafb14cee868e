"""How fast a formula is chosen, and reference values are fitted.

``pytest benchmarks/test_fit_benchmarks.py`` prints the times. Nothing fails by time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_muscle_us.reference.fitting.estimate import estimate
from napari_muscle_us.reference.fitting.fit import fit_reference
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.fitting.selection import pool_of, select_formula
from napari_muscle_us.reference.formula import (
    COVARIATES,
    design_matrix,
    format_formula,
    parse_formula,
)

SUBJECTS = 500


def controls() -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Return values of both sides of 500 people, all covariates, and the subjects."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(SUBJECTS), 2)
    height, weight = rng.normal(172, 9, SUBJECTS), rng.normal(76, 12, SUBJECTS)
    x = {
        "age_years": rng.uniform(18, 85, SUBJECTS)[person],
        "sex_male": rng.integers(0, 2, SUBJECTS)[person].astype(float),
        "height_cm": height[person],
        "weight_kg": weight[person],
        "bmi": (weight / (height / 100) ** 2)[person],
        "side_right": np.tile([0.0, 1.0], SUBJECTS),
        "side_nondominant": rng.permuted(
            np.tile([0.0, 1.0], (SUBJECTS, 1)), axis=1
        ).ravel(),
    }
    assert tuple(x) == COVARIATES
    shown = 45 + 0.004 * x["age_years"] ** 2 - 4 * x["sex_male"]
    shown = shown + rng.normal(0, 6, SUBJECTS)[person] + rng.normal(0, 3, len(person))
    return shown, x, person


# Ten and more terms: all 648 formulas of the seven covariates with squares (11 terms),
# and, step by step, those with cubes and products (36 terms).
OPTIONS = {
    "cv, one side": FitOptions(candidates=COVARIATES[:5]),
    "cv, all formulas": FitOptions(candidates=COVARIATES),
    "cv, step by step": FitOptions(
        candidates=COVARIATES, max_power=3, interactions=True
    ),
    "aicc, all formulas": FitOptions(candidates=COVARIATES, selection="aicc"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_selection(benchmark, name):
    shown, x, subjects = controls()
    if "one side" in name:
        shown, subjects = shown[::2], subjects[::2]
        x = {key: values[::2] for key, values in x.items()}
    found = benchmark.pedantic(
        select_formula,
        (shown, x, subjects),
        {"options": OPTIONS[name]},
        rounds=3,
        warmup_rounds=1,
    )
    benchmark.extra_info["formulas"] = len(found)
    benchmark.extra_info["terms"] = len(pool_of(OPTIONS[name]))


def test_selection_by_refitting(benchmark):
    """The plain way, beside it: each formula refitted in each fold, one side."""
    shown, x, subjects = controls()
    shown, x = shown[::2], {key: values[::2] for key, values in x.items()}
    options = OPTIONS["cv, one side"]
    formulas = [
        candidate.formula
        for candidate in select_formula(shown, x, subjects[::2], options=options)
    ]
    fold = np.arange(SUBJECTS) % 10

    def refit() -> float:
        best = np.inf
        for formula in formulas:
            design = design_matrix(parse_formula(formula), x, rows=SUBJECTS)
            errors = np.empty(SUBJECTS)
            for number in range(10):
                out = fold == number
                found = estimate(
                    shown[~out], design[~out], np.flatnonzero(~out), method="ols"
                )
                errors[out] = (shown[out] - design[out] @ found.coefficients) ** 2
            best = min(best, float(errors.mean()))
        return best

    assert benchmark.pedantic(refit, rounds=1) < np.inf


def test_fit_with_all_diagnostics(benchmark):
    shown, x, person = controls()
    people = pd.DataFrame(
        {
            "subject": person.astype(str),
            "muscle": "Biceps brachii",
            "side": np.where(x["side_right"] == 1, "right", "left"),
            "value": shown,
            "sex": np.where(x["sex_male"] == 1, "male", "female"),
            "handedness": "right",
            **{name: x[name] for name in ("age_years", "height_cm", "weight_kg")},
        }
    )
    fit = benchmark.pedantic(fit_reference, (people,), rounds=2, warmup_rounds=1)
    assert format_formula(parse_formula(fit.muscles[0].model.formula))


def test_mixed_model(benchmark):
    shown, x, subjects = controls()
    design = design_matrix(
        parse_formula("1 + age_years + age_years^2 + sex_male"), x, rows=len(shown)
    )
    found = benchmark(estimate, shown, design, subjects, method="mixed")
    assert found.degrees_of_freedom == SUBJECTS - 4
