"""The JSON Schema of reference files, for editors and other programs."""

from __future__ import annotations

from typing import Any, Final

from napari_muscle_us.reference.checksum import FIELD
from napari_muscle_us.reference.model import ReferenceSet

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_CONDITION: Final = {
    "sex": "male or female; left out: both",
    "side": "left or right side of the body; left out: both",
    "dominance": (
        "dominant: the side of the hand written with; non-dominant: the other; left "
        "out: both"
    ),
}
_MODEL: Final = {
    "muscle": "Name of the muscle",
    "aliases": "Other names of the same muscle",
    "measure": (
        "What was measured, by its key in a results table, such as intensity.mean"
    ),
    "unit": "Unit of the values, such as gray level or mm",
    "n": "How many people the values come from (not how many images or sides)",
    "limits": "Limits for this muscle in place of those of the set",
    "centre": (
        "The sample's mean of each covariate; from it is counted how far each one "
        "moved the prediction"
    ),
    "sexes": "The sexes of the people in the sample; left out: not told",
    "observation": (
        "What one value of the sample was: one measurement, or the mean of a person's "
        "measurements, which scatters less"
    ),
    "measurement_error": "How well a value repeats in one person",
    "remark": "What a reader should know about this model",
    "kind": "Kind of the model; it decides which other fields there are",
}
_CURVES: Final = {
    "covariate": "What the curves run along: age_years, height_cm or weight_kg",
    "curves": "One curve for all, or one for each sex, side or dominance",
}
_CURVE: Final = _CONDITION | {
    "x": "Values of the covariate, rising; outside the first and last is no Z-score",
    "n": "How many people the curve comes from",
}
_PROBABILITIES: Final = (
    "Shares of healthy people below each quantile, 0.5 among them, rising, such as "
    "0.025, 0.5, 0.975"
)
_FORMULA: Final = (
    "Sum of terms, such as 1 + age_years + age_years^2 + sex_male:height_cm; it is "
    "read, never executed"
)

