"""The magnetic outline: clicks along fascia, and the path between them snaps to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._canvas_hold import IDLE, CanvasHold, MouseSlots
from napari_muscle_us._napari._magnetic_path import MagneticPath, prepare
from napari_muscle_us._napari._magnetic_preview import MagneticPreview
from napari_muscle_us._napari._workers import run_aside
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.roi.shapes import Polygon

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from napari.layers import Image, Shapes

    from napari_muscle_us._napari._session import Session

HELP: Final = (
    "click along the fascia; double click, Enter or T closes, Backspace takes the last "
    "point back, Esc cancels; Shift draws straight, Space + drag moves the view"
)
_NEAR_PX: Final = 8.0
"""So near to the first anchor, on the screen, a click closes the outline."""

_LEFT_BUTTON: Final = 1


class MagneticTool:
    """Draws regions on the session's ROI layer with clicks that snap to edges.

    The ROI layer stays the active one. The tool stays in hand after an outline, as
    napari's own drawing tools do; it is put away when another tool, image or ROI layer
    is chosen, or one of its layers is deleted.
    """

    changed = Signal()
    """The tool was taken in hand or put away, or an outline was begun or ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._on: tuple[Image, Shapes] | None = None
        self._path: MagneticPath | None = None
        self._preview: MagneticPreview | None = None
        self._hold: CanvasHold | None = None
        self._cursor = (0.0, 0.0)
        self._straight = False
        self._zoom = 1.0
        self._worker: Any = None
        # Layers must not be removed while others are.
        self._check_soon = QTimer()
        self._check_soon.setSingleShot(True)
        self._check_soon.setInterval(0)
        self._check_soon.timeout.connect(self._check)

    @property
    def active(self) -> bool:
        """Whether the tool is in hand."""
        return self._on is not None

    @property
    def is_drawing(self) -> bool:
        """Whether an outline was begun and not ended."""
        return self._path is not None and bool(self._path.anchors)

    def start(self) -> None:
        """Take the tool in hand, on an ROI layer that is made if need be.

        Raises
        ------
        MuscleUSError
            If no image is open, or it cannot be measured.
        """
        session = self._session
        pixels = session.image().pixels
        if self._on is not None and self._fits():
            session.viewer.layers.selection.active = self._on[1]
            return
        self.stop()
        image, viewer = session.image_layer, session.viewer
        layer = session.roi_layer
        if layer is None:
            layer = session.new_roi_layer()
        layer.visible = True
        self._path = MagneticPath(pixels)
        self._preview = MagneticPreview(viewer, image)
        viewer.layers.selection.active = layer
        slots = MouseSlots(self._on_press, self._on_move, self._on_double_click)
        self._hold = CanvasHold(viewer, layer, slots, self._keys(), HELP)
        self._on = (image, layer)
        viewer.layers.events.removed.connect(self._on_layers)
        session.layers_changed.connect(self._on_layers)
        session.mode_changed.connect(self._on_mode)
        session.frame_changed.connect(self._on_frame)
        self._prepare(pixels)
        self.changed.emit()

    def stop(self) -> None:
        """Put the tool away; what is not finished is lost."""
        hold, preview, session = self._hold, self._preview, self._session
        if self._on is None or hold is None or preview is None:
            return
        self._on = self._path = self._preview = self._hold = None
        session.layers_changed.disconnect(self._on_layers)
        session.mode_changed.disconnect(self._on_mode)
        session.frame_changed.disconnect(self._on_frame)
        viewer = session.viewer if session.is_open else None
        hold.release(viewer)
        if viewer is not None:
            viewer.layers.events.removed.disconnect(self._on_layers)
            preview.remove_from(viewer)
        self.changed.emit()

    def finish(self, *, straight: bool = False) -> None:
        """Close the outline, by a straight line or along edges, and add the region.

        Raises
        ------
        MuscleUSError
            If it encloses nothing or crosses itself; it stays as it is.
        """
        if self._path is None:
            return
        self._path.move_to(self._session.image().pixels)
        vertices = self._path.outline(straight=straight)
        taken = {e.roi.name for e in self._session.rois.entries()}
        name = _roi_edits.free_name("ROI 1", taken)
        roi = Polygon(vertices, name=name)
        _roi_edits.add(self._session, [roi], f"drawing {name}")
        self.cancel()

    def cancel(self) -> None:
        """Give the outline up and keep the tool."""
        if self._path is not None:
            self._path.clear()
            self._draw()
            self.changed.emit()

    def remove_last(self) -> None:
        """Take the last anchor back."""
        if self._path is not None:
            self._path.remove_last()
            self._draw()
            if not self._path.anchors:
                self.changed.emit()

    def _prepare(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Compute the cost of the frame while the user moves to the first click."""
        self._worker = run_aside(
            prepare, pixels, then=self._on_prepared, after=self._forget_worker
        )

    def _forget_worker(self) -> None:
        self._worker = None

    def _on_prepared(self, found: tuple[Any, Any]) -> None:
        if self._path is not None:
            self._path.use_cost(*found)

    def _keys(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Enter": self._on_close_key,
            "T": self._on_close_key,
            "Backspace": self._on_back_key,
            "Delete": self._on_back_key,
            "Escape": self._on_escape_key,
        }

    def _on_press(self, layer: Shapes, event: Any) -> None:
        """Set an anchor; on the first one, close the outline."""
        hold = self._hold
        # With Alt napari draws a box to zoom to.
        moving = hold is None or hold.is_moving_view or "Alt" in event.modifiers
        if event.button == _LEFT_BUTTON and not moving:
            _report(lambda: self._click(event))

    def _click(self, event: Any) -> None:
        path = self._path
        if path is None:
            return
        self._read(event)
        path.move_to(self._session.image().pixels)
        if self._is_on_first():
            self.finish(straight=self._straight)
            return
        begun = not path.anchors
        path.add(self._cursor, straight=self._straight)
        self._draw()
        if begun:
            self.changed.emit()

    def _on_move(self, layer: Shapes, event: Any) -> None:
        """Show the leg that a click would lay."""
        if self.is_drawing:
            self._read(event)
            _report(self._draw_on_frame)

    def _on_double_click(self, layer: Shapes, event: Any) -> None:
        """Close the outline; the first of the two clicks has set its last anchor."""
        if self._path is not None and len(self._path.anchors) > 1:
            _report(self.finish)

    def _on_close_key(self, layer: Shapes) -> None:
        _report(self.finish)

    def _on_back_key(self, layer: Shapes) -> None:
        self.remove_last()

    def _on_escape_key(self, layer: Shapes) -> None:
        """Cancel the outline; without one, put the tool away."""
        if self.is_drawing:
            self.cancel()
        else:
            self.stop()

    def _on_layers(self, event: object = None) -> None:
        self._check_soon.start()

    def _on_mode(self) -> None:
        if self._on is not None and self._on[1].mode != IDLE:
            self.stop()

    def _on_frame(self) -> None:
        if self.is_drawing:
            _report(self._draw_on_frame)

    def _check(self) -> None:
        if self.active and not self._fits():
            self.stop()

    def _fits(self) -> bool:
        """Whether the layers that the tool works on are still those of the session."""
        session, preview = self._session, self._preview
        return (
            session.is_open
            and (session.image_layer, session.roi_layer) == self._on
            and preview is not None
            and preview.is_in(session.viewer)
        )

    def _read(self, event: Any) -> None:
        """Take over where the mouse is."""
        if self._on is None:
            return
        image = self._on[0]
        row, column = image.world_to_data(event.position)[-2:]
        self._cursor = (float(row), float(column))
        self._straight = "Shift" in event.modifiers
        scale = float(np.mean(np.abs(image.scale[-2:])))
        self._zoom = max(float(event.camera_zoom) * scale, 1e-6)

    def _is_on_first(self) -> bool:
        if self._path is None or len(self._path.anchors) < 2:
            return False
        away = np.subtract(self._cursor, self._path.anchors[0])
        return float(np.hypot(*away)) * self._zoom <= _NEAR_PX

    def _draw_on_frame(self) -> None:
        if self._path is not None:
            self._path.move_to(self._session.image().pixels)
            self._draw()

    def _draw(self) -> None:
        """Show the path so far, the leg to the mouse, and the anchors."""
        path, preview = self._path, self._preview
        if path is None or preview is None:
            return
        closing = self._is_on_first()
        points = path.laid()
        if path.anchors:
            straight = self._straight
            if closing:
                leg = path.closing(straight=straight)
            else:
                leg = path.live(self._cursor, straight=straight)
            points = np.vstack([points, leg])
        preview.draw(points, path.anchors, zoom=self._zoom, closing=closing)


def _report(work: Callable[[], None]) -> None:
    """Run a user's command; show our own errors as a notification."""
    try:
        work()
    except MuscleUSError as error:
        from napari.utils.notifications import show_error

        show_error(str(error))
