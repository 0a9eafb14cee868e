"""Linear models as MATLAB exports them for CreateRandom/muscle-ultrasound."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import read_strict_json
from napari_muscle_us.reference.formula import format_formula
from napari_muscle_us.reference.load import read_reference_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

COEFFICIENTS: Final = {
    "Age": "age_years",
    "Sex_Male": "sex_male",
    "Weight": "weight_kg",
    # The exported files spell it so.
    "Lenght": "height_cm",
    "Length": "height_cm",
    "Height": "height_cm",
    "BMI": "bmi",
    "Dominance_Non-dominant": "side_nondominant",
    "Side_Right": "side_right",
}
"""Names of coefficients and our covariates; powers are ``Age^2``, products ``:``."""

_FIELDS: Final = frozenset(
    {"Muscle", "CoefficientNames", "Coefficients", "MSE", "RMSE", "DFE", "CoeffCov"}
)
_WRAP: Final = "models"


def read_models(path: str | Path, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the models of a file, each as the format holds it.

    Parameters
    ----------
    path : str or Path
        JSON list of objects with ``Muscle``, ``CoefficientNames``, ``Coefficients``,
        ``MSE``, ``DFE`` and ``CoeffCov``.
    facts : mapping
        ``measure``, ``unit`` and ``sd`` where they are not the usual ones.

    Returns
    -------
    list of dict
        In the order of the file. ``n`` is the degrees of freedom plus the number of
        coefficients.

    Raises
    ------
    ReferenceSetError
        If the file is of another kind or a coefficient is not known.
    """
    what = f"The file {Path(path).name!r}"
    content = read_reference_bytes(Path(path).absolute()).removeprefix(b"\xef\xbb\xbf")
    wrapped = b'{"' + _WRAP.encode() + b'":' + content + b"}"
    document = read_strict_json(wrapped, what=what)
    entries = document.get(_WRAP)
    if isinstance(entries, dict):
        entries = [entries]  # MATLAB writes a list of one without brackets.
    if len(document) != 1 or not isinstance(entries, list) or not entries:
        raise ReferenceSetError(
            f"{what} is no list of models as MATLAB exports them; check the kind."
        )
    return [_model(entry, facts, what) for entry in entries]


def _model(entry: Any, facts: Mapping[str, Any], what: str) -> dict[str, Any]:
    needed = _FIELDS - {"RMSE"}
    if not isinstance(entry, dict) or not needed <= set(entry) <= _FIELDS:
        raise ReferenceSetError(
            f"{what} holds a model without exactly {', '.join(sorted(needed))}; check "
            "the kind, or export it again."
        )
    muscle = str(entry["Muscle"])
    names = _listed(entry["CoefficientNames"])
    terms = [_term(str(name), muscle) for name in names]
    freedom = _number(entry["DFE"], "DFE", muscle)
    variance = _number(entry["MSE"], "MSE", muscle)
    if "RMSE" in entry:
        root = _number(entry["RMSE"], "RMSE", muscle)
        if not math.isclose(root * root, variance, rel_tol=1e-9):
            raise ReferenceSetError(
                f"The model of {muscle[:60]} has the RMSE {root:g} and the MSE "
                f"{variance:g}, which is not its square; export it again."
            )
    if not freedom.is_integer():
        raise ReferenceSetError(
            f"The model of {muscle[:60]} has {freedom:g} degrees of freedom; they are "
            "whole in a linear model, so export it again."
        )
    return {
        "muscle": muscle,
        "measure": facts.get("measure", "intensity.mean"),
        "unit": facts.get("unit", "gray level"),
        "kind": "linear",
        "n": int(freedom) + len(terms),
        "formula": format_formula(terms),
        "coefficients": _listed(entry["Coefficients"]),
        "covariance": [_listed(row) for row in _listed(entry["CoeffCov"])],
        "residual_variance": variance,
        "degrees_of_freedom": int(freedom),
        "sd": facts.get("sd", "prediction"),
    }


def _listed(value: Any) -> list[Any]:
    # MATLAB writes a list of one without brackets.
    return value if isinstance(value, list) else [value]


def _number(value: Any, name: str, muscle: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReferenceSetError(
            f"{name} of {muscle[:60]} is no number; export the models again."
        )
    return float(value)


def _term(name: str, muscle: str) -> dict[str, int]:
    if name == "(Intercept)":
        return {}
    term: dict[str, int] = {}
    for factor in name.split(":"):
        base, _, power = factor.partition("^")
        covariate = COEFFICIENTS.get(base)
        whole = power.isascii() and power.isdecimal() and len(power) < 3
        if covariate is None or (power and not whole) or covariate in term:
            raise ReferenceSetError(
                f"The coefficient {name[:60]!r} of {muscle[:60]} is not known; known "
                f"are (Intercept), {', '.join(COEFFICIENTS)}, their powers and "
                "products."
            )
        term[covariate] = int(power or 1)
    return term
