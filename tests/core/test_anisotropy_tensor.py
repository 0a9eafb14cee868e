"""Orientation maps: analytic waves, OrientationJ, scikit-image, naive sums."""

from __future__ import annotations

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration
from napari_muscle_us.measure.anisotropy import _tensor_kernels as kernels
from napari_muscle_us.measure.anisotropy import orientation as orientation_module
from napari_muscle_us.measure.anisotropy.gradients import (
    GRADIENTS,
    gradient_kernel,
    window_taps,
)
from napari_muscle_us.measure.anisotropy.orientation import (
    MIN_SHARE,
    compute_orientation_map,
    orientation_of_clip,
)

ROWS, COLUMNS = np.mgrid[:96, :96].astype(float)
ANGLES = (-89.9, -75, -60, -45.3, -30, -12.7, -1, 0, 3, 15, 33.3, 45, 57, 71.4, 88, 90)


def wave(angle, period=12.0, amplitude=100.0, rows=ROWS, columns=COLUMNS):
    """Return lines that run at an angle: counter-clockwise, up positive."""
    t = math.radians(angle)
    phase = columns * math.sin(t) + rows * math.cos(t)
    return 127.5 + amplitude * np.sin(2 * math.pi * phase / period)


def apart(angles, truth):
    """Return how far directions are from the truth, in degrees, whatever the turn."""
    return np.abs((np.asarray(angles, float) - truth + 90) % 180 - 90)


def doubled(found):
    """Return coherency and direction as one complex number a pixel."""
    turned = np.exp(2j * np.radians(found.orientation_deg.astype(float)))
    return found.coherency * turned


@pytest.fixture(scope="module")
def muscle(shared):
    """Return a real image, without the screen around it."""
    path = sorted(shared("data/longitudinal_vl").glob("*.png"))[0]
    return np.asarray(Image.open(path).convert("L"))[100:260, 80:330].copy()


@pytest.fixture(scope="module")
def region(muscle):
    shape = mus.Polygon([(5, 30), (0, 200), (90, 249), (150, 190), (120, 20)])
    mask = mus.roi_mask(shape, muscle.shape)
    mask[60:75, 100:130] = False
    return mask


@pytest.mark.parametrize("gradient", ["cubic_spline", "gaussian"])
@pytest.mark.parametrize("angle", ANGLES)
def test_direction_of_a_wave_everywhere(angle, gradient):
    found = compute_orientation_map(wave(angle), gradient=gradient)
    there = np.isfinite(found.orientation_deg)
    assert apart(found.orientation_deg[there], angle).max() < 0.1
    assert found.coherency[there].min() > 0.999
    assert there[8:-8, 8:-8].all()
    assert np.all(found.orientation_deg[there] > -90)
    assert np.all(found.orientation_deg[there] <= 90)


@pytest.mark.parametrize("period", [6, 8, 20, 40])
@pytest.mark.parametrize("gradient", ["cubic_spline", "gaussian"])
def test_direction_of_waves_of_other_lengths(period, gradient):
    found = compute_orientation_map(wave(22.5, period), gradient=gradient)
    # Beside an edge only a shorter kernel fits, which sees short waves too flat.
    limit = {6: 0.6, 8: 0.2}.get(period, 0.1) if gradient == "cubic_spline" else 0.1
    there = np.isfinite(found.orientation_deg)
    assert apart(found.orientation_deg[there], 22.5).max() < limit


@pytest.mark.parametrize("gradient", ["cubic_spline", "gaussian"])
@pytest.mark.parametrize("angle", [-70, -20, 10, 45])
def test_direction_of_a_wave_up_to_the_rim_of_a_mask(angle, gradient):
    mask = (ROWS - 48) ** 2 + (COLUMNS - 40) ** 2 < 25**2
    mask[45:50, 35:44] = False
    image = np.where(mask, wave(angle), 255.0)
    found = compute_orientation_map(image, gradient=gradient, mask=mask)
    there = np.isfinite(found.orientation_deg)
    assert not there[~mask].any()
    assert there.sum() > 0.6 * mask.sum()
    assert apart(found.orientation_deg[there], angle).max() < 0.15
    assert found.coherency[there].min() > 0.999


