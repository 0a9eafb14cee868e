"""Examination: all muscles of a person at a visit against healthy people."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QApplication,
    QLabel,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qdebounced

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _exam_work as work
from napari_muscle_us._napari.panels._exam_grid import Grid, save_table, table_text
from napari_muscle_us._napari.panels._exam_source import SourceBox
from napari_muscle_us._napari.panels._exam_texts import (
    COLUMNS,
    COUNT_COLUMNS,
    count_lines,
    decision_html,
    exam_line,
    note_of,
    shared_warnings,
    side_text,
)
from napari_muscle_us._napari.panels._exam_views import KINDS, page, scrolling
from napari_muscle_us._napari.panels._plot import PlotHolder
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

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us.reference.examination.examination import Examination

_REFRESH_MS: Final = 60
_REST_MS: Final = 150
_DISCLAIMER: Final = "Decision support, not a diagnosis"
_TABS: Final[tuple[tuple[str, str], ...]] = (
    ("Bars", "A bar for each Z-score."),
    ("Body map", "Where the muscles are, coloured by Z-score."),
    ("Decision", "What the published rule makes of the Z-scores, step by step."),
    ("Counts", "How many muscles lie beyond Z-scores of 1.0 to 3.5."),
)


class ExaminationPanel(LivePanel):
    """Compares all measured muscles of a person with a reference set."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._found: work.Examined | None = None
        self._source = SourceBox(self._session, with_visit=True)
        self._told = MessageLabel()
        self._message = MessageLabel()
        self._grid = Grid(COLUMNS)
        self._note = MessageLabel()
        self._bars = PlotHolder[Any](_make_bars)
        self._body = PlotHolder[Any](self._make_body)
        self._pointed, self._missing = QLabel(" "), MessageLabel()
        self._decision = QLabel()
        self._counts = Grid(COUNT_COLUMNS)
        self._sides = MessageLabel()
        self._tabs = QTabWidget()
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self._later = qdebounced(self.refresh, timeout=_REST_MS, parent=self)
        self._connect()

    def _lay_out(self) -> None:
        self._pointed.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._decision.setTextFormat(Qt.TextFormat.RichText)
        self._decision.setWordWrap(True)
        self._decision.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._decision.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        disclaimer = QLabel(f"<b>{_DISCLAIMER}</b>")
        disclaimer.setAlignment(Qt.AlignmentFlag.AlignCenter)
        pages = (
            (self._bars,),
            (self._body, self._pointed, self._missing),
            (scrolling(self._decision), disclaimer),
            (self._counts.view, self._sides),
        )
        for number, ((title, tip), widgets) in enumerate(
            zip(_TABS, pages, strict=True)
        ):
            self._tabs.addTab(page(*widgets), title)
            self._tabs.setTabToolTip(number, tip)
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._splitter.addWidget(page(self._grid.view, self._note))
        self._splitter.addWidget(self._tabs)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setSizes([200, 340])
        # Few lines, each as high as the names of its muscles need.
        self._counts.wrap()
        layout = QVBoxLayout(self)
        layout.addWidget(self._source)
        layout.addWidget(self._told)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._message)
        # Keeps all at the top while there is nothing to show.
        layout.addStretch()
        layout.addLayout(
            button_row(
                (
                    "Add to results",
                    "Add the Z-scores as rows; those added before for the same "
                    "subject, visit, muscle and side are replaced.",
                    self._on_add,
                ),
                ("Copy", "Copy the table, tab-separated, all digits.", self._on_copy),
                (
                    "Save…",
                    "Save the table as CSV, or the plot in front (else the bars) as "
                    "PNG, PDF or SVG.",
                    self._on_save,
                ),
            )
        )

    def _connect(self) -> None:
        session = self._session
        session.results_changed.connect(self._on_changed)
        session.subject_changed.connect(self._on_changed)
        session.layers_changed.connect(self._on_changed)
        session.viewer.events.theme.connect(self._on_theme)
        self._source.changed.connect(self.refresh)
        self._grid.view.selectionModel().selectionChanged.connect(self._show_note)
        self._on_theme()

    def _on_changed(self, *_: object) -> None:
        if self.can_be_seen():
            self._later()

    def _on_theme(self, event: object = None) -> None:
        if not isalive(self):
            return
        colour = text_colour(self._session.viewer)
        for plot in (self._bars, self._body):
            plot.set_foreground(colour)

    def _make_body(self) -> QWidget:
        from napari_muscle_us._napari.panels._exam_plots import BodyPlot

        plot = BodyPlot()
        plot.pointed.connect(self._on_pointed)
        plot.clicked.connect(self._on_clicked)
        plot.missing_changed.connect(self._on_missing)
        return plot

    @property
    def source(self) -> SourceBox:
        """The choice of values, person and visit."""
        return self._source

    def value(self) -> Examination | None:
        """Return the shown examination, ``None`` without one."""
        return None if self._found is None else self._found.examination

    def show_tab(self, title: str) -> None:
        """Bring bars, body map, decision or counts to the front."""
        self._tabs.setCurrentIndex([name for name, _ in _TABS].index(title))

    def refresh(self) -> None:
        """Examine what the table holds now."""
        if not self._session.is_open:
            return
        self._found = None
        message, told = work.HINT, ""
        warning = False
        try:
            source = self._source.value()
            if source is not None:
                self._found = work.examined(self._session, source)
        except MuscleUSError as error:
            message, warning = str(error), True
        if self._found is not None:
            message, warning = work.warnings_text(self._found), True
            told = work.told_line(self._session, self._found.person)
        self._told.show_message(told, warning=False)
        self._message.show_message(message, warning=warning)
        self._show(self.value())

    def _show(self, examination: Examination | None) -> None:
        muscles = examination.muscles if examination else ()
        shared = shared_warnings(examination) if examination else ()
        self._splitter.setVisible(examination is not None)
        # Else each line would ask for the note of a line that is gone.
        with QSignalBlocker(self._grid.view.selectionModel()):
            self._grid.model.set_lines([exam_line(m, shared) for m in muscles])
        self._bars.set_value(examination)
        self._body.set_value(examination)
        self._decision.setText(decision_html(examination) if examination else "")
        self._counts.model.set_lines(count_lines(examination) if examination else [])
        sides = side_text(examination) if examination else ""
        self._sides.show_message(sides, warning=False)
        self._show_note()

    def _show_note(self, *_: object) -> None:
        """Show the note of the selected line whole."""
        line, examination = self._grid.selected(), self.value()
        note = ""
        if line is not None and examination is not None:
            shared = shared_warnings(examination)
            note = note_of(examination.muscles[line], shared)
        self._note.show_message(note, warning=False)

    def _on_pointed(self, words: str) -> None:
        self._pointed.setText(words or " ")

    def _on_missing(self, sentence: str) -> None:
        self._missing.show_message(sentence, warning=False)

    def _on_clicked(self, muscle: str, side: str) -> None:
        examination = self.value()
        for line, one in enumerate(examination.muscles if examination else ()):
            if (one.muscle, one.side) == (muscle, side):
                self._grid.select(line)

    def _found_or_refuse(self) -> work.Examined:
        self.refresh()
        if self._found is None:
            raise MeasureError("There is no examination yet; see the message below.")
        return self._found

    def add(self) -> None:
        """Add the Z-scores to the results, in place of those added before.

        Raises
        ------
        MuscleUSError
            If there is none, or they come from a spreadsheet.
        """
        found = self._found_or_refuse()
        self._session.set_results(work.with_rows(self._session, found))

    def save(self, path: str) -> None:
        """Write the table as CSV, or the plot in front as a picture.

        Raises
        ------
        MuscleUSError
            If there is no examination, or the file cannot be written.
        """
        found = self._found_or_refuse()
        if path.lower().endswith(".csv"):
            save_table(work.told_table(found), path)
            return
        from napari_muscle_us._napari.panels import _exam_plots

        body = _TABS[self._tabs.currentIndex()][0] == "Body map"
        save = _exam_plots.save_body if body else _exam_plots.save_bars
        save(found.examination, path)

    def _on_add(self) -> None:
        if report(self.add):
            tell("Z-scores added to the results")

    def _on_copy(self) -> None:
        report(self._copy)

    def _copy(self) -> None:
        table = work.told_table(self._found_or_refuse())
        QApplication.clipboard().setText(table_text(table, sep="\t"))
        tell(f"{len(table)} rows copied")

    def _on_save(self) -> None:
        path = ask_save_path(self, "Save examination", "examination.csv", KINDS)
        if path and report(partial(self.save, path)):
            tell_saved(path)


def _make_bars() -> QWidget:
    from napari_muscle_us._napari.panels._exam_plots import BarsPlot, ScrolledPlot

    return ScrolledPlot(BarsPlot())
