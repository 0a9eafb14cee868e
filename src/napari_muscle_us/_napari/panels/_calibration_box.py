"""The size of a pixel: by region, by ruler, by depth, by another image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari import _layers, _pairs, _ruler_layer
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    millimetres,
    report,
    widget_row,
)
from napari_muscle_us.device import by_hand
from napari_muscle_us.device.ruler import check_spacing, read_depth_ruler
from napari_muscle_us.errors import ImageReadError, MuscleUSError
from napari_muscle_us.io.dicom_regions import calibration_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.device.ruler import RulerReading
    from napari_muscle_us.image import Calibration, UltrasoundImage
    from napari_muscle_us.regions import Bounds, UltrasoundRegion

_NO_RULER: Final = (
    "No depth ruler was found in this picture; draw a line along it, type the image "
    "depth, or copy from another image."
)
_WHOLE: Final = (
    "The file does not tell where the picture lies: the depth was taken to go over all "
    "{} rows, so it is wrong if the screen has a margin above or below."
)


class CalibrationBox(QWidget):
    """Settles the size of a pixel of the session's current image."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reading: RulerReading | None = None
        self._listed: tuple[UltrasoundRegion, ...] = ()
        self._regions = QComboBox()
        self._ticks = QComboBox()
        self._ticks.setToolTip("What a mark means, and mm a pixel that follow from it.")
        self._others = QComboBox()
        self._length = millimetres("Length of the line you drew along the depth ruler.")
        self._depth = millimetres(
            "Depth of the picture, from its first to its last row."
        )
        self._message = MessageLabel()
        self._form = QFormLayout()
        self._lay_out()
        self._regions.currentIndexChanged.connect(self._on_region)

    def _lay_out(self) -> None:
        form = self._form
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(
            "Region",
            widget_row(
                self._regions,
                ("Use", "Take the scale of this region.", self.use_region),
                ("Crop to it", "Show this region as a new layer.", self.crop),
            ),
        )
        form.addRow(
            "Ruler",
            widget_row(
                ("Read", "Find the depth marks burned into the picture.", self.read),
                self._ticks,
                ("Accept", "Use the proposed scale.", self.accept),
            ),
        )
        form.addRow(
            "Line",
            widget_row(
                ("Draw", "Drag along the depth ruler of the picture.", self.draw),
                self._length,
                ("Use", "The line you drew has this length.", self.use_line),
            ),
        )
        form.addRow(
            "Depth",
            widget_row(
                self._depth,
                ("Use", "The picture is this deep from top to bottom.", self.use_depth),
            ),
        )
        form.addRow(
            "As in",
            widget_row(
                self._others,
                ("Copy", "Same device and depth: take its scale.", self.copy),
            ),
        )
        form.addRow(widget_row(("Forget", "Go back to pixels.", self.forget)))
        # Not a row of the form, which would cut a sentence that grows.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._message)

    def refresh(self) -> None:
        """Show the regions of the current image, and the images to copy from."""
        session = self._session
        image = _or_none(session)
        regions = () if image is None else image.regions
        if regions != self._listed:
            self._listed = regions
            pictures = [i for i, region in enumerate(regions) if region.is_picture]
            with QSignalBlocker(self._regions):
                self._regions.clear()
                self._regions.addItems([region.label for region in regions])
                self._regions.setCurrentIndex(pictures[0] if pictures else -1)
        self._form.setRowVisible(0, bool(regions))
        chosen = self._others.currentText()
        self._others.clear()
        for layer in _pairs.pictures(session.viewer):
            if layer is not session.image_layer:
                self._others.addItem(layer.name)
        self._others.setCurrentIndex(max(self._others.findText(chosen), 0))
        self._form.setRowVisible(4, self._others.count() > 0)

    def _on_region(self, index: int) -> None:
        """Say why the scale of a region is not to be trusted blindly."""
        image = _or_none(self._session)
        if image is not None and 0 <= index < len(image.regions):
            self._message.show_message(image.regions[index].problem)

    def forget_reading(self) -> None:
        """Forget the ruler of another image."""
        self._reading = None
        self._ticks.clear()
        self._message.show_message("")

    def use_region(self) -> None:
        """Take the scale of the chosen region, by the user's word."""
        self._do(lambda: self._session.calibrate(calibration_of(self._region())))

    def crop(self) -> None:
        """Show the chosen region as a layer of its own, in its place."""
        report(self._crop)

    def _crop(self) -> None:
        image = self._session.clip
        region = self._region_of(image)
        part = image.cropped(region.bounds)
        self._session.add_image(part, title=f"{image.name}, {region.kind}")

    def read(self) -> None:
        """Look for the depth marks and propose what they may mean."""
        report(self._read)

    def _read(self) -> None:
        image = self._session.image()
        known = image.calibration
        bounds = None if known is None else known.region
        self._reading = read_depth_ruler(image.pixels, region=bounds)
        self._ticks.clear()
        if self._reading is None:
            self._message.show_message(_NO_RULER)
            return
        for candidate in self._reading.candidates:
            self._ticks.addItem(
                f"{candidate.tick_mm:g} mm: {candidate.spacing_mm:.5f} ± "
                f"{candidate.uncertainty_mm:.5f}"
            )
        words, warns = self._reading.explanation, False
        if known is not None and not known.by_user:
            check = check_spacing(self._reading, known.spacing_mm[0])
            words, warns = f"{check.message} {words}", not check.agrees
        self._message.show_message(words, warning=warns)

    def accept(self) -> None:
        """Use the scale that the ruler proposes, with the chosen meaning."""
        self._do(self._accept)

    def _accept(self) -> None:
        if self._reading is None or self._ticks.currentIndex() < 0:
            raise ImageReadError("There is no proposal yet; press Read first.")
        chosen = self._reading.candidates[self._ticks.currentIndex()]
        self._use(by_hand.calibration_from_ruler(self._reading, chosen.tick_mm))

    def draw(self) -> None:
        """Let the user drag a line along the ruler."""
        report(self._draw)

    def _draw(self) -> None:
        self._session.image()
        layer = self._session.image_layer
        if layer is not None:
            _ruler_layer.start_ruler(self._session.viewer, layer)
            self._message.show_message(
                "Drag along the depth ruler, type its length, press Use.",
                warning=False,
            )

    def use_line(self) -> None:
        """Take the scale from the drawn line and its typed length."""
        self._do(self._use_line)

    def _use_line(self) -> None:
        self._session.image()
        layer = self._session.image_layer
        if layer is None:
            return
        start, end = _ruler_layer.ruler_line(self._session.viewer, layer)
        bounds = self._bounds(self._session.clip)
        length = self._length.value()
        self._use(by_hand.calibration_from_line(start, end, length, region=bounds))
        _ruler_layer.remove_ruler(self._session.viewer)

    def use_depth(self) -> None:
        """Take the scale from the typed depth of the picture."""
        self._do(self._use_depth)

    def _use_depth(self) -> None:
        image = self._session.clip
        rows, columns = image.frame_shape
        told = self._bounds(image)
        notes = () if told else (_WHOLE.format(rows),)
        bounds = told or (0, rows, 0, columns)
        self._use(by_hand.calibration_from_depth(self._depth.value(), bounds), notes)

    def _bounds(self, image: UltrasoundImage) -> Bounds | None:
        """Return the part of the screen that is the picture, if the file tells."""
        index = self._regions.currentIndex()
        # The chosen one of several pictures; a gray bar or an ECG is none.
        chosen = image.regions[index : index + 1] if index >= 0 else ()
        pictures = [r.bounds for r in (*chosen, *image.regions) if r.is_picture]
        return pictures[0] if pictures else None

    def copy(self) -> None:
        """Take the scale of another image of the same device and depth."""
        self._do(self._copy)

    def _copy(self) -> None:
        name = self._others.currentText()
        layers = self._session.viewer.layers
        if name not in layers:
            raise ImageReadError(f"The layer {name!r} is gone; choose another one.")
        other = _layers.image_of(layers[name])
        copied = by_hand.calibration_from_other(other, self._session.clip)
        self._use(copied.calibration, copied.warnings)

    def forget(self) -> None:
        """Take the size of a pixel as not known."""
        self._do(lambda: self._session.calibrate(None))

    def _use(self, made: Calibration, warnings: tuple[str, ...] = ()) -> None:
        self._session.calibrate(made)
        self._message.show_message(" ".join(warnings))

    def _do(self, work: Callable[[], None]) -> None:
        """Run a command that sets the scale; its own caveats stay readable."""
        self._message.show_message("")
        report(work)

    def _region(self) -> UltrasoundRegion:
        return self._region_of(self._session.clip)

    def _region_of(self, image: UltrasoundImage) -> UltrasoundRegion:
        index = self._regions.currentIndex()
        if not 0 <= index < len(image.regions):
            raise ImageReadError("The file describes no region to choose.")
        return image.regions[index]


def _or_none(session: Session) -> UltrasoundImage | None:
    try:
        return session.clip
    except MuscleUSError:
        return None
