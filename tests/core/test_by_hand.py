"""The size of a pixel settled by hand: arithmetic, sources in words, refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.device.by_hand import (
    calibration_from_depth,
    calibration_from_line,
    calibration_from_other,
    calibration_from_ruler,
)
from napari_muscle_us.device.ruler import RulerCandidate, RulerReading
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.image import Calibration, Device, UltrasoundImage
from napari_muscle_us.regions import UltrasoundRegion

SCANNER = Device("Maker", "One", transducer="L12", depth_mm=40.0)


def image(name="other.png", *, shape=(60, 80), spacing=None, device=SCANNER, **more):
    known = None if spacing is None else Calibration((spacing, spacing), "header")
    return UltrasoundImage(
        np.zeros(shape, np.uint8),
        name,
        "0" * 64,
        **{"calibration": known, "device": device} | more,
    )


def refusal(words, one_sentence, call, *args, **options):
    with pytest.raises(MeasureError, match=words) as error:
        call(*args, **options)
    assert one_sentence(str(error.value))


def test_a_line_down_the_ruler_of_a_real_frame_gives_its_header(shared):
    # Ticks by eye: rows 75.5 and 399.5 are two centimetres apart.
    picture = mus.read_image(shared("data/dicom/US-YBR_FULL_422-EVRLE.dcm"))
    drawn = calibration_from_line((75.5, 799), (399.5, 799), 20)
    assert drawn.spacing_mm == (20 / 324, 20 / 324)
    assert drawn.spacing_mm[0] == pytest.approx(picture.spacing_mm[0], rel=0.01)
    assert drawn.by_user
    assert "0.31 %" in drawn.source


def test_a_slanted_line_counts_both_directions():
    assert calibration_from_line((0, 0), (300, 400), 50).spacing_mm == (0.1, 0.1)
    slanted = calibration_from_line((0, 0), (300, 400), 50)
    assert "53° off the depth, with lateral/depth spacing 1" in slanted.source
    # Lateral pixels half as large: 300 rows and as much as 200 rows sideways.
    drawn = calibration_from_line((0, 0), (300, 400), 50, lateral_ratio=0.5)
    depth = 50 / math.hypot(300, 200)
    assert drawn.spacing_mm == pytest.approx((depth, depth / 2))
    # Straight down, the ratio does not matter for the depth.
    drawn = calibration_from_line((10, 7), (210, 7), 20, lateral_ratio=2.0)
    assert drawn.spacing_mm == pytest.approx((0.1, 0.2))
    assert "off the depth" not in drawn.source


@given(
    start=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    angle=st.floats(0, 2 * math.pi),
    length_px=st.floats(21, 2000),
    spacing=st.floats(0.0011, 1.99),
    ratio=st.floats(0.2, 5),
)
def test_a_line_drawn_on_known_pixels_gives_them_back(
    start, angle, length_px, spacing, ratio
):
    rows, columns = length_px * math.cos(angle), length_px * math.sin(angle)
    end = (start[0] + rows, start[1] + columns)
    mm = math.hypot(rows * spacing, columns * spacing * ratio)
    for ends in ((start, end), (end, start)):
        drawn = calibration_from_line(*ends, mm, lateral_ratio=ratio)
        assert drawn.spacing_mm == pytest.approx((spacing, spacing * ratio), rel=1e-6)


@given(st.floats(30, 1000), st.floats(0, 2 * math.pi))
def test_an_end_one_pixel_off_changes_as_much_as_the_source_says(length_px, angle):
    exact = calibration_from_line((0, 0), (length_px, 0), 30)
    stated = float(exact.source.split("it by ")[1].removesuffix(" %")) / 100
    off = (length_px + math.cos(angle), math.sin(angle))
    moved = calibration_from_line((0, 0), off, 30)
    change = abs(moved.spacing_mm[0] / exact.spacing_mm[0] - 1)
    # The number has two digits; a shorter line changes a little more than a longer.
    assert change <= stated * (1.05 + 2 / length_px)


@pytest.mark.parametrize(
    ("start", "end", "mm", "ratio", "words"),
    [
        ((0, 0), (19.9, 0), 10, 1.0, "19.9 px long; at least 20 px"),
        ((5, 5), (5, 5), 10, 1.0, "0 px long"),
        ((0, 0), (math.nan, 0), 10, 1.0, "do not lie in an image"),
        ((0, 0), (math.inf, 0), 10, 1.0, "do not lie in an image"),
        ((0, 0), (2e6, 0), 10, 1.0, "do not lie in an image"),
        ((0, 0), (100, 0), 0, 1.0, "not a positive length"),
        ((0, 0), (100, 0), -3, 1.0, "not a positive length"),
        ((0, 0), (100, 0), math.nan, 1.0, "not a positive length"),
        ((0, 0), (100, 0), math.inf, 1.0, "not a positive length"),
        ((0, 0), (100, 0), 201, 1.0, "2.01 mm a pixel"),
        ((0, 0), (100, 0), 0.09, 1.0, "0.0009 mm a pixel"),
        ((0, 0), (100, 0), 10, 0.0, "ratio"),
        ((0, 0), (100, 0), 10, math.nan, "ratio"),
        ((0, 0), (100, 0), 10, 6.0, "ratio"),
    ],
)
def test_lines_that_cannot_be_are_refused(one_sentence, start, end, mm, ratio, words):
    refusal(
        words, one_sentence, calibration_from_line, start, end, mm, lateral_ratio=ratio
    )


def test_depth_is_spread_over_all_rows():
    typed = calibration_from_depth(30, (75, 555, 184, 800))
    assert typed.spacing_mm == (30 / 480, 30 / 480)
    assert typed.region == (75, 555, 184, 800)
    assert typed.by_user
    assert "30 mm typed by hand over 480 rows" in typed.source
    assert "0.21 %" in typed.source
    ratio = calibration_from_depth(30, (75, 555, 184, 800), lateral_ratio=1.5)
    assert ratio.spacing_mm == pytest.approx((0.0625, 0.09375))


def test_the_displayed_depth_of_a_real_frame_gives_its_header(shared):
    # "P 30mm" is printed on the picture.
    picture = mus.read_image(shared("data/dicom/US-YBR_FULL_422-EVRLE.dcm"))
    typed = calibration_from_depth(30, picture.calibration.region)
    assert typed.spacing_mm[0] == pytest.approx(picture.spacing_mm[0], rel=0.02)


@pytest.mark.parametrize(
    ("depth", "bounds", "words"),
    [
        (0, (0, 400, 0, 300), "not a positive length"),
        (math.nan, (0, 400, 0, 300), "not a positive length"),
        (40, (0, 19, 0, 300), "19 rows"),
        (40, (400, 0, 0, 300), "-400 rows"),
        (40, (0, 400, 300, 300), "400 rows"),
        (40, (-1, 400, 0, 300), "401 rows"),
        (0.3, (0, 400, 0, 300), "0.00075 mm a pixel"),
        (900, (0, 400, 0, 300), "2.25 mm a pixel"),
    ],
)
def test_depths_that_cannot_be_are_refused(one_sentence, depth, bounds, words):
    refusal(words, one_sentence, calibration_from_depth, depth, bounds)


def reading(*ticks):
    candidates = tuple(RulerCandidate(t, t / 50, 0.001, 10 * t) for t in ticks)
    return RulerReading(
        side="left",
        column=4.0,
        major_rows=(10.0, 260.0),
        minor_rows=(60.0, 110.0, 160.0, 210.0),
        pitch_px=50.0,
        pitch_uncertainty_px=0.25,
        major_every=5,
        candidates=candidates,
        explanation="6 marks.",
        region=(0, 300, 20, 200),
    )


def test_an_accepted_ruler():
    known = calibration_from_ruler(reading(5.0))
    assert known.spacing_mm == (0.1, 0.1)
    assert known.region == (0, 300, 20, 200)
    assert known.by_user
    assert known.source == (
        "depth ruler on the left, 6 marks every 50 px = 5 mm (± 0.5 %, k = 2), "
        "accepted by hand"
    )
    # What the user says counts, whether it was proposed or not.
    assert calibration_from_ruler(reading(10.0, 2.0), 2.0).spacing_mm == (0.04, 0.04)
    assert calibration_from_ruler(reading(10.0, 2.0), 20.0).spacing_mm == (0.4, 0.4)
    wide = calibration_from_ruler(reading(5.0), lateral_ratio=2)
    assert wide.spacing_mm == (0.1, 0.2)


def test_an_ambiguous_ruler_is_not_settled_silently(one_sentence):
    refusal("10 or 2 mm", one_sentence, calibration_from_ruler, reading(10.0, 2.0))
    for tick, words in (
        (0.0, "not a positive length"),
        (math.nan, "not a positive length"),
        (0.04, "0.0008 mm a pixel"),
        (150, "3 mm a pixel"),
    ):
        refusal(words, one_sentence, calibration_from_ruler, reading(5.0), tick)


def test_a_calibration_is_copied_between_images_that_are_alike():
    other = image(spacing=0.08)
    copied = calibration_from_other(other, image("this.png"))
    assert copied.warnings == ()
    assert copied.calibration == Calibration(
        (0.08, 0.08), "copied from 'other.png' (header)", by_user=True
    )
    # Upper and lower case are no difference of the scanner.
    same = replace(SCANNER, model="ONE ", depth_mm=40.1)
    assert calibration_from_other(other, image("b.png", device=same)).warnings == ()


def test_the_region_is_copied_only_for_the_same_crop():
    calibration = Calibration((0.1, 0.1), "header", region=(0, 50, 0, 70))
    other = image(calibration=calibration)
    copied = calibration_from_other(other, image("b.png"))
    assert copied.calibration.region == (0, 50, 0, 70)
    cropped = image("b.png", crop=(5, 65, 0, 80))
    assert calibration_from_other(other, cropped).calibration.region is None


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (replace(SCANNER, manufacturer="Else"), "manufacturer is 'Maker' there and"),
        (replace(SCANNER, model="Two"), "model is 'One' there and 'Two' here"),
        (replace(SCANNER, transducer="C5"), "transducer is 'L12' there and 'C5' here"),
        (replace(SCANNER, depth_mm=50.0), "depth is 40 mm there and 50 mm here"),
    ],
)
def test_another_device_or_depth_is_refused(one_sentence, device, words):
    other, this = image(spacing=0.1), image("this.png", device=device)
    refusal(words, one_sentence, calibration_from_other, other, this)


def test_another_picture_is_refused(one_sentence):
    other = image(spacing=0.1)
    refusal(
        "60 × 80 pixels there and 61 × 80 here",
        one_sentence,
        calibration_from_other,
        other,
        image("this.png", shape=(61, 80)),
    )

    def with_picture(bounds, **more):
        region = UltrasoundRegion(0, "tissue", True, bounds, bounds)
        return image(regions=(region,), **more)

    refusal(
        "lies at",
        one_sentence,
        calibration_from_other,
        with_picture((0, 50, 0, 80), spacing=0.1),
        with_picture((0, 60, 0, 80)),
    )
    refusal(
        "has no size of a pixel",
        one_sentence,
        calibration_from_other,
        image(),
        image("this.png"),
    )
    both = image("this.png", shape=(61, 80), device=replace(SCANNER, depth_mm=20.0))
    with pytest.raises(MeasureError, match=r"20 mm here; the image has"):
        calibration_from_other(other, both)


def test_what_the_files_do_not_tell_is_a_warning(one_sentence):
    other = image(spacing=0.1)
    unknown = calibration_from_other(other, image("this.png", device=Device()))
    assert unknown.calibration.spacing_mm == (0.1, 0.1)
    scanner, depth = unknown.warnings
    assert "'this.png' does not name its scanner" in scanner
    assert "'this.png' does not tell its depth" in depth
    assert all(map(one_sentence, unknown.warnings))
    both = calibration_from_other(
        image(spacing=0.1, device=Device()), image("this.png", device=Device())
    )
    assert "'other.png' and 'this.png'" in both.warnings[0]
    stated = calibration_from_other(other, image("this.png", spacing=0.12))
    assert stated.warnings == (
        "'this.png' states 0.12 × 0.12 mm itself, the copy says 0.1 × 0.1 mm.",
    )
    close = calibration_from_other(other, image("this.png", spacing=0.1005))
    assert close.warnings == ()
