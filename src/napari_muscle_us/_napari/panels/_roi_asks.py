"""Actions on ROIs that ask for something first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari.panels._roi_copy_dialog import RoiCopyDialog
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    ask_save_path,
    report,
    tell_saved,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session

_FILES: Final = "ImageJ ROIs (*.zip *.roi)"
_SET: Final = "RoiSet.zip"
_COLOUR: Final = "#ffd400"
_START: Final = {"mm": 1.0, "px": 10.0}
_MOST: Final = {"mm": 50.0, "px": 100.0}
_TOLERANCE: Final = 1.0


class RoiAsks(QObject):
    """Asks for an amount, a colour or a file, then does it."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session

    @property
    def _panel(self) -> QWidget:
        # Not an attribute, which would keep the panel.
        return self.parent()

    @property
    def _unit(self) -> str:
        return "px" if self._session.image().spacing_mm is None else "mm"

    def grow(self) -> None:
        """Ask how far to move the outline outwards."""
        self._ask("Grow", "Outwards by", self._unit, self._on_grow)

    def shrink(self) -> None:
        """Ask how far to move the outline inwards."""
        self._ask("Shrink", "Inwards by", self._unit, self._on_shrink)

    def simplify(self) -> None:
        """Ask how much the outline may change."""
        self._ask("Simplify", "Outline moves by up to", "px", self._on_simplify)

    def snap(self) -> None:
        """Ask how far away an edge may be."""
        self._ask("Snap to edges", "Edges up to", self._unit, self._on_snap)

    def _ask(
        self, title: str, label: str, unit: str, work: Callable[[float], None]
    ) -> None:
        start = _TOLERANCE if title == "Simplify" else _START[unit]
        dialog = AmountDialog(title, label, unit, start, self._panel)
        dialog.amount_chosen.connect(work)
        dialog.open()

    def _on_grow(self, amount: float) -> None:
        report(lambda: _roi_edits.grow(self._session, amount))

    def _on_shrink(self, amount: float) -> None:
        report(lambda: _roi_edits.grow(self._session, -amount))

    def _on_simplify(self, amount: float) -> None:
        report(lambda: _roi_edits.simplify(self._session, amount))

    def _on_snap(self, amount: float) -> None:
        report(lambda: _roi_edits.snap(self._session, amount))

    def colour(self) -> None:
        """Ask for a colour of the outline."""
        places = set(self._session.selected())
        rows = [s.row for s in self._session.rois.stored() if s.index in places]
        dialog = QColorDialog(QColor((rows[0]["colour"] or _COLOUR)[:7]), self._panel)
        dialog.setWindowTitle("Colour of the ROIs")
        dialog.colorSelected.connect(self._on_colour)
        dialog.open()

    def _on_colour(self, colour: QColor) -> None:
        report(lambda: _roi_edits.set_colour(self._session, colour.name()))

    def copy(self) -> None:
        """Ask for the images to copy to."""
        RoiCopyDialog(self._session, self._panel).open()

    def load(self) -> None:
        """Ask for files of ROIs, and add what they hold."""
        from napari_muscle_us._napari._roi_files import load_rois

        paths, _ = QFileDialog.getOpenFileNames(self._panel, "Load ROIs", "", _FILES)
        for path in paths:
            load_rois(self._session, Path(path))

    def save(self) -> None:
        """Ask where to, and write all ROIs."""
        from napari_muscle_us._napari._roi_files import save_rois

        path = ask_save_path(self._panel, "Save ROIs", _SET, _FILES)
        if path:
            # A name that was typed without an ending means a set.
            file = Path(path) if Path(path).suffix else Path(f"{path}.zip")
            tell_saved(save_rois(self._session, file))


class AmountDialog(QDialog):
    """Asks for one number with a unit."""

    amount_chosen = Signal(float)

    def __init__(
        self, title: str, label: str, unit: str, start: float, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._box = QDoubleSpinBox()
        self._box.setDecimals(2)
        self._box.setRange(0.01, _MOST[unit])
        self._box.setSingleStep(0.1 if unit == "mm" else 1.0)
        self._box.setValue(start)
        self._box.setSuffix(f" {unit}")
        self._box.setToolTip("A distance, the same in every direction.")
        form = QFormLayout()
        form.addRow(label, self._box)
        note = MessageLabel()
        if unit == "px" and title != "Simplify":
            note.show_message("The size of a pixel is not known.", warning=False)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self._on_ok)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addWidget(buttons)

    def value(self) -> float:
        """Return the number."""
        return float(self._box.value())

    def setValue(self, amount: float) -> None:
        """Show another number."""
        self._box.setValue(amount)

    def _on_ok(self) -> None:
        self.accept()
        self.amount_chosen.emit(self.value())
