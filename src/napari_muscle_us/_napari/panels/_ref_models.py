"""Tables of the panel Reference values: the controls, and their fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_muscle_us._napari.panels import _ref_words as words
from napari_muscle_us._napari.panels._results_model import wrapped

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us.reference.fitting.fit_types import MuscleFit, ReferenceFit

SHOWN_ROWS: Final = 100
"""Rows of controls that are shown; the first tell whether a table was understood."""

_NO_PARENT: Final = QModelIndex()
_ALWAYS: Final = ("subject", "muscle", "side", "value")
_NUMBERS: Final = ("value", "age_years", "height_cm", "weight_kg")
_WIDTHS: Final = {"muscle": 120, "subject": 84, "measure": 110}
_FIT_COLUMNS: Final = (
    ("Muscle", 118, "Muscle of the controls."),
    (
        "Verdict",
        76,
        "✓ nothing speaks against it; ⚠ something should be looked at; ✗ Z of the "
        "controls themselves is off, or the muscle could not be fitted.",
    ),
    ("n", 36, "Subjects, each counted once whatever the number of values."),
    (
        "SD",
        46,
        "SD of one more healthy person at the centre of the sample, on the scale of "
        "the model.",
    ),
    (
        "Z left out",
        92,
        "Mean ± SD of Z of the controls, each against a model without them; 0 and 1 "
        "are expected.",
    ),
    ("Model", 150, "What the value is predicted from."),
)
FIT_WIDTHS: Final = tuple(width for _, width, _ in _FIT_COLUMNS)


class PeopleModel(QAbstractTableModel):
    """Shows the first rows of a table of controls under our names."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._rows: list[dict[str, Any]] = []

    def set_table(self, table: pd.DataFrame | None) -> None:
        """Show another table."""
        self.beginResetModel()
        self._names, self._rows = [], []
        if table is not None:
            self._names = [name for name in table.columns if _is_shown(table, name)]
            records = table.head(SHOWN_ROWS).to_dict("records")
            self._rows = [{str(k): v for k, v in row.items()} for row in records]
        self.endResetModel()

    def widths(self) -> list[int]:
        """Return the columns' widths in pixels."""
        return [_WIDTHS.get(name, 62) for name in self._names]

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of values shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns that hold something."""
        return 0 if parent.isValid() else len(self._names)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return our name of the column, in words."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return words.COLUMN_LABELS[self._names[section]]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text."""
        name = self._names[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and name in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        value = self._rows[index.row()][name]
        if isinstance(value, float):
            return "–" if value != value else f"{value:g}"
        return str(value) or "–"


def _is_shown(table: pd.DataFrame, name: str) -> bool:
    if name in _ALWAYS:
        return True
    if name in ("measure", "unit"):
        # The measure is chosen above; several are told apart here.
        return bool(table[name].nunique() > 1)
    known = table[name].notna() & (table[name] != "")
    return bool(known.any())


class FitModel(QAbstractTableModel):
    """Shows each muscle's model in a line, refused muscles last."""

    def __init__(self) -> None:
        super().__init__()
        self._fits: tuple[MuscleFit, ...] = ()
        self._refused: tuple[tuple[str, str], ...] = ()

    def set_fit(self, fit: ReferenceFit | None) -> None:
        """Show other fits."""
        self.beginResetModel()
        self._fits = () if fit is None else fit.muscles
        self._refused = () if fit is None else fit.refused
        self.endResetModel()

    def fit(self, row: int) -> MuscleFit | None:
        """Return the fit of a line, ``None`` where it was refused."""
        return self._fits[row] if 0 <= row < len(self._fits) else None

    def reason(self, row: int) -> str:
        """Return why a line was refused, or what its verdict means."""
        fit = self.fit(row)
        if fit is not None:
            return words.verdict_words(fit)
        return self._refused[row - len(self._fits)][1] if row >= 0 else ""

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of muscles."""
        return 0 if parent.isValid() else len(self._fits) + len(self._refused)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_FIT_COLUMNS)

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
            return _FIT_COLUMNS[section][0]
        return _FIT_COLUMNS[section][2] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; the tooltip tells what the verdict is about."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (2, 3, 4):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return wrapped(self.reason(row))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        fit = self.fit(row)
        if fit is None:
            muscle, reason = self._refused[row - len(self._fits)]
            return (muscle, "✗ refused", "–", "–", "–", reason)[column]
        return fit_cells(fit)[column]


def fit_cells(fit: MuscleFit) -> tuple[str, ...]:
    """Return what the line of a muscle shows."""
    left_out, spread = fit.left_out, words.spread(fit)
    return (
        fit.muscle,
        words.verdict(fit),
        str(fit.n_subjects),
        words.number(spread, 1 if spread >= 1 else 3),
        f"{words.signed(left_out.mean)} ± {words.number(left_out.sd)}",
        words.model_words(fit),
    )
