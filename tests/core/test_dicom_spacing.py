"""The size of a pixel where no ultrasound region tells it."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

import napari_muscle_us as mus
from napari_muscle_us.io.dicom_regions import NO_REGION, calibrate
from napari_muscle_us.io.dicom_spacing import agree, spacing_problem, stated_spacing
from tests.core.conftest import region

SHAPE = (4, 6)


def dataset(**elements):
    header = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in elements.items():
            setattr(header, keyword, value)
    return header


def group(spacing):
    """Return a functional group with PixelMeasuresSequence, or an empty one."""
    if spacing is None:
        return Dataset()
    return dataset(PixelMeasuresSequence=[dataset(PixelSpacing=spacing)])


def volume(*frames, shared=None, **elements):
    """Return a header with per-frame and shared functional groups."""
    header = dataset(**elements)
    if frames:
        header.PerFrameFunctionalGroupsSequence = [group(f) for f in frames]
    if shared is not None:
        header.SharedFunctionalGroupsSequence = [group(shared)]
    return header


# -- One value for the image ----------------------------------------------------------


def test_row_spacing_is_depth_and_marked(tmp_path, make_dataset, to_bytes):
    gray = np.zeros(SHAPE, np.uint8)
    path = tmp_path / "scan.dcm"
    path.write_bytes(to_bytes(make_dataset(gray, PixelSpacing=[0.2, 0.1])))
    image = mus.read_image(path)
    assert image.spacing_mm == (0.2, 0.1)
    assert image.calibration.source == "DICOM PixelSpacing, no ultrasound region"
    assert image.calibration.region is None
    assert not image.calibration.by_user
    (note,) = image.warnings
    assert "PixelSpacing" in note
    assert "no ultrasound region confirms" in note


def test_imager_pixel_spacing_stands_in_only_where_pixel_spacing_is_absent():
    found = calibrate(dataset(ImagerPixelSpacing=[0.2, 0.1]), SHAPE)
    assert found.calibration.spacing_mm == (0.2, 0.1)
    assert found.calibration.source == "DICOM ImagerPixelSpacing, no ultrasound region"
    both = dataset(ImagerPixelSpacing=[0.2, 0.1], PixelSpacing=[0.4, 0.3])
    assert calibrate(both, SHAPE).calibration.spacing_mm == (0.4, 0.3)
    empty = dataset(ImagerPixelSpacing=[0.2, 0.1], PixelSpacing=None)
    assert calibrate(empty, SHAPE).calibration.spacing_mm == (0.2, 0.1)
    broken = dataset(ImagerPixelSpacing=[0.2, 0.1], PixelSpacing=[0, 0.3])
    assert calibrate(broken, SHAPE).calibration is None


def test_the_size_of_a_pixel_on_scanned_paper_is_not_that_in_the_body():
    found = calibrate(dataset(NominalScannedPixelSpacing=[0.2, 0.1]), SHAPE)
    assert found.calibration is None
    assert found.notes == (NO_REGION,)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([0, 0.1], "0 × 0.1 mm, which is not a length (PixelSpacing)"),
        ([0.2, -0.1], "0.2 × -0.1 mm, which is not a length"),
        ([float("nan"), 0.1], "nan × 0.1 mm, which is not a length"),
        (["1e400", "0.1"], "inf × 0.1 mm, which is not a length"),
        ([1e-7, 1e-7], "which no scanner has"),
        ([50, 50], "which no scanner has"),
        ([1, 1], "programs write when they do not know"),
        ([0.2], "not two numbers"),
        ([0.2, 0.1, 0.3], "not two numbers"),
        (list(range(1000)), "not two numbers"),
    ],
)
def test_values_that_are_no_size_are_refused_and_said(value, words):
    found = calibrate(dataset(PixelSpacing=value), SHAPE)
    assert found.calibration is None
    first, last = found.notes
    assert words in first
    assert last == NO_REGION


@pytest.mark.parametrize(
    ("vr", "value"), [("US", 5), ("LO", "12"), ("OB", b"12"), ("SQ", [])]
)
def test_an_element_of_another_kind_is_not_two_numbers(vr, value):
    header = Dataset()
    header[0x0028, 0x0030] = DataElement(0x00280030, vr, value)
    assert calibrate(header, SHAPE).calibration is None


@pytest.mark.parametrize(
    ("vr", "value", "words"),
    [
        ("DS", b"Roe\\Jane", "nan × nan mm, which is not a length"),
        ("DS", b"Roe^Jane", "not two numbers"),
        ("FD", b"Roe^J", "not two numbers"),
    ],
)
def test_letters_are_no_numbers_and_are_not_quoted(vr, value, words):
    header = dataset(ImagerPixelSpacing=[0.2, 0.1])
    tag = Tag(0x00280030)
    header[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    found = calibrate(header, SHAPE)
    assert found.calibration is None
    first, last = found.notes
    assert words in first
    assert "Roe" not in first
    assert last == NO_REGION


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_a_spacing_is_a_plausible_length_or_has_a_problem(depth, lateral):
    good = all(1e-4 <= s <= 10 for s in (depth, lateral))
    assert (spacing_problem((depth, lateral)) == "") == good


@given(st.floats(1e-3, 5), st.floats(1e-3, 5), st.floats(-0.05, 0.05))
def test_agreement_is_relative_on_both_axes_and_mutual(depth, lateral, change):
    one, other = (depth, lateral), (depth, lateral * (1 + change))
    assert agree(one, one)
    assert agree(one, other, tolerance=0.01) == agree(other, one, tolerance=0.01)
    if abs(change) > 0.0102:
        assert not agree(one, other, tolerance=0.01)
        assert not agree(one[::-1], other[::-1], tolerance=0.01)
    if abs(change) < 0.0098:
        assert agree(one, other, tolerance=0.01)


# -- Beside regions -------------------------------------------------------------------


def beside(item, **elements):
    header = dataset(**elements)
    header.SequenceOfUltrasoundRegions = [item]
    return calibrate(header, SHAPE)


def test_the_region_wins_and_a_contradiction_is_told():
    found = beside(region(), PixelSpacing=[0.2, 0.2])
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))
    assert found.calibration.source == "DICOM SequenceOfUltrasoundRegions"
    (note,) = found.notes
    assert "PixelSpacing (0.2 × 0.2 mm) contradicts" in note
    assert "(0.2 × 0.1 mm), which is used" in note


@pytest.mark.parametrize(("change", "told"), [(0.009, False), (0.011, True)])
def test_one_per_cent_is_no_contradiction(change, told):
    found = beside(region(), PixelSpacing=[0.2 * (1 + change), 0.1])
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))
    assert bool(found.notes) == told


@pytest.mark.parametrize("value", [[0, 0], [1, 1]])
def test_a_useless_value_beside_a_region_is_not_mentioned(value):
    assert beside(region(), PixelSpacing=value).notes == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"RegionSpatialFormat": 3, "RegionDataType": 3},
        {"RegionSpatialFormat": 2},
        {"RegionDataType": 10},
        {"PhysicalUnitsXDirection": 0},
        {"RegionLocationMaxX1": 11, "RegionLocationMaxY1": 7},
    ],
    ids=["spectrum", "m-mode", "ecg", "no-unit", "resized"],
)
def test_beside_regions_without_a_usable_picture_it_is_not_used(changes):
    found = beside(region(**changes), PixelSpacing=[0.4, 0.3])
    assert found.calibration is None
    assert found.frame_calibrations is None
    assert "PixelSpacing (0.4 × 0.3 mm) is not used" in found.notes[-1]


# -- Frames ---------------------------------------------------------------------------


def test_frames_that_agree_are_one_calibration():
    for header in (
        volume([0.2, 0.1], [0.2, 0.1], [0.2, 0.1]),
        volume(shared=[0.2, 0.1]),
        volume(None, None, None, shared=[0.2, 0.1]),
        volume([0.2, 0.1], None, [0.2, 0.1], shared=[0.2, 0.1]),
    ):
        found = calibrate(header, SHAPE, frames=3)
        assert found.calibration.spacing_mm == (0.2, 0.1)
        assert found.frame_calibrations is None
        assert found.calibration.source == (
            "DICOM PixelMeasuresSequence, no ultrasound region"
        )


def test_frames_that_differ_have_each_their_own():
    header = volume([0.2, 0.1], [0.4, 0.3], [0.2, 0.1], PixelSpacing=[0.9, 0.9])
    found = calibrate(header, SHAPE, frames=3)
    assert found.calibration is None
    spacings = [c.spacing_mm for c in found.frame_calibrations]
    assert spacings == [(0.2, 0.1), (0.4, 0.3), (0.2, 0.1)]
    (note,) = found.notes
    assert "differ in scale (0.2 × 0.1 mm to 0.4 × 0.3 mm)" in note


def test_a_frames_own_spacing_comes_before_the_shared_one():
    found = calibrate(volume([0.4, 0.3], None, shared=[0.2, 0.1]), SHAPE, frames=2)
    spacings = [c.spacing_mm for c in found.frame_calibrations]
    assert spacings == [(0.4, 0.3), (0.2, 0.1)]


def test_frames_without_a_size_have_none():
    header = volume([0.2, 0.1], None, [0, 0.1])
    found = calibrate(header, SHAPE, frames=3)
    assert found.calibration is None
    first, second, third = found.frame_calibrations
    assert first.spacing_mm == (0.2, 0.1)
    assert second is third is None
    assert any("2 of 3 frames state no size" in note for note in found.notes)
    assert any("0 × 0.1 mm, which is not a length" in note for note in found.notes)
    assert not any("differ in scale" in note for note in found.notes)


def test_a_frames_broken_spacing_is_not_replaced_by_the_shared_one():
    found = calibrate(volume([0, 0], [0.2, 0.1], shared=[0.2, 0.1]), SHAPE, frames=2)
    assert found.frame_calibrations[0] is None
    assert found.frame_calibrations[1].spacing_mm == (0.2, 0.1)


def test_frames_all_broken_give_nothing():
    found = calibrate(volume([0, 0], [0, 0]), SHAPE, frames=2)
    assert found.calibration is None
    assert found.frame_calibrations is None
    assert "and so in 2 frames" in found.notes[0]
    assert found.notes[-1] == NO_REGION


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_wrong_number_of_frames_is_ignored_and_said(frames):
    header = volume([0.2, 0.1], [0.4, 0.3], [0.6, 0.5])
    found = calibrate(header, SHAPE, frames=frames)
    assert (found.calibration, found.frame_calibrations) == (None, None)
    assert found.notes[0].startswith(f"The file describes 3 frames and holds {frames};")
    header = volume([0.2, 0.1], [0.4, 0.3], [0.6, 0.5], PixelSpacing=[0.8, 0.7])
    found = calibrate(header, SHAPE, frames=frames)
    assert found.calibration.spacing_mm == (0.8, 0.7)
    assert "is ignored" in found.notes[0]


def test_the_region_wins_over_frames_that_differ():
    header = volume([0.2, 0.1], [0.4, 0.3])
    header.SequenceOfUltrasoundRegions = [region()]
    found = calibrate(header, SHAPE, frames=2)
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))
    assert found.frame_calibrations is None
    (note,) = found.notes
    assert "PixelMeasuresSequence (0.4 × 0.3 mm) contradicts" in note


def test_a_clip_of_many_frames_is_read_quickly_and_shares_its_calibrations():
    header = volume(*([[0.2, 0.1], [0.4, 0.3]] * 1500))
    began = time.perf_counter()
    found = calibrate(header, SHAPE, frames=3000)
    assert time.perf_counter() - began < 5
    assert len(found.frame_calibrations) == 3000
    assert len({id(c) for c in found.frame_calibrations}) == 2


def test_nothing_stated_is_nothing():
    found = stated_spacing(Dataset())
    assert (found.element, found.spacing_mm, found.frame_spacings_mm) == (
        "",
        None,
        None,
    )
    assert found.distinct == ()
    assert found.notes == ()
