"""The part of a report that is of one muscle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.describe import describe_model
from napari_muscle_us.reference.fitting._fit_people import (
    COVARIATE_UNITS,
    COVARIATE_WORDS,
    SEX_WORDS,
    formula_of,
    formula_words,
    linear_estimate,
    sexes_of,
    term_words,
)
from napari_muscle_us.reference.fitting._report_html import (
    NONE,
    Part,
    bullets,
    facts,
    fixed,
    heading,
    joined,
    number,
    p_words,
    padded,
    paragraph,
    table,
    text,
    verdict,
)
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.kinds.lms import LmsModel
from napari_muscle_us.reference.kinds.quantiles import QuantileModel

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit
    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.lms import LmsCurve

TOP_CANDIDATES: Final = 10
_CODE: Final = 60
_LINES: Final = 60
_AGES: Final = 6
_ROWS: Final = 12


def muscle_part(fit: MuscleFit, plots: Part, *, anchor: str) -> Part:
    """Return all about one muscle.

    Parameters
    ----------
    fit : MuscleFit
        The fit.
    plots : Part
        Its pictures.
    anchor : str
        Name of the place, for links within the page.
    """
    parts = [
        heading(2, fit.muscle, anchor=anchor),
        paragraph(_who(fit)),
        _warnings(fit),
        _model(fit),
        _candidates(fit),
        _tests(fit),
        _influential(fit),
        _left_out(fit),
        heading(3, "Plots"),
        plots,
    ]
    return Part(f'<section class="muscle">\n{joined(parts)}</section>\n')


def _who(fit: MuscleFit) -> str:
    people = fit.rows.drop_duplicates("subject")
    counts = [
        f"{int((people['sex'] == sex).sum())} {SEX_WORDS[sex]}" for sex in sexes_of(fit)
    ]
    values = fit.rows["value"]
    age = people["age_years"].dropna()
    ages = f", {age.min():g} to {age.max():g} years old" if len(age) else ""
    told = f" ({', '.join(counts)})" if counts else ""
    return (
        f"{fit.n_values} values of {fit.n_subjects} subjects{told}{ages}. Measured: "
        f"{fit.model.measure}, {number(values.min())} to {number(values.max())} "
        f"{fit.model.unit}; each is a {fit.model.observation}."
    )


def _warnings(fit: MuscleFit) -> Part:
    if not fit.warnings:
        return Part("")
    return joined([heading(3, "To know"), bullets(fit.warnings, "note")])


def _model(fit: MuscleFit) -> Part:
    if isinstance(fit.model, LinearModel):
        return _linear(fit, fit.model)
    return joined(
        [
            heading(3, f"Model: {formula_of(fit)}"),
            _numbers(fit.model),
            facts(
                [
                    ("SD of Z", fit.model.sd_label),
                    ("Error of the limits", fit.limit_error.words),
                    ("Remark", fit.model.remark),
                ]
            ),
        ]
    )


def _numbers(model: AnyModel) -> Part:
    """Return the numbers of a model that is not linear."""
    if isinstance(model, LmsModel):
        return joined(_curve(model, curve) for curve in model.curves)
    if isinstance(model, QuantileModel):
        heads = ("Quantile", *map(term_words, model.terms))
        rows = [
            (f"{100 * share:g} %", *(padded(value) for value in values))
            for share, values in zip(
                model.probabilities, model.coefficients, strict=True
            )
        ]
        return table(heads, rows)
    lines = describe_model(model)[:_LINES]
    return Part(f"<pre>{''.join(f'{text(line)}{chr(10)}' for line in lines)}</pre>\n")


def _curve(model: LmsModel, curve: LmsCurve) -> Part:
    """Return some points of a curve."""
    places = np.unique(np.linspace(0, len(curve.x) - 1, _ROWS).round().astype(int))
    rows = [
        (
            padded(curve.x[k], 3),
            padded(curve.l[k], 3),
            padded(curve.m[k]),
            padded(curve.s[k]),
        )
        for k in places
    ]
    who = SEX_WORDS.get(curve.sex or "", "all")
    along = COVARIATE_WORDS[model.covariate]
    heads = (f"{along.capitalize()}, {who}", "L", "M", "S")
    rest = f"All {len(curve.x)} points are in the reference file."
    return joined([table(heads, rows), paragraph(rest, "small")])


def _linear(fit: MuscleFit, model: LinearModel) -> Part:
    from scipy.special import stdtrit

    reach = float(stdtrit(model.degrees_of_freedom, 0.975))
    errors = np.sqrt(np.diag(np.array(model.covariance)))
    rows = [
        (
            term_words(term),
            padded(value, 5),
            padded(error, 3),
            f"{number(value - reach * error)} to {number(value + reach * error)}",
        )
        for term, value, error in zip(
            model.terms, model.coefficients, errors, strict=True
        )
    ]
    legend = "; ".join(_units_of(model))
    return joined(
        [
            heading(3, f"Model: {formula_of(fit)}"),
            table(("Term", "Coefficient", "Standard error", "95 % interval"), rows),
            paragraph(legend, "small") if legend else Part(""),
            facts(_scatter(fit, model)),
        ]
    )


def _units_of(model: LinearModel) -> list[str]:
    words = {
        "sex_male": "sex is 1 for men, 0 for women",
        "side_right": "side is 1 on the right, 0 on the left",
        "side_nondominant": "dominance is 1 on the side not written with, else 0",
    }
    return [
        words.get(name) or f"{COVARIATE_WORDS[name]} in {COVARIATE_UNITS[name]}"
        for name in model.covariates
    ]


def _scatter(fit: MuscleFit, model: LinearModel) -> list[tuple[str, object]]:
    power = model.transform
    scale = "" if power is None else f" on the Box–Cox scale λ = {power.power:g}"
    unit = f"{model.unit}{scale}"
    found: list[tuple[str, object]] = [
        ("Residual SD", f"{number(model.residual_variance**0.5)} {unit}"),
        ("Degrees of freedom", number(model.degrees_of_freedom)),
        ("SD of Z", model.sd_label),
    ]
    made = linear_estimate(fit)
    if made is not None and np.isfinite(made[1].within_variance):
        within = made[1].within_variance
        between = max(made[1].residual_variance - within, 0.0)
        share = 100 * between / (between + within)
        found.insert(
            1,
            (
                "Its parts",
                f"SD between subjects {number(between**0.5)}, between the sides of a "
                f"subject {number(within**0.5)} {unit}; {share:.0f} % of the variance "
                "is between subjects",
            ),
        )
    found.append(("Error of the limits", fit.limit_error.words))
    found.append(("Remark", model.remark))
    return found


def _candidates(fit: MuscleFit) -> Part:
    if not fit.candidates:
        return paragraph("No formulas were compared.", "small")
    shown = list(fit.candidates[:TOP_CANDIDATES])
    shown += [c for c in fit.candidates[TOP_CANDIDATES:] if c.chosen]
    rows = [
        (
            formula_words(one.formula),
            one.coefficients,
            padded(one.score, 5),
            "chosen" if one.chosen else one.note,
        )
        for one in shown
    ]
    score = "AICc" if fit.options.selection == "aicc" else "Cross-validated error"
    title = f"Formulas that were tried: the best {min(len(shown), TOP_CANDIDATES)} of "
    return joined(
        [
            heading(3, f"{title}{len(fit.candidates)}"),
            table(("Formula", "Coefficients", score, ""), rows, words=(3,)),
        ]
    )


def _tests(fit: MuscleFit) -> Part:
    found = fit.diagnostics
    rows = [
        (
            one.name,
            one.about,
            number(one.statistic, 3),
            p_words(one.p_value),
            verdict(one.passed),
            one.words,
        )
        for one in found.tests
    ]
    low, high = found.box_cox_interval
    box_cox = (
        f"{NONE} (no power can be told of these values)"
        if np.isnan(found.box_cox_power)
        else f"λ = {number(found.box_cox_power, 3)} (95 % interval "
        f"{number(low, 3)} to {number(high, 3)}); 1 is no change, 0 the logarithm"
    )
    heads = ("Test", "Of", "Statistic", "p", "", "In words")
    return joined(
        [
            heading(3, "Residuals, one a subject"),
            table(heads, rows, words=(1, 4, 5)),
            facts(
                [
                    ("Box–Cox power", box_cox),
                    ("Suggestion", found.suggestion or "Nothing speaks against it."),
                ]
            ),
        ]
    )


def _influential(fit: MuscleFit) -> Part:
    told = fit.diagnostics.influential
    if not told:
        return paragraph("No subject is striking.", "small")
    rows = [
        (
            text(one.subject, longest=_CODE),
            number(one.cooks_distance, 3),
            number(one.leverage, 3),
            number(one.studentised, 3),
            one.words,
        )
        for one in told
    ]
    heads = ("Subject", "Cook's distance", "Leverage", "Studentised", "In words")
    return joined(
        [heading(3, "Subjects that pull the model"), table(heads, rows, words=(4,))]
    )


def _left_out(fit: MuscleFit) -> Part:
    found = fit.left_out
    ages = fit.rows["age_years"].to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = _ends(ages)
    rows = [
        (
            "All",
            f"{low} to {high}",
            found.n,
            fixed(found.mean),
            fixed(found.sd),
            fixed(found.coverage, 1),
            verdict(found.passed),
        )
    ]
    rows += [
        (
            "Age band",
            f"{number(band.low)} to {number(band.high)}",
            band.n,
            fixed(band.mean),
            fixed(band.sd),
            "",
            verdict(band.passed),
        )
        for band in found.bands
    ]
    heads = ("Controls", "Years", "Subjects", "Mean Z", "SD of Z", "Inside 95 %, %", "")
    return joined(
        [
            heading(3, "Each control against a model without it"),
            table(heads, rows, words=(1, 6)),
            paragraph(found.words),
        ]
    )


def _ends(values: np.ndarray) -> tuple[str, str]:
    known = values[np.isfinite(values)]
    if not len(known):
        return NONE, NONE
    return number(float(known.min())), number(float(known.max()))
