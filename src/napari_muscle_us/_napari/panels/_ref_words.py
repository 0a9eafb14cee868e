"""How reference values are said in the panel."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final

from napari_muscle_us.reference.formula import parse_formula

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_muscle_us._napari.panels._ref_work import People
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

COLUMN_LABELS: Final = {
    "subject": "Subject",
    "visit": "Visit",
    "muscle": "Muscle",
    "side": "Side",
    "measure": "Measure",
    "value": "Value",
    "unit": "Unit",
    "age_years": "Age",
    "sex": "Sex",
    "height_cm": "Height",
    "weight_kg": "Weight",
    "handedness": "Hand",
    "image": "Image",
}
COVARIATE_LABELS: Final = {
    "age_years": "Age",
    "sex_male": "Sex",
    "height_cm": "Height",
    "weight_kg": "Weight",
    "bmi": "BMI",
    "side_right": "Side",
    "side_nondominant": "Dominance",
}
_POWERS: Final = {1: "", 2: "²", 3: "³", 4: "⁴"}
_SOUND, _LOOK, _OFF = "✓ sound", "⚠ look", "✗ Z is off"


def formula_words(formula: str) -> str:
    """Return a formula as a short line.

    Examples
    --------
    >>> formula_words("1 + age_years + age_years^2 + sex_male:height_cm")
    'age, age², sex × height'
    """
    terms = [
        " × ".join(
            _small(COVARIATE_LABELS[name]) + _POWERS[power]
            for name, power in term.items()
        )
        for term in parse_formula(formula)
        if term
    ]
    return ", ".join(terms) or "mean only"


def _small(label: str) -> str:
    return label if label.isupper() else label.lower()


def model_words(fit: MuscleFit) -> str:
    """Return the model of a muscle as a short line."""
    formula = getattr(fit.model, "formula", None)
    kind = {"lms": "LMS curve along age", "quantiles": "quantiles: "}.get(
        fit.model.kind, ""
    )
    if formula is None:
        return kind
    scale = getattr(fit.model, "transform", None)
    words = kind + formula_words(str(formula))
    if scale is None:
        return words
    return f"{words} (log)" if scale.power == 0 else f"{words} (power {scale.power:g})"


def verdict(fit: MuscleFit) -> str:
    """Return a sign and a word: whether the model may be used as it is."""
    if not fit.left_out.passed:
        return _OFF
    return _LOOK if fit.diagnostics.suggestion else _SOUND


def verdict_words(fit: MuscleFit) -> str:
    """Return why the verdict is what it is."""
    if not fit.left_out.passed:
        return fit.left_out.words
    return fit.diagnostics.suggestion or "Nothing speaks against the model."


def spread(fit: MuscleFit) -> float:
    """Return the SD at the centre of the sample, on the scale of the model."""
    error = fit.limit_error
    return error.standard_error / error.in_sd if error.in_sd else math.nan


def number(value: float, digits: int = 2) -> str:
    """Return a number with a real minus sign, a dash for none."""
    if math.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0
    return f"{rounded:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign; what is rounded to zero has none."""
    if math.isnan(value) or not round(value, digits):
        return number(value, digits)
    return ("+" if value > 0 else "") + number(value, digits)


def count_words(people: People) -> str:
    """Return how many people, muscles and values there are, in two lines."""
    rows = people.of_measure()
    persons = rows.drop_duplicates("subject")
    muscles = rows["muscle"].nunique()
    parts = [
        _many(len(persons), "subject"),
        _many(muscles, "muscle"),
        _many(len(rows), "value"),
    ]
    about = []
    age = persons["age_years"].dropna()
    if len(age):
        about.append(f"age {age.min():g} to {age.max():g} years")
    women, men = ((persons["sex"] == sex).sum() for sex in ("female", "male"))
    if women or men:
        about.append(f"{women} women, {men} men")
    about.append(_sides(rows))
    return f"{', '.join(parts)}\n{', '.join(part for part in about if part)}"


def _sides(rows: pd.DataFrame) -> str:
    sides = set(rows["side"])
    if {"left", "right"} <= sides:
        return "both sides"
    return f"{sides.pop()} side" if len(sides) == 1 and "" not in sides else ""


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def p_words(p_value: float) -> str:
    """Return a p value as it is printed."""
    if math.isnan(p_value):
        return "–"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.2g}"


def as_rows(rows: Sequence[tuple[str, ...]], *, head: tuple[str, ...] = ()) -> str:
    """Return lines as an HTML table; texts of tables and files are escaped."""
    lines = []
    if head:
        lines.append("<tr>" + "".join(f"<th align=left>{h}</th>" for h in head))
    for row in rows:
        lines.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row))
    return f"<table cellspacing=0 cellpadding=3>{''.join(lines)}</table>"


def as_paragraphs(texts: list[str]) -> str:
    """Return sentences as HTML, each a paragraph."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts if text)
