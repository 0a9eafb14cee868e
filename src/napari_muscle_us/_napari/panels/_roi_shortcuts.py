"""Keys of the ROI panel, as in ImageJ, in the panel and on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakMethod

from app_model.types import KeyBinding, KeyCode, KeyMod
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Shapes
    from qtpy.QtWidgets import QWidget

SHORTCUTS: Final[dict[str, tuple[str, ...]]] = {
    "keep": ("T",),
    "measure": ("M",),
    "duplicate": ("Ctrl+D",),
    "delete": ("Delete", "Backspace"),
    "undo": ("Ctrl+Z",),
    "redo": ("Ctrl+Shift+Z", "Ctrl+Y"),
    "all": ("Ctrl+A",),
    "none": ("Ctrl+Shift+A",),
    "rename": ("F2",),
    "lock": ("L",),
    "left": ("Left",),
    "right": ("Right",),
    "up": ("Up",),
    "down": ("Down",),
    "wider": ("Alt+Right",),
    "narrower": ("Alt+Left",),
    "higher": ("Alt+Down",),
    "lower": ("Alt+Up",),
    "previous": (",",),
    "next": (".",),
}
"""What is done by which keys, in Qt's way of writing them (Ctrl is ⌘ on a Mac)."""

CANVAS_ONLY: Final = frozenset(("left", "right", "up", "down"))
"""In the table the arrows go from row to row, as in ImageJ's ROI Manager."""

_MODIFIERS: Final = {
    "Ctrl": KeyMod.CtrlCmd,
    "Shift": KeyMod.Shift,
    "Alt": KeyMod.Alt,
}


def keys_text(what: str) -> str:
    """Return the keys as this computer names them, empty for none."""
    form = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(k).toString(form) for k in SHORTCUTS.get(what, ()))


def binding_of(keys: str) -> KeyBinding:
    """Return napari's name of a key, Ctrl being ⌘ on a Mac as in Qt."""
    *modifiers, key = keys.split("+")
    code = int(KeyCode.from_string(key))
    for modifier in modifiers:
        code |= int(_MODIFIERS[modifier])
    return KeyBinding.from_int(code)


def bind_widget(widget: QWidget, run: Callable[[str], None]) -> list[QShortcut]:
    """Let the keys work while a widget, or one inside it, has the focus."""
    shortcuts = []
    for what, all_keys in SHORTCUTS.items():
        for keys in () if what in CANVAS_ONLY else all_keys:
            shortcut = QShortcut(QKeySequence(keys), widget)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(_press(WeakMethod(run), what))
            shortcuts.append(shortcut)
    return shortcuts


class CanvasKeys:
    """The keys of one ROI layer at a time, before napari's own meaning of them.

    napari takes T for its path tool and the arrows for the sliders.
    """

    def __init__(self, run: Callable[[str], None]) -> None:
        # The layer, which keeps its keys, must not keep the panel.
        self._run = WeakMethod(run)
        self._layer: Shapes | None = None
        self._bound: dict[KeyBinding, Any] = {}

    def bind(self, layer: Shapes | None) -> None:
        """Give the keys to a layer, and back those of the layer before."""
        if layer is self._layer:
            return
        self.unbind()
        self._layer = layer
        if layer is None:
            return
        for what, all_keys in SHORTCUTS.items():
            for keys in all_keys:
                key, press = binding_of(keys), _press(self._run, what)
                layer.bind_key(key, press, overwrite=True)
                self._bound[key] = press

    def unbind(self) -> None:
        """Give the keys back to napari."""
        if self._layer is not None:
            for key, press in self._bound.items():
                # Another panel may have taken them over.
                if self._layer.keymap.get(key) is press:
                    self._layer.bind_key(key, None)
        self._layer = None
        self._bound.clear()


def _press(run: WeakMethod[Callable[[str], None]], what: str) -> Callable[..., None]:
    """Return what does that which a key stands for, as long as its panel lives."""

    def press(*_: object) -> None:
        do = run()
        if do is not None:
            do(what)

    # napari asks keys for their names.
    press.__name__ = f"roi_{what}"
    return press
