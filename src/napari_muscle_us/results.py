"""The measure registry and the tidy results table.

One row is one number of one region, with all it takes to compute it again: the hash of
the image, the outline, and the parameters of the method.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.registry import BASE_MEASURES as BASE_MEASURES
from napari_muscle_us.registry import GRAY_LEVEL as GRAY_LEVEL
from napari_muscle_us.registry import MEASURES as MEASURES
from napari_muscle_us.registry import Measure as Measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

COLUMNS: Final = (
    "subject",
    "visit",
    "image",
    "frame",
    "roi",
    "muscle",
    "side",
    "measure",
    "value",
    "unit",
    "method",
    "image_sha256",
    "roi_geometry",
    "software_version",
    "measured_at",
    "note",
)
"""Columns of every results table, in this order."""

TEXT_COLUMNS: Final = tuple(c for c in COLUMNS if c not in ("value", "frame"))


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """A number with its reason when it could not be computed."""

    measure: str
    value: float
    unit: str
    method: Mapping[str, Any]
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an unregistered measure, and a NaN that nobody explained."""
        if self.measure not in MEASURES:
            raise ResultsError(
                f"Measure {self.measure!r} is not in the registry; add it there first."
            )
        if math.isnan(self.value) and not self.note:
            raise ResultsError(
                f"Measure {self.measure!r} has no value and no note that says why."
            )


def canonical_json(value: Mapping[str, Any]) -> str:
    """Return a mapping as JSON, the same text for the same content.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [0.5]})
    '{"a":[0.5],"b":1}'
    """
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def empty_results() -> pd.DataFrame:
    """Return a results table without rows."""
    return results_frame([])


def results_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a results table with exactly the agreed columns.

    Parameters
    ----------
    rows : iterable of mapping
        Each with all entries of `COLUMNS`.

    Returns
    -------
    DataFrame
        Texts as objects, ``frame`` as int64, ``value`` as float64.

    Examples
    --------
    >>> list(results_frame([]).columns) == list(COLUMNS)
    True
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    types: dict[str, str] = dict.fromkeys(TEXT_COLUMNS, "object")
    return frame.astype(types | {"frame": "int64", "value": "float64"})
