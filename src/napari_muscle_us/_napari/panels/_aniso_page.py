"""The page of the ROIs' anisotropy: settings, the table, the half rose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels import _aniso_words as words
from napari_muscle_us._napari.panels._aniso_change import said_of_boxes, since_kept
from napari_muscle_us._napari.panels._aniso_columns import (
    columns_of,
    rows_of,
    said_of,
)
from napari_muscle_us._napari.panels._aniso_form import AnisotropyForm
from napari_muscle_us._napari.panels._aniso_live import LiveAnisotropy
from napari_muscle_us._napari.panels._aniso_roses import Rose, roses_of
from napari_muscle_us._napari.panels._aniso_rows import as_table
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._table_page import TablePage, TableWords
from napari_muscle_us._napari.panels._texture_rows import plan_of
from napari_muscle_us._napari.panels._widgets import MessageLabel, widget_row
from napari_muscle_us.errors import MeasureError, MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Collection

    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._measure_work import Plan
    from napari_muscle_us._napari.panels._texture_shown import Shown
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_ROSE_HEIGHT: Final = 210
_LEAST_SEEN: Final = 175
"""Height that shows the first numbers, below another panel in a small window, too."""
_CHANGE: Final = 2
_WORDS: Final = TableWords(
    option="anisotropy",
    numbers="numbers",
    sides=("Selected ROIs", "Left and right", "Change since kept"),
    sides_tip="The selected ROIs, or all if none is selected; the left and the right "
    "of each muscle with their difference; or the change since an ROI of a former "
    "visit or image was kept.",
    every_tip="The panel Results then adds these numbers, by these settings, whenever "
    "it measures.",
    add_tip="Add a row for each number and ROI of this image to the panel Results. "
    "Kept ROIs are not added again.",
)
_ROSE_TIP: Final = (
    "How much of the edges of each ROI runs in each direction, as on the image: a "
    "sector's area is its share. The thick line is the direction of the fascicles, or "
    "of the tensor if that is the method. Dashed: kept for comparison."
)


class AnisotropyPage(TablePage["AnisotropySettings"]):
    """Direction and order of the ROIs, live while one of them is dragged."""

    form: AnisotropyForm

    def __init__(self, session: Session) -> None:
        super().__init__(session, AnisotropyForm(), _WORDS)
        self._note = MessageLabel()
        self.rose = PlotHolder[tuple[Rose, ...]](_make_rose)
        self.live = LiveAnisotropy(self)
        self.live.found.connect(self._want_refresh)
        self._set_up()
        self._lay_out(
            widget_row(self.form.method, self.sides),
            self.settings_section,
            self._message,
            self.table,
            self._note,
            self.rose,
            stretched=self.rose,
        ).setMinimumHeight(_LEAST_SEEN)
        self.show_options()

    def _set_up(self) -> None:
        # What is true on muscle comes first; the tensor stands beside it.
        self.form.set_value(replace(self.form.value(), method="fascicle"))
        self.rose.setToolTip(_ROSE_TIP)
        self.rose.setMinimumHeight(_ROSE_HEIGHT)
        self._note.show_message(words.LOCAL_NOTE, warning=False)

    @property
    def since_kept(self) -> bool:
        """Whether ROIs are compared with those that were kept of them."""
        return self.sides.currentIndex() == _CHANGE

    def note(self) -> str:
        """Return what is said below the table."""
        return self._note.text()

    def plan(self) -> tuple[Plan, Collection[str]]:
        """Return what is to be measured for the results: all numbers.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or the settings are not possible.
        """
        # Late: what makes the rows is of no use before.
        from napari_muscle_us.anisotropy_rows import KEYS

        regions = self.shown.of_this_image(left_and_right=self.left_and_right)
        return plan_of(self._session, regions, anisotropy=self.settings()), KEYS

    def as_table(self) -> list[list[str]]:
        """Return the shown values with all their digits, a line of titles first.

        Raises
        ------
        MeasureError
            If there are none, or they are still being computed.
        """
        # What is on the screen in a drag may be of where the ROI was just before.
        if self.live.busy:
            raise MeasureError(
                "The values are still being computed; try again shortly."
            )
        return as_table(self._rows, self._columns, self.settings())

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


def _make_rose() -> QWidget:
    from napari_muscle_us._napari.panels._aniso_rose import RosePlot

    return RosePlot()
