"""What pages share that show numbers of ROIs as a table, a column for each ROI."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QScrollArea, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._pages import scrolled
from napari_muscle_us._napari.panels._table_actions import TableActions
from napari_muscle_us._napari.panels._texture_shown import ShownRegions
from napari_muscle_us._napari.panels._texture_table import TextureTable
from napari_muscle_us._napari.panels._widgets import MessageLabel, Section, report
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._measure_work import Plan
    from napari_muscle_us._napari.panels._texture_columns import Column, Row

S = TypeVar("S")
"""Settings of the numbers; they never change, and equal ones give equal numbers."""

_SIDES: Final = 1


class Form(Protocol[S]):
    """Widget in which settings are made."""

    value_changed: Any

    def value(self) -> S:
        """Return the settings, or say why they are not possible."""

    def set_value(self, settings: S, /) -> None:
        """Show other settings."""


class TableWords(NamedTuple):
    """What a page says of its numbers, and as which option they are measured."""

    option: str
    numbers: str
    sides: tuple[str, ...]
    sides_tip: str
    every_tip: str
    add_tip: str


class TablePage(QWidget, Generic[S]):
    """Numbers of the ROIs by the settings in hand, kept ROIs among them.

    A page says how its numbers are computed and what becomes columns; all pages choose
    the ROIs, keep, copy, save and measure them alike.
    """

    refresh_wanted = Signal()

    def __init__(self, session: Session, form: Form[S], words: TableWords) -> None:
        super().__init__()
        self._session = session
        self._option = words.option
        self.form = form
        self.settings_section = Section("Settings", form, opened=False)
        self.sides = QComboBox()
        self.sides.addItems(words.sides)
        self.sides.setToolTip(words.sides_tip)
        self._message = MessageLabel()
        self.table = TextureTable()
        self.every = QCheckBox("With every measurement of the panel Results")
        self.every.setToolTip(words.every_tip)
        self.actions = TableActions(session, self, words)
        self.shown = ShownRegions(session)
        self._rows: Sequence[Row] = []
        self._columns: list[Column] = []
        form.value_changed.connect(self._on_settings)
        self.sides.activated.connect(self._want_refresh)
        self.every.toggled.connect(self._on_every)
        self.actions.kept_changed.connect(self._want_refresh)
        session.options_changed.connect(self._on_options)

    def _lay_out(self, *parts: QWidget, stretched: QWidget) -> QScrollArea:
        """Lay out the page's own parts, one of which takes what room there is."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        for part in parts:
            column.addWidget(part, int(part is stretched))
        scroll = scrolled(inside)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.every)
        layout.addWidget(self.actions)
        return scroll

    @property
    def left_and_right(self) -> bool:
        """Whether sides are compared."""
        return self.sides.currentIndex() == _SIDES

    def settings(self) -> S:
        """Return the settings in hand.

        Raises
        ------
        MeasureError
            If they are not possible.
        """
        return self.form.value()

    def columns(self) -> list[Column]:
        """Return the columns of values that are shown."""
        return list(self._columns)

    def rows(self) -> list[Row]:
        """Return the rows that are shown."""
        return list(self._rows)

    def message(self) -> str:
        """Return what is said above the table."""
        return self._message.text()

    def refresh(self) -> None:
        """Show the values as they are now; subclasses say how."""
        raise NotImplementedError

    def plan(self) -> tuple[Plan, Collection[str]]:
        """Return what is to be measured for the results, and keys of the wanted rows.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or the settings are not possible.
        """
        raise NotImplementedError

    def as_table(self) -> list[list[str]]:
        """Return the shown values with all their digits, a line of titles first.

        Raises
        ------
        MeasureError
            If there are none, or they are still being computed.
        """
        raise NotImplementedError

    def show_options(self) -> None:
        """Show whether every measurement takes the numbers along, and by what."""
        settings = getattr(self._session.options, self._option)
        with QSignalBlocker(self.every):
            self.every.setChecked(settings is not None)
        if settings is not None and not self._is_in_hand(settings):
            # Another panel of this viewer set them.
            self.form.set_value(settings)
            self._on_settings()

    def _is_in_hand(self, settings: S) -> bool:
        try:
            return self._are_same(self.settings(), settings)
        except MuscleUSError:
            return False

    def _are_same(self, one: S, other: S) -> bool:
        """Whether two settings give the same values."""
        return one == other

    def _want_refresh(self, *_: object) -> None:
        self.refresh_wanted.emit()

    def _on_settings(self) -> None:
        if self.every.isChecked():
            # What is not possible the page says itself, when it is refreshed.
            with suppress(MuscleUSError):
                self._session.set_options(**{self._option: self.settings()})
        self._want_refresh()

    def _on_every(self, checked: bool) -> None:
        def tell() -> None:
            settings = self.settings() if checked else None
            self._session.set_options(**{self._option: settings})

        if not report(tell):
            self.show_options()

    def _on_options(self) -> None:
        if isalive(self):
            self.show_options()
