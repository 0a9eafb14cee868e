"""Maps of fibre direction: colours, coherency, direction and lines, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _animap_work as work
from napari_muscle_us._napari.panels._animap_clip import ClipSaver
from napari_muscle_us._napari.panels._animap_form import MapForm
from napari_muscle_us._napari.panels._animap_live import live_directions_of
from napari_muscle_us._napari.panels._animap_save import clip_task, save_map
from napari_muscle_us._napari.panels._animap_wheel import ColourWheel
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    Section,
    ask_save_path,
    report,
    tell_saved,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session

_REFRESH_MS: Final = 60
_PATIENCE_MS: Final = 100
_WHOLE, _ROIS = range(2)
_COMPILING: Final = "Compiling the map kernels (once)…"
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


class AnisotropyMapPage(LivePanel):
    """Shows fibre direction on the current image and lets sliders change it live."""

    def __init__(self, session: Session) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session
        self._live = live_directions_of(session)
        self._ticks = {kind: QCheckBox(text) for kind, (text, _) in _TICKS.items()}
        self._form = MapForm()
        self._where = QComboBox()
        self._follow = QCheckBox("Follow image, frame and ROI")
        self._message = MessageLabel()
        self._saver = ClipSaver(self)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._set_up()
        self._lay_out()
        self._connect()
        self._on_settings()
        self._on_image()
        self._on_changed()

    def _set_up(self) -> None:
        for kind, (_, tip) in _TICKS.items():
            more = "" if kind == work.LINES else _TICK_TIP
            self._ticks[kind].setToolTip(tip + more)
        self._where.addItems(["Whole image", "Inside the selected ROIs"])
        self._where.setToolTip(
            "Inside the selected ROIs, all if none is selected: pixels outside count "
            "nowhere. Several ROIs count as one region."
        )
        self._follow.setToolTip(
            "On: maps are made anew when the image, the frame or the ROI changes. Off: "
            "they stay on what they show now."
        )

    def _lay_out(self) -> None:
        ticks = QVBoxLayout()
        for tick in self._ticks.values():
            ticks.addWidget(tick)
        top = QHBoxLayout()
        top.addLayout(ticks, 1)
        top.addWidget(ColourWheel(), 1)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.add_to(form)
        form.addRow("Where", self._where)
        form.addRow("", self._follow)
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
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def _connect(self) -> None:
        for tick in self._ticks.values():
            tick.clicked.connect(self._on_tick)
        for signal in self._form.signals:
            signal.connect(self._on_edited)
        self._where.activated.connect(self._on_where)
        self._follow.toggled.connect(self._on_follow)
        self._patience.timeout.connect(self._say)
        self._saver.save_asked.connect(self._on_save)
        self._saver.clip_asked.connect(self._on_save_clip)
        self._live.changed.connect(self._on_changed)
        self._live.settings_changed.connect(self._on_settings)
        self._session.layers_changed.connect(self._on_image)

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

    def _on_edited(self, *_: object) -> None:
        self._live.set_settings(self._form.value())

    def _on_settings(self) -> None:
        """Show settings, which another panel may have changed."""
        if not isalive(self):
            return
        self._form.set_value(self._live.settings)
        with QSignalBlocker(self._follow):
            self._follow.setChecked(self._live.follow)
        self._where.setCurrentIndex(_ROIS if self._live.in_rois else _WHOLE)

    def _on_where(self, index: int) -> None:
        self._live.set_place(in_rois=index == _ROIS)

    def _on_follow(self, follow: bool) -> None:
        self._live.set_place(follow=follow)

    def _on_image(self) -> None:
        if not isalive(self):
            return
        try:
            image = self._session.image()
            spacing, is_clip = image.spacing_mm, self._session.clip.is_clip
        except MuscleUSError:
            spacing, is_clip = None, False
        self._form.set_spacing(spacing)
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

    def _say(self) -> None:
        shown = any(self._live.layer(kind) is not None for kind in self._ticks)
        if self._live.busy and not work.is_ready():
            self._message.show_message(_COMPILING, warning=False)
        elif shown or self._live.message:
            self._message.show_message(self._live.message)
        else:
            self._message.show_message(_HINT, warning=False)

    def refresh(self) -> None:
        """Show what is there; layers follow by themselves."""
        self._on_changed()
