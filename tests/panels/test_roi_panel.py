"""The ROI panel: its table, tools and messages."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent

from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us._napari.panels._roi_action_list import ACTIONS
from napari_muscle_us._napari.panels._roi_shortcuts import SHORTCUTS
from napari_muscle_us._napari.panels._roi_tools import TOOLS
from napari_muscle_us._napari.panels.rois import RoiPanel
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import Rectangle

from .conftest import square
from .test_clips import clip

DOCS = Path(__file__).parents[2] / "docs" / "panels" / "muscle-rois.md"
MODES = [(tool.name, tool.mode) for tool in TOOLS if tool.mode]
SPACING = 0.09


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(RoiPanel(viewer))


def cells(panel, row):
    model = panel._model
    return [model.index(row, c).data() for c in range(model.columnCount())]


def test_the_table_shows_area_pixels_and_mean(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 100), shape_type="rectangle")
    qtbot.waitUntil(lambda: cells(panel, 1)[0] == "ROI 1")
    mean = session.image().pixels[100:200, 100:200].mean()
    # 100 × 100 pixels of 0.09 mm.
    assert cells(panel, 1) == ["ROI 1", "", "", "81.0 mm²", "10000", f"{mean:.1f}", ""]


def test_the_mean_follows_the_outline(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 20), shape_type="rectangle")
    pixels = session.image().pixels
    qtbot.waitUntil(lambda: panel._model.rowCount() == 2)
    rois.selected_data = {1}
    _roi_edits.move(session, 50, 30)
    expected = f"{pixels[150:170, 130:150].mean():.1f}"
    assert expected != f"{pixels[100:120, 100:120].mean():.1f}"
    qtbot.waitUntil(lambda: cells(panel, 1)[5] == expected)


def test_a_concave_outline_has_its_shoelace_area(panel, rois, qtbot):
    ell = [(0, 0), (0, 30), (10, 30), (10, 10), (30, 10), (30, 0)]
    rois.add(np.array(ell, float), shape_type="polygon")
    qtbot.waitUntil(lambda: panel._model.rowCount() == 2)
    assert cells(panel, 1)[3] == f"{500 * SPACING**2:.1f} mm²"


def test_sizes_are_in_pixels_without_calibration(viewer, session, shown):
    viewer.add_image(np.zeros((40, 40), np.uint8))
    layer = session.new_roi_layer()
    layer.add(square(9.5, 9.5, 10), shape_type="rectangle")
    layer.add(np.array([(3, 0), (0, 4)], float), shape_type="line")
    panel = shown(RoiPanel(viewer))
    assert cells(panel, 0)[3:] == ["100 px²", "100", "0.0", ""]
    assert cells(panel, 1)[3:] == ["5.0 px", "–", "–", ""]


def test_lines_show_their_length_and_angles_their_degrees(panel, session, qtbot):
    line = Polyline([(10, 10), (40, 50)], "line", name="thickness")
    angle = Polyline([(10, 10), (10, 30), (30, 30)], "angle", name="pennation")
    _roi_edits.add(session, [line, angle], "adding")
    qtbot.waitUntil(lambda: panel._model.rowCount() == 3)
    assert cells(panel, 1)[3:6] == [f"{50 * SPACING:.1f} mm", "–", "–"]
    assert cells(panel, 2)[3:6] == ["90.0°", "–", "–"]


def test_signs_tell_colour_and_lock(panel, rois, session, qtbot):
    def signs(row):
        model, role = panel._model, Qt.ItemDataRole.DecorationRole
        return [model.index(row, column).data(role) for column in (0, 6)]

    def middle(icon):
        return icon.pixmap(12, 12).toImage().pixelColor(6, 6).name()

    assert middle(signs(0)[0]) == "#ffd400"
    assert signs(0)[1] is None
    _roi_edits.set_colour(session, "#0000ff")
    _roi_edits.set_locked(session, locked=True)
    qtbot.waitUntil(lambda: signs(0)[1] is not None)
    assert middle(signs(0)[0]) == "#0000ff"
    tip = panel._model.index(0, 6).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "Locked: it cannot be changed."


def test_signs_tell_the_frames_of_a_clip(viewer, session, shown, qtbot):
    session.add_image(clip())
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    panel = shown(RoiPanel(viewer))
    for frame in (0, 2, 4):
        viewer.dims.set_current_step(0, frame)
        _roi_frames.set_keyframe(session, on=True)
    qtbot.waitUntil(lambda: cells(panel, 0)[6] == "●3")
    tip = panel._model.index(0, 6).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "3 keyframes: 0, 2, 4"
    viewer.dims.set_current_step(0, 3)
    qtbot.waitUntil(lambda: cells(panel, 0)[6] == "○3")
    _roi_frames.bind_to_frame(session, every=False)
    qtbot.waitUntil(lambda: cells(panel, 0)[6] == "f 3")
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: cells(panel, 0)[3:6] == ["–", "–", "–"])
    # What belongs to another frame is nothing to warn of.
    assert "⚠" not in panel._message.text()


def test_selecting_a_row_selects_the_shape_and_back(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    qtbot.waitUntil(lambda: panel._model.rowCount() == 2)
    panel._view.selectRow(1)
    assert set(rois.selected_data) == {1}
    rois.selected_data = {0}
    rows = [i.row() for i in panel._view.selectionModel().selectedRows()]
    assert rows == [0]


def test_editing_a_cell_relabels_the_roi(panel, rois, session):
    model = panel._model
    model.setData(model.index(0, 1), "My own muscle")
    model.setData(model.index(0, 2), "right")
    region = session.regions()[0]
    assert (region.name, region.muscle, region.side) == ("BB", "My own muscle", "right")
    assert not model.setData(model.index(0, 3), "12")
    assert not model.setData(model.index(0, 0), " ")
    assert session.regions()[0].name == "BB"


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        (1, "Soleus", [("BB", "Soleus", "left"), ("ROI 1", "Soleus", "")]),
        (2, "right", [("BB", "Biceps brachii", "right"), ("ROI 1", "", "right")]),
        (0, "New", [("BB", "Biceps brachii", "left"), ("New", "", "")]),
    ],
    ids=["muscle", "side", "name"],
)
def test_muscle_and_side_are_set_for_all_selected_rows(
    panel, rois, session, column, text, expected
):
    def labels():
        return [(r.name, r.muscle, r.side) for r in session.regions()]

    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    session.select([0, 1])
    before = labels()
    panel._model.setData(panel._model.index(1, column), text)
    assert labels() == expected
    session.rois.undo()
    assert labels() == before


def test_a_row_that_is_not_selected_is_edited_alone(panel, rois, session):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    session.select([0])
    panel._model.setData(panel._model.index(1, 2), "right")
    assert [r.side for r in session.regions()] == ["left", "right"]


def test_labels_of_a_locked_roi_stay(panel, rois, session, notes):
    _roi_edits.set_locked(session, locked=True)
    panel._model.setData(panel._model.index(0, 1), "Soleus")
    assert session.regions()[0].muscle == "Biceps brachii"
    assert notes == ["ROI 'BB' is locked; unlock it to edit it."]


def test_labels_of_keyframes_are_edited_too(viewer, session, shown):
    session.add_image(clip())
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    for frame in (0, 4):
        viewer.dims.set_current_step(0, frame)
        _roi_frames.set_keyframe(session, on=True)
    panel = shown(RoiPanel(viewer))
    panel._model.setData(panel._model.index(0, 1), "Soleus")
    (entry,) = session.rois.entries()
    assert {roi.muscle for _, roi in entry.keyframes} == {"Soleus"}
    assert session.regions()[0].muscle == "Soleus"


def test_the_muscle_editor_lists_muscles_and_takes_free_text(panel, qtbot):
    view, index = panel._view, panel._model.index(0, 1)
    delegate = view.itemDelegateForColumn(1)
    editor = delegate.createEditor(view.viewport(), None, index)
    delegate.setEditorData(editor, index)
    assert editor.currentText() == "Biceps brachii"
    assert editor.findText("Rectus femoris") > 0
    editor.setCurrentText("Plantaris")
    delegate.setModelData(editor, panel._model, index)
    qtbot.waitUntil(lambda: cells(panel, 0)[1] == "Plantaris")


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_each_tool_sets_its_mode(panel, rois, viewer, name, mode):
    panel._tools.button(name).click()
    assert rois.mode == mode
    assert panel._tools.value() == name
    assert viewer.layers.selection.active is rois


def test_a_tool_makes_the_layer_it_needs(viewer, session, shown):
    panel = shown(RoiPanel(viewer))
    panel._tools.button("Polygon").click()
    layer = session.roi_layer
    assert tuple(map(str, layer.units)) == ("millimeter", "millimeter")
    assert layer.axis_labels == ("depth", "lateral")
    np.testing.assert_allclose(layer.scale, (0.09, 0.09))


def test_drawing_without_an_image_is_said(viewer, shown, notes):
    viewer.layers.clear()
    panel = shown(RoiPanel(viewer))
    panel._tools.button("Polygon").click()
    assert notes == [
        "No image is open; open one with File › Open or File › Open Sample."
    ]


def test_deleting_removes_only_the_selected(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    session.select([0])
    panel._actions.run("delete")
    assert [r.name for r in session.regions()] == ["ROI 1"]


def test_a_problem_is_shown_below_the_table(panel, rois, qtbot):
    rois.add(square(-500, -500, 10), shape_type="rectangle")
    qtbot.waitUntil(lambda: "outside the image" in panel._message.text())
    assert cells(panel, 1)[3:] == ["⚠", "⚠", "⚠", ""]


def test_the_tool_in_hand_is_shown(panel, rois):
    panel._tools.button("Polygon").click()
    assert panel._tools.value() == "Polygon"
    rois.mode = "direct"
    assert panel._tools.value() == "Vertices"
    rois.mode = "pan_zoom"
    assert panel._tools.value() == ""
    # napari's own tool for lines is not that for angles.
    rois.mode = "add_polyline"
    assert panel._tools.value() == ""


class Click:
    """A press of the mouse at a pixel, as napari's layers hear of it."""

    type = "mouse_press"
    modifiers = ()

    def __init__(self, layer, place):
        self.position = layer.data_to_world(place)
        self.pos = np.array(place[::-1], float)


