"""All texture families of a region beside every class of pyradiomics.

Run ``python dev.py bench``; the rows of one group go from the same gray levels and
mask to all numbers, levels included. Ours are 136 features of eight families. Those
of pyradiomics are 92 of six: no distance zones, and of the histogram two; its
eigenvalue (MCC) is left out of the classes and is in the extractor, which crops and
checks too.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmarks.pyradiomics_peer import (
    CLASSES,
    pyradiomics_class,
    pyradiomics_extractor,
)
from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.glcm import glcm_features
from napari_muscle_us.measure.texture.gldzm import gldzm_features
from napari_muscle_us.measure.texture.glrlm import glrlm_features
from napari_muscle_us.measure.texture.glszm import glszm_features
from napari_muscle_us.measure.texture.measure import measure_texture
from napari_muscle_us.measure.texture.ngldm import ngldm_features
from napari_muscle_us.measure.texture.ngtdm import ngtdm_features

FAMILIES = ("stat", "hist", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
MATRICES = (
    *(glcm_features, glrlm_features, glszm_features),
    *(gldzm_features, ngtdm_features, ngldm_features),
)


@pytest.fixture(scope="module")
def gray():
    rng = np.random.default_rng(0)
    real, imaginary = (
        gaussian_filter(rng.normal(size=(300, 300)), 1.5) for _ in range(2)
    )
    speckle = np.hypot(real, imaginary)
    return np.clip(speckle / speckle.mean() * 70, 0, 255).astype(np.uint8)


def square():
    return np.ones((300, 300), bool)


def irregular():
    rows, columns = np.mgrid[:300, :300] - 149.5
    edge = 130 + 18 * np.sin(7 * np.arctan2(rows, columns))
    return (np.hypot(rows, columns) < edge) & (np.hypot(rows - 20, columns) > 15)


REGIONS = pytest.mark.parametrize(
    "mask",
    [
        pytest.param(
            region(),
            id=region.__name__,
            marks=pytest.mark.benchmark(
                group=f"all families, {region.__name__} of 300 × 300, 32 levels"
            ),
        )
        for region in (square, irregular)
    ],
)


def all_families(gray, mask, aggregation):
    return measure_texture(gray, mask, families=FAMILIES, aggregation=aggregation)


@REGIONS
@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2d_avg"])
def test_ours(benchmark, gray, mask, aggregation):
    all_families(gray, mask, aggregation)
    assert len(benchmark(all_families, gray, mask, aggregation)) == 136


def every_class(gray, mask):
    values = {}
    for family in CLASSES:
        found = pyradiomics_class(family, gray, mask).execute()
        values |= {(family, name): float(value) for name, value in found.items()}
    return values


@REGIONS
def test_pyradiomics_classes(benchmark, gray, mask):
    every_class(gray, mask)
    theirs = benchmark(every_class, gray, mask)
    ours = all_families(gray, mask, "2d_avg")
    assert theirs["glcm", "Contrast"] == pytest.approx(ours["glcm.contrast"])
    assert theirs["glszm", "ZoneVariance"] == pytest.approx(
        ours["glszm.zone_size_variance"]
    )


@REGIONS
def test_pyradiomics_extractor(benchmark, gray, mask):
    extractor, image, region = pyradiomics_extractor(gray, mask)
    theirs = benchmark(extractor.execute, image, region)
    ours = all_families(gray, mask, "2d_avg")
    found = float(theirs["original_ngtdm_Complexity"])
    assert found == pytest.approx(ours["ngtdm.complexity"])


@pytest.mark.benchmark(group="each family, square of 300 × 300, 32 levels")
@pytest.mark.parametrize("function", MATRICES, ids=lambda f: f.__name__)
def test_each_of_ours(benchmark, gray, function):
    found = discretise(gray, square())
    function(found.levels, found.n_levels)
    values = benchmark(function, found.levels, found.n_levels)
    assert np.isfinite(list(values.values())).all()


@pytest.mark.benchmark(group="each family, square of 300 × 300, 32 levels")
@pytest.mark.parametrize("family", CLASSES)
def test_each_of_pyradiomics(benchmark, gray, family):
    values = benchmark(pyradiomics_class(family, gray, square()).execute)
    assert np.isfinite([float(value) for value in values.values()]).all()
