"""The buttons of the page of anisotropy: keep, add to results, copy, save."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari.panels import _aniso_rows
from napari_muscle_us._napari.panels._texture_actions import FeatureActions
from napari_muscle_us._napari.panels._texture_rows import (
    as_text,
    measure_features,
    save_table,
)
from napari_muscle_us._napari.panels._widgets import (
    ask_save_path,
    report,
    tell,
    tell_saved,
)
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._aniso_page import AnisotropyPage


class AnisotropyActions(FeatureActions):
    """Does with the shown numbers what the buttons say."""

    _page: AnisotropyPage
    add_tip = (
        "Add a row for each number and ROI of this image to the panel Results. Kept "
        "ROIs are not added again."
    )

    def __init__(self, session: Session, page: AnisotropyPage) -> None:
        super().__init__(session, page)

    def add(self) -> None:
        """Add the rows of the ROIs in hand, in the background.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or the settings are not possible.
        """
        # Late: what makes the rows is of no use before.
        from napari_muscle_us.anisotropy_rows import KEYS

        page = self._page
        regions = page.shown.of_this_image(left_and_right=page.left_and_right)
        plan = _aniso_rows.plan_of(self._session, regions, page.settings())
        self.job.start(measure_features, plan, KEYS)

    def copy(self) -> None:
        """Put the shown values on the clipboard.

        Raises
        ------
        MeasureError
            If there are none, or they are still being computed.
        """
        table = self._table()
        QApplication.clipboard().setText(as_text(table))
        tell(f"{len(table) - 1} numbers copied")

    def save_csv(self, path: str) -> None:
        """Write the shown values as CSV.

        Raises
        ------
        MuscleUSError
            If there are none, they are still being computed, or the folder cannot be
            written to.
        """
        save_table(self._table(), path)

    def _table(self) -> list[list[str]]:
        page = self._page
        # What is on the screen in a drag may be of where the ROI was just before.
        if page.live.busy:
            raise MeasureError(
                "The values are still being computed; try again shortly."
            )
        return _aniso_rows.as_table(page.rows(), page.columns(), page.settings())

    def _on_csv(self) -> None:
        filters = "CSV (*.csv)"
        path = ask_save_path(self, "Save anisotropy", "anisotropy.csv", filters)
        if path and report(partial(self.save_csv, path)):
            tell_saved(path)
