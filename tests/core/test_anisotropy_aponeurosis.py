"""Aponeuroses: drawn bands under speckle, what people drew, and what shows none."""

from __future__ import annotations

import csv
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.aponeurosis import (
    Aponeurosis,
    find_aponeuroses,
)
from napari_muscle_us.simulate import simulate_muscle

SHAPE = (360, 420)
COLUMNS = np.arange(SHAPE[1], dtype=float)


def muscle(upper, lower, *, seed=1, band=9, fibres_deg=20.0):
    """Return speckle with oblique fibres between two bright bands.

    `upper` and `lower` give the row of the inner border at each column.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(SHAPE[0], dtype=float)[:, None]
    angle = math.radians(fibres_deg)
    across = rows * math.cos(angle) + COLUMNS * math.sin(angle)
    inside = (rows > upper) & (rows < lower)
    bright = 50 + 25 * np.sin(across / 3) * inside
    for border, sign in ((upper, -1), (lower, 1)):
        depth = sign * (rows - border)
        bright = np.where((depth > 0) & (depth < band), 190, bright)
    speckle = ndimage.gaussian_filter(rng.normal(size=SHAPE), (1.2, 2.5))
    bright = bright * (1 + 0.35 * speckle / speckle.std())
    return np.clip(ndimage.gaussian_filter(bright, 1), 0, 255).astype(np.uint8)


def straight(row, slope_deg):
    middle = COLUMNS.mean()
    return row - (COLUMNS - middle) * math.tan(math.radians(slope_deg))


def parabola(row, slope_deg, sag):
    x = (COLUMNS - COLUMNS.mean()) / COLUMNS.mean()
    return straight(row, slope_deg) + sag * x * x


def whole(gray):
    return np.ones(gray.shape, bool)


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        (straight(50, 0), straight(250, 0)),
        (straight(60, -5), straight(270, -9)),
        (straight(60, 4), straight(270, -4)),
        (parabola(60, -4, 5), parabola(270, -6, -6)),
    ],
    ids=["level", "falling", "wedge", "curved"],
)
def test_drawn_bands_are_found_under_speckle(upper, lower):
    found = find_aponeuroses(muscle(upper, lower))
    assert found.reason == ""
    assert found.confidence > 0.8
    for line, truth in ((found.superficial, upper), (found.deep, lower)):
        assert np.abs(line.row_at(COLUMNS) - truth).mean() < 1.0
        assert np.abs(line.row_at(COLUMNS) - truth).max() < 3.0
        slope = np.polyfit(COLUMNS, truth, 1)[0]
        assert line.angle_deg() == pytest.approx(
            -math.degrees(math.atan(slope)), abs=0.4
        )


def test_skin_above_fat_and_a_muscle_below_are_left_aside():
    gray = muscle(straight(110, -3), straight(290, -3)).astype(float)
    gray[:14] += 150
    gray = gray.clip(0, 255).astype(np.uint8)
    found = find_aponeuroses(gray)
    assert found.superficial.row_at(210) == pytest.approx(110, abs=2)
    assert found.deep.row_at(210) == pytest.approx(290, abs=2)


def test_mirrored_picture_gives_mirrored_lines():
    gray = muscle(straight(60, -5), straight(270, -9))
    there = find_aponeuroses(gray, mask=whole(gray))
    back = find_aponeuroses(gray[:, ::-1], mask=whole(gray))
    for name in ("superficial", "deep"):
        one, other = getattr(there, name), getattr(back, name)
        np.testing.assert_allclose(
            other.row_at(COLUMNS[::-1].copy()), one.row_at(COLUMNS), atol=1.0
        )


@settings(max_examples=5, deadline=None)
@given(st.floats(0.05, 200), st.floats(-1e4, 1e4))
def test_gain_and_offset_do_not_matter(gain, offset):
    gray = muscle(straight(60, -5), straight(270, -9)).astype(float)
    usual = find_aponeuroses(gray)
    other = find_aponeuroses(gain * gray + offset)
    np.testing.assert_allclose(
        other.deep.vertices, usual.deep.vertices, rtol=0, atol=1e-6
    )
    assert other.confidence == pytest.approx(usual.confidence, abs=1e-5)


def test_spacing_that_differs_between_the_axes_gives_the_physical_angle():
    gray = muscle(straight(60, -6), straight(270, -10))
    stretched = np.repeat(gray, 2, axis=1)
    fine = find_aponeuroses(gray, spacing_mm=(0.14, 0.14))
    wide = find_aponeuroses(stretched, spacing_mm=(0.14, 0.07))
    for one, other, truth in (
        (fine.superficial, wide.superficial, -6),
        (fine.deep, wide.deep, -10),
    ):
        assert one.angle_deg(spacing_mm=(0.14, 0.14)) == pytest.approx(truth, abs=0.4)
        assert other.angle_deg(spacing_mm=(0.14, 0.07)) == pytest.approx(truth, abs=0.4)
        assert other.row_at(420.5) == pytest.approx(one.row_at(210), abs=1)


def test_fibres_that_pixels_flatten_are_oblique_all_the_same():
    # Columns eight times as dense turn 12 degrees into 1.5 as the pixels lie.
    gray = muscle(straight(60, 0), straight(270, 0), fibres_deg=12.0)
    dense = np.repeat(gray, 8, axis=1)
    assert find_aponeuroses(dense, spacing_mm=(0.14, 0.0175)).reason == ""
    assert "no oblique fibres" in find_aponeuroses(dense).reason


def test_scale_says_how_thick_fascia_is():
    # Taken to be 0.014 mm a pixel, the bands are thinner than speckle and too close.
    gray = muscle(straight(60, 0), straight(270, 0))
    assert find_aponeuroses(gray, spacing_mm=(0.014, 0.014)).deep is None


def test_pixels_outside_the_mask_never_count():
    gray = muscle(straight(60, -5), straight(270, -9))
    screen = np.zeros((500, 640), np.uint8)
    screen[70:430, 100:520] = gray
    mask = np.zeros(screen.shape, bool)
    mask[70:430, 100:520] = True
    alone = find_aponeuroses(gray, mask=whole(gray))
    other = np.where(mask, screen, np.arange(640) % 256).astype(np.uint8)
    other[20:30] = other[440:460] = 255
    for image in (screen, other):
        found = find_aponeuroses(image, mask=mask)
        np.testing.assert_allclose(
            found.deep.vertices, alone.deep.vertices + np.array([70, 100]), atol=1e-9
        )
        assert found.confidence == alone.confidence


def test_screen_around_the_picture_is_left_aside_by_itself():
    screen = np.zeros((500, 640), np.uint8)
    screen[70:430, 100:520] = muscle(straight(60, -5), straight(270, -9))
    screen[20:30, 50:600] = 255
    found = find_aponeuroses(screen)
    assert found.superficial.row_at(100 + 209.5) == pytest.approx(130, abs=2)
    assert found.deep.columns[0] >= 98


def test_mask_chooses_another_muscle():
    gray = muscle(straight(40, 0), straight(160, 0))
    lower = muscle(straight(180, 0), straight(300, 0), seed=2)
    gray[170:] = lower[170:]
    mask = whole(gray)
    mask[:165] = False
    found = find_aponeuroses(gray, mask=mask)
    assert found.superficial.row_at(210) == pytest.approx(180, abs=2)
    assert found.deep.row_at(210) == pytest.approx(300, abs=2)


def speckle(sigma, seed):
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    smooth = ndimage.gaussian_filter(noise, sigma)
    return (80 + 25 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("sigma", [(0, 0), (2, 2), (1.2, 3)], ids=str)
def test_noise_is_refused(sigma, seed, one_sentence):
    found = find_aponeuroses(speckle(sigma, seed))
    assert found.superficial is None
    assert found.deep is None
    assert one_sentence(found.reason)


@pytest.mark.parametrize(
    ("gray", "words"),
    [
        (np.full(SHAPE, 7, np.uint8), "one gray level"),
        (np.full(SHAPE, -1e5), "one gray level"),
        (speckle((1, 1), 1)[:40], "too small"),
        (speckle((1, 1), 1)[:, :63], "too small"),
    ],
    ids=["constant", "constant float", "flat", "narrow"],
)
def test_pictures_that_cannot_show_any_are_refused(gray, words, one_sentence):
    found = find_aponeuroses(gray, mask=whole(gray))
    assert found.deep is None
    assert words in found.reason
    assert one_sentence(found.reason)


def test_a_single_bright_band_is_refused():
    gray = muscle(straight(60, 0), straight(1000, 0))
    assert find_aponeuroses(gray).deep is None


def test_layers_without_fibres_are_refused():
    gray = muscle(straight(60, 0), straight(270, 0), fibres_deg=0.0)
    found = find_aponeuroses(gray)
    assert found.deep is None
    assert "no oblique fibres" in found.reason


@pytest.mark.parametrize("spaced", [True, False], ids=["with scale", "without"])
def test_simulated_pictures(spaced):
    def look(name):
        sample = simulate_muscle(name)
        spacing = sample.spacing_mm if spaced else None
        return find_aponeuroses(sample.gray, spacing_mm=spacing), sample

    found, sample = look("longitudinal_healthy")
    rows = sample.muscle_outline[:, 0]
    # The outline is drawn inside the fascia, within 2 mm of it.
    assert 0 < rows.min() - found.superficial.row_at(280) < 2 / 0.09
    assert 0 < found.deep.row_at(280) - rows.max() < 2 / 0.09
    for name in ("longitudinal_diseased", "transverse_diseased"):
        assert "no oblique fibres" in look(name)[0].reason
    healthy, _ = look("transverse_healthy")
    assert healthy.reason or healthy.doubt


def test_input_is_not_changed():
    gray = muscle(straight(60, -5), straight(270, -9))
    mask = whole(gray)
    before = gray.copy()
    find_aponeuroses(gray, mask=mask)
    np.testing.assert_array_equal(gray, before)
    assert mask.all()


NAN = np.full((100, 100), math.nan)


@pytest.mark.parametrize(
    ("gray", "options", "words"),
    [
        (np.zeros((90, 90, 3), np.uint8), {}, "one gray image"),
        (np.zeros((0, 90), np.uint8), {}, "no gray levels"),
        (NAN, {}, "10000 pixels"),
        (np.zeros((90, 90)), {"mask": np.zeros((90, 90), bool)}, "0 pixels"),
        (np.zeros((90, 90)), {"mask": np.ones((90, 80), bool)}, "shape"),
        (np.zeros((90, 90)), {"mask": np.ones((90, 90))}, "True and False"),
        (np.zeros((90, 90)), {"spacing_mm": (0.1, -1)}, "positive length"),
        (np.zeros((90, 90)), {"spacing_mm": 0.1}, "positive length"),
    ],
)
def test_bad_input_is_told_in_a_sentence(gray, options, words, one_sentence):
    with pytest.raises(MeasureError) as caught:
        find_aponeuroses(gray, **options)
    assert words in str(caught.value)
    assert one_sentence(str(caught.value))


# Lines that are drawn.


def test_drawn_line_is_kept_and_prolonged_straight():
    line = Aponeurosis.from_points([(10, 0), (20, 100), (10, 200)])
    assert [line.row_at(c) for c in (0, 50, 150, 200)] == [10, 15, 15, 10]
    # The robust straight line is level.
    assert line.row_at(300) == pytest.approx(10, abs=1e-6)
    assert line.angle_deg() == pytest.approx(0, abs=1e-6)
    assert line.angle_deg(50) == pytest.approx(-math.degrees(math.atan(0.1)))
    assert line.angle_deg(150) == pytest.approx(math.degrees(math.atan(0.1)))


def test_order_and_repeated_columns_do_not_matter():
    line = Aponeurosis.from_points([(30, 200), (10, 0), (19, 100), (21, 100)])
    np.testing.assert_array_equal(line.vertices, [(10, 0), (20, 100), (30, 200)])
    assert line.columns == (0, 200)


@pytest.mark.parametrize("smooth", ["line", "parabola"])
def test_stray_points_do_not_move_a_smoothed_line(smooth):
    columns = np.arange(0, 200, 5.0)
    rows = 40 + 0.1 * columns
    rows[[7, 20]] += 60
    line = Aponeurosis.from_points(np.column_stack([rows, columns]), smooth=smooth)
    np.testing.assert_allclose(line.row_at(columns), 40 + 0.1 * columns, atol=0.01)
    assert line.angle_deg() == pytest.approx(-math.degrees(math.atan(0.1)), abs=0.01)


@settings(max_examples=40, deadline=None)
@given(st.floats(-30, 30), st.floats(-500, 500), st.floats(0.02, 2), st.floats(0.02, 2))
def test_angle_of_a_line_with_any_spacing(degrees, row, depth, lateral):
    columns = np.array([0.0, 80.0, 300.0])
    rows = row - columns * lateral / depth * math.tan(math.radians(degrees))
    line = Aponeurosis.from_points(np.column_stack([rows, columns]))
    spacing = (depth, lateral)
    assert line.angle_deg(spacing_mm=spacing) == pytest.approx(degrees, abs=1e-6)
    assert line.angle_deg(100, spacing_mm=spacing) == pytest.approx(degrees, abs=1e-6)
    assert line.row_at(900) == pytest.approx(
        rows[0] + 3 * (rows[2] - rows[0]), rel=1e-6, abs=1e-6
    )


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(1, 2)], "1 column"),
        ([(1, 2), (5, 2)], "1 column"),
        ([], "2 to 100000 points"),
        ([1, 2, 3], "2 to 100000 points"),
        ([(1, 2, 3), (4, 5, 6)], "2 to 100000 points"),
        ("abc", "2 to 100000 points"),
        ([(1, 2), (math.nan, 3)], "far outside"),
        ([(1, 2), (1e300, 3)], "far outside"),
        ([(1, 2), (10**400, 3)], "2 to 100000 points"),
    ],
)
def test_points_that_are_no_line_are_refused(points, words, one_sentence):
    with pytest.raises(MeasureError) as caught:
        Aponeurosis.from_points(points)
    assert words in str(caught.value)
    assert one_sentence(str(caught.value))


def test_unknown_smoothing_is_refused():
    with pytest.raises(MeasureError, match="'spline'"):
        Aponeurosis.from_points([(1, 2), (3, 4)], smooth="spline")


# What people drew. Rows of the observers belong to column 20, the margin at which the
# program they read for evaluates thickness.

COLUMN = 20


@pytest.fixture(scope="module")
def compared(shared):
    """Give found − mean of three observers, and found, one row a picture."""
    folder = shared("data/longitudinal_vl")
    read = defaultdict(list)
    with (folder / "observers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            read[row["file"]].append(
                [
                    float(row["superficial_aponeurosis_y_px"]),
                    float(row["deep_aponeurosis_y_px"]),
                    float(row["superficial_aponeurosis_angle_deg"]),
                    float(row["thickness_px"]),
                ]
            )
    values = {}
    for name, readings in sorted(read.items()):
        gray = np.asarray(Image.open(folder / name).convert("L"))
        found = find_aponeuroses(gray, mask=np.ones(gray.shape, bool))
        if found.deep is not None:
            top, bottom = (
                line.row_at(COLUMN) for line in (found.superficial, found.deep)
            )
            measured = (top, bottom, found.superficial.angle_deg(), bottom - top)
            values[name] = (measured, np.mean(readings, axis=0), bool(found.doubt))
    return values


@pytest.mark.parametrize(
    ("place", "bias", "sd", "median", "r"),
    [
        # The observers differ from one another by SD 1.5 to 1.9 px (row), 5.6 to
        # 9.1 px (deep row), 0.5 degrees and 5.6 to 9.1 px (thickness).
        (0, 1.5, 7.0, 2.0, 0.95),
        (1, 3.0, 11.0, 3.5, 0.94),
        (2, 0.5, 1.1, 0.4, 0.9),
        (3, 4.0, 12.5, 4.5, 0.95),
    ],
    ids=["superficial row", "deep row", "superficial angle", "thickness"],
)
def test_lines_agree_with_three_observers(compared, place, bias, sd, median, r):
    found, read = (np.array([v[k][place] for v in compared.values()]) for k in (0, 1))
    difference = found - read
    assert len(difference) >= 84
    assert abs(difference.mean()) < bias
    assert difference.std(ddof=1) < sd
    assert np.median(np.abs(difference)) < median
    assert np.corrcoef(found, read)[0, 1] > r


def test_deep_lines_that_are_far_off_are_said_to_be_doubtful(compared):
    far = [
        doubt
        for measured, read, doubt in compared.values()
        if abs(measured[1] - read[1]) > 20
    ]
    assert len(far) <= 7
    assert all(far)
    doubtful = sum(doubt for *_, doubt in compared.values())
    assert doubtful < 0.25 * len(compared)


def inner_borders(drawn):
    """Return columns and inner rows of the two uppermost drawn bands."""
    labels, count = ndimage.label(drawn)
    sizes = np.bincount(labels.ravel())
    large = [k for k in range(1, count + 1) if sizes[k] > 300]
    large.sort(key=lambda k: ndimage.center_of_mass(labels == k)[0])
    for k, upper in zip(large[:2], (True, False), strict=True):
        band = labels == k
        columns = np.flatnonzero(band.any(axis=0))
        if upper:
            yield columns, len(band) - band[::-1, columns].argmax(axis=0) - 0.5
        else:
            yield columns, band[:, columns].argmax(axis=0) - 0.5


def test_lines_lie_on_aponeuroses_drawn_in_pictures_of_several_scanners(shared):
    folder = shared("data/apo_fascicle_masks")
    distances = []
    for path in sorted((folder / "apo_images").glob("*.tif")):
        gray = np.asarray(Image.open(path).convert("L"))
        found = find_aponeuroses(gray)
        drawn = np.asarray(Image.open(folder / "apo_masks" / path.name)) > 0
        lines = (found.superficial, found.deep)
        for line, (columns, rows) in zip(lines, inner_borders(drawn), strict=True):
            away = line.row_at(columns.astype(float)) - rows
            distances.append(np.abs(away).mean())
    assert len(distances) == 24
    assert max(distances) < 7
    assert np.median(distances) < 2.2


def test_transverse_pictures_are_refused(shared):
    tifffile = pytest.importorskip("tifffile")
    for path in sorted(shared("data/transverse_vl").glob("*.tif")):
        gray = tifffile.imread(path)[..., :3].mean(axis=2).astype(np.uint8)
        found = find_aponeuroses(gray)
        assert found.deep is None
        assert "transverse" in found.reason
