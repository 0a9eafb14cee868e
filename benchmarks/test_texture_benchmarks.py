"""Co-occurrence features of a region beside scikit-image, mahotas and pyradiomics.

Run ``python dev.py bench``; the rows of one group do the same work on the same levels,
save that ours gives 25 features, scikit-image 10, mahotas 13 and pyradiomics 23: its
24th, an eigenvalue, would triple its time. mahotas and pyradiomics take part where
they are installed. scikit-image knows no mask.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.feature import graycomatrix, graycoprops

from benchmarks.pyradiomics_peer import pyradiomics_class
from napari_muscle_us.measure.texture.glcm import glcm_by_direction, glcm_features

ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = (
    *("contrast", "dissimilarity", "homogeneity", "ASM", "energy"),
    *("correlation", "mean", "variance", "std", "entropy"),
)

WHOLE = "GLCM, four directions, 300 × 300, 256 levels"
COARSE = "GLCM, four directions, 300 × 300, 32 levels"
MASKED = "GLCM, four directions, irregular mask of 300 × 300, 256 levels"
FRAME = "GLCM, four directions, the same mask in a frame of 800 × 600, 256 levels"


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Compile before any clock runs."""
    for aggregation in ("2d_s_mrg", "2d_avg"):
        glcm_features(np.ones((1, 4, 4), np.uint16), 1, aggregation=aggregation)


@pytest.fixture(scope="module")
def gray():
    rng = np.random.default_rng(0)
    real, imaginary = (
        gaussian_filter(rng.normal(size=(300, 300)), 1.5) for _ in range(2)
    )
    speckle = np.hypot(real, imaginary)
    gray = np.clip(speckle / speckle.mean() * 70, 0, 254).astype(np.uint8)
    gray[0, 0] = 254
    return gray


@pytest.fixture(scope="module")
def levels(gray):
    return gray[None].astype(np.uint16) + np.uint16(1)


@pytest.fixture(scope="module")
def masked(levels):
    rows, columns = np.mgrid[:300, :300] - 149.5
    edge = 130 + 18 * np.sin(7 * np.arctan2(rows, columns))
    inside = (np.hypot(rows, columns) < edge) & (np.hypot(rows - 20, columns) > 15)
    return np.where(inside, levels, 0).astype(np.uint16)


@pytest.mark.benchmark(group=WHOLE)
@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2d_avg"])
def test_whole_ours(benchmark, levels, aggregation):
    values = benchmark(glcm_features, levels, 255, aggregation=aggregation)
    assert len(values) == 25


@pytest.mark.benchmark(group=WHOLE)
def test_whole_each_direction(benchmark, levels):
    values = benchmark(glcm_by_direction, levels, 255)
    assert [len(features) for features in values.values()] == [25] * 4


def scikit_image(gray, n_levels):
    counts = graycomatrix(gray, [1], ANGLES, n_levels, symmetric=True, normed=True)
    return {name: graycoprops(counts, name) for name in PROPERTIES}


@pytest.mark.benchmark(group=WHOLE)
def test_whole_scikit_image(benchmark, gray, levels):
    theirs = benchmark(scikit_image, gray, 256)
    ours = glcm_features(levels, 255, aggregation="2d_avg")
    np.testing.assert_allclose(theirs["contrast"].mean(), ours["glcm.contrast"])


@pytest.mark.benchmark(group=WHOLE)
def test_whole_mahotas(benchmark, gray, levels):
    features = pytest.importorskip("mahotas.features")
    theirs = benchmark(features.haralick, gray)
    ours = glcm_features(levels, 255, aggregation="2d_avg")
    np.testing.assert_allclose(theirs[:, 1].mean(), ours["glcm.contrast"])


def assert_pyradiomics(theirs, levels):
    n = int(levels.max())
    ours = glcm_features(levels, n, aggregation="2d_avg")
    for name, key in (("Contrast", "contrast"), ("JointEntropy", "joint_entropy")):
        np.testing.assert_allclose(theirs[name], ours[f"glcm.{key}"])


@pytest.mark.benchmark(group=WHOLE)
def test_whole_pyradiomics(benchmark, levels):
    made = pyradiomics_class("glcm", levels[0], levels[0] > 0, binWidth=1)
    theirs = benchmark(made.execute)
    assert len(theirs) == 23
    assert_pyradiomics(theirs, levels)


@pytest.mark.benchmark(group=COARSE)
@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2d_avg"])
def test_coarse_ours(benchmark, gray, aggregation):
    levels = (gray[None] // 8).astype(np.uint16) + np.uint16(1)
    values = benchmark(glcm_features, levels, 32, aggregation=aggregation)
    assert len(values) == 25


@pytest.mark.benchmark(group=COARSE)
def test_coarse_scikit_image(benchmark, gray):
    assert len(benchmark(scikit_image, gray // 8, 32)) == 10


@pytest.mark.benchmark(group=MASKED)
@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2d_avg"])
def test_masked_ours(benchmark, masked, aggregation):
    n = int(masked.max())
    values = benchmark(glcm_features, masked, n, aggregation=aggregation)
    assert len(values) == 25


@pytest.mark.benchmark(group=MASKED)
def test_masked_mahotas(benchmark, masked):
    features = pytest.importorskip("mahotas.features")
    theirs = benchmark(features.haralick, masked[0], ignore_zeros=True)
    ours = glcm_features(masked, int(masked.max()), aggregation="2d_avg")
    np.testing.assert_allclose(theirs[:, 1].mean(), ours["glcm.contrast"])


@pytest.mark.benchmark(group=MASKED)
def test_masked_pyradiomics(benchmark, masked):
    made = pyradiomics_class("glcm", masked[0], masked[0] > 0, binWidth=1)
    assert_pyradiomics(benchmark(made.execute), masked)


@pytest.mark.benchmark(group=FRAME)
@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2d_avg"])
def test_frame_ours(benchmark, masked, aggregation):
    frame = np.pad(masked, ((0, 0), (150, 150), (250, 250)))
    n = int(masked.max())
    values = benchmark(glcm_features, frame, n, aggregation=aggregation)
    assert values == glcm_features(masked, n, aggregation=aggregation)
