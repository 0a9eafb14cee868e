"""What the pages of live maps share: where maps are made, and what there is to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._pages import scrolled
from napari_muscle_us._napari.panels._widgets import LivePanel, MessageLabel
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._map_live import LiveLayers

_REFRESH_MS: Final = 60
_PATIENCE_MS: Final = 100
_WHOLE, _ROIS = range(2)
_COMPILING: Final = "Compiling the map kernels (once)…"


class MapPage(LivePanel):
    """Shows and changes the settings of live maps.

    Parameters
    ----------
    session : Session
        What the panels of a viewer share.
    live : LiveLayers
        The maps.
    form : object
        The fields of their settings.
    hint : str
        What to say while there is no map.
    """

    def __init__(
        self, session: Session, live: LiveLayers, form: Any, hint: str
    ) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session
        self._live = live
        self._form = form
        self._hint = hint
        self._where = QComboBox()
        self._where.addItems(["Whole image", "Inside the selected ROIs"])
        self._where.setToolTip(
            "Inside the selected ROIs, all if none is selected: pixels outside count "
            "nowhere. Several ROIs count as one region."
        )
        self._follow = QCheckBox("Follow image, frame and ROI")
        self._follow.setToolTip(
            "On: maps are made anew when the image, the frame or the ROI changes. Off: "
            "they stay on what they show now."
        )
        self._message = MessageLabel()
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)

    def _add_settings(self, form: QFormLayout) -> None:
        """Add the rows of the settings that are always seen."""
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.add_to(form)
        form.addRow("Where", self._where)
        form.addRow("", self._follow)

    def _fill(self, body: QWidget) -> None:
        """Put all into the page, which scrolls where it is too low."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(body))

    def _connect(self) -> None:
        for signal in self._form.signals:
            signal.connect(self._on_edited)
        self._where.activated.connect(self._on_where)
        self._follow.toggled.connect(self._on_follow)
        self._live.changed.connect(self._on_changed)
        self._live.settings_changed.connect(self._on_settings)
        self._session.layers_changed.connect(self._on_image)
        self._on_settings()
        self._on_image()
        self._on_changed()

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
            spacing = self._session.image().spacing_mm
        except MuscleUSError:
            spacing = None
        self._form.set_spacing(spacing)

    def _on_changed(self) -> None:
        """Show what maps there are; subclasses say how."""
        raise NotImplementedError

    def _compiles(self) -> bool:
        """Whether what is being computed has to be compiled first."""
        raise NotImplementedError

    def _say(self) -> None:
        if self._compiles():
            self._message.show_message(_COMPILING, warning=False)
        elif self._live.kinds or self._live.message:
            self._message.show_message(self._live.message)
        else:
            self._message.show_message(self._hint, warning=False)
