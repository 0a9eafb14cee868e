"""What a feature means, with its formula drawn."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtGui import QColor, QImage, QPixmap
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._texture_words import (
    direction_name,
    unit_text,
)
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.measure.texture.families import LABELS
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._texture_columns import Column, Row
    from napari_muscle_us.measure.texture.features import Feature

_POINTS: Final = 10
_DOTS_A_POINT: Final = 96 / 72
_LESS_OR_EQUAL: Final = re.compile(r"\\le(?![a-z])")
"""matplotlib knows the long name only."""


class FeatureDetails(QWidget):
    """Name, code, meaning and formula of one feature; why a value is missing."""

    def __init__(self) -> None:
        super().__init__()
        self._title = MessageLabel()
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self.meaning = MessageLabel()
        self.reason = MessageLabel()
        self.formula = QLabel()
        self.formula.setToolTip("Definition in the symbols of the IBSI.")
        self._feature: Feature | None = None
        self._foreground = "#808080"
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for widget in (self._title, self.meaning, self.reason, self.formula):
            layout.addWidget(widget)
        self.hide()

    def title(self) -> str:
        """Return the line with name and code."""
        return self._title.text()

    def set_row(self, row: Row | None, columns: Sequence[Column]) -> None:
        """Show another feature, ``None`` for none."""
        self.setVisible(row is not None)
        if row is None or row.feature is None:
            self._feature = None
            return
        self._title.show_message(_title(row), warning=False)
        self.meaning.show_message(row.feature.meaning, warning=False)
        self.set_values(row, columns)
        if row.feature is not self._feature:
            self._feature = row.feature
            self._draw()

    def set_values(self, row: Row, columns: Sequence[Column]) -> None:
        """Say of each ROI why it has no value."""
        said = [
            f"{column.heading.title}: {column.tip(row)}"
            for column in columns
            if column.source is not None
            and column.outcome is not None
            and math.isnan(column.value(row))
        ]
        self.reason.show_message("\n".join(said), warning=False)

    def set_foreground(self, colour: str) -> None:
        """Draw in another colour."""
        self._foreground = colour
        self._draw()

    def _draw(self) -> None:
        if self._feature is None:
            return
        ratio = self.devicePixelRatioF()
        picture = formula_picture(self._feature.formula, self._foreground, ratio)
        self.formula.setPixmap(picture)


def _title(row: Row) -> str:
    feature = row.feature
    if feature is None:
        return ""
    code = f"IBSI {feature.ibsi}" if feature.ibsi else "not in the IBSI"
    name = feature.label
    if row.direction >= 0:
        name = f"{name}, {direction_name(DIRECTIONS[row.direction])}"
    parts = (name, LABELS[feature.family], unit_text(feature.unit), code)
    return " · ".join(filter(None, parts))


def formula_picture(formula: str, colour: str, ratio: float = 1.0) -> QPixmap:
    """Return a formula in TeX as a picture with a clear background."""
    alpha = _drawn(_LESS_OR_EQUAL.sub(r"\\leq", formula), ratio)
    height, width = alpha.shape
    paint = QColor(colour)
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., :3] = (paint.red(), paint.green(), paint.blue())
    pixels[..., 3] = alpha
    kind = QImage.Format.Format_RGBA8888
    # QPixmap copies, so that the array may go.
    picture = QPixmap.fromImage(
        QImage(pixels.tobytes(), width, height, 4 * width, kind)
    )
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=64)
def _drawn(formula: str, ratio: float) -> Any:
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    dots = 72 * _DOTS_A_POINT * ratio
    parser: Any = MathTextParser("agg")
    drawn = parser.parse(f"${formula}$", dots, FontProperties(size=_POINTS))
    return np.asarray(drawn.image)
