"""The page of the ROIs' anisotropy: settings, the table, the half rose."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _aniso_words as words
from napari_muscle_us._napari.panels._aniso_actions import AnisotropyActions
from napari_muscle_us._napari.panels._aniso_change import said_of_boxes, since_kept
from napari_muscle_us._napari.panels._aniso_columns import (
    columns_of,
    rows_of,
    said_of,
)
from napari_muscle_us._napari.panels._aniso_form import AnisotropyForm
from napari_muscle_us._napari.panels._aniso_live import LiveAnisotropy
from napari_muscle_us._napari.panels._aniso_roses import Rose, roses_of
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._texture_shown import Shown, ShownRegions
from napari_muscle_us._napari.panels._texture_table import TextureTable
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    Section,
    report,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._aniso_columns import NumberRow
    from napari_muscle_us._napari.panels._texture_columns import Column
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_ROSE_HEIGHT: Final = 210
_LEAST_SEEN: Final = 175
"""Height that shows the first numbers, below another panel in a small window, too."""
_SIDES, _CHANGE = 1, 2
_SIDES_TIP: Final = (
    "The selected ROIs, or all if none is selected; the left and the right of each "
    "muscle with their difference; or the change since an ROI of a former visit or "
    "image was kept."
)
_EVERY_TIP: Final = (
    "The panel Results then adds these numbers, by these settings, whenever it "
    "measures."
)
_ROSE_TIP: Final = (
    "How much of the edges of each ROI runs in each direction, as on the image: a "
    "sector's area is its share. The thick line is the direction of the fascicles, or "
    "of the tensor if that is the method. Dashed: kept for comparison."
)


class AnisotropyPage(QWidget):
    """Direction and order of the ROIs, live while one of them is dragged."""

    refresh_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.form = AnisotropyForm()
        self.sides = QComboBox()
        self._message = MessageLabel()
        self.table = TextureTable()
        self._note = MessageLabel()
        self.rose = PlotHolder[tuple[Rose, ...]](_make_rose)
        self.every = QCheckBox("With every measurement of the panel Results")
        self.live = LiveAnisotropy(self)
        self.shown = ShownRegions(session)
        self._rows: list[NumberRow] = []
        self._columns: list[Column] = []
        self.actions = AnisotropyActions(session, self)
        self._set_up()
        self._lay_out()
        self._connect()
        self.show_options()

    def _set_up(self) -> None:
        # What is true on muscle comes first; the tensor stands beside it.
        self.form.set_value(replace(self.form.value(), method="fascicle"))
        self.sides.addItems(["Selected ROIs", "Left and right", "Change since kept"])
        self.sides.setToolTip(_SIDES_TIP)
        self.every.setToolTip(_EVERY_TIP)
        self.rose.setToolTip(_ROSE_TIP)
        self.rose.setMinimumHeight(_ROSE_HEIGHT)
        self._note.show_message(words.LOCAL_NOTE, warning=False)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        self.settings_section = Section("Settings", self.form, opened=False)
        for part in (
            widget_row(self.form.method, self.sides),
            self.settings_section,
            self._message,
            self.table,
            self._note,
        ):
            column.addWidget(part)
        column.addWidget(self.rose, 1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumHeight(_LEAST_SEEN)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.every)
        layout.addWidget(self.actions)

    def _connect(self) -> None:
        self.form.value_changed.connect(self._on_settings)
        self.sides.activated.connect(self._want_refresh)
        self.live.found.connect(self._want_refresh)
        self.every.toggled.connect(self._on_every)
        self.actions.kept_changed.connect(self._want_refresh)

    @property
    def left_and_right(self) -> bool:
        """Whether sides are compared."""
        return self.sides.currentIndex() == _SIDES

    @property
    def since_kept(self) -> bool:
        """Whether ROIs are compared with those that were kept of them."""
        return self.sides.currentIndex() == _CHANGE

    def settings(self) -> AnisotropySettings:
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

    def rows(self) -> list[NumberRow]:
        """Return the rows that are shown."""
        return list(self._rows)

    def message(self) -> str:
        """Return what is said above the table."""
        return self._message.text()

    def note(self) -> str:
        """Return what is said below the table."""
        return self._note.text()

    def refresh(self) -> None:
        """Show the values as they are now."""
        try:
            self.form.set_spacing(self._session.image().spacing_mm)
            shown = self.shown.now(left_and_right=self.left_and_right)
            if self.since_kept:
                shown = since_kept(shown, self.shown.kept)
            self._show(shown, self.settings())
        except MuscleUSError as error:
            self._show_nothing(str(error))

    def _show(self, shown: Shown, settings: AnisotropySettings) -> None:
        if not shown.sources:
            self._show_nothing(shown.said)
            return
        found = self.live.results(shown.sources, settings)
        self._rows = rows_of(settings, shown.sources)
        self._columns = columns_of(shown, found, change=self.since_kept)
        self._show_table()
        self.rose.set_value(roses_of(self._columns))
        if any(known.outcome is None for known in found):
            wait = words.COMPILING if self.live.compiling else words.COMPUTING
            self._message.show_message(wait, warning=False)
        else:
            boxes = said_of_boxes(shown.sources, settings)
            said = "\n".join(filter(None, (said_of(shown, found), boxes)))
            self._message.show_message(said)

    def _show_nothing(self, said: str) -> None:
        self.live.stop()
        self._rows, self._columns = [], []
        self._show_table()
        self.rose.set_value(())
        self._message.show_message(said, warning=False)

    def _show_table(self) -> None:
        """Show all numbers, which are few, in room for all; none take no room."""
        table = self.table
        table.set_content(self._rows, self._columns)
        for part in (table, self._note):
            part.setVisible(bool(self._rows))
        rows = table.verticalHeader().length()
        around = 2 * table.frameWidth() + table.horizontalHeader().height()
        bar = table.horizontalScrollBar()
        around += bar.sizeHint().height() if bar.isVisible() else 0
        table.setFixedHeight(rows + around)

    def set_foreground(self, colour: str) -> None:
        """Draw the rose in another text colour."""
        self.rose.set_foreground(colour)

    def show_options(self) -> None:
        """Show whether every measurement takes anisotropy along, and by what."""
        settings = self._session.options.anisotropy
        with QSignalBlocker(self.every):
            self.every.setChecked(settings is not None)
        if settings is not None and not self._is_in_hand(settings):
            # Another panel of this viewer set them.
            self.form.set_value(settings)
            self._on_settings()

    def _is_in_hand(self, settings: AnisotropySettings) -> bool:
        try:
            return self.settings() == settings
        except MuscleUSError:
            return False

    def _want_refresh(self, *_: object) -> None:
        self.refresh_wanted.emit()

    def _on_settings(self) -> None:
        if self.every.isChecked():
            # What is not possible the page says itself, when it is refreshed.
            with suppress(MuscleUSError):
                self._session.set_options(anisotropy=self.settings())
        self._want_refresh()

    def _on_every(self, checked: bool) -> None:
        def tell() -> None:
            settings = self.settings() if checked else None
            self._session.set_options(anisotropy=settings)

        if not report(tell):
            self.show_options()


def _make_rose() -> QWidget:
    from napari_muscle_us._napari.panels._aniso_rose import RosePlot

    return RosePlot()
