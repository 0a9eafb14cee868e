"""Repeats: one echo intensity from the images of a muscle and side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFormLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._repeats_model import (
    LABEL_COLUMNS,
    WIDTHS,
    RepeatsModel,
)
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    Section,
    button_row,
    report,
    table_view,
    tell,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.repeat_rules import ABOVE_BLACK, ECHO_INTENSITY
from napari_muscle_us.measure.repeats import (
    REPEAT_MEASURES,
    REPEAT_RULES,
    RepeatRule,
    summarise_repeats,
)
from napari_muscle_us.repeat_rows import repeat_rows

if TYPE_CHECKING:
    import napari.viewer
    import pandas as pd

_REFRESH_MS: Final = 60
Z_OF_REPEATS: Final = "repeats.z_score"
_HINT: Final = (
    "Measure each of the three images of a muscle in the panel Results, its ROI with "
    "the same muscle and side; they are averaged here."
)
_TITLES: Final[dict[RepeatRule, str]] = {
    "mean": "Mean of the images' means",
    "mean_rounded": "… rounded to an integer",
    "radboud": "As the Radboud workflow: without black pixels, rounded",
}


class RepeatsPanel(LivePanel):
    """Averages repeated images of the results table, left beside right."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._dropped: set[str] = set()
        self._hint = MessageLabel()
        self._hint.show_message(_HINT, warning=False)
        self._rule = QComboBox()
        # A long title must not widen the panel.
        self._rule.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._rule.setMinimumContentsLength(12)
        for rule in REPEAT_RULES:
            self._rule.addItem(_TITLES[rule], rule)
        self._model = RepeatsModel()
        self._view = table_view(self._model)
        for column, width in enumerate(WIDTHS):
            self._view.setColumnWidth(column, width)
        self._images = QListWidget()
        self._note = MessageLabel()
        self._message = MessageLabel()
        self._lay_out()
        self._rule.currentIndexChanged.connect(self.refresh_soon)
        self._images.itemChanged.connect(self._on_image)
        self._view.selectionModel().selectionChanged.connect(self._show_note)
        self._session.results_changed.connect(self.refresh_soon)

    def _lay_out(self) -> None:
        self._rule.setToolTip(
            "How the images of a muscle and side become one value. The Radboud "
            "workflow leaves black pixels out: switch 'Mean without black pixels' on "
            "in the panel Results before you measure. CV and SD are never rounded."
        )
        self._images.setToolTip("Untick an image to leave it out of every average.")
        self._images.setMaximumHeight(110)
        form = QFormLayout()
        form.addRow("Rule", self._rule)
        layout = QVBoxLayout(self)
        layout.addWidget(self._hint)
        layout.addLayout(form)
        layout.addWidget(self._view, 1)
        layout.addWidget(self._note)
        layout.addWidget(Section("Images that count", self._images, opened=False))
        layout.addWidget(self._message)
        layout.addLayout(
            button_row(
                (
                    "Add to results",
                    "Add averages, CV and side differences as rows; those added "
                    "before for the same muscle and side are replaced.",
                    self._on_add,
                ),
                ("Copy", "Copy the table, tab-separated, all digits.", self._on_copy),
            )
        )

    @property
    def rule(self) -> RepeatRule:
        """The rule in hand."""
        return REPEAT_RULES[self._rule.currentIndex()]

    def set_rule(self, rule: RepeatRule) -> None:
        """Average by another rule."""
        self._rule.setCurrentIndex(REPEAT_RULES.index(rule))

    def leave_out(self, images: set[str]) -> None:
        """Leave images out of every average."""
        self._dropped = set(images)
        self.refresh()

    def refresh(self) -> None:
        """Average what the results table holds now."""
        if not self._session.is_open:
            return
        self._fill_images()
        try:
            summary = summarise_repeats(
                self._session.results, rule=self.rule, drop=self._drop()
            )
        except MuscleUSError as error:
            # A table that a script made; its numbers are not averaged at all.
            summary = summarise_repeats(self._session.results.iloc[:0])
            self._message.show_message(str(error))
        else:
            self._message.show_message(_told(summary))
        self._model.set_summary(summary)
        for column, name in zip(LABEL_COLUMNS, ("subject", "visit"), strict=True):
            self._view.setColumnHidden(column, not summary[name].astype(bool).any())
        self._show_note()

    def _names(self) -> list[str]:
        """Return the images that have an echo intensity, each once, in their order."""
        results = self._session.results
        rows = results[results["measure"].isin((ECHO_INTENSITY, ABOVE_BLACK))]
        return [str(name) for name in rows["image"].drop_duplicates()]

    def _drop(self) -> set[str]:
        return self._dropped & set(self._names())

    def _fill_images(self) -> None:
        names = self._names()
        shown = [self._images.item(i).text() for i in range(self._images.count())]
        with QSignalBlocker(self._images):
            if names != shown:
                self._images.clear()
                self._images.addItems(names)
            for row, name in enumerate(names):
                out = name in self._dropped
                state = Qt.CheckState.Unchecked if out else Qt.CheckState.Checked
                self._images.item(row).setCheckState(state)

    def _on_image(self, item: QListWidgetItem) -> None:
        if item.checkState() == Qt.CheckState.Checked:
            self._dropped.discard(item.text())
        else:
            self._dropped.add(item.text())
        self.refresh_soon()

    def add(self) -> None:
        """Add the averages to the results, in place of those added before.

        Raises
        ------
        MuscleUSError
            If nothing can be averaged; then nothing is added or replaced.
        """
        import pandas as pd

        known = self._session.results
        rows = repeat_rows(known, rule=self.rule, drop=self._drop())
        if rows["value"].isna().all():
            why = next(iter(rows["note"]), _HINT)
            raise MeasureError(f"There is nothing to average: {why}")
        kept = known[[not replaced for replaced in _replaced(known, rows)]]
        self._session.set_results(pd.concat([kept, rows], ignore_index=True))

    def _on_add(self) -> None:
        if report(self.add):
            tell("Averages added to the results")

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._model.as_text())
        tell(f"{self._model.rowCount()} rows copied")

    def _show_note(self, *_: object) -> None:
        """Show the note of the selected line whole."""
        chosen = {index.row() for index in self._view.selectionModel().selectedRows()}
        note = self._model.rows()[chosen.pop()]["note"] if len(chosen) == 1 else ""
        self._note.show_message(note, warning=False)


