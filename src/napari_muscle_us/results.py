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

GRAY_LEVEL: Final = "gray level"
_IMAGEJ: Final = "ImageJ 1.53t, ij/process/ByteStatistics.java"


@dataclass(frozen=True, slots=True)
class Measure:
    """An entry of the registry.

    Attributes
    ----------
    key : str
        Name in the column ``measure``, ``family.name``.
    unit : str
        Unit of the value; ``roi.area`` is in px² when the spacing is unknown.
    label : str
        Short name shown in panels.
    definition : str
        What the number is, in a sentence or formula.
    source : str
        Publication (DOI), IBSI identifier or program that defines it.
    """

    key: str
    unit: str
    label: str
    definition: str
    source: str


_MEASURES: Final = (
    Measure(
        "intensity.n",
        "px",
        "N",
        "Number of pixels that the region selects.",
        "ImageJ 1.53t, ij/process/PolygonFiller.java",
    ),
    Measure(
        "intensity.mean",
        GRAY_LEVEL,
        "Mean (EI)",
        "Echo intensity: arithmetic mean of the gray levels, 0 black … 255 white.",
        f"{_IMAGEJ}; IBSI Q4LE; doi:10.1179/1743132811Y.0000000010",
    ),
    Measure(
        "intensity.sd",
        GRAY_LEVEL,
        "SD",
        "Standard deviation of the gray levels with n − 1.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.min",
        GRAY_LEVEL,
        "Min",
        "Lowest gray level.",
        f"{_IMAGEJ}; IBSI 1GSF",
    ),
    Measure(
        "intensity.max",
        GRAY_LEVEL,
        "Max",
        "Highest gray level.",
        f"{_IMAGEJ}; IBSI 84IY",
    ),
    Measure(
        "intensity.mode",
        GRAY_LEVEL,
        "Mode",
        "Lowest gray level with the largest count.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.median",
        GRAY_LEVEL,
        "Median",
        "Smallest gray level up to which more than n/2 pixels lie.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.skewness",
        "1",
        "Skewness",
        "Population skewness m3 / m2^1.5 of the gray levels.",
        f"{_IMAGEJ}; IBSI KE2A",
    ),
    Measure(
        "intensity.kurtosis",
        "1",
        "Kurtosis",
        "Population excess kurtosis m4 / m2² − 3 of the gray levels.",
        f"{_IMAGEJ}; IBSI IPH6",
    ),
    Measure(
        "roi.area",
        "mm²",
        "Area",
        "Area inside the outline (shoelace formula) times the area of a pixel; in px² "
        "when the spacing is unknown.",
        "Braden B. The surveyor's area formula. doi:10.2307/2686282",
    ),
    Measure(
        "z_score.echo_intensity",
        "SD",
        "Z",
        "(echo intensity − predicted) / SD of prediction, for age, sex, height and "
        "weight, by the named reference set.",
        "doi:10.1002/mus.27081",
    ),
)

MEASURES: Final[Mapping[str, Measure]] = {m.key: m for m in _MEASURES}
"""All measures by key. Each value in a results table has its entry here."""


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
