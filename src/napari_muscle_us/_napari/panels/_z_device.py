"""What is to be done about an image that another device made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._z_conversion import ConversionRow

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session

_ACCEPT_SET: Final = "Use the set for another device on my responsibility"
_ACCEPT_CONVERSION: Final = "Use the conversion for another device on my responsibility"
_ACCEPT_TIP: Final = (
    "Echo intensity differs between scanners and settings. Tick only if you know that "
    "it does not here; the results say that you did."
)


class DeviceQuestion(QWidget):
    """Asks to answer for another device, or for a conversion from it."""

    value_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.accept = QCheckBox(_ACCEPT_SET)
        self.accept.setToolTip(_ACCEPT_TIP)
        self.conversion = ConversionRow(session)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.accept)
        layout.addWidget(self.conversion)
        self.accept.toggled.connect(self._on_accepted)
        self.conversion.value_changed.connect(self._on_conversion)
        self.offer(device=False)

    @property
    def accepted(self) -> bool:
        """Whether the user answers for another device."""
        return bool(self.accept.isChecked())

    def follow_session(self) -> None:
        """Show what the session holds, without announcing it."""
        if self.conversion.value() != self._session.conversion:
            self.conversion.set_value(self._session.conversion)
        with QSignalBlocker(self.accept):
            self.accept.setChecked(self._session.accept_device)

    def offer(self, *, device: bool) -> None:
        """Show the question where the device is another one, or is converted from."""
        converting = bool(self.conversion.value())
        self.accept.setText(_ACCEPT_CONVERSION if converting else _ACCEPT_SET)
        self.accept.setVisible(device)
        self.setVisible(device or converting)

    def _on_accepted(self, *_: object) -> None:
        self.value_changed.emit()

    def _on_conversion(self) -> None:
        # Who answered for one comparison of devices did not answer for another.
        with QSignalBlocker(self.accept):
            self.accept.setChecked(False)
        self.value_changed.emit()
