"""Results: rows of measured regions, to keep as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import QApplication, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._widgets import (
    PANEL_WIDTH,
    MessageLabel,
    ask_save_path,
    button_row,
    report,
    table_view,
    tell,
    tell_saved,
)
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.io.tables import guard_texts, write_results
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import COLUMNS, MEASURES
from napari_muscle_us.rows import ZScoreRequest, measure_rois

if TYPE_CHECKING:
    import napari.viewer
    import pandas as pd

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session

_SHOWN: Final = (
    "roi", "muscle", "side", "measure", "value", "unit", "note", "image", "frame",
    "subject", "visit", "measured_at",
)  # fmt: skip
_WIDTHS: Final = (60, 105, 40, 80, 85, 70, 140)
_NO_PARENT: Final = QModelIndex()


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

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() or self._frame is None else len(self._frame)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_SHOWN)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the column's name."""
        if orientation == Qt.Orientation.Horizontal:
            return _SHOWN[section] if role == Qt.ItemDataRole.DisplayRole else None
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text; the tooltip holds it whole."""
        if (
            role == Qt.ItemDataRole.TextAlignmentRole
            and _SHOWN[index.column()] == "value"
        ):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if self._frame is None:
            return None
        column = _SHOWN[index.column()]
        value = self._frame.iloc[index.row()][column]
        if isinstance(value, float):
            return "–" if math.isnan(value) else f"{value:.6g}"
        if role == Qt.ItemDataRole.DisplayRole and column == "measure":
            return MEASURES[value].label
        return "" if column == "unit" and value == "1" else str(value)


class ResultsPanel(QWidget):
    """Measures regions into a table and saves it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setMinimumWidth(PANEL_WIDTH)
        self._session: Session = session_of(napari_viewer)
        self._subject = QLineEdit()
        self._subject.setPlaceholderText("a code, never a name")
        self._visit = QLineEdit()
        self._model = ResultsModel()
        self._view = table_view(self._model)
        for column, width in enumerate(_WIDTHS):
            self._view.setColumnWidth(column, width)
        self._message = MessageLabel()
        self._lay_out()
        self._session.results_changed.connect(self._on_results_changed)
        self._on_results_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Subject code", self._subject)
        form.addRow("Visit", self._visit)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(
            button_row(
                ("Measure", "Add rows of the selected ROIs.", self._on_measure),
                ("Measure all", "Add rows of all ROIs.", self._on_measure_all),
            )
        )
        layout.addWidget(self._view, 1)
        layout.addWidget(self._message)
        layout.addLayout(
            button_row(
                ("Save CSV…", "Save the table with its provenance.", self._on_save),
                ("Copy", "Copy the whole table, tab-separated.", self._on_copy),
                ("Remove rows", "Take the selected rows out.", self._on_remove),
            )
        )

    def measure(self, *, everything: bool = False) -> None:
        """Add the rows of the selected ROIs, or of all.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or an ROI is not usable; then no row of
            any ROI is added.
        """
        import pandas as pd

        self._session.read_pixels_again()
        regions = self._session.chosen_regions(everything=everything)
        if not regions:
            self._session.image()
            raise MeasureError("There is no ROI; draw one in the panel Muscle ROIs.")
        problems = [r.problem for r in regions if r.problem]
        if problems:
            raise MeasureError(problems[0])
        rows = pd.concat([self._rows(region) for region in regions])
        known = self._session.results
        frames = [known, rows] if len(known) else [rows]
        self._session.set_results(pd.concat(frames, ignore_index=True))
        means = rows[rows["measure"] == "intensity.mean"]["value"]
        self._session.show_measured(
            {r.index: float(v) for r, v in zip(regions, means, strict=True)}
        )

    def _rows(self, region: Region) -> pd.DataFrame:
        labels = {
            "subject": self._subject.text().strip(),
            "visit": self._visit.text().strip(),
        }
        rois = [] if region.roi is None else [region.roi]
        image = self._session.image()
        request = None
        # Who neither named the muscle nor described the person wants no Z-score.
        if region.muscle and self._session.subject != Subject():
            request = ZScoreRequest(
                self._session.reference,
                self._session.subject,
                accept_device=self._session.accept_device,
                note_problems=True,
            )
        return measure_rois(image, rois, z_score=request, **labels)

    def save(self, path: str) -> None:
        """Write all rows as CSV.

        Raises
        ------
        MuscleUSError
            If there are no rows, or the file cannot be written.
        """
        if not self._session.has_results:
            raise MeasureError("The table is empty; measure an ROI first.")
        write_results(path, self._session.results)

    def _on_measure(self) -> None:
        report(self.measure)

    def _on_measure_all(self) -> None:
        report(lambda: self.measure(everything=True))

    def _on_save(self) -> None:
        path = ask_save_path(self, "Save results", "results.csv", "CSV (*.csv)")
        if path and report(lambda: self.save(path)):
            tell_saved(path)

    def _on_copy(self) -> None:
        frame = self._session.results
        safe = guard_texts(frame)
        text = safe.to_csv(sep="\t", index=False, columns=list(COLUMNS))
        QApplication.clipboard().setText(text)
        tell(f"{len(frame)} rows copied")

    def _on_remove(self) -> None:
        chosen = {i.row() for i in self._view.selectionModel().selectedRows()}
        frame = self._session.results
        kept = [i for i in range(len(frame)) if i not in chosen]
        self._session.set_results(frame.iloc[kept].reset_index(drop=True))

    def _on_results_changed(self) -> None:
        text = "No rows yet."
        if self._session.has_results:
            text = f"{len(self._session.results)} rows"
        if self._session.has_results or self._model.rowCount():
            self._model.set_frame(self._session.results)
            self._view.scrollToBottom()
        self._message.show_message(text, warning=False)
