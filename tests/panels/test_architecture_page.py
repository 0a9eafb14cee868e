from __future__ import annotations

import dataclasses
import gc
import json
import math
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Shapes
from qtpy.QtWidgets import QApplication, QPushButton

import napari_muscle_us as mus
from napari_muscle_us._napari import _architecture_layer as bridge
from napari_muscle_us._napari import _pairs, _roi_edits
from napari_muscle_us._napari._architecture_layer import DrawnLines
from napari_muscle_us._napari._architecture_paths import rgba
from napari_muscle_us._napari._autosave_layers import sets_on
from napari_muscle_us._napari.panels import _arch_work
from napari_muscle_us._napari.panels._arch_labels import MuscleFields
from napari_muscle_us._napari.panels._arch_live import live_architecture_of
from napari_muscle_us._napari.panels._arch_numbers import numbers_of
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.architecture import ArchitecturePage
from napari_muscle_us.image import Calibration
from napari_muscle_us.simulate import PENNATION_DEG

from .roi_factory import box, clip, session_with, still

WAIT_MS = 60_000
VL = Path(__file__).resolve().parents[3] / "shared/data/longitudinal_vl"

# Two level lines 8 mm apart on pixels of 0.1 mm × 0.2 mm.
UPPER = np.array([(30.0, 10.0), (30.0, 190.0)])
LOWER = np.array([(110.0, 10.0), (110.0, 190.0)])
# 40 px × 0.1 mm = 4 mm up over 20 px × 0.2 mm = 4 mm to the right: 45 degrees.
STEEP = np.array([(90.0, 80.0), (50.0, 100.0)])
# 4 mm up over 40 px × 0.2 mm = 8 mm: the tangent is a half.
SLANT = np.array([(90.0, 80.0), (50.0, 120.0)])


def other_image():
    return dataclasses.replace(still(), name="other.png", digest="b" * 64)


class Mouse:
    """A mouse event at a pixel, as napari's layers hear of it."""

    modifiers = ()
    view_direction = None
    up_direction = None
    dims_displayed = (0, 1)

    def __init__(self, layer, place, kind="mouse_press"):
        self.type = kind
        self.position = layer.data_to_world(place)
        self.pos = np.array(place[::-1], float)


def click(layer, *places):
    """Click at places with the tool in hand, and move on a little."""
    for place in places:
        for callback in [*layer.mouse_move_callbacks, *layer.mouse_drag_callbacks]:
            callback(layer, Mouse(layer, place))
        for callback in layer.mouse_move_callbacks:
            callback(layer, Mouse(layer, np.add(place, 1)))


def double_click(layer, place):
    for callback in layer.mouse_double_click_callbacks:
        callback(layer, Mouse(layer, place))


def drag(layer, start, *places, on_move=None):
    """Drag what lies at a place, as the mouse does, and let it go."""
    event = Mouse(layer, start)
    going = [callback(layer, event) for callback in layer.mouse_drag_callbacks]
    going = [g for g in going if g is not None]
    for g in going:
        next(g)
    event.type = "mouse_move"
    for place in places:
        event.position = layer.data_to_world(place)
        for g in going:
            next(g)
        if on_move is not None:
            on_move()
    event.type = "mouse_release"
    for g in going:
        next(g, None)


@pytest.fixture
def make(shown):
    """Return a function that opens the page on an image."""

    def open_page(image):
        return shown(ArchitecturePage(session_with(image)))

    return open_page


@pytest.fixture
def page(make):
    return make(still())


@pytest.fixture
def measured(page):
    """Return the page with level aponeuroses and a fascicle of 45 degrees."""
    page._live.put(superficial=UPPER, deep=LOWER, fascicle=STEEP)
    return page


@pytest.fixture
def found(qtbot):
    """Return a function that looks for something and waits until it is there."""

    def look(page, search):
        search()
        qtbot.waitUntil(lambda: not page._finder.job.running, timeout=WAIT_MS)
        return page._message.text()

    return look


def lines_of(page):
    return bridge.find_layer(page._session.viewer, page._session.image_layer, "lines")


