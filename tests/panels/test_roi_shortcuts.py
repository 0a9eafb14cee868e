"""The keys of the ROI panel: in the panel, and on the canvas."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from app_model.types import KeyBinding, KeyCode, KeyMod
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import KeymapHandler
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._roi_action_list import ACTIONS, BY_KEY
from napari_muscle_us._napari.panels._roi_shortcuts import (
    CANVAS_ONLY,
    SHORTCUTS,
    binding_of,
    keys_text,
)
from napari_muscle_us._napari.panels.rois import RoiPanel
from napari_muscle_us.roi.shapes import Polygon, Rectangle

from .test_clips import clip
from .test_roi_panel import click

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(viewer, session, shown):
    """Return a panel on a picture with a box and an outline; the box is selected."""
    viewer.add_image(np.zeros((300, 400), np.uint8))
    box = Rectangle(100, 100, 40, 50, name="box")
    outline = Polygon([(10, 10), (10, 60), (60, 60)], name="outline")
    _roi_edits.add(session, [box, outline], "adding")
    session.select([0])
    panel = shown(RoiPanel(viewer))
    panel.activateWindow()
    return panel


@pytest.fixture
def press(viewer):
    """Return a function that presses a key on the canvas, as napari hands it on."""
    handler = KeymapHandler()

    def press_key(keys):
        handler.keymap_providers = [viewer.layers.selection.active, viewer]
        # napari looks through the names of all keys at each press.
        action_manager._get_repeatable_shortcuts(handler.keymap_chain)
        assert handler.press_key(binding_of(keys))

    return press_key


def names(session):
    return [entry.roi.name for entry in session.rois.entries()]


def box(session):
    roi = session.rois.entries()[0].roi
    return (roi.top, roi.left, roi.height, roi.width)


def key(panel, qtbot, code, modifiers=NONE):
    panel._view.setFocus()
    qtbot.waitUntil(panel._view.hasFocus)
    qtbot.keyClick(panel._view, code, modifiers)


def test_in_the_panel(panel, session, qtbot):
    key(panel, qtbot, Qt.Key.Key_D, CTRL)
    assert names(session) == ["box", "box 2", "outline"]
    key(panel, qtbot, Qt.Key.Key_Z, CTRL)
    assert names(session) == ["box", "outline"]
    key(panel, qtbot, Qt.Key.Key_Z, CTRL | SHIFT)
    assert names(session) == ["box", "box 2", "outline"]
    key(panel, qtbot, Qt.Key.Key_Z, CTRL)
    key(panel, qtbot, Qt.Key.Key_Y, CTRL)
    assert names(session) == ["box", "box 2", "outline"]
    key(panel, qtbot, Qt.Key.Key_A, CTRL)
    assert session.selected() == [0, 1, 2]
    key(panel, qtbot, Qt.Key.Key_A, CTRL | SHIFT)
    assert session.selected() == []
    session.select([1])
    key(panel, qtbot, Qt.Key.Key_L)
    assert [e.locked for e in session.rois.entries()] == [False, True, False]
    key(panel, qtbot, Qt.Key.Key_L)
    key(panel, qtbot, Qt.Key.Key_Delete)
    assert names(session) == ["box", "outline"]
    session.select([1])
    key(panel, qtbot, Qt.Key.Key_Backspace)
    assert names(session) == ["box"]
    session.select([0])
    key(panel, qtbot, Qt.Key.Key_Right, ALT)
    key(panel, qtbot, Qt.Key.Key_Down, ALT)
    key(panel, qtbot, Qt.Key.Key_Down, ALT)
    assert box(session) == (100, 100, 42, 51)
    key(panel, qtbot, Qt.Key.Key_Left, ALT)
    key(panel, qtbot, Qt.Key.Key_Up, ALT)
    assert box(session) == (100, 100, 41, 50)
    key(panel, qtbot, Qt.Key.Key_T)
    assert session.roi_layer.mode == "add_polygon"


def test_the_name_is_edited_with_f2_and_takes_letters(panel, session, qtbot):
    key(panel, qtbot, Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: bool(panel._view.findChildren(QLineEdit)))
    (editor,) = panel._view.findChildren(QLineEdit)
    qtbot.keyClick(editor, Qt.Key.Key_A, CTRL)
    qtbot.keyClicks(editor, "tl")
    # Neither locked nor doubled: the keys are the editor's now.
    qtbot.keyClick(editor, Qt.Key.Key_D, CTRL)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(session) == ["tl", "outline"])
    assert not session.rois.entries()[0].locked


def test_measure_by_key(panel, qtbot):
    heard = []
    panel.measure_requested.connect(lambda: heard.append(True))
    key(panel, qtbot, Qt.Key.Key_M)
    assert heard == [True]


def test_arrows_go_through_the_table_and_move_nothing(panel, session, qtbot):
    panel._view.selectRow(0)
    key(panel, qtbot, Qt.Key.Key_Down)
    assert session.selected() == [1]
    assert box(session) == (100, 100, 40, 50)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("Left", (100, 99, 40, 50)),
        ("Right", (100, 101, 40, 50)),
        ("Up", (99, 100, 40, 50)),
        ("Down", (101, 100, 40, 50)),
        ("Alt+Left", (100, 100, 40, 49)),
        ("Alt+Right", (100, 100, 40, 51)),
        ("Alt+Up", (100, 100, 39, 50)),
        ("Alt+Down", (100, 100, 41, 50)),
    ],
)
def test_arrows_on_the_canvas(panel, session, press, keys, expected):
    press(keys)
    assert box(session) == expected
    press("Ctrl+Z")
    assert box(session) == (100, 100, 40, 50)


def test_on_the_canvas(panel, session, press):
    press("Ctrl+D")
    assert names(session) == ["box", "box 2", "outline"]
    press("Ctrl+Z")
    press("Ctrl+Y")
    assert names(session) == ["box", "box 2", "outline"]
    press("Ctrl+A")
    assert session.selected() == [0, 1, 2]
    press("Ctrl+Shift+A")
    assert session.selected() == []
    session.select([1])
    press("L")
    assert session.rois.entries()[1].locked
    press("L")
    press("Delete")
    assert names(session) == ["box", "outline"]


def test_t_keeps_the_outline_and_then_takes_the_tool_again(panel, session, press):
    panel._tools.button("Polygon").click()
    click(session.roi_layer, (10, 100), (10, 150), (60, 150))
    press("T")
    made = session.rois.entries()[2].roi
    assert made.name == "ROI 1"
    np.testing.assert_allclose(made.vertices, [(10, 100), (10, 150), (60, 150)])
    session.roi_layer.mode = "select"
    press("T")
    assert session.roi_layer.mode == "add_polygon"


def test_a_locked_roi_is_not_moved_by_a_key(panel, session, press, notes):
    _roi_edits.set_locked(session, locked=True)
    press("Left")
    press("Delete")
    assert box(session) == (100, 100, 40, 50)
    assert notes == ["ROI 'box' is locked; unlock it to edit it."] * 2


def test_frames_of_a_clip(viewer, session, shown, press):
    session.add_image(clip())
    session.new_roi_layer()
    panel = shown(RoiPanel(viewer))
    frames = []
    for keys in (".", ".", ",", "Right", "Right", "Right", "Right", "Left"):
        press(keys)
        frames.append(session.frame)
    assert frames == [1, 2, 1, 2, 3, 4, 4, 3]
    assert panel.isVisible()


def test_with_an_roi_selected_the_arrows_do_not_leave_the_frame(
    viewer, session, shown, press
):
    session.add_image(clip())
    _roi_edits.add(session, [Rectangle(5, 5, 10, 10, name="BB")], "adding")
    panel = shown(RoiPanel(viewer))
    press("Right")
    assert session.frame == 0
    assert session.rois.entries()[0].roi.left == 6
    press(".")
    assert session.frame == 1
    assert panel.isVisible()


def test_keys_follow_the_roi_layer_in_hand(panel, session):
    first = session.roi_layer
    key_t = binding_of("T")
    assert key_t in first.keymap
    second = session.new_roi_layer()
    assert key_t in second.keymap
    assert not first.keymap


def test_a_second_panel_takes_over_and_the_first_takes_nothing_from_it(
    viewer, session, panel, shown
):
    layer = session.roi_layer
    before = layer.keymap[binding_of("T")]
    other = shown(RoiPanel(viewer))
    mine = layer.keymap[binding_of("T")]
    assert mine is not before
    panel._keys.unbind()
    assert layer.keymap[binding_of("T")] is mine
    other._keys.unbind()
    assert not layer.keymap


def test_keys_do_not_keep_a_panel(viewer, session, rois, qtbot):
    panel = RoiPanel(viewer)
    layer = session.roi_layer
    keys = weakref.ref(panel._keys)
    run = layer.keymap[binding_of("Ctrl+D")]
    panel.deleteLater()
    qtbot.wait(10)
    del panel
    gc.collect()
    assert keys() is None
    run(layer)
    assert len(session_of(viewer).rois.entries()) == 1


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("Ctrl+D", KeyMod.CtrlCmd | KeyCode.KeyD),
        ("Ctrl+Shift+Z", KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ),
        ("Alt+Up", KeyMod.Alt | KeyCode.UpArrow),
        ("Delete", KeyCode.Delete),
        (",", KeyCode.Comma),
        ("F2", KeyCode.F2),
    ],
)
def test_ctrl_is_the_command_key_of_a_mac(keys, expected):
    assert binding_of(keys) == KeyBinding.from_int(int(expected))


def test_every_key_stands_for_an_action_and_is_told_in_its_tooltip(panel):
    panel._actions.update()
    every = [keys for all_keys in SHORTCUTS.values() for keys in all_keys]
    assert len(every) == len(set(every))
    assert set(SHORTCUTS) <= set(BY_KEY)
    assert set(SHORTCUTS) >= CANVAS_ONLY
    for action in ACTIONS:
        if action.text and action.key in SHORTCUTS:
            shown = panel._actions.action(action.key)
            assert f"({keys_text(action.key)})" in shown.toolTip()
            assert shown.text().endswith(f"\t{keys_text(action.key)}")
