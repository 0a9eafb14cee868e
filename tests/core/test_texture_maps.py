"""Texture maps: every window against naive loops and against the region's features."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import maps as maps_module
from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.glcm import glcm_features
from napari_muscle_us.measure.texture.map_features import MAP_FEATURES
from napari_muscle_us.measure.texture.maps import compute_texture_map, window_size_px

FOUR = ((0, 1), (1, 0), (1, 1), (1, -1))
ALL = tuple(MAP_FEATURES)
OF_PAIRS = tuple(k for k, feature in MAP_FEATURES.items() if feature.source == "pairs")


@pytest.fixture
def exact(monkeypatch):
    """Give the maps before they are rounded to single precision."""
    blank = maps_module._blank

    def of_double(gray, wanted, dtype):
        return blank(gray, wanted, np.float64)

    monkeypatch.setattr(maps_module, "_blank", of_double)
    return compute_texture_map


@pytest.fixture(scope="module")
def muscle(shared):
    """Return a real image, without the screen around it."""
    folder = shared("data/longitudinal_vl")
    path = sorted(folder.rglob("*.png"))[0]
    return np.asarray(Image.open(path).convert("L"))[60:260, 80:330].copy()


@pytest.fixture(scope="module")
def region(muscle):
    """Return an irregular mask with a hole, touching an edge of the image."""
    shape = mus.Polygon([(10, 30), (0, 200), (90, 249), (170, 190), (120, 20)])
    mask = mus.roi_mask(shape, muscle.shape)
    mask[60:75, 100:130] = False
    return mask


def pairs_of(levels, step):
    """Return the levels of all pairs with both ends inside, by a plain loop."""
    height, width = levels.shape
    found = []
    for r in range(height):
        for c in range(width):
            to_r, to_c = r + step[0], c + step[1]
            if not (0 <= to_r < height and 0 <= to_c < width):
                continue
            if levels[r, c] and levels[to_r, to_c]:
                found.append((int(levels[r, c]), int(levels[to_r, to_c])))
    return found


def naive_of_matrix(pairs):
    """Return the features of one direction from p(i, j), written as in the standard."""
    n = max(map(max, pairs))
    p = np.zeros((n + 1, n + 1))
    for a, b in pairs:
        p[a, b] += 1
        p[b, a] += 1
    p /= p.sum()
    i, j = np.mgrid[: n + 1, : n + 1]
    mu = (i * p).sum()
    variance = ((i - mu) ** 2 * p).sum()
    alike = len({*sum(pairs, ())}) == 1
    moved = i + j - 2 * mu
    asm = (p**2).sum()
    return {
        "contrast": ((i - j) ** 2 * p).sum(),
        "dissimilarity": (abs(i - j) * p).sum(),
        "inverse_difference": (p / (1 + abs(i - j))).sum(),
        "inverse_difference_moment": (p / (1 + (i - j) ** 2)).sum(),
        "angular_second_moment": asm,
        "energy": math.sqrt(asm),
        "joint_entropy": -(p[p > 0] * np.log2(p[p > 0])).sum(),
        "correlation": (
            math.nan if alike else ((i - mu) * (j - mu) * p).sum() / variance
        ),
        "cluster_tendency": (moved**2 * p).sum(),
        "cluster_shade": (moved**3 * p).sum(),
        "cluster_prominence": (moved**4 * p).sum(),
        "joint_average": mu,
        "joint_variance": variance,
    }


def naive(gray, levels, steps=FOUR):
    """Return all features of a window: `levels` is 0 outside the region."""
    one_by_one = [naive_of_matrix(pairs_of(levels, step)) for step in steps]
    found = {key: np.mean([v[key] for v in one_by_one]) for key in one_by_one[0]}
    inside = gray[levels > 0].astype(float)
    shares = np.unique(levels[levels > 0], return_counts=True)[1] / inside.size
    found["mean"] = inside.mean()
    found["sd"] = inside.std(ddof=1) if inside.size > 1 else math.nan
    found["entropy"] = -(shares * np.log2(shares)).sum()
    return found


def around(array, row, column, height, width):
    """Return a window, clipped at the edge of the image."""
    top, left = row - height // 2, column - width // 2
    return array[max(top, 0) : top + height, max(left, 0) : left + width]


def assert_same(found, expected, where):
    for key, value in expected.items():
        # A third moment may cancel: it is as exact as its scale, not as itself.
        scale = max(1.0, abs(expected["cluster_tendency"])) ** 1.5
        atol = 1e-9 * (scale if key == "cluster_shade" else 1)
        np.testing.assert_allclose(
            found[key][where], value, rtol=1e-9, atol=atol, err_msg=f"{key} {where}"
        )


def places(values, seed, number=12):
    rows, columns = np.nonzero(np.isfinite(values))
    chosen = np.random.default_rng(seed).choice(len(rows), number, replace=False)
    return [(int(rows[k]), int(columns[k])) for k in chosen]


# Against naive loops and the features of a region


@pytest.mark.parametrize(
    ("window", "bins"),
    [
        (31, {}),
        (15, {"bin_size": 1}),
        (9, {"bin_number": 16}),
        (21, {"bin_size": 25}),
    ],
    ids=["default", "256-levels", "bin-number", "few-levels"],
)
def test_every_map_is_the_naive_feature_of_its_window(exact, muscle, window, bins):
    found = exact(muscle, ALL, window_px=window, **bins)
    levels = discretise(muscle, np.ones(muscle.shape, bool), **bins).levels[0]
    for where in places(found["correlation"], seed=window):
        gray, level = (around(a, *where, window, window) for a in (muscle, levels))
        assert_same(found, naive(gray, level), where)


@pytest.mark.parametrize("bins", [{}, {"bin_size": 1}, {"bin_number": 8}], ids=str)
def test_inside_a_mask_the_windows_are_clipped_to_it(exact, muscle, region, bins):
    found = exact(muscle, ALL, window_px=31, mask=region, min_share=0.1, **bins)
    levels = discretise(muscle, region, **bins).levels[0]
    for where in places(found["correlation"], seed=3, number=16):
        gray, level = (around(a, *where, 31, 31) for a in (muscle, levels))
        assert_same(found, naive(gray, level), where)


def test_every_map_is_the_feature_of_the_region_that_its_window_is(
    exact, muscle, region
):
    found = exact(muscle, ALL, window_px=25, mask=region)
    binned = discretise(muscle, region)
    for row, column in places(found["correlation"], seed=5, number=60):
        level = around(binned.levels[0], row, column, 25, 25)
        values = glcm_features(
            level[None], int(level.max()), offsets=FOUR, aggregation="2d_avg"
        )
        tolerance = 1e-9 * max(1, values["glcm.cluster_tendency"]) ** 1.5
        # The roots of the directions are averaged, which no region's feature is.
        for key in set(OF_PAIRS) - {"energy"}:
            np.testing.assert_allclose(
                found[key][row, column],
                values[f"glcm.{key}"],
                rtol=1e-9,
                atol=tolerance if key == "cluster_shade" else 1e-9,
            )
        stats = mus.measure_intensity(around(muscle, row, column, 25, 25), level > 0)
        assert found["mean"][row, column] == pytest.approx(stats.mean, rel=1e-12)
        assert found["sd"][row, column] == pytest.approx(stats.sd, rel=1e-12)


STEPS = st.sampled_from(
    [FOUR, ((0, 1),), ((0, 2), (2, 0)), ((1, -2), (0, -1)), ((-1, 1), (-2, 0))]
)


@st.composite
def small_cases(draw):
    shape = draw(st.integers(5, 9)), draw(st.integers(5, 9))
    gray = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 8, 90, 255])))
    mask = draw(st.none() | arrays(np.bool_, shape))
    if mask is not None and not mask.any():
        mask[draw(st.integers(0, shape[0] - 1)), 0] = True
    return gray, mask, draw(st.sampled_from([3, 5])), draw(STEPS)


@settings(max_examples=60, deadline=None)
@given(small_cases(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
@example((np.eye(5, dtype=np.uint8), np.eye(5) > 0, 3, FOUR), 0.0)
def test_every_pixel_of_a_small_image(case, share):
    gray, mask, window, steps = case
    found = compute_texture_map(
        gray, ALL, window_px=window, mask=mask, offsets=steps, min_share=share
    )
    inside = np.ones(gray.shape, bool) if mask is None else mask
    levels = discretise(gray, inside).levels[0]
    half = window // 2
    for r in range(gray.shape[0]):
        for c in range(gray.shape[1]):
            values = {key: float(found[key][r, c]) for key in ALL}
            view = gray[half:-half, half:-half].shape
            whole = 0 <= r - half < view[0] and 0 <= c - half < view[1]
            if not inside[r, c] or (mask is None and not whole):
                assert all(map(math.isnan, values.values()))
                continue
            area, level = (around(a, r, c, window, window) for a in (gray, levels))
            few = [
                len(pairs_of(level, step)) / ((window - abs(step[0])) * per_row) < share
                or not pairs_of(level, step)
                for step in steps
                for per_row in [window - abs(step[1])]
            ]
            assert math.isnan(values["contrast"]) == any(few)
            rare = (level > 0).sum() / window**2 < share
            assert math.isnan(values["mean"]) == rare
            if not any(few):
                expected = naive(area, level, steps)
                for key in OF_PAIRS:
                    assert values[key] == pytest.approx(
                        expected[key], rel=1e-5, abs=1e-3, nan_ok=True
                    )


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (12, 14)), arrays(np.bool_, (12, 14)), st.integers(0, 255))
def test_pixels_outside_the_mask_never_leak(gray, mask, other):
    mask[6, 6:8] = True
    painted = np.where(mask, gray, other).astype(np.uint8)
    options = {"window_px": 5, "mask": mask, "min_share": 0.0}
    found = compute_texture_map(gray, ALL, **options)
    again = compute_texture_map(painted, ALL, **options)
    for key in ALL:
        np.testing.assert_array_equal(found[key], again[key])
        assert np.isnan(found[key][~mask]).all()


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, (11, 13)))
def test_a_mirror_or_quarter_turn_of_the_image_turns_the_maps(gray):
    found = compute_texture_map(gray, ALL, window_px=5)
    for turn in (np.rot90, np.fliplr, np.flipud):
        turned = compute_texture_map(turn(gray), ALL, window_px=5)
        for key in ALL:
            np.testing.assert_allclose(turned[key], turn(found[key]), rtol=1e-6)


def test_gain_and_offset_vanish_under_a_fixed_bin_number(exact, muscle):
    dark = muscle // 4
    one = exact(dark, OF_PAIRS, window_px=15, bin_number=8)
    other = exact(dark * 3 + 20, OF_PAIRS, window_px=15, bin_number=8)
    for key in OF_PAIRS:
        np.testing.assert_array_equal(one[key], other[key])


def test_the_mask_moves_its_map_along(muscle, region):
    rows, columns = 17, 23
    moved_gray = np.pad(muscle, ((rows, 40), (columns, 40)), constant_values=200)
    moved_mask = np.pad(region, ((rows, 40), (columns, 40)))
    found = compute_texture_map(muscle, ALL, mask=region)
    moved = compute_texture_map(moved_gray, ALL, mask=moved_mask)
    here = np.s_[rows : rows + muscle.shape[0], columns : columns + muscle.shape[1]]
    for key in ALL:
        np.testing.assert_array_equal(moved[key][here], found[key])


def test_a_sum_has_not_drifted_after_a_long_way(exact):
    rng = np.random.default_rng(1)
    gray = np.concatenate(
        [rng.integers(0, 256, (40, 900)), np.full((40, 60), 255)], axis=1
    ).astype(np.uint8)
    found = exact(gray, ALL, window_px=31, bin_size=1)
    end = (slice(15, 25), slice(920, 940))
    for key in ("contrast", "dissimilarity", "joint_entropy", "sd", "cluster_shade"):
        assert (found[key][end] == 0).all(), key
    assert (found["angular_second_moment"][end] == 1).all()
    assert (found["mean"][end] == 255).all()


def test_high_moments_of_a_bright_and_nearly_flat_image_lose_no_digits(exact):
    gray = np.full((15, 15), 255, np.uint8)
    gray[7, 6:8], gray[3, 9] = 254, 253
    found = exact(
        gray,
        ["cluster_shade", "cluster_prominence"],
        window_px=15,
        bin_size=1,
        offsets=[(0, 1)],
    )
    expected = naive_of_matrix(pairs_of(gray.astype(int) + 1, (0, 1)))
    for key, values in found.items():
        assert values[7, 7] == pytest.approx(expected[key], rel=1e-12)


def test_a_constant_image():
    found = compute_texture_map(np.full((9, 9), 77, np.uint8), ALL, window_px=5)
    middle = {key: float(values[4, 4]) for key, values in found.items()}
    assert math.isnan(middle.pop("correlation"))
    ones = ("inverse_difference", "inverse_difference_moment", "energy")
    level = {"mean": 77, "joint_average": 10, "angular_second_moment": 1}
    assert middle == dict.fromkeys(middle, 0) | dict.fromkeys(ones, 1) | level


def test_haralicks_image_has_haralicks_matrix(exact):
    # Haralick 1973, fig. 3, in a frame of pixels that do not belong to it.
    image = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]])
    gray = np.pad(image.astype(np.uint8), ((1, 0), (1, 0)), constant_values=9)
    matrix = np.array([[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]])
    found = exact(
        gray,
        ["contrast", "angular_second_moment"],
        window_px=5,
        bin_size=1,
        mask=gray < 9,
        offsets=[(0, 1)],
    )
    assert found["contrast"][2, 2] == pytest.approx(14 / 24, rel=1e-12)
    squares = (matrix**2).sum() / 24**2
    assert found["angular_second_moment"][2, 2] == pytest.approx(squares, rel=1e-12)


# Window, share, order


def test_a_window_in_mm_may_differ_on_each_axis(exact, muscle):
    spacing = (0.1, 0.2)
    assert window_size_px(window_mm=2.1, spacing_mm=spacing) == (21, 11)
    found = exact(muscle, ALL, window_mm=2.1, spacing_mm=spacing)
    levels = discretise(muscle, np.ones(muscle.shape, bool)).levels[0]
    for where in places(found["correlation"], seed=8, number=6):
        gray, level = (around(a, *where, 21, 11) for a in (muscle, levels))
        assert_same(found, naive(gray, level), where)


@pytest.mark.parametrize(
    ("mm", "px"),
    [(0.3, 3), (0.39, 3), (0.4, 5), (0.5, 5), (1.2, 13), (3.0, 31), (3.1, 31)],
)
def test_a_window_in_mm_becomes_the_nearest_odd_number(mm, px):
    assert window_size_px(window_mm=mm, spacing_mm=(0.1, 0.1)) == (px, px)


def test_without_a_mask_only_whole_windows_have_a_value(muscle):
    found = compute_texture_map(muscle, ALL, window_px=31)
    whole = np.zeros(muscle.shape, bool)
    whole[15:-15, 15:-15] = True
    for key in ALL:
        np.testing.assert_array_equal(np.isfinite(found[key]), whole, err_msg=key)


def test_a_mask_of_all_pixels_agrees_where_windows_are_whole(muscle):
    everywhere = np.ones(muscle.shape, bool)
    clipped = compute_texture_map(muscle, ALL, mask=everywhere)
    strict = compute_texture_map(muscle, ALL, mask=everywhere, min_share=1)
    plain = compute_texture_map(muscle, ALL)
    for key in ALL:
        np.testing.assert_array_equal(strict[key], plain[key])
        there = np.isfinite(plain[key])
        np.testing.assert_array_equal(clipped[key][there], plain[key][there])
        # Half a window is left along a straight edge, a quarter at a corner.
        assert np.isfinite(clipped[key][0, 100])
        assert np.isnan(clipped[key][0, 0])


def test_maps_do_not_depend_on_what_else_is_asked(muscle, region):
    together = compute_texture_map(muscle, ALL, mask=region)
    assert list(together) == list(ALL)
    for key in ALL:
        alone = compute_texture_map(muscle, key, mask=region)
        assert list(alone) == [key]
        np.testing.assert_array_equal(alone[key], together[key])


def test_result_is_single_precision_and_input_is_left_alone(muscle, region):
    gray, mask = muscle.copy(), region.copy()
    gray.setflags(write=False)
    mask.setflags(write=False)
    found = compute_texture_map(gray[:, ::-1], ["energy"], mask=mask[:, ::-1])
    assert found["energy"].dtype == np.float32
    np.testing.assert_array_equal(gray, muscle)


# Progress and cancelling


def test_progress_counts_up_to_all(muscle):
    calls, threads = [], set()

    def tell(done, total):
        calls.append((done, total))
        threads.add(threading.current_thread())

    compute_texture_map(muscle, ALL, window_px=15, progress=tell)
    total = calls[0][1]
    assert total > 3
    assert calls == [(done, total) for done in range(1, total + 1)]
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("after", [0, 1, 3])
def test_cancelling_stops_and_gives_nothing(muscle, after):
    done = []

    def stop():
        return len(done) >= after

    found = compute_texture_map(
        muscle, ALL, progress=lambda *part: done.append(part), cancelled=stop
    )
    assert found is None
    assert len(done) == after


def test_an_error_in_progress_is_not_swallowed(muscle):
    def fail(done, total):
        raise RuntimeError("window closed")

    with pytest.raises(RuntimeError, match="window closed"):
        compute_texture_map(muscle, progress=fail)


# Bad input

GRAY = np.arange(400, dtype=np.uint8).reshape(20, 20)


@pytest.mark.parametrize(
    ("gray", "options", "words"),
    [
        (GRAY.astype(np.uint16), {}, "8-bit gray levels, not uint16"),
        (np.full((20, 20), np.nan), {}, "8-bit gray levels, not float64"),
        (np.zeros((20, 20, 3), np.uint8), {}, r"not \(20, 20, 3\); convert colours"),
        (GRAY, {"window_px": 21}, r"window of 21×21 px is larger than the image of 20"),
        (GRAY, {"window_px": 4}, "window of 4 px is not possible"),
        (GRAY, {"window_px": 1}, "window of 1 px is not possible"),
        (GRAY, {"window_px": True}, "window of True px is not possible"),
        (GRAY, {"window_px": 5.0}, r"window of 5\.0 px is not possible"),
        (GRAY, {"window_px": 2049}, "window of 2049 px is not possible"),
        (GRAY, {"window_mm": 3.0}, "image has no scale"),
        (GRAY, {"window_mm": math.nan, "spacing_mm": (1, 1)}, "window of nan mm"),
        (GRAY, {"window_mm": 1.0, "spacing_mm": (1, 0)}, "not a positive length"),
        (GRAY, {"window_mm": 1.0, "spacing_mm": (1, 1)}, "is 1 × 1 px here"),
        (GRAY, {"window_mm": 1e300, "spacing_mm": (1e-9, 1)}, "px here; give"),
        (GRAY, {"offsets": ()}, "not pairs of whole numbers"),
        (GRAY, {"offsets": (0, 1)}, "not pairs of whole numbers"),
        (GRAY, {"offsets": ((0, 1.5),)}, "not pairs of whole numbers"),
        (GRAY, {"offsets": ((0, 0),)}, "no direction of its own"),
        (GRAY, {"offsets": ((0, 1), (0, -1))}, "no direction of its own"),
        (GRAY, {"offsets": ((0, 5),)}, r"\(0, 5\) apart does not fit into a window"),
        (GRAY, {"features": ["texture"]}, "no texture map 'texture'; choose from"),
        (GRAY, {"features": []}, "No feature was named"),
        (GRAY, {"min_share": 1.1}, r"least share 1\.1 is not possible"),
        (GRAY, {"min_share": math.nan}, "least share nan is not possible"),
        (GRAY, {"mask": np.zeros((20, 20), bool)}, "covers 0 pixels"),
        (GRAY, {"mask": np.ones((20, 21), bool)}, r"the mask \(20, 21\)"),
        (GRAY, {"mask": np.ones((20, 20), np.uint8)}, "mask holds uint8"),
        (GRAY, {"bin_number": 1}, "bin number 1 is not possible"),
        (GRAY, {"bin_size": 0}, "bin size 0 is not possible"),
    ],
)
def test_what_is_not_possible_is_said_in_a_sentence(gray, options, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as error:
        compute_texture_map(gray, **({"window_px": 5} | options))
    assert one_sentence(str(error.value))


def test_a_region_of_one_pixel_has_no_pair():
    mask = np.zeros((20, 20), bool)
    mask[3, 4] = True
    found = compute_texture_map(GRAY, ALL, window_px=5, mask=mask, min_share=0)
    here = {key: float(values[3, 4]) for key, values in found.items()}
    assert here.pop("mean") == 64
    assert here.pop("entropy") == 0
    assert all(map(math.isnan, here.values()))
