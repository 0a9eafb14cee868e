"""Families of texture features by name: what each computes, and why a value is NaN."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.measure.texture.settings import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.measure.texture.features import Feature

LABELS: Final = {
    "stat": "First-order statistics",
    "hist": "Intensity histogram",
    "glcm": "Co-occurrence (GLCM)",
    "glrlm": "Run length (GLRLM)",
    "glszm": "Size zone (GLSZM)",
    "gldzm": "Distance zone (GLDZM)",
    "ngtdm": "Gray tone difference (NGTDM)",
    "ngldm": "Gray level dependence (NGLDM)",
    "lbp": "Local binary patterns",
}
"""Names of the families for a person, in their order."""

ABOUT: Final = {
    "stat": "The gray levels themselves, wherever they are.",
    "hist": "The levels after binning, wherever they are.",
    "glcm": "Which gray levels stand beside each other at a distance.",
    "glrlm": "How long lines of one gray level are.",
    "glszm": "How large patches of one gray level are.",
    "gldzm": "How far patches of one gray level are from the ROI's edge.",
    "ngtdm": "How a pixel differs from the mean of its neighbours.",
    "ngldm": "How many neighbours have a pixel's gray level.",
    "lbp": "Whether the neighbours are brighter or darker; gain changes nothing.",
}
"""What each family looks at, in a sentence."""

_MODULES: Final = {"stat": "first_order", "hist": "histogram_features"}
_EMPTY: Final = "undefined where the ROI has no pixel"
_NO_PAIR: Final = "no two pixels of the ROI are this far apart"
_ONE_LEVEL: Final = (
    "undefined where the pairs, or those of a frame or direction, have one level"
)
_ONE_TONE: Final = "undefined where the ROI, or a frame of it, has one level"
_NO_DIFFERENCE: Final = (
    "undefined where no pixel of the ROI, or of a frame, differs from its neighbours"
)
_NGTDM: Final = {
    "ngtdm.coarseness": _NO_DIFFERENCE,
    "ngtdm.strength": _NO_DIFFERENCE,
    "ngtdm.busyness": "undefined where levels and their shares balance to zero",
}


def family_module(family: str) -> Any:
    """Return the module of a family, imported when it is needed."""
    name = _MODULES.get(family, family)
    return import_module(f"napari_muscle_us.measure.texture.{name}")


def features_of(family: str) -> tuple[Feature, ...]:
    """Return the features of a family, in the order of the standard.

    Examples
    --------
    >>> [feature.key for feature in features_of("ngtdm")][:2]
    ['ngtdm.coarseness', 'ngtdm.contrast']
    """
    found: tuple[Feature, ...] = family_module(family).FEATURES
    return found


def all_features() -> dict[str, Feature]:
    """Return all features by key.

    Examples
    --------
    >>> len(all_features())
    148
    """
    return {f.key: f for family in FAMILIES for f in features_of(family)}


def reason(key: str, values: Mapping[str, float]) -> str:
    """Return why a value is NaN, a phrase without full stop; empty where it is not.

    Parameters
    ----------
    key : str
        Feature.
    values : mapping of str to float
        Values of its family, the feature among them.

    Examples
    --------
    >>> reason("glcm.correlation", {"glcm.correlation": float("nan"), "glcm.asm": 1})
    'undefined where the pairs, or those of a frame or direction, have one level'
    """
    if not math.isnan(values[key]):
        return ""
    family = key.partition(".")[0]
    own = {
        "stat": "first_order_reason", "hist": "histogram_reason", "lbp": "lbp_reason",
    }  # fmt: skip
    if family in own:
        found: str = getattr(family_module(family), own[family])(key, values)
        return found
    none = all(math.isnan(value) for value in values.values())
    if family == "glcm":
        return _NO_PAIR if none else _ONE_LEVEL
    return _reason_of_tones(key, values, none) if family == "ngtdm" else _EMPTY


def _reason_of_tones(key: str, values: Mapping[str, float], none: bool) -> str:
    if none:
        return "no pixel of the ROI has a neighbour in it"
    # Contrast is undefined for one level alone; busyness then for the same reason.
    if key == "ngtdm.busyness" and math.isnan(values.get("ngtdm.contrast", 0.0)):
        return _ONE_TONE
    return _NGTDM.get(key, _ONE_TONE)