def click(layer, *places):
    """Click at places of a layer with the tool in hand, and move on a little."""
    for place in places:
        for callback in [*layer.mouse_move_callbacks, *layer.mouse_drag_callbacks]:
            callback(layer, Click(layer, place))
        for callback in layer.mouse_move_callbacks:
            callback(layer, Click(layer, np.add(place, 1)))


def test_an_angle_ends_with_its_third_point(panel, rois, session, qtbot):
    before = session.rois.entries()
    panel._tools.button("Angle").click()
    click(rois, (10, 10), (10, 50), (50, 50))
    qtbot.waitUntil(lambda: session.rois.entries()[-1].roi.name == "ROI 1")

    def is_angle():
        return getattr(session.rois.entries()[-1].roi, "kind", "") == "angle"

    qtbot.waitUntil(is_angle)
    made = session.rois.entries()[-1].roi
    np.testing.assert_allclose(made.vertices, [(10, 10), (10, 50), (50, 50)])
    assert made.angle_deg() == pytest.approx(90)
    assert panel._tools.value() == "Angle"
    assert session.rois.undo() == "adding ROI 1"
    assert [e.key for e in session.rois.entries()] == [e.key for e in before]
    session.rois.redo()
    assert is_angle()


def test_two_points_are_no_angle(panel, rois, session, qtbot, notes):
    panel._tools.button("Angle").click()
    click(rois, (10, 10), (10, 50))
    panel._actions.run("keep")
    qtbot.waitUntil(lambda: bool(notes))
    assert "An angle has three points" in notes[0]
    assert session.rois.entries()[-1].roi.kind == "polyline"


