"""Left-out Z is that of a real refit; the check finds what is wrong along age."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.estimate import estimate
from napari_muscle_us.reference.fitting.leave_one_out import check_left_out, left_out_z

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "reference_diagnostics.json").read_text(
        encoding="utf-8"
    )
)


def refitted(shown, design, subjects, *, method, sd="prediction"):
    """Return left-out Z the long way: one fit a subject."""
    z = np.full(len(shown), np.nan)
    for one in np.unique(subjects):
        out = subjects == one
        found = estimate(shown[~out], design[~out], subjects[~out], method=method)
        x = design[out]
        variance = np.full(out.sum(), found.residual_variance)
        if sd == "prediction":
            variance += np.einsum("ij,jk,ik->i", x, found.covariance, x)
        z[out] = (shown[out] - x @ found.coefficients) / np.sqrt(variance)
    return z


def controls(seed, n, *, most=1, share=0.5):
    """Return values, design with a side, and subjects in mixed order."""
    rng = np.random.default_rng(seed)
    of = rng.permutation(np.repeat(np.arange(n), rng.integers(1, most + 1, n)))
    age, height = rng.uniform(20, 80, n)[of], rng.normal(170, 9, n)[of]
    side = rng.integers(0, 2, len(of))
    design = np.column_stack([np.ones(len(of)), age, age**2, height])
    if most > 1:
        design = np.column_stack([design, side])
    scatter = np.sqrt(share) * rng.normal(size=n)[of]
    scatter += np.sqrt(1 - share) * rng.normal(size=len(of))
    return 50 + 0.3 * age + 2 * side + 7 * scatter, design, of


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(7, 25),
    sd=st.sampled_from(["prediction", "residual"]),
)
def test_least_squares_without_a_subject_is_the_refit(seed, n, sd):
    shown, design, of = controls(seed, n)
    z = left_out_z(shown, design, of, method="ols", sd=sd)
    assert_allclose(z, refitted(shown, design, of, method="ols", sd=sd), rtol=1e-7)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(12, 25),
    most=st.integers(2, 3),
    share=st.sampled_from([0, 0.3, 0.8, 0.99]),
    sd=st.sampled_from(["prediction", "residual"]),
)
def test_a_mixed_model_without_a_subject_is_the_refit(seed, n, most, share, sd):
    shown, design, of = controls(seed, n, most=most, share=share)
    # Else the variance within subjects rests on one, or is told by the side.
    assume(np.sum(np.bincount(of) > 1) >= 5)
    z = left_out_z(shown, design, of, method="mixed", sd=sd)
    # Where the likelihood is flat, the variance ratio is known to 1e-7 or so.
    true = refitted(shown, design, of, method="mixed", sd=sd)
    assert_allclose(z, true, rtol=1e-5, atol=1e-6)


def test_a_mixed_model_without_a_child_is_that_of_nlme():
    data = GOLDEN["orthodont"]["data"]
    design = np.column_stack([np.ones(102), data["age"], data["female"]])
    z = left_out_z(data["distance"], design, data["subject"], method="mixed")
    assert_allclose(z, GOLDEN["orthodont"]["z_left_out"], atol=2e-6)


def test_several_values_of_a_subject_go_together_in_least_squares():
    shown, design, of = controls(3, 15, most=3)
    z = left_out_z(shown, design, of, method="ols")
    for one in range(15):
        out = of == one
        # As if the kept values were of as many subjects.
        found = estimate(shown[~out], design[~out], np.arange(sum(~out)), method="ols")
        x = design[out]
        spread = np.einsum("ij,jk,ik->i", x, found.covariance, x)
        sd = np.sqrt(found.residual_variance + spread)
        assert_allclose(z[out], (shown[out] - x @ found.coefficients) / sd, rtol=1e-8)


def test_one_value_a_subject_is_the_studentised_residual_of_r():
    data = GOLDEN["mtcars"]["data"]
    design = np.column_stack([np.ones(32), data["wt"], data["hp"]])
    for method in ("ols", "mixed"):
        z = left_out_z(data["mpg"], design, np.arange(32), method=method)
        assert_allclose(z, GOLDEN["mtcars"]["rstudent"], rtol=1e-8)


@pytest.mark.parametrize("method", ["ols", "mixed"])
def test_the_only_woman_has_no_left_out_z(method):
    shown, design, of = controls(5, 20, most=2)
    female = (of == 7).astype(float)
    z = left_out_z(shown, np.column_stack([design, female]), of, method=method)
    assert (np.isnan(z) == (of == 7)).all()
    kept = of != 7
    alone = left_out_z(shown[kept], design[kept], of[kept], method=method)
    assert_allclose(z[kept], alone, rtol=1e-5, atol=1e-6)


def test_copies_of_one_value_count_once():
    once, design, of = controls(1, 20)
    z = left_out_z(
        np.repeat(once, 2),
        np.repeat(design, 2, axis=0),
        np.repeat(of, 2),
        method="mixed",
    )
    expected = left_out_z(once, design, of, method="ols")
    assert_allclose(z, np.repeat(expected, 2), rtol=1e-8)


@pytest.mark.parametrize("apart", [1e-1, 1e-3, 1e-4])
def test_values_that_hardly_differ_have_the_z_of_a_refit(apart):
    rng = np.random.default_rng(3)
    once, design, _ = controls(1, 20)
    of = np.repeat(np.arange(20), rng.integers(1, 4, 20))
    shown = once[of] + apart * rng.normal(size=len(of))
    z = left_out_z(shown, design[of], of, method="mixed")
    true = refitted(shown, design[of], of, method="mixed")
    assert_allclose(z, true, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("sides", [1, 2])
def test_a_fit_is_checked_with_the_degrees_of_freedom_of_one_subject_less(sides):
    from napari_muscle_us.reference.fitting.fit import fit_reference
    from napari_muscle_us.reference.fitting.fit_types import FitOptions

    shown, design, of = controls(4, 30)
    rows = pd.DataFrame({"subject": of, "value": shown, "age_years": design[:, 1]})
    rows = pd.concat(
        [
            rows.assign(
                side=side,
                muscle="Masseter",
                value=shown + np.random.default_rng(seed).normal(0, 3, 30),
            )
            for seed, side in enumerate(["left", "right"][:sides])
        ]
    )
    fit = fit_reference(rows, options=FitOptions(formula="1 + age_years")).muscles[0]
    freedom = fit.model.degrees_of_freedom
    assert (freedom == 28) == (sides == 1)
    check = check_left_out(fit.rows, degrees_of_freedom=freedom * 27 / 28)
    assert fit.left_out.words == check.words
    assert fit.left_out.coverage == check.coverage


@pytest.mark.parametrize("apart", [1e-2, 1e-4, 1e-6])
def test_sides_that_hardly_differ_have_the_z_of_their_mean(apart):
    once, design, of = controls(1, 20)
    sides = np.repeat(once, 2) + apart * np.random.default_rng(1).normal(size=40)
    z = left_out_z(
        sides, np.repeat(design, 2, axis=0), np.repeat(of, 2), method="mixed"
    )
    expected = left_out_z(once, design, of, method="ols")
    assert_allclose(z, np.repeat(expected, 2), atol=apart)


def test_too_few_left_give_no_z():
    shown, design, of = controls(2, 4)
    assert np.isnan(left_out_z(shown, design, of, method="ols")).all()


def test_values_that_do_not_fit_together_are_refused():
    with pytest.raises(ReferenceSetError, match="3 values, 2 rows of covariates and 3"):
        left_out_z([1.0, 2, 3], np.ones((2, 1)), [1, 2, 3], method="ols")
    with pytest.raises(ReferenceSetError, match="missing or not finite"):
        left_out_z([1.0, np.nan, 3], np.ones((3, 1)), [1, 2, 3], method="ols")


def rows_of(z, age, subject=None):
    """Return rows as of a fit."""
    subject = np.arange(len(z)) if subject is None else subject
    return pd.DataFrame({"subject": subject, "age_years": age, "z_left_out": z})


def test_mean_and_sd_of_one_value_a_subject_are_the_usual_ones():
    rng = np.random.default_rng(0)
    z, age = rng.normal(size=90), rng.permutation(np.linspace(18, 80, 90))
    check = check_left_out(rows_of(z, age))
    assert (check.mean, check.sd) == pytest.approx((z.mean(), z.std(ddof=1)))
    assert check.coverage == pytest.approx(100 * np.mean(np.abs(z) < 1.959964))
    order = np.argsort(age)
    assert len(check.bands) == 5
    for band, part in zip(check.bands, np.split(order, 5), strict=True):
        assert (band.n, band.low, band.high) == (18, age[part].min(), age[part].max())
        assert band.mean == pytest.approx(z[part].mean())
        assert band.sd == pytest.approx(z[part].std(ddof=1))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_sd_of_sides_is_1_whatever_their_correlation(share):
    rng = np.random.default_rng(2)
    squares = []
    for _ in range(1500):
        of = np.repeat(np.arange(20), rng.integers(1, 4, 20))
        z = np.sqrt(share) * rng.normal(size=20)[of]
        z += np.sqrt(1 - share) * rng.normal(size=len(of))
        squares.append(check_left_out(rows_of(z, np.full(len(of), 50.0), of)).sd ** 2)
    error = np.std(squares) / np.sqrt(len(squares))
    assert abs(np.mean(squares) - 1) < 4 * error


def test_sound_models_fail_in_no_more_than_the_stated_share():
    rng = np.random.default_rng(3)
    age = np.linspace(20, 80, 75)
    failed = [
        not check_left_out(rows_of(rng.normal(size=75), age)).passed for _ in range(600)
    ]
    # Mean and SD over all, 1 % each, and 1 % for all bands together.
    assert np.mean(failed) < 0.03 + 4 * np.sqrt(0.03 * 0.97 / 600)
    assert np.mean(failed) > 0


def test_a_wrong_curve_passes_overall_and_fails_along_age():
    rng = np.random.default_rng(4)
    age = rng.uniform(20, 80, 150)
    shown = 50 + 0.02 * (age - 50) ** 2 + 6 * rng.normal(size=150)
    z = {
        power: left_out_z(
            shown, np.vander(age, power + 1), np.arange(150), method="ols"
        )
        for power in (1, 2)
    }
    wrong, right = (check_left_out(rows_of(z[power], age)) for power in (1, 2))
    assert right.passed
    assert "All 5 age bands are within their limits" in right.words
    assert abs(wrong.mean) < 0.1
    # Too low in the middle, too high at the ends.
    assert [band.mean > 0 for band in wrong.bands[::2]] == [True, False, True]
    assert not any(band.passed for band in wrong.bands[::2])
    assert not wrong.passed
    assert f"to {wrong.bands[0].high:g} years (30 people) mean" in wrong.words


def test_too_much_scatter_fails():
    rng = np.random.default_rng(5)
    z, age = rng.normal(size=100), np.linspace(20, 80, 100)
    z = (z - z.mean()) / z.std(ddof=1)
    assert check_left_out(rows_of(z, age)).passed
    check = check_left_out(rows_of(1.3 * z, age))
    assert not check.passed
    assert "outside its 99 % limits" in check.words
    limits = np.sqrt(stats.chi2.ppf([0.005, 0.995], 99) / 99)
    for edge, inward in zip(limits, (1.001, 0.999), strict=True):
        assert not check_left_out(rows_of(z * edge / inward, np.nan)).passed
        assert check_left_out(rows_of(z * edge * inward, np.nan)).passed


def test_degrees_of_freedom_widen_the_interval_and_the_expected_sd():
    z = stats.t.ppf((np.arange(40) + 0.5) / 40, 6)
    rows = rows_of(z, np.full(40, 50.0))
    plain, exact = check_left_out(rows), check_left_out(rows, degrees_of_freedom=6)
    assert plain.coverage == pytest.approx(100 * np.mean(np.abs(z) < 1.96))
    assert exact.coverage == pytest.approx(95)
    assert "0 and 1.22 are expected" in exact.words
    assert "0 and 1.00 are expected" in plain.words


def test_people_of_one_age_share_a_band():
    rng = np.random.default_rng(6)
    age = np.repeat([20.0, 30, 40, 50], [14, 26, 17, 20])
    bands = check_left_out(rows_of(rng.normal(size=77), age)).bands
    assert [(band.low, band.high, band.n) for band in bands] == [
        (20, 30, 40),
        (40, 40, 17),
        (50, 50, 20),
    ]


def test_values_without_z_and_ages_not_known_are_told_or_left_out_of_bands():
    rng = np.random.default_rng(7)
    z, age = rng.normal(size=60), rng.uniform(20, 80, 60)
    z[:3], age[3:13] = np.nan, np.nan
    check = check_left_out(rows_of(z, age))
    assert check.n == 57
    assert sum(band.n for band in check.bands) == 47
    assert "3 values have none" in check.words
    few = check_left_out(rows_of(z[:20], age[:20]))
    assert few.bands == ()
    assert "Below 30 people age bands are too small" in few.words


@pytest.mark.parametrize("n", [0, 1])
def test_nobody_left_is_not_passed(n):
    check = check_left_out(rows_of(np.array([0.5] * n + [np.nan]), 50.0))
    assert not check.passed
    assert np.isnan([check.mean, check.sd]).all()
    assert f"{n} controls have a Z" in check.words
