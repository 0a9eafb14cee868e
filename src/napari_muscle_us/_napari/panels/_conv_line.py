"""How the line is found, and the button that finds it."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_source import narrow_combo
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.spreadsheet import number_of

_METHODS: Final = (
    (
        "deming",
        "Deming",
        "Both scanners scatter, and about as much for dark as for bright muscles. The "
        "usual choice.",
    ),
    (
        "weighted-deming",
        "Weighted Deming",
        "Both scanners scatter more, the brighter the muscle. Take it when the result "
        "says that the scatter changes with the level.",
    ),
    (
        "passing-bablok",
        "Passing–Bablok",
        "A few muscles that are far off hardly move the line. Made for scanners whose "
        "gray levels rise about alike (slope near 1).",
    ),
)
_RATIOS: Final = (
    (
        "repeats",
        "From the repeated images",
        "Several images of a muscle tell which scanner repeats better. With too few "
        "of them both are taken as equally precise, and the result says so.",
    ),
    ("one", "Both equally precise (1)", "Take the scanners as equally precise."),
    ("typed", "Typed", "Type how the scanners' errors compare, if you know it."),
)


class LineBox(QWidget):
    """Chooses the method; asks for the fit; shows how far it is."""

    changed = Signal()
    fit_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._method = narrow_combo("How the line through the pairs is found.")
        self._ratio = narrow_combo("How precise the scanners are, one to the other.")
        for box, entries in ((self._method, _METHODS), (self._ratio, _RATIOS)):
            for key, title, tip in entries:
                box.addItem(title, key)
                box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._typed = QLineEdit()
        self._typed.setPlaceholderText("such as 1")
        self._typed.setToolTip(
            "Error variance of the scanner ‘to’ over that of ‘from’: (SD to / SD "
            "from)². Some programs give it the other way round."
        )
        self._fit = QPushButton("Fit")
        self._fit.setToolTip("Find the line, its 95 % intervals and the agreement.")
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop the fit; nothing is shown.")
        self._bar = QProgressBar()
        self._lay_out()
        self._method.currentIndexChanged.connect(self._on_changed)
        self._ratio.currentIndexChanged.connect(self._on_changed)
        self._typed.textChanged.connect(self._on_changed)
        self._fit.clicked.connect(self.fit_requested)
        self._cancel.clicked.connect(self.cancel_requested)
        self.set_running(False)
        self._on_changed()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.addRow("Method", self._method)
        self._form.addRow("Error ratio", self._ratio)
        self._form.addRow("Ratio", self._typed)
        buttons = QHBoxLayout()
        buttons.addWidget(self._fit, 1)
        buttons.addWidget(self._bar, 1)
        buttons.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._form)
        layout.addLayout(buttons)

    @property
    def method(self) -> str:
        """The method in hand."""
        return str(self._method.currentData())

    def set_method(self, method: str) -> None:
        """Choose another method."""
        self._method.setCurrentIndex(self._method.findData(method))

    def set_ratio(self, choice: str, typed: str = "") -> None:
        """Choose ``repeats``, ``one`` or ``typed``."""
        self._typed.setText(typed)
        self._ratio.setCurrentIndex(self._ratio.findData(choice))

    def ratio(self) -> float | None:
        """Return the ratio of error variances, ``None`` to take it from repeats.

        Raises
        ------
        ReferenceSetError
            If what is typed is no number above 0.
        """
        if self.method == "passing-bablok" or self._ratio.currentData() == "repeats":
            return None
        if self._ratio.currentData() == "one":
            return 1.0
        text = self._typed.text().strip()
        number = number_of(text)
        if number is None or not number > 0:
            told = f"{text[:40]!r} is no number above 0" if text else "is blank"
            raise ReferenceSetError(
                f"The error ratio {told}; type (SD to / SD from)², such as 1."
            )
        return number

    def set_phantom(self, phantom: bool) -> None:
        """Show what a phantom needs: no method, only the button."""
        self._form.setRowVisible(self._method, not phantom)
        self._show_ratio(phantom=phantom)

    def set_running(self, running: bool) -> None:
        """Show progress instead of the button."""
        self._fit.setVisible(not running)
        self._bar.setVisible(running)
        self._cancel.setVisible(running)
        self._bar.setRange(0, 0)

    def show_progress(self, done: int, of: int) -> None:
        """Show how far the fit is; of nothing known it only moves."""
        self._bar.setRange(0, of)
        self._bar.setValue(done)

    def _show_ratio(self, *, phantom: bool = False) -> None:
        shown = not phantom and self.method != "passing-bablok"
        self._form.setRowVisible(self._ratio, shown)
        typed = shown and self._ratio.currentData() == "typed"
        self._form.setRowVisible(self._typed, typed)

    def _on_changed(self, *_: object) -> None:
        for box in (self._method, self._ratio):
            tip = box.itemData(box.currentIndex(), Qt.ItemDataRole.ToolTipRole)
            box.setToolTip(str(tip))
        self._show_ratio()
        self.changed.emit()
