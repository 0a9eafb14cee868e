"""Reference sets in words, for reading: people, device, limits, formulas, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_muscle_us.reference.formula import format_formula
from napari_muscle_us.reference.kinds.groups import GroupModel
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.kinds.lms import LmsModel
from napari_muscle_us.reference.kinds.quantiles import QuantileModel, QuantileTableModel
from napari_muscle_us.reference.rules import limits_of
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.conditions import Condition
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import Limited, Range, Span

_UNITS = {"age_years": "years", "height_cm": "cm", "weight_kg": "kg", "bmi": "kg/m²"}
_WORDS = {
    "age_years": "age",
    "height_cm": "height",
    "weight_kg": "weight",
    "bmi": "body-mass index",
}


def describe_reference(reference: ReferenceSet) -> list[str]:
    """Return the lines that tell what a set is, without its models' numbers.

    Parameters
    ----------
    reference : ReferenceSet
        The set.

    Returns
    -------
    list of str
        Title, source, device, people, limits, and one line a model.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> lines = describe_reference(load_reference("radboud-esaote-6100-adult"))
    >>> lines[0][:50]
    'radboud-esaote-6100-adult: Echo intensity of adult'
    >>> next(line for line in lines if line.strip().startswith("Tongue"))
    '  Tongue: intensity.mean, linear, n = 50, by age_years'
    """
    lines = [
        f"{reference.name}: {reference.title}",
        f"Citation: {reference.citation}",
        f"Source: {reference.source_remark}",
        f"Licence: {reference.licence}",
        f"Author: {reference.author}, {reference.date}",
        *_device(reference),
        *([f"Protocol: {reference.protocol}"] if reference.protocol else []),
        *_people(reference),
        *_limits(reference.limits, "Limits"),
        f"Models: {len(reference.models)}",
    ]
    return [*lines, *(f"  {model_line(model)}" for model in reference.models)]


def model_line(model: AnyModel) -> str:
    """Return muscle, measure, kind, number of people and covariates in one line."""
    by = ", ".join(model.covariates)
    return (
        f"{model.muscle}: {model.measure}, {model.kind}, n = {model.n}"
        f"{f', by {by}' if by else ''}"
    )


def describe_model(model: AnyModel) -> list[str]:
    """Return the lines that tell all numbers by which a model predicts.

    Parameters
    ----------
    model : LinearModel, GroupModel, LmsModel, QuantileTableModel or QuantileModel
        Of a set.

    Returns
    -------
    list of str
        The formula with its coefficients, or the tables.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> describe_model(reference.model_for("Tongue"))[1]
    'predicted = 45.6536 + 0.3308058 · age_years'
    """
    lines = [model_line(model)]
    if isinstance(model, LinearModel):
        lines += _linear(model)
    elif isinstance(model, GroupModel):
        lines += [
            f"{_who(group, group.age_years)}: {group.mean:.7g} ± {group.sd:.7g} "
            f"(n = {group.n})"
            for group in model.groups
        ]
    elif isinstance(model, LmsModel):
        lines += _curves(model, ("L", "M", "S"))
    elif isinstance(model, QuantileTableModel):
        lines += _curves(model, _percents(model.probabilities))
    elif isinstance(model, QuantileModel):
        rows = zip(_percents(model.probabilities), model.coefficients, strict=True)
        lines += [f"{name} = {_sum(model.terms, row)}" for name, row in rows]
    lines.append(f"Unit: {model.unit}; SD: {model.sd_label}")
    if model.aliases:
        lines.append(f"Also called: {', '.join(model.aliases)}")
    if model.sexes:
        lines.append(f"Sexes in the sample: {' and '.join(model.sexes)}")
    lines += _limits(model.limits, "Limits of this model")
    if model.measurement_error is not None:
        error = model.measurement_error
        lines.append(f"Measurement error: SEM {error.sem:g} ({error.basis})")
    return [*lines, f"Remark: {model.remark}"] if model.remark else lines


def doubts(reference: ReferenceSet) -> list[str]:
    """Return what a user of a valid set should know, a sentence each.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> doubts(load_reference("radboud-esaote-6100-adult"))
    []
    """
    told = []
    for measure in dict.fromkeys(model.measure for model in reference.models):
        if measure not in MEASURES:
            told.append(f"The measure {measure} is not measured by this version.")
        else:
            units = {m.unit for m in reference.models if m.measure == measure}
            for unit in sorted(units - {MEASURES[measure].unit}):
                told.append(
                    f"Values of {measure} are in {unit!r}, and this version measures "
                    f"them in {MEASURES[measure].unit!r}."
                )
    used = {
        name
        for model in reference.models
        for name in _needed(model)
        if name not in limits_of(reference, model)
    }
    for name, word in _WORDS.items():
        if name in used:
            told.append(
                f"There are no limits of {word}, so nothing tells when a prediction is "
                "extrapolated."
            )
    return told


def _needed(model: AnyModel) -> set[str]:
    """Return the covariates beyond which a model extrapolates."""
    if not isinstance(model, LinearModel | QuantileModel):
        return set()  # Tables end by themselves.
    names = set(model.covariates)
    names |= {"height_cm", "weight_kg"} if "bmi" in names else set()
    # The leverage of a linear model tells of a height that is odd for the weight.
    return names - {"bmi"} if isinstance(model, LinearModel) else names


def _device(reference: ReferenceSet) -> list[str]:
    device = reference.device
    lines = [f"Device: {device.manufacturer} {', '.join(device.models)}"]
    for word, names in (
        ("transducer", device.transducers),
        ("preset", device.presets),
    ):
        if names:
            lines.append(f"  {word}: {', '.join(names)}")
    for word, span, unit in (
        ("depth", device.depth_mm, "mm"),
        ("frequency", device.frequency_mhz, "MHz"),
        ("gain", device.gain_db, "dB"),
        ("dynamic range", device.dynamic_range_db, "dB"),
    ):
        if span is not None:
            lines.append(f"  {word}: {_span(span)} {unit}")
    return [*lines, f"  {device.remark}"] if device.remark else lines


def _people(reference: ReferenceSet) -> list[str]:
    people = reference.population
    lines = [f"People: {people.description}"]
    counts = [
        f"{number} {word}"
        for number, word in (
            (people.n, "people"),
            (people.women, "women"),
            (people.men, "men"),
        )
        if number is not None
    ]
    if counts:
        lines.append(f"  {', '.join(counts)}")
    for name, unit in _UNITS.items():
        span: Span | None = getattr(people, name, None)
        if span is not None:
            lines.append(f"  {_WORDS[name]}: {_span(span)} {unit}")
    for word, text in (("country", people.country), ("excluded", people.exclusion)):
        if text:
            lines.append(f"  {word}: {text}")
    return lines


def _limits(limits: Mapping[Limited, Range], title: str) -> list[str]:
    lines = [f"{title}:"] if limits else []
    for name, limit in limits.items():
        lines.append(
            f"  {_WORDS[name]}: outside {limit.warn[0]:g}–{limit.warn[1]:g} "
            f"{_UNITS[name]} with a warning, outside {limit.refuse[0]:g}–"
            f"{limit.refuse[1]:g} refused ({limit.basis})"
        )
    return lines


def _span(span: Span) -> str:
    return f"{span.low:g}–{span.high:g}"


def _linear(model: LinearModel) -> list[str]:
    scale = ""
    if model.transform is not None:
        scale = f" on the Box–Cox scale with power {model.transform.power:g}"
    return [
        f"predicted = {_sum(model.terms, model.coefficients)}{scale}",
        f"residual SD {model.residual_variance**0.5:.7g}, "
        f"{model.degrees_of_freedom:g} degrees of freedom",
    ]


def _sum(terms: Sequence[Mapping[str, int]], coefficients: Sequence[float]) -> str:
    words = ""
    for term, number in zip(terms, coefficients, strict=True):
        factor = f" · {format_formula([term])}" if term else ""
        sign = "−" if number < 0 else "+"
        first = "−" if number < 0 else ""
        words += f" {sign} " if words else first
        words += f"{abs(number):.7g}{factor}"
    return words


def _percents(probabilities: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{100 * share:g} %" for share in probabilities)


def _who(condition: Condition, ages: Span | None = None) -> str:
    words: list[str | None] = [condition.sex, condition.side, condition.dominance]
    if ages is not None:
        words.append(f"{ages.low:g} to below {ages.high:g} years")
    return ", ".join(word for word in words if word) or "all"


def _curves(model: Any, names: tuple[str, ...]) -> list[str]:
    lines = []
    for curve in model.curves:
        lines.append(
            f"{_who(curve)}: {len(curve.x)} points of {model.covariate} from "
            f"{curve.x[0]:g} to {curve.x[-1]:g}"
        )
        lines.append("  " + "  ".join((model.covariate, *names)))
        rows = zip(curve.x, *curve.columns(), strict=True)
        lines += ["  " + "  ".join(f"{number:.7g}" for number in row) for row in rows]
    return lines
