"""The shown anisotropy as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._aniso_columns import OrderColumn, unit_of
from napari_muscle_us._napari.panels._aniso_words import COUNT
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.results import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._texture_columns import Column, Row
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_TITLES: Final = ("group", "name", "key", "unit", "method")


def as_table(
    rows: Sequence[Row], columns: Sequence[Column], settings: AnisotropySettings
) -> list[list[str]]:
    """Return the shown values with all their digits, a line of titles first.

    Raises
    ------
    MeasureError
        If there are none.
    """
    numbers = [row for row in rows if not row.is_family]
    if not numbers or not columns:
        raise MeasureError("There are no values yet; draw an ROI on the muscle.")
    names = [guard_formula(column.heading.title) for column in columns]
    table = [[*_TITLES, *names, "note"]]
    for row in numbers:
        method = canonical_json(settings.row_method(row.key))
        # Without its dimension a count is as a share: 1.
        unit = "1" if unit_of(row) == COUNT else unit_of(row)
        words = [row.family, row.title, row.key, unit, method]
        values = [repr(column.value(row)) for column in columns]
        table.append([*words, *values, guard_formula(_note(row, columns))])
    return table


def _note(row: Row, columns: Sequence[Column]) -> str:
    """Return why values are missing or to be doubted, with the ROI's name."""
    return "; ".join(
        f"{column.heading.title}: {column.told(row).reason}"
        for column in columns
        if isinstance(column, OrderColumn) and column.told(row).reason
    )
