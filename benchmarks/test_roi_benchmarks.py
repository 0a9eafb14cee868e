"""Dragging a vertex of a region of 100,000 px on an 800 × 600 image, beside peers.

Run ``python dev.py bench``; the rows of one group do the same work, ours includes the
check for crossings. ImageJ runs in its own process, warmed up; its row replays the time
of each of its calls. In each group ours comes last and must have been the fastest.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats as scipy_stats
from skimage.draw import polygon, polygon2mask
from skimage.measure import regionprops

from benchmarks.imagej_peer import WARM_UP, time_imagej
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.roi.rasterize import roi_mask, usable_window
from napari_muscle_us.roi.shapes import Polygon

SHAPE = (600, 800)
AREA_PX = 100_000
STEPS = 20
IMAGEJ_CALLS = 2000


def wavy_outline(vertices: int, waves: int) -> np.ndarray:
    """Return a concave outline of `AREA_PX` from its lowest point on, (row, column)."""
    angles = np.arange(vertices) * (2 * np.pi / vertices) + np.pi / 2
    radius = 1 + 0.1 * np.sin(waves * angles)
    rays = np.column_stack([np.sin(angles), np.cos(angles)]) * radius[:, None]
    scale = np.sqrt(AREA_PX / Polygon(rays).area_px)
    # In single precision, which is ImageJ's, all programs get the same outline.
    centred = np.float32(rays * scale + (300.25, 400.25))
    return centred.astype(float)


OUTLINES = {"polygon": wavy_outline(60, 5), "freehand": wavy_outline(1000, 17)}
OUTLINE = OUTLINES["polygon"]
PEERS: dict[str, dict[str, float]] = defaultdict(dict)


def dragged(outline):
    """Yield the outline with its first vertex moved down, by 0 to 19 px in turn."""
    for step in itertools.cycle(range(STEPS)):
        moved = outline.copy()
        moved[0, 0] += step
        yield moved


@pytest.fixture(scope="module")
def gray():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((7 * x + 13 * y + (x * y) % 17) % 256).astype(np.uint8)


@pytest.fixture(params=OUTLINES)
def kind(request, benchmark):
    vertices = len(OUTLINES[request.param])
    benchmark.group = f"drag a vertex, {request.param} of {vertices} vertices"
    return request.param


def keep(benchmark, kind, name):
    """Remember how long a peer took, for ours to be compared with."""
    if benchmark.stats is not None:
        PEERS[kind][name] = benchmark.stats.stats.median


def test_regionprops(benchmark, gray, kind):
    outlines = dragged(OUTLINES[kind])

    def measure():
        labels = np.zeros(SHAPE, np.uint8)
        labels[polygon(*next(outlines).T, SHAPE)] = 1
        (region,) = regionprops(labels, intensity_image=gray)
        return (
            region.num_pixels,
            region.intensity_mean,
            region.intensity_std,
            region.intensity_min,
            region.intensity_max,
        )

    assert benchmark(measure)[0] == pytest.approx(AREA_PX, rel=0.01)
    keep(benchmark, kind, "regionprops")


def test_polygon2mask_and_numpy(benchmark, gray, kind):
    outlines = dragged(OUTLINES[kind])

    def measure():
        values = gray[polygon2mask(SHAPE, next(outlines))]
        counts = np.histogram(values, bins=256, range=(0, 256))[0]
        return (
            len(values),
            values.mean(),
            values.std(ddof=1),
            values.min(),
            values.max(),
            counts.argmax(),
            np.median(values),
            scipy_stats.skew(values),
            scipy_stats.kurtosis(values),
        )

    assert benchmark(measure)[0] == pytest.approx(AREA_PX, rel=0.01)
    keep(benchmark, kind, "polygon2mask + NumPy")


def test_imagej(benchmark, kind):
    found = time_imagej(SHAPE, OUTLINES[kind], IMAGEJ_CALLS, kind=kind)
    if found is None:
        pytest.skip("ImageJ or a Java development kit is not installed")
    pixels, seconds = found
    outlines = itertools.islice(dragged(OUTLINES[kind]), STEPS)
    counts = [roi_mask(Polygon(outline), SHAPE).sum() for outline in outlines]
    assert pixels == sum(counts) * (WARM_UP + IMAGEJ_CALLS) // STEPS
    calls = iter(seconds)

    def wait(duration):
        end = time.perf_counter() + duration
        while time.perf_counter() < end:
            pass

    benchmark.pedantic(wait, setup=lambda: ((next(calls),), {}), rounds=IMAGEJ_CALLS)
    keep(benchmark, kind, "ImageJ")


def test_ours(benchmark, gray, kind):
    outlines = dragged(OUTLINES[kind])

    def measure():
        window = usable_window(Polygon(next(outlines)), SHAPE)
        return measure_intensity(gray[window.rows, window.columns], window.mask)

    assert benchmark(measure).n == pytest.approx(AREA_PX, rel=0.01)
    if benchmark.stats is not None:
        ours = benchmark.stats.stats.median
        for name, seconds in PEERS[kind].items():
            print(f"\n{kind}: {seconds / ours:.1f} times as fast as {name}", end="")
            assert ours < seconds, name
