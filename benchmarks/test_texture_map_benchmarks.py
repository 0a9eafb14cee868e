"""Cost of texture maps against the image's size, the window and the gray levels.

Run ``python dev.py bench``; one row of a group differs from the next in one setting
only. The peers make the matrix of every window anew: scikit-image, which knows no
mask and does a part of the work, and pyradiomics. Both take a small image, for they
need a minute for a whole one; compare them by the pixel. A picture of 512 × 512 has
113.8 times the pixels of one of 48 × 48.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from benchmarks.pyradiomics_peer import pyradiomics_class
from napari_muscle_us.measure.texture.maps import compute_texture_map

EIGHT = (
    "contrast",
    "dissimilarity",
    "inverse_difference",
    "inverse_difference_moment",
    "angular_second_moment",
    "joint_entropy",
    "correlation",
    "cluster_tendency",
)
THEIR_EIGHT = (
    *("Contrast", "DifferenceAverage", "Id", "Idm"),
    *("JointEnergy", "JointEntropy", "Correlation", "ClusterTendency"),
)
ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


def speckle(side):
    """Return a picture with fascia: Rayleigh noise, smooth as that of a scanner."""
    rng = np.random.default_rng(0)
    noise = np.hypot(*rng.normal(size=(2, side + 2, side + 2)))
    smooth = (noise[:-2] + noise[1:-1] + noise[2:])[:, :-2] / 3
    rows, columns = np.mgrid[:side, :side]
    stripes = 40 + 50 * (np.sin((rows + 0.3 * columns) / 9) > 0.8)
    return np.clip(stripes * smooth, 0, 255).astype(np.uint8)


def eight_maps(benchmark, side=512, **options):
    gray = speckle(side)
    compute_texture_map(gray, EIGHT, **options)
    benchmark.extra_info["processors"] = os.cpu_count()
    maps = benchmark(compute_texture_map, gray, EIGHT, **options)
    assert np.isfinite(maps["joint_entropy"][side // 2, side // 2])


@pytest.mark.benchmark(group="eight maps, window 31, 32 levels: by the image's side")
@pytest.mark.parametrize("side", [128, 256, 512, 1024])
def test_by_image(benchmark, side):
    eight_maps(benchmark, side)


@pytest.mark.benchmark(group="eight maps, 512 × 512, 32 levels: by the window")
@pytest.mark.parametrize("window_px", [7, 15, 31, 63, 101])
def test_by_window(benchmark, window_px):
    eight_maps(benchmark, window_px=window_px)


@pytest.mark.benchmark(group="eight maps, 512 × 512, window 31: by the bin size")
@pytest.mark.parametrize("bin_size", [32, 16, 8, 4, 1])
def test_by_levels(benchmark, bin_size):
    eight_maps(benchmark, bin_size=bin_size)


@pytest.mark.benchmark(group="eight maps, 512 × 512, inside an ellipse")
@pytest.mark.parametrize("bin_size", [8, 1])
def test_inside_a_mask(benchmark, bin_size):
    rows, columns = np.mgrid[:512, :512]
    mask = ((rows - 256) / 180) ** 2 + ((columns - 256) / 240) ** 2 < 1
    eight_maps(benchmark, bin_size=bin_size, mask=mask)


@pytest.mark.benchmark(group="one map, 512 × 512, window 31, 32 levels")
@pytest.mark.parametrize("key", [*EIGHT, "cluster_prominence", "mean", "entropy"])
def test_one_map(benchmark, key):
    gray = speckle(512)
    compute_texture_map(gray, key)
    maps = benchmark(compute_texture_map, gray, key)
    assert np.isfinite(maps[key][256, 256])


def scikit_image(gray, window):
    half, side = window // 2, len(gray)
    levels = gray // 8
    found = np.full(gray.shape, np.nan)
    for r in range(half, side - half):
        for c in range(half, side - half):
            area = levels[r - half : r + half + 1, c - half : c + half + 1]
            matrix = graycomatrix(area, [1], ANGLES, 32, symmetric=True, normed=True)
            found[r, c] = graycoprops(matrix, "contrast").mean()
    return found


PEER = "contrast of 34 × 34 windows of 15, 32 levels"


@pytest.mark.benchmark(group=PEER)
def test_contrast_ours(benchmark):
    gray = speckle(48)
    compute_texture_map(gray, "contrast", window_px=15)
    maps = benchmark(compute_texture_map, gray, "contrast", window_px=15)
    np.testing.assert_allclose(maps["contrast"], scikit_image(gray, 15), rtol=1e-6)


@pytest.mark.benchmark(group=PEER)
def test_contrast_scikit_image(benchmark):
    found = benchmark.pedantic(scikit_image, (speckle(48), 15), rounds=3)
    assert np.isfinite(found[24, 24])


VOXELS = "eight maps, window 15, 32 levels, beside those of pyradiomics"


@pytest.mark.benchmark(group=VOXELS)
@pytest.mark.parametrize("side", [48, 512])
def test_eight_ours(benchmark, side):
    eight_maps(benchmark, side, window_px=15)


@pytest.mark.benchmark(group=VOXELS)
def test_eight_pyradiomics(benchmark):
    gray = speckle(48)
    made = pyradiomics_class(
        "glcm",
        gray,
        np.ones(gray.shape, bool),
        features=THEIR_EIGHT,
        voxelBased=True,
        kernelRadius=7,
    )
    theirs = benchmark.pedantic(made.execute, rounds=5, warmup_rounds=1)
    sitk = pytest.importorskip("SimpleITK", reason="pyradiomics is not installed")
    ours = compute_texture_map(gray, EIGHT, window_px=15, min_share=1.0)
    for name, key in zip(THEIR_EIGHT, EIGHT, strict=True):
        found = sitk.GetArrayFromImage(theirs[name])[0]
        full = np.s_[7:-7, 7:-7]
        np.testing.assert_allclose(ours[key][full], found[full], rtol=1e-6)
