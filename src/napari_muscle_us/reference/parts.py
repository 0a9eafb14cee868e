"""Parts of a reference set that are not models: device, people, limits."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

if TYPE_CHECKING:
    from typing import Any, Self

    from napari_muscle_us.image import Device

Key = TypeVar("Key")
Value = TypeVar("Value")

_NO_LETTERS: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")


def _in_one_line(text: str) -> str:
    """Refuse what would tear a sentence that it stands in."""
    if not text.strip():
        raise ValueError("it is blank")
    if any(unicodedata.category(letter) in _NO_LETTERS for letter in text):
        raise ValueError("it has a line break, tab, control or invisible character")
    return text


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_in_one_line),
]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300),
    AfterValidator(_in_one_line),
]
Remark = Annotated[str, StringConstraints(max_length=2000)]
MeasureKey = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$", max_length=100)
]
Side = Literal["left", "right"]
Sex = Literal["male", "female"]
Along = Literal["age_years", "height_cm", "weight_kg"]
Limited = Literal["age_years", "height_cm", "weight_kg", "bmi"]


class FrozenDict(dict[Key, Value]):
    """A dict that cannot be changed, so that all may share one reference set.

    Examples
    --------
    >>> centre = FrozenDict({"age_years": 40.0})
    >>> centre == {"age_years": 40.0}
    True
    >>> centre.clear()
    Traceback (most recent call last):
    ...
    TypeError: parts of a reference set cannot be changed; make a dict of it
    """

    __slots__ = ()

    def _refuse(self, *_args: Any, **_named: Any) -> NoReturn:
        raise TypeError("parts of a reference set cannot be changed; make a dict of it")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict[Key, Value]], tuple[dict[Any, Any]]]:
        """Return how it is copied: as it is made."""
        return type(self), (dict(self),)


class Strict(BaseModel):
    """Base of all parts: unknown fields are refused, and nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(Strict):
    """Limits of a covariate: outside `warn` it is said so, outside `refuse` refused."""

    warn: tuple[Finite, Finite]
    refuse: tuple[Finite, Finite]
    basis: Line

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.refuse[0] <= self.warn[0] <= self.warn[1] <= self.refuse[1]:
            raise ValueError("limits must rise: refuse, warn, warn, refuse")
        return self


class Span(Strict):
    """Lowest and highest value."""

    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class DeviceBinding(Strict):
    """The scanner and settings that the values were collected with.

    What is left out is not compared with the image.
    """

    manufacturer: Label
    models: tuple[Label, ...] = Field(min_length=1, max_length=50)
    transducers: tuple[Label, ...] = Field(default=(), max_length=50)
    presets: tuple[Label, ...] = Field(default=(), max_length=50)
    depth_mm: Span | None = None
    frequency_mhz: Span | None = None
    gain_db: Span | None = None
    dynamic_range_db: Span | None = None
    remark: Remark = ""

    def matches(self, device: Device) -> bool:
        """Whether an image's scanner is this one, as far as its file tells."""
        return same_name(device.manufacturer, [self.manufacturer]) and same_name(
            device.model, self.models
        )

    def __str__(self) -> str:
        """Return manufacturer and first model."""
        return f"{self.manufacturer} {self.models[0]}"


class Population(Strict):
    """The healthy people that the values come from."""

    description: Text
    n: int | None = Field(default=None, ge=1)
    women: int | None = Field(default=None, ge=0)
    men: int | None = Field(default=None, ge=0)
    age_years: Span | None = None
    height_cm: Span | None = None
    weight_kg: Span | None = None
    country: Remark = ""
    exclusion: Remark = ""


class MeasurementError(Strict):
    """How well a value repeats in one person.

    `sem` is the standard error of measurement in the unit of the model: the SD of a
    value about the person's own, when nothing has changed.
    """

    sem: Positive
    basis: Line


def same_name(told: str | None, wanted: tuple[str, ...] | list[str]) -> bool:
    """Whether a name is one of those wanted, whatever its case and outer spaces."""
    return told is not None and told.strip().casefold() in {
        w.strip().casefold() for w in wanted
    }
