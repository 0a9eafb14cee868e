"""The acceptance check of a frame: one sentence a check, with a sign in front."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.device.acceptance import Finding

_SIGNS: Final = {"ok": "✓", "note": "•", "warning": "⚠"}


class AcceptanceList(QLabel):
    """Shows findings, those that need a look first."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """Show other findings."""
        order = list(_SIGNS)[::-1]
        ranked = sorted(findings, key=lambda finding: order.index(finding.level))
        rows = "".join(
            f"<tr><td>{_SIGNS[f.level]}&nbsp;</td><td>{escape(f.sentence)}</td></tr>"
            for f in ranked
        )
        self.setText(f"<table cellspacing='2'>{rows}</table>")
