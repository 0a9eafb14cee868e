"""Controls of a known model: new healthy people have mean 0, SD 1 and 95 % inside.

Thousands of samples are fitted at once by the closed form of balanced data, which is
shown to be what `estimate` and `LinearModel` tell. A figure agrees when it is within 4
standard errors over samples, each sample being one observation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri, stdtr, stdtrit

from napari_muscle_us.reference.fitting.estimate import estimate
from napari_muscle_us.reference.fitting.leave_one_out import check_left_out, left_out_z
from napari_muscle_us.reference.formula import design_matrix, parse_formula
from napari_muscle_us.reference.kinds.linear import LinearModel

FORMULA = "1 + age_years + sex_male + height_cm"
TERMS = parse_formula(FORMULA)
TRUE = np.array([25.0, 0.3, -5.0, 0.15])
SD = 8.0
SAMPLES = 4000
NEW = 10
SIZES = (20, 50, 150)


@dataclass(frozen=True)
class Samples:
    """Controls and new people of many samples, and the fits of the controls."""

    covariates: dict[str, np.ndarray]
    design: np.ndarray
    values: np.ndarray
    new_covariates: dict[str, np.ndarray]
    new_design: np.ndarray
    new_values: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    variance: np.ndarray
    freedom: np.ndarray

    def z(self, design, values, *, sd):
        """Return Z of people, (samples, people)."""
        out = values - np.einsum("sip,sp->si", design, self.coefficients)
        variance = self.variance[:, None]
        if sd == "prediction":
            variance = variance + np.einsum(
                "sip,spq,siq->si", design, self.covariance, design
            )
        return out / np.sqrt(variance)


def people(rng, samples, n):
    """Return covariates and design of people, as many women as men."""
    male = np.broadcast_to(np.arange(n) % 2.0, (samples, n))
    covariates = {
        "age_years": rng.uniform(20, 80, (samples, n)),
        "sex_male": male,
        "height_cm": 166 + 13 * male + 7 * rng.normal(size=(samples, n)),
    }
    flat = {name: values.ravel() for name, values in covariates.items()}
    design = design_matrix(TERMS, flat, rows=samples * n)
    return covariates, design.reshape(samples, n, len(TERMS))


def simulate(n, *, sides=1, share=1.0, samples=SAMPLES, seed=0):
    """Return samples of n controls; `share` of the variance lies between subjects."""
    rng = np.random.default_rng([seed, n, sides])
    covariates, design = people(rng, samples, n)
    own = SD * np.sqrt(share) * rng.normal(size=(samples, n, 1))
    values = (design @ TRUE)[..., None] + own
    values = values + SD * np.sqrt(1 - share) * rng.normal(size=(samples, n, sides))
    new_covariates, new_design = people(rng, samples, NEW)
    new_values = new_design @ TRUE + SD * rng.normal(size=(samples, NEW))
    fit = closed_form(design, values)
    return Samples(
        covariates, design, values, new_covariates, new_design, new_values, *fit
    )


def closed_form(design, values):
    """Return coefficients, covariance, variance of a value, degrees of freedom."""
    _, n, p = design.shape
    sides = values.shape[2]
    means = values.mean(axis=2)
    inverse = np.linalg.inv(design.transpose(0, 2, 1) @ design)
    coefficients = np.einsum("spq,siq,si->sp", inverse, design, means)
    left = means - np.einsum("sip,sp->si", design, coefficients)
    between = sides * np.sum(left**2, axis=1)
    within = np.sum((values - means[..., None]) ** 2, axis=(1, 2))
    of_mean = between / (n - p)
    of_side = within / (n * (sides - 1)) if sides > 1 else 0 * within
    # No negative variance between subjects: both are then estimated together.
    pooled = (between + within) / (n * sides - p)
    of_mean, of_side = np.where(of_mean < of_side, pooled, [of_mean, of_side])
    variance = (of_mean + (sides - 1) * of_side) / sides
    freedom = freedom_of_sum(n, p, of_mean, of_side, sides)
    covariance = inverse * (of_mean / sides)[:, None, None]
    # Of what sides add to subjects less coefficients, a part is counted.
    freedom = n - p + (freedom - (n - p)) * (n - p) / (n - p + 8)
    return coefficients, covariance, variance, freedom


def freedom_of_sum(n, p, of_mean, of_side, sides=2):
    """Return Satterthwaite's degrees of freedom of the mean variance of prediction."""
    of_mean, of_side = (1 + p / n) * of_mean, (sides - 1) * of_side
    # Without a second side nothing is within subjects.
    own = of_side**2 / (n * max(sides - 1, 1))
    return (of_mean + of_side) ** 2 / (of_mean**2 / (n - p) + own)


def told(samples, number, *, sd):
    """Return the estimate, and the model of a sample as the package makes it."""
    values, design = samples.values[number], samples.design[number]
    n, sides = values.shape
    of = np.repeat(np.arange(n), sides)
    found = estimate(values.ravel(), design[of], of, method="mixed")
    model = LinearModel(
        kind="linear",
        muscle="Biceps brachii",
        n=n,
        formula=FORMULA,
        coefficients=tuple(found.coefficients),
        covariance=tuple(map(tuple, found.covariance)),
        residual_variance=found.residual_variance,
        degrees_of_freedom=found.degrees_of_freedom,
        sd=sd,
        values=n * sides if sides > 1 else None,
    )
    return found, model


