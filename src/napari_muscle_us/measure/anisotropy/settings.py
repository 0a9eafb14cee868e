"""Settings of anisotropy: what a row must tell to be computed again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy._prepare import length_px
from napari_muscle_us.measure.anisotropy.gradients import (
    DEFAULT_GRADIENT,
    DEFAULT_WINDOW,
    GRADIENTS,
    WINDOWS,
    gradient_kernel,
    window_taps,
)
from napari_muscle_us.measure.anisotropy.local import (
    DEFAULT_BOX_PX,
    DEFAULT_MIN_ENERGY_SHARE,
    DEFAULT_MIN_INSIDE,
    MAX_BOX_PX,
    MIN_BOX_PX,
    VARIANTS,
)
from napari_muscle_us.measure.anisotropy.orientation import (
    DEFAULT_GRADIENT_SIGMA_PX,
    DEFAULT_SIGMA_PX,
)
from napari_muscle_us.measure.anisotropy.roi import DEFAULT_BINS, MAX_BINS, METHODS
from napari_muscle_us.measure.texture._checks import length, shown, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRADIENT: Final = ("gradient", "gradient_sigma")
_DEPENDS_ON: Final = {
    **dict.fromkeys(("direction", "coherency", "energy"), _GRADIENT),
    **dict.fromkeys(("circular_mean", "circular_sd"), (*_GRADIENT, "sigma", "window")),
    **dict.fromkeys(
        ("local", "local_sd", "n_boxes"),
        (*_GRADIENT, "box", "variant", "min_inside", "min_energy_share"),
    ),
    **dict.fromkeys(
        ("fascicle_direction", "fascicle_spread", "fascicle_confidence"), ()
    ),
}
"""Settings that each number of a region depends on; scales without their unit."""

_SCALES: Final = ("gradient_sigma", "sigma", "box")
_FASCICLE: Final = "fascicle"
_ANY_SPACING: Final = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class AnisotropySettings:
    """How direction and order of a region are measured.

    Parameters
    ----------
    method : {"tensor", "fascicle"}
        ``"fascicle"`` adds the direction that speckle does not draw towards
        horizontal, beside that of the tensor.
    gradient : str, default: "cubic_spline"
        Derivative kernel, a name of `gradients.GRADIENTS`.
    gradient_sigma_px, gradient_sigma_mm : float
        Scale of the kernel ``"gaussian"``, 1 px by default; not used by the others.
        In mm where that is given.
    sigma_px, sigma_mm : float
        Window of the local directions, 2 px by default; in mm where that is given.
    window : {"gaussian", "orientationj"}
        Its shape.
    box_px, box_mm : int, float
        Side of a box of the local texture anisotropy, 32 px by default; in mm where
        that is given.
    variant : str, default: "coherency"
        What is averaged over the boxes, a name of `local.VARIANTS`.
    min_inside : float, default: 0.75
        Share of a box that must lie inside the region.
    min_energy_share : float, default: 0.05
        Least energy of a box, as a share of the mean over the boxes inside.
    bins : int, default: 36
        Bins of the histogram of directions, which no row depends on.

    Raises
    ------
    MeasureError
        If a setting is not possible; the sentence names it and the value.

    Examples
    --------
    >>> AnisotropySettings(box_mm=3).box_mm
    3.0
    >>> AnisotropySettings(sigma_px=0.1)
    Traceback (most recent call last):
    ...
    napari_muscle_us.errors.MeasureError: A scale of 0.1 px is not possible; give one \
