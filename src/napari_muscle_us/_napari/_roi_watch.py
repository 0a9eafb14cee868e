"""Watches one ROI layer: names what is new, forgets numbers of what moved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_muscle_us._napari import _shapes

if TYPE_CHECKING:
    from napari.layers import Shapes


class RoiWatch:
    """Turns the many events of a Shapes layer into three signals.

    napari's order when drawing is ``data`` (adding), ``set_data``, ``data`` (added),
    ``features``; while a shape is dragged only ``set_data`` comes, and pasting gives
    ``set_data`` alone.
    """

    changed = Signal()
    """A region was added, removed, moved or relabelled."""
    selection_changed = Signal()
    mode_changed = Signal()
    """Another drawing tool is in hand."""

    def __init__(self) -> None:
        self.layer: Shapes | None = None
        self.frame = 0

    def bind(self, layer: Shapes | None) -> None:
        """Watch another layer, or none."""
        self._unbind()
        self.layer = layer
        if layer is None:
            return
        layer.events.data.connect(self._on_data)
        layer.events.set_data.connect(self._on_outline)
        layer.events.features.connect(self._on_features)
        layer.events.mode.connect(self._on_mode)
        layer.selected_data.events.items_changed.connect(self._on_selection)

    def set_frame(self, frame: int) -> None:
        """Tell which frame is shown: numbers of another one are forgotten."""
        self.frame = frame
        self._on_outline()

    def _unbind(self) -> None:
        if self.layer is None:
            return
        events = self.layer.events
        events.data.disconnect(self._on_data)
        events.set_data.disconnect(self._on_outline)
        events.features.disconnect(self._on_features)
        events.mode.disconnect(self._on_mode)
        self.layer.selected_data.events.items_changed.disconnect(self._on_selection)

    def _on_data(self, event: Any) -> None:
        if event.action in ("added", "removed", "changed"):
            self._name_new()
            self._on_outline()

    def _on_outline(self, event: object = None) -> None:
        """Forget numbers of outlines that moved; tell the panels."""
        if self.layer is None:
            return
        rows = _shapes.read_rows(self.layer)
        stale = [
            row
            for i, row in enumerate(rows)
            if not math.isnan(row[_shapes.EI])
            and row[_shapes.OUTLINE]
            != _shapes.outline_checksum(self.layer, i, self.frame)
        ]
        if stale:
            for row in stale:
                row.update({_shapes.EI: math.nan, _shapes.OUTLINE: 0})
            _shapes.write_rows(self.layer, rows)
        self.changed.emit()

    def _on_features(self, event: object = None) -> None:
        self.changed.emit()

    def _on_mode(self, event: object = None) -> None:
        self.mode_changed.emit()

    def _on_selection(self, *changes: object) -> None:
        self.selection_changed.emit()

    def _name_new(self) -> None:
        if self.layer is None:
            return
        rows = _shapes.read_rows(self.layer)
        taken = {row["name"] for row in rows}
        nameless = [row for row in rows if not row["name"]]
        for row in nameless:
            names = (f"ROI {n}" for n in range(1, len(taken) + 2))
            row["name"] = next(name for name in names if name not in taken)
            taken.add(row["name"])
        if nameless:
            _shapes.write_rows(self.layer, rows)
