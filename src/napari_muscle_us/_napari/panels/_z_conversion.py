"""The choice of a device conversion, told in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import report, widget_row
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.z_request import load_conversion_of

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion

_CHOOSE_TIP: Final = (
    "Carry the echo intensity over to the scanner of the reference set by a "
    "conversion: a file made from muscles, or a phantom, scanned with both."
)
_REMOVE_TIP: Final = "Compare the echo intensity as it was measured."


class ConversionRow(QWidget):
    """Chooses a device conversion; says its equation, its range and its error."""

    value_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._value = ""
        self._remove = QPushButton("Remove")
        self._remove.setToolTip(_REMOVE_TIP)
        self._remove.clicked.connect(self.remove)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self._choose = QPushButton("Conversion…")
        self._choose.setToolTip(_CHOOSE_TIP)
        self._choose.clicked.connect(self._on_choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widget_row(self._choose, self._remove))
        layout.addWidget(self._words)
        self._show("")

    def value(self) -> str:
        """Return the path of the chosen conversion, ``""`` for none."""
        return self._value

    def set_value(self, path: str) -> None:
        """Show a conversion as the chosen one, without announcing it."""
        self._value = path
        if not path:
            self._show("")
            return
        try:
            self._show(_sentences(self._load(path)))
        except MuscleUSError as error:
            self._show(str(error))

    def text(self) -> str:
        """Return what is said of the conversion."""
        return str(self._words.text())

    def use(self, path: str) -> None:
        """Choose a conversion.

        Raises
        ------
        ReferenceSetError
            If the file is no device conversion; the previous one stays.
        """
        self._load(path)
        self.set_value(path)
        self.value_changed.emit()

    def remove(self) -> None:
        """Choose no conversion."""
        self.set_value("")
        self.value_changed.emit()

    def _load(self, path: str) -> DeviceConversion:
        request = replace(self._session.z_score_request(), conversion=path)
        conversion = load_conversion_of(request)
        if conversion is None:
            raise MuscleUSError("No conversion was chosen; choose a file.")
        return conversion

    def _show(self, text: str) -> None:
        self._words.setText(text)
        self._words.setVisible(bool(text))
        self._remove.setVisible(bool(self._value))

    def _on_choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open device conversion", "", "Conversion (*.json);;All files (*)"
        )
        if path:
            report(lambda: self.use(str(Path(path))))


def _sentences(conversion: DeviceConversion) -> str:
    return f"{conversion.name}: {conversion.words()}"