from 0.5 to 100 px.
    """

    method: str = "tensor"
    gradient: str = DEFAULT_GRADIENT
    gradient_sigma_px: float = DEFAULT_GRADIENT_SIGMA_PX
    gradient_sigma_mm: float | None = None
    sigma_px: float = DEFAULT_SIGMA_PX
    sigma_mm: float | None = None
    window: str = DEFAULT_WINDOW
    box_px: int = DEFAULT_BOX_PX
    box_mm: float | None = None
    variant: str = "coherency"
    min_inside: float = DEFAULT_MIN_INSIDE
    min_energy_share: float = DEFAULT_MIN_ENERGY_SHARE
    bins: int = DEFAULT_BINS

    def __post_init__(self) -> None:
        """Check every setting, by what the measures themselves check."""
        for name, known in (
            ("method", METHODS),
            ("gradient", GRADIENTS),
            ("window", WINDOWS),
            ("variant", VARIANTS),
        ):
            _known(name, getattr(self, name), tuple(known))
        for name in ("gradient_sigma_px", "sigma_px"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        for name in ("gradient_sigma_mm", "sigma_mm", "box_mm"):
            told = getattr(self, name)
            if told is not None:
                number = _number(name, told)
                length_px(name.removesuffix("_mm"), 1.0, number, _ANY_SPACING)
                object.__setattr__(self, name, number)
        gradient_kernel("gaussian", sigma_px=(self.gradient_sigma_px,) * 2)
        window_taps(self.sigma_px, window=self.window)
        box = _whole("box_px", self.box_px, MIN_BOX_PX, MAX_BOX_PX)
        object.__setattr__(self, "box_px", box)
        for name in ("min_inside", "min_energy_share"):
            object.__setattr__(self, name, _share(name, getattr(self, name)))
        object.__setattr__(self, "bins", _whole("bins", self.bins, 2, MAX_BINS))

    def options(self) -> dict[str, Any]:
        """Return the settings as keywords of `roi.measure_anisotropy`.

        Examples
        --------
        >>> sorted(AnisotropySettings().options())[:3]
        ['bins', 'box_mm', 'box_px']
        """
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def row_method(self, measure: str) -> dict[str, Any]:
        """Return the settings that a number depends on, for a row's method.

        Parameters
        ----------
        measure : str
            Key in the registry, such as ``"anisotropy.circular_sd"``.

        Returns
        -------
        dict
            JSON values; `from_method` leads back. A length in mm takes the place of
            one in px.

        Raises
        ------
        MeasureError
            If it is no number of a region's anisotropy.

        Examples
        --------
        >>> AnisotropySettings(sigma_mm=0.5).row_method("anisotropy.circular_sd")
        {'method': 'tensor', 'gradient': 'cubic_spline', 'sigma_mm': 0.5, \
'window': 'gaussian'}
        """
        names = _needed(measure)
        told: dict[str, Any] = {"method": "tensor" if names else _FASCICLE}
        for name in names:
            if name not in _SCALES:
                told[name] = getattr(self, name)
            elif name != "gradient_sigma" or self.gradient == "gaussian":
                unit = "px" if getattr(self, f"{name}_mm") is None else "mm"
                told[f"{name}_{unit}"] = getattr(self, f"{name}_{unit}")
        return told

    @classmethod
    def from_method(cls, measure: str, method: Mapping[str, Any]) -> AnisotropySettings:
        """Return the settings of a row; what its number does not depend on is default.

        Raises
        ------
        MeasureError
            If the method lacks a setting, or one is not possible.

        Examples
        --------
        >>> settings = AnisotropySettings(gradient="sobel", box_px=16)
        >>> told = settings.row_method("anisotropy.local")
        >>> AnisotropySettings.from_method("anisotropy.local", told) == settings
        True
        """
        names = _needed(measure)
        found: dict[str, Any] = {"method": method.get("method")}
        for name in names:
            if name not in _SCALES:
                found[name] = method.get(name)
            elif name != "gradient_sigma" or found["gradient"] == "gaussian":
                unit = "mm" if f"{name}_mm" in method else "px"
                key = f"{name}_{unit}"
                # Without it the default would be taken for what was not told.
                found[key] = _number(key, method.get(key))
        if "box_px" in found:
            found["box_px"] = method["box_px"]
        return cls(**found)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as JSON values, for a preset."""
        return self.options()

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> AnisotropySettings:
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
                f"There is no setting {unknown[0]!r} of anisotropy; known are "
                f"{', '.join(sorted(known))}."
            )
        return cls(**told)


def _needed(measure: str) -> tuple[str, ...]:
    names = _DEPENDS_ON.get(measure.removeprefix("anisotropy."))
    if names is None:
        raise MeasureError(
            f"There is no measure {measure[:60]!r} of a region's anisotropy; choose of "
            f"{', '.join(_DEPENDS_ON)}."
        )
    return names


def _known(name: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise MeasureError(
            f"The {name} {shown(value)} of anisotropy is not known; choose of "
            f"{', '.join(known)}."
        )


def _number(name: str, value: object) -> float:
    """Return a finite number; refuse all else, with what was given."""
    number = length(value)
    if number != number:
        raise MeasureError(f"{name} must be a number; it is {shown(value)}.")
    return number


def _whole(name: str, value: object, low: int, high: int) -> int:
    number = whole(value)
    if number is None or not low <= number <= high:
        raise MeasureError(
            f"{name} must be a whole number from {low} to {high}; it is {shown(value)}."
        )
    return number


def _share(name: str, value: object) -> float:
    number = length(value)
    if not 0 <= number <= 1:
        raise MeasureError(f"{name} must be a share from 0 to 1; it is {shown(value)}.")
    return number
