"""Reference values: from a table of healthy controls to a set to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import (
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _ref_work as work
from napari_muscle_us._napari.panels._ref_fit import FitStep
from napari_muscle_us._napari.panels._ref_options import OptionsStep
from napari_muscle_us._napari.panels._ref_save import SaveStep
from napari_muscle_us._napari.panels._ref_table import TableStep
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH, tell, text_colour
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    import napari.viewer

TABLE, WHAT, FIT, SAVE = range(4)
_TITLES: Final = (
    ("1 Table", "The table of healthy controls."),
    ("2 What", "What is fitted, and how."),
    ("3 Fit", "The fit, and what speaks for and against it."),
    ("4 Save", "The reference set, its report, and its use."),
)


class ReferenceValuesPanel(QWidget):
    """Builds reference values of one's own in four steps."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setMinimumWidth(PANEL_WIDTH)
        self._session = session_of(napari_viewer)
        self.table, self.what = TableStep(), OptionsStep()
        self.fitting, self.saving = FitStep(), SaveStep()
        self._tabs = QTabWidget()
        steps = (self.table, self.what, self.fitting, self.saving)
        for step, (title, tip) in zip(steps, _TITLES, strict=True):
            index = self._tabs.addTab(_scrolled(step), title)
            self._tabs.setTabToolTip(index, tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs, 1)
        self._next = QPushButton()
        self._next.setToolTip("Go to the next step.")
        layout.addWidget(self._next)
        self._connect()
        self._on_people(None)

    def _connect(self) -> None:
        self._next.clicked.connect(self._on_next)
        self._tabs.currentChanged.connect(self._show_next)
        self.table.people_changed.connect(self._on_people)
        self.table.results_wanted.connect(self.use_results)
        self.what.changed.connect(self._on_options)
        self.fitting.fit_wanted.connect(self.fit)
        self.fitting.fit_changed.connect(self._on_fit)
        self.saving.use_wanted.connect(self.use)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._on_theme()

    def _on_theme(self, event: object = None) -> None:
        self.fitting.set_foreground(text_colour(self._session.viewer))

    def use_results(self) -> None:
        """Take the values of the results table."""
        results = self._session.results
        if not len(results):
            self.table.refuse(
                "The panel Results is empty; measure there first, or open a table."
            )
            return
        self.table.use(work.known(results.copy(), "Results of this session"))

    def fit(self) -> None:
        """Fit the ticked muscles, in the background."""
        people = self.table.value()
        if people is None:
            return
        try:
            options = self.what.value()
        except MuscleUSError as error:
            self.fitting.refuse(str(error))
            return
        self.fitting.start(people, self.what.muscles.value(), options)

    def use(self, path: str) -> None:
        """Compare with a saved set from now on, in all panels."""
        session = self._session
        # The user answered for another set's device, not for this one's.
        session.set_subject(session.subject, path, accept_device=False, conversion="")
        tell("Z-scores are looked up in the new set from now on")

    def show_step(self, step: int) -> None:
        """Bring a step to the front."""
        self._tabs.setCurrentIndex(step)

    def _on_next(self) -> None:
        self.show_step(self._tabs.currentIndex() + 1)

    def _show_next(self, *_: object) -> None:
        step = self._tabs.currentIndex() + 1
        self._next.setVisible(step < len(_TITLES))
        if step < len(_TITLES):
            self._next.setText(f"Next: {_TITLES[step][0]}")
            self._next.setEnabled(self._tabs.isTabEnabled(step))

    def _on_people(self, people: work.People | None) -> None:
        self.fitting.clear()
        for step in (WHAT, FIT):
            self._tabs.setTabEnabled(step, people is not None)
        if people is not None:
            self.what.set_people(people)
        self._show_next()

    def _on_options(self) -> None:
        try:
            options = self.what.value()
        except MuscleUSError:
            return
        self.fitting.compare(self.what.muscles.value(), options)

    def _on_fit(self, fit: object) -> None:
        value = self.fitting.value()
        self._tabs.setTabEnabled(SAVE, value is not None)
        self.saving.set_fit(value)
        self._show_next()
        if value is None:
            return
        try:
            self.saving.facts.fill_device(self._session.clip.device)
        except MuscleUSError:
            # Without an image the scanner is typed in.
            return


def _scrolled(step: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(step)
    return area
