"""Reference sets: what healthy muscle looks like on one device, and the Z-score."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_muscle_us.errors import DeviceMismatchError, ReferenceSetError
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    from typing import Self

    from napari_muscle_us.image import Device

FORMAT: Final = "napari-muscle-us reference set"
FORMAT_VERSION: Final = 1
COVARIATES: Final = ("age_years", "sex_male", "height_cm", "weight_kg", "bmi")

_MAX_POWER: Final = 4
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Power = Annotated[int, Field(ge=1, le=_MAX_POWER)]
_Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeviceBinding(_Strict):
    """The scanner that the values were collected with."""

    manufacturer: _Text
    models: tuple[_Text, ...] = Field(min_length=1)
    remark: str = ""

    def matches(self, device: Device) -> bool:
        """Whether an image's device is this one, as far as its file tells."""
        return _same(device.manufacturer, [self.manufacturer]) and _same(
            device.model, self.models
        )

    def __str__(self) -> str:
        """Return manufacturer and first model."""
        return f"{self.manufacturer} {self.models[0]}"


class Range(_Strict):
    """Limits of a covariate: outside `warn` it is said so, outside `refuse` refused."""

    warn: tuple[_Finite, _Finite]
    refuse: tuple[_Finite, _Finite]
    basis: _Text


class LinearModel(_Strict):
    """A linear model of one muscle's echo intensity on covariates.

    ``predicted = Σ coefficient · Π covariate^power``; each term maps covariates to
    powers, the empty one being the intercept.
    """

    muscle: _Text
    kind: Literal["linear"]
    aliases: tuple[_Text, ...] = ()
    n: int = Field(ge=2)
    terms: tuple[dict[str, _Power], ...] = Field(min_length=1, max_length=64)
    coefficients: tuple[_Finite, ...]
    covariance: tuple[tuple[_Finite, ...], ...]
    residual_variance: float = Field(gt=0, allow_inf_nan=False)
    degrees_of_freedom: int = Field(ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        size = len(self.terms)
        if len(self.coefficients) != size:
            raise ValueError(
                f"{self.muscle}: {size} terms, {len(self.coefficients)} coefficients"
            )
        if [len(row) for row in self.covariance] != [size] * size:
            raise ValueError(f"{self.muscle}: covariance is not {size} × {size}")
        unknown = {name for term in self.terms for name in term} - set(COVARIATES)
        if unknown:
            raise ValueError(f"{self.muscle}: unknown covariates {sorted(unknown)}")
        if self.n - size != self.degrees_of_freedom:
            raise ValueError(f"{self.muscle}: n − coefficients ≠ degrees of freedom")
        return self

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that the model uses, in the usual order."""
        used = {name for term in self.terms for name in term}
        return tuple(name for name in COVARIATES if name in used)

    def predict(self, values: dict[str, float]) -> tuple[float, float]:
        """Return predicted echo intensity and the SD of a new observation."""
        design = np.array(
            [math.prod(values[k] ** p for k, p in term.items()) for term in self.terms]
        )
        with np.errstate(over="ignore", invalid="ignore"):
            predicted = float(design @ np.array(self.coefficients))
            variance = float(design @ np.array(self.covariance) @ design)
        variance += self.residual_variance
        if not (math.isfinite(predicted) and math.isfinite(variance) and variance > 0):
            raise ReferenceSetError(
                f"The reference model of {self.muscle} predicts {predicted:g} with "
                f"variance {variance:g}, which is no echo intensity; get the set again."
            )
        return predicted, math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class ZScore:
    """A muscle's echo intensity compared with healthy people.

    Attributes
    ----------
    z : float
        ``(echo_intensity − predicted) / sd``.
    echo_intensity, predicted : float
        Measured and predicted gray level.
    sd : float
        SD of the prediction of a new observation, in gray levels.
    percentile : float
        Share of healthy people below, in %, by Student's t with the model's degrees
        of freedom.
    interval : tuple of float
        95 % prediction interval of healthy people, in gray levels.
    degrees_of_freedom : int
        Of the residual variance.
    muscle, reference : str
        Muscle as the set names it, and the set.
    warnings : tuple of str
        Caveats, a sentence each.
    """

    z: float
    echo_intensity: float
    predicted: float
    sd: float
    percentile: float
    interval: tuple[float, float]
    degrees_of_freedom: int
    muscle: str
    reference: str
    warnings: tuple[str, ...] = ()


class ReferenceSet(_Strict):
    """Reference values of echo intensity, bound to one device.

    Read one with `napari_muscle_us.load_reference`; the file format is described in
    ``docs/reference-format.md``.
    """

    format: Literal["napari-muscle-us reference set"]
    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: _Text
    citation: _Text
    source_remark: _Text
    licence: _Text
    author: _Text
    date: _Text
    measure: Literal["intensity.mean"]
    unit: Literal["gray level"]
    device: DeviceBinding
    population: _Text
    limits: dict[Literal["age_years", "height_cm", "weight_kg"], Range]
    models: tuple[LinearModel, ...] = Field(min_length=1)

    @property
    def muscles(self) -> tuple[str, ...]:
        """Names of the muscles in the set."""
        return tuple(model.muscle for model in self.models)

    def model_for(self, muscle: str) -> LinearModel:
        """Return the model of a muscle, by name or alias, whatever its case.

        Raises
        ------
        ReferenceSetError
            If the set has no such muscle; the message names similar ones.
        """
        if not muscle.strip():
            raise ReferenceSetError(
                "The ROI has no muscle; choose one in the ROI table or with --muscle."
            )
        wanted = muscle.strip().casefold()
        by_name = {
            name.casefold(): model
            for model in self.models
            for name in (model.muscle, *model.aliases)
        }
        if wanted in by_name:
            return by_name[wanted]
        close = difflib.get_close_matches(wanted, by_name, n=3)
        hint = (
            f"did you mean {' or '.join(repr(by_name[c].muscle) for c in close)}?"
            if close
            else f"it has {len(self.models)} others, as {', '.join(self.muscles[:3])}."
        )
        raise ReferenceSetError(
            f"Muscle {muscle!r} is not in the reference set {self.name}; {hint}"
        )

    def check_device(self, device: Device | None, *, accept: bool = False) -> str:
        """Return a caveat about the image's device, empty when it is the set's.

        Parameters
        ----------
        device : Device or None
            Device of the image; ``None`` when echo intensity was typed in.
        accept : bool, default: False
            Whether the user answers for a device that is not the set's.

        Raises
        ------
        DeviceMismatchError
            If the image comes from another device and `accept` is false.
        """
        if device is None or not device.is_known:
            return (
                "The device of the image is not known; these values hold for "
                f"{self.device} only."
            )
        if self.device.matches(device):
            return ""
        said = f"The image is from {device}, the reference values from {self.device}"
        if accept:
            return f"{said}; accepted by the user."
        raise DeviceMismatchError(
            f"{said}; echo intensity differs between devices, so no Z-score is given. "
            "Use a set of this device, or accept the mismatch yourself."
        )

    def z_score(
        self,
        muscle: str,
        *,
        echo_intensity: float,
        age_years: float | None = None,
        sex: str | None = None,
        height_cm: float | None = None,
        weight_kg: float | None = None,
        device: Device | None = None,
        accept_device: bool = False,
    ) -> ZScore:
        r"""Return the Z-score of a muscle's echo intensity.

        With the covariates :math:`x`, coefficients :math:`b`, their covariance
        :math:`C` and the residual variance :math:`\mathrm{MSE}`:

        .. math::
           Z = \frac{\mathrm{EI} - x b}{\sqrt{x C x^\top + \mathrm{MSE}}}

        The denominator is the SD of a *new* observation. The percentile and the
        95 % interval use Student's t with the model's degrees of freedom.

        Parameters
        ----------
        muscle : str
            Name or alias of a muscle of the set.
        echo_intensity : float
            Mean gray level, 0 … 255.
        age_years, height_cm, weight_kg : float, optional
            Of the subject; needed where the muscle's model uses them.
        sex : {"male", "female"}, optional
            Needed where the model uses it.
        device : Device, optional
            Device of the image; another than the set's is refused.
        accept_device : bool, default: False
            Whether the user answers for a device that is not the set's.

        Returns
        -------
        ZScore
            Never NaN.

        Raises
        ------
        ReferenceSetError
            If the muscle is unknown, a covariate is missing or impossible, or the
            subject is outside what the set allows.
        DeviceMismatchError
            If `device` is not the set's.

        Warnings
        --------
        Reference values hold for one device and its settings. A Z-score supports a
        diagnosis; it is none.

        References
        ----------
        Wijntjes J, van Alfen N. Muscle ultrasound: present state and future
        opportunities. Muscle Nerve 2021;63:455. doi:10.1002/mus.27081

        Examples
        --------
        >>> from napari_muscle_us import load_reference
        >>> reference = load_reference("radboud-esaote-6100-adult")
        >>> z = reference.z_score(
        ...     "Rectus femoris", echo_intensity=100, age_years=40, height_cm=180
        ... )
        >>> round(z.predicted, 4), round(z.sd, 4), round(z.z, 4)
        (65.7501, 7.8947, 4.3383)
        """
        from scipy.special import stdtr, stdtrit

        if not 0 <= echo_intensity <= 255:
            raise ReferenceSetError(
                f"Echo intensity {echo_intensity:g} is no gray level; it must lie "
                "between 0 and 255."
            )
        subject = Subject(age_years, sex, height_cm, weight_kg)
        model = self.model_for(muscle)
        values = subject.covariates(model.covariates, muscle=model.muscle)
        caveat = self.check_device(device, accept=accept_device)
        warnings = ([caveat] if caveat else []) + self._check_limits(subject)
        predicted, sd = model.predict(values)
        z = (echo_intensity - predicted) / sd
        half = float(stdtrit(model.degrees_of_freedom, 0.975)) * sd
        return ZScore(
            z=z,
            echo_intensity=float(echo_intensity),
            predicted=predicted,
            sd=sd,
            percentile=100 * float(stdtr(model.degrees_of_freedom, z)),
            interval=(predicted - half, predicted + half),
            degrees_of_freedom=model.degrees_of_freedom,
            muscle=model.muscle,
            reference=self.name,
            warnings=tuple(warnings),
        )

    def _check_limits(self, subject: Subject) -> list[str]:
        warnings = []
        for name, limit in self.limits.items():
            value = getattr(subject, name)
            if value is None:
                continue
            words, unit = _WORDS[name]
            allowed = f"{limit.refuse[0]:g}–{limit.refuse[1]:g} {unit}"
            if not limit.refuse[0] <= value <= limit.refuse[1]:
                raise ReferenceSetError(
                    f"{words} {value:g} {unit} is outside what the reference set "
                    f"{self.name} allows ({allowed}); use a set for this person."
                )
            if not limit.warn[0] <= value <= limit.warn[1]:
                warnings.append(
                    f"{words} {value:g} {unit} is outside {limit.warn[0]:g}–"
                    f"{limit.warn[1]:g} {unit} ({limit.basis}); the prediction is "
                    "extrapolated."
                )
        return warnings


_WORDS: Final = {
    "age_years": ("Age", "years"),
    "height_cm": ("Height", "cm"),
    "weight_kg": ("Weight", "kg"),
}


def _same(told: str | None, wanted: tuple[str, ...] | list[str]) -> bool:
    return told is not None and told.strip().casefold() in {
        w.strip().casefold() for w in wanted
    }