def construction_of(page):
    return bridge.find_layer(
        page._session.viewer, page._session.image_layer, "construction"
    )


def shown_numbers(page):
    table = page._table
    return {
        table.item(row, 0).text(): [
            table.item(row, column).text() for column in range(1, table.columnCount())
        ]
        for row in range(table.rowCount())
    }


def part(page, label):
    """Return the construction's line that bears a text."""
    layer = construction_of(page)
    (index,) = np.flatnonzero(layer.features["label"] == label)
    return np.asarray(layer.data[index], float)


def test_numbers_are_those_of_the_lines_in_mm(measured):
    measured.refresh()
    numbers = shown_numbers(measured)
    assert numbers["Pennation"] == ["°", "45.0"]
    assert numbers["Pennation, superficial"] == ["°", "45.0"]
    assert numbers["Thickness, middle"] == ["mm", "8.0"]
    assert numbers["Thickness, least"] == ["mm", "8.0"]
    assert numbers["Fascicle, straight"] == ["mm", f"{8 * math.sqrt(2):.1f}"]
    assert numbers["Fascicle, estimated"] == ["mm", f"{8 * math.sqrt(2):.1f}"]
    assert numbers["Fascicle, curved"] == ["mm", "–"]
    assert numbers["Extrapolated"] == ["%", "0"]
    assert "three points" in measured._reasons.text()


def test_without_a_scale_lengths_are_in_px(make):
    page = make(still(calibration=None))
    page._live.put(superficial=UPPER, deep=LOWER, fascicle=SLANT)
    page.refresh()
    numbers = shown_numbers(page)
    assert numbers["Thickness, middle"] == ["px", "80.0"]
    # Square pixels: 40 up over 40 to the right.
    assert numbers["Fascicle, straight"] == ["px", f"{80 * math.sqrt(2):.1f}"]
    assert "no scale" in page._reasons.text()


def test_several_fascicles_stand_beside_their_median(measured):
    measured._live.put(fascicle=SLANT)
    measured.refresh()
    flat = math.degrees(math.atan(0.5))
    median = (45 + flat) / 2
    texts = [f"{v:.1f}" for v in (median, 45, flat)]
    assert shown_numbers(measured)["Pennation"] == ["°", *texts]
    assert shown_numbers(measured)["Thickness, middle"] == ["mm", "8.0", "", ""]
    assert measured._table.horizontalHeaderItem(2).text() == "Median"
    assert measured._reasons.text().startswith("Fascicle 1, 2: The curvature")


def test_three_points_give_the_length_of_the_arc(page):
    # On a circle of 41 mm around x = 5 mm, 43 mm deep; 3 and 11 mm deep are met.
    turns = np.array([0.3, 0.4, 0.5, 0.6])
    x, deep = 5 + 41 * np.sin(turns), 43 - 41 * np.cos(turns)
    page._live.put(
        superficial=UPPER, deep=LOWER, fascicle=np.column_stack([deep / 0.1, x / 0.2])
    )
    wanted = 41 * (math.acos(32 / 41) - math.acos(40 / 41))
    numbers = {n.title: n.value for n in numbers_of(page._live.outcome)}
    assert numbers["Fascicle, curved"] == pytest.approx(wanted, rel=1e-3)
    assert numbers["Fascicle, curved"] > numbers["Fascicle, straight"]
    page.refresh()
    assert page._reasons.text() == ""


def test_thickness_is_told_before_there_is_a_fascicle(page):
    page._live.put(superficial=UPPER, deep=LOWER)
    page.refresh()
    assert set(shown_numbers(page)) == {"Thickness, middle", "Thickness, least"}
    assert "Draw a fascicle" in page._hint.text()
    assert list(construction_of(page).features["label"]) == ["8.0 mm", ""]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Find the two aponeuroses"),
        ({"superficial": UPPER}, "Draw the deep aponeurosis"),
        ({"deep": LOWER}, "Draw the superficial aponeurosis"),
    ],
    ids=["nothing", "no-deep", "no-superficial"],
)
def test_says_what_is_missing(page, notes, given, said):
    page._live.put(**given)
    page.refresh()
    assert said in page._hint.text()
    assert page._table.isHidden()
    page._on_add()
    assert said in notes[-1]
    assert not page._session.has_results


