"""What can be done to ROIs from the panel, end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QFileDialog, QToolButton

from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari.panels._roi_asks import AmountDialog
from napari_muscle_us._napari.panels._roi_copy_dialog import RoiCopyDialog
from napari_muscle_us._napari.panels.rois import RoiPanel
from napari_muscle_us.device.field import find_image_field
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.io.imagej_write import write_imagej_rois
from napari_muscle_us.roi.edit import lateral_limits
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.history import same_entry, same_state
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.rasterize import roi_mask
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle
from napari_muscle_us.study.scan import scan_study

from .test_clips import clip
from .test_roi_panel import click

SHAPE = (300, 400)
NOTHING = "No ROI is selected; click one in the table or the image."


def places():
    """Return an outline, two overlapping boxes and a line."""
    return [
        Polygon(
            [(50, 60), (51, 110), (50, 160), (90, 161), (120, 100)],
            name="A",
            side="left",
        ),
        Rectangle(100, 100, 80, 90, name="B", muscle="Soleus", side="right"),
        Ellipse(140, 150, 70, 60, name="C"),
        Polyline([(20, 20), (80, 100)], "line", name="L"),
    ]


@pytest.fixture
def panel(viewer, session, shown):
    """Return a panel on an uncalibrated picture with four ROIs, none selected."""
    gray = np.random.default_rng(3).integers(0, 255, SHAPE, np.uint8)
    viewer.add_image(gray, name="one")
    _roi_edits.add(session, [RoiEntry(roi) for roi in places()], "loading")
    session.select([])
    return shown(RoiPanel(viewer))


def do(panel, key, *rows):
    """Select rows and do something as the menu does."""
    panel._session.select(rows)
    action = panel._actions.action(key)
    panel._actions.update()
    assert action.isEnabled(), action.toolTip()
    action.trigger()


def rois(panel):
    return [entry.roi for entry in panel._session.rois.entries()]


def names(panel):
    return [roi.name for roi in rois(panel)]


def mask(roi):
    return roi_mask(roi, SHAPE)


def dialog(panel, kind):
    """Return the dialog that is open."""
    (found,) = [d for d in panel.findChildren(kind) if d.isVisible()]
    return found


def answer(panel, amount):
    asked = dialog(panel, AmountDialog)
    asked.setValue(amount)
    asked._on_ok()


EDITS = {
    "duplicate": (0, 3),
    "delete": (1, 3),
    "lock": (0, 2),
    "above": (1, 2),
    "below": (0, 1),
    "mirror": (0, 1, 2, 3),
    "union": (1, 2),
    "subtract": (1, 2),
    "intersect": (1, 2),
    "inner": (0, 1),
}


@pytest.mark.parametrize(("key", "rows"), EDITS.items(), ids=EDITS)
def test_every_edit_is_one_step_that_comes_back_exactly(panel, session, key, rows):
    before = session.rois.entries()
    panel._session.rois.restore(before)
    do(panel, key, *rows)
    after = session.rois.entries()
    if key != "inner":
        assert not same_state(before, after)
    panel._actions.run("undo")
    assert same_state(session.rois.entries(), before)
    assert not panel._actions.action("undo").isEnabled() or key == "inner"
    panel._actions.run("redo")
    assert same_state(session.rois.entries(), after)


ASKED = {"grow": 5, "shrink": 5, "simplify": 2, "snap": 6}


@pytest.mark.parametrize(("key", "amount"), ASKED.items(), ids=ASKED)
def test_every_asked_edit_is_one_step_that_comes_back_exactly(
    panel, session, key, amount
):
    before = session.rois.entries()
    panel._session.rois.restore(before)
    do(panel, key, 0)
    assert same_state(session.rois.entries(), before)
    answer(panel, amount)
    after = session.rois.entries()
    assert not same_state(before, after)
    panel._actions.run("undo")
    assert same_state(session.rois.entries(), before)
    panel._actions.run("redo")
    assert same_state(session.rois.entries(), after)


def test_duplicates_follow_their_originals_and_are_selected(panel, session):
    do(panel, "duplicate", 0, 2)
    assert names(panel) == ["A", "A 2", "B", "C", "C 2", "L"]
    assert session.selected() == [1, 4]
    np.testing.assert_array_equal(rois(panel)[1].vertices, rois(panel)[0].vertices)


def test_delete_takes_lines_and_outlines(panel):
    do(panel, "delete", 1, 3)
    assert names(panel) == ["A", "C"]


def test_move_up_and_down(panel, session):
    do(panel, "above", 1, 2)
    assert names(panel) == ["B", "C", "A", "L"]
    assert session.selected() == [0, 1]
    assert not panel._actions.action("above").isEnabled()
    panel._actions.run("below")
    assert names(panel) == ["A", "B", "C", "L"]


def test_mirror_is_about_the_middle_and_swaps_the_side(panel):
    before = rois(panel)
    do(panel, "mirror", 0, 1)
    after = rois(panel)
    assert [roi.side for roi in after[:2]] == ["right", "left"]
    np.testing.assert_allclose(
        after[0].vertices[:, 1], SHAPE[1] - 1 - before[0].vertices[:, 1]
    )
    np.testing.assert_array_equal(mask(after[1]), mask(before[1])[:, ::-1])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("union", lambda b, c: b | c),
        ("subtract", lambda b, c: b & ~c),
        ("intersect", lambda b, c: b & c),
    ],
    ids=["union", "subtract", "intersect"],
)
def test_combining_is_that_of_the_masks(panel, session, key, expected):
    _, b, c, _ = (mask(r) if r.name != "L" else None for r in rois(panel))
    do(panel, key, 1, 2)
    assert names(panel) == ["A", "B", "L"]
    made = rois(panel)[1]
    assert (made.muscle, made.side) == ("Soleus", "right")
    np.testing.assert_array_equal(mask(made), expected(b, c))
    assert session.selected() == [1]


@pytest.mark.parametrize(("key", "sign"), [("grow", 1), ("shrink", -1)])
def test_growing_is_in_pixels_where_no_millimetre_is_known(panel, key, sign):
    do(panel, key, 1)
    assert dialog(panel, AmountDialog)._box.suffix() == " px"
    answer(panel, 4)
    height, width = 80 + sign * 8, 90 + sign * 8
    corners = 0 if sign < 0 else (4 - np.pi) * 4**2
    assert rois(panel)[1].area_px == pytest.approx(height * width - corners, abs=0.5)


def test_growing_is_in_millimetres_where_they_are_known(viewer, session, rois, shown):
    _roi_edits.add(session, [Rectangle(100, 100, 50, 60, name="B")], "adding")
    panel = shown(RoiPanel(viewer))
    panel._actions.run("shrink")
    assert dialog(panel, AmountDialog)._box.suffix() == " mm"
    answer(panel, 0.9)
    # 0.9 mm are 10 px of 0.09 mm.
    made = session.rois.entries()[-1].roi
    assert (made.height, made.width) == pytest.approx((30, 40))


def test_inner_part_of_the_field(panel, session):
    _roi_edits.add(session, [Rectangle(10, 0.5, 20, 398, name="wide")], "adding")
    do(panel, "inner", 4)
    limits = lateral_limits(find_image_field(session.image()).bounds, 0.7)
    columns = rois(panel)[4].outline()[:, 1]
    assert (columns.min(), columns.max()) == limits


def test_lock_and_unlock(panel, session):
    def locked():
        return [e.locked for e in session.rois.entries()]

    do(panel, "lock", 0, 2)
    assert locked() == [True, False, True, False]
    assert panel._actions.action("lock").iconText() == "Unlock"
    # Of a mixed choice all become locked first.
    do(panel, "lock", 0, 1)
    assert locked() == [True, True, True, False]
    do(panel, "lock", 0, 1, 2)
    assert locked() == [False, False, False, False]


def test_colour_is_that_of_the_dialog(panel, session):
    do(panel, "colour", 0, 1)
    asked = dialog(panel, QColorDialog)
    asked.colorSelected.emit(QColor("#3366ff"))
    asked.close()
    assert [e.colour for e in session.rois.entries()] == ["#3366ff", "#3366ff", "", ""]
    assert session.rois.undo() == "colouring 2 ROIs"
    assert [e.colour for e in session.rois.entries()] == [""] * 4


def test_rename_edits_the_cell(panel, session, qtbot):
    do(panel, "rename", 2)
    view = panel._view
    assert view.currentIndex().row() == 2
    qtbot.waitUntil(lambda: view.indexWidget(view.currentIndex()) is not None)
    editor = view.indexWidget(view.currentIndex())
    editor.setText("Deep")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(panel) == ["A", "B", "Deep", "L"])
    assert session.rois.undo() == "name of C"


def test_select_all_and_none(panel, session):
    panel._actions.run("all")
    assert session.selected() == [0, 1, 2, 3]
    panel._actions.run("none")
    assert session.selected() == []


def test_another_layer_of_rois(panel, session, viewer):
    panel._actions.run("new_layer")
    assert rois(panel) == []
    assert session.roi_layer.mode == "add_polygon"
    assert len(viewer.layers) == 4


@pytest.mark.parametrize(
    ("key", "rows", "reason"),
    [
        *[(key, (), NOTHING) for key in (*EDITS, *ASKED, "colour", "rename")],
        *[
            (key, (1,), "Select two or more ROIs (Shift or Ctrl + click in the table).")
            for key in ("union", "subtract", "intersect")
        ],
        *[
            (
                key,
                (0, 3),
                "ROI 'L' is a line, which encloses no area; choose an outline.",
            )
            for key in ("union", "grow", "inner", "snap", "simplify")
        ],
        ("above", (0, 1), "It is at the top already."),
        ("below", (2, 3), "It is at the bottom already."),
        ("keyframe", (0,), "The image has one frame only."),
        ("every_frame", (0,), "The image has one frame only."),
        ("wider", (0,), "ROI 'A' is no upright rectangle or ellipse."),
        ("redo", (), "There is nothing to redo."),
    ],
)
def test_what_cannot_be_done_is_refused_and_said(
    panel, session, notes, key, rows, reason
):
    session.select(rows)
    before = session.rois.entries()
    panel._actions.run(key)
    assert notes == [reason]
    assert same_state(session.rois.entries(), before)
    if key != "wider":
        assert not panel._actions.action(key).isEnabled()
        assert panel._actions.action(key).toolTip().endswith(f"Not now: {reason}")


@pytest.mark.parametrize(
    "key",
    [
        *sorted(set(EDITS) - {"duplicate", "lock", "above", "below"}),
        *ASKED,
        "colour",
        "rename",
        "left",
        "wider",
    ],
)
def test_locked_rois_are_not_edited(panel, session, notes, key):
    do(panel, "lock", 1)
    before = session.rois.entries()
    session.select([1, 2])
    panel._actions.run(key)
    assert notes == ["ROI 'B' is locked; unlock it to edit it."]
    assert same_state(session.rois.entries(), before)


def test_undo_tells_what(panel):
    do(panel, "union", 1, 2)
    action = panel._actions.action("undo")
    assert action.toolTip() == "Undo uniting 2 ROIs (Ctrl+Z)"
    panel._actions.run("undo")
    assert panel._actions.action("redo").toolTip().startswith("Redo uniting 2 ROIs (")


def test_nothing_can_be_done_without_an_image(viewer, shown, notes):
    viewer.layers.clear()
    panel = shown(RoiPanel(viewer))
    enabled = [k for k, a in panel._actions._actions.items() if a.isEnabled()]
    assert enabled == []
    panel._actions.run("load")
    assert notes == [
        "No image is open; open one with File › Open or File › Open Sample."
    ]


def test_an_unusable_shape_can_be_deleted(panel, session):
    # Pressed without moving: a box without a height.
    flat = np.array([(5, 5), (5, 9), (5, 9), (5, 5)], float)
    session.roi_layer.add(flat, shape_type="rectangle")
    assert session.rois.stored()[4].entry is None
    panel._session.select([4])
    panel._actions.run("delete")
    assert [r.name for r in session.regions()] == ["A", "B", "C", "L"]


def test_undo_while_drawing_takes_the_outline_back(panel, session, qtbot):
    panel._tools.button("Polygon").click()
    click(session.roi_layer, (10, 10), (10, 60), (60, 60))
    panel._actions.run("undo")
    assert names(panel) == ["A", "B", "C", "L"]
    click(session.roi_layer, (10, 10))
    # One point is no outline; what was done before stays.
    panel._actions.run("undo")
    assert names(panel) == ["A", "B", "C", "L"]
    panel._actions.run("redo")
    assert len(names(panel)) == 5


def test_a_drawing_is_ended_before_an_edit(panel, session):
    panel._tools.button("Polygon").click()
    click(session.roi_layer, (10, 10), (10, 60), (60, 60))
    panel._actions.run("duplicate")
    assert names(panel)[4:] == ["ROI 1", "ROI 2"]
    np.testing.assert_allclose(
        rois(panel)[5].vertices, [(10, 10), (10, 60), (60, 60)], atol=1e-4
    )
    assert not session.rois.watch.busy


def test_freehand_is_ended_by_the_key(panel, session):
    panel._tools.button("Freehand").click()
    layer = session.roi_layer
    # With a mouse the lasso runs on after the first click; a fake press is one step.
    layer.mode = "add_polygon_lasso"
    from .test_roi_panel import Click

    for callback in layer.mouse_drag_callbacks:
        next(callback(layer, Click(layer, (10, 10))), None)
    for place in [(10, 60), (60, 60), (60, 10), (30, 10)]:
        for callback in layer.mouse_move_callbacks:
            callback(layer, Click(layer, place))
    panel._actions.run("keep")
    assert names(panel) == ["A", "B", "C", "L", "ROI 1"]
    assert rois(panel)[4].area_px == pytest.approx(2500, rel=0.03)


def test_keep_takes_the_last_tool_again(panel, session):
    panel._tools.button("Ellipse").click()
    panel._tools.button("Move").click()
    panel._actions.run("keep")
    assert panel._tools.value() == "Ellipse"
    assert session.roi_layer.mode == "add_ellipse"


def test_the_magnetic_tool_is_taken_and_put_away(panel, session):
    panel._tools.button("Magnetic").click()
    assert panel._tools.value() == "Magnetic"
    panel._tools.button("Polygon").click()
    assert panel._tools.value() == "Polygon"
    assert not panel._drawing._magnetic.active
    panel._tools.button("Magnetic").click()
    panel._drawing._magnetic.stop()
    assert panel._tools.value() == ""


def test_measuring_is_asked_of_whoever_listens(panel, notes):
    panel._actions.run("measure")
    assert notes == [
        "Press Measure in the panel Results, or work in the panel Workflow."
    ]
    heard = []
    panel.measure_requested.connect(lambda: heard.append(True))
    panel._actions.run("measure")
    assert heard == [True]
    assert len(notes) == 1


def test_buttons_and_menu_hold_the_same_actions(panel):
    buttons = [b for b in panel.findChildren(QToolButton) if b.defaultAction()]
    assert [b.text() for b in buttons] == [
        "Undo", "Redo", "Duplicate", "Delete", "Lock", "Colour",
    ]  # fmt: skip
    menu = panel._actions.menu(panel)
    listed = [action for action in menu.actions() if not action.isSeparator()]
    assert len(listed) == len(set(listed)) == len(panel._actions._actions)


def test_a_keyframed_outline_moves_along(viewer, session, shown):
    session.add_image(clip())
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    panel = shown(RoiPanel(viewer))

    def top(frame):
        viewer.dims.set_current_step(0, frame)
        return session.regions()[0].roi.top

    top(0)
    panel._actions.run("keyframe")
    top(4)
    for _ in range(8):
        panel._actions.run("down")
    # As with the mouse, what is moved on a frame is its place on that frame.
    assert [top(frame) for frame in range(5)] == [5, 7, 9, 11, 13]
    top(2)
    action = panel._actions.action("no_keyframe")
    panel._actions.update()
    assert not action.isEnabled()
    assert "Frame 2 is no keyframe of ROI 'BB'." in action.toolTip()
    top(4)
    panel._actions.run("no_keyframe")
    assert [top(frame) for frame in range(5)] == [5] * 5
    panel._actions.run("undo")
    assert [top(frame) for frame in range(5)] == [5, 7, 9, 11, 13]
    top(3)
    panel._actions.run("one_frame")
    (entry,) = session.rois.entries()
    assert (entry.frame, entry.roi.top, entry.keyframes) == (3, 11, ())
    panel._actions.run("every_frame")
    assert [top(frame) for frame in range(5)] == [11] * 5


@pytest.fixture
def chosen_files(monkeypatch):
    """Answer the file dialogs; returns what to answer with."""
    answers = {"open": [], "save": ""}
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *_: (answers["open"], "")
    )
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (answers["save"], "")
    )
    return answers


def test_rois_are_written_for_imagej_and_read_again(
    panel, session, tmp_path, chosen_files, notes
):
    chosen_files["save"] = str(tmp_path / "RoiSet")
    panel._actions.run("save")
    path = tmp_path / "RoiSet.zip"
    assert notes == [f"Saved {path}"]
    before = session.rois.entries()
    assert [e.roi.name for e in read_imagej_entries(path).entries] == names(panel)
    panel._session.select([0, 1, 2, 3])
    panel._actions.run("delete")
    chosen_files["open"] = [str(path)]
    panel._actions.run("load")
    loaded = session.rois.entries()
    assert notes[1:] == ["4 ROIs of RoiSet.zip loaded."]
    for old, new in zip(before, loaded, strict=True):
        if old.roi.name != "L":
            np.testing.assert_array_equal(mask(new.roi), mask(old.roi))
        np.testing.assert_allclose(new.roi.outline(), old.roi.outline(), atol=1e-4)
        assert (new.roi.name, new.roi.muscle, new.roi.side) == (
            old.roi.name,
            old.roi.muscle,
            old.roi.side,
        )
    assert session.rois.undo() == "loading RoiSet.zip"


def test_a_set_of_imagej_is_loaded(panel, session, tmp_path, chosen_files):
    path = tmp_path / "RoiSet.zip"
    write_imagej_rois(
        path,
        [
            RoiEntry(Rectangle(4, 5, 30, 40, name="box"), colour="#ff0000"),
            RoiEntry(Points([(3, 4), (9, 9)], name="marks")),
        ],
    )
    chosen_files["open"] = [str(path)]
    panel._actions.run("load")
    assert names(panel)[-1] == "box"
    assert session.rois.entries()[-1].colour == "#ff0000"
    points = [x for x in session.viewer.layers if type(x).__name__ == "Points"]
    np.testing.assert_allclose(points[0].data, [(3, 4), (9, 9)], atol=1e-4)


def test_cancelled_dialogs_do_nothing(panel, session, chosen_files, notes):
    before = session.rois.entries()
    panel._actions.run("load")
    panel._actions.run("save")
    assert notes == []
    assert same_state(session.rois.entries(), before)


def test_a_file_that_is_none_is_said(panel, tmp_path, chosen_files, notes):
    path = tmp_path / "RoiSet.zip"
    path.write_bytes(b"no archive")
    chosen_files["open"] = [str(path)]
    panel._actions.run("load")
    assert len(notes) == 1
    assert "RoiSet.zip" in notes[0]


@pytest.fixture
def others(viewer, session, panel):
    """Add two more images and go back to the first; returns their layers."""
    first, layer = session.image_layer, session.roi_layer
    wide = viewer.add_image(np.zeros((300, 500), np.uint8), name="wide")
    same = viewer.add_image(
        np.zeros(SHAPE, np.uint8), name="same", scale=(0.1, 0.1), units=("mm", "mm")
    )
    viewer.layers.selection.active = layer
    assert session.image_layer is first
    return wide, same


def ask_copy(panel, *rows):
    panel._session.select(rows)
    panel._actions.run("copy")
    return dialog(panel, RoiCopyDialog)


def tick(asked, name):
    (item,) = [i for i in asked._items() if i.text() == name]
    item.setCheckState(Qt.CheckState.Checked)


def on(session, layer):
    session.use_image(layer)
    return [entry.roi for entry in session.rois.entries()]


def test_rois_are_copied_to_the_ticked_images(panel, session, others, notes):
    wide, same = others
    here, before = session.roi_layer, rois(panel)
    asked = ask_copy(panel, 0, 1)
    buttons = asked._buttons
    ok = buttons.button(buttons.StandardButton.Ok)
    assert not ok.isEnabled()
    tick(asked, "wide")
    assert ok.isEnabled()
    ok.click()
    assert notes == ["ROIs copied to 1 image."]
    assert not asked.isVisible()
    assert session.roi_layer is here
    copies = on(session, wide)
    assert [roi.name for roi in copies] == ["A", "B"]
    for old, new in zip(before[:2], copies, strict=True):
        np.testing.assert_array_equal(new.outline(), old.outline())
    assert on(session, same) == []
    session.use_image(wide)
    assert session.rois.undo() == "copying ROIs"
    assert rois(panel) == []


def test_copies_are_mirrored_about_the_image_they_come_to(panel, session, others):
    before = rois(panel)[0]
    asked = ask_copy(panel, 0)
    asked.tick_all()
    asked.tick_none()
    assert asked.value() == []
    tick(asked, "wide")
    asked._mirror.setChecked(True)
    asked._on_copy()
    (copy,) = on(session, others[0])
    assert copy.side == "right"
    np.testing.assert_allclose(copy.vertices[:, 1], 499 - before.vertices[:, 1])
    assert session.rois.undo() == "copying ROIs"
    assert rois(panel) == []


def test_another_size_of_a_pixel_is_said(panel, session, others, notes):
    asked = ask_copy(panel, 0)
    asked.tick_all()
    asked._on_copy()
    (caveat,) = [note for note in notes if "the size of a pixel differs" in note]
    assert "same" in caveat.split(":")[0]


def test_the_rois_come_from_the_layer_in_hand(panel, session, others):
    """Of two ROI layers on one image the older one is shown again afterwards."""
    first = session.roi_layer
    session.new_roi_layer()
    session.viewer.layers.selection.active = first
    asked = ask_copy(panel, 0)
    tick(asked, "wide")
    asked._on_copy()
    assert session.roi_layer is first
    assert names(panel) == ["A", "B", "C", "L"]


def write_pictures(folder, names):
    for level, name in enumerate(names):
        picture = Picture.fromarray(np.full(SHAPE, level, np.uint8))
        picture.save(folder / f"{name}.png")


def test_images_of_a_study_are_opened_for_it(viewer, session, shown, tmp_path, notes):
    for name in ("a", "b", "c"):
        level = 40 + ord(name)
        Picture.fromarray(np.full(SHAPE, level, np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    viewer.layers.clear()
    for data, attributes, _ in read_layers(tmp_path / "a.png"):
        viewer.add_image(data, **attributes)
    session.set_study(scan_study(tmp_path))
    _roi_edits.add(session, places()[:1], "adding")
    panel = shown(RoiPanel(viewer))
    asked = ask_copy(panel, 0)
    assert [i.text() for i in asked._items()] == [
        "b.png (not open)",
        "c.png (not open)",
    ]
    tick(asked, "c.png (not open)")
    notes.clear()
    asked._on_copy()
    assert session.image_layer.name == "a.png"
    assert notes[-1] == "ROIs copied to 1 image."
    (opened,) = [x for x in viewer.layers if x.name == "c.png"]
    (copy,) = on(session, opened)
    np.testing.assert_array_equal(copy.vertices, places()[0].vertices)
    asked = ask_copy(panel, 0)
    assert [i.text() for i in asked._items()] == ["a.png", "b.png (not open)"]


def test_a_file_that_cannot_be_opened_stops_the_copying(
    viewer, session, shown, tmp_path, notes
):
    for name in ("a", "b"):
        level = 40 + ord(name)
        Picture.fromarray(np.full(SHAPE, level, np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    viewer.layers.clear()
    for data, attributes, _ in read_layers(tmp_path / "a.png"):
        viewer.add_image(data, **attributes)
    session.set_study(scan_study(tmp_path))
    (tmp_path / "b.png").write_bytes(b"broken")
    _roi_edits.add(session, places()[:1], "adding")
    panel = shown(RoiPanel(viewer))
    asked = ask_copy(panel, 0)
    asked.tick_all()
    notes.clear()
    asked._on_copy()
    assert len(notes) == 1
    assert "b.png" in notes[0]
    assert asked.isVisible()
    assert len(viewer.layers) == 2


def test_keyframes_are_copied_too(viewer, session, shown, notes):
    first = session.add_image(clip(), title="first")
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    panel = shown(RoiPanel(viewer))
    for frame, rows in ((0, 0), (4, 8)):
        viewer.dims.set_current_step(0, frame)
        _roi_frames.set_keyframe(session, on=True)
        _roi_edits.move(session, rows, 0)
    entry = session.rois.entries()[0]
    layer = session.roi_layer
    other = replace(clip(), name="other", digest="d" * 64)
    second = session.add_image(other, title="second")
    viewer.layers.selection.active = layer
    assert session.image_layer is first
    asked = ask_copy(panel, 0)
    tick(asked, "second")
    asked._on_copy()
    session.use_image(second)
    (copy,) = session.rois.entries()
    assert copy.key != entry.key
    assert [n for n, _ in copy.keyframes] == [0, 4]
    assert not same_entry(copy, entry)
    viewer.dims.set_current_step(0, 2)
    assert session.regions()[0].roi.top == 9
