"""Settings of texture features: what a row must tell to be computed again."""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, get_args

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import length, shown, whole
from napari_muscle_us.measure.texture._matrix_features import (
    Aggregation,
    checked_reach,
)
from napari_muscle_us.measure.texture.discretise import DEFAULT_BIN_SIZE
from napari_muscle_us.measure.texture.offsets import offsets_px

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.measure.texture.offsets import Offsets

FAMILIES: Final = (
    "stat", "hist", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm", "lbp",
)  # fmt: skip
"""Families of features, in the order of the standard; the last is not in it."""

DIRECTED: Final = ("glcm", "glrlm")
"""Families whose matrices have a direction."""

AGGREGATION_CODES: Final = {
    "2d_avg": "BTW3", "2d_s_mrg": "SUJT", "2.5d_d_mrg": "JJUI", "2.5d_v_mrg": "ZW7Z",
}  # fmt: skip
"""IBSI codes of the ways to bring directions and frames together."""

NORMALISATION: Final = "three_sigma"
_UNDISCRETISED: Final = ("stat", "lbp")
_MATRICES: Final = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
_NEIGHBOURS: Final = ("ngtdm", "ngldm")
_GRAY_LEVELS: Final = 256
_MOST_NUMBER: Final = 256
_RANGES: Final = (
    ("bin_size", 1, 128), ("origin", 0, 254), ("alpha", 0, 255), ("radius_px", 1, 100),
)  # fmt: skip
"""Whole numbers with the lowest and the highest that is possible."""


@dataclass(frozen=True, slots=True)
class TextureSettings:
    """Which texture features, and all that their values depend on.

    Parameters
    ----------
    families : tuple of str, default: ("glcm",)
        Of `FAMILIES`; brought into their order.
    bin_size : int, default: 8
        Gray levels in a bin, 1 … 128; 1 keeps all 256. Not used with `bin_number`.
    bin_number : int, optional
        Number of bins over the region's own range, 2 … 256.
    origin : int, default: 0
        Gray level at which the first bin of fixed size begins, 0 … 254;
        with `bin_size` it leaves two bins at least. Not used with `bin_number`.
    normalise : bool, default: False
        Whether the region's gray levels are first brought to µ ± 3σ.
    distance_px : int, default: 1
        Distance of the pixels of a pair, for the co-occurrence matrix.
    distance_mm : float, optional
        The same in mm; then `distance_px` is not used.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        How directions and frames are brought together.
    each_direction : bool, default: False
        Whether co-occurrence and run length are given for each direction too.
    neighbourhood_px : int, default: 1
        Reach of the neighbourhood of gray tone differences and of dependence.
    alpha : int, default: 0
        Largest difference of levels that are still alike, for the dependence.
    radius_px : int, default: 1
        Radius of the circle of local binary patterns.

    Raises
    ------
    MeasureError
        If a setting is not possible; the sentence names it and the value.

    Examples
    --------
    >>> TextureSettings(families=("glrlm", "glcm")).families
    ('glcm', 'glrlm')
    """

    families: tuple[str, ...] = ("glcm",)
    bin_size: int = DEFAULT_BIN_SIZE
    bin_number: int | None = None
    origin: int = 0
    normalise: bool = False
    distance_px: int = 1
    distance_mm: float | None = None
    aggregation: Aggregation = "2d_s_mrg"
    each_direction: bool = False
    neighbourhood_px: int = 1
    alpha: int = 0
    radius_px: int = 1

    def __post_init__(self) -> None:
        """Check every setting and bring the families into their order."""
        object.__setattr__(self, "families", _checked_families(self.families))
        for name, low, high in _RANGES:
            object.__setattr__(self, name, _whole(name, getattr(self, name), low, high))
        if self.bin_number is not None:
            number = _whole("bin_number", self.bin_number, 2, _MOST_NUMBER)
            object.__setattr__(self, "bin_number", number)
        elif self.origin + self.bin_size >= _GRAY_LEVELS:
            raise MeasureError(
                f"Bins of {self.bin_size} gray levels from {self.origin} leave one "
                "level only; choose a smaller bin_size or a lower origin."
            )
        offsets_px(self.distance_px)
        object.__setattr__(self, "distance_px", operator.index(self.distance_px))
        reach = checked_reach(self.neighbourhood_px)
        object.__setattr__(self, "neighbourhood_px", reach)
        if self.distance_mm is not None:
            object.__setattr__(self, "distance_mm", _distance(self.distance_mm))
        known = get_args(Aggregation)
        if not isinstance(self.aggregation, str) or self.aggregation not in known:
            raise MeasureError(
                f"Aggregation {shown(self.aggregation)} is not known; choose one of "
                f"{', '.join(known)}."
            )
        for name in ("normalise", "each_direction"):
            if not isinstance(getattr(self, name), bool):
                raise MeasureError(
                    f"{name} must be true or false; it is {shown(getattr(self, name))}."
                )

    def method(self, family: str, offsets: Offsets) -> dict[str, Any]:
        """Return the settings that a family's values depend on, for a row's method.

        Parameters
        ----------
        family : str
            One of `FAMILIES`.
        offsets : tuple of (int, int)
            Steps of the co-occurrence matrix, which a distance in mm became.

        Returns
        -------
        dict
            JSON values; `from_method` leads back.
        """
        told: dict[str, Any] = {}
        if self.normalise and family != "lbp":
            told["normalisation"] = NORMALISATION
        if family not in _UNDISCRETISED:
            told |= self._discretisation()
        if family in _MATRICES:
            told["aggregation"] = self.aggregation
            told["aggregation_ibsi"] = _code(family, self.aggregation)
        if family == "glcm":
            told |= self._distance()
            told["offsets"] = [list(offset) for offset in offsets]
        if family in _NEIGHBOURS:
            told["neighbourhood_px"] = self.neighbourhood_px
        if family == "ngldm":
            told["alpha"] = self.alpha
        if family == "lbp":
            told["radius_px"] = self.radius_px
        return told

    def _discretisation(self) -> dict[str, Any]:
        if self.bin_number is not None:
            number = self.bin_number
            return {"discretisation": "fixed_bin_number", "bin_number": number}
        kind = "fixed_bin_size"
        return {
            "discretisation": kind, "bin_size": self.bin_size, "origin": self.origin,
        }  # fmt: skip

    def _distance(self) -> dict[str, Any]:
        if self.distance_mm is None:
            return {"distance_px": self.distance_px}
        return {"distance_mm": self.distance_mm}

    @classmethod
    def from_method(cls, family: str, method: Mapping[str, Any]) -> TextureSettings:
        """Return the settings of a row, for its own family alone.

        Raises
        ------
        MeasureError
            If the method lacks a setting, or one is not possible.
        """
        found: dict[str, Any] = {"families": (family,)}
        found["normalise"] = _normalised(method)
        if family not in _UNDISCRETISED:
            found |= _discretised(method)
        names = [
            *(["aggregation"] if family in _MATRICES else []),
            *(["neighbourhood_px"] if family in _NEIGHBOURS else []),
            *(["alpha"] if family == "ngldm" else []),
            *(["radius_px"] if family == "lbp" else []),
        ]
        if family == "glcm":
            names.append("distance_mm" if "distance_mm" in method else "distance_px")
        found |= {name: method.get(name) for name in names}
        if "direction" in method:
            found["each_direction"] = True
        return cls(**found)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as JSON values, for a preset."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> TextureSettings:
        """Return settings from JSON values; what is not told has its default.

        Raises
        ------
        MeasureError
            If a name is unknown or a value not possible.
        """
        known = {f.name for f in fields(cls)}
        unknown = [str(name)[:40] for name in told if name not in known]
        if unknown:
            raise MeasureError(
                f"There is no texture setting {unknown[0]!r}; known are "
                f"{', '.join(sorted(known))}."
            )
        settings = dict(told)
        if isinstance(settings.get("families"), list):
            settings["families"] = tuple(settings["families"])
        return cls(**settings)


