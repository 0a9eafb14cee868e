"""Cost of orientation maps beside scikit-image, orientationpy and OpenCV.

Run ``python dev.py bench``. The rows of a group do the same work: direction, coherency
and energy of every pixel, with a Gaussian window. orientationpy and OpenCV take part
where they are installed. None of the three knows a mask or a scale.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from skimage.feature import structure_tensor

from napari_muscle_us.measure.anisotropy.gradients import GRADIENTS
from napari_muscle_us.measure.anisotropy.orientation import (
    compute_orientation_map,
    orientation_of_clip,
)
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy

SAME = "orientation, coherency and energy, 512 × 512, sigma 2 px"
PANORAMA = "orientation map of a panorama, 1000 × 1500: by sigma"


def speckle(rows, columns):
    """Return a picture with oblique lines in Rayleigh noise."""
    rng = np.random.default_rng(0)
    noise = np.hypot(*rng.normal(size=(2, rows, columns)))
    y, x = np.mgrid[:rows, :columns]
    stripes = 60 + 50 * np.sin((y + 0.3 * x) / 3)
    return np.clip(stripes * noise, 0, 255).astype(np.uint8)


def ellipse(rows, columns):
    y, x = np.mgrid[:rows, :columns]
    return np.hypot(y / rows - 0.5, x / columns - 0.5) < 0.4


def map_ours(benchmark, gray, **options):
    compute_orientation_map(gray, **options)
    benchmark.extra_info["processors"] = os.cpu_count()
    found = benchmark(compute_orientation_map, gray, **options)
    assert np.isfinite(found.orientation_deg[len(gray) // 2, len(gray) // 2])
    return found


def of_tensor(xx, xy, yy):
    energy = xx + yy
    length = np.hypot(yy - xx, 2 * xy)
    angle = np.degrees(np.arctan2(2 * xy, yy - xx)) / 2
    return angle, length / (energy + 1e-9), energy


def scikit_image(gray):
    rr, rc, cc = structure_tensor(gray.astype(np.float32), sigma=2.0, order="rc")
    return of_tensor(cc, rc, rr)


def agree(theirs, ours):
    inner = np.s_[20:-20, 20:-20]
    angle, coherency, _ = (np.asarray(part, float)[inner] for part in theirs)
    expected = ours.coherency * np.exp(2j * np.radians(ours.orientation_deg))
    found = coherency * np.exp(2j * np.radians(angle))
    assert np.abs(found - expected[inner]).max() < 0.01


@pytest.mark.benchmark(group=SAME)
@pytest.mark.parametrize("gradient", list(GRADIENTS))
def test_ours(benchmark, gradient):
    map_ours(benchmark, speckle(512, 512), gradient=gradient)


@pytest.mark.benchmark(group=SAME)
def test_ours_in_a_mask(benchmark):
    map_ours(benchmark, speckle(512, 512), mask=ellipse(512, 512))


@pytest.mark.benchmark(group=SAME)
def test_scikit_image(benchmark):
    gray = speckle(512, 512)
    theirs = benchmark(scikit_image, gray)
    agree(theirs, compute_orientation_map(gray, gradient="sobel"))


@pytest.mark.benchmark(group=SAME)
def test_opencv(benchmark):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

    def opencv(gray):
        x = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        y = cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        xx, xy, yy = (
            cv2.GaussianBlur(cv2.multiply(a, b), (17, 17), 2.0)
            for a, b in ((x, x), (x, y), (y, y))
        )
        energy, across = cv2.add(xx, yy), cv2.subtract(yy, xx)
        length, angle = cv2.cartToPolar(across, 2 * xy, angleInDegrees=True)
        angle /= 2
        angle[angle > 90] -= 180
        return angle, cv2.divide(length, energy), energy

    gray = speckle(512, 512)
    theirs = benchmark(opencv, gray)
    agree(theirs, compute_orientation_map(gray, gradient="sobel"))


@pytest.mark.benchmark(group=SAME)
def test_orientationpy(benchmark):
    peer = pytest.importorskip("orientationpy", reason="it is not installed")

    def orientationpy(gray):
        plain = gray.astype(np.float32)
        gradients = peer.computeGradient(plain, mode="finite_difference")
        tensor = peer.computeStructureTensor(gradients, sigma=2.0)
        angle = peer.computeOrientation(tensor)["theta"]
        energy = peer.computeIntensity(tensor)
        # It has no coherency of its own.
        length = np.hypot(tensor[0] - tensor[2], 2 * tensor[1])
        return angle, length / (energy + 1e-9), energy

    gray = speckle(512, 512)
    theirs = benchmark(orientationpy, gray)
    agree(theirs, compute_orientation_map(gray, gradient="finite_difference"))


@pytest.mark.benchmark(group=PANORAMA)
@pytest.mark.parametrize("sigma", [1, 2, 4, 8, 16])
def test_panorama(benchmark, sigma):
    map_ours(benchmark, speckle(1000, 1500), sigma_px=sigma)


@pytest.mark.benchmark(group="anisotropy of a region, ellipse in 512 × 512")
def test_region(benchmark):
    gray, mask = speckle(512, 512), ellipse(512, 512)
    measure_anisotropy(gray, mask)
    found = benchmark(measure_anisotropy, gray, mask)
    assert found.local.n_boxes > 50


@pytest.mark.benchmark(group="clip of 300 frames, 512 × 512, frame by frame")
def test_clip(benchmark):
    frame = speckle(512, 512)
    clip = np.broadcast_to(frame, (300, 512, 512))
    compute_orientation_map(frame)

    def all_frames():
        return sum(1 for _ in orientation_of_clip(clip))

    assert benchmark.pedantic(all_frames, rounds=2) == 300
