"""Which map: the features in groups, each with its meaning."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QComboBox

from napari_muscle_us._napari.panels._texmap_work import title_of
from napari_muscle_us.measure.texture.families import features_of
from napari_muscle_us.measure.texture.map_features import MAP_FEATURES

GROUPS: Final = {
    "Neighbours alike or not": (
        "contrast",
        "dissimilarity",
        "inverse_difference",
        "inverse_difference_moment",
        "correlation",
    ),
    "Order": ("joint_entropy", "angular_second_moment", "energy"),
    "Spread of levels": (
        "joint_average",
        "joint_variance",
        "cluster_tendency",
        "cluster_shade",
        "cluster_prominence",
    ),
    "Single pixels": ("mean", "sd", "entropy"),
}
"""Order of the list; every map is in one group."""

_MEANINGS: Final = {
    "energy": (
        "Root of the angular second moment, which scikit-image calls energy: high "
        "where the same pair of gray levels returns again and again."
    ),
    "mean": (
        "Mean gray level of the window, a smoothed echo intensity; rises when muscle "
        "is replaced by fat and fibrous tissue."
    ),
    "sd": (
        "Standard deviation of the gray levels of the window; rises where bright and "
        "dark tissue lie side by side."
    ),
    "entropy": (
        "Entropy of the levels of the window, wherever they are in it; high where many "
        "gray levels occur equally often."
    ),
}
_MARK: Final = "✓ "


def meaning_of(key: str) -> str:
    """Return what a map tells a sonographer, in a sentence."""
    if key in _MEANINGS:
        return _MEANINGS[key]
    known = {feature.key: feature.meaning for feature in features_of("glcm")}
    return known[f"glcm.{key}"]


class FeatureCombo(QComboBox):
    """A list of the features that a map can show; those with a map are ticked."""

    feature_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._model = QStandardItemModel(self)
        for group, keys in GROUPS.items():
            self._model.appendRow(_heading(group))
            for key in keys:
                self._model.appendRow(_entry(key))
        self.setModel(self._model)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(14)
        self.setMaxVisibleItems(self.count())
        self.currentIndexChanged.connect(self._on_index)
        self.set_value("contrast")

    def value(self) -> str:
        """Return the key of the chosen feature."""
        return str(self.currentData(Qt.ItemDataRole.UserRole))

    def set_value(self, key: str) -> None:
        """Choose a feature."""
        self.setCurrentIndex(self.findData(key, Qt.ItemDataRole.UserRole))

    def mark(self, keys: tuple[str, ...]) -> None:
        """Tick the features that have a map."""
        with QSignalBlocker(self):
            for row in range(self.count()):
                item = self._model.item(row)
                key = item.data(Qt.ItemDataRole.UserRole)
                if key in MAP_FEATURES:
                    text = (_MARK if key in keys else "") + title_of(key)
                    if item.text() != text:
                        item.setText(text)

    def _on_index(self, index: int) -> None:
        self.setToolTip(f"What the map shows. {meaning_of(self.value())}")
        self.feature_changed.emit()


def _heading(text: str) -> QStandardItem:
    item = QStandardItem(text)
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    font = item.font()
    font.setItalic(True)
    item.setFont(font)
    return item


def _entry(key: str) -> QStandardItem:
    item = QStandardItem(title_of(key))
    item.setData(key, Qt.ItemDataRole.UserRole)
    item.setToolTip(meaning_of(key))
    return item
