"""Grayscale histogram of the selected region, live while it is dragged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QInputDialog,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._histogram_curves import PlotContent, names_apart
from napari_muscle_us._napari.panels._histogram_extras import ExtrasBox
from napari_muscle_us._napari.panels._histogram_fat import fat_of
from napari_muscle_us._napari.panels._histogram_fat_box import FatBox
from napari_muscle_us._napari.panels._histogram_flags import FlagLine, FlagList
from napari_muscle_us._napari.panels._histogram_later import SlowFacts
from napari_muscle_us._napari.panels._histogram_live import LiveCurves
from napari_muscle_us._napari.panels._histogram_rows import rows_of
from napari_muscle_us._napari.panels._histogram_table import Heading, HistogramTable
from napari_muscle_us._napari.panels._histogram_text import (
    numbers_and_counts,
    save_counts,
)
from napari_muscle_us._napari.panels._pages import scrolled
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    Section,
    ask_save_path,
    report,
    tell,
    tell_saved,
    text_colour,
    widget_row,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us._napari.panels._histogram_curves import Curve
    from napari_muscle_us._napari.panels._histogram_rows import Row
    from napari_muscle_us.measure.intensity import IntensityStatistics

    NamedStatistics = tuple[str, "IntensityStatistics"]

_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

_DIFFERENCE: Final = "b − a"


class HistogramPanel(LivePanel):
    """Shows histogram and numbers of the selected ROI, or of several, overlaid."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._all = QCheckBox("All ROIs")
        self._log = QCheckBox("Log")
        self._cumulative = QCheckBox("Cumulative")
        self._plot = PlotHolder[PlotContent](_make_plot)
        self._table = HistogramTable()
        self._flags = FlagList()
        self._extras = ExtrasBox()
        self._fat_box = FatBox()
        self._fat = fat_of(self._session)
        self._slow = SlowFacts(self)
        self._live = LiveCurves(self._session, self._slow)
        self._kept: list[Curve] = []
        self._ever_kept = 0
        self._curves: list[Curve] = []
        self._lay_out()
        self._connect()
        self._on_theme()
        self._on_options()

    def _lay_out(self) -> None:
        self._all.setToolTip("Show every ROI of the image, each in its own colour.")
        self._log.setToolTip("Draw counts on a log scale, so that rare levels show.")
        self._cumulative.setToolTip(
            "Add a curve: how many % of the pixels are up to this bright."
        )
        keep = (
            "Keep for comparison",
            "Keep the shown histograms as they are now, dashed, to set another ROI, "
            "image or visit against them. Double-click a title to rename it.",
            self._on_keep,
        )
        clear = ("Clear", "Forget the kept histograms.", self._on_clear)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (
            self._table,
            Section("More measures", self._extras, opened=False),
            Section("Fat: ratio and correction", self._fat_box, opened=False),
        ):
            column.addWidget(part)
        column.addStretch(1)
        scroll = scrolled(inside)
        layout = QVBoxLayout(self)
        layout.addWidget(widget_row(self._all, self._log, self._cumulative))
        layout.addWidget(self._plot, 2)
        layout.addWidget(widget_row(keep, clear))
        layout.addWidget(scroll, 5)
        layout.addWidget(self._flags)
        layout.addWidget(
            widget_row(
                ("List", "Show the counts of all 256 gray levels.", self._on_list),
                ("Copy", "Copy the numbers and the counts, tab-separated.", self._copy),
                ("Save CSV…", "Save the counts of all 256 gray levels.", self._on_csv),
                ("Save plot…", "Save the plot as PNG or SVG.", self._on_plot),
            )
        )

    def _connect(self) -> None:
        for box in (self._all, self._log, self._cumulative):
            box.toggled.connect(self.refresh_soon)
        self._extras.changed.connect(self._on_extras)
        self._fat_box.changed.connect(self._on_fat)
        self._table.title_double_clicked.connect(self._on_title)
        self._slow.found.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._session.options_changed.connect(self._on_options)
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
            self._fat.changed,
        ):
            signal.connect(self.refresh_soon)

    def value(self) -> list[NamedStatistics]:
        """Return the statistics of the shown regions by name, without kept ones."""
        return [(c.name, c.stats) for c in self._curves if not c.kept]

    def rows(self) -> list[Row]:
        """Return the rows of the table."""
        return rows_of(self._curves, self._session.options)

    def refresh(self) -> None:
        """Show the histograms as they are now."""
        live = self._live.curves(everything=self._all.isChecked())
        self._curves = [*self._kept, *live]
        self._plot.set_value(
            PlotContent(
                tuple(self._curves), self._log.isChecked(), self._cumulative.isChecked()
            )
        )
        self._table.set_rows(self.rows(), self._headings())
        self._table.setVisible(bool(self._curves))
        self._flags.set_lines(self._said())
        self._fat_box.set_state(
            self._fat.choice,
            self._session.regions(),
            self._session.options.fat,
            self._fat.problem,
        )

    def _headings(self) -> list[Heading]:
        names = names_apart(self._curves)
        headings = []
        for name, curve in zip(names, self._curves, strict=True):
            kept = "\nKept; double-click to rename it." if curve.kept else ""
            headings.append(Heading(name, curve.colour, f"{name}, {curve.place}{kept}"))
        if len(names) == 2:
            tip = f"Second column minus first: {names[1]} minus {names[0]}."
            headings.append(Heading(_DIFFERENCE, "", tip))
        return headings

    def _said(self) -> list[FlagLine]:
        try:
            self._session.image()
        except MuscleUSError as error:
            return [FlagLine(str(error), kind="plain")]
        # Whole, since a column is too narrow for the name of an image.
        kept = [FlagLine(f"Kept, dashed: {c.title}", kind="plain") for c in self._kept]
        return [*self._live.flags(), *kept]

    def _on_theme(self, event: object = None) -> None:
        self._plot.set_foreground(text_colour(self._session.viewer))

    def _on_options(self) -> None:
        self._extras.set_options(self._session.options)
        self.refresh_soon()

    def _on_extras(self, changes: dict[str, Any]) -> None:
        report(lambda: self._session.set_options(**changes))

    def _on_fat(self, changes: dict[str, Any]) -> None:
        report(lambda: self._fat.choose(**changes))

    def _on_keep(self) -> None:
        report(self.keep)

    def keep(self) -> None:
        """Keep the shown histograms for comparison.

        Raises
        ------
        MuscleUSError
            If there is none.
        """
        self._shown_or_refuse()
        for curve in self._curves:
            if not curve.kept and not any(curve.is_same(kept) for kept in self._kept):
                self._kept.append(curve.keep(self._ever_kept))
                self._ever_kept += 1
        self.refresh()

    def _on_clear(self) -> None:
        self._kept.clear()
        self._ever_kept = 0
        self.refresh()

    def _on_title(self, column: int) -> None:
        if column >= len(self._kept):
            return
        kept = self._kept[column]
        ask = "Say what it is, such as visit 1 (no person's name):"
        text, ok = QInputDialog.getText(self, "Rename", ask, text=kept.place)
        if ok and text.strip():
            self._kept[column] = replace(kept, place=text.strip())
            self.refresh()

    def _on_list(self) -> None:
        report(self._show_list)

    def _show_list(self) -> None:
        from napari_muscle_us._napari.panels._histogram_list import ListDialog

        ListDialog(self._shown_or_refuse(), self).show()

    def _copy(self) -> None:
        report(self._copy_shown)

    def _copy_shown(self) -> None:
        curves = self._shown_or_refuse()
        difference = _DIFFERENCE if len(curves) == 2 else ""
        text = numbers_and_counts(curves, self.rows(), difference=difference)
        QApplication.clipboard().setText(text)
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
        """Write gray level and count, a column a region, kept ones first.

        Raises
        ------
        MuscleUSError
            If there is no histogram, or the folder cannot be written to.
        """
        save_counts(self._shown_or_refuse(), path)

    def save_plot(self, path: str) -> None:
        """Write the plot as PNG or SVG.

        Raises
        ------
        MuscleUSError
            If there is no histogram, or the file cannot be written.
        """
        self._shown_or_refuse()
        self._plot.plot().save(path)

    def _shown_or_refuse(self) -> list[Curve]:
        if not self._curves:
            raise MeasureError("There is no histogram yet; draw an ROI on the muscle.")
        return self._curves


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._histogram_plot import HistogramPlot

    return HistogramPlot()
