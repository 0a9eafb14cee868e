"""What the columns of a table of two scanners or several centres hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

ECHO_INTENSITY: Final = "intensity.mean"
MAX_DEVICES: Final = 200
_DEVICE_WORDS: Final = (
    *("device", "scanner", "machine", "ultrasound device", "ultrasound machine"),
    *("ultrasound system", "apparatus", "gerat", "geraet", "ultraschallgerat"),
    *("toestel", "apparaat", "echoapparaat", "appareil", "echographe", "equipo"),
    *("ecografo", "centre", "center"),
)


def device_column(table: pd.DataFrame) -> str:
    """Return the column that tells the scanner by its name; empty for none."""
    from napari_muscle_us.reference.people.people_columns import read_header

    for column in map(str, table.columns):
        if read_header(column).words in _DEVICE_WORDS:
            return column
    return ""


def usable_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that do not tell who a person is."""
    from napari_muscle_us.reference.people.people_columns import tells_identity

    return [name for name in map(str, table.columns) if not tells_identity(name)]


def devices_in(table: pd.DataFrame, column: str) -> list[str]:
    """Return the scanners that a column names, in the order of the rows."""
    if column not in table:
        return []
    found: dict[str, str] = {}
    for text in table[column].astype(str):
        told = text.strip()
        if told:
            found.setdefault(told.casefold(), told)
        if len(found) == MAX_DEVICES:
            break
    return list(found.values())


def measures_in(*tables: pd.DataFrame) -> list[str]:
    """Return the measures that all tables tell, echo intensity first."""
    from napari_muscle_us.reference.people.people_columns import guess_columns

    found = []
    for table in tables:
        column = guess_columns(table).get("measure", "")
        if column in table:
            told = {str(text).strip() for text in table[column]} - {""}
            found.append(told)
    if not found:
        return []
    shared = set.intersection(*found)
    return sorted(shared, key=lambda name: (name != ECHO_INTENSITY, name))