WORDS: Final[dict[str, dict[str, str]]] = {
    "ReferenceSet": {
        "": "Reference values of healthy muscle, for one scanner and its settings",
        "format": "What this file is",
        "version": "Version of the format",
        "name": "Short name: small letters, digits and hyphens",
        "title": "What the set is, in one line",
        "citation": "What to cite when the set is used",
        "source_remark": "Where the numbers come from, and what is not known of them",
        "licence": "Under which licence the numbers are",
        "author": "Who made the set",
        "date": "When the set was made",
        "device": "The scanner and settings that the values were measured with",
        "protocol": "How was measured: position, probe, image, region of interest",
        "population": "The healthy people that the values come from",
        "limits": "For which ages, heights, weights and body-mass indices they hold",
        "models": "The reference values, a muscle and measure each",
        "checksum": "SHA-256 over the rest of the file; shows an accidental change",
    },
    "DeviceBinding": {
        "": "Scanner and settings; what is left out is not compared with an image",
        "manufacturer": "Maker, as the scanner writes it into DICOM files",
        "models": "Names of the scanner, as it writes them into DICOM files",
        "transducers": "Names of the transducers used",
        "presets": "Names of the presets used",
        "depth_mm": "Imaging depth in mm",
        "frequency_mhz": "Frequency in MHz",
        "gain_db": "Gain in dB",
        "dynamic_range_db": "Dynamic range in dB",
        "remark": "What else was set",
    },
    "Population": {
        "": "The healthy people",
        "description": "Who they were, in words",
        "n": "How many",
        "women": "How many women",
        "men": "How many men",
        "age_years": "Youngest and oldest",
        "height_cm": "Smallest and tallest, in cm",
        "weight_kg": "Lightest and heaviest, in kg",
        "country": "Where they live",
        "exclusion": "Who was not taken",
    },
    "Range": {
        "": "Limits of age, height, weight or body-mass index",
        "warn": "Outside these two the Z-score comes with a warning",
        "refuse": "Outside these two there is no Z-score",
        "basis": "How the limits are known, such as range of the sample",
    },
    "Span": {
        "": "Two numbers",
        "low": "The lower",
        "high": "The higher; of the ages of a group, where the next group begins",
    },
    "MeasurementError": {
        "": "How well a value repeats in one person",
        "sem": "Standard error of measurement, in the unit of the model",
        "basis": "How it is known",
    },
    "LinearModel": _MODEL
    | {
        "": "Regression on age, sex, height, weight, BMI, side",
        "formula": _FORMULA,
        "coefficients": "One a term of the formula",
        "covariance": "Covariance matrix of the coefficients",
        "residual_variance": "Mean square error: scatter between people, squared",
        "degrees_of_freedom": (
            "Of the SD of prediction; at most values (else n) minus terms"
        ),
        "values": (
            "How many values, where people have several each; left out: one a person"
        ),
        "sd": (
            "prediction: with the uncertainty of the model; residual: plain scatter, "
            "with the normal distribution"
        ),
        "transform": "Box–Cox scale on which the model works; left out: none",
        "max_leverage": (
            "Largest leverage in the sample; a person beyond it gets a warning"
        ),
    },
    "BoxCox": {
        "": "Scale (y^power − 1) / power, or the logarithm for a power of 0",
        "power": "Box–Cox λ",
    },
    "GroupModel": _MODEL
    | {
        "": "Mean and SD by group",
        "groups": "Groups that do not overlap",
        "sd": (
            "prediction: SD · √(1 + 1/n) and Student's t; plain: SD and the normal "
            "distribution"
        ),
    },
    "Group": _CONDITION
    | {
        "": "One group; a condition that is left out holds for all",
        "age_years": "Ages from low to below high; left out: all ages",
        "mean": "Mean of the group",
        "sd": "SD of the group (with n − 1)",
        "n": "How many people in the group",
    },
    "LmsModel": _MODEL
    | _CURVES
    | {
        "": "LMS curves",
        "beyond_3": (
            "How Z is counted beyond ±3. lms: by the same formula; who: in steps of "
            "the distance from Z 2 to Z 3, as WHO does"
        ),
    },
    "LmsCurve": _CURVE
    | {
        "": "L, M and S at points of the covariate",
        "l": "L, the Box–Cox power, at each x",
        "m": "M, the median, at each x",
        "s": "S, the coefficient of variation as a fraction, at each x",
    },
    "QuantileTableModel": _MODEL
    | _CURVES
    | {"": "Table of quantiles", "probabilities": _PROBABILITIES},
    "QuantileCurve": _CURVE
    | {
        "": "Quantiles at points of the covariate",
        "values": "One row a value of x, one column a probability",
    },
    "QuantileModel": _MODEL
    | {
        "": "Quantile regression",
        "formula": _FORMULA,
        "probabilities": _PROBABILITIES,
        "coefficients": "One row a probability, one column a term of the formula",
    },
}
"""What each field means, by the part that it is in; ``""`` is the part itself."""


def reference_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of reference files of version 2.

    It is published as ``docs/reference-set.schema.json``. A file that follows it may
    still be refused when read: the schema knows no checksums, no formulas, and not
    that limits rise or a matrix is a covariance.

    Returns
    -------
    dict
        Ready for JSON.

    Examples
    --------
    >>> schema = reference_schema()
    >>> schema["properties"]["models"]["description"]
    'The reference values, a muscle and measure each'
    """
    schema = ReferenceSet.model_json_schema()
    parts = schema.pop("$defs")
    described = {name: _described(name, part) for name, part in sorted(parts.items())}
    root = _described("ReferenceSet", schema)
    root["required"] = [*root["required"], FIELD]
    root["properties"][FIELD] |= {"pattern": "^sha256:[0-9a-f]{64}$"}
    root["properties"][FIELD].pop("default", None)
    return {
        "$schema": DIALECT,
        "title": "Reference set of napari-muscle-us, version 2",
        **root,
        "$defs": described,
    }


def _described(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the schema with our words in place of Python's."""
    words = WORDS.get(name, {})
    properties = {
        field: {
            key: value
            for key, value in content.items()
            if key not in ("title", "description")
        }
        | ({"description": words[field]} if field in words else {})
        for field, content in part["properties"].items()
    }
    rest = {k: v for k, v in part.items() if k not in ("title", "description")}
    about = {"description": words[""]} if words else {}
    return about | rest | {"properties": properties}
