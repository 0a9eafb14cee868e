"""A reference set of fitted muscles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import ValidationError

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import FORMAT, FORMAT_VERSION, ReferenceSet
from napari_muscle_us.reference.parts import Limited, Population, Range, Span
from napari_muscle_us.reference.write import reference_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.fit_types import ReferenceFit
    from napari_muscle_us.reference.parts import DeviceBinding

REFUSE_MARGIN: Final = 0.1
"""How far beyond the sample a Z-score is still given, as a part of the sample's range.

Our choice: six years for controls of 20 to 80 years. It is given with a warning.
"""

_POSSIBLE: Final[dict[Limited, tuple[float, float]]] = {
    "age_years": (0, 120),
    "height_cm": (30, 250),
    "weight_kg": (1, 400),
    "bmi": (0, math.inf),
}
_BODY: Final[tuple[Limited, Limited]] = ("height_cm", "weight_kg")


def limits_of_people(
    people: pd.DataFrame, covariates: Iterable[str]
) -> dict[Limited, Range]:
    """Return the limits of covariates from a sample.

    Parameters
    ----------
    people : DataFrame
        With the columns ``subject, age_years, height_cm, weight_kg``.
    covariates : iterable of str
        Covariates of the model. Age is always limited where it is known, height,
        weight and body-mass index where the model uses them.

    Returns
    -------
    dict
        Warned of outside the lowest and highest value; refused beyond `REFUSE_MARGIN`
        of the range further.
    """
    used = set(covariates)
    wanted: list[Limited] = ["age_years"]
    wanted += ["height_cm"] if used & {"height_cm", "bmi"} else []
    wanted += ["weight_kg"] if used & {"weight_kg", "bmi"} else []
    wanted += ["bmi"] if "bmi" in used else []
    found: dict[Limited, Range] = {}
    for name in wanted:
        values = _told(people, name)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        low, high = float(values.min()), float(values.max())
        beyond = REFUSE_MARGIN * (high - low)
        least, most = _POSSIBLE[name]
        found[name] = Range(
            warn=(low, high),
            refuse=(max(low - beyond, least), min(high + beyond, most)),
            basis=f"the range of the {people['subject'].nunique()} controls",
        )
    return found


def _told(people: pd.DataFrame, name: Limited) -> npt.NDArray[np.float64]:
    if name != "bmi":
        return people[name].to_numpy(dtype=np.float64)
    height, weight = (_told(people, own) for own in _BODY)
    # As `Subject.bmi` computes it, so that nobody is outside by a rounding error.
    return np.asarray(weight / (height / 100) ** 2)


def reference_from_fit(
    fit: ReferenceFit,
    *,
    name: str,
    title: str,
    device: DeviceBinding,
    author: str,
    licence: str,
    date: str,
    citation: str = "Not published.",
    source_remark: str = "Fitted to own healthy controls with napari-muscle-us.",
    description: str = "Healthy controls.",
    country: str = "",
    exclusion: str = "",
    protocol: str = "",
) -> ReferenceSet:
    """Return a reference set of fitted muscles, ready for Z-scores.

    Parameters
    ----------
    fit : ReferenceFit
        From `fit_reference`.
    name : str
        Short name: small letters, digits and hyphens.
    title : str
        Title in words.
    device : DeviceBinding
        Scanner and settings that the controls were measured with.
    author, licence, date : str
        Who made it, under which licence it may be used, and when (year-month-day).
    citation, source_remark : str
        Where it is published, and where the values are from.
    description, country, exclusion : str
        Of the people.
    protocol : str
        How was measured.

    Returns
    -------
    ReferenceSet
        Each model holds its own limits: outside the range of its controls is warned,
        beyond `REFUSE_MARGIN` of that range refused. The population is counted over
        all muscles, each subject once. The checksum is that of its file, once
        `napari_muscle_us.reference.write.write_reference` has written it.

    Raises
    ------
    ReferenceSetError
        If something told is not possible, such as a name with spaces.
    """
    people = _people(fit)
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "name": name,
        "title": title,
        "citation": citation,
        "source_remark": source_remark,
        "licence": licence,
        "author": author,
        "date": date,
        "device": device,
        "protocol": protocol,
        "limits": limits_of_people(people, ()),
        "models": tuple(muscle.model for muscle in fit.muscles),
    }
    try:
        content["population"] = Population(
            description=description,
            country=country,
            exclusion=exclusion,
            **_counted(people),
        )
        reference = ReferenceSet(**content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the set"
        raise ReferenceSetError(
            f"The reference set cannot be made, because of {place}: {first['msg']}; "
            "correct it."
        ) from None
    stamp = reference_document(reference)["checksum"]
    return reference.model_copy(update={"checksum": stamp})


def _people(fit: ReferenceFit) -> pd.DataFrame:
    """Return one row a subject over all muscles."""
    import pandas as pd

    rows = pd.concat([muscle.rows for muscle in fit.muscles], ignore_index=True)
    facts = ["subject", "age_years", "sex", "height_cm", "weight_kg"]
    return rows[facts].drop_duplicates("subject")


def _counted(people: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {"n": len(people)}
    if people["sex"].notna().all():
        found["women"] = int((people["sex"] == "female").sum())
        found["men"] = int((people["sex"] == "male").sum())
    for name in ("age_years", "height_cm", "weight_kg"):
        values = people[name].dropna().to_numpy(dtype=np.float64)
        if len(values):
            found[name] = Span(low=float(values.min()), high=float(values.max()))
    return found
