"""What a conversion's file says of itself, and the buttons that write it."""

from __future__ import annotations

import datetime
from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_work import short_name
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.errors import ReferenceSetError

_FIELDS: Final = (
    ("name", "Name", "", "Short name of the conversion: small letters, digits, -."),
    ("title", "Title", "", "What it is, in words."),
    ("author", "Author", "", "Who made it: a person or laboratory."),
    ("citation", "Citation", "Own data.", "Where it is published, or 'Own data.'"),
    (
        "licence",
        "Licence",
        "Not stated.",
        "What others may do with the file, such as CC BY 4.0.",
    ),
    ("remark", "Remark", "", "What a reader should know; the notes above are added."),
)


class FileBox(QWidget):
    """Edits the labels of a conversion; asks for it to be written or used."""

    save_requested = Signal()
    save_inverse_requested = Signal()
    use_requested = Signal()
    stop_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, QLineEdit] = {}
        form = QFormLayout()
        for field, label, text, tip in _FIELDS:
            line = QLineEdit(text)
            line.setMaxLength(1000)
            line.setToolTip(tip)
            self._lines[field] = line
            form.addRow(label, line)
        self._save = _button(
            "Save conversion…",
            "Write the conversion to a file that Z-scores can use.",
        )
        self._save_inverse = _button(
            "Save inverse…", "Write the same line the other way round."
        )
        self._use = _button(
            "Use for Z-scores",
            "Carry images of the other scanner over to that of the reference set. The "
            "file is saved first; its error is part of each Z-score.",
        )
        self._used = MessageLabel()
        self._stop = _button(
            "Z-scores without a conversion",
            "Compare images with the reference set directly again.",
        )
        for button, signal in (
            (self._save, self.save_requested),
            (self._save_inverse, self.save_inverse_requested),
            (self._use, self.use_requested),
            (self._stop, self.stop_requested),
        ):
            button.clicked.connect(signal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        row = QHBoxLayout()
        row.addWidget(self._save)
        row.addWidget(self._save_inverse)
        layout.addLayout(row)
        layout.addWidget(self._use)
        layout.addWidget(self._used)
        layout.addWidget(self._stop)
        self.show_used("")

    def suggest(self, names: tuple[str, str]) -> None:
        """Suggest name and title, where the user typed none."""
        told = {
            "name": short_name(f"{names[0]} to {names[1]}"),
            "title": f"{names[0]} to {names[1]}",
        }
        for field, text in told.items():
            if not self._lines[field].isModified():
                self._lines[field].setText(text)
                self._lines[field].setCursorPosition(0)

    def set_labels(self, **labels: str) -> None:
        """Fill fields in as if they were typed."""
        for field, text in labels.items():
            self._lines[field].setText(text)
            self._lines[field].setModified(True)

    def labels(self) -> dict[str, str]:
        """Return what the file says of itself.

        Raises
        ------
        ReferenceSetError
            If a needed field is blank.
        """
        told = {field: line.text().strip() for field, line in self._lines.items()}
        for field, label, _, _ in _FIELDS:
            if not told[field] and field != "remark":
                raise ReferenceSetError(
                    f"{label} is blank; fill it in under File, so that others know "
                    "what the conversion is."
                )
        return told | {"date": datetime.date.today().isoformat()}

    def show_used(self, name: str) -> None:
        """Show which conversion Z-scores use; empty for none."""
        told = f"Z-scores use the conversion {name}." if name else ""
        self._used.show_message(told, warning=False)
        self._stop.setVisible(bool(name))


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
