"""Lines between two methods: published examples, R, definitions, simulations."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion import _passing_bablok, _resampling
from napari_muscle_us.reference.conversion.agreement import limits_of_agreement
from napari_muscle_us.reference.conversion.linearity import check_linearity
from napari_muscle_us.reference.conversion.method_comparison import (
    bootstrap_line,
    deming,
    passing_bablok,
    weighted_deming,
)

GOLDEN = Path(__file__).parents[1] / "golden"
PUBLISHED = json.loads((GOLDEN / "method_comparison.json").read_text("utf-8"))
EXAMPLES = PUBLISHED["examples"]
BY_R = json.loads((GOLDEN / "method_comparison_r.json").read_text("utf-8"))
TD41 = EXAMPLES["analyse-it-negative-intercept"]
PLAIN = {"deming": deming, "weighted-deming": weighted_deming}


def published(method):
    """Return the published results of a method, with an id each."""
    return [
        pytest.param(example, result, id=f"{name}-{place}")
        for name, example in EXAMPLES.items()
        for place, result in enumerate(example["results"])
        if result["method"] == method
    ]


@pytest.mark.parametrize(
    ("example", "result"), published("deming") + published("weighted-deming")
)
def test_published_deming_lines(example, result):
    # The other program's ratio is x over y; its own tolerance is 1e-5.
    line = PLAIN[result["method"]](
        example["x"], example["y"], ratio=1 / result["mcr_error_ratio"]
    )
    assert line.slope == pytest.approx(result["slope"], rel=1e-6)
    assert line.intercept == pytest.approx(result["intercept"], rel=1e-6)
    assert line.slope_interval == pytest.approx(result["slope_interval"], rel=1e-6)
    assert line.intercept_interval == pytest.approx(
        result["intercept_interval"], rel=2e-6
    )
    assert line.intervals == "jackknife"


@pytest.mark.parametrize(("example", "result"), published("passing-bablok"))
def test_published_passing_bablok_lines(example, result):
    x, y = (np.array(example[name], float) for name in ("x", "y"))
    line = passing_bablok(x, y, level=example.get("level", 0.95))
    # mcr takes the mean of angles where the median falls between two slopes.
    assert line.slope == pytest.approx(result["slope"], rel=1.2e-4)
    assert line.intercept == pytest.approx(result["intercept"], rel=3e-3)
    if "slope_interval" not in result:
        return
    # mcr and Calanas do not round the place of an end to a whole number, so that
    # theirs may be the neighbour of the slope that the rule of 1983 takes.
    slopes = np.unique(_passing_bablok.pair_slopes(x, y).slopes)
    for ours, theirs in zip(line.slope_interval, result["slope_interval"], strict=True):
        place = np.searchsorted(slopes, ours)
        near = slopes[max(place - 1, 0) : place + 2]
        assert near[0] - 1e-6 <= theirs <= near[-1] + 1e-6


def test_sens_example_to_the_last_digit():
    example = EXAMPLES["sen-1968"]
    line = passing_bablok(example["x"], example["y"], level=0.93)
    assert (line.slope, line.intercept) == (4.0, 6.0)
    assert line.slope_interval == (26 / 7, 35 / 8)


@pytest.mark.parametrize("name", BY_R)
def test_lines_by_their_definitions_in_r(name):
    x, y = EXAMPLES[name]["x"], EXAMPLES[name]["y"]
    for told in BY_R[name]["lines"]:
        for key, method in (("deming", deming), ("weighted", weighted_deming)):
            if key not in told:
                continue
            line = method(x, y, ratio=told["ratio"])
            assert (line.intercept, line.slope) == pytest.approx(told[key], rel=1e-10)
            np.testing.assert_allclose(line.covariance, told[f"{key}_cov"], rtol=1e-8)


@pytest.mark.parametrize("name", BY_R)
def test_passing_bablok_by_its_definition_in_r(name):
    example, told = EXAMPLES[name], BY_R[name]["paba"]
    x, y = (np.array(example[axis], float) for axis in ("x", "y"))
    found = _passing_bablok.pair_slopes(x, y)
    assert (len(found.slopes), found.offset) == (told["N"], told["K"])
    line = passing_bablok(x, y, level=example.get("level", 0.95))
    assert line.slope == pytest.approx(told["slope"], rel=1e-12)
    assert line.intercept == pytest.approx(told["intercept"], rel=1e-10)
    ends = [e for e in told["slope_interval"] if not isinstance(e, str)]
    if len(ends) == 2 and len(x) > 6:
        assert line.slope_interval == pytest.approx(ends, rel=1e-12)
        assert line.intercept_interval == pytest.approx(
            told["intercept_interval"], rel=1e-9
        )


def test_a_vertical_slope_counts_at_the_top_and_equal_pairs_not_at_all():
    # The last two are equal and have no slope between them.
    x = np.array([1.0, 1.0, 2.0, 2.0])
    y = np.array([1.0, 2.0, 4.0, 4.0])
    found = _passing_bablok.pair_slopes(x, y)
    assert found.slopes.tolist() == [2, 2, 3, 3, np.inf]
    assert passing_bablok(x, y).slope == 3


def test_a_slope_of_minus_one_does_not_count():
    x, y = np.array([0.0, 1.0, 5.0]), np.array([1.0, 0.0, 5.0])
    assert _passing_bablok.pair_slopes(x, y).slopes == pytest.approx([0.8, 1.25])


def test_exchanging_the_devices_inverts_the_line():
    x, y = np.array(TD41["x"]), np.array(TD41["y"])
    for ratio in (0.3, 1.0, 2.0):
        for method in (deming, weighted_deming):
            there, back = method(x, y, ratio=ratio), method(y, x, ratio=1 / ratio)
            assert back.slope == pytest.approx(1 / there.slope, rel=1e-9)
            assert back.intercept == pytest.approx(
                -there.intercept / there.slope, rel=1e-8
            )
    # An odd number of slopes, so the median is one of them.
    assert passing_bablok(y, x).slope == pytest.approx(1 / passing_bablok(x, y).slope)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.01, 100),
    shift=st.floats(-50, 50),
    ratio=st.floats(0.05, 20),
)
def test_deming_follows_scale_and_shift(seed, scale, shift, ratio):
    rng = np.random.default_rng(seed)
    x = rng.normal(60, 15, 25)
    y = 5 + 0.8 * x + rng.normal(0, 4, 25)
    line = deming(x, y, ratio=ratio)
    moved = deming(x, scale * y + shift, ratio=ratio * scale**2)
    assert moved.slope == pytest.approx(scale * line.slope, rel=1e-8)
    assert moved.intercept == pytest.approx(
        scale * line.intercept + shift, rel=1e-6, abs=1e-6
    )
    assert moved.slope_se == pytest.approx(scale * line.slope_se, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=4, max_size=9
    ),
    counts=st.lists(st.integers(0, 3), min_size=9, max_size=9),
)
def test_weighted_passing_bablok_is_that_of_repeated_pairs(pairs, counts):
    counts = counts[: len(pairs)]
    x, y = np.array(pairs, float).T
    repeated = np.repeat(np.arange(len(x)), counts)
    found = _passing_bablok.pair_slopes(x, y)
    slopes, intercepts = _passing_bablok.passing_bablok_lines(
        x, y, found, np.array([counts], float)
    )
    wanted, offset = [], 0
    for i, j in itertools.combinations(repeated, 2):
        dx, dy = x[i] - x[j], y[i] - y[j]
        if (dx == 0 and dy == 0) or dx == -dy:
            continue
        wanted.append(dy / dx if dx else math.inf)
    wanted.sort()
    offset = sum(slope < -1 for slope in wanted)
    middle = (len(wanted) + 1) / 2 + offset
    if not wanted or math.ceil(middle) > len(wanted):
        assert math.isnan(slopes[0])
        return
    slope = (wanted[math.floor(middle) - 1] + wanted[math.ceil(middle) - 1]) / 2
    if math.isinf(slope):
        assert math.isnan(slopes[0])
        return
    assert slopes[0] == pytest.approx(slope, rel=1e-12)
    assert intercepts[0] == pytest.approx(
        np.median(y[repeated] - slope * x[repeated]), abs=1e-9
    )


def test_bland_and_altmans_peak_flow(oracles):
    told = oracles["bland_altman_1986_pefr"]
    found = limits_of_agreement(told["mini_wright_first"], told["wright_first"])
    assert found.bias == pytest.approx(told["mean_diff"], rel=1e-10)
    assert found.sd == pytest.approx(told["sd_diff"], rel=1e-10)
    assert found.limits == pytest.approx(told["loa_1.96"], rel=1e-10)
    assert found.bias_se == pytest.approx(told["se_mean"], rel=1e-10)
    assert found.limit_se_1986 == pytest.approx(told["se_loa_sqrt(3s2/n)"], rel=1e-10)


def test_the_standard_error_of_a_limit_by_hand():
    found = limits_of_agreement([0, 0, 0, 4], [1, 3, 5, 11])
    # Differences 1, 3, 5, 7: SD √(20/3), and 1/4 + 1.96² / 6 = 0.8902667.
    assert found.limit_se == pytest.approx(math.sqrt(20 / 3 * 0.89026667), rel=1e-7)


def test_intervals_without_the_factor_are_those_of_scipy():
    from scipy.stats import bootstrap as by_scipy

    values = np.random.default_rng(6).exponential(size=25) ** 2
    groups = np.arange(25)

    def mean_and_size(counts):
        means = counts @ values / counts.sum(axis=1)
        return means, means

    draws = _resampling.bootstrap(mean_and_size, groups, resamples=40_000, seed=1)
    left_out = _resampling.jackknife(mean_and_size, groups)
    for kind, method in (("bca", "BCa"), ("percentile", "percentile")):
        ours = _resampling.interval(
            draws[0],
            estimate=values.mean(),
            left_out=left_out[0],
            level=0.95,
            kind=kind,
            expanded=False,
        )
        theirs = by_scipy(
            (values,),
            np.mean,
            method=method,
            n_resamples=40_000,
            rng=np.random.default_rng(2),
        ).confidence_interval
        # Monte-Carlo errors of the ends are below 1 % of the width.
        width = theirs.high - theirs.low
        assert ours == pytest.approx(tuple(theirs), abs=0.025 * width)


@pytest.fixture(scope="module")
def oracles():
    path = Path(__file__).parents[3] / "shared/oracles/statistics_oracles.json"
    if not path.exists():
        pytest.skip("the oracle files are not here")
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("name", BY_R)
def test_agreement_by_its_definition_in_r(name):
    told = BY_R[name]["limits"]
    found = limits_of_agreement(EXAMPLES[name]["x"], EXAMPLES[name]["y"])
    assert found.bias == pytest.approx(told["bias"], rel=1e-10)
    assert found.sd == pytest.approx(told["sd"], rel=1e-10)
    # R warns that its non-central t may not be precise to the last digits.
    assert found.upper_interval == pytest.approx(told["upper_interval"], rel=1e-5)
    assert found.lower_interval[0] - found.bias == pytest.approx(
        found.bias - found.upper_interval[1]
    )
    assert found.proportional_slope == pytest.approx(told["slope"], rel=1e-8)
    assert found.proportional_p == pytest.approx(told["p"], rel=1e-6)
    approximate = np.subtract(*found.upper_interval_approximate[::-1])
    assert 0.5 < approximate / np.subtract(*found.upper_interval[::-1]) < 1.2


def simulate(rng, n, *, slope=0.6, intercept=9.0, error_x=6.0, error_y=4.0):
    true = rng.normal(70, 15, n)
    return (
        true + rng.normal(0, error_x, n),
        intercept + slope * true + rng.normal(0, error_y, n),
    )


def test_deming_is_unbiased_where_least_squares_is_not():
    rng = np.random.default_rng(1)
    lines, flat, covered = [], [], 0
    for _ in range(400):
        x, y = simulate(rng, 60)
        line = deming(x, y, ratio=16 / 36)
        lines.append((line.slope, line.intercept))
        flat.append(np.polyfit(x, y, 1)[0])
        covered += line.slope_interval[0] <= 0.6 <= line.slope_interval[1]
    mean, error = np.mean(lines, axis=0), np.std(lines, axis=0) / 20
    assert abs(mean[0] - 0.6) < 3 * error[0]
    assert abs(mean[1] - 9.0) < 3 * error[1]
    # Regression dilution: 225 / (225 + 36) of the slope.
    assert np.mean(flat) == pytest.approx(0.6 * 225 / 261, abs=0.01)
    # Three Monte-Carlo standard errors about 95 % of 400.
    assert abs(covered - 380) <= 3 * math.sqrt(400 * 0.95 * 0.05)


def test_few_subjects_widen_an_interval_by_a_known_factor():
    from scipy.special import ndtri

    # Quantiles of normal draws are those of the formula: t of 9 is 2.26216.
    draws = ndtri((np.arange(100_000) + 0.5) / 100_000)
    for n, wanted in ((10, math.sqrt(10 / 9) * 2.26216), (1000, 1.96334)):
        ends = _resampling.interval(
            draws, estimate=0.0, left_out=np.zeros(n), level=0.95, kind="percentile"
        )
        assert ends == pytest.approx((-wanted, wanted), abs=1e-3)
    straight = np.linspace(-1, 1, 10)
    for kind in ("percentile", "bca"):
        ends = _resampling.interval(
            draws, estimate=0.0, left_out=straight, level=0.95, kind=kind
        )
        # Without bias and skewness BCa is the percentile interval.
        assert ends == pytest.approx((-2.3845, 2.3845), abs=2e-3)


RUNS = {"deming": (1500, 500), "passing-bablok": (200, 250)}


@pytest.mark.parametrize("method", RUNS)
@pytest.mark.parametrize("own", [0.0, 4.0], ids=["images", "people"])
def test_intervals_of_20_people_hold_the_truth(method, own):
    """20 people, 3 muscles; scatter of muscles alone, or of people on each device."""
    runs, resamples = RUNS[method]
    rng = np.random.default_rng(20)
    people = np.repeat(np.arange(20), 3)
    held = np.zeros(3)
    for run in range(runs):
        true = 60 + rng.normal(0, 8, 20)[people] + rng.normal(0, 12, 60)
        x, y = (
            true + rng.normal(0, own, 20)[people] + rng.normal(0, 3.5, 60)
            for _ in range(2)
        )
        line = bootstrap_line(
            x,
            8 + 0.72 * y,
            method=method,
            ratio=0.72**2,
            subjects=people,
            resamples=resamples,
            seed=run,
        )
        ends = line.slope_interval, line.intercept_interval, line.zero_interval
        held += [
            low <= truth <= high
            for (low, high), truth in zip(ends, (0.72, 8, -8 / 0.72), strict=True)
        ]
    # Three Monte-Carlo standard errors about 95 %.
    assert (np.abs(held / runs - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / runs)).all()


@pytest.mark.parametrize("method", ["deming", "weighted-deming"])
def test_intervals_hold_the_error_of_a_ratio_from_few_repeats(method):
    runs, held, as_known = {"deming": 800, "weighted-deming": 150}[method], 0, 0
    rng = np.random.default_rng(21)
    people = np.repeat(np.arange(20), 3)
    for run in range(runs):
        true = 90 + rng.normal(0, 6, 20)[people] + rng.normal(0, 6, 60)
        x, y = (true + rng.normal(0, 6, 60) for _ in range(2))
        # Variances of 10 degrees of freedom each.
        ratio = 0.72**2 * rng.f(10, 10)
        for freedom in ((10, 10), None):
            line = bootstrap_line(
                x,
                0.72 * y,
                method=method,
                ratio=ratio,
                ratio_freedom=freedom,
                subjects=people,
                resamples=300,
                seed=run,
            )
            found = line.slope_interval[0] <= 0.72 <= line.slope_interval[1]
            held += found and freedom is not None
            as_known += found and freedom is None
    error = math.sqrt(0.95 * 0.05 / runs)
    assert abs(held / runs - 0.95) <= 3 * error
    assert as_known / runs < 0.95 - 5 * error


def test_bootstrap_intervals_cover_and_keep_people_together():
    rng = np.random.default_rng(2)
    runs, together, apart = 150, 0, 0
    people = np.repeat(np.arange(40), 4)
    for run in range(runs):
        # What a person's tissue looks like on the source is shared by all muscles.
        own = rng.normal(0, 6, 40)[people]
        true = rng.normal(70, 4, 160) + rng.normal(0, 15, 40)[people]
        x = true + own + rng.normal(0, 2, 160)
        y = 9 + 0.6 * true + rng.normal(0, 2, 160)
        for subjects in (people, None):
            line = bootstrap_line(
                x, y, ratio=4 / 40, subjects=subjects, resamples=400, seed=run
            )
            held = line.slope_interval[0] <= 0.6 <= line.slope_interval[1]
            together += held and subjects is not None
            apart += held and subjects is None
    expected, error = 0.95 * runs, math.sqrt(runs * 0.95 * 0.05)
    assert together > expected - 4 * error
    assert apart < expected - 6 * error


@pytest.mark.parametrize("method", ["deming", "weighted-deming", "passing-bablok"])
@pytest.mark.parametrize("kind", ["bca", "percentile"])
def test_bootstrap_is_near_the_other_intervals_and_repeats(method, kind):
    x, y = EXAMPLES["creatinine"]["x"], EXAMPLES["creatinine"]["y"]
    plain = PLAIN.get(method, passing_bablok)(x, y)
    first = bootstrap_line(x, y, method=method, kind=kind, resamples=1500)
    again = bootstrap_line(x, y, method=method, kind=kind, resamples=1500)
    assert first == again or math.isnan(first.ratio)
    assert (first.slope, first.intercept) == (plain.slope, plain.intercept)
    width = np.subtract(*first.slope_interval) / np.subtract(*plain.slope_interval)
    assert 0.7 < width < 1.3
    low, high = first.zero_interval
    assert low <= -plain.intercept / plain.slope <= high


def test_bootstrap_of_a_sample_is_a_line_of_its_pairs():
    x, y = (np.array(TD41[name]) for name in ("x", "y"))
    from napari_muscle_us.reference.conversion._deming import weighted_deming_lines

    counts = np.random.default_rng(3).multinomial(50, np.full(50, 0.02), size=5)
    slopes, _ = weighted_deming_lines(x, y, counts.astype(float), ratio=0.7)
    for count, slope in zip(counts, slopes, strict=True):
        drawn = np.repeat(np.arange(50), count)
        line = weighted_deming(x[drawn], y[drawn], ratio=0.7)
        assert line.slope == pytest.approx(slope, rel=1e-9)


def test_progress_is_told_and_cancelling_stops():
    told = []
    x, y = TD41["x"], TD41["y"]
    bootstrap_line(x, y, resamples=250, progress=lambda *done: told.append(done))
    assert told == [(100, 250), (200, 250), (250, 250)]
    told.clear()
    stopped = bootstrap_line(
        x,
        y,
        resamples=250,
        progress=lambda *done: told.append(done),
        cancelled=lambda: len(told) == 1,
    )
    assert stopped is None
    assert told == [(100, 250)]


def test_cusum_finds_a_bend_and_lets_straight_lines_pass():
    rng = np.random.default_rng(4)
    passed = 0
    for _ in range(200):
        x, y = simulate(rng, 80)
        line = deming(x, y, ratio=16 / 36)
        passed += check_linearity(
            x, y, slope=line.slope, intercept=line.intercept, ratio=16 / 36
        ).passed
    # By the rule of 1983 about one straight line in ten is doubted.
    assert 165 <= passed <= 195
    x = np.linspace(10, 100, 60)
    y = x + (x - 55) ** 2 / 60 + rng.normal(0, 3, 60)
    line = deming(x, y)
    found = check_linearity(x, y, slope=line.slope, intercept=line.intercept)
    assert not found.passed
    assert "straight line" in found.words


def test_cusum_by_hand():
    # Above, above, below, below, on the line: scores 1, 1, −1, −1, 0.
    x = np.arange(5.0)
    y = x + np.array([0.1, 0.1, -0.1, -0.1, 0.0])
    found = check_linearity(x, y, slope=1.0, intercept=0.0)
    assert (found.above, found.below) == (2, 2)
    assert found.statistic == pytest.approx(2 / math.sqrt(3))


WRONG = {
    "lengths": (([1, 2, 3], [1, 2]), "shapes"),
    "two pairs": (([1, 2], [1, 2]), "at least 3"),
    "infinite": (([1, 2, math.inf], [1, 2, 3]), "inf"),
    "constant": (([5, 5, 5], [1, 2, 3]), "All 3 values"),
    "falling": (([1, 2, 3, 4], [4, 3, 2, 1]), "rise together"),
}


@pytest.mark.parametrize(("pairs", "word"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("method", [deming, weighted_deming, passing_bablok])
def test_what_has_no_line_is_refused(pairs, word, method, one_sentence):
    with pytest.raises(ReferenceSetError, match=word) as error:
        method(*pairs)
    assert one_sentence(str(error.value))


REFUSED = {
    "ratio": ({"ratio": 0.0}, "ratio"),
    "ratio nan": ({"ratio": math.nan}, "ratio"),
    "level": ({"level": 1.0}, "level"),
    "resamples": ({"resamples": 10}, "samples"),
    "many resamples": ({"resamples": 10**9}, "samples"),
    "method": ({"method": "ols"}, "ols"),
    "people": ({"subjects": ["a", "b"]}, "2 subjects"),
    "four people": ({"subjects": [*"abcd"] * 12 + ["a", "b"]}, "4 people"),
    "few samples": (
        {"subjects": [*"abcdef"] * 8 + ["a", "b"], "resamples": 400},
        "take at least 412 samples",
    ),
    "two people": ({"subjects": ["a", "b"] * 25}, "2 people"),
}


@pytest.mark.parametrize(("options", "word"), REFUSED.values(), ids=REFUSED)
def test_wrong_options_are_refused(options, word, one_sentence):
    with pytest.raises(ReferenceSetError, match=word) as error:
        bootstrap_line(TD41["x"], TD41["y"], **options)
    assert one_sentence(str(error.value))


def test_weighted_deming_refuses_zero_and_passing_bablok_too_many():
    with pytest.raises(ReferenceSetError, match="use Deming"):
        weighted_deming([0, 1, 2, 3], [1, 2, 3, 4])
    many = np.arange(_passing_bablok.MAX_PAIRS + 1.0)
    with pytest.raises(ReferenceSetError, match="5000"):
        passing_bablok(many, many)
    with pytest.raises(ReferenceSetError, match="at most 1000"):
        bootstrap_line(many[:1001], many[:1001], method="passing-bablok")


def test_a_range_too_narrow_for_the_scatter_has_no_interval():
    rng = np.random.default_rng(5)
    x = rng.normal(60, 5, 14)
    y = x + rng.normal(0, 20, 14)
    assert 0 < np.corrcoef(x, y)[0, 1] < 0.5
    with pytest.raises(ReferenceSetError, match="too narrow"):
        bootstrap_line(x, y)