def agrees(observed, expected, *, error=4.0):
    """Return whether the mean of samples' means is as expected, but for chance."""
    means = np.mean(observed, axis=1)
    spread = means.std(ddof=1) / np.sqrt(len(means))
    return abs(means.mean() - expected) < error * spread


def is_standard(z, *, freedom=None):
    """Return whether Z has mean 0 and SD 1, and 95 % of it are in the interval.

    With degrees of freedom, one number or one a sample, Z follows Student's t, as the
    package's percentile says; it is the normal score of the percentile that has SD 1.
    """
    score, reach = z, 1.959964
    if freedom is not None:
        freedom = np.reshape(freedom, (-1, 1))
        score, reach = ndtri(stdtr(freedom, z)), stdtrit(freedom, 0.975)
    inside = np.abs(z) <= reach
    return agrees(score, 0), agrees(score**2, 1), agrees(inside, 0.95)


@pytest.mark.parametrize("sd", ["prediction", "residual"])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("n", SIZES)
def test_the_closed_form_is_what_the_package_tells(n, sides, sd):
    samples = simulate(n, sides=sides, share=0.3 if sides == 2 else 1.0, samples=12)
    z = samples.z(samples.new_design, samples.new_values, sd=sd)
    for number in range(12):
        found, model = told(samples, number, sd=sd)
        assert_allclose(found.coefficients, samples.coefficients[number], rtol=1e-6)
        assert_allclose(found.covariance, samples.covariance[number], rtol=1e-5)
        assert_allclose(found.residual_variance, samples.variance[number], rtol=1e-6)
        new = {name: x[number] for name, x in samples.new_covariates.items()}
        verdict = model.evaluate(new, samples.new_values[number])
        assert_allclose(verdict.z, z[number], rtol=1e-5)
        freedom = found.degrees_of_freedom
        assert_allclose(freedom, samples.freedom[number], rtol=1e-5)
        reach = stdtrit(freedom, 0.975) if sd == "prediction" else 1.959964
        inside = (verdict.low <= samples.new_values[number]) & (
            samples.new_values[number] <= verdict.high
        )
        assert (inside == (np.abs(z[number]) <= reach)).all()
        share = stdtr(freedom, z[number])
        if sd == "prediction":
            assert_allclose(verdict.percentile, 100 * share, rtol=1e-4)


@pytest.mark.parametrize("n", SIZES)
def test_new_people_have_mean_0_sd_1_and_95_percent_inside(n):
    samples = simulate(n)
    z = samples.z(samples.new_design, samples.new_values, sd="prediction")
    freedom = n - len(TERMS)
    assert is_standard(z, freedom=freedom) == (True, True, True)
    # Z itself is Student's t, whose variance is a little above 1.
    assert agrees(z**2, freedom / (freedom - 2))


@pytest.mark.parametrize("n", [20, 50])
def test_new_people_by_the_plain_sd_fail_that_test(n):
    samples = simulate(n)
    z = samples.z(samples.new_design, samples.new_values, sd="residual")
    mean, square, inside = is_standard(z)
    assert mean
    assert not square
    assert not inside
    assert np.mean(z**2) > 1.1
    assert np.mean(np.abs(z) <= 1.96) < 0.94


@pytest.mark.parametrize("n", [20, 50])
def test_own_z_of_controls_by_the_plain_sd_fails_that_test(n):
    samples = simulate(n)
    z = samples.z(samples.design, samples.values[..., 0], sd="residual")
    # Residuals are fitted: their squares add up to n − p, in every single sample.
    assert_allclose(np.mean(z**2, axis=1), (n - len(TERMS)) / n)
    assert not agrees(z**2, 1)
    assert not agrees(np.abs(z) <= 1.959964, 0.95)


@pytest.mark.parametrize("n", SIZES)
def test_left_out_z_of_controls_by_the_prediction_sd_passes_that_test(n):
    rounds = 400
    samples = simulate(n, samples=rounds, seed=1)
    z = np.array(
        [
            left_out_z(values[:, 0], design, np.arange(n), method="ols")
            for values, design in zip(samples.values, samples.design, strict=True)
        ]
    )
    freedom = n - 1 - len(TERMS)
    assert is_standard(z, freedom=freedom) == (True, True, True)
    assert agrees(z**2, freedom / (freedom - 2))
    plain = np.array(
        [
            left_out_z(values[:, 0], design, np.arange(n), method="ols", sd="residual")
            for values, design in zip(samples.values, samples.design, strict=True)
        ]
    )
    assert n > 50 or is_standard(plain) == (True, False, False)


ICC = (0.2, 0.5, 0.8, 0.9)


@pytest.mark.parametrize("share", ICC)
@pytest.mark.parametrize("n", SIZES)
def test_with_two_sides_new_people_have_mean_0_sd_1_and_95_percent_inside(n, share):
    samples = simulate(n, sides=2, share=share)
    z = samples.z(samples.new_design, samples.new_values, sd="prediction")
    assert is_standard(z, freedom=samples.freedom) == (True, True, True)


