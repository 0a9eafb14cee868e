"""Spreadsheets of people and values: CSV, TSV and XLSX, read as texts."""

from __future__ import annotations

import csv
import difflib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

MAX_BYTES: Final = 100_000_000
MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 500
MAX_CELLS: Final = 20_000_000

MISSING: Final = frozenset(
    {
        *("", "-", "–", "—", ".", "?", "na", "n/a", "#n/a", "nan", "none", "null"),
        *("nd", "n.d.", "k.a.", "missing", "unknown", "onbekend", "unbekannt"),
        *("inconnu", "desconocido"),
    }
)
"""What stands in a cell of which nothing is known, in small letters."""

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DELIMITERS: Final = ("\t", ";", ",")
_NUMBER: Final = re.compile(
    r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?", re.ASCII
)
_ONE_HEADER: Final = "leave one header row, with a name above each column"


def read_spreadsheet(path: str | Path, *, sheet: str | None = None) -> pd.DataFrame:
    r"""Return a spreadsheet as texts, under the names of its header row.

    Parameters
    ----------
    path : str or Path
        CSV, TSV or text file with commas, semicolons or tabs (UTF-8, or else
        Windows-1252), or an XLSX workbook. The kind is told by the content.
    sheet : str, optional
        Sheet of a workbook; needed where several hold something.

    Returns
    -------
    DataFrame
        Texts without outer spaces, ``""`` for blank cells. The index is the row in
        the file, the header being row 1. Blank rows and columns are left out. Of a
        formula the value is taken that the program last computed.

    Raises
    ------
    ResultsError
        If the file cannot be read, is too large or of another kind, has no single
        header row, repeats a column name, or holds a formula without a value.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "controls.csv"
    >>> _ = path.write_text("code;EI\nS1;61,5\n")
    >>> read_spreadsheet(path).loc[2].to_dict()
    {'code': 'S1', 'EI': '61,5'}
    >>> folder.cleanup()
    """
    path = Path(path)
    content = _content(path)
    if content.startswith(b"PK"):
        from napari_muscle_us.io._spreadsheet_xlsx import xlsx_rows

        rows = xlsx_rows(content, name=path.name, sheet=sheet)
    else:
        _refuse_other_kinds(content, path.name)
        if sheet is not None:
            raise ResultsError(
                f"{path.name!r} is a text file without sheets; leave out the sheet."
            )
        rows = _text_rows(content, path.name)
    return _frame(rows, path.name)


def sheet_names(path: str | Path) -> tuple[str, ...]:
    """Return the sheets of a workbook among which `read_spreadsheet` can choose.

    Parameters
    ----------
    path : str or Path
        Any file that `read_spreadsheet` reads.

    Returns
    -------
    tuple of str
        Visible sheets that hold something, in their order; empty for a text file.
        Where there are several, one must be named.

    Raises
    ------
    ResultsError
        If the file cannot be read, is too large, or is a damaged workbook.

    Examples
    --------
    >>> import tempfile
    >>> from openpyxl import Workbook
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "controls.xlsx"
    >>> book = Workbook()
    >>> for title in ("Values", "Notes"):
    ...     book.create_sheet(title).append(["something"])
    >>> book.save(path)
    >>> sheet_names(path)
    ('Values', 'Notes')
    >>> folder.cleanup()
    """
    path = Path(path)
    content = _content(path)
    if not content.startswith(b"PK"):
        return ()
    from napari_muscle_us.io._spreadsheet_xlsx import xlsx_sheets

    return xlsx_sheets(content, name=path.name)