def test_crossed_lines_give_a_sentence_and_no_construction(measured):
    lines_of(measured).data = [UPPER, UPPER - (10, 0), STEEP]
    measured._live.recompute()
    measured.refresh()
    assert "does not lie above" in measured._reasons.text()
    assert measured._table.isHidden()
    assert len(construction_of(measured).data) == 0


def test_construction_follows_the_mouse_within_a_drag(measured, qtbot):
    layer, seen = lines_of(measured), []
    assert str(layer.mode) == "direct"
    layer.selected_data = {1}

    def look():
        with qtbot.waitSignal(measured._live.changed, timeout=1000):
            pass
        seen.append(measured._live.outcome.architecture.thickness_mm)

    # Both ends of the deep line, one after the other, 10 px down.
    drag(layer, (110, 10), (115, 10), (120, 10), on_move=look)
    drag(layer, (110, 190), (115, 190), (120, 190), on_move=look)
    assert len(seen) == 4
    assert seen == sorted(seen)
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(9.0)
    ends = part(measured, "9.0 mm")
    np.testing.assert_allclose(sorted(ends[:, 0]), [30, 120], atol=1e-3)


def test_a_step_of_a_drag_redraws_the_construction_once(measured):
    layer, drawn, asked = construction_of(measured), [], []
    layer.events.set_data.connect(lambda event: drawn.append(list(layer.data)))
    layer.events.extent.connect(asked.append)
    lines_of(measured).data = [UPPER, np.add(LOWER, (4, 0)), STEEP]
    drawn.clear()
    measured._live.recompute()
    assert len(drawn) == 1
    assert asked == []
    # What is drawn is what was measured, also on the canvas' own list of shapes.
    np.testing.assert_array_equal(drawn[0][0], layer.data[0])
    assert "8.4 mm" in list(layer.features["label"])


@pytest.mark.parametrize(
    ("given", "point", "row"),
    [
        ({"superficial": UPPER, "deep": LOWER}, (110, 190), 1),
        ({"fascicle": SLANT}, (50, 120), 3),
    ],
    ids=["aponeuroses", "fascicle"],
)
def test_points_of_new_lines_are_dragged_at_once(measured, given, point, row):
    measured._live.put(**given)
    layer = lines_of(measured)
    before = layer.data[row].copy()
    drag(layer, point, np.add(point, (4, 0)), np.add(point, (8, 0)))
    moved = layer.data[row] - before
    np.testing.assert_allclose(moved, [(0, 0), (8, 0)], atol=1e-3)


def test_angle_is_drawn_between_the_deep_aponeurosis_and_the_fascicle(measured):
    corner, *arc = part(measured, "45.0°")
    # The fascicle's line meets row 110 20 px below and 10 px left of its lower end.
    np.testing.assert_allclose(corner, (110, 70), atol=1e-3)
    away = (np.array(arc) - corner) * (0.1, 0.2)
    np.testing.assert_allclose(np.hypot(*away.T), np.hypot(*away[0]), rtol=1e-4)
    angles = np.degrees(np.arctan2(-away[:, 0], away[:, 1]))
    assert angles[0] == pytest.approx(0, abs=1e-2)
    assert angles[-1] == pytest.approx(45, abs=1e-2)


@pytest.mark.parametrize("mirrored", [False, True], ids=["rising", "falling"])
def test_aponeuroses_are_prolonged_to_where_the_fascicle_meets_them(page, mirrored):
    short = np.array([(110.0, 90.0), (110.0, 190.0)])
    lines = [UPPER, short, SLANT]
    if mirrored:
        lines = [np.column_stack([x[:, 0], 200 - x[:, 1]]) for x in lines]
    page._live.put(superficial=lines[0], deep=lines[1], fascicle=lines[2])
    layer = construction_of(page)
    wanted = np.isclose(layer.edge_color, rgba([bridge.COLOURS["deep"]]))
    (index,) = np.flatnonzero(wanted.all(axis=1))
    ends = (140, 110) if mirrored else (60, 90)
    np.testing.assert_allclose(sorted(layer.data[index][:, 1]), sorted(ends), atol=1e-3)
    shares = [n.value for n in numbers_of(page._live.outcome) if n.unit == "%"]
    assert shares == pytest.approx([100 * 30 / 80])


