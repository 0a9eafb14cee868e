"""Check boxes for what is measured of a region, bound to the session's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import MessageLabel, report
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.gray_levels import DEFAULT_BANDS, band_from_text

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.measure.gray_levels import Band
    from napari_muscle_us.measure_options import MeasureOptions

DEFAULT_PERCENTILES: Final = (5.0, 25.0, 75.0, 95.0)


class MeasureOptionsBox(QWidget):
    """Shows what of a region becomes a row, and sets it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._percentiles = QCheckBox("Percentiles, %")
        self._percentages = QLineEdit(percentages_text(DEFAULT_PERCENTILES))
        self._bands = QCheckBox("EI bands")
        self._limits = QLineEdit(bands_text(DEFAULT_BANDS))
        self._heterogeneity = QCheckBox("Echovariation and entropy")
        self._above_black = QCheckBox("Mean without black pixels (Radboud)")
        self._standard_error = QCheckBox("Standard error of the mean")
        self._quality = QCheckBox("Quality notes")
        self._also = MessageLabel()
        self._add_tips()
        self._lay_out()
        self._connect()
        self._show_options()

    def _add_tips(self) -> None:
        tips: tuple[tuple[QWidget, str], ...] = (
            (
                self._percentiles,
                "A row for each percentage: the gray level up to which more than so "
                "many % of the pixels lie.",
            ),
            (self._percentages, "Percentages from 0 to 100, with commas between."),
            (
                self._bands,
                "A row for each band: the share of pixels with these gray levels.",
            ),
            (
                self._limits,
                "Lowest and highest gray level of each band, such as 0-50, 51-100.",
            ),
            (
                self._heterogeneity,
                "How uneven the echo is: SD in % of the mean, and entropy in bit.",
            ),
            (
                self._above_black,
                "Mean of the pixels above gray level 0, for reproducing the Radboud "
                "workflow only: black pixels belong to the muscle, and the echo "
                "intensity counts them.",
            ),
            (
                self._standard_error,
                "How exactly the mean is known, given the correlation of speckle.",
            ),
            (
                self._quality,
                "Say in the note of each row what may spoil the echo intensity, such "
                "as saturation, shadow or colour in the ROI.",
            ),
        )
        for widget, tip in tips:
            widget.setToolTip(tip)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        rows = ((self._percentiles, self._percentages), (self._bands, self._limits))
        for row, (box, field) in enumerate(rows):
            grid.addWidget(box, row, 0)
            grid.addWidget(field, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        for widget in (
            *(self._heterogeneity, self._above_black),
            *(self._standard_error, self._quality),
        ):
            layout.addWidget(widget)
        layout.addWidget(self._also)

    def _connect(self) -> None:
        self._percentiles.toggled.connect(self._on_percentiles)
        self._percentages.editingFinished.connect(self._on_percentages)
        self._bands.toggled.connect(self._on_bands)
        self._limits.editingFinished.connect(self._on_limits)
        self._heterogeneity.toggled.connect(self._on_boxes)
        self._above_black.toggled.connect(self._on_boxes)
        self._standard_error.toggled.connect(self._on_boxes)
        self._quality.toggled.connect(self._on_boxes)
        self._session.options_changed.connect(self._show_options)

    def _on_percentiles(self, checked: bool) -> None:
        self._set_or_restore(self._set_percentiles if checked else self._no_percentiles)

    def _on_percentages(self) -> None:
        if self._percentiles.isChecked():
            self._set_or_restore(self._set_percentiles)

    def _on_bands(self, checked: bool) -> None:
        self._set_or_restore(self._set_bands if checked else self._no_bands)

    def _on_limits(self) -> None:
        if self._bands.isChecked():
            self._set_or_restore(self._set_bands)

    def _on_boxes(self) -> None:
        self._session.set_options(
            heterogeneity=self._heterogeneity.isChecked(),
            above_black=self._above_black.isChecked(),
            standard_error=self._standard_error.isChecked(),
            quality=self._quality.isChecked(),
        )

    def _set_or_restore(self, change: Any) -> None:
        # A refused text goes back, so that the boxes never promise another row.
        if not report(change):
            self._show_options()

    def _set_percentiles(self) -> None:
        wanted = percentages_from_text(self._percentages.text())
        if wanted != self._session.options.percentiles:
            self._session.set_options(percentiles=wanted)

    def _no_percentiles(self) -> None:
        self._session.set_options(percentiles=())

    def _set_bands(self) -> None:
        wanted = bands_from_text(self._limits.text())
        if wanted != self._session.options.bands:
            self._session.set_options(bands=wanted)

    def _no_bands(self) -> None:
        self._session.set_options(bands=())

    def _show_options(self) -> None:
        options = self._session.options
        boxes = (
            (self._percentiles, bool(options.percentiles)),
            (self._bands, bool(options.bands)),
            (self._heterogeneity, options.heterogeneity),
            (self._above_black, options.above_black),
            (self._standard_error, options.standard_error),
            (self._quality, options.quality),
        )
        for box, checked in boxes:
            with QSignalBlocker(box):
                box.setChecked(checked)
        # What was typed stays while it is not asked for.
        if options.percentiles:
            self._percentages.setText(percentages_text(options.percentiles))
        if options.bands:
            self._limits.setText(bands_text(options.bands))
        self._also.show_message(further(options), warning=False)


def further(options: MeasureOptions) -> str:
    """Return in words what other panels have asked for, empty for nothing."""
    names = []
    if options.fat is not None:
        names.append("echo intensity corrected for fat")
    if options.fat_roi is not None:
        names.append("ratio of muscle to fat")
    if options.active_rules is not None:
        names.append("the rules for ROIs")
    return f"Also: {', '.join(names)}." if names else ""


def percentages_text(percentiles: tuple[float, ...]) -> str:
    """Return percentages as they are typed.

    Examples
    --------
    >>> percentages_text((2.5, 90.0))
    '2.5, 90'
    """
    return ", ".join(f"{q:.15g}" for q in percentiles)


def percentages_from_text(text: str) -> tuple[float, ...]:
    """Return the percentages of a text, each once.

    Raises
    ------
    MeasureError
        If there is none, or one is no number. Its range is checked by the options.
    """
    found = []
    for part in _parts(text, "percentage", "10, 90"):
        try:
            found.append(float(part))
        except ValueError:
            raise MeasureError(
                f"The percentage {part!r:.40} is no number; type numbers from 0 to "
                "100 with commas between, such as 10, 90."
            ) from None
    return tuple(dict.fromkeys(found))


def bands_text(bands: tuple[Band, ...]) -> str:
    """Return bands as they are typed.

    Examples
    --------
    >>> bands_text(((0, 50), (51, 100)))
    '0-50, 51-100'
    """
    return ", ".join(f"{low}-{high}" for low, high in bands)


def bands_from_text(text: str) -> tuple[Band, ...]:
    """Return the bands of a text.

    Raises
    ------
    MeasureError
        If there is none, or one is no band.
    """
    return tuple(band_from_text(part) for part in _parts(text, "band", "0-50"))


def _parts(text: str, what: str, example: str) -> list[str]:
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    parts = [part for part in parts if part]
    if not parts:
        raise MeasureError(f"There is no {what}; type one, such as {example}.")
    return parts