def _plain(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _code(family: str, aggregation: str) -> str:
    """Return the IBSI code; a family without directions has two ways only."""
    if family in DIRECTED:
        return AGGREGATION_CODES[aggregation]
    return "8QNN" if aggregation.startswith("2d") else "62GR"


def _normalised(method: Mapping[str, Any]) -> bool:
    told = method.get("normalisation")
    if told not in (None, NORMALISATION):
        raise MeasureError(
            f"The normalisation {shown(told)} is not known; it is "
            f"{NORMALISATION!r} or none."
        )
    return told is not None


def _discretised(method: Mapping[str, Any]) -> dict[str, Any]:
    kind = method.get("discretisation")
    if kind == "fixed_bin_number":
        return {"bin_number": method.get("bin_number", 0)}
    if kind == "fixed_bin_size":
        return {name: method.get(name) for name in ("bin_size", "origin")}
    raise MeasureError(
        f"The discretisation {shown(kind)} is not known; it is 'fixed_bin_size' or "
        "'fixed_bin_number'."
    )


def _checked_families(families: Any) -> tuple[str, ...]:
    try:
        names = (families,) if isinstance(families, str) else tuple(families)
    except TypeError:
        names = ()
    if not names:
        raise MeasureError(
            f"No texture family was chosen; choose of {', '.join(FAMILIES)}."
        )
    for name in names:
        if not isinstance(name, str) or name not in FAMILIES:
            raise MeasureError(
                f"There is no texture family {shown(name)}; choose of "
                f"{', '.join(FAMILIES)}."
            )
    return tuple(family for family in FAMILIES if family in names)


def _whole(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number in a range; refuse all else, with what was given."""
    number = whole(value)
    if number is None or not low <= number <= high:
        raise MeasureError(
            f"{name} must be a whole number from {low} to {high}; it is {shown(value)}."
        )
    return number


def _distance(value: object) -> float:
    number = length(value)
    if not number > 0:
        raise MeasureError(
            f"The distance {shown(value)} mm is not a length; give a positive number."
        )
    return number
