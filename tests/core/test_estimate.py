"""Linear models of controls: R's numbers, statsmodels', simulations, invariances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr, stdtrit

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._mixed import Likelihood, groups_of
from napari_muscle_us.reference.fitting.estimate import estimate

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "mixed_models.json").read_text()
)


def orthodont(*, dropped=False):
    data = {name: np.array(values) for name, values in GOLDEN["data"].items()}
    keep = np.ones(len(data["age"]), dtype=bool)
    if dropped:
        keep[np.array(GOLDEN["dropped"]) - 1] = False
    return {name: values[keep] for name, values in data.items()}


def design_of(data, *, product=False):
    columns = [np.ones(len(data["age"])), data["age"], data["male"]]
    return np.column_stack(columns + [data["age"] * data["male"]] * product)


def cars():
    data = {name: np.array(v) for name, v in GOLDEN["mtcars"].items() if name != "hat"}
    return data["mpg"], np.column_stack([np.ones(32), data["wt"], data["hp"]])


def sides(n=40, *, seed=0, between=6.0, within=3.0):
    """Return values, design and subjects of n people with two sides each."""
    rng = np.random.default_rng(seed)
    age, male = rng.uniform(20, 80, n), rng.integers(0, 2, n)
    one = np.column_stack([np.ones(n), age, age**2, male])
    design, subjects = np.repeat(one, 2, axis=0), np.repeat(np.arange(n), 2)
    common = one @ [50, -0.2, 0.006, -5] + rng.normal(0, between, n)
    return np.repeat(common, 2) + rng.normal(0, within, 2 * n), design, subjects


def same(first, second, *, rtol=1e-9):
    for name in ("coefficients", "covariance", "leverage"):
        told = getattr(first, name)
        assert_allclose(
            getattr(second, name), told, rtol=rtol, atol=rtol * np.abs(told).max()
        )
    for name in ("residual_variance", "within_variance", "degrees_of_freedom"):
        assert_allclose(getattr(second, name), getattr(first, name), rtol=rtol)
    assert first.method == second.method


def freedom_the_long_way(design, subjects, share):
    """Return degrees of freedom from the information matrix, with whole matrices."""
    n, p = len(np.unique(subjects)), design.shape[1]
    changes = [(subjects[:, None] == subjects).astype(float), np.eye(len(subjects))]
    inverse = np.linalg.inv((1 - share) * changes[0] + share * changes[1])
    covariance = np.linalg.inv(design.T @ inverse @ design)
    half = inverse @ design @ covariance
    projected = inverse - half @ design.T @ inverse
    each = [projected @ change for change in changes]
    information = [[np.trace(a @ b) / 2 for b in each] for a in each]

    def mean_spread(matrix):
        return np.mean(np.einsum("ij,jk,ik->i", design, matrix, design))

    slope = [1 + mean_spread(half.T @ change @ half) for change in changes]
    variance = slope @ np.linalg.solve(information, slope)
    plain = 2 * (1 + mean_spread(covariance)) ** 2 / variance
    return n - p + (plain - (n - p)) * (n - p) / (n - p + 8)


def test_least_squares_are_those_of_r():
    shown, design = cars()
    found = estimate(shown, design, np.arange(32), method="ols")
    # R 4.2.2: lm(mpg ~ wt + hp, mtcars).
    assert_allclose(
        found.coefficients,
        [37.2272701164472, -3.8778307424047, -0.0317729469822],
        rtol=1e-10,
    )
    assert_allclose(found.covariance[0, 1], -0.7359451464185, rtol=1e-9)
    assert_allclose(found.covariance[2, 2], 8.15356568302e-05, rtol=1e-9)
    assert_allclose(np.sqrt(found.residual_variance), 2.59341177723, rtol=1e-10)
    assert found.degrees_of_freedom == 29
    assert_allclose(found.leverage, GOLDEN["mtcars"]["hat"], rtol=1e-10)
    assert np.isnan(found.within_variance)
    row = np.array([1, 3, 120])
    sd = np.sqrt(row @ found.covariance @ row + found.residual_variance)
    assert_allclose((25 - row @ found.coefficients) / sd, 1.2193361229, rtol=1e-9)


def test_least_squares_are_those_of_statsmodels_with_age_cubed():
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(4)
    age = rng.uniform(18, 80, 90)
    design = np.column_stack([age**power for power in range(4)])
    shown = 40 + 0.002 * age**2 + rng.normal(0, 6, 90)
    found = estimate(shown, design, np.arange(90), method="ols")
    # Scaled for them: what they invert is near singular else.
    scale = np.linalg.norm(design, axis=0)
    theirs = OLS(shown, design / scale).fit(method="qr")
    assert_allclose(found.coefficients, theirs.params / scale, rtol=1e-8)
    covariance = theirs.cov_params() / scale / scale[:, None]
    assert_allclose(found.covariance, covariance, rtol=1e-7)
    assert_allclose(found.residual_variance, theirs.mse_resid, rtol=1e-10)


@pytest.mark.parametrize(
    ("key", "dropped"),
    [("whole", False), ("unbalanced", True), ("unbalanced_lmer", True)],
    ids=["lme, balanced", "lme, unbalanced", "lmer, unbalanced"],
)
def test_mixed_model_is_that_of_r(key, dropped):
    rtol = 1e-6
    data = orthodont(dropped=dropped)
    design = design_of(data, product=dropped)
    found = estimate(data["distance"], design, data["subject"], method="mixed")
    told = GOLDEN[key]
    assert_allclose(found.coefficients, told["coefficients"], rtol=rtol)
    assert_allclose(found.covariance, told["covariance"], rtol=rtol, atol=1e-12)
    assert_allclose(found.within_variance, told["within"], rtol=rtol)
    between = found.residual_variance - found.within_variance
    assert_allclose(between, told["between"], rtol=rtol)
    share = found.within_variance / found.residual_variance
    freedom = freedom_the_long_way(design, data["subject"], share)
    assert_allclose(found.degrees_of_freedom, freedom, rtol=1e-9)
    assert 27 - design.shape[1] < freedom < len(design) - design.shape[1]
    assert found.method == "mixed"


def test_boundary_is_that_of_r_and_warns_of_nothing():
    data = orthodont()
    shown, design = np.array(GOLDEN["boundary_distance"]), design_of(data)
    found = estimate(shown, design, data["subject"], method="mixed")
    told = GOLDEN["boundary_lmer"]
    assert_allclose(found.coefficients, told["coefficients"], rtol=1e-8)
    assert_allclose(found.covariance, told["covariance"], rtol=1e-8, atol=1e-15)
    assert_allclose(found.within_variance, told["within"], rtol=1e-8)
    assert found.within_variance == found.residual_variance
    freedom = freedom_the_long_way(design, data["subject"], 1.0)
    assert_allclose(found.degrees_of_freedom, freedom, rtol=1e-9)


def test_likelihood_is_that_of_r_and_its_slope_is_its_own():
    data = orthodont(dropped=True)
    basis = np.linalg.qr(design_of(data))[0]
    groups = groups_of(data["subject"])
    curve = Likelihood(data["distance"], basis, groups, restricted=False)
    value, slope = curve(curve.correlation())
    told = GOLDEN["unbalanced_ml"]["minus_2_log_likelihood"]
    assert_allclose(value, told, rtol=1e-9)
    assert abs(slope) < 1e-9
    for restricted in (True, False):
        curve = Likelihood(data["distance"], basis, groups, restricted=restricted)
        for rho in (0.05, 0.5, 0.9):
            change = (curve(rho + 1e-6)[0] - curve(rho - 1e-6)[0]) / 2e-6
            assert_allclose(curve(rho)[1], change, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("start", [1.0, 0.5, 4.0], ids="from {} times".format)
@pytest.mark.parametrize("case", ["children", "fewer values", "sides"])
def test_mixed_model_is_that_of_statsmodels(case, start):
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    if case == "sides":
        shown, design, subjects = (each[3:] for each in sides(30, seed=5))
    else:
        data = orthodont(dropped=case != "children")
        design = design_of(data, product=case != "children")
        shown, subjects = data["distance"], data["subject"]
    found = estimate(shown, design, subjects, method="mixed")
    scale = np.linalg.norm(design, axis=0)
    between = found.residual_variance - found.within_variance
    begin = MixedLMParams.from_components(
        fe_params=found.coefficients * scale,
        cov_re=np.array([[start * between / found.within_variance]]),
    )
    model = MixedLM(shown, design / scale, groups=subjects)
    # From our maximum it does not move; from elsewhere it comes back to it.
    theirs = model.fit(reml=True, start_params=begin, method=["bfgs"], gtol=1e-8)
    assert_allclose(theirs.fe_params / scale, found.coefficients, rtol=1e-6)
    assert_allclose(theirs.scale, found.within_variance, rtol=1e-6)
    assert_allclose(theirs.cov_re[0, 0], between, rtol=1e-6)


def test_covariance_is_that_of_generalised_least_squares():
    from statsmodels.regression.linear_model import GLS

    # As R has it: that of MixedLM is from its whole Hessian, with terms that are 0 but
    # in expectation only.
    data = orthodont(dropped=True)
    shown, design = data["distance"], design_of(data, product=True)
    found = estimate(shown, design, data["subject"], method="mixed")
    same_one = data["subject"][:, None] == data["subject"]
    between = found.residual_variance - found.within_variance
    sigma = between * same_one + found.within_variance * np.eye(len(shown))
    theirs = GLS(shown, design, sigma=sigma / found.residual_variance).fit()
    assert_allclose(theirs.params, found.coefficients, rtol=1e-10)
    assert_allclose(theirs.cov_params(), found.covariance, rtol=1e-9)
    assert_allclose(theirs.scale, found.residual_variance, rtol=1e-10)


@given(exponent=st.floats(-12, 0), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_sides_however_alike_have_the_model_of_their_means(exponent, seed):
    once, design, subjects = sides(25, within=0, seed=seed)
    apart = 10**exponent * np.random.default_rng(seed).normal(size=25)
    shown = once + np.ravel(np.column_stack([apart, -apart]))
    double = estimate(shown, design, subjects, method="mixed")
    single = estimate(once[::2], design[::2], subjects[::2], method="ols")
    # Of two sides each, all is known in closed form.
    within = 2 * np.sum(apart**2) / 25
    assert_allclose(double.coefficients, single.coefficients, rtol=1e-7)
    assert_allclose(
        double.covariance,
        single.covariance,
        rtol=1e-7,
        atol=1e-9 * np.abs(single.covariance).max(),
    )
    assert_allclose(
        double.residual_variance, single.residual_variance + within / 2, rtol=1e-7
    )
    if double.within_variance > 0:
        assert_allclose(double.within_variance, within, rtol=1e-4)
    else:
        assert within < 1e-9 * single.residual_variance
    ratio = within / double.residual_variance
    assert 21 <= double.degrees_of_freedom <= 21 + 25 * ratio + 1e-6


@pytest.mark.parametrize("apart", [1e-2, 1e-3, 1e-4, 1e-6, 1e-9])
def test_two_or_three_values_however_alike_count_once(apart):
    rng = np.random.default_rng(2)
    one, design, _ = sides(25, within=0)
    of = np.repeat(np.arange(25), rng.integers(2, 4, 25))
    shown, design = one[::2][of] + apart * rng.normal(size=len(of)), design[::2][of]
    found = estimate(shown, design, of, method="mixed")
    groups = groups_of(of)
    means = groups.means(np.column_stack([design, shown]))
    single = estimate(means[:, -1], means[:, :-1], np.arange(25), method="ols")
    rtol = 10 * apart**2 / single.residual_variance + 1e-7
    assert_allclose(found.residual_variance, single.residual_variance, rtol=rtol)
    sd, told = (np.sqrt(np.diag(each.covariance)) for each in (single, found))
    assert_allclose(told, sd, rtol=rtol)
    assert_allclose(found.degrees_of_freedom, 21, atol=1e-3)


def test_two_equal_sides_count_once():
    shown, design, subjects = sides(25, within=0)
    single = estimate(shown[::2], design[::2], subjects[::2], method="ols")
    double = estimate(shown, design, subjects, method="mixed")
    assert_allclose(double.coefficients, single.coefficients, rtol=1e-10)
    assert_allclose(double.covariance, single.covariance, rtol=1e-10)
    assert_allclose(double.residual_variance, single.residual_variance, rtol=1e-10)
    assert double.degrees_of_freedom == single.degrees_of_freedom
    assert double.within_variance == 0


def test_side_is_told_within_subjects():
    # Right sides are 3 brighter: with σ_b far above σ_w only pairs can show it so well.
    shown, design, subjects = sides(40, between=20, within=1)
    right = np.tile([0.0, 1.0], 40)
    found = estimate(
        shown + 3 * right, np.column_stack([design, right]), subjects, method="mixed"
    )
    paired = (shown + 3 * right).reshape(40, 2) @ [-1, 1]
    assert_allclose(found.coefficients[-1], paired.mean(), rtol=1e-9)
    error = paired.std(ddof=1) / np.sqrt(40)
    assert_allclose(np.sqrt(found.covariance[-1, -1]), error, rtol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), uneven=st.booleans())
@settings(max_examples=15, deadline=None)
def test_order_labels_and_shifts_do_not_matter(seed, uneven):
    rng = np.random.default_rng(seed)
    shown, design, subjects = sides(15, seed=seed)
    if uneven:
        shown, design, subjects = shown[2:-3], design[2:-3], subjects[2:-3]
    found = estimate(shown, design, subjects, method="mixed")
    order = rng.permutation(len(shown))
    labels = np.array([f"C{n}" for n in rng.permutation(1000)[:15]])
    moved = estimate(
        10 + 2 * shown[order], design[order], labels[subjects[order]], method="mixed"
    )
    assert_allclose(
        moved.coefficients, 2 * found.coefficients + [10, 0, 0, 0], rtol=1e-6, atol=1e-6
    )
    assert_allclose(moved.residual_variance, 4 * found.residual_variance, rtol=1e-6)
    assert_allclose(moved.leverage, found.leverage[order], rtol=1e-6)


def test_without_repeats_a_mixed_model_is_least_squares():
    shown, design = cars()
    labels = np.array([f"C{n}" for n in range(32)])
    same(
        estimate(shown, design, labels, method="ols"),
        estimate(shown, design, labels, method="mixed"),
    )


def coverage(n, two, *, repeats):
    """Return how much 95 % intervals hold of new people, by both SD, and mean Z²."""
    rng = np.random.default_rng(n + two)
    truth, between, within = np.array([50, 0.2, -4]), 7.0, 3.5 * two
    total = np.hypot(between, within)
    told = []
    for _ in range(repeats):
        age, male = rng.uniform(20, 80, (2, n))
        design = np.column_stack([np.ones(n), age, male > 50])
        shown = design @ truth + rng.normal(0, between, n)
        subjects = np.arange(n)
        if two:
            shown = np.repeat(shown, 2) + rng.normal(0, within, 2 * n)
            design, subjects = np.repeat(design, 2, axis=0), np.repeat(subjects, 2)
        found = estimate(shown, design, subjects, method="mixed")
        new = np.column_stack([np.ones(50), rng.uniform(20, 80, 50), np.arange(50) % 2])
        off = new @ (found.coefficients - truth)
        plain = np.full(50, np.sqrt(found.residual_variance))
        spread = np.einsum("ij,jk,ik->i", new, found.covariance, new)
        sd = np.sqrt(plain**2 + spread)
        reach = stdtrit(found.degrees_of_freedom, 0.975) * sd
        inside = [
            np.mean(ndtr((off + h) / total) - ndtr((off - h) / total))
            for h in (reach, 1.96 * plain)
        ]
        squares = [np.mean((total**2 + off**2) / s**2) for s in (sd, plain)]
        freedom = found.degrees_of_freedom
        told.append([*inside, *squares, np.mean(-off / sd), freedom / (freedom - 2)])
    told = np.array(told)
    return told.mean(axis=0), told.std(axis=0) / np.sqrt(repeats)


@pytest.mark.parametrize("n", [20, 50, 150])
@pytest.mark.parametrize("two", [False, True], ids=["one side", "two sides"])
def test_new_people_have_the_z_that_is_promised(n, two):
    mean, error = coverage(n, two, repeats=250)
    # Prediction SD: coverage, the variance of Student's t, and mean 0.
    assert abs(mean[0] - 0.95) < 3.5 * error[0]
    assert abs(mean[2] - mean[5]) < 3.5 * error[2]
    assert abs(mean[4]) < 3 * error[4]
    # Plain SD: too few inside, too far out.
    if n <= 50:
        assert mean[1] < 0.95 - 3 * error[1]
        assert mean[3] > 1 + 3 * error[3]


@pytest.mark.parametrize(
    ("shown", "columns", "subjects", "method", "words"),
    [
        ([1.0, 2, 3], [1.0, 5, 2], [1, 2, 3], "ols", None),
        ([1.0, 2], [1.0, 5], [1, 2], "ols", "2 coefficients .* 2 subjects"),
        ([1.0, 2, 3, 5], [1.0, 5, 1, 5], [1, 1, 2, 2], "mixed", "from 2 subjects"),
        ([1.0, 2, 3, 5], [1.0, 5, 1, 5], [1, 2, 3, 3], "ols", "not independent"),
        ([1.0, 2, 3, 5], [2.0, 2, 2, 2], [1, 2, 3, 4], "ols", "combination"),
        ([1.0, 2, 3, 5], [0.0, 0, 0, 0], [1, 2, 3, 4], "ols", "0 for all subjects"),
        ([1.0, 2, 3, 4], [1.0, 2, 3, 4], [1, 2, 3, 4], "ols", "exactly"),
    ],
    ids=["fits", "few", "sides", "repeats", "constant", "zero", "exact"],
)
def test_what_cannot_be_estimated_is_refused(shown, columns, subjects, method, words):
    design = np.column_stack([np.ones(len(shown)), columns])
    arguments = (np.array(shown), design, np.array(subjects))
    if words is None:
        assert estimate(*arguments, method=method).degrees_of_freedom == 1
        return
    with pytest.raises(ReferenceSetError, match=words):
        estimate(*arguments, method=method)


def test_sides_that_differ_by_a_constant_are_refused():
    shown, design, subjects = sides(20, within=0)
    right = np.tile([0.0, 1.0], 20)
    with pytest.raises(ReferenceSetError, match="same amount"):
        estimate(
            shown + 2 * right,
            np.column_stack([design, right]),
            subjects,
            method="mixed",
        )
