"""Lets a tool have the mouse and some keys of one layer, and gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.components import ViewerModel
    from napari.layers import Layer

IDLE: Final = "pan_zoom"
"""The mode in which a layer itself does nothing with the mouse."""

_ZOOM: Final = "double_click_to_zoom"


class MouseSlots(NamedTuple):
    """What is called with the layer and napari's event."""

    press: Callable[[Any, Any], None]
    move: Callable[[Any, Any], None]
    double_click: Callable[[Any, Any], None]


class CanvasHold:
    """Holds mouse and keys of a layer from its making to `release`.

    Meanwhile a drag moves the view only while Space is down, as with napari's own
    drawing tools, and a double click does not zoom.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layer : Layer
        Whose mouse events are taken; they come while it is the active layer.
    slots : MouseSlots
        For the mouse.
    keys : mapping of str to callable
        What a key does; called with the layer.
    help_text : str
        Shown in the status bar.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        layer: Layer,
        slots: MouseSlots,
        keys: Mapping[str, Callable[[Any], Any]],
        help_text: str,
    ) -> None:
        self.layer = layer
        self._slots = slots
        self._held = True
        self._bound: dict[str, tuple[Any, Any]] = {}
        layer.mode = IDLE
        for callbacks, slot in self._mouse():
            callbacks.append(slot)
        for key, press in {**keys, "Space": self._on_space}.items():
            self._bound[key] = (press, layer.bind_key(key, press, overwrite=True))
        clicks = viewer.mouse_double_click_callbacks
        self._zooming = [c for c in clicks if getattr(c, "__name__", "") == _ZOOM]
        for callback in self._zooming:
            clicks.remove(callback)
        layer.mouse_pan = False
        layer.cursor = "cross"
        layer.help = help_text

    @property
    def is_moving_view(self) -> bool:
        """Whether Space is down, so that a drag moves the view."""
        return bool(self.layer.mouse_pan)

    def release(self, viewer: ViewerModel | None) -> None:
        """Give everything back; `viewer` is ``None`` once it was closed."""
        if not self._held:
            return
        self._held = False
        layer = self.layer
        for callbacks, slot in self._mouse():
            if slot in callbacks:
                callbacks.remove(slot)
        for key, (press, before) in self._bound.items():
            now = layer.bind_key(key, None)
            # Whoever took the key over meanwhile keeps it.
            kept = before if now is press else now
            if kept is not None:
                layer.bind_key(key, kept)
        if layer.mode == IDLE:
            layer.mouse_pan = True
            layer.cursor = "standard"
            layer.help = ""
        if viewer is not None:
            viewer.mouse_double_click_callbacks.extend(self._zooming)

    def _mouse(self) -> tuple[tuple[list[Any], Any], ...]:
        layer = self.layer
        return (
            (layer.mouse_drag_callbacks, self._slots.press),
            (layer.mouse_move_callbacks, self._slots.move),
            (layer.mouse_double_click_callbacks, self._slots.double_click),
        )

    def _on_space(self, layer: Layer) -> Any:
        layer.mouse_pan = True
        yield
        if self._held:
            layer.mouse_pan = False
