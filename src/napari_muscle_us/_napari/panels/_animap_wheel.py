"""The colour wheel: which colour is which direction, and how pale is how little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from napari_muscle_us.measure.anisotropy.colours import STEPS, direction_hues

if TYPE_CHECKING:
    import numpy.typing as npt
    from qtpy.QtGui import QPaintEvent

_HEIGHT: Final = 120
_FINE: Final = 3
"""Pixels of the picture for one of the widget, for smooth edges."""

_TIP: Final = (
    "The colour of a direction is that of the spoke which points the same way: 0° is "
    "lateral, positive rises to the right. Pale as in the middle is low coherency, and "
    "dark a dark image. Lines have no front end, so that half a circle has them all."
)


class ColourWheel(QWidget):
    """Half a circle of line directions with their degrees."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(_TIP)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        top, bottom = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignBottom
        middle = Qt.AlignmentFlag.AlignVCenter
        layout.addWidget(QLabel("90°"), 0, 0, right | top)
        layout.addWidget(QLabel("−90°"), 2, 0, right | bottom)
        layout.addWidget(_HalfDisc(), 0, 1, 3, 1)
        layout.addWidget(QLabel("45°"), 0, 2, left | middle)
        layout.addWidget(QLabel("0° lateral"), 1, 2, left | middle)
        layout.addWidget(QLabel("−45°"), 2, 2, left | middle)
        layout.setColumnStretch(3, 1)
        # As high as the picture, for the degrees to stay where they belong.
        self.setFixedHeight(_HEIGHT)


class _HalfDisc(QWidget):
    """The picture."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._pixels = half_disc(_HEIGHT * _FINE)
        high, wide = self._pixels.shape[:2]
        kind = QImage.Format.Format_RGBA8888
        self._image = QImage(self._pixels.data, wide, high, 4 * wide, kind)

    def sizeHint(self) -> QSize:
        """Return the size that it has."""
        return QSize(_HEIGHT // 2, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, self.width(), self.height()), self._image)
        painter.end()


def half_disc(height: int) -> npt.NDArray[np.uint8]:
    """Return the half circle as red, green, blue and opacity, twice as high as wide."""
    radius = height / 2
    up = radius - 0.5 - np.arange(height)[:, None]
    across = np.arange(height // 2)[None, :] + 0.5
    distance = np.hypot(up, across)
    angle = np.degrees(np.arctan2(up, across))
    hue = direction_hues()[np.round((angle + 90) * STEPS / 180).astype(int) % STEPS]
    share = np.clip(distance / radius, 0, 1)[..., None]
    colours = 255 * ((1 - share) + share * hue)
    opacity = 255 * np.clip(radius - distance, 0, 1)[..., None]
    pixels = np.concatenate([colours, opacity], axis=2)
    return np.ascontiguousarray(np.round(pixels).astype(np.uint8))
