"""The page of features: settings, the table, what a feature means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._texture_actions import FeatureActions
from napari_muscle_us._napari.panels._texture_columns import (
    families_shown,
    rows_of,
)
from napari_muscle_us._napari.panels._texture_form import TextureForm
from napari_muscle_us._napari.panels._texture_formula import FeatureDetails
from napari_muscle_us._napari.panels._texture_live import LiveResults, TextureWork
from napari_muscle_us._napari.panels._texture_presets import (
    PresetRow,
    keep_preset,
    same_settings,
)
from napari_muscle_us._napari.panels._texture_shown import (
    Shown,
    ShownRegions,
    columns_of,
    said_of,
)
from napari_muscle_us._napari.panels._texture_table import TextureTable
from napari_muscle_us._napari.panels._texture_words import COMPILING, COMPUTING
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    Section,
    report,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._texture_columns import Column, Row
    from napari_muscle_us.measure.texture.features import Feature
    from napari_muscle_us.measure.texture.settings import TextureSettings

_SIDES_TIP: Final = (
    "The selected ROIs, or all if none is selected; or the left and the right of each "
    "muscle with their difference."
)
_EVERY_TIP: Final = (
    "The panel Results then adds all features of the chosen families, by these "
    "settings, whenever it measures."
)


class FeaturesPage(QWidget):
    """Features of the ROIs, live while one of them is dragged."""

    refresh_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.presets = PresetRow()
        self.form = TextureForm()
        self.search = QLineEdit()
        self.sides = QComboBox()
        self._used = MessageLabel()
        self._message = MessageLabel()
        self.table = TextureTable()
        self.details = FeatureDetails()
        self.every = QCheckBox("With every measurement of the panel Results")
        self.live = LiveResults(self)
        self.shown = ShownRegions(session)
        self._rows: list[Row] = []
        self._columns: list[Column] = []
        self._folded: set[str] = set()
        self.actions = FeatureActions(session, self)
        self._lay_out()
        self._connect()
        self._on_preset()
        self.show_options()

    def _lay_out(self) -> None:
        self.search.setPlaceholderText("Search a feature")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(
            "Shows only features whose name holds these words; names of papers, such "
            "as homogeneity or energy, are found too."
        )
        self.sides.addItems(["Selected ROIs", "Left and right"])
        self.sides.setToolTip(_SIDES_TIP)
        self.every.setToolTip(_EVERY_TIP)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        self.settings_section = Section("Settings", self.form, opened=False)
        for part in (
            self.presets,
            self.settings_section,
            widget_row(self.search, self.sides),
            self._used,
            self._message,
        ):
            column.addWidget(part)
        column.addWidget(self.table, 1)
        column.addWidget(self.details)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.every)
        layout.addWidget(self.actions)

    def _connect(self) -> None:
        self.presets.preset_chosen.connect(self._on_preset)
        self.presets.save_wanted.connect(self._on_save)
        self.form.value_changed.connect(self._on_settings)
        self.search.textChanged.connect(self._want_refresh)
        self.sides.activated.connect(self._want_refresh)
        self.live.found.connect(self._want_refresh)
        self.table.row_chosen.connect(self._on_row)
        self.table.family_clicked.connect(self._on_family)
        self.every.toggled.connect(self._on_every)
        self.actions.kept_changed.connect(self._want_refresh)

    @property
    def left_and_right(self) -> bool:
        """Whether sides are compared."""
        return self.sides.currentIndex() == 1

    def settings(self) -> TextureSettings:
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

    def used(self) -> str:
        """Return which levels are used."""
        return self._used.text()

    def features(self) -> dict[str, list[Feature]]:
        """Return the features of the preset and the settings, by family.

        Raises
        ------
        MeasureError
            If the settings are not possible.
        """
        return self._features("")

    def _features(self, search: str) -> dict[str, list[Feature]]:
        preset = self.presets.value()
        keys = () if preset is None else preset.features
        return families_shown(self.settings(), keys, search)

    def refresh(self) -> None:
        """Show the values as they are now."""
        try:
            shown = self.shown.now(left_and_right=self.left_and_right)
            self._follow_scale()
            settings = self.settings()
            self._show(shown, settings)
        except MuscleUSError as error:
            self._show_nothing(str(error))

    def _follow_scale(self) -> None:
        self.form.set_spacing(self._session.image().spacing_mm)

    def _show(self, shown: Shown, settings: TextureSettings) -> None:
        if not shown.sources:
            self._show_nothing(shown.said)
            return
        found = self._features(self.search.text())
        rows = rows_of(found, self._folded, directions=settings.each_direction)
        # What is folded away or not found is not computed either.
        families = tuple(f for f in found if f not in self._folded)
        work = TextureWork(replace(settings, families=families or settings.families))
        outcomes = self.live.outcomes(shown.sources, work)
        self._rows, self._columns = rows, columns_of(shown, outcomes)
        self.table.set_content(rows, self._columns)
        self._show_details()
        used, said = said_of(shown, outcomes)
        if not found:
            said = f"No feature is called {self.search.text()!r}. {said}".strip()
        self._used.show_message(used, warning=False)
        if None in outcomes:
            wait = COMPILING if self.live.compiling else COMPUTING
            self._message.show_message(wait, warning=False)
        else:
            self._message.show_message(said)

    def _show_nothing(self, said: str) -> None:
        self._rows, self._columns = [], []
        self.table.set_content([], [])
        self.details.set_row(None, [])
        self._used.show_message("")
        self._message.show_message(said, warning=False)

    def set_foreground(self, colour: str) -> None:
        """Draw formulas in another colour."""
        self.details.set_foreground(colour)

    def show_options(self) -> None:
        """Show whether every measurement takes texture along, and by which settings."""
        texture = self._session.options.texture
        with QSignalBlocker(self.every):
            self.every.setChecked(texture is not None)
        if texture is not None and not self._is_in_hand(texture):
            # Another panel of this viewer set them.
            self.form.set_value(texture)
            self._on_settings()

    def _is_in_hand(self, settings: TextureSettings) -> bool:
        try:
            return same_settings(self.settings(), settings)
        except MuscleUSError:
            return False

    def _want_refresh(self, *_: object) -> None:
        self.refresh_wanted.emit()

    def _on_preset(self) -> None:
        preset = self.presets.value()
        if preset is not None:
            self.form.set_value(preset.settings)
            self._on_settings()

    def _on_settings(self) -> None:
        preset = self.presets.value()
        try:
            settings = self.settings()
        except MuscleUSError:
            self.presets.show_changed(changed=True)
        else:
            same = preset is not None and same_settings(settings, preset.settings)
            self.presets.show_changed(changed=not same)
            if self.every.isChecked():
                self._session.set_options(texture=settings)
        self._want_refresh()

    def _on_save(self, name: str) -> None:
        report(lambda: keep_preset(self.presets, name, self.settings()))

    def _on_every(self, checked: bool) -> None:
        def tell() -> None:
            self._session.set_options(texture=self.settings() if checked else None)

        if not report(tell):
            self.show_options()

    def _on_family(self, family: str) -> None:
        self._folded ^= {family}
        self._want_refresh()

    def _on_row(self, row: Row | None) -> None:
        self.details.set_row(row, self._columns)

    def _show_details(self) -> None:
        row = self.table.chosen()
        if row is not None:
            self.details.set_values(row, self._columns)