@pytest.mark.parametrize("name", ["finite_difference", "sobel", "scharr"])
def test_short_kernels_err_as_their_response_says(name):
    w = 2 * math.pi / 12
    t = math.radians(15)
    side = {"finite_difference": 0, "sobel": 0.5, "scharr": 0.375}[name]

    def response(along, across):
        return math.sin(along) * (1 - side + side * math.cos(across))

    u, v = w * math.sin(t), w * math.cos(t)
    expected = math.degrees(math.atan2(response(u, v), response(v, u)))
    found = compute_orientation_map(wave(15), gradient=name)
    assert found.orientation_deg[48, 48] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", list(GRADIENTS))
def test_a_ramp_has_its_slope(name):
    image = 3.0 * COLUMNS - 2.0 * ROWS
    found = compute_orientation_map(image, gradient=name)
    assert found.energy[48, 48] == pytest.approx(13.0, rel=1e-5)
    expected = math.degrees(math.atan2(3, -2)) - 180 + 90 + 90
    assert apart(found.orientation_deg[48, 48], expected) < 1e-3
    in_mm = compute_orientation_map(image, gradient=name, spacing_mm=(0.5, 0.25))
    assert in_mm.energy[48, 48] == pytest.approx(12.0**2 + 4.0**2, rel=1e-5)


def test_taps_of_the_spline_are_scipys():
    from scipy import ndimage

    impulse = np.zeros(201)
    impulse[100] = 1
    spline = ndimage.spline_filter1d(impulse, 3, mode="mirror")
    theirs = (spline[2:] - spline[:-2])[99:112] / 2
    taps = gradient_kernel().derive_x[12]
    np.testing.assert_allclose(-taps, theirs, atol=1e-7)


@pytest.mark.parametrize(
    ("one", "two", "a", "b"),
    [(0, 90, 80, 40), (0, 90, 50, 50), (10, 60, 60, 30), (-40, 20, 70, 50)],
)
def test_two_crossed_waves(one, two, a, b):
    image = wave(one, 12, a) + wave(two, 12, b)
    found = compute_orientation_map(image, sigma_px=10)
    both = a**2 * np.exp(2j * math.radians(one)) + b**2 * np.exp(2j * math.radians(two))
    both /= a**2 + b**2
    middle = doubled(found)[48, 48]
    assert abs(middle - both) < 2e-3


def test_order_of_noise_falls_with_the_root_of_the_window():
    noise = np.random.default_rng(0).normal(size=(600, 600)) * 20 + 100
    means = []
    for sigma in (3, 6, 12):
        found = compute_orientation_map(noise, sigma_px=sigma)
        means.append(found.coherency[60:-60, 60:-60].mean())
    # The window's area is 4 pi sigma², so that the order falls as 1 / sigma.
    np.testing.assert_allclose(np.divide(means[:-1], means[1:]), 2, rtol=0.1)
    assert means[0] < 0.3


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("gradient", list(GRADIENTS))
def test_turned_image_turned_map(muscle, region, turns, gradient):
    options = {"gradient": gradient, "sigma_px": 3.0}
    plain = compute_orientation_map(muscle, mask=region, **options)
    turned = compute_orientation_map(
        np.rot90(muscle, turns), mask=np.rot90(region, turns), **options
    )
    expected = np.rot90(doubled(plain), turns) * (-1) ** turns
    np.testing.assert_allclose(doubled(turned), expected, atol=2e-6)
    back = np.rot90(plain.energy, turns)
    np.testing.assert_allclose(turned.energy, back, rtol=1e-5)


def test_mirrored_image_mirrored_directions(muscle):
    plain = compute_orientation_map(muscle)
    mirrored = compute_orientation_map(muscle[:, ::-1])
    expected = np.conj(doubled(plain))[:, ::-1]
    np.testing.assert_allclose(doubled(mirrored), expected, atol=2e-6)


