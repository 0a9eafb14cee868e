"""Mask and histogram of a 300 × 300 px region on an 800 × 600 image, beside peers.

Run ``python dev.py bench``; the rows of one group do the same work. ImageJ runs in its
own process, warmed up, and its time is printed after its row's name.
"""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask
from skimage.measure import regionprops

from benchmarks.imagej_peer import time_imagej
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.rasterize import roi_mask, usable_window
from napari_muscle_us.roi.shapes import Polygon

SHAPE = (600, 800)
_ANGLES = np.linspace(0, 2 * np.pi, 30, endpoint=False)
OUTLINE = np.column_stack([300 + 150 * np.sin(_ANGLES), 400 + 150 * np.cos(_ANGLES)])


@pytest.fixture(scope="module")
def gray():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((7 * x + 13 * y + (x * y) % 17) % 256).astype(np.uint8)


@pytest.mark.benchmark(group="mask and statistics, 300 px region")
def test_ours(benchmark, gray):
    roi = Polygon(OUTLINE)

    def measure():
        window = usable_window(roi, SHAPE)
        return measure_intensity(gray[window.rows, window.columns], window.mask)

    assert benchmark(measure).n == roi_mask(roi, SHAPE).sum()


@pytest.mark.benchmark(group="mask and statistics, 300 px region")
def test_scikit_image_regionprops(benchmark, gray):
    def measure():
        mask = polygon2mask(SHAPE, OUTLINE)
        region = regionprops(mask.astype(np.uint8), intensity_image=gray)[0]
        return region.intensity_mean, region.intensity_min, region.intensity_max

    assert 0 < benchmark(measure)[0] < 255


@pytest.mark.benchmark(group="mask and statistics, 300 px region")
def test_polygon2mask_and_numpy(benchmark, gray):
    def measure():
        values = gray[polygon2mask(SHAPE, OUTLINE)]
        counts = np.bincount(values, minlength=256)
        return values.mean(), values.std(ddof=1), np.median(values), counts.argmax()

    assert 0 < benchmark(measure)[0] < 255


@pytest.mark.benchmark(group="mask and statistics, 300 px region")
def test_imagej(benchmark, gray):
    vertices = [(float(x) + 0.5, float(y) + 0.5) for y, x in OUTLINE]
    seconds = time_imagej(SHAPE[1], SHAPE[0], vertices, 2000)
    if seconds is None:
        pytest.skip("ImageJ or a JDK is not installed")
    benchmark.extra_info["imagej_seconds_per_call"] = seconds
    print(f"\nImageJ, in its own process, warmed up: {seconds * 1e6:.0f} µs a call")
    # The row of the table only waits as long as ImageJ took, to be compared by eye.
    import time

    def wait():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    benchmark(wait)


@pytest.mark.benchmark(group="freehand outline of 2000 points")
def test_freehand_with_crossing_check(benchmark, gray):
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    radius = 150 + 5 * np.sin(37 * angles)
    roi = Polygon(
        np.column_stack([300 + radius * np.sin(angles), 400 + radius * np.cos(angles)])
    )
    assert find_crossing(roi) is None

    def measure():
        window = usable_window(roi, SHAPE)
        return measure_intensity(gray[window.rows, window.columns], window.mask)

    assert benchmark(measure).n > 60_000
