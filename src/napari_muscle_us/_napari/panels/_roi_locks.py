"""Tells the user that a locked outline was dragged or deleted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_muscle_us._napari._roi_rows import KEY, LOCKED, read_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us._napari._session import Session


class LockWatch(QObject):
    """Knows where the locked outlines lie; says so when one was moved.

    The session puts it back by itself, once the mouse is up.
    """

    refused = Signal(str)
    """A sentence for the user."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._places: dict[str, tuple[str, npt.NDArray[Any]]] = {}
        self._frame = session.rois.frame
        session.rois.history_changed.connect(self._on_settled)
        session.rois.changed.connect(self._on_changed)
        self._on_settled()

    def _on_settled(self) -> None:
        layer, self._frame = self._session.roi_layer, self._session.rois.frame
        self._places = {}
        if layer is None or not _has_locked(layer):
            return
        for row, vertices in zip(read_rows(layer), layer.data, strict=True):
            if row[LOCKED]:
                self._places[row[KEY]] = (row["name"], np.array(vertices))

    def _on_changed(self) -> None:
        layer = self._session.roi_layer
        if not self._places or layer is None or self._session.rois.watch.busy:
            return
        if self._frame != self._session.rois.frame:
            # It moves along with the clip.
            self._on_settled()
            return
        now = zip(read_rows(layer), layer.data, strict=False)
        shown = {row[KEY]: (row[LOCKED], vertices) for row, vertices in now}
        for key, (name, vertices) in self._places.items():
            locked, present = shown.get(key, (True, vertices[:0]))
            if locked and not np.array_equal(present, vertices):
                # Once a drag is enough.
                self._places = {}
                self.refused.emit(
                    f"ROI {name!r} is locked, so it stays as it was; unlock it to "
                    "edit it."
                )
                return


def _has_locked(layer: Any) -> bool:
    return LOCKED in layer.features and bool(layer.features[LOCKED].any())