@pytest.mark.parametrize("share", ICC)
@pytest.mark.parametrize("n", [20, 50])
def test_with_two_sides_the_plain_sd_fails_that_test(n, share):
    samples = simulate(n, sides=2, share=share)
    z = samples.z(samples.new_design, samples.new_values, sd="residual")
    mean, square, inside = is_standard(z)
    assert mean
    assert not square
    assert not inside


@pytest.mark.parametrize("n", [20, 50])
def test_subjects_alone_count_too_few_degrees_of_freedom(n):
    # What Satterthwaite's are for: intervals need not be wider than they are right.
    samples = simulate(n, sides=2, share=0.2)
    z = samples.z(samples.new_design, samples.new_values, sd="prediction")
    ends = [stdtrit(f, 0.975) for f in (n - len(TERMS), samples.freedom[:, None])]
    wide, right = (np.mean(np.abs(z) <= end) for end in ends)
    assert 0.95 < right < wide
    assert (samples.freedom > n - len(TERMS)).all()
    assert (samples.freedom < 2 * n - len(TERMS)).all()


@pytest.mark.parametrize("sides", [2, 4])
def test_few_subjects_with_sides_are_never_too_sure(sides):
    n, p = 10, len(TERMS)
    samples = simulate(n, sides=sides, share=0.8, samples=20_000)
    z = samples.z(samples.new_design, samples.new_values, sd="prediction")
    inside = np.abs(z) <= stdtrit(samples.freedom[:, None], 0.975)
    assert agrees(inside, 0.95)
    # All that Satterthwaite counts would be too much.
    whole = n - p + (samples.freedom - (n - p)) * (n - p + 8) / (n - p)
    inside = np.mean(np.abs(z) <= stdtrit(whole[:, None], 0.975), axis=1)
    assert inside.mean() < 0.95


@pytest.mark.parametrize("n", SIZES)
def test_two_sides_that_share_nothing_are_never_too_sure(n):
    samples = simulate(n, sides=2, share=0.0)
    z = samples.z(samples.new_design, samples.new_values, sd="prediction")
    assert agrees(z, 0)
    # No variance between subjects is never estimated below 0: on the safe side.
    inside = np.abs(z) <= stdtrit(samples.freedom[:, None], 0.975)
    inside = np.mean(inside, axis=1)
    error = 4 * inside.std(ddof=1) / np.sqrt(SAMPLES)
    assert 0.95 - error < inside.mean() < 0.956 + error


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_sides_taken_for_people_are_too_sure(share):
    # What the mixed model is for: 40 values of 20 people are not 40 people.
    n, p = 20, len(TERMS)
    samples = simulate(n, sides=2, share=share)
    flat = np.repeat(samples.design, 2, axis=1)
    values = samples.values.reshape(SAMPLES, 2 * n, 1)
    naive = Samples(
        samples.covariates,
        flat,
        values,
        samples.new_covariates,
        samples.new_design,
        samples.new_values,
        *closed_form(flat, values),
    )
    z = naive.z(naive.new_design, naive.new_values, sd="prediction")
    score, square, inside = is_standard(z, freedom=2 * n - p)
    assert score
    assert not square
    assert not inside
    assert np.mean(np.abs(z) <= stdtrit(2 * n - p, 0.975)) < 0.95


def test_left_out_z_of_sides_has_mean_0_and_sd_1():
    n, rounds = 20, 150
    samples = simulate(n, sides=2, share=0.5, samples=rounds, seed=2)
    of = np.repeat(np.arange(n), 2)
    z = np.array(
        [
            left_out_z(values.ravel(), design[of], of, method="mixed")
            for values, design in zip(samples.values, samples.design, strict=True)
        ]
    )
    assert agrees(z, 0)
    true = freedom_of_sum(n - 1, len(TERMS), 1.5, 0.5)
    assert agrees(z**2, true / (true - 2))


@pytest.mark.parametrize("sides", [1, 2])
def test_sound_samples_pass_the_check_on_the_controls(sides):
    import pandas as pd

    n, rounds = 60, 80
    samples = simulate(n, sides=sides, share=0.7, samples=rounds, seed=3)
    of = np.repeat(np.arange(n), sides)
    passed, coverage = [], []
    for number in range(rounds):
        values, design = samples.values[number].ravel(), samples.design[number][of]
        z = left_out_z(values, design, of, method="mixed")
        age = samples.covariates["age_years"][number][of]
        rows = pd.DataFrame({"subject": of, "age_years": age, "z_left_out": z})
        part = (n - 1 - len(TERMS)) / (n - len(TERMS))
        freedom = samples.freedom[number] * part
        check = check_left_out(rows, degrees_of_freedom=freedom)
        passed.append(check.passed)
        coverage.append([check.coverage / 100])
    # 1 % each of mean, SD and bands.
    assert np.mean(passed) > 0.97 - 4 * np.sqrt(0.03 * 0.97 / rounds)
    assert agrees(coverage, 0.95)
