"""Copy ROIs to other images: which ones, and mirrored or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari.panels._roi_when import closed_images
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    button_row,
    report,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from napari_muscle_us._napari._session import Session

_TARGET: Final = Qt.ItemDataRole.UserRole
_SIZE: Final = (360, 320)


class RoiCopyDialog(QDialog):
    """Lists the other images, open ones first; copies to those that are ticked."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Copy ROIs to other images")
        self.resize(*_SIZE)
        self._session = session
        self._list = QListWidget()
        self._list.setToolTip("The images that get a copy.")
        self._mirror = QCheckBox("Mirror left–right and swap the side")
        self._mirror.setToolTip(
            "For the other side of the body: the copy of a left muscle is mirrored on "
            "the picture and called right."
        )
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Copy")
        self._lay_out()
        self._fill()

    def _lay_out(self) -> None:
        note = MessageLabel()
        note.show_message(
            "Copies lie on the same pixels. Check each of them on its image.",
            warning=False,
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self._list, 1)
        layout.addLayout(
            button_row(
                ("All", "Tick all images.", self.tick_all),
                ("None", "Tick no image.", self.tick_none),
            )
        )
        layout.addWidget(self._mirror)
        layout.addWidget(note)
        layout.addWidget(self._buttons)
        self._buttons.accepted.connect(self._on_copy)
        self._buttons.rejected.connect(self.reject)
        self._list.itemChanged.connect(self._on_ticked)

    def _fill(self) -> None:
        for layer in _roi_edits.other_images(self._session):
            self._add(layer.name, layer, "Open in the viewer.")
        for path in closed_images(self._session):
            self._add(f"{path.name} (not open)", path, "It will be opened.")
        self._on_ticked()

    def _add(self, text: str, target: Image | Path, tip: str) -> None:
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked)
        item.setData(_TARGET, target)
        item.setToolTip(tip)
        self._list.addItem(item)

    def _items(self) -> list[QListWidgetItem]:
        return [self._list.item(i) for i in range(self._list.count())]

    def tick_all(self) -> None:
        """Tick all images."""
        self._tick(Qt.CheckState.Checked)

    def tick_none(self) -> None:
        """Tick no image."""
        self._tick(Qt.CheckState.Unchecked)

    def _tick(self, state: Qt.CheckState) -> None:
        for item in self._items():
            item.setCheckState(state)

    def value(self) -> list[Image | Path]:
        """Return the ticked images: layers, and files that are not open."""
        ticked = Qt.CheckState.Checked
        return [i.data(_TARGET) for i in self._items() if i.checkState() == ticked]

    def _on_ticked(self, *_: object) -> None:
        button = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        button.setEnabled(bool(self.value()))

    def _on_copy(self) -> None:
        if report(self.copy):
            self.accept()

    def copy(self) -> None:
        """Copy the selected ROIs to the ticked images, and tell the caveat.

        Raises
        ------
        MuscleUSError
            If a file cannot be opened; then nothing is copied.
        """
        mirrored = self._mirror.isChecked()
        caveat = copy_rois(self._session, self.value(), mirrored=mirrored)
        tell(caveat or f"ROIs copied to {_images(len(self.value()))}.")


def copy_rois(
    session: Session, targets: Sequence[Image | Path], *, mirrored: bool
) -> str:
    """Copy the selected ROIs to layers and files; return a caveat, or nothing."""
    image, rois = session.image_layer, session.roi_layer
    try:
        layers = [
            _opened(session, target) if isinstance(target, Path) else target
            for target in targets
        ]
    finally:
        # An image can have several ROI layers: back to the very one.
        if image is not None:
            session.use_image(image, rois)
        session.viewer.layers.selection.active = rois
    return _roi_edits.copy_to(session, layers, mirrored=mirrored)


def _opened(session: Session, path: Path) -> Image:
    layers = [
        session.viewer.add_image(data, **attributes)
        for data, attributes, _ in read_layers(path)
    ]
    if session.autosave.is_on:
        # What was drawn there before comes first.
        session.autosave.restore()
    return layers[0]


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
