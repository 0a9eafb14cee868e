"""Where the values of both scanners come from: a table, two tables, or a phantom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_columns import (
    ECHO_INTENSITY,
    device_column,
    devices_in,
    measures_in,
    usable_columns,
)
from napari_muscle_us._napari.panels._conv_phantom import PhantomBox
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ONE, TWO, PHANTOM = "one", "two", "phantom"
_KINDS: Final = (
    (ONE, "One table with a column of the scanner"),
    (TWO, "Two tables, one of each scanner"),
    (PHANTOM, "Gray levels of a phantom"),
)
_HINTS: Final = {
    ONE: "The same muscles of the same people, measured with both scanners. Columns: "
    "subject, muscle, scanner, value; side, visit and image where you need them.",
    TWO: "The same muscles of the same people, measured with both scanners: a table "
    "of each, such as the saved Results. Subjects, muscles and sides are matched.",
    PHANTOM: "The targets of one phantom, scanned with both scanners. Muscles in "
    "people scatter more than targets do.",
}
_NONE: Final = "no table yet"
TABLES: Final = "Tables (*.csv *.tsv *.txt *.xlsx);;All files (*)"


class SourceBox(QWidget):
    """Chooses and opens the values; tells what scanners they name."""

    changed = Signal()
    """Other values, column or measure."""
    devices_found = Signal(list)
    """Names of the scanners that were just read."""
    refused = Signal(str)
    """Why a table cannot be used."""

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[int, tuple[str, pd.DataFrame]] = {}
        self._kind = narrow_combo("Where the values of both scanners are.")
        for key, title in _KINDS:
            self._kind.addItem(title, key)
        self._hint = MessageLabel()
        self._rows = (TableRow("Open table…"), TableRow("Open table of ‘to’…"))
        self._column = narrow_combo("The column that tells which scanner it was.")
        self._measure = narrow_combo("What was measured with both scanners.")
        self.phantom = PhantomBox()
        self._form = QFormLayout()
        self._form.addRow("Scanner in", self._column)
        self._form.addRow("Measure", self._measure)
        self._lay_out()
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._column.currentIndexChanged.connect(self._on_column)
        self._measure.currentIndexChanged.connect(self.changed)
        self.phantom.changed.connect(self.changed)
        self._rows[0].button.clicked.connect(self._ask_first)
        self._rows[1].button.clicked.connect(self._ask_second)
        self._show_kind()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._kind, self._hint, *self._rows):
            layout.addWidget(widget)
        layout.addLayout(self._form)
        layout.addWidget(self.phantom)

    @property
    def kind(self) -> str:
        """Which of `ONE`, `TWO` and `PHANTOM` is chosen."""
        return str(self._kind.currentData())

    def set_kind(self, kind: str) -> None:
        """Choose where the values are."""
        self._kind.setCurrentIndex(self._kind.findData(kind))

    @property
    def column(self) -> str:
        """The column that tells the scanner."""
        return self._column.currentText()

    @property
    def measure(self) -> str:
        """What is compared."""
        return self._measure.currentText() or ECHO_INTENSITY

    def tables(self) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
        """Return the tables that are open, the second only where it is used."""
        first, second = (self._tables.get(place, ("", None))[1] for place in (0, 1))
        return first, second if self.kind == TWO else None

    def open(self, path: str | Path, place: int = 0) -> None:
        """Open a table; the second one is that of the scanner ‘to’.

        Raises
        ------
        ResultsError
            If it cannot be read; the one before stays open.
        """
        from napari_muscle_us.io.spreadsheet import read_spreadsheet

        table = read_spreadsheet(path)
        self._tables[place] = (Path(path).name, table)
        self._rows[place].show_file(Path(path).name, len(table))
        self._show_tables()

    def swap(self) -> None:
        """Exchange the tables, or the gray levels of the phantom, without a word."""
        if self.kind == TWO:
            self._tables = {1 - place: told for place, told in self._tables.items()}
            for place, row in enumerate(self._rows):
                name, table = self._tables.get(place, ("", None))
                row.show_file(name, 0 if table is None else len(table))
        elif self.kind == PHANTOM:
            self.phantom.swap()

    def _ask_first(self) -> None:
        self._ask(0)

    def _ask_second(self) -> None:
        self._ask(1)

    def _ask(self, place: int) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open table", "", TABLES)
        if path:
            try:
                self.open(path, place)
            except MuscleUSError as error:
                self.refused.emit(str(error))

    def _on_kind(self) -> None:
        self._show_kind()
        self._show_tables()

    def _show_kind(self) -> None:
        one, two = self.kind == ONE, self.kind == TWO
        self._hint.show_message(_HINTS[self.kind], warning=False)
        self._rows[0].button.setText("Open table of ‘from’…" if two else "Open table…")
        self._rows[0].setVisible(one or two)
        self._rows[1].setVisible(two)
        self.phantom.setVisible(not (one or two))
        self._show_combos()

    def _show_combos(self) -> None:
        of_one = self.kind == ONE and self._column.count() > 0
        several = self.kind != PHANTOM and self._measure.count() > 1
        self._form.setRowVisible(self._column, of_one)
        self._form.setRowVisible(self._measure, several)

    def _show_tables(self) -> None:
        """Offer what the tables hold."""
        first, second = self.tables()
        if first is not None and self.kind != PHANTOM:
            chosen = self.column
            guess = device_column(first)
            columns = ["", *usable_columns(first)]
            fill_combo(
                self._column, columns, chosen if chosen in columns[1:] else guess
            )
        known = [table for table in (first, second) if table is not None]
        fill_combo(self._measure, measures_in(*known) if known else [], self.measure)
        self._show_combos()
        self._tell_devices()
        self.changed.emit()

    def _on_column(self) -> None:
        self._tell_devices()
        self.changed.emit()

    def _tell_devices(self) -> None:
        first, _ = self.tables()
        if self.kind == ONE and first is not None:
            self.devices_found.emit(devices_in(first, self.column))
        elif self.kind == TWO and len(self._tables) == 2:
            names = [self._tables[place][0] for place in (0, 1)]
            self.devices_found.emit([Path(name).stem for name in names])


class TableRow(QWidget):
    """A button that opens a table, with the name of the open one beside it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.button = QPushButton(title)
        self.button.setToolTip("CSV, TSV or XLSX, with one header row.")
        self._label = QLabel(_NONE)
        # A long file name must not widen the panel.
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._label.setSizePolicy(policy)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._label, 1)

    def show_file(self, name: str, rows: int) -> None:
        """Show which table is open."""
        self._label.setText(f"{rows} rows · {name}" if name else _NONE)
        self._label.setToolTip(name)


def narrow_combo(tip: str) -> QComboBox:
    """Return a list whose long entries do not widen the panel."""
    box = QComboBox()
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(10)
    box.setToolTip(tip)
    return box


def fill_combo(box: QComboBox, texts: Sequence[str], chosen: str) -> None:
    """Show other entries without announcing it; the first where none is chosen."""
    with QSignalBlocker(box):
        box.clear()
        box.addItems(list(texts))
        box.setCurrentIndex(max(box.findText(chosen), 0) if texts else -1)
