"""The shown features as results rows and as text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari.panels._measure_work import Plan, measure_plan_slowly
from napari_muscle_us._napari.panels._row_labels import labels_of
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.measure.texture.families import LABELS
from napari_muscle_us.measure.texture.measure import Texture
from napari_muscle_us.measure.texture.offsets import DIRECTIONS
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.results import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pandas as pd

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._texture_columns import Column, Row
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings
    from napari_muscle_us.measure.texture.settings import TextureSettings

_TITLES: Final = ("family", "feature", "key", "ibsi", "unit", "direction", "method")


def plan_of(
    session: Session,
    regions: Sequence[Region],
    *,
    texture: TextureSettings | None = None,
    anisotropy: AnisotropySettings | None = None,
) -> Plan:
    """Return what is to be measured for the results.

    Raises
    ------
    MuscleUSError
        If there is no image, or no region to measure.
    """
    session.read_pixels_again()
    image = session.image()
    usable = tuple(region for region in regions if region.window is not None)
    if not usable:
        problems = [region.problem for region in regions if region.problem]
        raise MeasureError(
            problems[0]
            if problems
            else "There is no ROI on this image to measure; draw one on the muscle."
        )
    labels = labels_of(session)
    known = session.options
    options = MeasureOptions(
        texture=texture,
        anisotropy=anisotropy,
        rules=known.rules,
        quality=known.quality,
    )
    return Plan(image, usable, options, None, labels.subject, labels.visit, "")


def measure_features(
    plan: Plan,
    keys: Collection[str],
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> pd.DataFrame | MuscleUSError | None:
    """Return the rows of some features, or a refusal; ``None`` if cancelled."""
    told = measure_plan_slowly(plan, progress=progress, cancelled=cancelled)
    if not isinstance(told, tuple):
        return told
    rows = told[1]
    return rows[rows["measure"].isin(set(keys))].reset_index(drop=True)


def as_table(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[str]]:
    """Return the shown values with all their digits, a line of titles first.

    Raises
    ------
    MeasureError
        If there are none.
    """
    features = [row for row in rows if not row.is_family]
    if not features or not columns:
        raise MeasureError("There are no values yet; draw an ROI on the muscle.")
    if any(column.outcome is None for column in columns if column.source is not None):
        raise MeasureError("The values are still being computed; try again shortly.")
    names = [guard_formula(column.heading.title) for column in columns]
    table = [[*_TITLES, *names]]
    for row in features:
        values = [repr(column.value(row)) for column in columns]
        table.append([*_words(row), _method(row, columns), *values])
    return table


def as_text(table: Sequence[Sequence[str]]) -> str:
    """Return a table for the clipboard, tab-separated."""
    return "\n".join("\t".join(line) for line in table)


def save_table(table: Sequence[Sequence[str]], path: str) -> None:
    """Write a table as CSV; never half a file.

    Raises
    ------
    ResultsError
        If the folder cannot be written to.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _words(row: Row) -> list[str]:
    feature = row.feature
    if feature is None:
        return []
    direction = ""
    if row.direction >= 0:
        rows, columns = DIRECTIONS[row.direction]
        direction = f"({rows}, {columns})"
    family = LABELS[feature.family]
    unit = feature.unit
    return [family, feature.label, feature.key, feature.ibsi, unit, direction]


def _method(row: Row, columns: Sequence[Column]) -> str:
    """Return the settings of a row, each once: steps differ with the pixel size."""
    told: dict[str, Any] = {}
    for column in columns:
        outcome = column.outcome
        if isinstance(outcome, Texture):
            told[canonical_json(outcome.method(row.family))] = None
    return " | ".join(told)
