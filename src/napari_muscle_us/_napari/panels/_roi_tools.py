"""The drawing tools: what each is called, and their buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QWidget

_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by its name, and napari's mode for it (none where it is our own)."""

    name: str
    mode: str
    tip: str


MAGNETIC: Final = "Magnetic"
ANGLE: Final = "Angle"
TOOLS: Final = (
    Tool("Polygon", "add_polygon", "Click the corners; Esc or a double click ends."),
    Tool(
        "Freehand",
        "add_polygon_lasso",
        "Draw around the muscle with the button down.",
    ),
    Tool(
        MAGNETIC,
        "",
        "Click along the fascia: the line between two clicks follows the edge.",
    ),
    Tool("Ellipse", "add_ellipse", "Drag from one corner of its box to the other."),
    Tool("Rectangle", "add_rectangle", "Drag from one corner to the other."),
    Tool("Line", "add_line", "Drag from one end to the other, for a length."),
    Tool(
        ANGLE,
        "add_polyline",
        "Click three points: end of an arm, apex, end of the other arm.",
    ),
    Tool("Move", "select", "Click an ROI to select it; drag to move or resize it."),
    Tool("Vertices", "direct", "Drag single vertices of the outline."),
)


class ToolGrid(QWidget):
    """A button for each tool; tells which one the user wants."""

    tool_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for number, tool in enumerate(TOOLS):
            button = QPushButton(tool.name)
            button.setToolTip(tool.tip)
            button.setCheckable(True)
            self._group.addButton(button, number)
            grid.addWidget(button, number // _COLUMNS, number % _COLUMNS)
        self._group.idClicked.connect(self._on_clicked)

    def button(self, name: str) -> QPushButton:
        """Return the button of a tool."""
        number = [tool.name for tool in TOOLS].index(name)
        return self._group.button(number)

    def value(self) -> str:
        """Return the tool that is shown as being in hand, or nothing."""
        number = self._group.checkedId()
        return TOOLS[number].name if number >= 0 else ""

    def setValue(self, name: str) -> None:
        """Show which tool is in hand, if any."""
        self._group.setExclusive(False)
        for number, tool in enumerate(TOOLS):
            self._group.button(number).setChecked(tool.name == name)
        self._group.setExclusive(True)

    def _on_clicked(self, number: int) -> None:
        self.tool_chosen.emit(TOOLS[number].name)
