"""Does what the buttons, the menu and the keys of the ROI panel stand for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us._napari.panels._roi_action_list import (
    ACTIONS,
    BY_KEY,
    INNER_SHARE,
)
from napari_muscle_us._napari.panels._roi_asks import RoiAsks
from napari_muscle_us._napari.panels._roi_shortcuts import keys_text
from napari_muscle_us._napari.panels._roi_when import Situation, situation_of
from napari_muscle_us._napari.panels._widgets import report
from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._roi_action_list import RoiAction
    from napari_muscle_us._napari.panels._roi_drawing import Drawing

BUTTONS: Final = ("undo", "redo", "duplicate", "delete", "lock", "colour")
_PARTS: Final = (
    ("rename", "above", "below", "all", "none", "measure"),
    ("mirror", "grow", "shrink", "simplify", "snap", "inner"),
    ("union", "subtract", "intersect"),
    ("every_frame", "one_frame", "keyframe", "no_keyframe"),
    ("copy", "load", "save", "new_layer"),
)
"""The menu, with a line between two parts."""

_WHOLE_DRAWING: Final = ("undo", "delete")
"""What only takes back the outline that is being drawn, if one is."""


class RoiActions(QObject):
    """All that can be done to ROIs, each refused in words where it cannot."""

    rename_requested = Signal()
    measure_requested = Signal()

    def __init__(self, session: Session, drawing: Drawing, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._drawing = drawing
        self.asks = RoiAsks(session, parent)
        self._actions = {a.key: self._make(a) for a in ACTIONS if a.text}

    def _make(self, what: RoiAction) -> QAction:
        action = QAction(what.text, self)
        action.setIconText(what.text)
        action.triggered.connect(partial(self.run, what.key))
        return action

    def _slots(self) -> dict[str, Callable[[], object]]:
        # Made anew, for kept ones would keep this object after its panel is gone.
        session, asks = self._session, self.asks
        edit = partial(partial, session=session)
        return {
            "undo": session.rois.undo,
            "redo": session.rois.redo,
            "duplicate": edit(_roi_edits.duplicate),
            "delete": self._delete,
            "lock": self._lock,
            "colour": asks.colour,
            "rename": self.rename_requested.emit,
            "above": edit(_roi_edits.reorder, step=-1),
            "below": edit(_roi_edits.reorder, step=1),
            "all": self._select_all,
            "none": partial(session.select, []),
            "measure": self.measure_requested.emit,
            "mirror": edit(_roi_edits.mirror),
            "grow": asks.grow,
            "shrink": asks.shrink,
            "union": edit(_roi_edits.combine, operation="union"),
            "subtract": edit(_roi_edits.combine, operation="subtract"),
            "intersect": edit(_roi_edits.combine, operation="intersect"),
            "simplify": asks.simplify,
            "snap": asks.snap,
            "inner": edit(_roi_edits.clip_lateral, share=INNER_SHARE),
            "every_frame": edit(_roi_frames.bind_to_frame, every=True),
            "one_frame": edit(_roi_frames.bind_to_frame, every=False),
            "keyframe": edit(_roi_frames.set_keyframe, on=True),
            "no_keyframe": edit(_roi_frames.set_keyframe, on=False),
            "copy": asks.copy,
            "load": asks.load,
            "save": asks.save,
            "new_layer": self._new_layer,
            "keep": self._drawing.keep_or_take_again,
            "left": partial(self._nudge, 0, -1),
            "right": partial(self._nudge, 0, 1),
            "up": partial(self._nudge, -1, 0),
            "down": partial(self._nudge, 1, 0),
            "wider": edit(_roi_edits.resize, rows=0, columns=1),
            "narrower": edit(_roi_edits.resize, rows=0, columns=-1),
            "higher": edit(_roi_edits.resize, rows=1, columns=0),
            "lower": edit(_roi_edits.resize, rows=-1, columns=0),
            "previous": partial(self._step_frame, -1),
            "next": partial(self._step_frame, 1),
        }

    def action(self, key: str) -> QAction:
        """Return what stands in the menu."""
        return self._actions[key]

    def menu(self, parent: QWidget) -> QMenu:
        """Return a menu of all actions."""
        menu = QMenu(parent)
        menu.setToolTipsVisible(True)
        menu.addActions([self._actions[key] for key in BUTTONS])
        for part in _PARTS:
            menu.addSeparator()
            menu.addActions([self._actions[key] for key in part])
        return menu

    def run(self, key: str, *_: object) -> None:
        """Do something, or say why it cannot be done."""
        report(partial(self._run, key))
        self.update()

    def _run(self, key: str) -> None:
        if key in _WHOLE_DRAWING and self._drawing.take_point_back():
            return
        if self._drawing.is_drawing and key != "keep":
            kept = self._drawing.finish()
            # With the button down, as for a rectangle, only letting go ends it.
            still_drawing: bool = self._drawing.is_drawing
            if still_drawing or (not kept and key in _WHOLE_DRAWING):
                return
        reason = _why_not(BY_KEY[key], situation_of(self._session))
        if reason:
            raise RoiError(reason)
        self._slots()[key]()

    def update(self) -> None:
        """Offer what can be done now; the tooltips say why the rest cannot."""
        now = situation_of(self._session)
        for key, action in self._actions.items():
            what = BY_KEY[key]
            text, tip = _words(what, now)
            reason = _why_not(what, now)
            keys = keys_text(key)
            action.setText(f"{text}\t{keys}" if keys else text)
            action.setIconText(text.removesuffix("…"))
            tip = f"{tip} ({keys})" if keys else f"{tip}."
            action.setToolTip(f"{tip}\nNot now: {reason}" if reason else tip)
            action.setEnabled(not reason)

    def _delete(self) -> None:
        stored = self._session.rois.stored()
        chosen = set(self._session.selected())
        if all(s.entry is not None for s in stored if s.index in chosen):
            _roi_edits.delete(self._session)
        else:
            # What cannot be a region is in no history.
            self._session.remove(sorted(chosen))

    def _lock(self) -> None:
        locked = _all_locked(situation_of(self._session))
        _roi_edits.set_locked(self._session, locked=not locked)

    def _select_all(self) -> None:
        self._session.select(list(range(len(self._session.rois.stored()))))

    def _nudge(self, rows: int, columns: int) -> None:
        if self._session.selected():
            _roi_edits.move(self._session, rows, columns)
        elif columns:
            self._step_frame(columns)

    def _step_frame(self, by: int) -> None:
        layer = self._session.image_layer
        if layer is not None and layer.ndim > 2:
            frame = min(max(self._session.frame + by, 0), len(layer.data) - 1)
            dims = self._session.viewer.dims
            dims.set_current_step(dims.ndim - layer.ndim, frame)

    def _new_layer(self) -> None:
        self._drawing.take("Polygon", new_layer=True)


class RoiButtons(QWidget):
    """A row of buttons for the commonest actions, and a menu of all."""

    def __init__(self, actions: RoiActions) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for key in BUTTONS:
            button = _button()
            button.setDefaultAction(actions.action(key))
            layout.addWidget(button)
        more = _button()
        more.setText("More")
        more.setToolTip("All that can be done to ROIs.")
        more.setMenu(actions.menu(self))
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        layout.addWidget(more)


def _button() -> QToolButton:
    button = QToolButton()
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


def _why_not(what: RoiAction, now: Situation) -> str:
    return next(filter(None, (rule(now) for rule in what.rules)), "")


def _all_locked(now: Situation) -> bool:
    return bool(now.chosen) and all(s.row["locked"] for s in now.chosen)


def _words(what: RoiAction, now: Situation) -> tuple[str, str]:
    """Return the text and the tooltip of an action, as things are now."""
    if what.key == "undo" and now.undo:
        return what.text, f"Undo {now.undo}"
    if what.key == "redo" and now.redo:
        return what.text, f"Redo {now.redo}"
    if what.key == "lock" and _all_locked(now):
        return "Unlock", "Let the selected ROIs be changed again"
    return what.text, what.tip
