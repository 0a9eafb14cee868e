"""Small signs in the ROI table: a colour, a padlock."""

from __future__ import annotations

from functools import cache
from typing import Final

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

_SIDE: Final = 12
# Seen on a light and on a dark ground.
_GRAY: Final = QColor(140, 140, 140)


@cache
def colour_square(colour: str) -> QIcon:
    """Return a square in a colour ``#rrggbb`` or ``#rrggbbaa``."""
    picture = _empty()
    painter = QPainter(picture)
    painter.setPen(QPen(_GRAY))
    painter.setBrush(QColor(colour[:7]))
    painter.drawRect(1, 1, _SIDE - 3, _SIDE - 3)
    painter.end()
    return _icon(picture)


@cache
def padlock() -> QIcon:
    """Return a closed padlock."""
    picture = _empty()
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_GRAY, 1.5))
    painter.drawArc(QRectF(3, 1, 6, 8), 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GRAY)
    painter.drawRect(QRectF(1.5, 5, 9, 6))
    painter.end()
    return _icon(picture)


def _icon(picture: QPixmap) -> QIcon:
    icon = QIcon(picture)
    # Otherwise Qt tints it where the row is selected.
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon


def _empty() -> QPixmap:
    picture = QPixmap(_SIDE, _SIDE)
    picture.fill(Qt.GlobalColor.transparent)
    return picture
