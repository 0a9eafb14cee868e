"""What a fit of reference values consists of; see `napari_muscle_us.fit_reference`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us.reference.kinds.any_model import AnyModel

Selection = Literal["cv", "aicc", "none"]
Repeated = Literal["mixed", "mean", "left", "right"]
Scale = Literal["none", "log", "box-cox"]
Kind = Literal["linear", "lms", "quantiles"]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How reference values are fitted.

    Attributes
    ----------
    candidates : tuple of str
        Covariates that may enter, of `napari_muscle_us.reference.formula.COVARIATES`.
    max_power : int
        Highest power of age, height, weight and BMI that may enter, 1 to 4.
    interactions : bool
        Whether products of two covariates may enter.
    selection : {"cv", "aicc", "none"}
        Rule by which a formula is chosen: smallest cross-validated error, smallest
        corrected Akaike criterion, or none: `formula` is taken, or, without one, all
        candidates as they are.
    formula : str, optional
        The user's own choice; then `candidates`, `max_power`, `interactions` do not
        matter.
    repeated : {"mixed", "mean", "left", "right"}
        How several values of a subject are used: a mixed model with a random
        intercept for each subject, their mean, or one side only. Without repeats all
        are ordinary least squares.
    scale : {"none", "log", "box-cox"}
        Scale of the values.
    sd : {"prediction", "residual"}
        SD by which Z divides; ``"residual"`` is for comparing with published work.
    kind : {"linear", "lms", "quantiles"}
        Kind of the model.
    folds : int
        Folds of the cross-validation; subjects are never split.
    seed : int
        Of the random order of the folds.
    """

    candidates: tuple[str, ...] = (
        "age_years",
        "sex_male",
        "height_cm",
        "weight_kg",
        "bmi",
    )
    max_power: int = 2
    interactions: bool = False
    selection: Selection = "cv"
    formula: str | None = None
    repeated: Repeated = "mixed"
    scale: Scale = "none"
    sd: Literal["prediction", "residual"] = "prediction"
    kind: Kind = "linear"
    folds: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A formula that was tried.

    Attributes
    ----------
    formula : str
        As `napari_muscle_us.reference.formula.parse_formula` reads it.
    score : float
        Cross-validated root mean square error in the unit of the values (of the scale
        of the model), or AICc; smaller is better. NaN where it could not be fitted.
    coefficients : int
        Their number.
    chosen : bool
        Whether it was taken.
    note : str
        Why it could not be fitted; else empty.
    """

    formula: str
    score: float
    coefficients: int
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatTest:
    """A statistical test of residuals.

    Attributes
    ----------
    name : str
        Such as ``Breusch–Pagan``.
    about : {"normality", "heteroscedasticity", "linearity", "skewness"}
        What it is about.
    statistic, p_value : float
        NaN where it could not be computed.
    words : str
        What it says of these data, in a sentence.
    passed : bool
        Whether nothing speaks against the model (p ≥ 0.05).
    """

    name: str
    about: str
    statistic: float
    p_value: float
    words: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Influential:
    """A subject that pulls the model.

    Attributes
    ----------
    subject : str
        Its code.
    cooks_distance, leverage, studentised : float
        Cook's distance, diagonal of the hat matrix, externally studentised residual.
    words : str
        What is striking, in a sentence.
    """

    subject: str
    cooks_distance: float
    leverage: float
    studentised: float
    words: str


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What a statistician would ask of a fit.

    Attributes
    ----------
    tests : tuple of StatTest
        Of the residuals, one a subject.
    influential : tuple of Influential
        Most striking first, at most 20.
    box_cox_power : float
        λ of the largest likelihood; NaN where values are not above 0.
    box_cox_interval : tuple of float
        Its 95 % interval.
    suggestion : str
        What to try, in a sentence; empty when nothing speaks against the model.
    """

    tests: tuple[StatTest, ...]
    influential: tuple[Influential, ...]
    box_cox_power: float
    box_cox_interval: tuple[float, float]
    suggestion: str


@dataclass(frozen=True, slots=True)
class LimitError:
    """How well the ends of the 95 % interval are known.

    Attributes
    ----------
    standard_error : float
        Of an end, in the unit of the values, at the centre of the sample.
    in_sd : float
        The same in SD.
    n : int
        Subjects.
    more_to_halve : int
        How many more subjects would halve it.
    words : str
        The same in a sentence.
    """

    standard_error: float
    in_sd: float
    n: int
    more_to_halve: int
    words: str


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Controls of an age range: mean and SD of their left-out Z."""

    low: float
    high: float
    n: int
    mean: float
    sd: float
    passed: bool


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Z-scores of the controls, each against a model that was fitted without them.

    Attributes
    ----------
    mean, sd : float
        Over subjects; 0 and 1 are expected.
    coverage : float
        Share of values inside their 95 % interval, in %.
    n : int
        Subjects.
    bands : tuple of AgeBand
        Along age.
    passed : bool
        Whether mean and SD are compatible with 0 and 1 overall and in each band.
    words : str
        The same in a sentence.
    """

    mean: float
    sd: float
    coverage: float
    n: int
    bands: tuple[AgeBand, ...]
    passed: bool
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class MuscleFit:
    """The reference values of one muscle with all that speaks for and against them.

    Attributes
    ----------
    model : LinearModel or LmsModel or QuantileModel
        Ready for a reference set; holds muscle, measure and unit.
    rows : DataFrame
        One row a value used: ``subject, side, value, age_years, sex, height_cm,
        weight_kg, handedness``; ``shown`` (value on the scale of the model),
        ``fitted``, ``residual``, ``standardised`` (residual / SD), ``z`` (against the
        model) and ``z_left_out`` (against the model without this subject).
    n_subjects, n_values : int
        Subjects and values used.
    options : FitOptions
        How it was fitted.
    candidates : tuple of Candidate
        Best first; empty when nothing was selected.
    diagnostics : Diagnostics
        Of the residuals.
    limit_error : LimitError
        How well the ends of the interval are known.
    left_out : LeaveOneOut
        The check on the controls themselves.
    warnings : tuple of str
        What to know, a sentence each.
    """

    model: AnyModel
    rows: pd.DataFrame
    n_subjects: int
    n_values: int
    options: FitOptions
    candidates: tuple[Candidate, ...]
    diagnostics: Diagnostics
    limit_error: LimitError
    left_out: LeaveOneOut
    warnings: tuple[str, ...] = ()

    @property
    def muscle(self) -> str:
        """The muscle."""
        return self.model.muscle


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFit:
    """Fits of all muscles of a table.

    Attributes
    ----------
    muscles : tuple of MuscleFit
        Those that could be fitted.
    refused : tuple of (str, str)
        Muscle and sentence of those that could not.
    """

    muscles: tuple[MuscleFit, ...]
    refused: tuple[tuple[str, str], ...] = ()
