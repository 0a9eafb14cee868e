"""Rows and columns of the table of anisotropy: what each ROI's numbers are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from napari_muscle_us._napari.panels import _texture_shown
from napari_muscle_us._napari.panels._aniso_words import (
    ENERGY,
    Number,
    between_lines,
    groups_of,
    short_number,
)
from napari_muscle_us._napari.panels._texture_columns import (
    Column,
    Difference,
    Heading,
    Row,
)
from napari_muscle_us._napari.panels._texture_words import PENDING
from napari_muscle_us.measure.anisotropy.measures import ENERGY_UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._aniso_live import Found
    from napari_muscle_us._napari.panels._aniso_work import Order, Outcome
    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us._napari.panels._texture_shown import Shown
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_OF_TENSOR: Final = {
    "anisotropy.direction": "direction_deg",
    "anisotropy.coherency": "coherency",
    ENERGY: "energy",
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
_EITHER: Final = " or ".join(ENERGY_UNITS.values())
_OTHER_UNITS: Final = "no difference: the units differ"
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
        """Return a value with its reason, or with its unit where others differ."""
        if self.found is None or row.is_family:
            return Value(math.nan)
        value = value_of(self.found, row.key)
        if unit_of(row) == _EITHER and not math.isnan(value.number):
            return Value(value.number, f"in {energy_unit(self.source)}")
        return value

    def value(self, row: Row) -> float:
        """Return a value, NaN for none."""
        return self.told(row).number

    def text(self, row: Row) -> str:
        """Return a value as it is shown, in brackets where it is to be doubted."""
        if self.found is None:
            return PENDING
        number, reason = self.told(row)
        text = short_number(number, unit_of(row))
        if unit_of(row) == _EITHER and not math.isnan(number):
            return f"{text} /{energy_unit(self.source).rpartition('/')[2]}"
        doubtful = bool(reason) and row.key in _DOUBTFUL and not math.isnan(number)
        return f"({text})" if doubtful else text

    def tip(self, row: Row) -> str:
        """Return the value with all its digits, and why it is missing or doubtful."""
        number, reason = self.told(row)
        digits = "" if math.isnan(number) else repr(number)
        return "\n".join(filter(None, (digits, reason)))


@dataclass(frozen=True, slots=True, eq=False)
class OrderDifference(Difference):
    """One minus the other; of two lines the turn from one to the other."""

    def value(self, row: Row) -> float:
        """Return the difference, NaN where either is missing or in another unit."""
        if unit_of(row) == _EITHER and not self._one_unit:
            return math.nan
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

    def tip(self, row: Row) -> str:
        """Return the whole difference, or why there is none."""
        if unit_of(row) == _EITHER and not self._one_unit:
            return _OTHER_UNITS
        # A dataclass with slots is made anew, which super() without names misses.
        return Difference.tip(self, row)

    @property
    def _one_unit(self) -> bool:
        return energy_unit(self.left.source) == energy_unit(self.right.source)


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


def energy_unit(source: Source | None) -> str:
    """Return the unit of the energy of a region."""
    return ENERGY_UNITS[source is not None and source.spacing_mm is not None]


def rows_of(settings: AnisotropySettings, sources: Sequence[Source]) -> list[NumberRow]:
    """Return a title for each group of numbers, and below it the numbers."""
    units = {energy_unit(source) for source in sources}
    unit = units.pop() if len(units) == 1 else _EITHER
    rows = []
    for group in groups_of(settings.method):
        rows.append(NumberRow(group.title, group.title, group.tip))
        rows += [_row_of(group.title, number, unit) for number in group.numbers]
    return rows


def _row_of(group: str, number: Number, unit: str) -> NumberRow:
    _, title, tip, told = number
    if number.key == ENERGY:
        # Of one unit the row tells it, of two each value does.
        if unit != _EITHER:
            title = f"{title} ({unit.replace(' level', '')})"
        told, tip = unit, f"{tip} In {unit}."
    return NumberRow(group, title, tip, number=number.key, unit=told)


def columns_of(
    shown: Shown, found: Sequence[Found], *, change: bool = False
) -> list[Column]:
    """Return a column for each region, and of two that belong together the difference.

    Those are left and right, or with `change` each kept one and the one after it.
    """
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
        if change and len(columns) % 3 == 2:
            former, now = columns[-2:]
            tip = f"{now.heading.title} minus {former.heading.title}."
            heading = Heading("Change", tip)
            columns.append(OrderDifference(heading, None, None, now, former))
    return columns


def said_of(shown: Shown, found: Sequence[Found]) -> str:
    """Return the sentences that warn: for each region, or of many how many they are."""
    counts: Counter[str] = Counter()
    for known in found:
        counts.update(_reasons(known.outcome).keys())
    many = {key for key in _WHERE if counts[key] > _MOST_SENTENCES}
    told = []
    for known in found:
        reasons = _reasons(known.outcome)
        told.append([reasons[key] for key in reasons if key not in many])
    # Names, and what holds for all, are told as for all tables of ROIs.
    said = _texture_shown.sentences_of(shown, told)
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
