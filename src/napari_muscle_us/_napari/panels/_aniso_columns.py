"""Rows and columns of the table of anisotropy: what each ROI's numbers are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from napari_muscle_us._napari.panels import _texture_shown
from napari_muscle_us._napari.panels._aniso_words import (
    between_lines,
    groups_of,
    short_number,
)
from napari_muscle_us._napari.panels._texture_columns import Column, Difference, Row
from napari_muscle_us._napari.panels._texture_words import PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._aniso_live import Found
    from napari_muscle_us._napari.panels._aniso_work import Order, Outcome
    from napari_muscle_us._napari.panels._texture_shown import Shown
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_OF_TENSOR: Final = {
    "anisotropy.direction": "direction_deg",
    "anisotropy.coherency": "coherency",
    "anisotropy.energy": "energy",
    "anisotropy.circular_mean": "circular_mean_deg",
    "anisotropy.circular_sd": "circular_sd_deg",
}
_OF_BOXES: Final = {
    "anisotropy.local": "value",
    "anisotropy.local_sd": "sd",
    "anisotropy.n_boxes": "n_boxes",
}
_OF_FASCICLE: Final = {
    "anisotropy.fascicle_direction": "direction_deg",
    "anisotropy.fascicle_spread": "spread_deg",
    "anisotropy.fascicle_confidence": "confidence",
}
_ANGLES: Final = frozenset(
    (
        "anisotropy.direction",
        "anisotropy.circular_mean",
        "anisotropy.fascicle_direction",
    )
)
_DOUBTFUL: Final = frozenset(
    ("anisotropy.direction", "anisotropy.circular_mean", "anisotropy.circular_sd")
)
"""Numbers that stand in brackets where a reason speaks against them."""

_WHERE: Final = {
    "anisotropy.fascicle_direction": "Fascicles",
    "anisotropy.direction": "Tensor",
    "anisotropy.local": "Local texture anisotropy",
}
_NONE: Final = {
    "anisotropy.fascicle_direction": "no direction",
    "anisotropy.direction": "no direction is to be seen",
    "anisotropy.local": "no value",
}
_MOST_SENTENCES: Final = 2
"""ROIs that each get a sentence of their own; more of them fill the panel."""


class Value(NamedTuple):
    """A number with the reason why it is missing or to be doubted."""

    number: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NumberRow(Row):
    """The title of a group of numbers, or a number."""

    number: str = ""
    unit: str = ""

    @property
    def is_family(self) -> bool:
        """Whether it is the title of a group."""
        return not self.number

    @property
    def key(self) -> str:
        """Key in the results, empty for a title."""
        return self.number


@dataclass(frozen=True, slots=True, eq=False)
class OrderColumn(Column):
    """The numbers of one ROI."""

    found: Order | str | None

    def told(self, row: Row) -> Value:
        """Return a value with its reason."""
        if self.found is None or row.is_family:
            return Value(math.nan)
        return value_of(self.found, row.key)

    def value(self, row: Row) -> float:
        """Return a value, NaN for none."""
        return self.told(row).number

    def text(self, row: Row) -> str:
        """Return a value as it is shown, in brackets where it is to be doubted."""
        if self.found is None:
            return PENDING
        number, reason = self.told(row)
        text = short_number(number, unit_of(row))
        doubtful = bool(reason) and row.key in _DOUBTFUL and not math.isnan(number)
        return f"({text})" if doubtful else text

    def tip(self, row: Row) -> str:
        """Return the value with all its digits, and why it is missing or doubtful."""
        number, reason = self.told(row)
        digits = "" if math.isnan(number) else repr(number)
        return "\n".join(filter(None, (digits, reason)))


@dataclass(frozen=True, slots=True, eq=False)
class OrderDifference(Difference):
    """The left minus the right; of two lines the turn from one to the other."""

    def value(self, row: Row) -> float:
        """Return the difference, NaN where either is missing."""
        difference = self.left.value(row) - self.right.value(row)
        known = row.key in _ANGLES and not math.isnan(difference)
        return between_lines(difference) if known else difference

    def text(self, row: Row) -> str:
        """Return the difference with its sign, in brackets where a side is doubtful."""
        both = (self.left.text(row), self.right.text(row))
        if PENDING in both:
            return PENDING
        value = self.value(row)
        text = short_number(value, unit_of(row))
        text = f"+{text}" if value > 0 and text.strip("0.") else text
        doubtful = any(side.startswith("(") for side in both)
        return f"({text})" if doubtful and not math.isnan(value) else text


def value_of(outcome: Outcome, key: str) -> Value:
    """Return a number of an outcome with its reason, by its key in the results."""
    if isinstance(outcome, str):
        return Value(math.nan, outcome)
    tensor, fascicle = outcome.tensor, outcome.fascicle
    if key in _OF_TENSOR:
        name = _OF_TENSOR[key]
        return Value(getattr(tensor, name), tensor.reason(name))
    if key in _OF_BOXES:
        number = float(getattr(tensor.local, _OF_BOXES[key]))
        alone = "undefined with fewer than two boxes" if math.isnan(number) else ""
        return Value(number, tensor.local.reason or alone)
    if fascicle is None:
        return Value(math.nan)
    number = getattr(fascicle, _OF_FASCICLE[key])
    none = "undefined where its parts show no direction" if math.isnan(number) else ""
    return Value(number, fascicle.reason or none)


def unit_of(row: Row) -> str:
    """Return the unit that a row's values are shown in."""
    return row.unit if isinstance(row, NumberRow) else ""


