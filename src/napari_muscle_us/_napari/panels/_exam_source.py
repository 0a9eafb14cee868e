"""Where the values of an examination come from, and of whom and when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_muscle_us._napari.panels._sheet_combo import NO_BOOK, Book, SheetCombo
from napari_muscle_us._napari.panels._widgets import report
from napari_muscle_us.measure.repeats import REPEAT_RULES, RepeatRule

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.model import ReferenceSet

_RULES: Final[dict[RepeatRule, str]] = {
    "mean": "Mean of the images' means",
    "mean_rounded": "… rounded to an integer",
    "radboud": "As the Radboud workflow: without black pixels, rounded",
}
_NO_CODE: Final = "(no code)"
_NO_VISIT: Final = "(no name)"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What is examined.

    Attributes
    ----------
    table : DataFrame
        Results table, or a tidy table of people.
    sheet : str
        Name of the spreadsheet, and of its sheet where there are several; empty for
        the results table.
    code, visit : str
        Of whom, and when.
    visits : tuple of str
        All visits of this person.
    rule : {"mean", "mean_rounded", "radboud"}
        How images are averaged.
    n_codes : int
        How many people the table holds.
    """

    table: pd.DataFrame
    sheet: str
    code: str
    visit: str
    visits: tuple[str, ...]
    rule: RepeatRule
    n_codes: int


