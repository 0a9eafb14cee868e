"""Muscle ROIs: draw outlines on an image and say which muscle they are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from psygnal import Signal
from qtpy.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QPoint,
    QSignalBlocker,
    Qt,
)
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QHeaderView,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari._pairs import pictures
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._roi_actions import RoiActions, RoiButtons
from napari_muscle_us._napari.panels._roi_drawing import Drawing
from napari_muscle_us._napari.panels._roi_locks import LockWatch
from napari_muscle_us._napari.panels._roi_shortcuts import CanvasKeys, bind_widget
from napari_muscle_us._napari.panels._roi_table import (
    RoiTableModel,
    is_elsewhere,
    muscle_delegate,
    side_delegate,
)
from napari_muscle_us._napari.panels._roi_tools import ToolGrid
from napari_muscle_us._napari.panels._widgets import (
    LayerComboBox,
    LivePanel,
    MessageLabel,
    Section,
    report,
    table_view,
    tell,
)
from napari_muscle_us.errors import MuscleUSError, RoiError
from napari_muscle_us.roi.shapes import relabel

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.roi.entries import RoiEntry

_REFRESH_MS: Final = 40
_WIDTHS: Final = (76, 80, 38, 82, 54, 42, 22)
_MUSCLE: Final = 1
_SIGNS: Final = 6
_SIGNS_OF_CLIP: Final = 44
_HINT: Final = "Choose a tool and outline the muscle."


class RoiPanel(LivePanel):
    """Draws regions of interest, edits them and shows them in a table."""

    measure_requested = Signal()
    """The selected ROIs are to be added to the results."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._image_combo = LayerComboBox()
        self._message = MessageLabel()
        self._model = RoiTableModel()
        self._view = self._make_view()
        self._means: dict[int, tuple[Region, float]] = {}
        self._drawing = Drawing(self._session, self)
        self._tools = ToolGrid()
        self._actions = RoiActions(self._session, self._drawing, self)
        self._locks = LockWatch(self._session, self)
        self._keys = CanvasKeys(self._on_key)
        self._lay_out()
        self._connect()
        self._on_layers_changed()

    def _make_view(self) -> QTableView:
        view = table_view(self._model)
        self._delegates = (muscle_delegate(), side_delegate())
        for column, delegate in enumerate(self._delegates, 1):
            view.setItemDelegateForColumn(column, delegate)
        for column, width in enumerate(_WIDTHS):
            view.setColumnWidth(column, width)
        # Muscles of one group begin alike.
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        view.setWordWrap(False)
        header = view.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_MUSCLE, QHeaderView.ResizeMode.Stretch)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        return view

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Image", self._image_combo)
        # Imported late: it brings the looking-at of the picture with it.
        from napari_muscle_us._napari.panels._roi_rules import RulesBox

        # Keys work here, not where numbers and names are chosen.
        self._desk = QWidget()
        # Else napari puts empty space below a panel that is docked by itself.
        self._desk.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding
        )
        desk = QVBoxLayout(self._desk)
        desk.setContentsMargins(0, 0, 0, 0)
        desk.addWidget(self._tools)
        desk.addWidget(RoiButtons(self._actions))
        desk.addWidget(self._view, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._desk, 1)
        layout.addWidget(self._message)
        layout.addWidget(
            Section("Rules of the field", RulesBox(self._session), opened=False)
        )
        bind_widget(self._desk, self._on_key)

    def _connect(self) -> None:
        self._image_combo.layer_chosen.connect(self._on_image_chosen)
        self._tools.tool_chosen.connect(self._on_tool)
        self._drawing.changed.connect(self._on_mode)
        self._locks.refused.connect(self._on_refused)
        self._actions.rename_requested.connect(self._on_rename)
        self._actions.measure_requested.connect(self._on_measure)
        self._model.label_edited.connect(self._on_label_edited)
        self._view.selectionModel().selectionChanged.connect(self._on_rows_selected)
        self._view.customContextMenuRequested.connect(self._on_context_menu)
        self._session.layers_changed.connect(self._on_layers_changed)
        self._session.rois_changed.connect(self.refresh_soon)
        self._session.study_changed.connect(self.refresh_soon)
        self._session.rois.history_changed.connect(self.refresh_soon)
        self._session.selection_changed.connect(self._on_selection)

    def _on_layers_changed(self) -> None:
        layers = pictures(self._session.viewer)
        self._image_combo.set_layers(layers[::-1], self._session.image_layer)
        self._keys.bind(self._session.roi_layer)
        self._on_mode()
        self.refresh_soon()

    def refresh(self) -> None:
        """Show the regions as they are now."""
        if not self._session.is_open:
            return
        regions = self._session.regions()
        frame = self._session.frame
        try:
            image = self._session.image()
        except MuscleUSError as error:
            self._model.set_regions([], None, [])
            self._message.show_message(str(error), warning=False)
            self._actions.update()
            return
        self._model.set_regions(
            regions, image.spacing_mm, self._mean_levels(regions), frame
        )
        signs = _SIGNS_OF_CLIP if self._session.clip.is_clip else _WIDTHS[_SIGNS]
        self._view.setColumnWidth(_SIGNS, signs)
        here = [r for r in regions if not is_elsewhere(r, frame)]
        problems = [r.problem for r in here if r.problem]
        notes = problems or list(image.warnings)
        if not regions:
            notes.append(_HINT)
        self._message.show_message(" ".join(notes), warning=bool(problems))
        self._on_selection()

    def _mean_levels(self, regions: list[Region]) -> list[float | None]:
        """Return the mean gray level of each region, anew only where it changed."""
        known, self._means = self._means, {}
        for region in regions:
            old = known.get(region.index)
            if old is not None and old[0] is region:
                self._means[region.index] = old
            elif region.window is not None:
                mean = float(self._session.statistics(region).mean)
                self._means[region.index] = (region, mean)
        return [self._means.get(r.index, (r, None))[1] for r in regions]

    def _on_image_chosen(self, layer: Layer) -> None:
        self._session.use_image(layer)

    def _on_tool(self, name: str) -> None:
        report(partial(self._drawing.take, name))
        self._on_mode()

    def _on_mode(self) -> None:
        """Show which tool is in hand, also when it was taken in the layer controls."""
        self._tools.setValue(self._drawing.tool)

    def _on_key(self, what: str) -> None:
        if self._view.state() != QAbstractItemView.State.EditingState:
            self._actions.run(what)

    def _on_refused(self, sentence: str) -> None:
        report(partial(_refuse, sentence))

    def _on_rename(self) -> None:
        first = self._model.index(self._session.selected()[0], 0)
        # The row stays selected with the others, whose names stay.
        flags = QItemSelectionModel.SelectionFlag.NoUpdate
        self._view.selectionModel().setCurrentIndex(first, flags)
        self._view.setFocus()
        self._view.edit(first)

    def _on_measure(self) -> None:
        if len(self.measure_requested):
            self.measure_requested.emit()
        else:
            tell("Press Measure in the panel Results, or work in the panel Workflow.")

    def _on_context_menu(self, place: QPoint) -> None:
        menu = self._actions.menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._view.viewport().mapToGlobal(place))

    def _on_label_edited(self, row: int, label: str, text: str) -> None:
        report(partial(self._relabel, row, label, text))
        self.refresh_soon()

    def _relabel(self, row: int, label: str, text: str) -> None:
        """Set a label of an ROI; muscle or side of all that are selected with it."""
        chosen = self._session.selected()
        rows = chosen if row in chosen and label != "name" else [row]
        names = {r.index: r.name for r in self._session.regions()}
        which = names.get(row, "") if len(rows) == 1 else f"{len(rows)} ROIs"
        self._session.rois.change(
            rows, partial(_relabelled, labels={label: text}), f"{label} of {which}"
        )

    def _on_rows_selected(self, *_: QItemSelection) -> None:
        rows = {index.row() for index in self._view.selectionModel().selectedRows()}
        self._session.select(sorted(rows))

    def _on_selection(self) -> None:
        if not self.isVisible():
            return
        self._actions.update()
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


def _relabelled(entry: RoiEntry, *, labels: dict[str, Any]) -> RoiEntry:
    keyframes = tuple((n, relabel(roi, **labels)) for n, roi in entry.keyframes)
    return replace(entry, roi=relabel(entry.roi, **labels), keyframes=keyframes)


def _refuse(sentence: str) -> None:
    raise RoiError(sentence)
