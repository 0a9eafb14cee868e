"""The measure registry: every number of a results table has its entry here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.measure.anisotropy.measures import ANISOTROPY, ARCHITECTURE
from napari_muscle_us.measure.texture.families import ABOUT, all_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.measure.texture.features import Feature

GRAY_LEVEL: Final = "gray level"
_IMAGEJ: Final = "ImageJ 1.53t, ij/process/ByteStatistics.java"
_REVIEW: Final = "doi:10.1002/mus.27081"
_RADBOUD: Final = "CreateRandom/muscle-ultrasound, baselines/zscores.py"
_ECHO: Final = "each as in doi:10.1179/1743132811Y.0000000010"
_YOUNG: Final = "Young 2015, Muscle Nerve 52:963, doi:10.1002/mus.24656"
_MULLER: Final = (
    "Müller 2021, Appl Physiol Nutr Metab 46:473, doi:10.1139/apnm-2020-0413"
)
_NOT_READ: Final = "the constants were read in a program, not in the paper"


@dataclass(frozen=True, slots=True)
class Measure:
    """An entry of the registry.

    Attributes
    ----------
    key : str
        Name in the column ``measure``, ``family.name``.
    unit : str
        Unit of the value; ``roi.area``, lengths and the energy of gradients are in px
        when the spacing is unknown.
    label : str
        Short name shown in panels.
    definition : str
        What the number is, in a sentence or formula.
    source : str
        Publication (DOI), IBSI identifier or program that defines it.
    """

    key: str
    unit: str
    label: str
    definition: str
    source: str


_BASE: Final = (
    Measure(
        "intensity.n",
        "px",
        "N",
        "Number of pixels that the region selects.",
        "ImageJ 1.53t, ij/process/PolygonFiller.java",
    ),
    Measure(
        "intensity.mean",
        GRAY_LEVEL,
        "Mean (EI)",
        "Echo intensity: arithmetic mean of the gray levels, 0 black … 255 white.",
        f"{_IMAGEJ}; IBSI Q4LE; doi:10.1179/1743132811Y.0000000010",
    ),
    Measure(
        "intensity.sd",
        GRAY_LEVEL,
        "SD",
        "Standard deviation of the gray levels with n − 1.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.min",
        GRAY_LEVEL,
        "Min",
        "Lowest gray level.",
        f"{_IMAGEJ}; IBSI 1GSF",
    ),
    Measure(
        "intensity.max",
        GRAY_LEVEL,
        "Max",
        "Highest gray level.",
        f"{_IMAGEJ}; IBSI 84IY",
    ),
    Measure(
        "intensity.mode",
        GRAY_LEVEL,
        "Mode",
        "Lowest gray level with the largest count.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.median",
        GRAY_LEVEL,
        "Median",
        "Smallest gray level up to which more than n/2 pixels lie.",
        _IMAGEJ,
    ),
    Measure(
        "intensity.skewness",
        "1",
        "Skewness",
        "Population skewness m3 / m2^1.5 of the gray levels.",
        f"{_IMAGEJ}; IBSI KE2A",
    ),
    Measure(
        "intensity.kurtosis",
        "1",
        "Kurtosis",
        "Population excess kurtosis m4 / m2² − 3 of the gray levels.",
        f"{_IMAGEJ}; IBSI IPH6",
    ),
    Measure(
        "roi.area",
        "mm²",
        "Area",
        "Area inside the outline (shoelace formula) times the area of a pixel; in px² "
        "when the spacing is unknown.",
        "Braden B. The surveyor's area formula. doi:10.2307/2686282",
    ),
    Measure(
        "z_score.echo_intensity",
        "SD",
        "Z",
        "(echo intensity − predicted) / SD of prediction, for age, sex, height and "
        "weight, by the named reference set.",
        _REVIEW,
    ),
)

_GRAY_LEVELS: Final = (
    Measure(
        "intensity.percentile",
        GRAY_LEVEL,
        "Percentile",
        "Smallest gray level up to which more than q % of the pixels lie (the rule of "
        "ImageJ's median, which is that of 50 %); of 100 % the highest level. The "
        "method holds q.",
        "IBSI QG58 (10 %), IBSI 8DWT (90 %)",
    ),
    Measure(
        "intensity.band",
        "%",
        "Band",
        "Share of the pixels whose gray level lies in a band, both ends included. The "
        "method holds the band.",
        "Echo intensity bands, doi:10.1371/journal.pone.0262553",
    ),
    Measure(
        "intensity.echovariation",
        "%",
        "Echovariation",
        "100 · SD / mean of the gray levels, the SD with n − 1.",
        "J Clin Med 2024;13:7800, doi:10.3390/jcm13247800",
    ),
    Measure(
        "intensity.entropy",
        "bit",
        "Entropy",
        "− Σ p log2 p over the gray levels that occur, bins of width 1.",
        "IBSI TLU2",
    ),
    Measure(
        "intensity.mean_above_black",
        GRAY_LEVEL,
        "Mean without black",
        "Mean of the gray levels above 0. For reproducing the Radboud workflow only: "
        "zero pixels belong to the muscle, and the echo intensity counts them.",
        f"{_RADBOUD}; its reference values, {_REVIEW}",
    ),
    Measure(
        "intensity.standard_error",
        GRAY_LEVEL,
        "SE of mean",
        "Standard error of the mean gray level, with the number of independent pixels "
        "that the correlation of speckle leaves.",
        "Effective sample size under spatial correlation, doi:10.3390/stats5040081",
    ),
    Measure(
        "intensity.luminosity_ratio",
        "1",
        "Muscle / fat",
        "Mean gray level of the region divided by that of a region of subcutaneous "
        "fat. The method holds the outline of the fat.",
        f"Ratio of two echo intensities, {_ECHO}; no publication of it was read",
    ),
    Measure(
        "intensity.mean_fat_young2015",
        GRAY_LEVEL,
        "EI, fat-corrected (Young)",
        "Mean + slope · thickness of subcutaneous fat in cm, slope 40.5278 unless "
        "edited; beside the raw mean, never instead of it.",
        f"{_YOUNG}; {_NOT_READ}",
    ),
    Measure(
        "intensity.mean_fat_muller2021",
        GRAY_LEVEL,
        "EI, fat-corrected (Müller)",
        "Mean − 5.0054 · t² + 38.30836 · t, with t the thickness of subcutaneous fat "
        "in cm; beside the raw mean, never instead of it.",
        f"{_MULLER}; {_NOT_READ}",
    ),
)

_REPEATS: Final = (
    Measure(
        "repeats.echo_intensity",
        GRAY_LEVEL,
        "EI of repeats",
        "Echo intensity over repeated images of one muscle and side, combined by the "
        "rule in the method.",
        f"Mean over repeated images; echo intensities {_ECHO}",
    ),
    Measure(
        "repeats.cv",
        "%",
        "CV of repeats",
        "100 · SD / mean of the echo intensities of repeated images, the SD with "
        "n − 1.",
        f"Arithmetic of echo intensities, {_ECHO}",
    ),
    Measure(
        "repeats.side_difference",
        GRAY_LEVEL,
        "Side difference",
        "Echo intensity of the left minus that of the right side of one muscle.",
        f"Arithmetic of echo intensities, {_ECHO}",
    ),
    Measure(
        "repeats.z_score",
        "SD",
        "Z of repeats",
        "Z of the averaged echo intensity: (average over repeated images − predicted) "
        "/ SD of prediction, by the named reference set and the rule in the method.",
        _REVIEW,
    ),
)

_IBSI: Final = "doi:10.1148/radiol.2020191145"
_OJALA: Final = "Ojala 2002, doi:10.1109/TPAMI.2002.1017623"


_FAMILY_NAMES: Final = {"stat": "first order", "hist": "histogram"}


def _texture() -> tuple[Measure, ...]:
    """Return the texture features; the formula is in TeX, in the IBSI's symbols."""
    return tuple(
        Measure(
            feature.key,
            feature.unit,
            _texture_label(feature),
            f"{ABOUT[feature.family]} {feature.meaning} In TeX: {feature.formula}.",
            f"IBSI {feature.ibsi}; {_IBSI}" if feature.ibsi else _OJALA,
        )
        for feature in all_features().values()
    )


def _texture_label(feature: Feature) -> str:
    """Return a name that no other measure has: several families have a contrast."""
    if feature.family == "lbp":
        return feature.label
    family = _FAMILY_NAMES.get(feature.family, feature.family.upper())
    return f"{feature.label} ({family})"


_OF_LINES: Final = tuple(Measure(*entry) for entry in (*ANISOTROPY, *ARCHITECTURE))

BASE_MEASURES: Final = tuple(m.key for m in _BASE)
"""Measures of a region without options; the last, Z, where it is asked for."""

MEASURES: Final[Mapping[str, Measure]] = {
    m.key: m for m in (*_BASE, *_GRAY_LEVELS, *_REPEATS, *_texture(), *_OF_LINES)
}
"""All measures by key. Each value in a results table has its entry here."""