class SourceBox(QWidget):
    """Chooses results or a spreadsheet, the person, the visit and the average."""

    changed = Signal()

    def __init__(self, session: Session, *, with_visit: bool) -> None:
        super().__init__()
        self._session = session
        self._sheet: tuple[str, pd.DataFrame] | None = None
        self._book = NO_BOOK
        self._pairs: list[tuple[str, str]] = []
        self._listed: tuple[object, str] | None = None
        self._name = QLabel()
        self._back = QPushButton("Results table")
        self._sheets = SheetCombo()
        self._subject, self._visit, self._rule = _combo(), _combo(), _combo()
        for rule in REPEAT_RULES:
            self._rule.addItem(_RULES[rule], rule)
        self._with_visit = with_visit
        self._lay_out()
        self._sheets.textActivated.connect(self._on_sheet)
        self._subject.currentIndexChanged.connect(self._on_subject)
        for combo in (self._visit, self._rule):
            combo.currentIndexChanged.connect(self._on_chosen)

    def _lay_out(self) -> None:
        self._name.setToolTip("Where the values come from.")
        self._back.setToolTip("Take the values of the panel Results again.")
        self._back.clicked.connect(self.use_results)
        browse = QPushButton("Spreadsheet…")
        browse.setToolTip(
            "Take values from a CSV or XLSX file with columns such as subject, "
            "muscle, side, echo intensity, and perhaps visit, age, sex, height, weight."
        )
        browse.clicked.connect(self._on_browse)
        self._subject.setToolTip("Code of the person.")
        self._visit.setToolTip("Visit of the person.")
        self._rule.setToolTip(
            "How several images of a muscle and side become one value, as in the "
            "panel Repeats. CV and SD are never rounded."
        )
        source = QHBoxLayout()
        source.addWidget(self._name, 1)
        source.addWidget(self._back)
        source.addWidget(browse)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.addRow("Values", source)
        self._form.addRow("Sheet", self._sheets)
        self._show_sheets(NO_BOOK)
        self._form.addRow("Subject", self._subject)
        self._form.addRow("Visit", self._visit)
        self._form.addRow("Average", self._rule)

    def value(self) -> Source | None:
        """Return what is examined, ``None`` where there is nothing.

        Raises
        ------
        MuscleUSError
            If the table cannot be used.
        """
        self._fill()
        if not self._pairs:
            return None
        code = self._subject.currentData()
        visits = tuple(visit for one, visit in self._pairs if one == code)
        return Source(
            self._table(),
            "" if self._sheet is None else self._sheet[0],
            code,
            self._visit.currentData(),
            visits,
            self.rule,
            len({one for one, _ in self._pairs}),
        )

    @property
    def rule(self) -> RepeatRule:
        """How images are averaged."""
        return REPEAT_RULES[self._rule.currentIndex()]

    def set_rule(self, rule: RepeatRule) -> None:
        """Average by another rule."""
        self._rule.setCurrentIndex(REPEAT_RULES.index(rule))

    def choose(self, code: str, visit: str | None = None) -> None:
        """Choose a person, and a visit."""
        self._fill()
        self._subject.setCurrentIndex(self._subject.findData(code))
        if visit is not None:
            self._visit.setCurrentIndex(self._visit.findData(visit))

    def use_results(self) -> None:
        """Take the values of the results table."""
        self._sheet = None
        self._show_sheets(NO_BOOK)
        self.changed.emit()

    def use_spreadsheet(self, path: str, sheet: str = "") -> None:
        """Take the values of a CSV or XLSX file.

        Parameters
        ----------
        path : str
            The file.
        sheet : str, default: ""
            Sheet of a workbook. Where several hold something and none is named, they
            are offered, and the values stay those of before until one is chosen.

        Raises
        ------
        MuscleUSError
            If it cannot be read or understood; then all stays as it was.
        """
        from napari_muscle_us.io.spreadsheet import read_spreadsheet, sheet_names
        from napari_muscle_us.reference.examination.examination import (
            persons_and_visits,
        )
        from napari_muscle_us.reference.people.people_table import tidy_people

        names = sheet_names(path)
        book = Book(path, names if len(names) > 1 else (), sheet)
        if book.sheets and not sheet:
            self._show_sheets(book)
            return
        table = tidy_people(read_spreadsheet(path, sheet=sheet or None))
        persons_and_visits(table)
        self._sheet = (book.label, table)
        self._show_sheets(book)
        self.changed.emit()

    def _show_sheets(self, book: Book) -> None:
        self._book = book
        self._sheets.set_book(book)
        self._form.setRowVisible(self._sheets, bool(book.sheets))

    def _on_sheet(self, sheet: str) -> None:
        before = self._book
        if not report(partial(self.use_spreadsheet, before.path, sheet)):
            self._show_sheets(before)

    def _table(self) -> pd.DataFrame:
        return self._session.results if self._sheet is None else self._sheet[1]

    def _fill(self) -> None:
        """Show the people and visits that the table has now."""
        name = "Results table" if self._sheet is None else self._sheet[0]
        self._name.setText(name)
        self._name.setToolTip(f"The values come from: {name}.")
        self._back.setVisible(self._sheet is not None)
        try:
            self._list_pairs()
        finally:
            codes = list(dict.fromkeys(code for code, _ in self._pairs))
            _refill(self._subject, codes, _NO_CODE)
            self._fill_visits()
            self._form.setRowVisible(self._subject, len(codes) > 1)

    def _list_pairs(self) -> None:
        from napari_muscle_us.reference.examination.examination import (
            persons_and_visits,
        )

        table = self._table()
        known = self._listed
        if known is not None and known[0] is table and known[1] == self.rule:
            return
        self._pairs, self._listed = [], None
        if self._sheet is not None or self._session.has_results:
            self._pairs = persons_and_visits(table, rule=self.rule)
        self._listed = (table, self.rule)

    def _fill_visits(self) -> None:
        code = self._subject.currentData()
        visits = [visit for one, visit in self._pairs if one == code]
        _refill(self._visit, visits, _NO_VISIT)
        self._form.setRowVisible(self._visit, self._with_visit and len(visits) > 1)

    def _on_subject(self) -> None:
        self._fill_visits()
        self.changed.emit()

    def _on_chosen(self) -> None:
        self.changed.emit()

    def _on_browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a spreadsheet", "", "Spreadsheet (*.csv *.tsv *.txt *.xlsx)"
        )
        if path:
            report(partial(self.use_spreadsheet, path))


def _combo() -> QComboBox:
    combo = QComboBox()
    # A long text must not widen the panel.
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(12)
    return combo


def _refill(combo: QComboBox, labels: list[str], blank: str) -> None:
    """Offer other labels, keeping the chosen one if it is still there."""
    shown = [combo.itemData(i) for i in range(combo.count())]
    if shown == labels:
        return
    chosen = combo.currentData()
    with QSignalBlocker(combo):
        combo.clear()
        for label in labels:
            combo.addItem(label or blank, label)
        combo.setCurrentIndex(labels.index(chosen) if chosen in labels else 0)


def load_shared(session: Session) -> tuple[ReferenceSet, DeviceConversion | None]:
    """Return the reference set and the device conversion that the session uses.

    Raises
    ------
    MuscleUSError
        If one of them cannot be read.
    """
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion
    from napari_muscle_us.reference.load import load_reference

    conversion = load_conversion(session.conversion) if session.conversion else None
    return load_reference(session.reference), conversion
