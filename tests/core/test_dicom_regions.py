"""The size of a pixel: which regions of a DICOM file count, and which do not."""

from __future__ import annotations

import math

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.io.dicom_regions import NO_REGION

GRAY = np.zeros((4, 6), np.uint8)


@pytest.fixture
def read(tmp_path, make_dataset, to_bytes):
    """Return the image of a 4 × 6 file with the given regions."""

    def with_regions(*regions):
        path = tmp_path / "scan.dcm"
        path.write_bytes(to_bytes(make_dataset(GRAY, regions=regions)))
        return mus.read_image(path)

    return with_regions


def refused(image):
    return image.calibration is None and image.warnings == (NO_REGION,)


def test_ten_mm_a_cm_depth_first(read, make_region):
    image = read(make_region())
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.source == "DICOM SequenceOfUltrasoundRegions"
    # Maxima of 5 and 3 are the last column and row.
    assert image.calibration.region == (0, 4, 0, 6)
    assert image.warnings == ()


# DICOM PS3.3 C.8.5.5.1.15: none, percent, dB, cm, s, Hz, dB/s, cm/s, cm², cm²/s, cm³,
# cm³/s, degree.
@pytest.mark.parametrize("code", range(13))
@pytest.mark.parametrize("axis", ["X", "Y"])
def test_only_the_unit_cm_is_a_length(read, make_region, axis, code):
    image = read(make_region(**{f"PhysicalUnits{axis}Direction": code}))
    assert (image.spacing_mm is not None) == (code == 3)
    assert refused(image) == (code != 3)


@pytest.mark.parametrize("code", range(6))
def test_only_two_dimensional_regions_count(read, make_region, code):
    assert refused(read(make_region(RegionSpatialFormat=code))) == (code != 1)


@pytest.mark.parametrize("code", range(19))
def test_only_tissue_and_colour_flow_count(read, make_region, code):
    assert refused(read(make_region(RegionDataType=code))) == (code not in (1, 2))


@pytest.mark.parametrize("axis", ["X", "Y"])
@pytest.mark.parametrize(
    "delta", [0.0, math.nan, math.inf, None], ids=["zero", "nan", "infinite", "missing"]
)
def test_a_delta_that_is_no_length_gives_no_spacing(read, make_region, axis, delta):
    assert refused(read(make_region(**{f"PhysicalDelta{axis}": delta})))


@pytest.mark.parametrize(
    "missing",
    ["RegionLocationMinX0", "RegionLocationMaxY1", "RegionSpatialFormat"],
)
def test_a_region_with_a_hole_gives_no_spacing(read, make_region, missing):
    assert refused(read(make_region(**{missing: None})))


def test_a_region_turned_inside_out_gives_no_spacing(read, make_region):
    assert refused(read(make_region(RegionLocationMinX0=5, RegionLocationMaxX1=0)))


def test_a_negative_delta_is_the_same_distance(read, make_region):
    image = read(make_region(PhysicalDeltaX=-0.01))
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)


def test_bounds_inside_the_image_are_kept(read, make_region):
    image = read(
        make_region(
            RegionLocationMinX0=1,
            RegionLocationMinY0=2,
            RegionLocationMaxX1=4,
            RegionLocationMaxY1=3,
        )
    )
    assert image.calibration.region == (2, 4, 1, 5)


def test_bounds_one_past_the_end_are_how_some_makers_count(read, make_region):
    image = read(make_region(RegionLocationMaxX1=6, RegionLocationMaxY1=4))
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.region == (0, 4, 0, 6)
    assert image.warnings == ()


@pytest.mark.parametrize(
    "bounds",
    [{"RegionLocationMaxX1": 11}, {"RegionLocationMaxY1": 9}],
    ids=["right", "below"],
)
def test_a_cut_picture_keeps_its_scale_and_says_so(read, make_region, bounds):
    image = read(make_region(**bounds))
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.region == (0, 4, 0, 6)
    (note,) = image.warnings
    assert "was cut" in note


def test_a_resized_picture_has_no_scale(read, make_region):
    image = read(make_region(RegionLocationMaxX1=11, RegionLocationMaxY1=7))
    assert image.spacing_mm is None
    (note,) = image.warnings
    assert "resized" in note
    assert "doubtful" in note


def test_no_region_is_said(read):
    assert refused(read())


def test_two_pictures_of_one_scale(read, make_region):
    image = read(make_region(RegionLocationMaxX1=2), make_region(RegionLocationMinX0=3))
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.region is None


def test_two_pictures_of_different_scale_have_none(read, make_region):
    image = read(
        make_region(RegionLocationMaxX1=2),
        make_region(RegionLocationMinX0=3, PhysicalDeltaX=0.03),
    )
    assert image.spacing_mm is None
    (note,) = image.warnings
    assert "different scale (0.2 × 0.1 mm and 0.2 × 0.3 mm)" in note


def test_a_trace_beside_the_picture_does_not_matter(read, make_region):
    trace = make_region(
        RegionSpatialFormat=4, RegionDataType=10, PhysicalUnitsXDirection=4
    )
    image = read(trace, make_region())
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.region == (0, 4, 0, 6)


def test_area_of_a_region_of_interest_is_in_mm(read, make_region):
    rows = mus.measure_rois(read(make_region()), [mus.Rectangle(0, 0, 2, 3)])
    area = rows[rows["measure"] == "roi.area"].iloc[0]
    assert (area["value"], area["unit"]) == (pytest.approx(6 * 0.02), "mm²")
    rows = mus.measure_rois(read(), [mus.Rectangle(0, 0, 2, 3)])
    area = rows[rows["measure"] == "roi.area"].iloc[0]
    assert (area["value"], area["unit"]) == (6, "px²")
    assert area["note"] == "the size of a pixel is not known"
