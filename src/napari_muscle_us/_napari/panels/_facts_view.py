"""What is known of an image and what is not, as a small table of text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_muscle_us._napari._clip_slider import time_text
from napari_muscle_us._napari._layers import frame_interval_s

if TYPE_CHECKING:
    from napari_muscle_us.image import UltrasoundImage

_UNKNOWN: Final = "<i>not known</i>"


class FactsView(QLabel):
    """Shows the facts of one image; every text can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def set_image(self, image: UltrasoundImage | None, frame: int = 0) -> None:
        """Show another image, or none."""
        if image is None:
            self.setText("")
            return
        rows = "".join(
            f"<tr><td>{escape(name)}&nbsp;&nbsp;</td>"
            f"<td>{escape(value) if value else _UNKNOWN}</td></tr>"
            for name, value in facts(image, frame)
        )
        self.setText(f"<table>{rows}</table>")


def facts(image: UltrasoundImage, frame: int = 0) -> list[tuple[str, str]]:
    """Return names and values of what is known; an empty value is not known."""
    rows, columns = image.frame_shape
    known = image.calibration
    if known is None and image.frame_calibrations is not None:
        known = image.frame_calibrations[frame]
    lines = [
        ("File", image.name),
        ("Picture", f"{columns} × {rows} pixels"),
        ("Size of a pixel", "" if known is None else _spacing(known.spacing_mm)),
    ]
    if known is not None:
        lines.append(("Known from", known.source))
        depth, width = rows * known.spacing_mm[0], columns * known.spacing_mm[1]
        lines.append(("Whole picture", f"{depth:.1f} mm deep, {width:.1f} mm wide"))
    if image.is_clip:
        lines += _clip_facts(image, frame)
    if image.crop is not None:
        top, bottom, left, right = image.crop
        part = f"rows {top} to {bottom - 1}, columns {left} to {right - 1}"
        lines.append(("Part", part))
    lines.append(("Gray levels", _GRAY.get(image.gray_rule, image.gray_rule)))
    if image.acquired_after_s is not None:
        minutes, seconds = divmod(round(image.acquired_after_s), 60)
        lines.append(("Acquired", f"{minutes} min {seconds} s into the study"))
    return lines


_GRAY: Final = {
    "stored": "as stored",
    "imagej": "mean of red, green and blue (ImageJ)",
    "luma601": "luma of BT.601",
}


def _clip_facts(image: UltrasoundImage, frame: int) -> list[tuple[str, str]]:
    step = frame_interval_s(image)
    rate = "" if step is None else f"{1 / step:.4g} frames a second"
    # Counted as by napari's slider and in the results.
    shown = f"{frame} (0 to {image.n_frames - 1})"
    at = time_text(image, frame)
    return [("Frame", f"{shown}, {at}" if at else shown), ("Frame rate", rate)]


def _spacing(spacing: tuple[float, float]) -> str:
    depth, lateral = spacing
    if abs(depth - lateral) <= 1e-9 * depth:
        return f"{depth:.6g} mm"
    return f"{depth:.6g} mm in depth, {lateral:.6g} mm lateral"