def _told(summary: pd.DataFrame) -> str:
    """Return what needs a look: images that differ, groups without an average."""
    sentences = []
    flagged = int(summary["flagged"].sum())
    if flagged:
        where = ", ".join(_names_of(summary[summary["flagged"]]))
        sentences.append(f"The images differ: {where}.")
    missing = summary[summary["value"].isna()]
    if len(missing):
        where = ", ".join(_names_of(missing))
        reasons = set(missing["note"])
        why = reasons.pop() if len(reasons) == 1 else "select the line to see why"
        sentences.append(f"Not averaged: {where}; {why}.")
    return " ".join(sentences)


def _names_of(summary: pd.DataFrame) -> list[str]:
    pairs = zip(summary["muscle"], summary["side"], strict=True)
    return [
        f"{muscle} {side}".strip() or "ROIs without muscle" for muscle, side in pairs
    ]


def _replaced(known: pd.DataFrame, rows: pd.DataFrame) -> list[bool]:
    """Tell of each row of the table whether the new averages stand in for it.

    A side difference goes with either of its sides: beside another average of one of
    them it would be wrong. So would a Z-score of the average that went.
    """
    groups = set(_groups(rows))
    with_differences = groups | {(*group[:3], "") for group in groups}
    stale = dict.fromkeys(REPEAT_MEASURES, with_differences) | {Z_OF_REPEATS: groups}
    return [
        group in stale.get(measure, ())
        for measure, group in zip(known["measure"], _groups(known), strict=True)
    ]


def _groups(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    labels = ("subject", "visit", "muscle", "side")
    columns = [[str(text).strip() for text in rows[label]] for label in labels]
    return list(zip(*columns, strict=True))
