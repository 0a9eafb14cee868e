"""Values of one scanner as another would have given them."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, overload

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.parts import (
    DeviceBinding,
    Finite,
    Label,
    MeasureKey,
    Positive,
    Remark,
    Span,
    Strict,
    Text,
)

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

    from napari_muscle_us.image import Device

    Floats = npt.NDArray[np.float64]

FORMAT: Final = "napari-muscle-us device conversion"
FORMAT_VERSION: Final = 1
INVERSE_SUFFIX: Final = "-inverse"
_ROUNDING: Final = 1e-9

ConversionMethod = Literal["deming", "weighted-deming", "passing-bablok", "phantom"]
Interval = tuple[Finite, Finite]
_METHODS: Final = {
    "deming": "Deming regression",
    "weighted-deming": "weighted Deming regression",
    "passing-bablok": "Passing–Bablok regression",
    "phantom": "gray levels of a phantom",
}


class DeviceConversion(Strict):
    r"""A line that carries values from one scanner to another.

    .. math::
       y = a + b x, \qquad
       \mathrm{SD}_Z^2 = \mathrm{SD}_\mathrm{ref}^2
                         + b^2\,\mathrm{SD}_\mathrm{resid}^2

    with the value :math:`x` on the source and :math:`y` on the target.
    :math:`\mathrm{SD}_\mathrm{resid}` is the scatter of the pairs about the line,
    :math:`\mathrm{SD}(y - a - b x) / b`, in the unit of the source. It holds the errors
    of *both* devices and what single muscles look like on each.

    Parameters
    ----------
    name : str
        Short name: small letters, digits and hyphens.
    title, citation, licence, author, date : str
        What it is and where it is from.
    source, target : DeviceBinding
        The scanners and their settings.
    measure, unit : str
        What is converted.
    method : {"deming", "weighted-deming", "passing-bablok", "phantom"}
        How the line was found; never ordinary least squares, whose lines of both
        directions are no inverses of each other.
    slope, intercept : float
        :math:`b > 0` and :math:`a`, the latter in the unit of the target.
    slope_interval, intercept_interval, zero_interval : tuple of float
        95 % confidence intervals; the last of :math:`-a / b`.
    covariance : tuple of tuple of float
        Of intercept and slope, in this order.
    error_ratio : float, optional
        Error variance of the target over that of the source, as the method took it.
    residual_sd : float
        :math:`\mathrm{SD}_\mathrm{resid}`, in the unit of the source.
    n_pairs, n_subjects : int
        Pairs of muscles (or targets of a phantom) and people (0 for a phantom).
    source_range : Span
        Lowest and highest value of the source among the pairs.
    remark, checksum : str
        What a reader should know; of the file.

    Notes
    -----
    The rule for the SD is on the safe side. Healthy people's Z-scores have an SD of 1
    through it when the scatter comes from the source; where the target's own error
    has part in it, that error is in :math:`\mathrm{SD}_\mathrm{ref}` already and
    counts twice, and Z-scores lie somewhat nearer to 0. The uncertainty of the line
    itself (`line_sd`) is *not* in this SD: it moves all values of a device alike.
    """

    format: Literal["napari-muscle-us device conversion"] = FORMAT
    version: Literal[1] = 1
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text
    citation: Text
    licence: Text
    author: Text
    date: Text
    source: DeviceBinding
    target: DeviceBinding
    measure: MeasureKey = "intensity.mean"
    unit: Label = "gray level"
    method: ConversionMethod
    slope: Positive
    intercept: Finite
    slope_interval: tuple[Positive, Positive]
    intercept_interval: Interval
    zero_interval: Interval
    covariance: tuple[tuple[Finite, Finite], tuple[Finite, Finite]]
    error_ratio: Positive | None = None
    residual_sd: Positive
    n_pairs: int = Field(ge=2)
    n_subjects: int = Field(ge=0)
    source_range: Span
    remark: Remark = ""
    checksum: Remark = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_name()
        ends = {
            "slope_interval": (self.slope_interval, self.slope),
            "intercept_interval": (self.intercept_interval, self.intercept),
            "zero_interval": (self.zero_interval, -self.intercept / self.slope),
        }
        for field, ((low, high), value) in ends.items():
            slack = _ROUNDING * max(abs(low), abs(high), abs(value))
            if not low - slack <= value <= high + slack:
                raise ValueError(f"{field} does not hold the value {value:g}")
        if not self.source_range.low < self.source_range.high:
            raise ValueError("source_range has no width")
        (first, mixed), (other, second) = self.covariance
        if first < 0 or second < 0 or not math.isclose(mixed, other, abs_tol=1e-300):
            raise ValueError("covariance is not symmetric with variances above 0")
        if mixed**2 > first * second * (1 + 1e-6):
            raise ValueError("covariance has a correlation beyond 1")
        if str(self.source) == str(self.target) and self.source == self.target:
            raise ValueError("source and target are the same device")
        return self

    def _check_name(self) -> None:
        if len(self.name.removesuffix(INVERSE_SUFFIX)) > 64 - len(INVERSE_SUFFIX):
            raise ValueError(
                f"name has more than {64 - len(INVERSE_SUFFIX)} characters"
            )

    @property
    def target_range(self) -> Span:
        """Values of the target that the paired range of the source becomes."""
        low, high = (
            self.intercept + self.slope * end
            for end in (self.source_range.low, self.source_range.high)
        )
        return Span(low=low, high=high)

    @property
    def extra_variance(self) -> float:
        """Variance slope² · residual_sd² that adds to that of a Z-score's SD."""
        return self.slope**2 * self.residual_sd**2

    @overload
    def convert(self, values: float) -> float: ...

    @overload
    def convert(self, values: npt.ArrayLike) -> Any: ...

    def convert(self, values: Any) -> Any:
        """Return values of the source as the target would have given them.

        Parameters
        ----------
        values : float or array-like of float
            In the unit of the measure. NaN (not measured) stays NaN.

        Returns
        -------
        float or ndarray of float64
            Of the same shape.

        Raises
        ------
        ReferenceSetError
            If a value lies outside `source_range`, or is no number.

        Examples
        --------
        >>> from napari_muscle_us.reference.conversion.device_conversion import (
        ...     example_conversion,
        ... )
        >>> example_conversion().convert([60.0, 100.0])
        array([34., 54.])
        """
        array = self._checked(values)
        found = self.intercept + self.slope * array
        return float(found) if found.ndim == 0 else found

    def line_sd(self, values: npt.ArrayLike) -> Any:
        r"""Return the standard error of the line itself at values of the source.

        .. math:: \sqrt{C_{aa} + 2 x C_{ab} + x^2 C_{bb}}

        Parameters
        ----------
        values : float or array-like of float
            On the source, inside `source_range`; NaN stays NaN.

        Returns
        -------
        float or ndarray of float64
            In the unit of the target.

        Raises
        ------
        ReferenceSetError
            As `convert`.
        """
        x = self._checked(values)
        (first, mixed), (_, second) = self.covariance
        found = np.sqrt(np.maximum(first + 2 * x * mixed + x**2 * second, 0))
        return float(found) if found.ndim == 0 else found

    def problem_of(self, value: float) -> str:
        """Return why a value cannot be converted, in a sentence; empty if it can."""
        span = self.source_range
        slack = _ROUNDING * (span.high - span.low)
        if span.low - slack <= value <= span.high + slack:
            return ""
        low, high = _shown_range(span)
        shown = f"{value:g}"
        if float(low) <= float(shown) <= float(high):
            # Rounded it would seem to lie inside; all digits tell that it does not.
            shown = repr(float(value))
        return (
            f"The value {shown} is outside {low}–{high} {self.unit}, "
            f"the range in which {self.source} and {self.target} were compared, so it "
            "is not converted; compare such muscles on both devices."
        )

    def _checked(self, values: Any) -> Floats:
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise ReferenceSetError(
                f"{str(values)[:40]!r} is no number that could be converted."
            ) from None
        for value in (np.fmin.reduce(array, None), np.fmax.reduce(array, None)):
            if not np.isnan(value) and (problem := self.problem_of(float(value))):
                raise ReferenceSetError(problem)
        return array

    def matches_source(self, device: Device) -> bool:
        """Whether an image's scanner is the source, as far as its file tells."""
        return self.source.matches(device)

    def inverse(self) -> DeviceConversion:
        r"""Return the conversion the other way: :math:`x = -a / b + y / b`.

        It is the inverse of the line, not a new regression. It holds in the range
        that the paired range becomes; the scatter is carried to the other unit and
        the covariance by the delta method. The name gets ``-inverse``, or loses it.

        Returns
        -------
        DeviceConversion
            Without a checksum, which `conversion_file.write_conversion` gives it.

        Examples
        --------
        >>> from napari_muscle_us.reference.conversion.device_conversion import (
        ...     example_conversion,
        ... )
        >>> back = example_conversion().inverse()
        >>> back.name, back.convert(54.0)
        ('example-inverse', 100.0)
        """
        a, b = self.intercept, self.slope
        jacobian = np.array([[-1 / b, a / b**2], [0.0, -1 / b**2]])
        turned = jacobian @ np.array(self.covariance) @ jacobian.T
        mixed = float(turned[0, 1])
        inverted = self.name.endswith(INVERSE_SUFFIX)
        stem = self.name.removesuffix(INVERSE_SUFFIX)
        changed: dict[str, Any] = {
            "name": stem if inverted else stem + INVERSE_SUFFIX,
            "source": self.target,
            "target": self.source,
            "slope": 1 / b,
            "intercept": -a / b,
            "slope_interval": (1 / self.slope_interval[1], 1 / self.slope_interval[0]),
            "intercept_interval": self.zero_interval,
            "zero_interval": self.intercept_interval,
            "covariance": (
                (float(turned[0, 0]), mixed),
                (mixed, float(turned[1, 1])),
            ),
            "error_ratio": None if self.error_ratio is None else 1 / self.error_ratio,
            "residual_sd": self.residual_sd * b,
            "source_range": self.target_range,
            "checksum": "",
        }
        return DeviceConversion(**{**dict(self), **changed})

    def words(self) -> str:
        """Return the conversion and its basis in two sentences."""
        sign = "−" if self.intercept < 0 else "+"
        units = "gray levels" if self.unit == "gray level" else self.unit
        basis = f"{self.n_pairs} pairs of {self.n_subjects} people"
        if self.method == "phantom":
            basis = f"{self.n_pairs} targets"
        low, high = _shown_range(self.source_range)
        return (
            f"{self.target} = {self.slope:.4g} × {self.source} {sign} "
            f"{abs(self.intercept):.4g} {units}, for {low}–{high} on {self.source} "
            f"({_METHODS[self.method]}, {basis}). Z-scores carry its scatter: "
            f"SD² = SD of the reference² + {self.slope:.4g}² · {self.residual_sd:.4g}²."
        )


