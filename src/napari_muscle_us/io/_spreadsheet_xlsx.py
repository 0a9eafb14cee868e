"""Rows of an XLSX workbook, which is a zip of XML and may be hostile."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeVar
from xml.etree import ElementTree as ET

from napari_muscle_us.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

MAX_UNPACKED: Final = 250_000_000
MAX_PARTS: Final = 2000
HEADER_ROWS: Final = 5
"""Rows from the top in which merged cells are taken for a header."""

_CHUNK: Final = 1 << 20
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, KeyError, ValueError),
    *(TypeError, IndexError, AttributeError, OverflowError, NotImplementedError),
    *(RuntimeError, OSError, RecursionError),
)
"""What damaged files make zipfile, ElementTree and openpyxl raise."""


def xlsx_rows(content: bytes, *, name: str, sheet: str | None) -> list[list[str]]:
    """Return the rows of one sheet of a workbook as texts.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for messages.
    sheet : str, optional
        Name of the sheet; by default the only visible one that holds something.

    Returns
    -------
    list of list of str
        From row 1 of the sheet.

    Raises
    ------
    ResultsError
        If it is no such workbook, is too large when unpacked, has merged cells in its
        header, or a formula without a value.
    """

    def rows(book: Any) -> list[list[str]]:
        chosen = _chosen(book, name, sheet)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sheet(archive, chosen._worksheet_path, name)
        return _texts(chosen, name)

    return _read(content, name, rows)


def xlsx_sheets(content: bytes, *, name: str) -> tuple[str, ...]:
    """Return the visible sheets of a workbook that hold something.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for messages.

    Returns
    -------
    tuple of str
        In the order of the workbook.

    Raises
    ------
    ResultsError
        If it is no such workbook, or is too large when unpacked.
    """
    return _read(content, name, _filled)


def _read(content: bytes, name: str, what: Callable[[Any], _T]) -> _T:
    """Return what is read of a workbook; whatever damages make fail is one refusal."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(archive, name)
        with warnings.catch_warnings():
            # It warns of features that hold no values, such as drop-down lists.
            warnings.simplefilter("ignore", UserWarning)
            book = load_workbook(
                io.BytesIO(content), read_only=True, data_only=True, keep_links=False
            )
            try:
                return what(book)
            finally:
                book.close()
    except ResultsError:
        raise
    except _BROKEN as error:
        raise ResultsError(
            f"{name!r} cannot be read as an XLSX workbook ({type(error).__name__}); "
            "open it in a spreadsheet program and save it as XLSX or CSV again."
        ) from None


def _check_parts(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse another zip, a zip bomb, and XML that defines entities."""
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise ResultsError(f"{name!r} is protected by a password; save it without one.")
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or not any(
        part.startswith("xl/") for part in names
    ):
        raise ResultsError(
            f"{name!r} is a zip file but no XLSX workbook; save the table as XLSX or "
            "CSV."
        )
    if len(parts) > MAX_PARTS or len(names) < len(parts):
        raise ResultsError(
            f"{name!r} is no usual XLSX workbook ({len(parts)} parts, "
            f"{len(names)} names); save the table as CSV."
        )
    size = sum(part.file_size for part in parts)
    if size > MAX_UNPACKED:
        raise ResultsError(
            f"{name!r} unpacks to {size // 10**6} MB (at most "
            f"{MAX_UNPACKED // 10**6} MB are read); save only the sheet with the "
            "values, or use CSV."
        )
    for part in parts:
        _check_xml(archive, part, name)


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    with archive.open(part) as file:
        chunk = file.read(_CHUNK)
        # Any part may be told to be XML, whatever it is called.
        if not chunk.lstrip(_BEFORE_XML).startswith(b"<"):
            return
        declared = _DECLARED.search(chunk[:400])
        plain = declared is None or declared.group(1).lower() in (b"utf-8", b"us-ascii")
        before = b""
        # In another encoding a document type could hide from the search.
        while plain and b"\0" not in chunk[:4] and chunk:
            if b"<!DOCTYPE" in before + chunk or b"<!ENTITY" in before + chunk:
                break
            before, chunk = chunk[-10:], file.read(_CHUNK)
        if chunk:
            raise ResultsError(
                f"{name!r} defines entities or uses a strange encoding in its XML, "
                "which no spreadsheet program writes; save the table as CSV."
            )


def _chosen(book: Any, name: str, sheet: str | None) -> Any:
    every = {page.title: page for page in book.worksheets}
    if sheet is not None:
        if sheet in every:
            return every[sheet]
        known = ", ".join(repr(title) for title in list(every)[:10])
        raise ResultsError(f"{name!r} has no sheet {sheet[:60]!r}; it has {known}.")
    filled = _filled(book)
    if len(filled) > 1:
        raise ResultsError(
            f"{name!r} has {len(filled)} sheets with values "
            f"({', '.join(map(repr, filled[:10]))}); name the one to read."
        )
    if not filled:
        raise ResultsError(f"{name!r} is empty; give a table with a header row.")
    return every[filled[0]]


def _filled(book: Any) -> tuple[str, ...]:
    pages = [page for page in book.worksheets if page.sheet_state == "visible"]
    return tuple(page.title for page in pages if _holds_something(page))


def _rows(page: Any) -> Iterator[tuple[Any, ...]]:
    # What the file tells of its size may be wrong.
    page.reset_dimensions()
    yield from page.iter_rows(values_only=True)


def _holds_something(page: Any) -> bool:
    for number, row in enumerate(_rows(page)):
        if number > 1000:
            break
        if any(value is not None for value in row):
            return True
    return False


def _texts(page: Any, name: str) -> list[list[str]]:
    from napari_muscle_us.io.spreadsheet import refuse_too_many

    rows: list[list[str]] = []
    cells = 0
    for row in _rows(page):
        cells += len(row)
        refuse_too_many(len(rows) + 1, len(row), cells, name)
        rows.append([_text(value) for value in row])
    return rows


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _check_sheet(archive: zipfile.ZipFile, part: str, name: str) -> None:
    """Refuse merged cells in the header and formulas without a value."""
    with archive.open(part) as file:
        content = file.read()
    # Most sheets have neither, and need no second parsing.
    if b"mergeCell" not in content and not re.search(rb"<(\w+:)?f[\s/>]", content):
        return
    for _, element in ET.iterparse(io.BytesIO(content)):
        tag = element.tag.rpartition("}")[2]
        if tag == "mergeCell":
            _refuse_merged(element.get("ref", ""), name)
        elif tag == "c":
            _refuse_no_value(element, name)
        elif tag == "row":
            element.clear()


def _refuse_merged(reference: str, name: str) -> None:
    rows = [int(digits) for digits in re.findall(r"[A-Z]+(\d{1,7})", reference)]
    if rows and min(rows) <= HEADER_ROWS:
        raise ResultsError(
            f"{name!r} has merged cells ({reference[:20]}) in its first rows; leave "
            "one header row, with a name above each column, and merge no cells."
        )


def _refuse_no_value(cell: Any, name: str) -> None:
    parts = {child.tag.rpartition("}")[2]: child for child in cell}
    if "f" in parts and ("v" not in parts or parts["v"].text is None):
        # A formula may well give an empty text.
        if cell.get("t") == "str" and "v" in parts:
            return
        raise ResultsError(
            f"Cell {cell.get('r', '?')[:12]} of {name!r} holds a formula whose value "
            "was not saved; open the file in a spreadsheet program and save it, or "
            "use CSV."
        )
