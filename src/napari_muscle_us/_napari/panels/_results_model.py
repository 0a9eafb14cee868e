"""The results table as Qt shows it."""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_muscle_us.results import COLUMNS, MEASURES

if TYPE_CHECKING:
    import pandas as pd

SHOWN: Final = (
    "roi", "muscle", "side", "measure", "value", "unit", "note", "image", "frame",
    "subject", "visit", "measured_at",
)  # fmt: skip
WIDTHS: Final = (50, 102, 38, 112, 66, 70, 260)
_TIP_WIDTH: Final = 80
_PLACES: Final = tuple(COLUMNS.index(column) for column in SHOWN)
_METHOD: Final = COLUMNS.index("method")
_NO_PARENT: Final = QModelIndex()
_ARROWS: Final = {
    (False, 1): "→", (True, 0): "↓", (True, 1): "↘", (True, -1): "↙",
}  # fmt: skip


class ResultsModel(QAbstractTableModel):
    """Shows a results table; the long columns with provenance stay in the file."""

    def __init__(self) -> None:
        super().__init__()
        self._frame: pd.DataFrame | None = None

    def set_frame(self, frame: pd.DataFrame) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._frame = frame
        self.endResetModel()

    def note(self, row: int) -> str:
        """Return the whole note of a row."""
        return "" if self._frame is None else str(self._frame["note"].iat[row])

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() or self._frame is None else len(self._frame)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(SHOWN)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the column's name."""
        if orientation == Qt.Orientation.Horizontal:
            return SHOWN[section] if role == Qt.ItemDataRole.DisplayRole else None
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; the tooltip holds it whole."""
        if (
            role == Qt.ItemDataRole.TextAlignmentRole
            and SHOWN[index.column()] == "value"
        ):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if self._frame is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index.row(), index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(index.row(), index.column())
        return None

    def _text(self, row: int, number: int) -> str:
        value = self._cell(row, _PLACES[number])
        column = SHOWN[number]
        if isinstance(value, float):
            return "–" if math.isnan(value) else f"{value:.6g}"
        if column == "measure":
            return measure_label(str(value), str(self._cell(row, _METHOD)))
        return "" if column == "unit" and value == "1" else str(value)

    def _tip(self, row: int, number: int) -> str:
        value = self._cell(row, _PLACES[number])
        column = SHOWN[number]
        if column == "note":
            return wrapped(str(value))
        if column == "measure":
            measure = MEASURES[str(value)]
            return wrapped(f"{measure.key}; {measure.definition}")
        return repr(value) if isinstance(value, float) else str(value)

    def _cell(self, row: int, place: int) -> Any:
        # Not .iloc[row]: that makes a series of the whole row for each cell.
        return None if self._frame is None else self._frame.iat[row, place]


def measure_label(key: str, method: str) -> str:
    """Return what a panel calls a measure, with its percentage, band or direction.

    Parameters
    ----------
    key : str
        Key in the registry.
    method : str
        What the row's column ``method`` holds.

    Examples
    --------
    >>> measure_label("intensity.percentile", '{"percentile":90.0}')
    'P90'
    >>> measure_label("intensity.band", '{"band":[51,100]}')
    'Band 51–100'
    >>> measure_label("glcm.contrast", '{"direction":[1,-1]}')
    'Contrast (GLCM) ↙'
    >>> measure_label("intensity.mean", "{}")
    'Mean (EI)'
    """
    label = MEASURES[key].label
    directed = '"direction"' in method
    if key not in ("intensity.percentile", "intensity.band") and not directed:
        return label
    try:
        told = json.loads(method)
        if directed:
            row, column = (int(step) for step in told["direction"])
            return f"{label} {_ARROWS[row > 0, (column > 0) - (column < 0)]}"
        if key == "intensity.percentile":
            return f"P{float(told['percentile']):.15g}"
        low, high = (int(level) for level in told["band"])
    except (ValueError, TypeError, KeyError, RecursionError):
        # A script may have written it; the row is shown all the same.
        return label
    return f"{label} {low}–{high}"


def wrapped(note: str) -> str:
    """Return a note with a line for each sentence, none too long for a tooltip.

    Examples
    --------
    >>> print(wrapped("3 pixels are coloured; the spacing is not known"))
    3 pixels are coloured
    the spacing is not known
    """
    sentences = note.split("; ")
    return "\n".join(textwrap.fill(sentence, _TIP_WIDTH) for sentence in sentences)
