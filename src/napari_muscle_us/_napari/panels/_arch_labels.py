"""Muscle and side that rows of architecture bear, for each image its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from napari_muscle_us.muscles import STANDARD_MUSCLES
from napari_muscle_us.roi.shapes import SIDES

if TYPE_CHECKING:
    from napari.layers import Image

_MUSCLE_TIP: Final = "Muscle between the aponeuroses; the rows that you add bear it."
_SIDE_TIP: Final = "Side of the body; the rows that you add bear it."

# By image, so that no row bears the side of the image before.
_labels: WeakKeyDictionary[Image, tuple[str, str]] = WeakKeyDictionary()


class MuscleFields(QWidget):
    """Fields for muscle and side of the image in hand."""

    def __init__(self) -> None:
        super().__init__()
        self._image: Image | None = None
        self.muscle = QComboBox()
        self.muscle.setEditable(True)
        self.muscle.addItems(["", *STANDARD_MUSCLES])
        self.muscle.setToolTip(_MUSCLE_TIP)
        self.muscle.setMinimumContentsLength(12)
        self.muscle.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.side = QComboBox()
        self.side.addItems(list(SIDES))
        self.side.setToolTip(_SIDE_TIP)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, field, stretch in (
            ("Muscle", self.muscle, 2),
            ("Side", self.side, 1),
        ):
            label = QLabel(title)
            label.setBuddy(field)
            label.setToolTip(field.toolTip())
            layout.addWidget(label)
            layout.addWidget(field, stretch)
        self.muscle.currentTextChanged.connect(self._on_changed)
        self.side.currentTextChanged.connect(self._on_changed)

    def value(self) -> dict[str, str]:
        """Return the labels by column of the results table."""
        return {
            "muscle": self.muscle.currentText().strip(),
            "side": self.side.currentText(),
        }

    def set_image(self, image: Image | None) -> None:
        """Show the labels of another image."""
        self._image = image
        muscle, side = ("", "") if image is None else _labels.get(image, ("", ""))
        with QSignalBlocker(self.muscle), QSignalBlocker(self.side):
            self.muscle.setCurrentText(muscle)
            self.side.setCurrentText(side)

    def _on_changed(self) -> None:
        if self._image is not None:
            value = self.value()
            _labels[self._image] = (value["muscle"], value["side"])