def _shown_range(span: Span) -> tuple[str, str]:
    """Return the ends with 4 digits or more, rounded into the range.

    So all values that look as if they lay inside do so.
    """
    for digits in range(4, 16):
        low = _rounded(span.low, digits, ROUND_CEILING)
        high = _rounded(span.high, digits, ROUND_FLOOR)
        if low < high:
            return f"{low:.{digits}g}", f"{high:.{digits}g}"
    return repr(span.low), repr(span.high)


def _rounded(value: float, digits: int, way: str) -> float:
    # Without the last digits a 74 that was computed as 73.99999999999999 stays 74.
    near = Context(prec=14).create_decimal_from_float(value)
    return float(Context(prec=digits, rounding=way).plus(near))


def example_conversion() -> DeviceConversion:
    """Return a made-up conversion, for examples and tests."""
    return DeviceConversion(
        name="example",
        title="A made-up example",
        citation="None.",
        licence="CC0-1.0",
        author="Nobody",
        date="2026-11-23",
        source=DeviceBinding(manufacturer="Maker", models=("A",)),
        target=DeviceBinding(manufacturer="Maker", models=("B",)),
        method="deming",
        slope=0.5,
        intercept=4.0,
        slope_interval=(0.4, 0.6),
        intercept_interval=(2.0, 6.0),
        zero_interval=(-12.0, -4.0),
        covariance=((1.0, -0.012), (-0.012, 0.0025)),
        error_ratio=0.25,
        residual_sd=6.0,
        n_pairs=60,
        n_subjects=20,
        source_range=Span(low=20.0, high=140.0),
    )
