"""Rules are checked in mm and on the field, and nonsense is no rule."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.device.field import find_field
from napari_muscle_us.errors import RoiError
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.measure.quality import prepare
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.rules import RoiRules, check_rules, clip_to_inner


def picture(spacing=(0.1, 0.1), shape=(300, 400)):
    gray = np.random.default_rng(1).integers(40, 120, shape).astype(np.uint8)
    known = None if spacing is None else Calibration(spacing, "test")
    return UltrasoundImage(gray, "a.png", "0" * 64, calibration=known)


def broken(roi, rules, image=None, **options):
    image = picture() if image is None else image
    window = usable_window(roi, image.frame_shape)
    return check_rules(image, roi, window, rules, **options)


def test_without_rules_nothing_is_broken():
    assert not RoiRules().active
    assert RoiRules().to_dict() == {}
    assert broken(mus.Rectangle(0, 0, 1, 1), RoiRules()) == ()


def test_rules_survive_their_file_form():
    rules = RoiRules(True, 0.7, (10.0, 20.0), 50.0, 400)
    plain = json.loads(json.dumps(rules.to_dict()))
    assert RoiRules.from_dict(plain) == rules
    assert rules.active
    assert plain["fixed_box_mm"] == [10.0, 20.0]


@pytest.mark.parametrize(
    ("left", "width", "said"),
    [
        # The inner 70 % of 400 columns are 60 … 339.
        (59.5, 280, ()),
        (49.5, 100, "10 % of the ROI lies outside the inner 70 %"),
        (299.5, 80, "50 % of the ROI lies outside the inner 70 %"),
    ],
)
def test_inner_field_is_counted_in_columns(left, width, said):
    roi = mus.Rectangle(99.5, left, 50, width)
    found = broken(roi, RoiRules(inner_lateral=0.7))
    assert (found == ()) if not said else found[0].startswith(said)


def test_inner_field_of_a_sector_widens_with_the_depth():
    rows, columns = np.mgrid[:300, :400]
    inside = np.abs(columns - 199.5) < 50 + rows * 0.4
    gray = np.where(inside, picture().pixels, 0).astype(np.uint8)
    image = UltrasoundImage(gray, "a.png", "0" * 64)
    field = find_field(gray)
    rules = RoiRules(inner_lateral=0.7)
    high = mus.Rectangle(30, 120, 20, 160)
    deep = mus.Rectangle(250, 120, 20, 160)
    assert len(broken(high, rules, image, field=field)) == 1
    facts = prepare(image, field=field)
    assert broken(deep, rules, image, facts=facts) == ()


@pytest.mark.parametrize(
    ("roi", "said"),
    [
        (mus.Rectangle(50, 50, 100, 200), ()),
        (mus.Rectangle(50, 50, 101, 199), ()),
        (mus.Rectangle(50, 50, 98, 201), ("the box is 9.8 × 20.1 mm, not 10 × 20 mm",)),
        (
            mus.Rectangle(50, 50, 200, 100),
            ("the box is 20.0 × 10.0 mm, not 10 × 20 mm",),
        ),
        (mus.Rectangle(80, 60, 100, 200, angle_deg=20), ()),
        (
            mus.Ellipse(50, 50, 100, 200),
            ("the ROI is an ellipse, not a box of 10 × 20 mm",),
        ),
        (
            mus.Polygon([(0, 0), (0, 9), (9, 0)]),
            ("the ROI is a polygon, not a box of 10 × 20 mm",),
        ),
    ],
    ids=["exact", "a pixel off", "small", "lying", "turned", "ellipse", "polygon"],
)
def test_fixed_box_in_mm(roi, said):
    assert broken(roi, RoiRules(fixed_box_mm=(10, 20))) == said


def test_fixed_box_with_unequal_spacing():
    image = picture((0.2, 0.1))
    rules = RoiRules(fixed_box_mm=(10, 20))
    assert broken(mus.Rectangle(50, 50, 50, 200), rules, image) == ()
    assert len(broken(mus.Rectangle(50, 50, 100, 200), rules, image)) == 1


def test_fine_pixels_show_a_second_decimal():
    image = picture((0.03, 0.03))
    (said,) = broken(
        mus.Rectangle(10, 10, 102, 200), RoiRules(fixed_box_mm=(3, 6)), image
    )
    assert said == "the box is 3.06 × 6.00 mm, not 3 × 6 mm"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (RoiRules(min_area_mm2=30), "the ROI has 25 mm², less than the 30 mm²"),
        (RoiRules(min_area_mm2=25), ""),
        (RoiRules(min_pixels=2501), "the ROI holds 2500 pixels, fewer than the 2501"),
        (RoiRules(min_pixels=2500), ""),
    ],
)
def test_minimum_size(rules, said):
    found = broken(mus.Rectangle(100.5, 100.5, 50, 50), rules)
    assert [one[: len(said)] for one in found] == ([said] if said else [])


@pytest.mark.parametrize(
    "rules", [RoiRules(min_area_mm2=1), RoiRules(fixed_box_mm=(1, 1))]
)
def test_rules_in_mm_say_that_they_cannot_be_checked(rules):
    (said,) = broken(mus.Rectangle(9, 9, 50, 50), rules, picture(None))
    assert "the size of a pixel is not known" in said


def test_largest_area_warns_of_fascia_at_the_border():
    gray = picture().pixels.copy()
    gray[95:106] = 230
    image = UltrasoundImage(gray, "a.png", "0" * 64)
    rules = RoiRules(largest_muscle_area=True)
    (said,) = broken(mus.Rectangle(100, 50, 120, 300), rules, image)
    assert "fascia" in said
    assert broken(mus.Rectangle(120, 50, 120, 300), rules, image) == ()


@pytest.mark.parametrize(
    "rules",
    [
        {"inner_lateral": 1.2},
        {"inner_lateral": 0},
        {"inner_lateral": "wide"},
        {"inner_lateral": math.nan},
        {"fixed_box_mm": (10,)},
        {"fixed_box_mm": (10, -1)},
        {"fixed_box_mm": "10x"},
        {"fixed_box_mm": (math.inf, 1)},
        {"fixed_box_mm": 3},
        {"min_area_mm2": 0},
        {"min_area_mm2": 10**400},
        {"min_pixels": 1.5},
        {"min_pixels": True},
        {"min_pixels": math.nan},
        {"largest_muscle_area": "yes"},
        {"smallest": 1},
        {3: 1},
    ],
    ids=str,
)
def test_nonsense_is_no_rule(rules, one_sentence):
    with pytest.raises(RoiError) as caught:
        RoiRules.from_dict(rules)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize("share", [0.5, 0.7, 0.93])
def test_what_is_clipped_to_the_inner_field_obeys_the_rule(share):
    rows, columns = np.mgrid[:300, :400]
    inside = np.abs(columns - 199.5) < 50 + rows * 0.4
    gray = np.where(inside, picture().pixels, 0).astype(np.uint8)
    image = UltrasoundImage(gray, "a.png", "0" * 64)
    facts = prepare(image, field=find_field(gray))
    roi = mus.Ellipse(40, 100, 200, 200, name="RF")
    rules = RoiRules(inner_lateral=share)
    assert broken(roi, rules, image, facts=facts)
    clipped = clip_to_inner(image, roi, share, facts=facts)
    assert clipped.name == "RF"
    assert not broken(clipped, rules, image, facts=facts)
    # No pixel more than the rule asks for is lost.
    before, after = (mus.roi_mask(r, gray.shape) for r in (roi, clipped))
    assert not (after & ~before).any()
    edges = [np.flatnonzero(row)[[0, -1]] for row in facts.field.mask]
    for row, (first, last) in enumerate(edges):
        reach = share * (last + 1 - first) / 2
        beyond = np.abs(columns[row] - (first + last) / 2) - reach
        kept, tie = beyond <= 0, np.abs(beyond) < 1e-9
        np.testing.assert_array_equal(after[row][~tie], (before[row] & kept)[~tie])


def test_a_region_within_the_inner_field_is_left_as_it_is():
    box = mus.Rectangle(99.5, 99.5, 50, 100)
    assert clip_to_inner(picture(), box) is box


def test_a_region_beyond_the_inner_field_is_not_clipped_to_nothing():
    with pytest.raises(RoiError, match="have no pixel in common"):
        clip_to_inner(picture(), mus.Rectangle(99.5, -0.5, 50, 40, name="edge"))
