"""Choice of a formula: against refits one by one, and R's likelihood."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._mixed import groups_of
from napari_muscle_us.reference.fitting._selection_scores import Akaike, CrossValidation
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.fitting.selection import (
    pool_of,
    select_formula,
    tries_all,
)
from napari_muscle_us.reference.formula import design_matrix, parse_formula

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "mixed_models.json").read_text()
)


def people(n=120, *, seed=1):
    rng = np.random.default_rng(seed)
    male = rng.integers(0, 2, n).astype(float)
    height = 168 + 12 * male + rng.normal(0, 7, n)
    weight = 24 * (height / 100) ** 2 + rng.normal(0, 9, n)
    return {
        "age_years": rng.uniform(18, 80, n),
        "sex_male": male,
        "height_cm": height,
        "weight_kg": weight,
        "bmi": weight / (height / 100) ** 2,
    }


def values(x, *, seed=2, sd=6.0):
    noise = np.random.default_rng(seed).normal(0, sd, len(x["age_years"]))
    return 60 - 0.6 * x["age_years"] + 0.012 * x["age_years"] ** 2 + noise


def chosen(found):
    (taken,) = [candidate for candidate in found if candidate.chosen]
    return taken


def by_hand(shown, x, folds, formula):
    """Return square errors of left-out people, refitting with the raw design."""
    design = design_matrix(parse_formula(formula), x, rows=len(shown))
    errors = np.empty(len(shown))
    for fold in range(folds.max() + 1):
        out = folds == fold
        b = np.linalg.lstsq(design[~out], shown[~out], rcond=None)[0]
        errors[out] = (shown[out] - design[out] @ b) ** 2
    return errors


def test_cross_validated_error_is_that_of_refits():
    x = people(60)
    shown = values(x)
    options = FitOptions(folds=60)
    found = select_formula(shown, x, np.arange(60), options=options)
    for candidate in found[::17]:
        errors = by_hand(shown, x, np.arange(60), candidate.formula)
        assert_allclose(candidate.score, np.sqrt(errors.mean()), rtol=1e-7)
        assert candidate.coefficients == len(parse_formula(candidate.formula))


def test_choice_is_the_smallest_within_one_standard_error():
    x = people(60)
    shown = values(x, sd=9)
    found = select_formula(shown, x, np.arange(60), options=FitOptions(folds=60))
    each = [by_hand(shown, x, np.arange(60), c.formula) for c in found]
    assert [e.mean() for e in each] == sorted(e.mean() for e in each)
    worse = [e - each[0] for e in each]
    close = [
        candidate
        for candidate, more in zip(found, worse, strict=True)
        if more.mean() <= more.std(ddof=1) / np.sqrt(60)
    ]
    expected = min(close, key=lambda c: (c.coefficients, c.score))
    assert chosen(found) == expected
    assert expected.coefficients < found[0].coefficients


def test_true_formula_is_found_with_many_subjects():
    x = people(600)
    for rule in ("cv", "aicc"):
        options = FitOptions(selection=rule)
        found = select_formula(values(x), x, np.arange(600), options=options)
        terms = parse_formula(chosen(found).formula)
        assert {"age_years": 2} in terms, rule
        if rule == "cv":
            assert terms == parse_formula("1 + age_years + age_years^2")


def test_noise_gives_the_intercept_mostly():
    x = people(100)
    plain = 0
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(60, 8, 100)
        found = select_formula(noise, x, np.arange(100), options=FitOptions())
        plain += chosen(found).formula == "1"
    assert plain >= 12


def test_aicc_is_that_of_r():
    shown = np.array(GOLDEN["mtcars"]["mpg"])
    columns = [np.ones(32), GOLDEN["mtcars"]["wt"], GOLDEN["mtcars"]["hp"]]
    scorer = Akaike(shown, np.column_stack(columns), groups_of(np.arange(32)))
    told = GOLDEN["mtcars"]["minus_2_log_likelihood"]
    score, _ = scorer.score((0, 1, 2))
    assert_allclose(score, told + 2 * 4 + 2 * 4 * 5 / (32 - 5), rtol=1e-10)


def test_aicc_of_a_mixed_model_is_that_of_r_with_subjects_as_n():
    keep = np.ones(108, dtype=bool)
    keep[np.array(GOLDEN["dropped"]) - 1] = False
    data = {name: np.array(v)[keep] for name, v in GOLDEN["data"].items()}
    columns = np.column_stack([np.ones(keep.sum()), data["age"], data["male"]])
    scorer = Akaike(data["distance"], columns, groups_of(data["subject"]))
    told = GOLDEN["unbalanced_ml"]["minus_2_log_likelihood"]
    score, _ = scorer.score((0, 1, 2))
    assert_allclose(score, told + 2 * 5 + 2 * 5 * 6 / (27 - 6), rtol=1e-8)


@pytest.mark.parametrize("interactions", [False, True], ids=["plain", "products"])
def test_all_hierarchical_formulas_are_tried_once(interactions):
    options = FitOptions(
        candidates=("age_years", "height_cm", "sex_male"),
        max_power=2,
        interactions=interactions,
    )
    x = people(200)
    found = select_formula(values(x), x, np.arange(200), options=options)
    tried = {c.formula for c in found}
    assert len(tried) == len(found)
    expected = 0
    for age, height, sex in product(range(3), range(3), range(2)):
        inside = (age > 0) + (height > 0) + (sex > 0)
        expected += 2 ** (inside * (inside - 1) // 2 if interactions else 0)
    assert len(found) == expected
    for candidate in found:
        terms = parse_formula(candidate.formula)
        for term in terms:
            for name, power in term.items():
                assert power == 1 or {name: power - 1} in terms
                assert len(term) == 1 or {name: 1} in terms


def test_many_candidates_are_added_one_by_one():
    x = people(300)
    options = FitOptions(max_power=3, interactions=True)
    assert not tries_all(options, n_subjects=300)
    assert tries_all(FitOptions(), n_subjects=300)
    found = select_formula(values(x), x, np.arange(300), options=options)
    assert {"age_years": 2} in parse_formula(chosen(found).formula)
    sizes = {c.coefficients for c in found}
    assert sizes == set(range(1, len(pool_of(options)) + 2))
    # Of one size, each is the best of the size before with one term more.
    best = min((c for c in found if c.coefficients == 4), key=lambda c: c.score)
    before = parse_formula(best.formula)
    for candidate in found:
        if candidate.coefficients == 5:
            assert all(t in parse_formula(candidate.formula) for t in before)


def test_sides_are_no_subjects():
    x = people(80)
    shown = values(x)
    double = {name: np.repeat(v, 2) for name, v in x.items()}
    for rule in ("cv", "aicc"):
        options = FitOptions(selection=rule)
        single = select_formula(shown, x, np.arange(80), options=options)
        both = select_formula(
            np.repeat(shown, 2), double, np.repeat(np.arange(80), 2), options=options
        )
        assert [c.formula for c in both[:20]] == [c.formula for c in single[:20]]
        assert_allclose([c.score for c in both], [c.score for c in single], rtol=1e-8)
        assert chosen(both).formula == chosen(single).formula


def test_subjects_are_never_split_over_folds():
    rng = np.random.default_rng(3)
    own = rng.normal(0, 20, 40)
    subjects = np.repeat(np.arange(40), 2)
    shown = 60 + np.repeat(own, 2) + rng.normal(0, 1, 80)
    columns = np.column_stack([np.ones(80), np.repeat(rng.normal(size=(40, 1)), 2)])
    means = shown.reshape(40, 2).mean(axis=1)
    loo = [np.delete(means, n).mean() for n in range(40)]
    whole = CrossValidation(
        shown, columns, groups_of(subjects), folds=40, seed=0, mains=[0, 1]
    ).score((0,))[1]
    expected = ((shown.reshape(40, 2) - np.array(loo)[:, None]) ** 2).mean(axis=1)
    assert_allclose(whole, expected, rtol=1e-9)


@pytest.mark.parametrize("rule", ["cv", "aicc"])
def test_order_labels_and_shift_do_not_matter(rule):
    rng = np.random.default_rng(7)
    x = {name: np.repeat(v, 2) for name, v in people(60).items()}
    shown = np.repeat(values(people(60)), 2) + rng.normal(0, 3, 120)
    subjects = np.repeat(np.arange(60), 2)
    options = FitOptions(selection=rule)
    found = select_formula(shown, x, subjects, options=options)
    order, labels = rng.permutation(120), rng.permutation(60).astype(str)
    moved = select_formula(
        5 + shown[order],
        {name: v[order] for name, v in x.items()},
        labels[subjects[order]],
        options=options,
    )
    assert [c.formula for c in moved] == [c.formula for c in found]
    assert chosen(moved).formula == chosen(found).formula
    assert_allclose([c.score for c in moved], [c.score for c in found], rtol=1e-6)


def test_few_subjects_allow_few_coefficients():
    x = people(16)
    found = select_formula(values(x), x, np.arange(16), options=FitOptions())
    assert max(c.coefficients for c in found) == 3


def test_what_cannot_be_told_apart_is_said():
    x = people(60)
    x["bmi"] = 2 * x["weight_kg"]
    found = select_formula(values(x), x, np.arange(60), options=FitOptions())
    both = [c for c in found if "weight_kg" in c.formula and "bmi" in c.formula]
    assert both
    for candidate in both:
        assert np.isnan(candidate.score)
        assert "combination" in candidate.note
        assert not candidate.chosen
    assert chosen(found).note == ""


def test_nothing_to_choose_from_is_refused():
    x = people(60)
    with pytest.raises(ReferenceSetError, match="No formula"):
        select_formula(
            np.full(60, np.nan), x, np.arange(60), options=FitOptions(folds=5)
        )


def test_progress_ends_at_all_and_cancel_stops():
    x = people(60)
    told = []
    select_formula(
        values(x),
        x,
        np.arange(60),
        options=FitOptions(),
        progress=lambda done, of: told.append((done, of)),
    )
    assert told[-1] == (162, 162)
    assert told == sorted(told)
    asked = iter([False, False, True])
    stopped = select_formula(
        values(x),
        x,
        np.arange(60),
        options=FitOptions(),
        cancelled=lambda: next(asked),
    )
    assert stopped is None
    assert next(asked, None) is None
