"""The page of features: settings, the table, what a feature means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import QLineEdit

from napari_muscle_us._napari.panels._table_page import TablePage, TableWords
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
from napari_muscle_us._napari.panels._texture_rows import as_table, plan_of
from napari_muscle_us._napari.panels._texture_shown import Shown, columns_of, said_of
from napari_muscle_us._napari.panels._texture_words import COMPILING, COMPUTING
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    report,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._measure_work import Plan
    from napari_muscle_us._napari.panels._texture_columns import Row
    from napari_muscle_us.measure.texture.features import Feature
    from napari_muscle_us.measure.texture.settings import TextureSettings

_WORDS: Final = TableWords(
    option="texture",
    numbers="features",
    sides=("Selected ROIs", "Left and right"),
    sides_tip="The selected ROIs, or all if none is selected; or the left and the "
    "right of each muscle with their difference.",
    every_tip="The panel Results then adds all features of the chosen families, by "
    "these settings, whenever it measures.",
    add_tip="Add a row for each shown feature and ROI to the panel Results.",
)
_SEARCH_TIP: Final = (
    "Shows only features whose name holds these words; names of papers, such as "
    "homogeneity or energy, are found too."
)


class FeaturesPage(TablePage["TextureSettings"]):
    """Features of the ROIs, live while one of them is dragged."""

    form: TextureForm

    def __init__(self, session: Session) -> None:
        super().__init__(session, TextureForm(), _WORDS)
        self.presets = PresetRow()
        self.search = QLineEdit()
        self._used = MessageLabel()
        self.details = FeatureDetails()
        self.live = LiveResults(self)
        self._folded: set[str] = set()
        self._set_up()
        self._connect()
        self._on_preset()
        self.show_options()

    def _set_up(self) -> None:
        self.search.setPlaceholderText("Search a feature")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(_SEARCH_TIP)
        self._lay_out(
            self.presets,
            self.settings_section,
            widget_row(self.search, self.sides),
            self._used,
            self._message,
            self.table,
            self.details,
            stretched=self.table,
        )

    def _connect(self) -> None:
        self.presets.preset_chosen.connect(self._on_preset)
        self.presets.save_wanted.connect(self._on_save)
        self.search.textChanged.connect(self._want_refresh)
        self.live.found.connect(self._want_refresh)
        self.table.row_chosen.connect(self._on_row)
        self.table.family_clicked.connect(self._on_family)

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

    def plan(self) -> tuple[Plan, Collection[str]]:
        """Return what is to be measured for the results: the shown features.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or the settings are not possible.
        """
        keys = tuple(f.key for found in self.features().values() for f in found)
        regions = self.shown.of_this_image(left_and_right=self.left_and_right)
        return plan_of(self._session, regions, texture=self.settings()), keys

    def as_table(self) -> list[list[str]]:
        """Return the shown values with all their digits, a line of titles first.

        Raises
        ------
        MeasureError
            If there are none, or they are still being computed.
        """
        return as_table(self._rows, self._columns)

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

    def _are_same(self, one: TextureSettings, other: TextureSettings) -> bool:
        return same_settings(one, other)

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
            same = False
        else:
            same = preset is not None and same_settings(settings, preset.settings)
        self.presets.show_changed(changed=not same)
        super()._on_settings()

    def _on_save(self, name: str) -> None:
        report(lambda: keep_preset(self.presets, name, self.settings()))

    def _on_family(self, family: str) -> None:
        self._folded ^= {family}
        self._want_refresh()

    def _on_row(self, row: Row | None) -> None:
        self.details.set_row(row, self._columns)

    def _show_details(self) -> None:
        row = self.table.chosen()
        if row is not None:
            self.details.set_values(row, self._columns)
