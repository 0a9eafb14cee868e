"""Follow-up: the visits of a person, and which change exceeds the measurement error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qdebounced

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _follow_work as work
from napari_muscle_us._napari.panels._exam_grid import Grid, save_table, table_text
from napari_muscle_us._napari.panels._exam_source import Source, SourceBox
from napari_muscle_us._napari.panels._exam_views import KINDS, page
from napari_muscle_us._napari.panels._follow_visits import VisitsBox
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    Section,
    ask_save_path,
    button_row,
    report,
    tell,
    tell_saved,
    text_colour,
    widget_row,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us.reference.examination.follow_up import FollowUp, Sem

_REFRESH_MS: Final = 60
_REST_MS: Final = 150
_QUANTITIES: Final = (("Echo intensity", "ei"), ("Z-score", "z"))
_SINCE: Final = (("since the first visit", True), ("since the visit before", False))


class FollowUpPanel(LivePanel):
    """Compares the visits of a person with healthy people and with each other."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._found: work.Followed | None = None
        self._source = SourceBox(self._session, with_visit=False)
        self._visits = VisitsBox()
        self._sem = QLineEdit()
        self._own = QCheckBox("from the repeated images")
        self._quantity, self._since = QComboBox(), QComboBox()
        for combo, entries in ((self._quantity, _QUANTITIES), (self._since, _SINCE)):
            for text, data in entries:
                combo.addItem(text, data)
        self._sem_used = MessageLabel()
        self._plot = PlotHolder[Any](_make_plot)
        self._grid = Grid(work.COLUMNS)
        self._note, self._message = MessageLabel(), MessageLabel()
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self._later = qdebounced(self.refresh, timeout=_REST_MS, parent=self)
        self._connect()

    def _lay_out(self) -> None:
        self._sem.setPlaceholderText("gray levels")
        self._sem.setToolTip(
            "Standard error of measurement of one value, in gray levels: used where "
            "the reference set tells none."
        )
        self._own.setToolTip(
            "Estimate it from the repeated images of the table: used where neither the "
            "set nor you tell one. It does not hold what differs between days."
        )
        self._quantity.setToolTip("What the plots show.")
        self._since.setToolTip("With which visit each one is compared.")
        self._inputs = Section(
            "Visits and measurement error",
            self._visits,
            widget_row(_label("SEM", self._sem), self._sem, self._own),
        )
        self._choice = widget_row(self._quantity, self._since)
        self._splitter.addWidget(page(self._choice, self._plot, grows=1))
        self._splitter.addWidget(page(self._grid.view, self._note))
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setSizes([300, 200])
        layout = QVBoxLayout(self)
        layout.addWidget(self._source)
        self._inputs.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum
        )
        layout.addWidget(self._inputs)
        layout.addWidget(self._sem_used)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._message)
        # Keeps all at the top while there is nothing to show.
        layout.addStretch()
        layout.addLayout(
            button_row(
                ("Copy", "Copy the table, tab-separated, all digits.", self._on_copy),
                (
                    "Save…",
                    "Save the table as CSV, or the plots as PNG, PDF or SVG.",
                    self._on_save,
                ),
            )
        )

    def _connect(self) -> None:
        session = self._session
        for signal in (
            session.results_changed,
            session.subject_changed,
            session.layers_changed,
        ):
            signal.connect(self._on_changed)
        session.viewer.events.theme.connect(self._on_theme)
        self._source.changed.connect(self.refresh)
        self._visits.changed.connect(self.refresh)
        self._sem.textChanged.connect(self._on_changed)
        self._own.toggled.connect(self.refresh)
        for combo in (self._quantity, self._since):
            combo.currentIndexChanged.connect(self._on_shown_otherwise)
        self._grid.view.selectionModel().selectionChanged.connect(self._show_note)
        self._on_theme()

    def _on_changed(self, *_: object) -> None:
        if self.can_be_seen():
            self._later()

    def _on_shown_otherwise(self, *_: object) -> None:
        self._show()

    def _on_theme(self, event: object = None) -> None:
        if not isalive(self):
            return
        self._plot.set_foreground(text_colour(self._session.viewer))

    @property
    def source(self) -> SourceBox:
        """The choice of values and person."""
        return self._source

    @property
    def visits(self) -> VisitsBox:
        """The order of the visits, and the ages."""
        return self._visits

    def value(self) -> FollowUp | None:
        """Return the shown follow-up, ``None`` without one."""
        return None if self._found is None else self._found.follow_up

    def set_sem(self, text: str, *, own: bool = False) -> None:
        """Type a measurement error, and say whether to estimate one."""
        self._sem.setText(text)
        self._own.setChecked(own)
        self.refresh()

    def set_shown(self, quantity: str, *, first: bool = True) -> None:
        """Show ``"ei"`` or ``"z"``, compared with the first or previous visit."""
        self._quantity.setCurrentIndex([q for _, q in _QUANTITIES].index(quantity))
        self._since.setCurrentIndex(0 if first else 1)

    def refresh(self) -> None:
        """Compare what the table holds now."""
        if not self._session.is_open:
            return
        self._found = None
        message, warning = work.HINT, False
        try:
            source = self._source.value()
            several = source is not None and len(source.visits) > 1
            self._inputs.setVisible(several)
            if source is not None:
                message = work.ONE_VISIT
                self._found = self._follow(source)
        except MuscleUSError as error:
            message, warning = str(error), True
        if self._found is not None:
            message, warning = work.warnings_text(self._found), True
        self._message.show_message(message, warning=warning)
        self._show()

    def _follow(self, source: Source) -> work.Followed | None:
        people, told, doubts = work.people_at(self._session, source)
        self._visits.set_visits(source.code, people, told)
        if len(source.visits) < 2:
            return None
        return work.followed(
            self._session,
            source,
            self._visits.value(),
            doubts,
            sem=work.typed_sem(self._sem.text()),
            own=self._own_sem(source),
        )

    def _own_sem(self, source: Source) -> Sem | None:
        if not self._own.isChecked():
            return None
        from napari_muscle_us.reference.examination.follow_up import sem_from_repeats

        return sem_from_repeats(source.table)

    def _show(self) -> None:
        found = self.value()
        first = bool(self._since.currentData())
        self._splitter.setVisible(found is not None)
        used = "" if found is None else work.sem_text(found)
        self._sem_used.show_message(used, warning=False)
        # Else each line would ask for the note of a line that is gone.
        with QSignalBlocker(self._grid.view.selectionModel()):
            self._grid.model.set_lines(
                [] if found is None else work.lines(found, first=first)
            )
        self._plot.set_value((self._found, self._quantity.currentData(), first))
        self._show_note()

    def _show_note(self, *_: object) -> None:
        """Show what is to be known of the selected line."""
        line, found = self._grid.selected(), self.value()
        note = ""
        if line is not None and found is not None:
            note = work.note_of(found, line)
        self._note.show_message(note, warning=False)

    def _found_or_refuse(self) -> work.Followed:
        self.refresh()
        if self._found is None:
            raise MeasureError("There is no follow-up yet; see the message below.")
        return self._found

    def save(self, path: str) -> None:
        """Write the table as CSV, or the plots as a picture.

        Raises
        ------
        MuscleUSError
            If there is no follow-up, or the file cannot be written.
        """
        found = self._found_or_refuse()
        if path.lower().endswith(".csv"):
            save_table(work.told_table(found), path)
            return
        from napari_muscle_us._napari.panels import _follow_draw, _follow_plot

        shown = (self._quantity.currentData(), bool(self._since.currentData()))
        _follow_plot.save_follow_up(_follow_draw.FollowContent(found, *shown), path)

    def _on_copy(self) -> None:
        report(self._copy)

    def _copy(self) -> None:
        table = work.told_table(self._found_or_refuse())
        QApplication.clipboard().setText(table_text(table, sep="\t"))
        tell(f"{len(table)} rows copied")

    def _on_save(self) -> None:
        path = ask_save_path(self, "Save follow-up", "follow-up.csv", KINDS)
        if path and report(partial(self.save, path)):
            tell_saved(path)


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    label.setToolTip(buddy.toolTip())
    return label


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._exam_plots import ScrolledPlot
    from napari_muscle_us._napari.panels._follow_plot import FollowPlot

    return ScrolledPlot(FollowPlot())