def test_construction_cannot_be_edited_and_lies_below_the_lines(measured):
    layer, viewer = construction_of(measured), measured._session.viewer
    assert not layer.editable
    assert viewer.layers.index(layer) < viewer.layers.index(lines_of(measured))
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    measured._live.recompute()
    assert not layer.editable


def test_layers_have_scale_units_and_place_of_the_image(measured):
    image = measured._session.image_layer
    for layer in (lines_of(measured), construction_of(measured)):
        assert tuple(layer.scale) == (0.1, 0.2)
        assert layer.units == image.units
        assert layer.axis_labels == image.axis_labels


def test_layers_and_numbers_follow_a_new_scale(measured):
    measured._session.calibrate(Calibration((0.2, 0.2), "typed", by_user=True))
    for layer in (lines_of(measured), construction_of(measured)):
        assert tuple(layer.scale) == (0.2, 0.2)
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(16)


def test_lines_are_never_regions(measured):
    session = measured._session
    rois = session.new_roi_layer()
    _roi_edits.add(session, [box(name="BB")], "drawing")
    lines = lines_of(measured)
    for layer in (lines, construction_of(measured)):
        session.viewer.layers.selection.active = layer
        assert session.roi_layer is rois
        assert _pairs.rois_for(session.viewer, session.image_layer) is rois
    kept = sets_on(session, session.image().key)
    assert [one.name for one in kept] == [rois.name]


def test_choosing_lines_makes_their_image_the_current_one(measured):
    session, lines = measured._session, lines_of(measured)
    first = session.image_layer
    second = session.add_image(other_image())
    assert session.image_layer is second
    assert measured._live.outcome.architecture is None
    session.viewer.layers.selection.active = lines
    assert session.image_layer is first
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(8)


def test_lines_of_two_images_stay_apart(measured):
    session = measured._session
    first = session.image_layer
    second = session.add_image(other_image())
    measured._live.put(superficial=UPPER, deep=LOWER - (20, 0))
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(6)
    session.use_image(first)
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(8)
    session.use_image(second)
    assert measured._live.outcome.architecture.thickness_mm == pytest.approx(6)


def test_lines_of_a_clip_belong_to_their_frame(make):
    page = make(clip())
    viewer = page._session.viewer
    page._live.put(superficial=UPPER, deep=LOWER, fascicle=STEEP)
    viewer.dims.set_current_step(0, 3)
    assert page._live.outcome.lines.is_empty
    assert len(lines_of(page).data) == len(construction_of(page).data) == 0
    page._live.put(superficial=UPPER, deep=LOWER - (20, 0), fascicle=SLANT)
    viewer.dims.set_current_step(0, 0)
    assert page._live.outcome.architecture.thickness_mm == pytest.approx(8)
    np.testing.assert_allclose(lines_of(page).data[2], STEEP, atol=1e-4)
    viewer.dims.set_current_step(0, 3)
    assert page._live.outcome.architecture.thickness_mm == pytest.approx(6)
    assert page.rows()["frame"].unique().tolist() == [3]


def test_drawing_by_clicks(page, qtbot):
    page._on_superficial()
    assert "lower border" in page._hint.text()
    layer = lines_of(page)
    assert page._session.viewer.layers.selection.active is layer
    click(layer, (30, 10), (31, 100), (30, 190))
    page._live.recompute()
    # Not before it is finished.
    assert page._live.outcome.lines.superficial is None
    double_click(layer, (30, 190))
    qtbot.waitUntil(lambda: str(layer.mode) == "direct")
    points = page._live.outcome.lines.superficial
    np.testing.assert_allclose(points[:3], [(30, 10), (31, 100), (30, 190)], atol=1e-3)
    np.testing.assert_allclose(
        layer.edge_color[0], rgba([bridge.COLOURS["superficial"]])[0]
    )


