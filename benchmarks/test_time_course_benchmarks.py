"""Echo intensity over a long clip, beside pydicom's array and a mask of NumPy.

The clips are those of `test_clip_benchmarks`: 1000 frames of 800 × 600 pixels, gray as
they are, or in colour as JPEG.
"""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

import napari_muscle_us as mus
from napari_muscle_us.measure.time_course import measure_time_course, time_course_rows

from .test_clip_benchmarks import COLUMNS, FRAMES, ROWS, memory_mb
from .test_clip_benchmarks import long_clip as long_clip

ROI = mus.Ellipse(120, 150, 220, 400, name="middle", muscle="Biceps brachii")
GROUP = "echo intensity of 1000 frames, from the file"


def ours(path):
    return measure_time_course(mus.read_image(path), ROI).mean


def eager(path):
    mask = mus.roi_mask(ROI, (ROWS, COLUMNS))
    return np.array([frame[mask].mean() for frame in pydicom.dcmread(path).pixel_array])


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("course", [ours, eager], ids=["ours", "pydicom"])
def test_time_course(benchmark, long_clip, course):
    gray = long_clip.stat().st_size > FRAMES * ROWS * COLUMNS
    if course is eager and not gray:
        pytest.skip("pydicom decodes all 1000 JPEG frames: nearly two minutes")
    if gray:
        benchmark.extra_info["peak_mb"] = memory_mb(course, long_clip)
        print(f"\npeak memory: {benchmark.extra_info['peak_mb']} MB")
    found = benchmark.pedantic(course, (long_clip,), rounds=3 if gray else 1)
    assert found.shape == (FRAMES,)
    if gray and course is ours:
        np.testing.assert_allclose(found[::97], eager(long_clip)[::97], rtol=1e-13)


@pytest.mark.benchmark(group="echo intensity of 1000 frames, as rows of the table")
def test_rows_of_a_time_course(benchmark, long_clip):
    image = mus.read_image(long_clip)
    course = measure_time_course(image, ROI)
    rows = benchmark.pedantic(time_course_rows, (image, ROI, course), rounds=3)
    assert len(rows) == 2 * FRAMES
