"""The histograms as text: for the clipboard and for a file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from napari_muscle_us._napari.panels._histogram_curves import names_apart
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.measure.intensity import GRAY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._histogram_curves import Curve
    from napari_muscle_us._napari.panels._histogram_rows import Row


def safe_names(curves: Sequence[Curve]) -> list[str]:
    """Return the titles of curves, which no spreadsheet takes for a formula."""
    return [guard_formula(name) for name in names_apart(curves)]


def numbers_and_counts(
    curves: Sequence[Curve], rows: Sequence[Row], *, difference: str
) -> str:
    """Return all numbers with all digits, then the counts, tab-separated.

    `difference` is the title of a further column; empty for none.
    """
    titles = safe_names(curves) + ([guard_formula(difference)] if difference else [])
    lines = ["\t".join(["", *titles])]
    for row in rows:
        values = [repr(value) for value, _ in row.cells]
        if difference:
            values.append(repr(row.difference()))
        lines.append("\t".join([row.title, *values]))
    return "\n".join(lines) + "\n" + counts(curves)


def counts(curves: Sequence[Curve]) -> str:
    """Return a line a gray level: the level and each curve's count, tab-separated."""
    return "\n".join(
        "\t".join(str(number) for number in line) for line in count_rows(curves)
    )


def count_rows(curves: Sequence[Curve]) -> list[list[int]]:
    """Return for each gray level the level and each curve's count."""
    return [
        [level, *(int(curve.stats.histogram[level]) for curve in curves)]
        for level in range(GRAY_LEVELS)
    ]


def save_counts(curves: Sequence[Curve], path: str) -> None:
    """Write gray level and counts as CSV, a column a curve; never half a file.

    Raises
    ------
    ResultsError
        If the folder cannot be written to.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["gray_level", *safe_names(curves)])
    writer.writerows(count_rows(curves))
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
