"""What stands in the plot at the gray level under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter

from napari_muscle_us._napari.panels._histogram_curves import level_lines, names_apart

if TYPE_CHECKING:
    from qtpy.QtGui import QFontMetrics
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari.panels._histogram_curves import PlotContent

_SQUARE: Final = 8
_GAP: Final = 5
_MOST_NAME_PX: Final = 130
_OPACITY: Final = 230


def paint_hover(
    widget: QWidget,
    content: PlotContent,
    level: int,
    place: tuple[float, float, float],
) -> None:
    """Paint a line at a gray level, and how many pixels each region has there.

    `place` is where the line goes: x, top and bottom in the widget.
    """
    x, top, bottom = place
    painter = QPainter(widget)
    painter.setPen(widget.palette().text().color())
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    metrics = painter.fontMetrics()
    rows = _rows(content, level, metrics)
    height = metrics.height()
    width = max(metrics.horizontalAdvance(text) for _, text in rows)
    if any(colour for colour, _ in rows):
        width += _SQUARE + _GAP
    # On the side where the mouse is not.
    right = x < widget.width() / 2
    box_width = width + 2 * _GAP
    left = widget.width() - box_width if right else 0.0
    box = QRectF(left, 0, box_width, height * len(rows) + _GAP)
    background = QColor(widget.palette().window().color())
    background.setAlpha(_OPACITY)
    painter.fillRect(box, background)
    for number, (colour, text) in enumerate(rows):
        line = QRectF(left + _GAP, number * height + 2, width, height)
        if colour:
            square = QRectF(
                line.left(), line.center().y() - _SQUARE / 2, _SQUARE, _SQUARE
            )
            painter.fillRect(square, QColor(colour))
            line.setLeft(line.left() + _SQUARE + _GAP)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
    painter.end()


def _rows(
    content: PlotContent, level: int, metrics: QFontMetrics
) -> list[tuple[str, str]]:
    lines = level_lines(content, level)
    if len(lines) == 1:
        return [("", lines[0][1])]
    rows = [("", f"level {level}")]
    for name, (colour, text) in zip(names_apart(content.curves), lines, strict=True):
        middle = Qt.TextElideMode.ElideMiddle
        rows.append(
            (colour, f"{metrics.elidedText(name, middle, _MOST_NAME_PX)}: {text}")
        )
    return rows
