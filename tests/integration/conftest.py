"""Stories in a real viewer, under a real or a virtual display."""

from __future__ import annotations

import gc

import pytest
from qtpy.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QPushButton

_SETTLE_MS = 200


def settle():
    """Let Qt lay out and draw for a moment."""
    loop = QEventLoop()
    QTimer.singleShot(_SETTLE_MS, loop.quit)
    loop.exec()


def press(panel, text):
    """Click the button with this text that can be seen."""
    (button,) = [
        one
        for one in panel.findChildren(QPushButton)
        if one.text() == text and one.isVisibleTo(panel)
    ]
    button.click()


def forget_deleted():
    """Let Qt delete what it was told to, and Python what nobody holds."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()


def announce(session):
    """Send every signal that panels listen to."""
    for name in (
        "layers_changed", "rois_changed", "selection_changed", "results_changed",
        "subject_changed", "options_changed", "frame_changed", "study_changed",
    ):  # fmt: skip
        getattr(session, name).emit()


@pytest.fixture
def viewer(make_napari_viewer):
    """Return a shown viewer that is closed after the test."""
    return make_napari_viewer(show=True)


class Mouse:
    """Moves a mouse over the canvas, in pixels of a layer."""

    def __init__(self, viewer, layer):
        self._canvas = viewer.window._qt_viewer.canvas
        self._layer = layer
        # Docks that were just opened have not yet taken their room from the canvas.
        settle()
        viewer.reset_view()
        settle()

    def at(self, row, column):
        """Return the place of a layer's pixel on the canvas."""
        world = self._layer.data_to_world((row, column))
        view = self._canvas.view
        x, y = view.camera.transform.map([world[1], world[0]])[:2] + view.pos
        return QPoint(round(x), round(y))

    def drag(self, *places):
        """Press at the first place, move through the others, release."""
        points = [self.at(*place) for place in places]
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, points[0], none, none)
        self._send(QEvent.Type.MouseButtonPress, points[0], left, left)
        for point in points[1:]:
            self._send(QEvent.Type.MouseMove, point, none, left)
            yield point
        self._send(QEvent.Type.MouseButtonRelease, points[-1], left, none)

    def click(self, *place, double=False):
        """Click at a place, or click twice."""
        point = self.at(*place)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        kind = QEvent.Type
        press = kind.MouseButtonDblClick if double else kind.MouseButtonPress
        self._send(kind.MouseMove, point, none, none)
        self._send(press, point, left, left)
        self._send(kind.MouseButtonRelease, point, left, none)

    def _send(self, kind, point, button, buttons):
        native = self._canvas.native
        place = QPointF(point)
        there = QPointF(native.mapToGlobal(point))
        none = Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, place, there, button, buttons, none)
        QApplication.sendEvent(native, event)
        QApplication.processEvents()


@pytest.fixture
def mouse():
    """Return the class of a mouse for a viewer and a layer."""
    return Mouse


@pytest.fixture(autouse=True)
def autosave_place(monkeypatch):
    """Turn autosaving off, so that no test writes beside a file it opens.

    A test that is about it gives the fixture's function the place.
    """
    from napari_muscle_us._napari import _roi_autosave

    def choose(place):
        monkeypatch.setattr(_roi_autosave, "chosen_place", lambda: place)

    choose(_roi_autosave.OFF)
    return choose
