"""Simulated images: speckle physics, compression, and the anatomy they promise."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.simulate import (
    PENNATION_DEG,
    SIMULATED_NAMES,
    SimulatedMuscle,
    compress_log,
    compute_envelope,
    simulate_muscle,
)


@pytest.fixture(scope="module")
def samples() -> dict[str, SimulatedMuscle]:
    return {name: simulate_muscle(name) for name in SIMULATED_NAMES}


def inside_polygon(shape: tuple[int, int], vertices: np.ndarray) -> np.ndarray:
    """Mask of pixel centres by the even-odd rule, an edge at a time."""
    row, col = np.indices(shape)
    inside = np.zeros(shape, dtype=bool)
    for (r0, c0), (r1, c1) in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        if c0 == c1:
            continue
        crossing = r0 + (col - c0) * (r1 - r0) / (c1 - c0)
        inside ^= ((c0 > col) != (c1 > col)) & (row < crossing)
    return inside


def segments_cross(a, b, c, d) -> bool:
    """Whether the open segments ab and cd intersect."""

    def side(p, q, r) -> float:
        return np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def muscle_pixels(sample: SimulatedMuscle) -> np.ndarray:
    return sample.gray[inside_polygon(sample.gray.shape, sample.muscle_outline)]


def speckle(seed: int, shape=(512, 512), lateral_sd_px=(3.0, 3.0)) -> np.ndarray:
    """Envelope of homogeneous tissue: scatterers of unit power, random phase."""
    rng = np.random.default_rng(seed)
    real, imaginary = rng.standard_normal((2, *shape)) / math.sqrt(2.0)
    return compute_envelope(
        real + 1j * imaginary, axial_sd_px=1.2, lateral_sd_px=lateral_sd_px
    )


def test_polygon_oracle_on_a_square() -> None:
    square = np.array([(1.5, 1.5), (1.5, 4.5), (3.5, 4.5), (3.5, 1.5)])
    expected = np.zeros((6, 7), dtype=bool)
    expected[2:4, 2:5] = True
    assert_array_equal(inside_polygon((6, 7), square), expected)


# --- speckle and compression -----------------------------------------------------


@pytest.mark.parametrize("lateral_sd_px", [(3.0, 3.0), (2.1, 3.8)])
def test_homogeneous_tissue_gives_rayleigh_speckle(lateral_sd_px) -> None:
    envelope = speckle(1, lateral_sd_px=lateral_sd_px)
    rayleigh_snr = math.sqrt(math.pi / (4.0 - math.pi))  # 1.913
    assert_allclose(envelope.mean() / envelope.std(), rayleigh_snr, rtol=0.03)
    assert_allclose(np.mean(envelope**2), 1.0, rtol=0.06)
    # Rayleigh distribution function, 1 - exp(-A² / <A²>), at its quartiles.
    for quantile in (0.25, 0.5, 0.75):
        level = math.sqrt(-math.log(1.0 - quantile) * np.mean(envelope**2))
        assert_allclose(np.mean(envelope < level), quantile, atol=0.02)


def test_one_scatterer_is_imaged_as_the_point_spread_function() -> None:
    scatterers = np.zeros((64, 96), dtype=complex)
    scatterers[32, 48] = 3.0 * np.exp(0.7j)
    envelope = compute_envelope(scatterers, axial_sd_px=1.5, lateral_sd_px=(4.0, 4.0))
    row, col = np.indices(envelope.shape)
    psf = np.exp(-((row - 32) ** 2) / (2 * 1.5**2) - (col - 48) ** 2 / (2 * 4.0**2))
    # The Gaussian spectrum ends at the Nyquist frequency, at exp(-(1.5π)²/2) = 1.5e-5.
    assert_allclose(envelope, 3.0 * psf / np.sqrt(np.sum(psf**2)), atol=1.5e-5)


def test_beam_is_as_wide_as_asked_at_the_first_and_last_row() -> None:
    for row, sd_px in ((0, 2.0), (63, 5.0)):
        scatterers = np.zeros((64, 96), dtype=complex)
        scatterers[row, 48] = 1.0
        profile = compute_envelope(
            scatterers, axial_sd_px=1.2, lateral_sd_px=(2.0, 5.0)
        )[row]
        offset = np.arange(96) - 48
        expected = np.exp(-(offset**2) / (2 * sd_px**2))
        assert_allclose(profile / profile.max(), expected, atol=1e-6)


def test_log_compression_of_known_amplitudes() -> None:
    level_db = np.array([-20.0, 0.0, 6.0, 12.0, 30.0, 40.0, 60.0, 80.0])
    gray = compress_log(10.0 ** (level_db / 20.0), dynamic_range_db=60.0)
    # 255 · level / 60; 25.5, 51, 127.5, 170, 255; halves go to the even level.
    assert gray.dtype == np.uint8
    assert_allclose(gray[[0, 1, 3, 5, 6, 7]], [0, 0, 51, 170, 255, 255], atol=0)
    assert gray[2] in (25, 26)
    assert gray[4] in (127, 128)
    assert_array_equal(compress_log(np.array([0.0, 1.0, 10.0, 100.0])), [0, 0, 85, 170])
    half_range = compress_log(np.array([10.0]), dynamic_range_db=30.0)
    assert_array_equal(half_range, [170])


def test_speckle_in_gray_levels_does_not_depend_on_brightness() -> None:
    # A change of gain by 10 dB shifts a 60 dB image by 42.5 gray levels, no more.
    envelope = 1e2 * np.maximum(speckle(2), 0.02)
    dim, bright = compress_log(envelope), compress_log(envelope * 10.0**0.5)
    assert_allclose(bright.mean() - dim.mean(), 42.5, atol=0.1)
    # 5.57 dB is the SD of log-compressed Rayleigh speckle.
    assert_allclose(dim.std(), 5.57 * 255 / 60, rtol=0.03)


# --- the four samples ------------------------------------------------------------


def test_names_and_muscles(samples) -> None:
    assert SIMULATED_NAMES == (
        "transverse_healthy",
        "transverse_diseased",
        "longitudinal_healthy",
        "longitudinal_diseased",
    )
    for name, sample in samples.items():
        assert sample.name == name
        transverse = name.startswith("transverse")
        assert sample.muscle == ("Biceps brachii" if transverse else "Vastus lateralis")
        assert sample.description.startswith("Simulated ")
        assert sample.description.endswith(".")


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_same_bytes_every_time(name, samples) -> None:
    again = simulate_muscle(name)
    assert again.gray.tobytes() == samples[name].gray.tobytes()
    assert_array_equal(again.muscle_outline, samples[name].muscle_outline)


def test_samples_differ(samples) -> None:
    assert len({sample.gray.tobytes() for sample in samples.values()}) == 4


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_image_is_uint8_with_a_spacing_of_a_linear_probe(name, samples) -> None:
    sample = samples[name]
    assert sample.gray.dtype == np.uint8
    assert sample.gray.shape == (480, 560)
    assert sample.spacing_mm == (0.09, 0.09)
    # A measurement must not be a measurement of clipping.
    assert np.mean(muscle_pixels(sample) == 0) < 0.01
    assert np.mean(muscle_pixels(sample) == 255) < 0.001


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_outline_is_a_simple_polygon_inside_the_image(name, samples) -> None:
    sample = samples[name]
    outline = sample.muscle_outline
    assert 8 <= len(outline) <= 16
    assert outline.dtype == np.float64
    assert np.all(outline >= 0)
    assert np.all(outline <= np.array(sample.gray.shape) - 1)
    edges = list(zip(outline, np.roll(outline, -1, axis=0), strict=True))
    for (i, first), (j, second) in itertools.combinations(enumerate(edges), 2):
        if j - i in (1, len(edges) - 1):
            continue
        assert not segments_cross(*first, *second)
    area_mm2 = inside_polygon(sample.gray.shape, outline).sum() * 0.09**2
    assert 400 < area_mm2 < 1000


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("transverse_healthy", 55, 75),
        ("transverse_diseased", 110, 140),
        ("longitudinal_healthy", 55, 75),
        ("longitudinal_diseased", 110, 140),
    ],
)
def test_echo_intensity_of_the_muscle(name, low, high, samples) -> None:
    assert low < muscle_pixels(samples[name]).mean() < high


@pytest.mark.parametrize("plane", ["transverse", "longitudinal"])
def test_disease_makes_muscle_homogeneous_and_weakens_deep_echoes(
    plane, samples
) -> None:
    healthy, diseased = samples[f"{plane}_healthy"], samples[f"{plane}_diseased"]
    healthy_px, diseased_px = muscle_pixels(healthy), muscle_pixels(diseased)
    assert diseased_px.std() < healthy_px.std()

    def fall(sample: SimulatedMuscle) -> float:
        mask = inside_polygon(sample.gray.shape, sample.muscle_outline)
        row = np.nonzero(mask)[0]
        slope = np.polynomial.Polynomial.fit(row, sample.gray[mask], 1).convert()
        return float(-slope.coef[1] / sample.spacing_mm[0])

    # 0.03 and 0.7 dB/mm left over, less the focus, at 4.25 gray levels a dB.
    assert abs(fall(healthy)) < 1.0
    assert 1.5 < fall(diseased) < 4.0


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_fascia_above_the_outline_is_brighter_than_muscle(name, samples) -> None:
    sample = samples[name]
    mean = muscle_pixels(sample).mean()
    top = sample.muscle_outline[: len(sample.muscle_outline) // 2]
    for row, col in top:
        above = sample.gray[round(row) - 30 : round(row) - 5, round(col)]
        assert above.max() > mean + 50
        # The outline keeps clear of it.
        near = sample.gray[round(row) : round(row) + 3, round(col) - 5 : round(col) + 5]
        assert near.mean() < above.max() - 40


@pytest.mark.parametrize("plane", ["transverse", "longitudinal"])
def test_bone_is_bright_over_a_shadow_and_weaker_in_disease(plane, samples) -> None:
    peaks = {}
    for condition in ("healthy", "diseased"):
        sample = samples[f"{plane}_{condition}"]
        column = sample.gray[:, 265:300].mean(axis=1)
        bone = 350 + int(column[350:450].argmax())
        peaks[condition] = column[bone]
        assert column[bone] > muscle_pixels(sample).mean()
        assert column[bone + 25 :].mean() < 25
    assert peaks["healthy"] > peaks["diseased"] + 30


@pytest.mark.parametrize("sigma_px", [1.5, 3.0])
def test_fibres_run_at_the_pennation_angle(sigma_px, samples) -> None:
    sample = samples["longitudinal_healthy"]
    gray = sample.gray.astype(float)
    d_row = ndimage.gaussian_filter(gray, sigma_px, order=(1, 0))
    d_col = ndimage.gaussian_filter(gray, sigma_px, order=(0, 1))
    mask = inside_polygon(gray.shape, sample.muscle_outline)
    j_rr, j_cc, j_rc = (
        np.mean(a[mask] * b[mask])
        for a, b in ((d_row, d_row), (d_col, d_col), (d_row, d_col))
    )
    _, vectors = np.linalg.eigh([[j_rr, j_rc], [j_rc, j_cc]])
    along_row, along_col = vectors[:, 0]  # smallest change: along the fibres
    # Rising to the right (row falls as column grows) is positive.
    angle = math.degrees(math.atan2(-along_row, along_col))
    angle = (angle + 90.0) % 180.0 - 90.0
    assert_allclose(angle, PENNATION_DEG, atol=3.0)


def test_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(MuscleUSError, match=r"'sagittal'.*transverse_healthy"):
        simulate_muscle("sagittal")


def test_import_leaves_scipy_alone() -> None:
    code = (
        "import sys, napari_muscle_us.simulate; "
        "sys.exit(any(m == 'scipy' or m.startswith('scipy.') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
