"""Muscle ROIs: draw outlines on an image and say which muscle they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari.layers import Image
from qtpy.QtCore import QItemSelection, QItemSelectionModel, QSignalBlocker
from qtpy.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QGridLayout,
    QPushButton,
    QVBoxLayout,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._roi_table import (
    RoiTableModel,
    muscle_delegate,
    side_delegate,
)
from napari_muscle_us._napari.panels._widgets import (
    LayerComboBox,
    LivePanel,
    MessageLabel,
    button_row,
    report,
    table_view,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

_REFRESH_MS: Final = 40
_WIDTHS: Final = (75, 120, 50, 85, 55)

TOOLS: Final = (
    ("Polygon", "add_polygon", "Click the corners; Esc or a double click ends."),
    ("Freehand", "add_polygon_lasso", "Draw around the muscle with the button down."),
    ("Ellipse", "add_ellipse", "Drag from one corner of its box to the other."),
    ("Rectangle", "add_rectangle", "Drag from one corner to the other."),
    ("Move", "select", "Click an ROI to select it; drag to move or resize it."),
    ("Vertices", "direct", "Drag single vertices of the outline."),
)


class RoiPanel(LivePanel):
    """Draws regions of interest and shows them in a table."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._image_combo = LayerComboBox()
        self._message = MessageLabel()
        self._model = RoiTableModel()
        self._view = table_view(self._model)
        self._delegates = (muscle_delegate(), side_delegate())
        for column, delegate in enumerate(self._delegates, 1):
            self._view.setItemDelegateForColumn(column, delegate)
        for column, width in enumerate(_WIDTHS):
            self._view.setColumnWidth(column, width)
        self._tools = QButtonGroup(self)
        self._lay_out()
        self._connect()
        self._on_layers_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Image", self._image_combo)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(
            button_row(
                ("New ROI layer", "Add a Shapes layer on the image.", self._on_new),
                ("Delete ROI", "Delete the selected ROIs.", self._on_delete),
            )
        )
        layout.addLayout(self._tool_grid())
        layout.addWidget(self._view, 1)
        layout.addWidget(self._message)

    def _tool_grid(self) -> QGridLayout:
        grid = QGridLayout()
        for number, (text, _, tooltip) in enumerate(TOOLS):
            button = QPushButton(text)
            button.setToolTip(tooltip)
            button.setCheckable(True)
            self._tools.addButton(button, number)
            grid.addWidget(button, number // 3, number % 3)
        return grid

    def _connect(self) -> None:
        self._image_combo.layer_chosen.connect(self._on_image_chosen)
        self._tools.idClicked.connect(self._on_tool)
        self._model.label_edited.connect(self._on_label_edited)
        self._view.selectionModel().selectionChanged.connect(self._on_rows_selected)
        self._session.layers_changed.connect(self._on_layers_changed)
        self._session.rois_changed.connect(self.refresh_soon)
        self._session.selection_changed.connect(self._on_selection)
        self._session.mode_changed.connect(self._on_mode)

    def _on_layers_changed(self) -> None:
        layers = [x for x in self._session.viewer.layers if isinstance(x, Image)]
        self._image_combo.set_layers(layers[::-1], self._session.image_layer)
        self._on_mode()
        self.refresh_soon()

    def refresh(self) -> None:
        """Show the regions as they are now."""
        regions = self._session.regions()
        try:
            image = self._session.image()
        except MuscleUSError as error:
            self._model.set_regions([], None)
            self._message.show_message(str(error), warning=False)
            return
        self._model.set_regions(regions, image.spacing_mm)
        problems = [r.problem for r in regions if r.problem]
        notes = problems or list(image.warnings)
        if not regions:
            notes.append("Choose a tool and outline the muscle.")
        self._message.show_message(" ".join(notes), warning=bool(problems))
        self._on_selection()

    def _on_image_chosen(self, layer: Layer) -> None:
        self._session.use_image(layer)

    def _on_new(self) -> None:
        report(lambda: self._start_drawing("add_polygon", new_layer=True))

    def _on_delete(self) -> None:
        self._session.remove(self._session.selected())

    def _on_tool(self, number: int) -> None:
        report(lambda: self._start_drawing(TOOLS[number][1]))

    def _start_drawing(self, mode: str, *, new_layer: bool = False) -> None:
        layer = self._session.roi_layer
        if layer is None or new_layer:
            layer = self._session.new_roi_layer()
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode

    def _on_mode(self) -> None:
        """Show which tool is in hand, also when it was taken in the layer controls."""
        layer = self._session.roi_layer
        mode = "" if layer is None else str(layer.mode)
        self._tools.setExclusive(False)
        for number, tool in enumerate(TOOLS):
            self._tools.button(number).setChecked(tool[1] == mode)
        self._tools.setExclusive(True)

    def _on_label_edited(self, row: int, label: str, text: str) -> None:
        self._session.edit(row, **{label: text})

    def _on_rows_selected(self, *_: QItemSelection) -> None:
        rows = {index.row() for index in self._view.selectionModel().selectedRows()}
        self._session.select(sorted(rows))

    def _on_selection(self) -> None:
        if not self.isVisible():
            return
        model = self._view.selectionModel()
        wanted = self._session.selected()
        if wanted == sorted(index.row() for index in model.selectedRows()):
            return
        chosen = QItemSelection()
        for row in wanted:
            index = self._model.index(row, 0)
            chosen.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        with QSignalBlocker(model):
            model.select(chosen, flags.ClearAndSelect | flags.Rows)
        # The blocked signal is also what makes the view repaint.
        self._view.viewport().update()