def test_a_new_aponeurosis_replaces_the_former_and_a_fascicle_does_not(measured, qtbot):
    layer = lines_of(measured)
    for role, row, count in (("deep", 120, 3), ("fascicle", 60, 4)):
        measured.draw(role)
        click(layer, (row, 20), (row - 1, 100), (row, 180))
        double_click(layer, (row, 180))
        qtbot.waitUntil(lambda: str(layer.mode) == "direct")
        assert len(layer.data) == count
    lines = measured._live.outcome.lines
    assert lines.deep[0].tolist() == pytest.approx([120, 20], abs=1e-3)
    assert len(lines.fascicles) == 2
    np.testing.assert_allclose(lines.superficial, UPPER, atol=1e-4)
    labels = list(layer.features["label"])
    assert labels == ["superficial", "deep", "fascicle 1", "fascicle 2"]


def test_a_line_of_one_point_changes_no_other(measured, qtbot):
    layer = lines_of(measured)
    measured.draw("superficial")
    click(layer, (60, 20))
    double_click(layer, (60, 20))
    qtbot.waitUntil(lambda: str(layer.mode) == "direct")
    assert list(layer.features["role"]) == ["superficial", "deep", "fascicle"]
    np.testing.assert_allclose(
        measured._live.outcome.lines.superficial, UPPER, atol=1e-4
    )


def test_a_frame_change_ends_the_line_in_hand(make):
    page = make(clip())
    page.draw("deep")
    layer = lines_of(page)
    click(layer, (110, 10), (111, 100), (110, 190))
    page._session.viewer.dims.set_current_step(0, 5)
    assert page._live.outcome.lines.is_empty
    assert len(layer.data) == 0
    page._session.viewer.dims.set_current_step(0, 0)
    deep = page._live.outcome.lines.deep
    np.testing.assert_allclose(deep, [(110, 10), (111, 100), (110, 190)], atol=1e-3)


def test_a_row_that_napari_left_behind_gives_no_line_another_meaning(measured):
    layer = lines_of(measured)
    # As napari does when the last but two points of the first line are taken away.
    layer._data_view.remove(0)
    layer.events.data(
        value=layer.data, action="changed", data_indices=(0,), vertex_indices=((),)
    )
    measured._live.recompute()
    lines = measured._live.outcome.lines
    assert lines.superficial is None
    np.testing.assert_allclose(lines.deep, LOWER, atol=1e-4)
    assert measured._live.outcome.architecture is None


def test_shapes_that_are_no_lines_do_not_count(measured):
    layer = lines_of(measured)
    layer.add(box().outline(), shape_type="rectangle")
    measured._live.recompute()
    assert len(measured._live.outcome.lines.fascicles) == 1


def test_deleting_the_layer_clears_numbers_and_construction(measured):
    viewer = measured._session.viewer
    viewer.layers.remove(lines_of(measured))
    measured.refresh()
    assert not [x for x in viewer.layers if isinstance(x, Shapes)]
    assert measured._table.isHidden()
    measured._live.put(superficial=UPPER, deep=LOWER)
    assert measured._live.outcome.architecture is not None


@pytest.mark.parametrize("first", ["image", "lines"])
def test_no_construction_outlives_its_image_or_its_lines(measured, first):
    viewer, lines = measured._session.viewer, lines_of(measured)
    image = measured._session.image_layer
    for layer in (image, lines) if first == "image" else (lines, image):
        viewer.layers.remove(layer)
        # Nothing makes it follow the lines any more, with its numbers on the screen.
        assert not [x for x in viewer.layers if x.name.startswith("Construction")]
    assert not viewer.layers


def test_clear(measured):
    measured.clear()
    measured.refresh()
    assert len(lines_of(measured).data) == len(construction_of(measured).data) == 0
    assert measured._table.isHidden()


