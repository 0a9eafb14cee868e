"""The fat corrections: their formulas in cm, and every wrong unit that is caught."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.fat_correction import (
    FatCorrection,
    correct_for_fat,
    correction_caveats,
    thickness_from_line,
)
from napari_muscle_us.results import canonical_json
from napari_muscle_us.roi.open_shapes import Polyline

LINE = Polyline([(10, 50), (90, 50)], kind="line")


# By hand, thickness in cm: EI + 40.5278 t and EI − 5.0054 t² + 38.30836 t.
@pytest.mark.parametrize(
    ("model", "thickness", "expected"),
    [
        ("young2015", 0.0, 60.0),
        ("young2015", 1.0, 100.5278),
        ("young2015", 0.25, 70.13195),
        ("muller2021", 0.0, 60.0),
        ("muller2021", 1.0, 93.30296),
        ("muller2021", 2.0, 116.59512),
        ("muller2021", 0.25, 69.2642525),
    ],
)
def test_the_formulas_by_hand(model, thickness, expected):
    found = correct_for_fat(60.0, thickness, model=model)
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_slope_is_the_users():
    assert correct_for_fat(50, 0.5, slope=20) == 60
    # The other model has no slope to edit.
    other = correct_for_fat(50, 0.5, model="muller2021", slope=20)
    assert other == correct_for_fat(50, 0.5, model="muller2021")


@given(st.floats(0, 255), st.floats(0, 3), st.sampled_from(["young2015", "muller2021"]))
def test_fat_only_ever_adds_within_what_was_tried(echo_intensity, thickness, model):
    corrected = correct_for_fat(echo_intensity, thickness, model=model)
    assert corrected >= echo_intensity
    assert correct_for_fat(echo_intensity, 0, model=model) == echo_intensity


def test_the_value_is_not_clipped_and_that_is_said():
    value = correct_for_fat(250, 1)
    assert value == pytest.approx(290.5278)
    (said,) = correction_caveats(value, 1, "young2015")
    assert "exceeds 255" in said


@pytest.mark.parametrize(
    ("thickness", "model", "words"),
    [
        (3.0, "muller2021", None),
        (3.1, "muller2021", "3.1 cm) than the 3 cm"),
        (3.1, "young2015", None),
        (8.0, "young2015", "8 cm is unusual; check that it is in cm"),
        (8.0, "muller2021", "8 cm is unusual"),
    ],
)
def test_a_thickness_that_is_doubtful_is_said(thickness, model, words):
    found = correction_caveats(100.0, thickness, model)
    assert found == () if words is None else words in found[0]


@pytest.mark.parametrize(
    "thickness", [-0.1, math.nan, math.inf, 10.01, "x", None, True, 10**400]
)
def test_an_impossible_thickness_is_refused(thickness):
    for call in (lambda t: correct_for_fat(60, t), FatCorrection):
        with pytest.raises(MeasureError, match="is not possible; give it in cm"):
            call(thickness)


def test_millimetres_are_guessed_at(one_sentence):
    with pytest.raises(MeasureError, match=r"12\.5 cm.*Was it typed in mm\?") as error:
        FatCorrection(12.5)
    assert one_sentence(str(error.value))


@pytest.mark.parametrize("slope", [0, -40, math.nan, 405.278, "x", None])
def test_an_impossible_slope_is_refused(slope, one_sentence):
    for call in (
        lambda s: correct_for_fat(60, 1, slope=s),
        lambda s: FatCorrection(1, slope=s),
    ):
        with pytest.raises(MeasureError, match="gray levels per cm") as error:
            call(slope)
        assert one_sentence(str(error.value))


@pytest.mark.parametrize("echo_intensity", [-1, 256, math.nan])
def test_what_is_no_echo_intensity_is_refused(echo_intensity):
    with pytest.raises(MeasureError, match="no mean gray level"):
        correct_for_fat(echo_intensity, 1)


def test_an_unknown_model_is_refused(one_sentence):
    with pytest.raises(MeasureError, match="'young' is unknown") as error:
        correct_for_fat(60, 1, model="young")
    assert one_sentence(str(error.value))


# The line


def test_a_line_is_measured_in_cm():
    # 80 rows of 0.1 mm are 8 mm.
    assert thickness_from_line(LINE, (0.1, 0.2)) == pytest.approx(0.8, rel=1e-12)
    slanted = Polyline([(0, 0), (30, 20)], kind="line")
    assert thickness_from_line(slanted, (0.1, 0.2)) == pytest.approx(0.5, rel=1e-12)
    fat = FatCorrection.from_line(LINE, (0.1, 0.2), slope=41)
    assert (fat.thickness_cm, fat.measured_with, fat.line) == (0.8, "line", LINE)
    assert fat.slope == 41


def test_without_the_size_of_a_pixel_a_line_is_no_thickness(one_sentence):
    with pytest.raises(MeasureError, match="size of a pixel is not known") as error:
        thickness_from_line(LINE, None)
    assert one_sentence(str(error.value))


def test_an_angle_is_no_thickness():
    angle = Polyline([(0, 0), (5, 5), (9, 0)], kind="angle")
    with pytest.raises(MeasureError, match="angle"):
        thickness_from_line(angle, (0.1, 0.1))


def test_a_line_that_is_longer_than_any_fat_is_refused():
    with pytest.raises(MeasureError, match="is not possible"):
        FatCorrection.from_line(Polyline([(0, 0), (2000, 0)], kind="line"), (0.1, 0.1))


def test_a_line_belongs_to_the_spacing_it_was_measured_with(one_sentence):
    fat = FatCorrection.from_line(LINE, (0.1, 0.1))
    fat.refuse_other_length((0.1, 0.3))
    FatCorrection(0.7).refuse_other_length(None)
    for spacing in ((0.05, 0.1), None):
        with pytest.raises(MeasureError) as error:
            fat.refuse_other_length(spacing)
        assert one_sentence(str(error.value))


@pytest.mark.parametrize(
    "entries",
    [
        {"measured_with": "line"},
        {"measured_with": "guess"},
        {"line": LINE},
        {"measured_with": "line", "line": [(0, 0), (1, 1)]},
        {"source": None},
        {"source": "x" * 201},
    ],
    ids=["no-line", "guess", "typed-line", "list", "no-text", "long-text"],
)
def test_a_correction_that_contradicts_itself_is_refused(entries, one_sentence):
    with pytest.raises(MeasureError) as error:
        FatCorrection(1.0, **entries)
    assert one_sentence(str(error.value))


# The method


@pytest.mark.parametrize(
    "fat",
    [
        FatCorrection(0.8, "caliper", slope=12.5),
        FatCorrection.from_line(LINE, (0.07, 0.1)),
        FatCorrection(0),
    ],
    ids=["typed", "line", "zero"],
)
def test_a_method_holds_all_of_it(fat):
    method = json.loads(canonical_json(fat.method("young2015")))
    again = FatCorrection.from_method(method)
    assert canonical_json(again.method("young2015")) == canonical_json(method)
    assert "slope" not in fat.method("muller2021")
    assert (again.thickness_cm, again.slope) == (fat.thickness_cm, fat.slope)


@pytest.mark.parametrize(
    "changes",
    [
        {"thickness_cm": None},
        {"thickness_cm": "1e999"},
        {"slope": []},
        {"measured_with": {}},
        {"line": {"type": "points", "vertices": [[0, 0]]}},
        {"line": {"type": "polyline", "vertices": "x"}},
        {"line": {"type": "spiral"}},
        {"line": 5, "measured_with": "line"},
        {"thickness_source": 5},
    ],
    ids=str,
)
def test_a_hostile_method_is_refused_in_words(changes):
    method = FatCorrection(0.5).method("young2015") | changes
    with pytest.raises(MuscleUSError):
        FatCorrection.from_method(method)


# In the rows


def test_the_raw_value_is_always_there_too():
    from napari_muscle_us.measure_options import MeasureOptions

    image = mus.sample_image("transverse_healthy")
    roi = mus.Rectangle(150, 200, 40, 60)
    options = MeasureOptions(fat=FatCorrection(0.8), fat_models=("muller2021",))
    rows = mus.measure_rois(image, [roi], options=options).set_index("measure")
    raw = rows.loc["intensity.mean", "value"]
    expected = raw - 5.0054 * 0.64 + 38.30836 * 0.8
    found = rows.loc["intensity.mean_fat_muller2021"]
    assert found["value"] == pytest.approx(expected, rel=1e-12)
    assert "intensity.mean_fat_young2015" not in rows.index
    assert json.loads(found["method"])["thickness_cm"] == 0.8
