"""A de-identified copy: looked at first, then saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    ask_save_path,
    report,
    tell_saved,
)
from napari_muscle_us.device.field import find_image_field
from napari_muscle_us.errors import ImageReadError, MuscleUSError
from napari_muscle_us.io.dicom import looks_like_dicom
from napari_muscle_us.io.linking import make_salt

if TYPE_CHECKING:
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds

# One for all copies until napari is closed, so that images of a study stay together.
_SALT: Final = make_salt()
_WIDTH: Final = 560
_EDGES: Final = ("First row", "Last row", "First column", "Last column")
_DICOM: Final = "DICOM (*.dcm)"
_TIFF: Final = "TIFF with calibration (*.tif)"
_PNG: Final = "PNG (*.png)"
_HEAD: Final = 132
_ONE_PICTURE: Final = (
    "I have looked at the picture: no text in it tells who was scanned."
)
_ALL_FRAMES: Final = (
    "I have looked at all frames in the viewer: no text in the part that is kept\n"
    "tells who was scanned."
)


class CopyDialog(QDialog):
    """Shows what a copy would hold; saves it once the user has looked.

    Parameters
    ----------
    image : UltrasoundImage
        The image, all frames.
    frame : int
        Frame that is shown and that a PNG gets.
    path : Path or None
        Its file; without one only pictures can be written.
    """

    def __init__(
        self,
        image: UltrasoundImage,
        frame: int,
        path: Path | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("De-identified copy")
        self._image, self._frame = image, frame
        self._path = path if path is not None and _is_dicom(path) else None
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._edges = [QSpinBox() for _ in _EDGES]
        self._looked = QCheckBox(_ALL_FRAMES if image.is_clip else _ONE_PICTURE)
        self._removed = QPlainTextEdit()
        self._removed.setReadOnly(True)
        self._message = MessageLabel()
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save
            | QDialogButtonBox.StandardButton.Cancel
        )
        self._lay_out()
        self._connect()
        self._start_with(find_image_field(image.frame(frame)).bounds)

    def _lay_out(self) -> None:
        form = QFormLayout()
        for label, box in zip(_EDGES, self._edges, strict=True):
            box.setToolTip("Pixels outside are made black.")
            form.addRow(label, box)
        side = QVBoxLayout()
        side.addLayout(form)
        side.addWidget(QLabel("Removed, emptied or replaced:"))
        side.addWidget(self._removed, 1)
        middle = QHBoxLayout()
        middle.addWidget(self._picture, 1)
        middle.addLayout(side)
        layout = QVBoxLayout(self)
        layout.addLayout(middle, 1)
        layout.addWidget(self._message)
        layout.addWidget(self._looked)
        layout.addWidget(self._buttons)

    def _connect(self) -> None:
        for box in self._edges:
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self.refresh)
        self._looked.toggled.connect(self._on_looked)
        self._buttons.accepted.connect(self._on_save)
        self._buttons.rejected.connect(self.reject)
        self._on_looked()

    def _start_with(self, bounds: Bounds) -> None:
        rows, columns = self._image.frame_shape
        values = (bounds[0], bounds[1] - 1, bounds[2], bounds[3] - 1)
        for box, value, most in zip(
            self._edges, values, (rows, rows, columns, columns), strict=True
        ):
            box.blockSignals(True)
            box.setRange(0, most - 1)
            box.setValue(value)
            box.blockSignals(False)
        self.refresh()

    def keep(self) -> Bounds:
        """Return the part of the picture that stays.

        Raises
        ------
        ImageReadError
            If the last row or column lies before the first.
        """
        top, bottom, left, right = (box.value() for box in self._edges)
        if bottom < top or right < left:
            raise ImageReadError(
                "The last row or column lies before the first; correct the edges."
            )
        return (top, bottom + 1, left, right + 1)

    def refresh(self, *_: object) -> None:
        """Show the copy as it would be now, which is to be looked at anew."""
        self._looked.setChecked(False)
        try:
            shown, lists, notes = self._preview(self.keep())
        except MuscleUSError as error:
            self._picture.clear()
            self._message.show_message(str(error))
            return
        self._picture.setPixmap(_pixmap(shown))
        self._removed.setPlainText(lists)
        self._message.show_message(" ".join(notes), warning=False)

    def _preview(self, keep: Bounds) -> tuple[Any, str, tuple[str, ...]]:
        if self._path is None:
            return _blacked(self._image, self._frame, keep), "Everything but pixels", ()
        from napari_muscle_us.io.deidentify import preview_deidentified

        preview = preview_deidentified(self._path, keep=self._in_file(keep))
        lists = (
            ("Removed", preview.removed),
            ("Emptied", preview.emptied),
            ("Replaced", preview.replaced),
        )
        text = "\n".join(f"{title}: {', '.join(names)}" for title, names in lists)
        return preview.frame, text, preview.notes

    def _on_looked(self, *_: object) -> None:
        save = self._buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(self._looked.isChecked())

    def _on_save(self) -> None:
        kinds = ";;".join([*([_DICOM] if self._path is not None else []), _TIFF, _PNG])
        name = "copy.dcm" if self._path is not None else "copy.tif"
        out = ask_save_path(self, "Save de-identified copy", name, kinds)
        if out and report(lambda: self.save(out)):
            tell_saved(out)
            self.accept()

    def save(self, out: str | Path) -> None:
        """Write the copy; the ending chooses the format.

        Raises
        ------
        MuscleUSError
            If the user has not looked yet, or the file cannot be written.
        """
        if not self._looked.isChecked():
            raise ImageReadError("Look at the picture first and tick the box.")
        ending = Path(out).suffix.lower()
        if ending in (".tif", ".tiff"):
            from napari_muscle_us.io.write_raster import write_tiff

            write_tiff(out, self._image, keep=self.keep())
        elif ending == ".png":
            from napari_muscle_us.io.write_raster import write_png

            write_png(out, self._image.frame(self._frame), keep=self.keep())
        elif self._path is not None and ending in (".dcm", ""):
            from napari_muscle_us.io.deidentify import deidentify_dicom

            keep = self._in_file(self.keep())
            deidentify_dicom(
                self._path, out, keep=keep, salt=_SALT, confirmed_clean=True
            )
        elif ending == ".dcm":
            raise ImageReadError(
                f"{self._image.name!r} was not opened from a DICOM file, so no DICOM "
                "copy can be made; use .tif or .png."
            )
        else:
            raise ImageReadError(
                f"The ending {ending!r} is not known; use .dcm, .tif or .png."
            )

    def _in_file(self, keep: Bounds) -> Bounds:
        """Return rows and columns of the file, of which the image may be a part."""
        if self._image.crop is None:
            return keep
        top, left = self._image.crop[0], self._image.crop[2]
        return (keep[0] + top, keep[1] + top, keep[2] + left, keep[3] + left)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return looks_like_dicom(file.read(_HEAD))
    except OSError:
        return False


def _blacked(image: UltrasoundImage, frame: int, keep: Bounds) -> Any:
    shown = np.zeros(image.frame_shape, np.uint8)
    part = (slice(*keep[:2]), slice(*keep[2:]))
    shown[part] = image.frame(frame).pixels[part]
    return shown


def _pixmap(pixels: Any) -> QPixmap:
    pixels = np.ascontiguousarray(pixels)
    rows, columns = pixels.shape[:2]
    colour = pixels.ndim == 3
    kind = QImage.Format.Format_RGB888 if colour else QImage.Format.Format_Grayscale8
    # A copy, since the array does not outlive this function.
    image = QImage(pixels.data, columns, rows, pixels.strides[0], kind).copy()
    return QPixmap.fromImage(image).scaledToWidth(
        _WIDTH, Qt.TransformationMode.SmoothTransformation
    )