def test_rows_bear_the_labels_and_agree_with_the_core(measured):
    session = measured._session
    measured._labels.subject.setText("S012")
    measured._labels.visit.setText("baseline")
    measured._muscle.muscle.setCurrentText("Vastus lateralis")
    measured._muscle.side.setCurrentText("left")
    measured._on_add()
    rows = session.results
    labels = ["subject", "visit", "muscle", "side", "image", "frame"]
    assert rows[labels].drop_duplicates().to_numpy().tolist() == [
        ["S012", "baseline", "Vastus lateralis", "left", "still.png", 0]
    ]
    values = rows.set_index("measure")["value"]
    assert values["architecture.pennation"] == pytest.approx(45, abs=1e-4)
    assert values["architecture.thickness"] == pytest.approx(8, abs=1e-5)
    measured._on_add()
    assert len(session.results) == 2 * len(rows)


def test_results_can_be_recomputed(measured):
    from napari_muscle_us.architecture_results import recompute_architecture

    row = measured.rows().iloc[0]
    again = recompute_architecture(
        measured._session.image(),
        json.loads(row["roi_geometry"]),
        json.loads(row["method"]),
    )
    value = next(v.value for v in again if v.measure == row["measure"])
    assert value == pytest.approx(row["value"], nan_ok=True)


def test_muscle_and_side_belong_to_their_image(measured):
    session = measured._session
    first = session.image_layer
    measured._muscle.muscle.setCurrentText("Soleus")
    measured._muscle.side.setCurrentText("right")
    session.add_image(other_image())
    assert measured._muscle.value() == {"muscle": "", "side": ""}
    session.use_image(first)
    assert measured._muscle.value() == {"muscle": "Soleus", "side": "right"}
    fields = MuscleFields()
    fields.set_image(first)
    assert fields.value() == {"muscle": "Soleus", "side": "right"}


def test_copy_has_all_digits_and_reasons(measured, notes):
    measured._live.put(fascicle=SLANT)
    measured._on_copy()
    lines = QApplication.clipboard().text().splitlines()
    head, first = lines[0].split("\t"), lines[1].split("\t")
    assert head == ["measure", "unit", "median", "fascicle 1", "fascicle 2", "reason"]
    each = [f.pennation_deg for f in measured._live.outcome.architecture.fascicles]
    assert [float(v) for v in first[3:5]] == each
    assert float(first[2]) == np.median(each)
    curved = next(line for line in lines if line.startswith("Fascicle, curved"))
    assert "three points" in curved
    assert notes == ["9 numbers copied"]


def test_finds_lines_and_fascicles_of_a_simulated_muscle(make, found):
    page = make(mus.sample_image("longitudinal_healthy"))
    said = found(page, page.find_aponeuroses)
    lines = page._live.outcome.lines
    assert lines.superficial is not None
    assert "confidence" in said
    said = found(page, page.find_fascicle)
    assert "Direction" in said
    pennation = page._live.outcome.architecture.pennation_deg
    assert pennation == pytest.approx(PENNATION_DEG, abs=2)
    note = page.rows()["note"].iloc[0]
    assert "found by the program" in note
    assert "from the texture" in note
    # What the user corrected is not the program's any more.
    layer = lines_of(page)
    layer.data = [np.asarray(x) + 2 for x in layer.data]
    page._live.recompute()
    assert page._live.note() == ""


def test_a_fascicle_in_an_roi_goes_through_its_middle(make, found):
    page = make(mus.sample_image("longitudinal_healthy"))
    found(page, page.find_aponeuroses)
    session = page._session
    session.new_roi_layer()
    region = box(100, 300, 100, 200, name="part")
    _roi_edits.add(session, [region], "drawing")
    session.select([0])
    page._where.setCurrentIndex(1)
    found(page, page.find_fascicle)
    (line,) = page._live.outcome.lines.fascicles
    slope = -np.diff(line[:, 0]) / np.diff(line[:, 1])
    assert math.degrees(math.atan(slope[0])) == pytest.approx(PENNATION_DEG, abs=3)
    at = line[0, 0] - slope[0] * (399.5 - line[0, 1])
    assert at == pytest.approx(149.5, abs=0.01)
    assert str(session.image_layer) == str(page._live.image_layer)


