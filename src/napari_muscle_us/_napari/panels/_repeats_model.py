"""Repeated images as a table: a line for each muscle and side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_muscle_us._napari.panels._results_model import wrapped
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.measure.repeats import MAX_CV_PERCENT

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = (
    ("Subject", "subject", 56, "Code of the person."),
    ("Visit", "visit", 56, "Name of the visit."),
    ("Muscle", "muscle", 108, "Muscle of the ROIs."),
    ("Side", "side", 40, "Side of the body."),
    ("n", "n", 24, "Number of images that count; the protocol asks for 3."),
    ("EI", "value", 48, "Echo intensity over the images, by the rule above."),
    (
        "CV %",
        "cv_percent",
        58,
        f"SD between the images in % of their mean; ⚠ above {MAX_CV_PERCENT:g} %.",
    ),
    ("L − R", "difference", 52, "Echo intensity of the left minus the right side."),
    ("Note", "note", 260, "What to know; a line of the table shows it whole below."),
)
WIDTHS: Final = tuple(width for _, _, width, _ in _COLUMNS)
LABEL_COLUMNS: Final = (0, 1)
"""Subject and visit, of no use while nobody named them."""

_NUMBERS: Final = ("n", "value", "cv_percent", "difference")
_NO_PARENT: Final = QModelIndex()


class RepeatsModel(QAbstractTableModel):
    """Shows what `napari_muscle_us.measure.repeats.summarise_repeats` gives."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[dict[str, Any]] = []

    def set_summary(self, summary: pd.DataFrame) -> None:
        """Show other averages."""
        self.beginResetModel()
        rows = summary.to_dict("records")
        self._rows = [{str(key): value for key, value in row.items()} for row in rows]
        self.endResetModel()

    def rows(self) -> list[dict[str, Any]]:
        """Return what is shown, a mapping a line."""
        return list(self._rows)

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of muscles and sides."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the column's title, and what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section][0]
        return _COLUMNS[section][3] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; the tooltip holds all digits, and the note whole."""
        row, column = self._rows[index.row()], _COLUMNS[index.column()][1]
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(row, column)
        return None

    def as_text(self) -> str:
        """Return the table with all digits, tab-separated."""
        names = [name for _, name, _, _ in _COLUMNS[:-1]]
        names += ["sd", "asymmetry_percent", "flagged", "rule", "note"]
        lines = ["\t".join(names)]
        for row in self._rows:
            lines.append("\t".join(_copied(row[name]) for name in names))
        return "\n".join(lines)


def cell_text(row: dict[str, Any], column: str) -> str:
    """Return what a cell shows of a line of the summary.

    Examples
    --------
    >>> cell_text({"cv_percent": 12.04, "flagged": True}, "cv_percent")
    '⚠ 12.0'
    >>> cell_text({"difference": 6.0}, "difference")
    '+6.0'
    """
    value = row[column]
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "–"
    if column == "difference":
        return f"{value:+.1f}"
    flag = "⚠ " if column == "cv_percent" and row["flagged"] else ""
    return f"{flag}{value:.1f}"


def _tip(row: dict[str, Any], column: str) -> str:
    value = row[column]
    if column == "difference":
        if math.isnan(value):
            return wrapped(row["note"]) or "The other side has no average."
        return f"{value!r}; {row['asymmetry_percent']:.1f} % of the mean of both sides"
    if isinstance(value, float):
        # A value that is missing has its reason in the note.
        return wrapped(row["note"]) if math.isnan(value) else repr(value)
    return wrapped(str(value))


def _copied(value: object) -> str:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return guard_formula(str(value))