@pytest.mark.parametrize(("gain", "offset"), [(0.001, 0), (2.5, 40), (1e4, -3e5)])
def test_gain_and_offset_change_only_the_energy(muscle, gain, offset):
    plain = compute_orientation_map(muscle.astype(float))
    other = compute_orientation_map(gain * muscle.astype(float) + offset)
    np.testing.assert_allclose(doubled(other), doubled(plain), atol=5e-6)
    np.testing.assert_allclose(other.energy, gain**2 * plain.energy, rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_other_types_of_numbers(muscle, dtype):
    plain = compute_orientation_map(muscle)
    other = compute_orientation_map(muscle.astype(dtype))
    np.testing.assert_allclose(doubled(other), doubled(plain), atol=5e-6)
    np.testing.assert_allclose(other.energy, plain.energy, rtol=1e-4)


@pytest.mark.parametrize("angle", [-80, -30, 5, 20, 45, 70])
@pytest.mark.parametrize("spacing", [(0.05, 0.12), (0.2, 0.1)])
def test_angles_are_those_in_the_muscle(angle, spacing):
    image = wave(angle, 2.4, rows=ROWS * spacing[0], columns=COLUMNS * spacing[1])
    found = compute_orientation_map(image, spacing_mm=spacing, sigma_mm=0.4)
    there = np.isfinite(found.orientation_deg)
    assert apart(found.orientation_deg[there], angle).max() < 0.1
    assert found.coherency[there].min() > 0.999
    wrong = compute_orientation_map(image).orientation_deg[48, 48]
    assert apart(wrong, angle) > 2


def test_a_window_in_mm_is_round_in_the_muscle():
    # One bright spot: the energy around it shows the window.
    image = np.zeros((129, 129))
    image[64, 64] = 1
    spacing = (0.1, 0.2)
    found = compute_orientation_map(
        image,
        sigma_mm=1.0,
        spacing_mm=spacing,
        gradient="gaussian",
        gradient_sigma_mm=0.4,
    )
    rows, columns = np.mgrid[-64:65, -64:65]
    weight = found.energy[24:105, 24:105].astype(float)
    down = (weight * (rows[24:105, 24:105] * spacing[0]) ** 2).sum() / weight.sum()
    across = (weight * (columns[24:105, 24:105] * spacing[1]) ** 2).sum()
    assert down == pytest.approx(across / weight.sum(), rel=0.02)


def test_unmasked_is_a_mask_of_everything(muscle):
    for gradient in GRADIENTS:
        plain = compute_orientation_map(muscle, gradient=gradient)
        masked = compute_orientation_map(
            muscle, gradient=gradient, mask=np.ones(muscle.shape, bool)
        )
        np.testing.assert_allclose(doubled(masked), doubled(plain), atol=1e-6)
        np.testing.assert_allclose(masked.energy, plain.energy, rtol=1e-5)


def oracle_image(kind):
    rows, columns = np.mgrid[:128, :128].astype(float)
    if kind.startswith("sine_"):
        return wave(float(kind[5:]), rows=rows, columns=columns)
    lateral = np.sin(2 * np.pi * columns / 12)
    depth = np.sin(2 * np.pi * rows / 12)
    return {
        "cross": 127.5 + 50 * lateral + 50 * depth,
        "aniso2to1": 127.5 + 80 * lateral + 40 * depth,
        "hash": (7 * columns + 13 * rows + (columns * rows) % 17) % 256,
        "flat": np.full((128, 128), 100.0),
    }[kind]


def test_rows_of_orientationj(shared):
    path = shared("oracles/orientationj_oracle.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    compared = 0
    for row in rows:
        if row["kind"] == "gauss_effective":
            taps = window_taps(row["nominal_sigma"], window="orientationj").astype(
                float
            )
            variance = 2 * (taps * np.arange(len(taps)) ** 2).sum()
            assert math.sqrt(variance) == pytest.approx(
                row["effective_sigma"], rel=1e-4
            )
            continue
        compared += 1
        found = compute_orientation_map(
            oracle_image(row["kind"]),
            sigma_px=row["sigmaST"],
            gradient=row["gradient"],
            window="orientationj",
        )
        if row["kind"] == "flat":
            assert np.isnan(found.coherency).all()
            assert found.reason == orientation_module.FLAT
            continue
        agrees_with_row(found, row)
    assert compared == 72


def agrees_with_row(found, row):
    inner = np.s_[32:96, 32:96]
    # Theirs is the whole difference of two pixels, and a Gaussian cut off as it is.
    factor = 4 if row["gradient"] == "finite_difference" else 1
    exact = 3e-4 if row["gradient"] == "gaussian" else 3e-5
    coherency = found.coherency.astype(float)
    assert coherency[inner].mean() == pytest.approx(row["mean_coherency"], abs=5e-6)
    assert coherency[50, 40] == pytest.approx(row["pix_40_50_coh"], abs=1e-5)
    energy = found.energy.astype(float) * factor
    assert energy[inner].mean() == pytest.approx(row["mean_energy"], rel=exact)
    assert energy[50, 40] == pytest.approx(row["pix_40_50_energy"], rel=exact)
    fa = math.sqrt(2) * coherency / np.sqrt(1 + coherency**2)
    assert fa[inner].mean() == pytest.approx(row["mean_fa"], abs=5e-6)
    turned = np.exp(2j * np.radians(found.orientation_deg[inner].astype(float))).mean()
    if row["axial_R"] > 0.5:
        angle = math.degrees(np.angle(turned)) / 2
        assert apart(angle, row["axial_mean_orientation_deg"]) < 1e-4
        assert abs(turned) == pytest.approx(row["axial_R"], abs=1e-5)
    assert apart(found.orientation_deg[50, 40], row["pix_40_50_ori_deg"]) < 1e-3


def test_its_sigma_is_not_ours():
    image = oracle_image("hash")
    inner = np.s_[32:96, 32:96]
    theirs = compute_orientation_map(image, sigma_px=2, window="orientationj")
    wide = compute_orientation_map(image, sigma_px=2 * math.sqrt(3))
    same_number = compute_orientation_map(image, sigma_px=2)
    order = [found.coherency[inner].mean() for found in (theirs, wide, same_number)]
    assert abs(order[0] - order[1]) < 2e-3
    assert abs(order[0] - order[2]) > 0.03


def test_scikit_image_agrees(muscle):
    from skimage.feature import structure_tensor

    rr, rc, cc = structure_tensor(muscle.astype(float), sigma=2.5, order="rc")
    found = compute_orientation_map(muscle, sigma_px=2.5, gradient="sobel")
    inner = np.s_[14:-14, 14:-14]
    theirs = (rr - cc + 2j * rc) / (rr + cc)
    np.testing.assert_allclose(doubled(found)[inner], theirs[inner], atol=2e-6)
    # Its operator adds up to 8.
    np.testing.assert_allclose(found.energy[inner], (rr + cc)[inner] / 64, rtol=1e-5)


def naive_gradients(image, mask):
    """Return the derivatives by differences of four pixels or more, pixel by pixel."""
    differences = {2: (8 / 12, -1 / 12), 3: (45 / 60, -9 / 60, 1 / 60)}
    z = math.sqrt(3) - 2
    spline = [-3 * z**k for k in range(1, 13)]

    def along(line, inside, at):
        reach = 0
        while (
            reach < 12
            and at - reach - 1 >= 0
            and at + reach + 1 < len(line)
            and inside[at - reach - 1]
            and inside[at + reach + 1]
        ):
            reach += 1
        if not inside[at] or reach < 2:
            return None
        taps = spline if reach == 12 else differences[min(reach, 3)]
        return sum(w * (line[at + k] - line[at - k]) for k, w in enumerate(taps, 1))

    found = {}
    for r, c in np.argwhere(mask):
        x = along(image[r], mask[r], c)
        y = along(image[:, c], mask[:, c], r)
        if x is not None and y is not None:
            found[r, c] = x, y
    return found


def test_naive_sum_over_a_mask(muscle):
    image = muscle[:34, 20:58].astype(float)
    mask = np.hypot(*(np.mgrid[:34, :38] - np.array([16, 19])[:, None, None])) < 15
    mask[18:20, 22] = False
    mask[15, 30:] = True
    gradients = naive_gradients(image, mask)
    found = compute_orientation_map(image.astype(np.uint8), sigma_px=1.7, mask=mask)
    reach = math.ceil(4 * 1.7)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 1.7) ** 2)
    bell /= bell.sum()
    missing = 0
    for r, c in np.argwhere(mask):
        sums = np.zeros(4)
        for (down, across), (x, y) in gradients.items():
            if abs(down - r) <= reach and abs(across - c) <= reach:
                weight = bell[down - r + reach] * bell[across - c + reach]
                sums += weight * np.array([x * x, x * y, y * y, 1])
        xx, xy, yy, share = sums
        if share < MIN_SHARE:
            missing += 1
            assert math.isnan(found.energy[r, c])
            continue
        assert found.energy[r, c] == pytest.approx((xx + yy) / share, rel=1e-5)
        expected = (yy - xx + 2j * xy) / (xx + yy)
        assert abs(doubled(found)[r, c] - expected) < 1e-5
    assert 0 < missing < 0.3 * mask.sum()


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.uint8, (24, 30)),
    arrays(np.uint8, (24, 30)),
    arrays(np.bool_, (24, 30), elements=st.booleans(), fill=st.just(True)),
    st.sampled_from(list(GRADIENTS)),
)
def test_pixels_outside_never_leak(image, other, mask, gradient):
    if not mask.any():
        return
    options = {"gradient": gradient, "gradient_sigma_px": 0.6, "mask": mask}
    one = compute_orientation_map(image, **options)
    two = compute_orientation_map(np.where(mask, image, other), **options)
    for name in ("orientation_deg", "coherency", "energy"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert np.isnan(getattr(one, name)[~mask]).all()


def test_nothing_outside_is_looked_at():
    mask = np.zeros(ROWS.shape, bool)
    mask[20:60, 10:70] = True
    image = np.where(mask, wave(30), np.nan)
    found = compute_orientation_map(image, mask=mask)
    assert apart(found.orientation_deg[40, 40], 30) < 0.01


def test_the_fast_angle_is_exact():
    rng = np.random.default_rng(1)
    angles = np.concatenate(
        [rng.uniform(-90, 90, 20000), np.linspace(-90, 90, 1441), [1e-5, -1e-5, 90]]
    )
    order = rng.uniform(0.01, 1, angles.size)
    energy = 10 ** rng.uniform(-4, 6, angles.size)
    vector = order * np.exp(2j * np.radians(angles)) * energy
    xx, yy = ((energy + sign * vector.real) / 2 for sign in (-1, 1))
    parts = [part.astype(np.float32) for part in (xx, vector.imag / 2, yy)]
    out = [np.empty(angles.size, np.float32) for _ in range(3)]
    one = np.float32(1)
    limits = np.float32(0.1), np.float32(0), one
    kernels._finish(*parts, np.ones(angles.size, np.float32), *limits, *out)
    xx, xy, yy = (part.astype(float) for part in parts)
    exact = np.degrees(np.arctan2(2 * xy, yy - xx)) / 2
    # Where the order is low, the two diagonals' difference has few digits left.
    sure = order > 0.3
    assert apart(out[0], exact)[sure].max() < 1e-4
    assert apart(out[0], angles)[sure].max() < 2e-4
    assert out[0].min() > -90
    assert out[0].max() == 90


def test_bands_are_not_seen(muscle, monkeypatch):
    maps = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(orientation_module, "processors", lambda n=threads: n)
        maps.append(compute_orientation_map(muscle, sigma_px=4))
    for other in maps[1:]:
        np.testing.assert_array_equal(other.coherency, maps[0].coherency)
        np.testing.assert_array_equal(other.orientation_deg, maps[0].orientation_deg)


def test_no_more_memory_than_maps_and_image():
    image = np.zeros((512, 512), np.uint8)
    image[:, ::7] = 100
    compute_orientation_map(image)
    tracemalloc.start()
    found = compute_orientation_map(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.energy.nbytes == 2**20
    assert peak < 4.5 * 2**20


def test_a_window_wider_than_the_image_takes_no_more_room(monkeypatch):
    """Sigma 100 in 7 rows of a million pixels took 7 GB."""
    from napari_muscle_us.measure.anisotropy import _tensor_kernels as kernels

    image = np.random.default_rng(0).normal(size=(9, 70))
    whole, taps, map_band = window_taps(60), [], kernels.map_band

    def with_whole_window(*given):
        taps.append([window.size for window in given[4]])
        return map_band(*given[:4], (whole, whole), *given[5:])

    found = compute_orientation_map(image, sigma_px=60)
    monkeypatch.setattr(kernels, "map_band", with_whole_window)
    expected = compute_orientation_map(image, sigma_px=60)
    assert taps == [[13, 73]]
    for name in ("orientation_deg", "coherency", "energy"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_taps_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        gradient_kernel().derive_x[1] = 0
    with pytest.raises(ValueError, match="read-only"):
        window_taps(2.0)[0] = 1


def test_input_is_left_as_it_is(muscle, region):
    image, mask = muscle.copy(), region.copy()
    image.setflags(write=False)
    mask.setflags(write=False)
    compute_orientation_map(image, mask=mask)
    compute_orientation_map(np.asfortranarray(image)[::2, ::-1])
    np.testing.assert_array_equal(image, muscle)


def test_constant_image_has_no_direction():
    found = compute_orientation_map(np.full((40, 40), 77, np.uint8))
    assert np.isnan(found.orientation_deg).all()
    assert np.isnan(found.coherency).all()
    assert found.energy[20, 20] == 0
    assert found.reason == orientation_module.FLAT


def test_a_flat_part_has_no_direction_beside_one_that_has():
    image = np.full((80, 160), 50.0)
    image[:, :60] = wave(20)[:80, :60]
    found = compute_orientation_map(image)
    assert found.reason == ""
    assert np.isnan(found.orientation_deg[:, 90:]).all()
    assert apart(found.orientation_deg[40, 20], 20) < 0.01


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        pytest.param("singles", orientation_module.NO_GRADIENT, id="single pixels"),
        pytest.param("small", orientation_module.NO_GRADIENT, id="below the kernel"),
        pytest.param("cross", orientation_module.FEW, id="too little of the window"),
    ],
)
def test_regions_without_a_value(mask, reason):
    area = np.zeros((40, 40), bool)
    if mask == "singles":
        area[::2, ::2] = True
    elif mask == "small":
        area[10:14, 10:14] = True
    else:
        area[10:15, 10:15] = True
    found = compute_orientation_map(wave(10)[:40, :40], mask=area)
    assert np.isnan(found.orientation_deg).all()
    assert found.reason == reason


def bad(**changes):
    return {"gray": np.zeros((20, 20), np.uint8), **changes}


BAD = {
    "RGB": bad(gray=np.zeros((20, 20, 3), np.uint8)),
    "no pixel": bad(gray=np.zeros((0, 20), np.uint8)),
    "bool": bad(gray=np.zeros((20, 20), bool)),
    "complex": bad(gray=np.zeros((20, 20), complex)),
    "NaN": bad(gray=np.full((20, 20), np.nan)),
    "infinite": bad(gray=np.where(np.eye(20) > 0, np.inf, 1.0)),
    "huge": bad(gray=np.eye(20) * 1e300),
    "tiny": bad(gray=np.eye(20) * 1e-30),
    "mask of another shape": bad(mask=np.ones((20, 21), bool)),
    "mask of numbers": bad(mask=np.ones((20, 20))),
    "empty mask": bad(mask=np.zeros((20, 20), bool)),
    "window in mm without a scale": bad(sigma_mm=1.0),
    "gradient in mm without a scale": bad(gradient="gaussian", gradient_sigma_mm=0.1),
    "sigma 0": bad(sigma_px=0),
    "sigma below": bad(sigma_px=0.3),
    "sigma above": bad(sigma_px=101),
    "sigma NaN": bad(sigma_px=math.nan),
    "sigma text": bad(sigma_px="2"),
    "sigma long": bad(sigma_px=10**5000),
    "sigma mm": bad(sigma_mm=-1.0, spacing_mm=(0.1, 0.1)),
    "sigma mm above": bad(sigma_mm=50.0, spacing_mm=(0.1, 0.1)),
    "gradient sigma": bad(gradient="gaussian", gradient_sigma_px=0.1),
    "unknown gradient": bad(gradient="prewitt"),
    "unknown window": bad(window="box"),
    "spacing 0": bad(spacing_mm=(0.0, 0.1)),
    "spacing NaN": bad(spacing_mm=(math.nan, 0.1)),
    "spacing of one": bad(spacing_mm=(0.1,)),
    "spacing of a number": bad(spacing_mm=0.1),
    "spacing tiny": bad(spacing_mm=(1e-300, 0.1)),
    "spacing huge": bad(spacing_mm=(0.1, 1e9)),
    "spacing long": bad(spacing_mm=(10**400, 0.1)),
    "gradient in a list": bad(gradient=["sobel"]),
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(options, one_sentence):
    with pytest.raises(MeasureError) as error:
        compute_orientation_map(**options)
    assert one_sentence(str(error.value))


class Clip:
    """A clip whose frames are made when they are asked for."""

    ndim = 3

    def __init__(self, frames, side=64):
        self.shape = (frames, side, side)
        self.asked = []

    def __getitem__(self, index):
        self.asked.append(index)
        return wave(index - 40)[: self.shape[1], : self.shape[2]].astype(np.uint8)


def test_clip_frame_by_frame():
    clip, seen = Clip(5), []
    maps = orientation_of_clip(clip, progress=lambda *n: seen.append(n), sigma_px=3)
    first = next(maps)[1]
    assert clip.asked == [0]
    assert apart(first.orientation_deg[30, 30], -40) < 0.3
    rest = list(maps)
    assert [index for index, _ in rest] == [1, 2, 3, 4]
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    expected = compute_orientation_map(clip[3], sigma_px=3)
    np.testing.assert_array_equal(rest[2][1].coherency, expected.coherency)


def test_clip_can_be_cancelled_and_chosen_from():
    clip = Clip(300)
    frames = [
        index
        for index, _ in orientation_of_clip(clip, cancelled=lambda: len(clip.asked) > 3)
    ]
    assert frames == [0, 1, 2, 3]
    clip = Clip(300)
    found = [index for index, _ in orientation_of_clip(clip, frames=range(7, 300, 100))]
    assert found == clip.asked == [7, 107, 207]


def test_clip_keeps_no_maps():
    clip = Clip(60)
    for _ in orientation_of_clip(clip, frames=range(2)):
        pass
    tracemalloc.start()
    for _ in orientation_of_clip(clip):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two frames' maps and work, of sixty.
    assert peak < 20 * 64 * 64 * 4 * 3


def test_clip_of_an_image_has_its_scale():
    pixels = wave(20)[:64, :64].astype(np.uint8)

    class Source:
        shape = (2, 64, 64)

        def read(self, index):
            return Frame(pixels.copy())

    scale = Calibration((0.1, 0.3), "test")
    stack = FrameStack(Source())
    image = mus.UltrasoundImage(stack, "clip", "0" * 64, calibration=scale)
    found = [m for _, m in orientation_of_clip(image)]
    expected = compute_orientation_map(pixels, spacing_mm=(0.1, 0.3))
    plain = [m for _, m in orientation_of_clip(stack)]
    assert apart(plain[1].orientation_deg[30, 30], 20) < 0.5
    np.testing.assert_array_equal(found[1].orientation_deg, expected.orientation_deg)


@pytest.mark.parametrize(
    ("clip", "frames"),
    [
        pytest.param(np.zeros((20, 20), np.uint8), None, id="still"),
        pytest.param(np.zeros((20, 20, 3), np.uint8), None, id="colours"),
        pytest.param(np.zeros((4, 20, 20), np.uint8), range(2, 6), id="frame"),
    ],
)
def test_bad_clip(clip, frames, one_sentence):
    with pytest.raises(MeasureError) as error:
        orientation_of_clip(clip, frames=frames)
    assert one_sentence(str(error.value))