def test_a_refusal_is_said_and_leaves_the_lines(measured, found):
    # Noise alone: no pair of lines, and no direction.
    said = found(measured, measured.find_aponeuroses)
    assert said.startswith("⚠")
    assert "by hand" in said
    np.testing.assert_allclose(measured._live.outcome.lines.deep, LOWER, atol=1e-4)
    said = found(measured, measured.find_fascicle)
    assert said.startswith("⚠")
    assert "by hand" in said
    assert len(measured._live.outcome.lines.fascicles) == 1


def test_a_fascicle_needs_somewhere_to_look(page, notes):
    page._on_texture()
    assert "both aponeuroses" in notes[-1]
    page._where.setCurrentIndex(1)
    page._on_texture()
    assert "no ROI" in notes[-1]


def test_what_is_found_is_never_put_on_another_image(measured, qtbot):
    session = measured._session
    measured.find_aponeuroses()
    session.add_image(other_image())
    assert not measured._finder.job.running
    assert measured._live.outcome.lines.is_empty


@pytest.mark.skipif(not VL.is_dir(), reason="longitudinal_vl is not here")
@pytest.mark.parametrize("name", ["S1_L20_step_025", "S4_L20_step_225"])
def test_a_real_muscle_agrees_with_three_observers(make, found, name):
    import pandas as pd

    path = VL / f"{name}.png"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    table = pd.read_csv(VL / "observers.csv")
    seen = table[table["file"] == path.name].drop(columns=["observer", "file"])
    page = make(mus.read_image(path))
    found(page, page.find_aponeuroses)
    found(page, page.find_fascicle)
    architecture = page._live.outcome.architecture
    middle = seen["deep_aponeurosis_y_px"] - seen["superficial_aponeurosis_y_px"]
    assert architecture.thickness_px == pytest.approx(middle.mean(), abs=12)
    direction = architecture.fascicles[0].direction_deg
    assert direction == pytest.approx(seen["fascicle_angle_deg"].mean(), abs=4)


def test_region_of_fascicles_keeps_away_from_the_aponeuroses():
    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    lines = [Aponeurosis.from_points(x) for x in (UPPER, LOWER)]
    mask = _arch_work.muscle_mask(*lines, (150, 200))
    rows, columns = np.nonzero(mask)
    # A tenth of 80 rows at either border; columns of both lines.
    assert (rows.min(), rows.max()) == (38, 102)
    assert (columns.min(), columns.max()) == (10, 190)


def test_fits_a_narrow_panel_and_every_control_says_what_it_does(measured):
    measured.resize(PANEL_WIDTH, 600)
    assert measured.minimumSizeHint().width() <= PANEL_WIDTH
    buttons = measured.findChildren(QPushButton)
    assert len(buttons) == 9
    assert all(button.toolTip() for button in buttons)


def test_lines_stay_live_without_the_page(qtbot):
    session = session_with(still())
    page = ArchitecturePage(session)
    live = page._live
    live.put(superficial=UPPER, deep=LOWER, fascicle=STEEP)
    # As napari does to a dock that is closed for good.
    page.deleteLater()
    del page
    qtbot.wait(10)
    gc.collect()
    layer = bridge.find_layer(session.viewer, session.image_layer, "lines")
    layer.data = [UPPER, LOWER - (20, 0), STEEP]
    qtbot.waitUntil(lambda: live.outcome.architecture.thickness_mm < 7)
    session.add_image(other_image())
    assert live.outcome.architecture is None
    assert live_architecture_of(session) is live


def test_writing_and_reading_lines_is_the_identity(page):
    lines = DrawnLines(UPPER, LOWER, (STEEP, SLANT))
    page._live.draw("deep")
    layer, image = lines_of(page), page._session.image_layer
    bridge.write_lines(layer, image, lines)
    again = bridge.read_lines(layer, image)
    for (one, points), (other, there) in zip(
        lines.by_role(), again.by_role(), strict=True
    ):
        assert one == other
        np.testing.assert_allclose(there, points, atol=1e-4)
