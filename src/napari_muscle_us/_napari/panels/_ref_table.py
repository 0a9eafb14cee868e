"""First step of reference values: the table of healthy controls."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _ref_work as work
from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us._napari.panels._ref_columns import ColumnsGrid
from napari_muscle_us._napari.panels._ref_measure import MeasureCombo
from napari_muscle_us._napari.panels._ref_models import PeopleModel
from napari_muscle_us._napari.panels._ref_words import count_words
from napari_muscle_us._napari.panels._sheet_combo import Book, SheetCombo
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    Section,
    table_view,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

_FILES: Final = "Tables (*.csv *.tsv *.txt *.xlsx);;All files (*)"
_START: Final = (
    "Open a table of healthy controls: one row a value with subject code, muscle, "
    "value and, as far as known, side, age, sex, height, weight; or one row a person "
    "with a column for each muscle."
)


class SourceRow(QWidget):
    """Names a table, with its sheets where it has several."""

    sheet_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._title = QLabel()
        self._sheets = SheetCombo()
        self._sheets.textActivated.connect(self.sheet_chosen.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widget_row(self._title, self._sheets))
        self.show_table(None)

    def show_table(self, opened: work.Opened | None) -> None:
        """Show another table, or none."""
        self.setVisible(opened is not None)
        if opened is None:
            return
        self._title.setText(opened.title)
        self._sheets.setVisible(len(opened.sheets) > 1)
        book = Book(opened.path, opened.sheets, opened.sheet)
        self._sheets.set_book(book, named=False)


class TableStep(QWidget):
    """Reads a table of controls and shows how it was understood."""

    people_changed = Signal(object)
    """The controls, ``None`` while there is no table that can be used."""
    results_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._values: work.Opened | None = None
        self._persons: work.Opened | None = None
        self._people: work.People | None = None
        self._opens_people = False
        self._job = BackgroundJob(self)
        self._source, self._person_source = SourceRow(), SourceRow()
        self._grid = ColumnsGrid()
        self._columns = Section("Which column is what", self._grid)
        self._measure = MeasureCombo()
        self._model = PeopleModel()
        self._view = table_view(self._model)
        self._view.setMinimumHeight(130)
        self._counts = QLabel()
        self._counts.setWordWrap(True)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._message = MessageLabel()
        self._lay_out()
        self._connect()
        self._show_state()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(
            widget_row(
                ("Open table…", "Open a CSV or XLSX file of controls.", self._on_open),
                (
                    "Use results",
                    "Take the values of the panel Results; add a sheet of people.",
                    self.results_wanted.emit,
                ),
            )
        )
        layout.addWidget(self._source)
        self._add_people = QPushButton("Add a sheet of people…")
        self._add_people.setToolTip(
            "Age, sex, height, weight and handedness from another table, by subject "
            "code."
        )
        layout.addWidget(self._add_people)
        layout.addWidget(self._person_source)
        layout.addWidget(self._columns)
        self._form = QWidget()
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Values are", self._measure)
        layout.addWidget(self._form)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)
        layout.addWidget(self._counts)
        layout.addWidget(self._view, 1)
        layout.addStretch()

    def _connect(self) -> None:
        self._add_people.clicked.connect(self._on_open_people)
        self._source.sheet_chosen.connect(self._on_sheet)
        self._person_source.sheet_chosen.connect(self._on_people_sheet)
        self._grid.changed.connect(self._make)
        self._measure.activated.connect(self._make)
        self._job.finished.connect(self._on_finished)
        self._job.running_changed.connect(self._progress.setVisible)
        self._progress.setVisible(False)

    def value(self) -> work.People | None:
        """Return the controls, ``None`` while there are none that can be used."""
        return self._people

    def open(self, path: str, sheet: str = "") -> None:
        """Read a spreadsheet of controls, in the background."""
        self._values = self._persons = None
        self._start_reading(path, sheet, people=False)

    def open_people(self, path: str, sheet: str = "") -> None:
        """Read a sheet of people to add, in the background."""
        self._persons = None
        self._start_reading(path, sheet, people=True)

    def use(self, opened: work.Opened) -> None:
        """Take a table that is in memory, such as the results."""
        self._job.cancel()
        self._persons = None
        self._take(opened)

    def refuse(self, sentence: str) -> None:
        """Say why there is no table."""
        self._set_people(None)
        self._message.show_message(sentence)

    def _start_reading(self, path: str, sheet: str, *, people: bool) -> None:
        self._opens_people = people
        self._set_people(None)
        self._message.show_message("")
        self._job.start(work.open_table, path, sheet)

    def _take(self, opened: work.Opened) -> None:
        self._values = opened
        self._grid.set_table(opened, unsure(opened))
        self._measure.offer(opened.measures)
        self._make()

    def _make(self, *_: object) -> None:
        """Make our table of what is read and chosen, in the background."""
        if self._values is None or self._values.table is None:
            return
        self._set_people(None)
        self._message.show_message("")
        measure = self._measure.value()
        choice = self._grid.value(measure)
        self._job.start(work.make_people, self._values, choice, self._persons)

    def _on_finished(self, outcome: object) -> None:
        if isinstance(outcome, MuscleUSError):
            self.refuse(str(outcome))
        elif isinstance(outcome, work.People):
            self._set_people(outcome)
        elif isinstance(outcome, work.Opened):
            self._on_read(outcome)

    def _on_read(self, opened: work.Opened) -> None:
        if self._opens_people:
            self._persons = opened
        else:
            self._values = opened
        self._show_state()
        if opened.table is None:
            self.refuse(
                f"{opened.title!r} has {len(opened.sheets)} sheets; choose the one to "
                "read."
            )
        elif self._opens_people:
            self._make()
        else:
            self._take(opened)

    def _set_people(self, people: work.People | None) -> None:
        self._people = people
        self._model.set_table(None if people is None else people.of_measure())
        for column, width in enumerate(self._model.widths()):
            self._view.setColumnWidth(column, width)
        if people is not None:
            self._measure.offer(people.measures, people.measure)
            self._say_left_out()
        self._counts.setText("" if people is None else count_words(people))
        self._show_state()
        self.people_changed.emit(people)

    def _say_left_out(self) -> None:
        opened = [table for table in (self._values, self._persons) if table is not None]
        hidden = [repr(column) for table in opened for column in table.hidden]
        if hidden:
            self._message.show_message(
                f"{', '.join(hidden)} may tell who a person is and is never read.",
                warning=False,
            )

    def _show_state(self) -> None:
        """Show only what has a meaning now."""
        read = self._values is not None and self._values.table is not None
        self._source.show_table(self._values)
        self._person_source.show_table(self._persons)
        self._add_people.setVisible(read)
        self._columns.setVisible(
            read and self._values is not None and not self._values.is_results
        )
        self._form.setVisible(read)
        for widget in (self._counts, self._view):
            widget.setVisible(self._people is not None)
        if self._values is None and not self._job.running:
            self._message.show_message(_START, warning=False)

    def _on_sheet(self, sheet: str) -> None:
        if self._values is not None:
            self.open(self._values.path, sheet)

    def _on_people_sheet(self, sheet: str) -> None:
        if self._persons is not None:
            self.open_people(self._persons.path, sheet)

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open table", "", _FILES)
        if path:
            self.open(path)

    def _on_open_people(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open sheet of people", "", _FILES)
        if path:
            self.open_people(path)


def unsure(opened: work.Opened) -> dict[str, tuple[str, ...]]:
    """Return our names that several columns of a table fit equally well."""
    from napari_muscle_us.reference.people.people_columns import fitting_columns

    if opened.table is None or opened.is_results:
        return {}
    fitting = fitting_columns(map(str, opened.table.columns))
    return {name: found for name, found in fitting.items() if len(found) > 1}
