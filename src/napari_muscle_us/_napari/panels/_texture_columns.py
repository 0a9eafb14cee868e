"""Rows and columns of the texture table, and which of them are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from napari_muscle_us._napari.panels._texture_words import (
    PENDING,
    direction_name,
    number_text,
    title_of,
)
from napari_muscle_us.measure.texture.families import ABOUT, LABELS, features_of
from napari_muscle_us.measure.texture.offsets import DIRECTIONS
from napari_muscle_us.measure.texture.settings import DIRECTED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us.measure.texture.features import Feature
    from napari_muscle_us.measure.texture.measure import Texture
    from napari_muscle_us.measure.texture.settings import TextureSettings

_OPEN, _FOLDED = "▾", "▸"
_INDENT: Final = "    "
_SIDES: Final = ("left", "right")
_OTHER_NAMES: Final = {
    "glcm.angular_second_moment": "ASM energy uniformity",
    "glcm.contrast": "inertia",
    "glcm.inverse_difference": "homogeneity ID",
    "glcm.inverse_difference_moment": "homogeneity IDM",
    "glcm.information_correlation_1": "IMC1",
    "glcm.information_correlation_2": "IMC2",
    "glcm.joint_max": "maximum probability",
    "glcm.joint_variance": "sum of squares",
}
"""What papers and other programs call a feature, for the search."""


class Heading(NamedTuple):
    """Title of a column and its tooltip."""

    title: str
    tip: str


@dataclass(frozen=True, slots=True)
class Row:
    """A family's title, a feature, or a feature in one direction.

    `direction` counts the four directions from 0, and is negative for none.
    """

    family: str
    title: str
    tip: str
    feature: Feature | None = None
    direction: int = -1

    @property
    def is_family(self) -> bool:
        """Whether it is the title of a family."""
        return self.feature is None

    @property
    def key(self) -> str:
        """Key of the feature, with the direction behind an @; empty for a title."""
        if self.feature is None:
            return ""
        at = f"@{self.direction}" if self.direction >= 0 else ""
        return self.feature.key + at

    def same_feature(self, other: Row) -> bool:
        """Whether another row is of the same feature and direction."""
        return self.key == other.key


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of one ROI: a texture, why there is none, or nothing yet."""

    heading: Heading
    source: Source | None
    outcome: Texture | str | None

    def value(self, row: Row) -> float:
        """Return a value, NaN for none."""
        outcome = self.outcome
        if row.feature is None or outcome is None or isinstance(outcome, str):
            return math.nan
        if row.direction < 0:
            return outcome.get(row.feature.key, math.nan)
        steps = outcome.offsets if row.family == "glcm" else DIRECTIONS
        values = outcome.directions.get(steps[row.direction], {})
        return values.get(row.feature.key, math.nan)

    def text(self, row: Row) -> str:
        """Return a value as it is shown."""
        if self.outcome is None:
            return PENDING
        return number_text(self.value(row))

    def tip(self, row: Row) -> str:
        """Return why there is no value, or the value with all its digits."""
        if isinstance(self.outcome, str):
            return self.outcome
        value = self.value(row)
        if self.outcome is None or row.feature is None:
            return ""
        if not math.isnan(value):
            return repr(value)
        if row.direction >= 0:
            return "undefined in this direction"
        return self.outcome.reason(row.feature.key)


@dataclass(frozen=True, slots=True, eq=False)
class Difference(Column):
    """The left minus the right."""

    left: Column
    right: Column

    def value(self, row: Row) -> float:
        """Return the difference, NaN where either is missing."""
        return self.left.value(row) - self.right.value(row)

    def text(self, row: Row) -> str:
        """Return the difference with its sign."""
        if self.left.outcome is None or self.right.outcome is None:
            return PENDING
        value = self.value(row)
        return f"+{number_text(value)}" if value > 0 else number_text(value)

    def tip(self, row: Row) -> str:
        """Return the whole difference, or why there is none."""
        value = self.value(row)
        if math.isnan(value):
            return "needs both sides"
        return repr(value)


def families_shown(
    settings: TextureSettings, keys: Collection[str], search: str
) -> dict[str, list[Feature]]:
    """Return the features to show, by family.

    Parameters
    ----------
    settings : TextureSettings
        Chosen families.
    keys : collection of str
        Features of a preset; a family of which none is among them is shown whole.
    search : str
        Words that must occur in a name, the code or the family's name.
    """
    words = search.lower().split()
    chosen = {key.partition(".")[0] for key in keys}
    shown = {}
    for family in settings.families:
        found = [
            feature
            for feature in features_of(family)
            if (family not in chosen or feature.key in keys)
            and all(word in _searched(feature) for word in words)
        ]
        if found:
            shown[family] = found
    return shown


def _searched(feature: Feature) -> str:
    family = LABELS[feature.family]
    other = _OTHER_NAMES.get(feature.key, "")
    return f"{feature.label} {feature.key} {feature.ibsi} {family} {other}".lower()


def rows_of(
    shown: Mapping[str, list[Feature]], folded: Collection[str], *, directions: bool
) -> list[Row]:
    """Return a title for each family, and its features unless it is folded."""
    rows = []
    for family, features in shown.items():
        sign = _FOLDED if family in folded else _OPEN
        title = f"{sign} {LABELS[family]}"
        rows.append(
            Row(family, title, f"{LABELS[family]}: {ABOUT[family]} Click to fold.")
        )
        if family in folded:
            continue
        for feature in features:
            tip = f"{feature.label}: {feature.meaning}"
            rows.append(Row(family, title_of(feature), tip, feature))
            if directions and family in DIRECTED:
                rows += [
                    Row(family, _INDENT + direction_name(step), tip, feature, number)
                    for number, step in enumerate(DIRECTIONS)
                ]
    return rows


def pairs_of_sides(
    sources: Sequence[Source], chosen: Sequence[Source]
) -> tuple[list[tuple[Source, Source]], str]:
    """Return left and right of each muscle, and what stands against a pair.

    Parameters
    ----------
    sources : sequence of Source
        All regions, kept ones among them.
    chosen : sequence of Source
        Selected ones: only their muscles are shown, and of several on a side they are
        taken.
    """
    muscles = list(dict.fromkeys(s.muscle for s in (chosen or sources) if s.muscle))
    pairs, said = [], []
    for muscle in muscles:
        two = []
        for side in _SIDES:
            found = [s for s in sources if (s.muscle, s.side) == (muscle, side)]
            picked = [s for s in found if s in chosen]
            found = picked if len(picked) == 1 else found
            if len(found) == 1:
                two.append(found[0])
            elif found:
                said.append(
                    f"{muscle} has {len(found)} ROIs on the {side}; select the one to "
                    "compare."
                )
            else:
                said.append(
                    f"{muscle} has no ROI on the {side}; draw it, or keep one of "
                    "another image for comparison."
                )
        if len(two) == len(_SIDES):
            pairs.append((two[0], two[1]))
    if not muscles:
        said.append("Give the ROIs a muscle and a side in the panel Muscle ROIs.")
    return pairs, " ".join(said)
