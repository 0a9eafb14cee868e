"""A thousand random regions of each kind: ImageJ's pixels and ImageJ's numbers.

With ImageJ at hand every number is compared; without it, digests that ImageJ's masks
and histograms left in ``tests/golden``.
"""

from __future__ import annotations

import math
import zlib
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.gray import gray_from_rgb
from napari_muscle_us.roi.crossing import find_crossing
from tests.core.random_rois import COUNT, HEIGHT, KINDS, WIDTH, random_rois, to_roi
from tests.golden.make_imagej_truth import (
    IMAGES,
    NO_HISTOGRAM,
    RECORD,
    STATISTICS,
    digests,
    measure_with_imagej,
    read_digests,
    specification_crc32,
)

SHAPE = (HEIGHT, WIDTH)
CLOSE = 1e-9
IMAGEJ_IMPRECISE = 10
"""Most of the 3000 regions × images where ImageJ's own subtraction costs more."""


@cache
def images():
    """Return the gray image, and the colour one by both rules."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    gray = (7 * x + 13 * y + (x * y) % 17) % 256
    channels = (5 * x + 3 * y, 11 * x + 7 * y, 2 * x + 17 * y)
    rgb = np.stack([channel % 256 for channel in channels], axis=-1).astype(np.uint8)
    converted = [gray_from_rgb(rgb, rule=rule) for rule in IMAGES[1:]]
    return gray.astype(np.uint8), *converted


@cache
def regions(kind):
    return random_rois(kind)


@cache
def measured(kind):
    """Return what this package measures, as ImageJTruth.java tells it; histograms."""
    records = np.zeros((COUNT, len(IMAGES)), RECORD)
    histograms = np.zeros((COUNT, len(IMAGES), 256), np.int64)
    records["histogram_crc32"] = NO_HISTOGRAM
    for place, parts in enumerate(regions(kind)):
        mask = mus.roi_mask(to_roi(kind, parts), SHAPE)
        records[place]["mask_crc32"] = zlib.crc32(mask.astype(np.uint8).tobytes())
        for number, image in enumerate(images() if mask.any() else ()):
            stats = mus.measure_intensity(image, mask)
            counts = stats.histogram.astype("<i4").tobytes()
            record = records[place, number]
            record["n"], record["histogram_crc32"] = stats.n, zlib.crc32(counts)
            for name in STATISTICS:
                record[name] = getattr(stats, name)
            histograms[place, number] = stats.histogram
    return records, histograms


@pytest.fixture(scope="module")
def imagej(tmp_path_factory):
    """Give what ImageJ measures of all regions, by kind."""
    rois = {kind: regions(kind) for kind in KINDS}
    about, records = measure_with_imagej(rois, tmp_path_factory.mktemp("imagej"))
    ours = [str(zlib.crc32(image.tobytes())) for image in images()]
    assert about[1:] == ours, "ImageJ converts colours otherwise"
    return records


@pytest.mark.parametrize("kind", KINDS)
def test_masks_are_imagejs(kind, imagej):
    ours, theirs = measured(kind)[0], imagej[kind]
    # Where a region has no size, ImageJ measures the whole image instead.
    np.testing.assert_array_equal(ours["n"], np.maximum(theirs["n"], 0))
    sized = theirs["n"] >= 0
    assert sized.all(axis=1).sum() > COUNT - 10
    for field in ("mask_crc32", "histogram_crc32"):
        np.testing.assert_array_equal(ours[field][sized], theirs[field][sized], field)


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_imagejs(kind, imagej):
    ours, theirs = measured(kind)[0], imagej[kind]
    filled = theirs["n"] > 0
    ours, theirs = ours[filled], theirs[filled].copy()
    # ImageJ gives an SD of 0 for one pixel; with n − 1 it is undefined, so NaN.
    theirs["sd"][theirs["n"] == 1] = np.nan
    for name in ("min", "max", "mode", "median"):
        np.testing.assert_array_equal(ours[name], theirs[name], name)
    for name in ("mean", "sd"):
        np.testing.assert_allclose(
            ours[name], theirs[name], rtol=CLOSE, atol=CLOSE, err_msg=name
        )


@pytest.mark.parametrize("kind", KINDS)
def test_skewness_and_kurtosis_are_imagejs(kind, imagej):
    ours, theirs = measured(kind)[0], imagej[kind]
    filled = theirs["n"] > 0
    imprecise = 0
    for number, name in enumerate(("skewness", "kurtosis")):
        same = np.isclose(
            ours[name], theirs[name], rtol=CLOSE, atol=CLOSE, equal_nan=True
        )
        for place in zip(*np.nonzero(filled & ~same), strict=True):
            # Here ImageJ's number is its formula's rounding error, digit for digit,
            # and ours is the exact one.
            histogram = measured(kind)[1][place]
            assert theirs[name][place] == imagej_moments(histogram)[number]
            exact = exact_moments(histogram)[number]
            assert ours[name][place] == pytest.approx(exact, rel=CLOSE, abs=CLOSE)
            imprecise += 1
    assert imprecise <= IMAGEJ_IMPRECISE


def imagej_moments(histogram):
    """Return skewness and kurtosis as ByteStatistics computes them, from power sums."""
    sums = [
        float(sum(int(h) * g**k for g, h in enumerate(histogram))) for k in range(5)
    ]
    n, _, sum2, sum3, sum4 = sums
    mean = sums[1] / n
    mean2 = mean * mean
    variance = sum2 / n - mean2
    third = (sum3 - 3.0 * mean * sum2) / n + 2.0 * mean * mean2
    fourth = (sum4 - 4.0 * mean * sum3 + 6.0 * mean2 * sum2) / n - 3.0 * mean2 * mean2
    skewness = third / (variance * math.sqrt(variance))
    return skewness, fourth / (variance * variance) - 3.0


def exact_moments(histogram):
    """Return skewness and excess kurtosis without any rounding before the last."""
    n = int(histogram.sum())
    mean = Fraction(sum(int(h) * g for g, h in enumerate(histogram)), n)
    second, third, fourth = (
        sum(int(h) * (g - mean) ** k for g, h in enumerate(histogram)) / n
        for k in (2, 3, 4)
    )
    kurtosis = fourth / second**2 - 3
    return float(third) / float(second) ** 1.5, float(kurtosis)


@pytest.mark.parametrize("kind", KINDS)
def test_digests_are_those_that_imagej_left(kind):
    rois_crc32, expected = read_digests(kind)
    assert specification_crc32(regions(kind)) == rois_crc32, (
        "these are other random regions: run python -m tests.golden.make_imagej_truth"
    )
    ours = measured(kind)[0]
    found = digests(ours["mask_crc32"][:, 0], ours["histogram_crc32"])
    assert len(expected) == COUNT
    np.testing.assert_array_equal(found, expected)
    # Hardly two regions are alike, so the digests tell them apart.
    filled = ours["n"][:, 0] > 0
    assert len(set(expected[filled].tolist())) > 0.9 * COUNT


@pytest.mark.parametrize("kind", KINDS)
def test_random_regions_are_of_every_sort(kind):
    counts = measured(kind)[0]["n"][:, 0]
    outlines = [np.concatenate(parts) for parts in regions(kind)]
    assert np.count_nonzero(counts > 1000) >= 50
    assert np.count_nonzero(counts == 0) <= 100
    if not kind.startswith(("freehand", "composite")):
        assert np.count_nonzero((counts > 0) & (counts < 10)) >= 5
    assert sum(outline.min() < 0 or outline.max() > WIDTH for outline in outlines) > 20
    if kind.startswith("polygon"):
        crossings = [find_crossing(to_roi(kind, parts)) for parts in regions(kind)]
        assert 200 < sum(crossing is not None for crossing in crossings) < 800
    if kind.startswith("freehand"):
        assert np.count_nonzero([len(outline) > 400 for outline in outlines]) > 200
