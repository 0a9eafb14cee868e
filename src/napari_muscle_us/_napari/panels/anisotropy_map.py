"""Maps of fibre direction: colours, coherency, direction and lines, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels import _animap_work as work
from napari_muscle_us._napari.panels._animap_clip import ClipSaver
from napari_muscle_us._napari.panels._animap_form import MapForm
from napari_muscle_us._napari.panels._animap_live import (
    LiveDirections,
    live_directions_of,
)
from napari_muscle_us._napari.panels._animap_save import clip_task, save_map
from napari_muscle_us._napari.panels._animap_wheel import ColourWheel
from napari_muscle_us._napari.panels._map_page import MapPage
from napari_muscle_us._napari.panels._widgets import (
    Section,
    ask_save_path,
    report,
    tell_saved,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session

_HINT: Final = "Tick what is to be shown on the image; sliders then change it live."
_TICKS: Final = {
    work.COLOURS: (
        "Colours",
        "The image coloured by direction, as the wheel says; the more coherent, the "
        "stronger the colour. Its brightness is that of the image.",
    ),
    work.COHERENCY: (
        "Coherency",
        "How well the lines around each pixel agree: 0 without any direction, 1 for "
        "straight parallel lines.",
    ),
    work.DIRECTION: (
        "Direction",
        "Degrees of the lines around each pixel: 0 is lateral, positive rises to the "
        "right. Put the mouse on a pixel to read it.",
    ),
    work.LINES: (
        "Lines",
        "Short lines along the direction on a grid, the longer the more coherent, on "
        "top of any map. Their numbers are in napari's Features table.",
    ),
}
_TICK_TIP: Final = " Of the three maps one is shown at a time."
_FILTER: Final = "TIFF (*.tif *.tiff)"


class AnisotropyMapPage(MapPage):
    """Shows fibre direction on the current image and lets sliders change it live."""

    _live: LiveDirections
    _form: MapForm

    def __init__(self, session: Session) -> None:
        super().__init__(session, live_directions_of(session), MapForm(), _HINT)
        self._ticks = {kind: QCheckBox(text) for kind, (text, _) in _TICKS.items()}
        for kind, (_, tip) in _TICKS.items():
            more = "" if kind == work.LINES else _TICK_TIP
            self._ticks[kind].setToolTip(tip + more)
        self._saver = ClipSaver(self)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        ticks = QVBoxLayout()
        for tick in self._ticks.values():
            ticks.addWidget(tick)
        top = QHBoxLayout()
        top.addLayout(ticks, 1)
        top.addWidget(ColourWheel(), 1)
        form = QFormLayout()
        self._add_settings(form)
        body = QWidget()
        column = QVBoxLayout(body)
        column.addLayout(top)
        column.addLayout(form)
        column.addWidget(self._message)
        column.addWidget(Section("Lines", self._form.lines()))
        column.addWidget(Section("Save", self._saver))
        advanced = Section("Advanced", self._form.advanced(), opened=False)
        column.addWidget(advanced)
        column.addStretch(1)
        self._fill(body)

    def _connect(self) -> None:
        for tick in self._ticks.values():
            tick.clicked.connect(self._on_tick)
        self._patience.timeout.connect(self._say)
        self._saver.save_asked.connect(self._on_save)
        self._saver.clip_asked.connect(self._on_save_clip)
        super()._connect()

    def show_kind(self, kind: str, shown: bool = True) -> None:
        """Show or hide colours, coherency, direction or lines."""
        self._live.set_settings(self._form.value())
        if not shown:
            self._live.hide(kind)
            return
        try:
            self._live.show(kind)
        except MuscleUSError as error:
            self._on_changed()
            self._message.show_message(str(error))

    def save(self, path: str) -> None:
        """Write the chosen part of the map on the screen to a file.

        Raises
        ------
        MuscleUSError
            If there is no map, or the file cannot be written.
        """
        save_map(self._live.found(), self._saver.kind(), path)

    def save_clip(self, path: str) -> None:
        """Begin to write the maps of all frames to a file.

        Raises
        ------
        MuscleUSError
            If it is no clip, or the maps cannot be made or written.
        """
        live, kind = self._live, self._saver.kind()
        self._saver.start(
            clip_task(self._session, live.settings, kind, path, in_rois=live.in_rois)
        )

    def _on_save(self) -> None:
        name = f"{self._saver.kind()}_map.tif"
        path = ask_save_path(self, "Save map", name, _FILTER)
        if path and report(lambda: self.save(path)):
            tell_saved(path)

    def _on_save_clip(self) -> None:
        name = f"{self._saver.kind()}_maps.tif"
        path = ask_save_path(self, "Save maps of all frames", name, _FILTER)
        if path:
            report(lambda: self.save_clip(path))

    def _on_tick(self) -> None:
        for kind, tick in self._ticks.items():
            if tick.isChecked() != self._live.is_shown(kind):
                self.show_kind(kind, tick.isChecked())
                return

    def _on_image(self) -> None:
        super()._on_image()
        if not isalive(self):
            return
        try:
            is_clip = self._session.clip.is_clip
        except MuscleUSError:
            is_clip = False
        self._saver.set_clip(is_clip)

    def _on_changed(self) -> None:
        if not isalive(self):
            return
        for kind, tick in self._ticks.items():
            tick.setChecked(self._live.is_shown(kind))
        if not self._live.busy:
            self._patience.stop()
        elif not self._patience.isActive():
            self._patience.start()
        self._say()

    def _compiles(self) -> bool:
        return self._live.busy and not work.is_ready()

    def refresh(self) -> None:
        """Show what is there; layers follow by themselves."""
        self._on_changed()
