"""Grayscale histogram of the selected region, live while it is dragged."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._plot import PlotHolder, colour_of
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    ask_save_path,
    button_row,
    report,
    tell,
    tell_saved,
    text_colour,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.measure.intensity import GRAY_LEVELS
from napari_muscle_us.rows import coloured_note

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.measure.intensity import IntensityStatistics

NamedStatistics = tuple[str, "IntensityStatistics"]

_ROW_HEIGHT: Final = 20
_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

STATISTICS: Final = (
    ("N (pixels)", "n", "d"),
    ("Mean = EI (gray level)", "mean", ".3f"),
    ("SD, n − 1 (gray level)", "sd", ".3f"),
    ("Min (gray level)", "min", "d"),
    ("Max (gray level)", "max", "d"),
    ("Mode (gray level)", "mode", "d"),
    ("Mode count (pixels)", "mode_count", "d"),
    ("Median (gray level)", "median", "d"),
    ("Skewness", "skewness", ".4f"),
    ("Kurtosis (excess)", "kurtosis", ".4f"),
)


class HistogramPanel(LivePanel):
    """Shows histogram and numbers of the selected ROI, or of all, overlaid."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._all = QCheckBox("All ROIs, overlaid")
        self._plot = PlotHolder[list[NamedStatistics]](_make_plot)
        self._shown: list[NamedStatistics] = []
        self._table = QTableWidget(len(STATISTICS), 0)
        self._message = MessageLabel()
        self._lay_out()
        self._all.toggled.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._on_theme()
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
        ):
            signal.connect(self.refresh_soon)

    def _lay_out(self) -> None:
        self._table.setVerticalHeaderLabels([title for title, _, _ in STATISTICS])
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self._table.setMinimumHeight(_ROW_HEIGHT * (len(STATISTICS) + 2))
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.addWidget(self._all)
        layout.addWidget(self._plot, 2)
        layout.addWidget(self._table, 3)
        layout.addWidget(self._message)
        layout.addLayout(
            button_row(
                ("Copy", "Copy the numbers and the counts, tab-separated.", self._copy),
                ("Save CSV…", "Save the counts of all 256 gray levels.", self._on_csv),
                ("Save plot…", "Save the plot as PNG or SVG.", self._on_plot),
            )
        )

    def value(self) -> list[NamedStatistics]:
        """Return the shown statistics by ROI name."""
        return list(self._shown)

    def _on_theme(self, event: object = None) -> None:
        self._plot.set_foreground(text_colour(self._session.viewer))

    def refresh(self) -> None:
        """Show the histograms as they are now."""
        regions = self._session.chosen_regions(everything=self._all.isChecked())
        usable = [r for r in regions if r.window is not None]
        shown = [(r.name, self._session.statistics(r)) for r in usable]
        self._shown = shown
        self._plot.set_value(shown)
        self._fill_table(shown)
        self._message.show_message(self._caveat(regions), warning=bool(regions))

    def _caveat(self, regions: list[Region]) -> str:
        try:
            image = self._session.image()
        except MuscleUSError as error:
            return str(error)
        if not regions:
            return "Draw an ROI on the muscle in the panel Muscle ROIs."
        notes = []
        for region in regions:
            note = region.problem
            if region.window is not None:
                coloured = coloured_note(image, *region.window)
                note = coloured and f"{region.name}: {coloured}."
            notes.append(note)
        return " ".join(filter(None, notes))

    def _fill_table(self, shown: list[NamedStatistics]) -> None:
        if self._table.columnCount() != len(shown):
            self._table.setColumnCount(len(shown))
        for column, (name, stats) in enumerate(shown):
            self._table.setHorizontalHeaderItem(column, _header(name, column))
            for row, (_, attribute, form) in enumerate(STATISTICS):
                value = getattr(stats, attribute)
                missing = isinstance(value, float) and math.isnan(value)
                item = self._item(row, column)
                item.setText("–" if missing else format(value, form))
                item.setToolTip(stats.reason(attribute) if missing else "")

    def _item(self, row: int, column: int) -> QTableWidgetItem:
        item = self._table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            self._table.setItem(row, column, item)
        return item

    def _copy(self) -> None:
        report(self._copy_shown)

    def _copy_shown(self) -> None:
        shown = self._shown_or_refuse()
        names = [guard_formula(name) for name, _ in shown]
        lines = ["\t".join(["", *names])]
        for title, attribute, _ in STATISTICS:
            values = (repr(getattr(stats, attribute)) for _, stats in shown)
            lines.append("\t".join([title, *values]))
        for level in range(GRAY_LEVELS):
            counts = (str(stats.histogram[level]) for _, stats in shown)
            lines.append("\t".join([str(level), *counts]))
        QApplication.clipboard().setText("\n".join(lines))
        tell("Numbers and counts copied")

    def _on_csv(self) -> None:
        path = ask_save_path(self, "Save histogram", "histogram.csv", "CSV (*.csv)")
        if path and report(lambda: self.save_csv(path)):
            tell_saved(path)

    def _on_plot(self) -> None:
        kinds = "PNG (*.png);;SVG (*.svg)"
        path = ask_save_path(self, "Save plot", "histogram.png", kinds)
        if path and report(lambda: self.save_plot(path)):
            tell_saved(path)

    def save_csv(self, path: str) -> None:
        """Write gray level and count, a column a region.

        Raises
        ------
        MuscleUSError
            If there is no histogram, or the folder cannot be written to.
        """
        shown = self._shown_or_refuse()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["gray_level", *(guard_formula(name) for name, _ in shown)])
        for level in range(GRAY_LEVELS):
            writer.writerow([level, *(s.histogram[level] for _, s in shown)])
        with atomic_path(path) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")

    def save_plot(self, path: str) -> None:
        """Write the plot as PNG or SVG.

        Raises
        ------
        MuscleUSError
            If there is no histogram, or the file cannot be written.
        """
        self._shown_or_refuse()
        self._plot.plot().save(path)

    def _shown_or_refuse(self) -> list[NamedStatistics]:
        if not self._shown:
            raise MeasureError("There is no histogram yet; draw an ROI on the muscle.")
        return self._shown


def _header(name: str, column: int) -> QTableWidgetItem:
    """Return a column's title with the colour of its curve."""
    square = QPixmap(10, 10)
    square.fill(QColor(colour_of(column)))
    return QTableWidgetItem(QIcon(square), name)


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._histogram_plot import HistogramPlot

    return HistogramPlot()
