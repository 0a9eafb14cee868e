"""Which sheets of a workbook hold something, for a user to choose from."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io import _spreadsheet_xlsx as xlsx
from napari_muscle_us.io.spreadsheet import MAX_BYTES

_MOST: Final = 50


def sheet_names(path: str | Path) -> tuple[str, ...]:
    """Return the visible sheets of a workbook that hold something.

    Parameters
    ----------
    path : str or Path
        Any file.

    Returns
    -------
    tuple of str
        None for a file that is no workbook, or a damaged one: why is said when it is
        read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if not content.startswith(b"PK") or len(content) > MAX_BYTES:
            return ()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            xlsx._check_parts(archive, path.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return _filled(content)
    except (ResultsError, *xlsx._BROKEN):
        return ()


def _filled(content: bytes) -> tuple[str, ...]:
    from openpyxl import load_workbook

    book = load_workbook(
        io.BytesIO(content), read_only=True, data_only=True, keep_links=False
    )
    try:
        pages = [page for page in book.worksheets if page.sheet_state == "visible"]
        return tuple(p.title for p in pages[:_MOST] if xlsx._holds_something(p))
    finally:
        book.close()