def rows_of(settings: AnisotropySettings) -> list[NumberRow]:
    """Return a title for each group of numbers, and below it the numbers."""
    rows = []
    for group in groups_of(settings.method):
        rows.append(NumberRow(group.title, group.title, group.tip))
        rows += [
            NumberRow(group.title, n.title, n.tip, number=n.key, unit=n.unit)
            for n in group.numbers
        ]
    return rows


def columns_of(shown: Shown, found: Sequence[Found]) -> list[Column]:
    """Return a column for each region, and of two sides the difference."""
    by_source = {
        source: known.outcome
        for source, known in zip(shown.sources, found, strict=True)
    }
    columns: list[Column] = []
    # Titles and the order of sides are those of all tables of ROIs.
    for plain in _texture_shown.columns_of(shown, [None] * len(shown.sources)):
        if plain.source is not None:
            outcome = by_source[plain.source]
            columns.append(OrderColumn(plain.heading, plain.source, None, outcome))
        else:
            left, right = columns[-2:]
            columns.append(OrderDifference(plain.heading, None, None, left, right))
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class _Caveats:
    caveats: tuple[str, ...]


def said_of(shown: Shown, found: Sequence[Found]) -> str:
    """Return the sentences that warn: for each region, or of many how many they are."""
    counts: Counter[str] = Counter()
    for known in found:
        counts.update(_reasons(known.outcome).keys())
    many = {key for key in _WHERE if counts[key] > _MOST_SENTENCES}
    told = []
    for known in found:
        reasons = _reasons(known.outcome)
        sentences = [reasons[key] for key in reasons if key not in many]
        told.append(_Caveats(tuple(sentences)))
    # Names, and what holds for all, are told as for all tables of ROIs.
    said = _texture_shown.said_of(shown, told)[1]  # type: ignore[arg-type]
    summed = [
        f"{_WHERE[key]}: {_NONE[key]} in {counts[key]} of {len(found)} ROIs; rest the "
        "mouse on its cell to read why."
        for key in _WHERE
        if key in many
    ]
    return "\n".join(filter(None, (said, *summed)))


def _reasons(outcome: Outcome | None) -> dict[str, str]:
    """Return why no direction is to be seen, or no number is there, as sentences."""
    if outcome is None:
        return {}
    if isinstance(outcome, str):
        return {"": outcome}
    reasons = {key: value_of(outcome, key).reason for key in _WHERE}
    return {key: f"{_WHERE[key]}: {why}." for key, why in reasons.items() if why}
