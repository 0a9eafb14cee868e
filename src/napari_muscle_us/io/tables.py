"""Results tables as CSV, written whole or not at all."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.results import COLUMNS, TEXT_COLUMNS, results_frame

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES: Final = 1_000_000_000
_FORMULA: Final = ("=", "+", "-", "@")


def write_results(
    path: str | Path, results: pd.DataFrame, *, append: bool = False
) -> None:
    """Write a results table as CSV.

    Numbers keep all digits, so that reading gives back the same values. A text that a
    spreadsheet would run as a formula gets an apostrophe in front, which `read_results`
    takes off again.

    Parameters
    ----------
    path : str or Path
        File to write, UTF-8. An existing file is replaced only if it is a results
        table.
    results : DataFrame
        Rows with the columns of `napari_muscle_us.results.COLUMNS`.
    append : bool, default: False
        Whether to keep the rows that the file holds already.

    Raises
    ------
    ResultsError
        If the folder cannot be written to, or `path` is another kind of file.
    """
    import pandas as pd

    path = Path(path)
    if not _may_replace(path):
        raise ResultsError(
            f"{path.name!r} exists and is not a results table; choose another name."
        )
    frame = results.loc[:, list(COLUMNS)].copy()
    if append and _first_bytes(path):
        frame = pd.concat([read_results(path), frame], ignore_index=True)
    frame = guard_texts(frame)
    with atomic_path(path) as temporary:
        frame.to_csv(
            temporary,
            index=False,
            encoding="utf-8",
            na_rep="NaN",
            lineterminator="\n",
        )


def read_results(path: str | Path) -> pd.DataFrame:
    """Return the rows of a results CSV.

    Parameters
    ----------
    path : str or Path
        File that `write_results` wrote.

    Returns
    -------
    DataFrame
        With exactly the columns of `napari_muscle_us.results.COLUMNS`; a value that
        was not computed is NaN.

    Raises
    ------
    ResultsError
        If the file cannot be read or is not a results table.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise ResultsError(f"{path.name!r} is a folder; give a results CSV.")
        if path.stat().st_size > MAX_BYTES:
            raise ResultsError(f"{path.name!r} is too large for a results table.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ResultsError(
            f"The results {path.name!r} cannot be read ({reason}); check the path."
        ) from None
    except (ValueError, csv.Error) as error:
        if isinstance(error, ResultsError):
            raise
        raise _not_a_table(path) from None
    for row in rows:
        if list(row) != list(COLUMNS) or None in row.values():
            raise _not_a_table(path)
    if not rows and not _has_header(_first_bytes(path)):
        raise _not_a_table(path)
    try:
        return results_frame(_parse(row) for row in rows)
    except (ValueError, TypeError, OverflowError):
        raise _not_a_table(path) from None


def guard_texts(results: pd.DataFrame) -> pd.DataFrame:
    """Return a results table whose texts are safe to open in a spreadsheet."""
    safe = {
        column: [guard_formula(str(text)) for text in results[column]]
        for column in TEXT_COLUMNS
    }
    return results.assign(**safe)


def _parse(row: dict[str, str]) -> dict[str, object]:
    texts = {column: _unguard(row[column]) for column in TEXT_COLUMNS}
    return texts | {"frame": int(row["frame"]), "value": float(row["value"])}


def guard_formula(text: str) -> str:
    """Return a text on one line that no spreadsheet runs as a formula.

    Control characters become spaces, and what UTF-8 cannot hold a question mark.

    Examples
    --------
    >>> guard_formula("=1+1"), guard_formula("BB")
    ("'=1+1", 'BB')
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def _unguard(text: str) -> str:
    return text[1:] if text.startswith("'") else text


def _may_replace(path: Path) -> bool:
    """Whether a file is not there, empty, or a results table."""
    head = _first_bytes(path)
    return not head or _has_header(head)


def _first_bytes(path: Path) -> bytes:
    """Return how a file begins; nothing where there is none to open."""
    try:
        with path.open("rb") as file:
            return file.read(1024)
    except (OSError, ValueError):
        return b""  # Writing will say why it cannot be.


def _has_header(head: bytes) -> bool:
    header = ",".join(COLUMNS).encode()
    return head.removeprefix(b"\xef\xbb\xbf").startswith(header)


def _not_a_table(path: Path) -> ResultsError:
    return ResultsError(
        f"{path.name!r} is not a results table of this program; its first line must "
        f"be {','.join(COLUMNS[:3])},…"
    )
