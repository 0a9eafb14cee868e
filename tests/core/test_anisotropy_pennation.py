"""Pennation, thickness and fascicle length against geometry done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis
from napari_muscle_us.measure.anisotropy.pennation import measure_architecture


def line(*points):
    return Aponeurosis.from_points(points)


UPPER = line((50, 0), (50, 400))
LOWER = line((250, 0), (250, 400))


def close(value, expected, rel=1e-9):
    assert value == pytest.approx(expected, rel=rel, abs=1e-9)


@pytest.mark.parametrize("direction", [30.0, -30.0], ids=["rising", "falling"])
def test_parallel_aponeuroses_by_hand(direction):
    found = measure_architecture(UPPER, LOWER, direction)
    close(found.pennation_deg, 30)
    close(found.pennation_superficial_deg, 30)
    close(found.thickness_px, 200)
    close(found.thickness_min_px, 200)
    close(found.fascicle_length_px, 400)
    close(found.fascicle_length_trigonometric_px, 400)
    # 346.4 px across, from column 26.8 to 373.2, inside the picture.
    close(found.extrapolated_share, 0)


def test_wedge_by_hand():
    # Deep line falls by 100 px over 400: y = 250 + x / 4; fascicle at 45 degrees.
    deep = line((250, 0), (350, 400))
    found = measure_architecture(UPPER, deep, 45.0)
    slope = math.degrees(math.atan(0.25))
    close(found.pennation_deg, 45 + slope)
    close(found.pennation_superficial_deg, 45)
    # Through column 200, row 175 (middle of 50 and 300): row = 175 − (x − 200).
    # Superficial: x = 325. Deep: 250 + x / 4 = 375 − x, x = 100, row 275.
    close(found.fascicle_length_px, math.hypot(225, 225))
    linear = dict(found.construction)["fascicle 1, linear"]
    np.testing.assert_allclose(linear, [(275, 100), (50, 325)], atol=1e-9)
    # Normal to half the slope, through (175, 200).
    half = math.atan(0.25) / 2
    up = 125 / math.cos(half)
    down = 125 / (math.cos(half) - 0.25 * -math.sin(half))
    close(found.thickness_px, up + down)
    close(found.extrapolated_share, 0)


def test_lengths_beyond_the_picture_are_counted():
    found = measure_architecture(UPPER, LOWER, 15.0)
    across = 200 / math.tan(math.radians(15))
    close(found.extrapolated_share, 1 - 400 / across)
    close(found.fascicle_length_px, 200 / math.sin(math.radians(15)))


def test_thickness_as_dl_track_takes_it_is_the_least_distance():
    # A deep line with a ridge at column 160, inside its central third of 132 … 264.
    deep = line((250, 0), (250, 120), (220, 160), (250, 200), (250, 400))
    found = measure_architecture(UPPER, deep, 30.0)
    close(found.thickness_min_px, math.hypot(170, 40))
    close(found.thickness_px, 200, rel=1e-3)


def test_ridge_outside_the_central_third_does_not_count_for_the_least_distance():
    deep = line((250, 0), (120, 60), (250, 120), (250, 400))
    found = measure_architecture(UPPER, deep, 30.0)
    close(found.thickness_min_px, 200)


def test_pennation_is_taken_at_the_insertion():
    # Level on the left, falling on the right: the fascicle inserts on the level part.
    deep = line((250, 0), (250, 250), (300, 400))
    rising = measure_architecture(UPPER, deep, 45.0)
    assert dict(rising.construction)["fascicle 1, linear"][0, 1] < 200
    close(rising.pennation_deg, 45)
    falling = measure_architecture(UPPER, deep, -45.0)
    assert dict(falling.construction)["fascicle 1, linear"][0, 1] > 300
    close(falling.pennation_deg, 45 - math.degrees(math.atan(50 / 150)))


def arc_points(radius, middle, angles_deg):
    """Return rows and columns on a circle; angles counter-clockwise, up positive."""
    angles = np.deg2rad(angles_deg)
    row, column = middle
    return np.column_stack(
        [row - radius * np.sin(angles), column + radius * np.cos(angles)]
    )


def test_arc_is_prolonged_as_an_arc():
    # Circle of radius 500 around row 250, column 400: it meets the deep line, row 250,
    # at 180 degrees, upright, and the superficial one, row 50, where sin = 0.4.
    drawn = arc_points(500, (250, 400), [175, 173, 168, 164, 163])
    found = measure_architecture(
        line((50, -200), (50, 800)), line((250, -200), (250, 800)), drawn
    )
    close(found.fascicle_length_curved_px, 500 * math.asin(0.4), rel=1e-6)
    close(found.pennation_curved_deg, 90, rel=1e-6)
    close(found.fascicles[0].curvature, 1 / 500, rel=1e-6)
    assert found.fascicle_length_px < found.fascicle_length_curved_px


def test_straight_fascicle_has_the_same_length_along_its_arc():
    drawn = [(180, 150), (160, 190), (150, 210), (120, 270)]
    found = measure_architecture(UPPER, LOWER, drawn)
    close(found.pennation_deg, math.degrees(math.atan(0.5)))
    close(found.fascicle_length_px, 200 * math.sqrt(5))
    close(found.fascicle_length_curved_px, 200 * math.sqrt(5), rel=1e-6)
    assert found.fascicles[0].curvature == pytest.approx(0, abs=1e-8)


def test_arc_that_turns_back_is_refused_and_the_line_is_not():
    # Radius 60: a quarter of a turn rises 60 px at most.
    drawn = arc_points(60, (170, 200), [30, 60, 90])
    found = measure_architecture(UPPER, LOWER, drawn)
    assert math.isnan(found.fascicle_length_curved_px)
    assert "The arc" in found.reason("fascicle_length_curved_px")
    assert found.fascicle_length_px > 200
    assert found.reason("fascicle_length_px") == ""


def test_medians_of_several_fascicles():
    drawn = [
        [(150 + 40 * t, 200 - 40), (150 - 40 * t, 200 + 40)]
        for t in (math.tan(math.radians(a)) for a in (20, 25, 40))
    ]
    found = measure_architecture(UPPER, LOWER, drawn)
    close(found.pennation_deg, 25)
    close(found.fascicle_length_px, 200 / math.sin(math.radians(25)))
    assert [round(f.direction_deg, 6) for f in found.fascicles] == [20, 25, 40]
    names = [name for name, _ in found.construction]
    assert names[4:] == [f"fascicle {k}, linear" for k in (1, 2, 3)]
    assert "three points" in found.reason("fascicle_length_curved_px")


def test_construction_can_be_corrected_and_measured_again():
    deep = line((250, 0), (260, 130), (240, 400))
    drawn = [(180, 150), (150, 208), (120, 268)]
    first = measure_architecture(UPPER, deep, drawn, spacing_mm=(0.1, 0.1))
    lines = dict(first.construction)
    again = measure_architecture(
        Aponeurosis.from_points(lines["superficial aponeurosis"]),
        Aponeurosis.from_points(lines["deep aponeurosis"]),
        lines["fascicle 1, linear"],
        spacing_mm=(0.1, 0.1),
    )
    close(again.thickness_mm, first.thickness_mm)
    close(again.pennation_deg, first.pennation_deg, rel=1e-6)
    close(again.fascicle_length_mm, first.fascicle_length_mm, rel=1e-6)
    ends = lines["thickness"] * 0.1
    close(np.hypot(*(ends[1] - ends[0])), first.thickness_mm)
    curve = lines["fascicle 1, curved"] * 0.1
    steps = np.hypot(*np.diff(curve, axis=0).T).sum()
    close(steps, first.fascicle_length_curved_mm, rel=1e-4)


def test_spacing_makes_angles_and_lengths_physical():
    # 0.1 mm deep and 0.2 mm wide pixels; rises 20 px over 10 columns = 2 mm over 2 mm.
    drawn = [(160, 195), (140, 205)]
    found = measure_architecture(UPPER, LOWER, drawn, spacing_mm=(0.1, 0.2))
    close(found.pennation_deg, 45)
    close(found.thickness_mm, 20)
    close(found.fascicle_length_mm, 20 * math.sqrt(2))
    assert math.isnan(found.thickness_px)
    assert "not square" in found.reason("thickness_px")
    given = measure_architecture(UPPER, LOWER, 45.0, spacing_mm=(0.1, 0.2))
    close(given.fascicle_length_mm, 20 * math.sqrt(2))


def test_without_a_scale_lengths_are_px_and_mm_are_refused():
    found = measure_architecture(UPPER, LOWER, 30.0)
    assert found.unit == "px"
    assert math.isnan(found.fascicle_length_mm)
    assert "no scale" in found.reason("fascicle_length_mm")


def test_px_and_mm_of_the_same_construction_agree():
    found = measure_architecture(UPPER, LOWER, 30.0, spacing_mm=(0.05, 0.05))
    close(found.fascicle_length_px, 400)
    close(found.fascicle_length_mm, 20)
    assert found.unit == "mm"


SCENE = st.tuples(
    st.floats(-12, 12), st.floats(-12, 12), st.floats(18, 45), st.floats(120, 260)
)


def scene(upper_deg, lower_deg, pennation, height):
    """Return two lines over 600 columns and a fascicle of three points."""
    x = np.array([-300.0, 300.0])
    upper = np.column_stack([-height / 2 - x * math.tan(math.radians(upper_deg)), x])
    lower = np.column_stack([height / 2 - x * math.tan(math.radians(lower_deg)), x])
    t = np.array([-20.0, 0.0, 20.0])
    angle = math.radians(lower_deg + pennation)
    # A slight bend, so that line and arc differ.
    fascicle = np.column_stack(
        [-t * math.sin(angle) + 0.002 * t * t, t * math.cos(angle)]
    )
    return upper, lower, fascicle


def measured(parts, spacing=None):
    upper, lower, fascicle = parts
    result = measure_architecture(
        line(*upper), line(*lower), fascicle, spacing_mm=spacing
    )
    return np.array(
        [
            result.pennation_deg,
            result.pennation_superficial_deg,
            result.thickness_px if spacing is None else result.thickness_mm,
            result.fascicle_length_px if spacing is None else result.fascicle_length_mm,
            result.fascicle_length_curved_px
            if spacing is None
            else result.fascicle_length_curved_mm,
        ]
    )


@settings(max_examples=30, deadline=None)
@given(SCENE)
def test_mirrored_picture_gives_the_same(values):
    parts = scene(*values)
    mirrored = [part * [1, -1] for part in parts]
    np.testing.assert_allclose(measured(mirrored), measured(parts), rtol=1e-7)


@settings(max_examples=30, deadline=None)
@given(SCENE, st.floats(0.3, 3), st.floats(0.3, 3))
def test_stretched_pixels_with_their_spacing_give_the_same(values, depth, lateral):
    parts = scene(*values)
    stretched = [part / [depth, lateral] for part in parts]
    np.testing.assert_allclose(
        measured(stretched, (depth, lateral)), measured(parts), rtol=1e-6
    )


@settings(max_examples=30, deadline=None)
@given(SCENE, st.floats(-8, 8))
def test_rotated_picture_keeps_what_depends_on_the_insertion_only(values, degrees):
    upper, lower, fascicle = parts = scene(*values)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    turned = [part @ turn for part in (upper, lower, fascicle)]
    # The middle, where thickness is taken, moves with the columns; the rest stays.
    kept = [0, 1, 3, 4]
    np.testing.assert_allclose(measured(turned)[kept], measured(parts)[kept], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(-12, 12), st.floats(18, 45), st.floats(120, 260))
def test_trigonometry_is_exact_between_parallel_lines(slope, pennation, height):
    upper, lower, _ = scene(slope, slope, pennation, height)
    found = measure_architecture(line(*upper), line(*lower), slope + pennation)
    close(found.fascicle_length_trigonometric_px, found.fascicle_length_px, rel=1e-6)
    close(found.thickness_px, height * math.cos(math.radians(slope)), rel=1e-6)


@pytest.mark.parametrize("direction", [0.0, 1.0, -2.0])
def test_lines_that_do_not_meet_are_refused(direction):
    found = measure_architecture(UPPER, LOWER, direction)
    assert math.isnan(found.fascicle_length_px)
    assert math.isnan(found.pennation_deg)
    reason = found.reason("fascicle_length_px")
    assert "does not meet the deep aponeurosis" in reason
    assert reason.endswith(".")
    close(found.thickness_px, 200)


def test_fascicle_between_the_directions_of_the_lines_is_refused():
    # Both lines are met on the right only, so it runs from none to the other.
    found = measure_architecture(
        line((0, 0), (90, 400)), line((290, 0), (200, 400)), 0.0
    )
    assert "does not meet" in found.reason("pennation_deg")


def test_one_fascicle_outside_does_not_spoil_the_others():
    drawn = [[(160, 190), (140, 210)], [(20, 100), (10, 120)]]
    found = measure_architecture(UPPER, LOWER, drawn)
    close(found.pennation_deg, 45)
    assert "outside the muscle" in found.fascicles[1].reason


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
        min_size=2,
        max_size=6,
        unique=True,
    )
)
def test_any_scribble_is_refused_or_measured_within_limits(points):
    found = measure_architecture(UPPER, LOWER, points)
    for name in ("fascicle_length_px", "fascicle_length_curved_px"):
        length = getattr(found, name)
        if math.isnan(length):
            assert found.reason(name)
        else:
            assert 200 - 1e-6 <= length <= 2 * 20 * 200 + 1e-6


def test_inputs_are_not_changed():
    points = np.array([(180.0, 150.0), (150.0, 210.0), (120.0, 270.0)])
    before = points.copy()
    found = measure_architecture(UPPER, LOWER, points)
    np.testing.assert_array_equal(points, before)
    assert not found.construction[0].vertices.flags.writeable


@pytest.mark.parametrize(
    ("superficial", "deep", "fascicle", "spacing", "words"),
    [
        (LOWER, UPPER, 20.0, None, "does not lie above"),
        (line((0, 0), (300, 400)), LOWER, 20.0, None, "does not lie above"),
        (UPPER, line((250, 500), (250, 600)), 20.0, None, "share no columns"),
        (UPPER, LOWER, 95.0, None, "95.0 degrees"),
        (UPPER, LOWER, math.nan, None, "nan degrees"),
        (UPPER, LOWER, "20", None, "'20' degrees"),
        (UPPER, LOWER, True, None, "True degrees"),
        (UPPER, LOWER, None, None, "draw it as a line"),
        (UPPER, LOWER, [], None, "draw it as a line"),
        (UPPER, LOWER, [(1, 2)], None, "draw it as a line"),
        (UPPER, LOWER, [[(1, 2), (3, 4)], [(1, 2, 3)]], None, "draw it as a line"),
        (UPPER, LOWER, [(150, 200), (150, 200)], None, "in one place"),
        (UPPER, LOWER, [(150, 200), (math.inf, 1)], None, "far outside any image"),
        (UPPER, LOWER, 20.0, (0, 0.1), "positive length"),
        (UPPER, LOWER, 20.0, (0.1,), "positive length"),
        (UPPER, LOWER, 10**400, None, "a long int degrees"),
        (UPPER, LOWER, [(10**400, 200), (150, 1)], None, "draw it as a line"),
        (UPPER, LOWER, [[(10**400, 200), (150, 1)]], None, "draw it as a line"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    superficial, deep, fascicle, spacing, words, one_sentence
):
    with pytest.raises(MeasureError) as caught:
        measure_architecture(superficial, deep, fascicle, spacing_mm=spacing)
    assert words in str(caught.value)
    assert one_sentence(str(caught.value))
