"""A list of choices that does not change under a turning mouse wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox

if TYPE_CHECKING:
    from qtpy.QtGui import QWheelEvent


class CalmComboBox(QComboBox):
    """Lets the wheel scroll the panel: it must not change a person's sex."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the panel."""
        event.ignore()
