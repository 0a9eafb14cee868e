"""Pages and scroll areas of the panels Examination and Follow-up."""

from __future__ import annotations

from typing import Final

from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

KINDS: Final = "Table (*.csv);;Picture (*.png);;PDF (*.pdf);;SVG (*.svg)"
"""What a table and its plot are saved as."""


def page(*widgets: QWidget, grows: int = 0) -> QWidget:
    """Return widgets below each other; one of them takes the room that is left."""
    whole = QWidget()
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(0, 2, 0, 2)
    for number, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if number == grows else 0)
    return whole


def scrolling(widget: QWidget) -> QScrollArea:
    """Return a widget that may be higher than its place."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(widget)
    return area