def number_of(text: str) -> float | None:
    """Return the number that a cell holds, with decimal point or comma.

    Parameters
    ----------
    text : str
        Of a cell. Signs that group thousands are no part of a number.

    Returns
    -------
    float or None
        NaN for a cell of `MISSING`; ``None`` for what is no finite number.

    Examples
    --------
    >>> number_of("61,5"), number_of("n/a"), number_of("1.234,5")
    (61.5, nan, None)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text.replace(",", "."))
        return number if abs(number) < 1e300 else None
    return float("nan") if text.casefold() in MISSING else None


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ResultsError(
                f"{path.name!r} is a folder; give a CSV or XLSX file of values."
            )
        # A pipe would be waited for without end.
        if path.exists() and not path.is_file():
            raise ResultsError(f"{path.name!r} is no file; give a CSV or XLSX file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ResultsError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ResultsError(
            f"The spreadsheet {path.name!r} cannot be read ({reason}); check the path."
        ) from None
    if len(content) > MAX_BYTES:
        raise ResultsError(
            f"{path.name!r} has more than {MAX_BYTES // 10**6} MB; a spreadsheet of "
            "values is smaller, so choose another file or split it."
        )
    return content


def _refuse_other_kinds(content: bytes, name: str) -> None:
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise ResultsError(
                f"{name!r} is protected by a password; save it without one."
            )
        raise ResultsError(
            f"{name!r} is a workbook of the old kind (XLS); save it as XLSX or CSV."
        )
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ResultsError(
            f"{name!r} is no text and no XLSX workbook; save the table as CSV or XLSX."
        )


def _text_rows(content: bytes, name: str) -> list[list[str]]:
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # All bytes have a meaning there but five, which become a question mark.
        text = content.decode("cp1252", "replace")
    if "\0" in text:
        # UTF-32 begins as UTF-16 does.
        raise ResultsError(
            f"{name!r} holds bytes that are no text; save the table as CSV or XLSX."
        )
    rows: list[list[str]] = []
    cells = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        for row in reader:
            rows.append(row)
            cells += len(row)
            refuse_too_many(len(rows), len(row), cells, name)
    except csv.Error as error:
        raise ResultsError(
            f"Row {len(rows) + 1} of {name!r} is no row of a table ({error}); save it "
            "as CSV again."
        ) from None
    return rows


def refuse_too_many(rows: int, columns: int, cells: int, name: str) -> None:
    """Refuse a table that grows beyond what is read.

    Raises
    ------
    ResultsError
        If there are too many rows, columns or cells.
    """
    # The header is a row too.
    if rows > MAX_ROWS + 1 or columns > MAX_COLUMNS or cells > MAX_CELLS:
        raise ResultsError(
            f"{name!r} has more than {MAX_ROWS} rows, {MAX_COLUMNS} columns or "
            f"{MAX_CELLS} cells; keep only the columns that are needed, or split it."
        )


def _delimiter(text: str) -> str:
    """Return the sign between cells: the one that cuts the first rows alike."""
    lines = text[:20_000].splitlines()
    if len(text) > 20_000 and len(lines) > 1:
        lines.pop()  # It may be cut.
    head = [line for line in lines if line.strip()][:20]
    best, score = ",", (0, 0)
    for sign in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(head, delimiter=sign)]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        found = (sum(width == widths[0] for width in widths), widths[0])
        if found > score:
            best, score = sign, found
    return best


def _frame(rows: Sequence[Sequence[str]], name: str) -> pd.DataFrame:
    import pandas as pd

    kept = [
        (number, [cell.strip() for cell in row])
        for number, row in enumerate(rows, start=1)
        if any(map(str.strip, row))
    ]
    if not kept:
        raise ResultsError(f"{name!r} is empty; give a table with a header row.")
    first, header = kept[0]
    body = kept[1:]
    header, cells = _rectangle(header, body, name)
    _check_header(header, first, name)
    _refuse_no_header(header, cells, name)
    numbers = [number for number, _ in body]
    _refuse_second_header(header, cells, numbers, name)
    if not cells:
        raise ResultsError(
            f"{name!r} has a header and no rows below it; add the values."
        )
    frame = pd.DataFrame(cells, columns=header, index=numbers, dtype=object)
    return frame.rename_axis("row")


def _rectangle(
    header: list[str], body: list[tuple[int, list[str]]], name: str
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of one width, without blank columns."""
    while header and not header[-1]:
        header = header[:-1]
    width = len(header)
    for number, row in body:
        if any(row[width:]):
            raise ResultsError(
                f"Row {number} of {name!r} has {len(row)} cells and the header "
                f"{width}; {_ONE_HEADER}, and where commas part the cells, write "
                "numbers with a point."
            )
    cells = [row[:width] + [""] * (width - len(row)) for _, row in body]
    used = [k for k in range(width) if header[k] or any(row[k] for row in cells)]
    if len(used) == width:
        return header, cells
    return [header[k] for k in used], [[row[k] for k in used] for row in cells]


def _check_header(header: list[str], number: int, name: str) -> None:
    for column, cell in enumerate(header, start=1):
        if not cell:
            raise ResultsError(
                f"Column {column} of {name!r} has no name in its header (row "
                f"{number}), as after merged cells or a title; {_ONE_HEADER}."
            )
    # Where a header row is missing, its cells are a person's: only places are told.
    seen: dict[str, int] = {}
    for column, cell in enumerate(header, start=1):
        before = seen.setdefault(cell.casefold(), column)
        if before != column:
            raise ResultsError(
                f"Columns {before} and {column} of {name!r} have the same name; rename "
                "or remove one."
            )


def _refuse_no_header(header: list[str], cells: list[list[str]], name: str) -> None:
    """Refuse a first row of values: numbers where all below are numbers."""
    in_header = [number_of(cell) for cell in header]
    columns = [{number_of(row[k]) for row in cells} for k in range(len(header))]
    measured = [
        number
        for number, below in zip(in_header, columns, strict=True)
        if None not in below and any(value == value for value in below)
    ]
    for told in (in_header, measured):
        if sum(number is not None for number in told) > len(told) / 2:
            raise ResultsError(
                f"The first row of {name!r} holds numbers, not names; put a header row "
                "above the values."
            )


def nearest_column(name: str, columns: Iterable[object]) -> str:
    """Return which column may be meant by a name, as the end of a sentence.

    Only names that look like it are told: without a header row the others are what
    stands in the first row, perhaps a person's name.

    Examples
    --------
    >>> nearest_column("vaule", ["value", "J. Doe"]), nearest_column("EI", ["J. Doe"])
    ("did you mean 'value'?", 'name one of its columns.')
    """
    near = difflib.get_close_matches(name, [str(column) for column in columns], n=2)
    if not near:
        return "name one of its columns."
    return f"did you mean {' or '.join(repr(one[:60]) for one in near)}?"


def _refuse_second_header(
    header: list[str], cells: list[list[str]], numbers: list[int], name: str
) -> None:
    """Refuse a first row that holds units or names where numbers follow."""
    if len(cells) < 2:
        return
    told = 0
    for column in range(len(header)):
        first = cells[0][column]
        kind = number_of(first)
        if kind is not None and kind == kind:
            below = {number_of(row[column]) for row in cells[1:]}
            if None not in below:
                return  # The row has a number as others have: it is data.
        if kind is not None or told:
            continue
        rest = [number_of(row[column]) for row in cells[1:]]
        if None not in rest and any(value == value for value in rest):
            told = column + 1
    if told:
        raise ResultsError(
            f"Row {numbers[0]} of {name!r} holds a word in column {told}, where "
            f"numbers follow, like a second header row; {_ONE_HEADER}."
        )
