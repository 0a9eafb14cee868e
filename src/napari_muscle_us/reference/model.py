"""Reference sets: what healthy muscle looks like on one device, and the Z-score."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.kinds.any_model import AnyModel  # noqa: TC001
from napari_muscle_us.reference.kinds.linear import LinearModel as LinearModel
from napari_muscle_us.reference.parts import DeviceBinding as DeviceBinding
from napari_muscle_us.reference.parts import (
    FrozenDict,
    Label,
    Limited,
    Population,
    Range,
    Remark,
    Strict,
    Text,
)
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd

    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion

FORMAT: Final = "napari-muscle-us reference set"
FORMAT_VERSION: Final = 2
ECHO_INTENSITY: Final = "intensity.mean"
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Contribution:
    """How far one thing about the person moved the prediction.

    Attributes
    ----------
    covariate : str
        ``age``, ``sex``, ``height``, ``weight``, ``side`` or ``dominance``.
    value : float
        The person's value, as the model sees it (sex 1 for men, 0 for women).
    centre : float
        Value from which is counted: the mean of the sample where the set tells it.
    change : float
        Change of the prediction in the unit of the measure.
    """

    covariate: str
    value: float
    centre: float
    change: float


@dataclass(frozen=True, slots=True)
class ZScore:
    """A muscle's echo intensity, or another measure, compared with healthy people.

    Attributes
    ----------
    z : float
        ``(echo_intensity − predicted) / sd`` for a linear model; see `kind`.
    echo_intensity, predicted : float
        Measured and predicted value, in `unit`.
    sd : float
        What one unit of Z is at the prediction, in `unit`; see `sd_label`.
    percentile : float
        Share of healthy people below, in %.
    interval : tuple of float
        95 % prediction interval of healthy people, in `unit`; NaN for an end that the
        quantiles of the set do not reach.
    degrees_of_freedom : float
        Of the residual variance; infinite for kinds that have none.
    muscle, reference : str
        Muscle as the set names it, and the set.
    warnings : tuple of str
        Caveats, a sentence each.
    measure, unit : str
        What was compared.
    kind : str
        Kind of the model: ``linear``, ``groups``, ``lms``, ``quantiles`` ….
    sd_label : str
        What `sd` is, in words.
    contributions : tuple of Contribution
        How each covariate moved the prediction from `baseline`; they add up to
        ``predicted − baseline``.
    baseline : float
        Prediction at the centre from which contributions are counted; NaN where there
        are no contributions, as for groups: nobody is between the sexes.
    centre_basis : str
        Where that centre is known from, in words.
    converted_from : float
        Value on the device it was measured with; NaN when it was not carried over.
        Then `echo_intensity` is what the device of the set would show.
    conversion : str
        Name of the device conversion that carried it over; empty for none.
    """

    z: float
    echo_intensity: float
    predicted: float
    sd: float
    percentile: float
    interval: tuple[float, float]
    degrees_of_freedom: float
    muscle: str
    reference: str
    warnings: tuple[str, ...] = ()
    measure: str = ECHO_INTENSITY
    unit: str = "gray level"
    kind: str = "linear"
    sd_label: str = ""
    contributions: tuple[Contribution, ...] = ()
    baseline: float = float("nan")
    centre_basis: str = ""
    converted_from: float = float("nan")
    conversion: str = ""

    @property
    def value(self) -> float:
        """The measured value, whatever the measure."""
        return self.echo_intensity


class ReferenceSet(Strict):
    """Reference values of healthy muscle, bound to one device.

    Read one with `napari_muscle_us.load_reference`; the file format is described in
    ``docs/reference-format.md``.
    """

    format: Literal["napari-muscle-us reference set"]
    version: Literal[2]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text
    citation: Text
    source_remark: Text
    licence: Text
    author: Text
    date: Text
    device: DeviceBinding
    protocol: Remark = ""
    population: Population
    limits: Annotated[dict[Limited, Range], AfterValidator(FrozenDict)]
    models: tuple[AnyModel, ...] = Field(min_length=1, max_length=5000)
    checksum: Label = ""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        """Refuse two models for one muscle and measure."""
        seen: dict[tuple[str, str], str] = {}
        for model in self.models:
            for name in {model.muscle.casefold(), *map(str.casefold, model.aliases)}:
                key = (name.strip(), model.measure)
                if key in seen:
                    raise ValueError(
                        f"{model.muscle}: {name!r} already names {seen[key]} for "
                        f"{model.measure}"
                    )
                seen[key] = model.muscle
        return self

    @property
    def muscles(self) -> tuple[str, ...]:
        """Names of the muscles in the set, each once."""
        return tuple(dict.fromkeys(model.muscle for model in self.models))

    def model_for(self, muscle: str, *, measure: str = ECHO_INTENSITY) -> AnyModel:
        """Return the model of a muscle, by name or alias, whatever its case.

        Parameters
        ----------
        muscle : str
            Name or alias.
        measure : str, default: "intensity.mean"
            What was measured.

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
            name.strip().casefold(): model
            for model in self.models
            if model.measure == measure
            for name in (model.muscle, *model.aliases)
        }
        if wanted in by_name:
            return by_name[wanted]
        raise ReferenceSetError(self._no_model(muscle, measure, by_name))

    def _no_model(self, muscle: str, measure: str, by_name: dict[str, AnyModel]) -> str:
        if not by_name:
            has = ", ".join(dict.fromkeys(model.measure for model in self.models))
            return (
                f"The reference set {self.name} has no values of {measure}; it has "
                f"{has}."
            )
        wanted = muscle.strip().casefold()[:_SHOWN]
        close = difflib.get_close_matches(wanted, by_name, n=3)
        near = dict.fromkeys(repr(by_name[name].muscle) for name in close)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        else:
            names = tuple(dict.fromkeys(m.muscle for m in by_name.values()))
            count = f"{len(names)} others, as " if len(names) > 3 else ""
            hint = f"it has {count}{', '.join(names[:3])}."
        shown = muscle if len(muscle) <= _SHOWN else f"{muscle[: _SHOWN - 1]}…"
        return f"Muscle {shown!r} is not in the reference set {self.name}; {hint}"

    def check_device(self, device: Device | None, *, accept: bool = False) -> str:
        """Return a caveat about the image's device, empty when it is the set's.

        Parameters
        ----------
        device : Device or None
            Device of the image; ``None`` when the value was typed in.
        accept : bool, default: False
            Whether the user answers for a device that is not the set's.

        Returns
        -------
        str
            Sentences of `napari_muscle_us.reference.device_rules.device_caveats`.

        Raises
        ------
        DeviceMismatchError
            If the image comes from another device and `accept` is false.
        """
        from napari_muscle_us.reference.device_rules import device_caveats

        return " ".join(device_caveats(self.device, device, accept=accept))

    def z_score(
        self,
        muscle: str,
        *,
        echo_intensity: float,
        age_years: float | None = None,
        sex: str | None = None,
        height_cm: float | None = None,
        weight_kg: float | None = None,
        handedness: str | None = None,
        side: str = "",
        device: Device | None = None,
        accept_device: bool = False,
        conversion: DeviceConversion | None = None,
    ) -> ZScore:
        r"""Return the Z-score of a muscle's echo intensity.

        With the covariates :math:`x`, coefficients :math:`b`, their covariance
        :math:`C` and the residual variance :math:`\mathrm{MSE}` of a linear model:

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
        handedness : {"left", "right"}, optional
            The hand written with; needed where the model tells the dominant side.
        side : {"left", "right", ""}
            Side of the body; needed where the model uses it.
        device : Device, optional
            Device of the image; another than the set's is refused.
        accept_device : bool, default: False
            Whether the user answers for a device that is not the set's.
        conversion : DeviceConversion, optional
            Carries echo intensity over from the device of the image to that of the
            set; its error becomes part of the SD.

        Returns
        -------
        ZScore
            Never NaN, but for ends of an interval that quantiles do not reach.

        Raises
        ------
        ReferenceSetError
            If the muscle is unknown, a covariate is missing or impossible, or the
            subject is outside what the set allows.
        DeviceMismatchError
            If `device` is not the set's.

        See Also
        --------
        napari_muscle_us.reference.look_up.look_up : The same for any measure.

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
        from napari_muscle_us.reference.look_up import look_up

        return look_up(
            self,
            muscle,
            echo_intensity,
            Subject(age_years, sex, height_cm, weight_kg, handedness),
            side=side,
            device=device,
            accept_device=accept_device,
            conversion=conversion,
        )

    def z_scores(
        self,
        table: pd.DataFrame,
        *,
        device: Device | None = None,
        accept_device: bool = False,
        conversion: DeviceConversion | None = None,
    ) -> pd.DataFrame:
        """Return a table with the Z-scores of all its rows.

        Parameters
        ----------
        table : DataFrame
            One row a value: ``muscle``, ``value`` and what else is known.
        device, accept_device, conversion
            As for `z_score`; they hold for all rows.

        Returns
        -------
        DataFrame
            The table with its Z-scores, and a sentence where there is none.

        Raises
        ------
        ReferenceSetError
            If a column is missing, there twice, or would be replaced.

        See Also
        --------
        napari_muscle_us.reference.batch.z_scores : The same, described there.
        """
        from napari_muscle_us.reference.batch import z_scores

        return z_scores(
            self,
            table,
            device=device,
            accept_device=accept_device,
            conversion=conversion,
        )
