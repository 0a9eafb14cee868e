"""Subject code and visit of the rows that panels add, the same in all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from psygnal import Signal
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session


class RowLabels:
    """What the next rows of a session are labelled with."""

    changed = Signal()

    def __init__(self) -> None:
        self.subject = ""
        self.visit = ""

    def set(self, subject: str, visit: str) -> None:
        """Use other labels from now on."""
        if (subject, visit) != (self.subject, self.visit):
            self.subject, self.visit = subject, visit
            self.changed.emit()


_labels: WeakKeyDictionary[Session, RowLabels] = WeakKeyDictionary()


def labels_of(session: Session) -> RowLabels:
    """Return the labels of a session."""
    if session not in _labels:
        _labels[session] = RowLabels()
    return _labels[session]


class RowLabelFields(QWidget):
    """Fields for subject code and visit, in step with those of other panels."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._labels = labels_of(session)
        self.subject = _field(
            "a code, never a name",
            "Code of the person, never a name; the rows that you add bear it.",
        )
        self.visit = _field(
            "such as baseline", "Name of the visit; the rows that you add bear it."
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, field in (("Subject code", self.subject), ("Visit", self.visit)):
            label = QLabel(title)
            label.setBuddy(field)
            label.setToolTip(field.toolTip())
            layout.addWidget(label)
            layout.addWidget(field, 1)
        for field in (self.subject, self.visit):
            field.textChanged.connect(self._on_typed)
        self._labels.changed.connect(self._show)
        self._show()

    def value(self) -> dict[str, str]:
        """Return the labels by column of the results table."""
        return {"subject": self._labels.subject, "visit": self._labels.visit}

    def _on_typed(self) -> None:
        self._labels.set(self.subject.text().strip(), self.visit.text().strip())

    def _show(self) -> None:
        known = (
            (self.subject, self._labels.subject),
            (self.visit, self._labels.visit),
        )
        for field, text in known:
            # Not while a space at the end is being typed.
            if field.text().strip() != text:
                with QSignalBlocker(field):
                    field.setText(text)


def _field(placeholder: str, tip: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(placeholder)
    field.setToolTip(tip)
    return field
