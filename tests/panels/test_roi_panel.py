from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_muscle_us._napari.panels.rois import TOOLS, RoiPanel

from .conftest import square


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(RoiPanel(viewer))


def cells(panel, row):
    model = panel._model
    return [model.index(row, c).data() for c in range(model.columnCount())]


def test_the_table_shows_area_and_pixels(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 100), shape_type="rectangle")
    qtbot.waitUntil(lambda: cells(panel, 1)[0] == "ROI 1")
    # 100 × 100 pixels of 0.09 mm.
    assert cells(panel, 1) == ["ROI 1", "", "", "81.0", "10000"]


def test_a_concave_outline_has_its_shoelace_area(panel, rois, qtbot):
    ell = [(0, 0), (0, 30), (10, 30), (10, 10), (30, 10), (30, 0)]
    rois.add(np.array(ell, float), shape_type="polygon")
    qtbot.waitUntil(lambda: panel._model.rowCount() == 2)
    assert cells(panel, 1)[3] == f"{500 * 0.09**2:.1f}"


def test_area_is_in_pixels_without_calibration(viewer, session, shown):
    viewer.add_image(np.zeros((40, 40), np.uint8))
    layer = session.new_roi_layer()
    layer.add(square(9.5, 9.5, 10), shape_type="rectangle")
    panel = shown(RoiPanel(viewer))
    assert panel._model.headerData(3, Qt.Orientation.Horizontal) == "Area (px²)"
    assert cells(panel, 0)[3:] == ["100.0", "100"]


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


def test_the_muscle_editor_lists_muscles_and_takes_free_text(panel):
    view, index = panel._view, panel._model.index(0, 1)
    delegate = view.itemDelegateForColumn(1)
    editor = delegate.createEditor(view.viewport(), None, index)
    delegate.setEditorData(editor, index)
    assert editor.currentText() == "Biceps brachii"
    assert editor.findText("Rectus femoris") > 0
    editor.setCurrentText("Plantaris")
    delegate.setModelData(editor, panel._model, index)
    assert cells(panel, 0)[1] == "Plantaris"


@pytest.mark.parametrize(("number", "mode"), [(i, t[1]) for i, t in enumerate(TOOLS)])
def test_each_tool_sets_its_mode(panel, rois, viewer, number, mode):
    panel._tools.button(number).click()
    assert rois.mode == mode
    assert viewer.layers.selection.active is rois


def test_a_tool_makes_the_layer_it_needs(viewer, session, shown):
    panel = shown(RoiPanel(viewer))
    panel._tools.button(0).click()
    layer = session.roi_layer
    assert tuple(map(str, layer.units)) == ("millimeter", "millimeter")
    assert layer.axis_labels == ("depth", "lateral")
    np.testing.assert_allclose(layer.scale, (0.09, 0.09))


def test_drawing_without_an_image_is_said(viewer, shown, notes):
    viewer.layers.clear()
    panel = shown(RoiPanel(viewer))
    panel._tools.button(0).click()
    assert notes == [
        "No image is open; open one with File › Open or File › Open Sample."
    ]


def test_deleting_removes_only_the_selected(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    session.select([0])
    panel._on_delete()
    assert [r.name for r in session.regions()] == ["ROI 1"]


def test_a_problem_is_shown_below_the_table(panel, rois, qtbot):
    rois.add(square(-500, -500, 10), shape_type="rectangle")
    qtbot.waitUntil(lambda: "outside the image" in panel._message.text())
    assert cells(panel, 1)[3:] == ["⚠", "⚠"]


def test_the_tool_in_hand_is_shown(panel, rois):
    panel._tools.button(0).click()
    assert panel._tools.checkedId() == 0
    rois.mode = "direct"
    assert panel._tools.checkedId() == 5
    rois.mode = "pan_zoom"
    assert panel._tools.checkedId() == -1


@pytest.mark.parametrize("column", range(5))
def test_every_column_fits_the_narrowest_dock(panel, column):
    panel.resize(panel.minimumWidth(), 500)
    view = panel._view
    right = view.columnViewportPosition(column) + view.columnWidth(column)
    assert right <= view.viewport().width() + 1
