"""Architecture: pennation, thickness and fascicle length between two aponeuroses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._arch_finding import LineFinder
from napari_muscle_us._napari.panels._arch_labels import MuscleFields
from napari_muscle_us._napari.panels._arch_live import live_architecture_of
from napari_muscle_us._napari.panels._arch_numbers import (
    ArchitectureTable,
    as_text,
    numbers_of,
    reasons_of,
    warns,
)
from napari_muscle_us._napari.panels._arch_work import refuse_nothing, rows_of
from napari_muscle_us._napari.panels._pages import scrolled
from napari_muscle_us._napari.panels._row_labels import RowLabelFields
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    button_row,
    report,
    tell,
    widget_row,
)

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us._napari._architecture_layer import Role
    from napari_muscle_us._napari._session import Session

_REFRESH_MS: Final = 33
_ANYWHERE, _IN_ROI = range(2)
_CLICKS: Final[dict[str, str]] = {
    "superficial": "Click along the lower border of the superficial aponeurosis, from "
    "one side to the other; double-click ends the line.",
    "deep": "Click along the upper border of the deep aponeurosis, from one side to "
    "the other; double-click ends the line.",
    "fascicle": "Click along one fascicle, two points for a straight one, three or "
    "more for a curved one; double-click ends the line.",
}


class ArchitecturePage(LivePanel):
    """Measures the architecture of the muscle that is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session
        self._live = live_architecture_of(session)
        self._finder = LineFinder(session, self._live, self)
        self._where = QComboBox()
        self._progress = QProgressBar()
        self._cancel = QPushButton("Cancel")
        self._hint = MessageLabel()
        self._message = MessageLabel()
        self._table = ArchitectureTable()
        self._reasons = MessageLabel()
        self._muscle = MuscleFields()
        self._labels = RowLabelFields(session)
        self._set_up()
        self._lay_out()
        self._connect()
        self._on_place()

    def _set_up(self) -> None:
        self._where.addItems(
            ["Look in the whole muscle", "Look inside the selected ROI"]
        )
        self._where.setToolTip(
            "Whole muscle: aponeuroses in the whole picture, fascicles "
            "between the aponeuroses. Selected ROI: both in there only, "
            "such as to choose one of several muscles."
        )
        self._cancel.setToolTip("Stop looking.")
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 0)

    def _lay_out(self) -> None:
        self._busy = widget_row(self._progress, self._cancel)
        self._busy.hide()
        body = QWidget()
        column = QVBoxLayout(body)
        column.addLayout(self._finding_row())
        column.addWidget(self._where)
        column.addLayout(self._drawing_row())
        for widget in (
            self._busy,
            self._hint,
            self._message,
            self._table,
            self._reasons,
            self._muscle,
            self._labels,
        ):
            column.addWidget(widget)
        column.addLayout(self._keeping_row())
        column.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(body))

    def _finding_row(self) -> QHBoxLayout:
        return button_row(
            (
                "Find aponeuroses",
                "Looks for the superficial and the deep aponeurosis in this picture. "
                "They take the place of lines that are there already.",
                self._on_find,
            ),
            (
                "Fascicle from texture",
                "Takes the direction of the fascicles from the picture and adds it as "
                "a line that you can correct.",
                self._on_texture,
            ),
        )

    def _drawing_row(self) -> QHBoxLayout:
        return button_row(
            (
                "Draw superficial",
                "Draw the lower border of the superficial aponeurosis; it takes the "
                "place of the former.",
                self._on_superficial,
            ),
            (
                "Draw deep",
                "Draw the upper border of the deep aponeurosis; it takes the place of "
                "the former.",
                self._on_deep,
            ),
            (
                "Draw fascicle",
                "Draw one more fascicle. Of several the median counts.",
                self._on_fascicle,
            ),
        )

    def _keeping_row(self) -> QHBoxLayout:
        return button_row(
            (
                "Add to results",
                "Add a row for each number to the panel Results.",
                self._on_add,
            ),
            ("Copy", "Copy the numbers, tab-separated.", self._on_copy),
            (
                "Clear",
                "Take all lines of this picture away; of a clip those of this frame.",
                self.clear,
            ),
        )

    def _connect(self) -> None:
        self._live.changed.connect(self.refresh_soon)
        self._live.place_changed.connect(self._on_place)
        self._finder.said.connect(self._on_said)
        self._finder.job.running_changed.connect(self._busy.setVisible)
        self._cancel.clicked.connect(self._finder.job.cancel)

    def find_aponeuroses(self) -> None:
        """Look for the two aponeuroses in the background.

        Raises
        ------
        MuscleUSError
            If there is no image, or no ROI to look in.
        """
        self._finder.find_aponeuroses(in_roi=self._where.currentIndex() == _IN_ROI)

    def find_fascicle(self) -> None:
        """Look for the direction of the fascicles in the background.

        Raises
        ------
        MuscleUSError
            If there is no image, or nowhere to look.
        """
        self._finder.find_fascicle(in_roi=self._where.currentIndex() == _IN_ROI)

    def draw(self, role: Role) -> None:
        """Let the next clicks on the picture draw a line.

        Raises
        ------
        MuscleUSError
            If no image is open.
        """
        self._live.draw(role)
        self._message.show_message("")
        self._hint.show_message(_CLICKS[role], warning=False)

    def clear(self) -> None:
        """Take all lines of the shown frame away."""
        self._finder.job.cancel()
        self._message.show_message("")
        self._live.clear()

    def rows(self) -> pd.DataFrame:
        """Return the rows of the results table.

        Raises
        ------
        MuscleUSError
            If there are no numbers yet.
        """
        self._live.recompute()
        labels = self._labels.value() | self._muscle.value()
        image, note = self._session.image(), self._live.note()
        return rows_of(self._live.outcome, image, labels, note)

    def add(self) -> None:
        """Add the numbers to the results.

        Raises
        ------
        MuscleUSError
            If there are none yet.
        """
        import pandas as pd

        rows, session = self.rows(), self._session
        frames = [session.results] if session.has_results else []
        session.set_results(pd.concat([*frames, rows], ignore_index=True))
        tell(f"{len(rows)} rows added to the results")

    def copy(self) -> None:
        """Put the numbers on the clipboard.

        Raises
        ------
        MeasureError
            If there are none yet.
        """
        self._live.recompute()
        outcome = self._live.outcome
        numbers = numbers_of(outcome) or refuse_nothing(outcome)
        QApplication.clipboard().setText(as_text(numbers))
        tell(f"{len(numbers)} numbers copied")

    def refresh(self) -> None:
        """Show the numbers of the lines as they are now."""
        found = self._live.outcome
        self._table.set_numbers(numbers_of(found))
        self._reasons.show_message(reasons_of(found), warning=warns(found))
        if not self._live.awaits_line:
            self._hint.show_message(found.missing, warning=False)

    def _on_find(self) -> None:
        report(self.find_aponeuroses)

    def _on_texture(self) -> None:
        report(self.find_fascicle)

    def _on_superficial(self) -> None:
        report(partial(self.draw, "superficial"))

    def _on_deep(self) -> None:
        report(partial(self.draw, "deep"))

    def _on_fascicle(self) -> None:
        report(partial(self.draw, "fascicle"))

    def _on_add(self) -> None:
        report(self.add)

    def _on_copy(self) -> None:
        report(self.copy)

    def _on_place(self) -> None:
        if not isalive(self):
            return
        self._message.show_message("")
        self._muscle.set_image(self._live.image_layer)
        self.refresh_soon()

    def _on_said(self, text: str, warning: bool) -> None:
        self._message.show_message(text, warning=warning)
