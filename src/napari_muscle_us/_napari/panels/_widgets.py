"""Small widgets that several panels use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qthrottled

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtCore import QAbstractItemModel
    from qtpy.QtGui import QShowEvent


_MOST_MM: Final = 500.0
PANEL_WIDTH: Final = 420
"""Narrowest dock in which no table hides a number."""


class MessageLabel(QLabel):
    """A sentence for the user, hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_message("")

    def show_message(self, text: str, *, warning: bool = True) -> None:
        """Show a sentence, with a sign in front when it is a warning."""
        shown = f"⚠ {text}" if text and warning else text
        if shown != self.text():
            self.setText(shown)
        self.setVisible(bool(text))


class Section(QWidget):
    """A titled part of a panel that can be folded away.

    superqt's QCollapsible keeps the height its content had when it was opened, and so
    cuts sentences that grow.
    """

    def __init__(self, title: str, *widgets: QWidget, opened: bool = True) -> None:
        super().__init__()
        self._button = QToolButton()
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        self._body = QWidget()
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(6, 2, 0, 6)
        for widget in widgets:
            inner.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._button)
        layout.addWidget(self._body)
        self._button.toggled.connect(self._on_toggled)
        self._button.setChecked(opened)
        self._on_toggled(opened)

    def _on_toggled(self, opened: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow
        self._button.setArrowType(arrow)
        self._body.setVisible(opened)


class LivePanel(QWidget):
    """A panel that follows the session while it can be seen.

    A dock that the user closes is only hidden, and a tab behind another is too: such
    a panel waits, and is brought up to date when it shows again.
    """

    def __init__(self, refresh_ms: int) -> None:
        super().__init__()
        self.setMinimumWidth(PANEL_WIDTH)
        self._refresh_throttled = qthrottled(
            self.refresh, timeout=refresh_ms, parent=self
        )

    def refresh(self) -> None:
        """Show the present state; subclasses say how."""
        raise NotImplementedError

    def can_be_seen(self) -> bool:
        """Whether the panel is on the screen; not once Qt has deleted it."""
        return isalive(self) and self.isVisible()

    def refresh_soon(self, *_: object) -> None:
        """Refresh at the panel's pace if it can be seen."""
        if self.can_be_seen():
            self._refresh_throttled()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the panel was hidden."""
        super().showEvent(event)
        self.refresh()


class LayerComboBox(QComboBox):
    """A list of layers of one type; tells which one the user chose."""

    layer_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Layer] = []
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(12)
        self.activated.connect(self._on_activated)

    def set_layers(self, layers: list[Layer], current: Layer | None) -> None:
        """Show layers by name, newest first, without telling anyone."""
        self._layers = layers
        with QSignalBlocker(self):
            self.clear()
            self.addItems([layer.name for layer in layers])
            self.setCurrentIndex(layers.index(current) if current in layers else -1)

    def _on_activated(self, index: int) -> None:
        if 0 <= index < len(self._layers):
            self.layer_chosen.emit(self._layers[index])


def button_row(*buttons: tuple[str, str, Callable[[], None]]) -> QHBoxLayout:
    """Return push buttons side by side, each (text, tooltip, slot)."""
    layout = QHBoxLayout()
    for text, tooltip, slot in buttons:
        button = QPushButton(text)
        button.setToolTip(tooltip)
        button.clicked.connect(slot)
        layout.addWidget(button)
    return layout


def millimetres(tip: str) -> QDoubleSpinBox:
    """Return a field for a length, empty until one is typed."""
    box = QDoubleSpinBox()
    box.setRange(0.0, _MOST_MM)
    box.setDecimals(2)
    # A length nobody typed must not be one click away from a calibration.
    box.setSpecialValueText("type it")
    box.setSuffix(" mm")
    box.setToolTip(tip)
    return box


def widget_row(*parts: QWidget | tuple[str, str, Callable[[], None]]) -> QWidget:
    """Return widgets and (text, tooltip, slot) buttons side by side."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part, 1)
            continue
        text, tip, slot = part
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(slot)
        layout.addWidget(button)
    return row


def table_view(model: QAbstractItemModel) -> QTableView:
    """Return a view that selects whole rows and stretches its last column."""
    view = QTableView()
    view.setModel(model)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.verticalHeader().setVisible(False)
    view.verticalHeader().setDefaultSectionSize(24)
    header = view.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setStretchLastSection(True)
    return view


def ask_save_path(parent: QWidget, title: str, name: str, filters: str) -> str:
    """Ask for a file to write; empty when the user cancelled."""
    path, _ = QFileDialog.getSaveFileName(parent, title, name, filters)
    return str(path)


def report(work: Callable[[], None]) -> bool:
    """Run a user's command; show our own errors as a notification.

    Returns whether it went well. Anything else is a fault of ours and goes to napari's
    error dialog.
    """
    try:
        work()
    except MuscleUSError as error:
        from napari.utils.notifications import show_error

        show_error(str(error))
        return False
    return True


def text_colour(viewer: ViewerModel) -> str:
    """Return the text colour of a viewer's theme, for what Qt does not draw."""
    from napari.utils.theme import get_theme

    return str(get_theme(viewer.theme).text.as_hex())


def tell(text: str) -> None:
    """Show an information of napari's kind."""
    from napari.utils.notifications import show_info

    show_info(text)


def tell_saved(path: str | Path) -> None:
    """Say where a file was written."""
    tell(f"Saved {path}")
