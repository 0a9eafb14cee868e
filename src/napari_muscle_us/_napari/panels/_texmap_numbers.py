"""The values of texture maps inside the chosen regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from napari_muscle_us._napari.panels._texmap_work import title_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us._napari._regions import Region

_HEADS: Final = ("Map", "ROI", "Mean ± SD", "Pixels")
_TIPS: Final = (
    "What the map shows.",
    "The selected ROI.",
    "Mean and standard deviation of the map's values inside the ROI.",
    "Pixels of the ROI that have a value, of all.",
)
_ROW_PX: Final = 24
_ROWS: Final = 6
"""So many are shown at once; more can be scrolled to."""


@dataclass(frozen=True, slots=True)
class MapNumbers:
    """Mean and SD (n − 1) of a map inside a region; NaN for too few values."""

    feature: str
    roi: str
    mean: float
    sd: float
    n: int
    of: int


def numbers_in(
    feature: str, values: npt.NDArray[np.float32], region: Region
) -> MapNumbers | None:
    """Return the numbers of a map in a region, ``None`` where it is not usable."""
    window = region.window
    if window is None:
        return None
    inside = values[window.rows, window.columns][window.mask].astype(np.float64)
    known = inside[np.isfinite(inside)]
    mean = float(known.mean()) if known.size else float("nan")
    sd = float(known.std(ddof=1)) if known.size > 1 else float("nan")
    return MapNumbers(feature, region.name, mean, sd, known.size, inside.size)


class NumbersTable(QTableWidget):
    """Shows the numbers of maps, a line a map and region; hidden without any."""

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self.setHorizontalHeaderLabels(list(_HEADS))
        for column, tip in enumerate(_TIPS):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVisible(False)

    def set_numbers(self, numbers: list[MapNumbers]) -> None:
        """Show other numbers."""
        self.setRowCount(len(numbers))
        for row, found in enumerate(numbers):
            for column, text in enumerate(_texts(found)):
                item = self.item(row, column)
                if item is None:
                    self.setItem(row, column, QTableWidgetItem(text))
                elif item.text() != text:
                    item.setText(text)
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                if column > 1:
                    self.item(row, column).setTextAlignment(right)
        shown = min(len(numbers), _ROWS)
        self.setFixedHeight(
            self.horizontalHeader().sizeHint().height() + 4 + (shown * _ROW_PX)
        )
        self.setVisible(bool(numbers))


def _texts(found: MapNumbers) -> tuple[str, ...]:
    value = "–" if found.n == 0 else f"{found.mean:.4g} ± {_text(found.sd)}"
    return title_of(found.feature), found.roi, value, f"{found.n} of {found.of}"


def _text(number: float) -> str:
    return "–" if np.isnan(number) else f"{number:.3g}"
