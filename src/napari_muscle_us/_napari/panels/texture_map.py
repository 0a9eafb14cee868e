"""Texture maps: the value of a texture feature around every pixel, as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import (
    QFormLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari import _map_layers
from napari_muscle_us._napari.panels import _texmap_work as work
from napari_muscle_us._napari.panels._map_page import MapPage
from napari_muscle_us._napari.panels._texmap_choice import FeatureCombo
from napari_muscle_us._napari.panels._texmap_form import MapForm
from napari_muscle_us._napari.panels._texmap_live import LiveMaps, live_maps_of
from napari_muscle_us._napari.panels._texmap_numbers import NumbersTable, numbers_in
from napari_muscle_us._napari.panels._widgets import (
    Section,
    ask_save_path,
    button_row,
    report,
    tell_saved,
    widget_row,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.write_map import refuse_other_map, write_map

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_muscle_us._napari._session import Session

_HINT: Final = (
    "Choose a feature and press Add map: its value in a window around every pixel "
    "becomes a layer on the image."
)


class TextureMapPage(MapPage):
    """Makes texture maps of the current image and lets sliders change them live."""

    _live: LiveMaps
    _form: MapForm

    def __init__(self, session: Session) -> None:
        super().__init__(session, live_maps_of(session), MapForm(), _HINT)
        self._feature = FeatureCombo()
        self._add = QPushButton("Add map")
        self._add.setToolTip("Adds the map as a layer on the image, or shows it again.")
        self._remove = QPushButton("Remove")
        self._remove.setToolTip("Takes the map of this feature away.")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop computing.")
        self._numbers = NumbersTable()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Map", widget_row(self._feature))
        form.addRow("", widget_row(self._add, self._remove))
        self._add_settings(form)
        buttons = button_row(
            (
                "Fit colours",
                "Stretches the colours over the values of the maps: from the 1st to "
                "the 99th percentile. They stay when the window changes.",
                self._live.fit_colours,
            ),
            (
                "Save map…",
                "Saves the map of the chosen feature as a TIFF that keeps all digits "
                "and the scale.",
                self._on_save,
            ),
        )
        self._busy = widget_row(self._progress, self._cancel)
        body = QWidget()
        column = QVBoxLayout(body)
        column.addLayout(form)
        column.addLayout(buttons)
        for widget in (self._busy, self._message, self._numbers):
            column.addWidget(widget)
        column.addWidget(Section("Advanced", self._form.advanced(), opened=False))
        column.addStretch()
        self._fill(body)

    def _connect(self) -> None:
        self._add.clicked.connect(self.add)
        self._remove.clicked.connect(self.remove)
        self._feature.feature_changed.connect(self._on_changed)
        self._cancel.clicked.connect(self._live.cancel)
        self._patience.timeout.connect(self._show_busy)
        self._live.progressed.connect(self._on_progress)
        for signal in (self._session.selection_changed, self._session.rois_changed):
            signal.connect(self.refresh_soon)
        super()._connect()

    def add(self) -> None:
        """Add the map of the chosen feature."""
        self._on_edited()
        try:
            self._live.add(self._feature.value())
        except MuscleUSError as error:
            self._message.show_message(str(error))

    def remove(self) -> None:
        """Take the map of the chosen feature away."""
        self._live.remove(self._feature.value())

    def save(self, path: str) -> None:
        """Write the map of the chosen feature to a file.

        Raises
        ------
        MuscleUSError
            If there is no such map, or the file cannot be written.
        """
        layer = self._finished()
        facts = _map_layers.map_facts(layer)
        refuse_other_map(path)
        name, spacing = facts["feature"], facts["spacing_mm"]
        write_map(path, layer.data, name=name, spacing_mm=spacing, info=facts)

    def _finished(self) -> Image:
        """Return the layer of the chosen feature, or refuse what is not there yet."""
        feature = self._feature.value()
        layer = self._live.layer(feature)
        if layer is None or self._live.values(feature) is None or self._live.busy:
            raise MeasureError(
                f"There is no finished map of {work.title_of(feature)}; press Add map "
                "and wait until it is there."
            )
        return layer

    def _on_save(self) -> None:
        # Nobody is asked for the name of a file that cannot be written.
        if not report(self._finished):
            return
        name = f"{self._feature.value()}_map.tif"
        path = ask_save_path(self, "Save map", name, "TIFF (*.tif *.tiff)")
        if path and report(lambda: self.save(path)):
            tell_saved(path)

    def _on_progress(self, done: int, of: int) -> None:
        if isalive(self):
            self._progress.setRange(0, of)
            self._progress.setValue(done)

    def _on_changed(self) -> None:
        if not isalive(self):
            return
        features = self._live.features
        self._feature.mark(features)
        self._remove.setEnabled(self._feature.value() in features)
        if not self._live.busy:
            self._patience.stop()
            self._busy.setVisible(False)
        elif not self._patience.isActive() and self._busy.isHidden():
            self._patience.start()
        self._say()
        self.refresh_soon()

    def _show_busy(self) -> None:
        self._busy.setVisible(self._live.busy)
        self._say()

    def _compiles(self) -> bool:
        return self._busy.isVisible() and self._live.compiling

    def refresh(self) -> None:
        """Show the numbers of the maps inside the chosen regions."""
        found = []
        for feature in self._live.features:
            values = self._live.values(feature)
            if values is None:
                continue
            for region in self._session.chosen_regions():
                found.append(numbers_in(feature, values, region))
        self._numbers.set_numbers([numbers for numbers in found if numbers])