def test_a_locked_outline_that_is_dragged_is_said(panel, rois, session, notes):
    _roi_edits.set_locked(session, locked=True)
    before = session.rois.entries()[0].roi.outline()
    moved = rois.data[0] + 5
    rois.data = [(moved, "polygon")]
    session.rois.settle()
    expected = "ROI 'BB' is locked, so it stays as it was; unlock it to edit it."
    assert notes == [expected]
    np.testing.assert_array_equal(session.rois.entries()[0].roi.outline(), before)


def test_unlocked_rois_and_frames_are_no_breach_of_a_lock(
    viewer, session, shown, notes
):
    session.add_image(clip())
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    panel = shown(RoiPanel(viewer))
    for frame, rows in ((0, 0), (4, 8)):
        viewer.dims.set_current_step(0, frame)
        _roi_frames.set_keyframe(session, on=True)
        _roi_edits.move(session, rows, 0)
    _roi_edits.set_locked(session, locked=True)
    for frame in (0, 2, 4):
        viewer.dims.set_current_step(0, frame)
    session.rois.undo()
    session.rois.redo()
    assert notes == []
    assert panel.isVisible()


@pytest.mark.parametrize("column", range(7))
def test_every_column_fits_the_narrowest_dock(panel, column):
    panel.resize(panel.minimumWidth(), 600)
    view = panel._view
    right = view.columnViewportPosition(column) + view.columnWidth(column)
    assert right <= view.viewport().width() + 1
    assert view.columnWidth(column) >= 20


def test_no_number_is_cut_in_the_narrowest_dock(viewer, session, shown):
    whole = Rectangle(0, 0, 700, 1000, name="whole")
    viewer.add_image(np.full((750, 1100), 255, np.uint8))
    session.new_roi_layer()
    _roi_edits.add(session, [whole], "adding")
    panel = shown(RoiPanel(viewer))
    panel.resize(panel.minimumWidth(), 600)
    view = panel._view
    for column in (3, 4, 5):
        wanted = view.sizeHintForColumn(column)
        assert wanted <= view.columnWidth(column), (cells(panel, 0)[column], wanted)


def test_a_choice_keeps_its_keys(panel):
    index = panel._model.index(0, 2)
    editor = panel._view.itemDelegateForColumn(2).createEditor(panel, None, index)
    key = QKeyEvent(
        QEvent.Type.ShortcutOverride, Qt.Key.Key_L, Qt.KeyboardModifier.NoModifier, "l"
    )
    key.ignore()
    assert editor.event(key)
    assert key.isAccepted()


def test_the_guide_has_every_key_and_action():
    guide = DOCS.read_text(encoding="utf-8")
    for what, keys in SHORTCUTS.items():
        names = [f"`{key}`" for key in keys]
        line = next((x for x in guide.splitlines() if all(n in x for n in names)), "")
        assert line.startswith("|"), what
    for action in ACTIONS:
        if action.text:
            assert f"**{action.text}**" in guide, action.text
    for tool in TOOLS:
        assert re.search(rf"^\| \*\*{tool.name}\*\* \|", guide, re.M), tool.name
