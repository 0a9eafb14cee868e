"""The images of a study to choose from, and what was skipped with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

if TYPE_CHECKING:
    from napari_muscle_us.study.model import Study

_PATH: Final = Qt.ItemDataRole.UserRole
_HEIGHT: Final = 190
_SIZE_WIDTH: Final = 150


class StudyTree(QTreeWidget):
    """Series and their images in order; a double click asks for one to be opened."""

    open_requested = Signal(object)
    """The path of the chosen image."""

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderLabels(["Image", "Size in pixels"])
        self.setMinimumHeight(_HEIGHT)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(1, _SIZE_WIDTH)
        self.setToolTip("Double-click an image to open it.")
        self.itemActivated.connect(self._on_activated)
        self._in_hand: Path | None = None

    def set_study(self, study: Study | None) -> None:
        """Show another study, or none."""
        self.clear()
        self._in_hand = None
        if study is None:
            return
        for series in study.series:
            parent = QTreeWidgetItem(self, [series.label])
            for item in series.items:
                child = QTreeWidgetItem(parent, [item.path.name, _words(item)])
                child.setToolTip(0, item.path.name)
                child.setData(0, _PATH, str(item.path))
            parent.setFirstColumnSpanned(True)
            parent.setExpanded(True)
        if study.skipped:
            parent = QTreeWidgetItem(self, [f"Skipped files ({len(study.skipped)})"])
            for skipped in study.skipped:
                child = QTreeWidgetItem(parent, [skipped.name, skipped.reason])
                child.setToolTip(1, skipped.reason)

    def paths(self) -> list[Path]:
        """Return the files of all images, in order."""
        return [Path(item.data(0, _PATH)) for item in self._images()]

    def show_in_hand(self, path: Path | None) -> None:
        """Mark the image that is shown in the viewer, from which steps are counted."""
        if path == self._in_hand:
            return
        self._in_hand = path
        for item in self._images():
            if Path(item.data(0, _PATH)) == path:
                self.setCurrentItem(item)

    def step(self, by: int) -> None:
        """Ask for the image after (or before) the one in hand."""
        images = self._images()
        if not images:
            return
        current = self.currentItem()
        place = images.index(current) + by if current in images else 0
        if 0 <= place < len(images):
            self.setCurrentItem(images[place])
            self._on_activated(images[place])

    def _images(self) -> list[QTreeWidgetItem]:
        tops = [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        items = [top.child(i) for top in tops for i in range(top.childCount())]
        return [item for item in items if item.data(0, _PATH)]

    def _on_activated(self, item: QTreeWidgetItem, column: int = 0) -> None:
        path = item.data(0, _PATH)
        if path:
            self.open_requested.emit(Path(path))


def _words(item: object) -> str:
    frames = getattr(item, "frames", None)
    rows, columns = getattr(item, "rows", None), getattr(item, "columns", None)
    size = f"{columns} × {rows}" if rows and columns else ""
    if getattr(item, "kind", "still") == "clip":
        many = f"{frames} frames" if frames else "clip"
        return f"{many}, {size}" if size else many
    return size
