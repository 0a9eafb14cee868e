"""napari's slider of the frame axis: seconds beside it, played at the true rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QLabel, QLineEdit

from napari_muscle_us._napari._layers import frame_interval_s
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage

_SLIDER_CLASS: Final = "QtDimSliderWidget"
_NUMBER_FIELD: Final = "slice_label"
_LABEL_NAME: Final = "napari-muscle-us-time"
_FASTEST: Final = 500.0


class ClipSlider:
    """Keeps the slider of the current clip in step with its times."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: WeakSet[Image] = WeakSet()
        self._arrived_at: WeakKeyDictionary[Image, int] = WeakKeyDictionary()
        session.layers_changed.connect(self._on_layers_changed)
        session.frame_changed.connect(self._show_time)

    def _on_layers_changed(self) -> None:
        # napari makes its sliders after it has told of the new layer.
        if QApplication.instance() is not None:
            layer = self._session.image_layer
            if layer is not None:
                self._arrived_at.setdefault(layer, self._session.frame)
            QTimer.singleShot(0, self._set_up)

    def _set_up(self) -> None:
        clip = self._clip()
        slider = self._slider()
        if clip is None or slider is None:
            self._show_time()
            return
        layer = self._session.image_layer
        if layer is not None and layer not in self._known:
            self._known.add(layer)
            # napari begins in the middle, a clip at its start; who has moved on since
            # the clip was opened stays there.
            if self._session.frame == self._arrived_at.get(layer):
                slider.dims.set_current_step(slider.axis, 0)
        step = frame_interval_s(clip)
        if step is not None:
            # An attribute of the widget: napari's setting is of all viewers, for good.
            slider.fps = min(1 / step, _FASTEST)
        self._show_time()

    def _show_time(self) -> None:
        clip = self._clip()
        slider = self._slider()
        if slider is None:
            return
        label = slider.findChild(QLabel, _LABEL_NAME)
        if clip is None:
            # A still is in hand, and the slider that of a clip beside it.
            if label is not None:
                label.clear()
            return
        if label is None:
            label = QLabel(slider)
            label.setObjectName(_LABEL_NAME)
            label.setToolTip("Time from the first frame")
            slider.layout().addWidget(label)
        label.setText(time_text(clip, self._session.frame))

    def _clip(self) -> UltrasoundImage | None:
        try:
            clip = self._session.clip
        except MuscleUSError:
            return None
        return clip if clip.is_clip else None

    def _slider(self) -> Any | None:
        try:
            return _find_slider(self._session.viewer)
        except MuscleUSError:
            return None  # The viewer was closed meanwhile.


def time_text(clip: UltrasoundImage, frame: int) -> str:
    """Return the time of a frame in words, empty where it is not known.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> time_text(mus.sample_image("transverse_healthy"), 0)
    ''
    """
    if clip.frame_times_s is None or frame >= len(clip.frame_times_s):
        return ""
    return f"{clip.frame_times_s[frame]:.3f} s"


def _find_slider(viewer: ViewerModel) -> Any | None:
    """Return napari's slider widget of the frame axis, ``None`` without a window.

    It has no public address, so it is looked for among the widgets; where a later
    napari names it otherwise, the clip plays at napari's own rate.
    """
    axis = viewer.dims.ndim - 3
    for window in QApplication.topLevelWidgets():
        # By the field with the frame's number: to look at every widget takes long.
        for field in window.findChildren(QLineEdit, _NUMBER_FIELD):
            widget = field.parentWidget()
            if (
                type(widget).__name__ == _SLIDER_CLASS
                and getattr(widget, "dims", None) is viewer.dims
                and getattr(widget, "axis", None) == axis
                # Those of fewer dimensions before stay about, hidden.
                and not widget.isHidden()
            ):
                return widget
    return None
