"""How reference values were made, in words for a paper's methods section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.reference.fitting._fit_people import COVARIATE_WORDS, term_words
from napari_muscle_us.reference.fitting._freedom import SMALL_SAMPLE
from napari_muscle_us.reference.fitting._report_html import (
    Part,
    heading,
    joined,
    paragraph,
    text,
)
from napari_muscle_us.reference.fitting._report_typical import typical_part
from napari_muscle_us.reference.fitting.selection import (
    SEARCH_WORDS,
    SELECTION_WORDS,
    pool_of,
    tries_all,
)
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import FitOptions, ReferenceFit
    from napari_muscle_us.reference.model import ReferenceSet

REFERENCES: Final = {
    "wijntjes": (
        "Wijntjes J, van Alfen N. Muscle ultrasound: present state and future "
        "opportunities. Muscle Nerve 2021;63:455. doi:10.1002/mus.27081"
    ),
    "seabold": (
        "Seabold S, Perktold J. statsmodels: econometric and statistical modeling with "
        "Python. Proc 9th Python in Science Conf 2010:92. "
        "doi:10.25080/Majora-92bf1922-011"
    ),
    "satterthwaite": (
        "Satterthwaite FE. An approximate distribution of estimates of variance "
        "components. Biometrics Bull 1946;2:110. doi:10.2307/3002019"
    ),
    "laird": (
        "Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics "
        "1982;38:963. doi:10.2307/2529876"
    ),
    "box": (
        "Box GEP, Cox DR. An analysis of transformations. J R Stat Soc B 1964;26:211. "
        "doi:10.1111/j.2517-6161.1964.tb00553.x"
    ),
    "stone": (
        "Stone M. Cross-validatory choice and assessment of statistical predictions. "
        "J R Stat Soc B 1974;36:111. doi:10.1111/j.2517-6161.1974.tb00994.x"
    ),
    "hastie": (
        "Hastie T, Tibshirani R, Friedman J. The elements of statistical learning, 2nd "
        "ed. Springer 2009, section 7.10. doi:10.1007/978-0-387-84858-7"
    ),
    "hurvich": (
        "Hurvich CM, Tsai C-L. Regression and time series model selection in small "
        "samples. Biometrika 1989;76:297. doi:10.1093/biomet/76.2.297"
    ),
    "cole": (
        "Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and "
        "penalized likelihood. Stat Med 1992;11:1305. doi:10.1002/sim.4780111005"
    ),
    "quantiles": (
        "Koenker R, Bassett G. Regression quantiles. Econometrica 1978;46:33. "
        "doi:10.2307/1913643"
    ),
    "shapiro": (
        "Shapiro SS, Wilk MB. An analysis of variance test for normality. Biometrika "
        "1965;52:591. doi:10.1093/biomet/52.3-4.591"
    ),
    "koenker": (
        "Koenker R. A note on studentizing a test for heteroscedasticity. "
        "J Econometrics 1981;17:107. doi:10.1016/0304-4076(81)90062-2"
    ),
    "white": (
        "White H. A heteroskedasticity-consistent covariance matrix estimator and a "
        "direct test for heteroskedasticity. Econometrica 1980;48:817. "
        "doi:10.2307/1912934"
    ),
    "ramsey": (
        "Ramsey JB. Tests for specification errors in classical linear least-squares "
        "regression analysis. J R Stat Soc B 1969;31:350. "
        "doi:10.1111/j.2517-6161.1969.tb00796.x"
    ),
    "cook": (
        "Cook RD. Detection of influential observation in linear regression. "
        "Technometrics 1977;19:15. doi:10.1080/00401706.1977.10489493"
    ),
    "bland": (
        "Bland JM, Altman DG. Statistical methods for assessing agreement between two "
        "methods of clinical measurement. Lancet 1986;i:307. "
        "doi:10.1016/S0140-6736(86)90837-8"
    ),
}

REPEATED_WORDS: Final = {
    "mixed": (
        "images of one side were averaged, and the sides of a subject entered a mixed "
        "model with a random intercept for each subject"
    ),
    "mean": "all values of a subject were averaged to one",
    "left": "images were averaged, and the left side only was used",
    "right": "images were averaged, and the right side only was used",
}
SCALE_WORDS: Final = {
    "none": "as measured",
    "log": "natural logarithm",
    "box-cox": "Box–Cox transformation, power by maximum likelihood",
}
KIND_WORDS: Final = {
    "linear": "linear regression",
    "lms": "LMS curves along age",
    "quantiles": "quantile regression",
}


class Citations:
    """Numbers references in the order in which they are cited."""

    def __init__(self) -> None:
        self._order: dict[str, int] = {}

    def __call__(self, *keys: str) -> str:
        """Return the marks of references, such as ``[1, 2]``."""
        marks = [str(self._order.setdefault(key, len(self._order) + 1)) for key in keys]
        return f"[{', '.join(marks)}]"

    def sources(self) -> list[str]:
        """Return the references that were cited."""
        return [REFERENCES[key] for key in self._order]


def candidate_words(options: FitOptions) -> str:
    """Return the terms that could enter, in words."""
    if options.kind == "lms":
        return "age and sex" if "sex_male" in options.candidates else "age"
    if options.formula is not None:
        return options.formula
    if options.selection == "none":
        return ", ".join(COVARIATE_WORDS[name] for name in options.candidates)
    return ", ".join(term_words(term) for term in pool_of(options)) or "none"


def software_words(version: str) -> str:
    """Return the programs that made a fit, with their versions."""
    from importlib.metadata import version as version_of

    names = ("statsmodels", "scipy", "numpy")
    others = ", ".join(f"{name} {version_of(name)}" for name in names)
    return f"napari-muscle-us {version} ({others})"


def measure_words(fit: ReferenceFit) -> str:
    """Return what was measured, with its unit."""
    model = fit.muscles[0].model
    if model.measure == ECHO_INTENSITY:
        return "echo intensity (mean gray level)"
    known = MEASURES.get(model.measure)
    label = model.measure if known is None else known.label
    return f"{label}, in {model.unit},"


def selection_words(fit: ReferenceFit) -> str:
    """Return the rule by which formulas were chosen, and how they were searched."""
    options = fit.muscles[0].options
    if options.kind == "lms":
        return "no formula is chosen: curves along age"
    if options.formula is not None or options.selection == "none":
        return SELECTION_WORDS["none"]
    ways = {tries_all(options, n_subjects=one.n_subjects) for one in fit.muscles}
    how = "; or, with few subjects, ".join(SEARCH_WORDS[w] for w in sorted(ways)[::-1])
    folds = ""
    if options.selection == "cv":
        folds = f" ({options.folds} folds, random order {options.seed})"
    return f"{SELECTION_WORDS[options.selection]}{folds}; {how}"


def options_facts(fit: ReferenceFit) -> list[tuple[str, object]]:
    """Return how the values were fitted, as names and words."""
    options = fit.muscles[0].options
    sd = {
        "prediction": "SD of prediction, with the uncertainty of the model",
        "residual": "plain residual SD, for comparing with published work",
    }[options.sd]
    return [
        ("Model", KIND_WORDS[options.kind]),
        ("Terms that could enter", candidate_words(options)),
        ("Choice of the formula", selection_words(fit)),
        ("Sides and images", REPEATED_WORDS[options.repeated]),
        ("Scale of the values", SCALE_WORDS[options.scale]),
        ("SD by which Z divides", sd if options.kind == "linear" else "of the model"),
    ]


def methods_part(fit: ReferenceFit, reference: ReferenceSet, version: str) -> Part:
    """Return a text for a methods section, its references, and predicted values."""
    cite = Citations()
    paragraphs = [
        _collected(fit, reference, version, cite),
        _fitted(fit, cite),
        _checked(fit, cite),
    ]
    sources = "".join(f"<li>{text(source)}</li>\n" for source in cite.sources())
    parts = [
        heading(2, "Text for a methods section", anchor="methods"),
        *(paragraph(words) for words in paragraphs),
        heading(3, "References"),
        Part(f'<ol class="small">\n{sources}</ol>\n'),
        heading(2, "Predicted values and 95 % limits", anchor="typical"),
        paragraph(
            "Of a single value (or a mean, where the fit is of means) of persons of "
            "the mean height and weight of their sex among the controls.",
            "small",
        ),
        *(typical_part(one) for one in fit.muscles),
    ]
    return Part(f'<section class="methods">\n{joined(parts)}</section>\n')


def _collected(
    fit: ReferenceFit, reference: ReferenceSet, version: str, cite: Citations
) -> str:
    people = reference.population
    counts = [
        f"{number} {word}"
        for number, word in ((people.women, "women"), (people.men, "men"))
        if number is not None
    ]
    age = people.age_years
    if age is not None:
        counts.append(f"{age.low:g} to {age.high:g} years old")
    muscles = len(fit.muscles)
    told = f" ({', '.join(counts)})" if counts else ""
    said = [
        f"Reference values of {measure_words(fit)} of {muscles} "
        f"muscle{'s' if muscles > 1 else ''} were fitted to {people.n} healthy "
        f"controls{told} with napari-muscle-us "
        f"{version} and statsmodels {cite('seabold')}, for Z-scores in quantitative "
        f"muscle ultrasound {cite('wijntjes')}.",
        f"Images were acquired with {reference.device}.",
    ]
    if reference.protocol:
        said.append(reference.protocol)
    return " ".join(said)


def _fitted(fit: ReferenceFit, cite: Citations) -> str:
    options = fit.muscles[0].options
    said = [_repeats(fit, cite)]
    if options.scale != "none":
        how = SCALE_WORDS[options.scale]
        said.append(f"Values were transformed ({how}) {cite('box')}.")
    if options.kind == "lms":
        said.append(f"Curves along age were fitted by the LMS method {cite('cole')}.")
    elif options.kind == "quantiles":
        said.append(f"Quantiles were fitted by regression {cite('quantiles')}.")
    if options.kind != "lms":
        said.append(_choice(fit, cite))
    if options.kind == "linear":
        said.append(_z(fit, cite))
    return " ".join(said)


def _repeats(fit: ReferenceFit, cite: Citations) -> str:
    options = fit.muscles[0].options
    mixed = any(one.n_values > one.n_subjects for one in fit.muscles)
    if mixed:
        return (
            "Images of one side were averaged. The sides of a subject entered a linear "
            "mixed model with a random intercept for each subject, estimated by "
            f"restricted maximum likelihood {cite('laird')}; subjects, not values, "
            "were counted as independent."
        )
    how = {
        "mean": "All values of a subject were averaged",
        "left": "Only values of the left side were used",
        "right": "Only values of the right side were used",
    }.get(
        options.repeated, "Images of a subject were averaged where there were several"
    )
    return f"{how}, so that each subject had one value."


def _choice(fit: ReferenceFit, cite: Citations) -> str:
    options = fit.muscles[0].options
    if options.formula is not None or options.selection == "none":
        return (
            f"The terms of the model were set beforehand: {candidate_words(options)}."
        )
    source = cite("stone", "hastie") if options.selection == "cv" else cite("hurvich")
    return (
        f"Candidate terms were {candidate_words(options)}. The formula was chosen by "
        f"the {selection_words(fit)} {source}. The SD does not include that it was "
        "chosen on the same data."
    )


def _z(fit: ReferenceFit, cite: Citations) -> str:
    if fit.muscles[0].options.sd == "residual":
        return (
            "Z was the value less its prediction, divided by the plain residual SD, "
            "which leaves out the uncertainty of the model."
        )
    freedom = "with as many degrees of freedom as subjects less coefficients"
    if any(one.n_values > one.n_subjects for one in fit.muscles):
        freedom = (
            "with f = subjects less coefficients as degrees of freedom, and of what "
            f"Satterthwaite's approximation {cite('satterthwaite')} adds for several "
            f"values of a subject the part f/(f + {SMALL_SAMPLE})"
        )
    return (
        "Z was the value less its prediction, divided by the SD of a new observation, "
        "√(x C xᵀ + s²), with the covariates x, the covariance C of the coefficients "
        "and the residual variance s²; percentiles and 95 % limits follow Student's t "
        f"{freedom}."
    )


def _checked(fit: ReferenceFit, cite: Citations) -> str:
    linear = all(isinstance(one.model, LinearModel) for one in fit.muscles)
    how = (
        "a model fitted without all values of this subject"
        if linear
        else f"a model fitted without its part of {fit.muscles[0].options.folds} parts "
        "of the subjects"
    )
    beside = "" if linear else " of a linear model of the same covariates"
    return (
        f"Residuals{beside}, one a subject, were tested for normality (Shapiro–Wilk "
        f"{cite('shapiro')}, D'Agostino), equal scatter (Breusch–Pagan in Koenker's "
        f"form {cite('koenker')}, White {cite('white')}) and the form of the model "
        f"(RESET {cite('ramsey')}), and influential subjects were sought by Cook's "
        f"distance, leverage and studentised residuals {cite('cook')}. The standard "
        "error of the 95 % limits at the centre of the sample was √(x C xᵀ + 1.96² "
        f"s²/2ν), ν being the degrees of freedom {cite('bland')}. Z of each control "
        f"was computed against {how}; its mean and SD were compared with 0 and the "
        "expected SD by 99 % limits, overall and in bands of age."
    )
