"""What a reference set is, and by which rules a Z-score is given, to read."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout

from napari_muscle_us.reference.describe import describe_reference, doubts
from napari_muscle_us.reference.rules import LOOKUP_RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from napari_muscle_us.reference.model import ReferenceSet

_SIZE: Final = (560, 620)
_GROUPS: Final = (
    ("refused", "No Z-score"),
    ("refused unless accepted", "No Z-score, unless you answer for it"),
    ("warning", "A Z-score with a warning"),
)


class AboutDialog(QDialog):
    """Shows the rules of the look-up and what a set tells about itself."""

    def __init__(self, reference: ReferenceSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Rules, and about {reference.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._text = QTextBrowser()
        self._text.setOpenLinks(False)
        self._text.setHtml(about_html(reference))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._text)
        layout.addWidget(buttons)
        self.resize(*_SIZE)

    def text(self) -> str:
        """Return all that can be read."""
        return str(self._text.toPlainText())


def about_html(reference: ReferenceSet) -> str:
    """Return the rules and a set in words, as HTML; the set's text is only text."""
    parts = ["<h3>When there is a Z-score</h3>"]
    for severity, title in _GROUPS:
        rules = [rule.words for rule in LOOKUP_RULES if rule.severity == severity]
        parts.append(f"<h4>{title}</h4>{_list(rules)}")
    parts.append("<h3>About this set</h3>")
    parts += _about(describe_reference(reference))
    doubtful = doubts(reference)
    if doubtful:
        parts.append(f"<h4>What to keep in mind</h4>{_list(doubtful)}")
    return "".join(parts)


def _about(lines: Sequence[str]) -> list[str]:
    """Return paragraphs: a bold word, its text, and indented lines below as a list."""
    parts: list[str] = []
    below: list[str] = []
    for line in lines:
        if line.startswith(" "):
            below.append(line.strip())
            continue
        parts += _flushed(below)
        word, colon, text = line.partition(":")
        parts.append(f"<p><b>{escape(word)}{colon}</b>{escape(text)}</p>")
    return parts + _flushed(below)


def _flushed(below: list[str]) -> list[str]:
    if not below:
        return []
    part = _list(below)
    below.clear()
    return [part]


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
