"""Which sheet of a workbook is read, where several hold something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox

_LETTERS: Final = 12


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook or text file, and which of several sheets is read.

    Attributes
    ----------
    path : str
        The file.
    sheets : tuple of str
        What there is to choose from; empty where there is no choice.
    sheet : str
        The one that is read; empty while none is chosen.
    """

    path: str = ""
    sheets: tuple[str, ...] = ()
    sheet: str = ""

    @property
    def title(self) -> str:
        """Its name."""
        return Path(self.path).name

    @property
    def label(self) -> str:
        """Its name with that of the sheet, where there are several."""
        return f"{self.title}, {self.sheet}" if self.sheets else self.title


NO_BOOK: Final = Book()


class SheetCombo(QComboBox):
    """Offers the sheets of a workbook; tells of a choice by ``textActivated``."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Sheet of the workbook to read.")
        # A sheet's name may be long; the panel stays as narrow as others.
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(_LETTERS)

    def set_book(self, book: Book, *, named: bool = True) -> None:
        """Offer the sheets of another workbook.

        Parameters
        ----------
        book : Book
            The workbook.
        named : bool, default: True
            Whether to name it, where its name does not stand beside.
        """
        of = f" of {book.title}" if named else ""
        self.setPlaceholderText(f"choose the sheet{of}…")
        sheets = list(book.sheets)
        with QSignalBlocker(self):
            self.clear()
            self.addItems(sheets)
            self.setCurrentIndex(sheets.index(book.sheet) if book.sheet else -1)
