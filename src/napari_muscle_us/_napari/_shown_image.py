"""The image layer in hand and the frame of it that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psygnal import Signal

from napari_muscle_us._napari import _layers
from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_muscle_us.image import UltrasoundImage

NO_IMAGE: Final = "No image is open; open one with File › Open or File › Open Sample."


class ShownImage:
    """Watches one image layer and gives its ultrasound image, still or frame."""

    pixels_changed = Signal()
    """The pixels were replaced, or may have been edited."""
    scale_changed = Signal()

    def __init__(self) -> None:
        self.layer: Image | None = None
        self.frame = 0
        self._still: tuple[UltrasoundImage, int, UltrasoundImage] | None = None

    def bind(self, layer: Image | None) -> None:
        """Watch another layer, or none."""
        if self.layer is not None:
            for event in self._events(self.layer):
                event.disconnect(self._on_scale)
                event.disconnect(self._on_pixels)
        self.layer = layer
        self._still = None
        if layer is not None:
            scale, units, data, set_data = self._events(layer)
            scale.connect(self._on_scale)
            units.connect(self._on_scale)
            data.connect(self._on_pixels)
            set_data.connect(self._on_pixels)

    @staticmethod
    def _events(layer: Image) -> tuple[Any, ...]:
        events = layer.events
        return events.scale, events.units, events.data, events.set_data

    def whole(self) -> UltrasoundImage:
        """Return the image with all its frames.

        Raises
        ------
        ImageReadError
            If there is none, or its layer cannot be measured.
        """
        if self.layer is None:
            raise ImageReadError(NO_IMAGE)
        return _layers.image_of(self.layer)

    def still(self) -> UltrasoundImage:
        """Return the image; of a clip the frame that is shown.

        Raises
        ------
        ImageReadError
            If there is none, or its layer cannot be measured.
        """
        whole = self.whole()
        if not whole.is_clip:
            return whole
        # One object a frame, so that what is computed of it can be kept.
        if self._still is None or self._still[:2] != (whole, self.frame):
            self._still = (whole, self.frame, whole.frame(self.frame))
        return self._still[2]

    def follow(self, point: tuple[float, ...]) -> bool:
        """Move to the frame at a point of the sliders; tell whether it is another."""
        frame = 0 if self.layer is None else _layers.frame_of(self.layer, point)
        changed = frame != self.frame
        self.frame = frame
        return changed

    def forget(self) -> None:
        """Read the layer's pixels anew next time."""
        if self.layer is not None:
            _layers.forget_image(self.layer)

    def _on_pixels(self, event: object = None) -> None:
        self.pixels_changed.emit()

    def _on_scale(self, event: object = None) -> None:
        self.scale_changed.emit()
