"""Predicted values and 95 % limits of typical persons, for a report."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._fit_people import (
    SEX_WORDS,
    body_of,
    covariates_of_rows,
    person,
    sexes_of,
)
from napari_muscle_us.reference.fitting._report_html import (
    NONE,
    Part,
    fixed,
    heading,
    joined,
    number,
    paragraph,
    table,
)

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

_MOST_AGES: Final = 7
_SIZE: Final = frozenset({"height_cm", "weight_kg", "bmi"})


def typical_part(fit: MuscleFit) -> Part:
    """Return a table of predictions for persons of mean height and weight.

    Women and men have rows of their own where the model tells a difference, sides and
    dominance likewise. Ages are round ones within the range of the controls.
    """
    model = fit.model
    used = set(model.covariates)
    sexes = sexes_of(fit) if used & {"sex_male", *_SIZE} else ()
    heads = ["Persons", *(["Height", "Weight"] if used & _SIZE else []), "Age"]
    heads += ["2.5 %", "Median", "97.5 %"]
    rows = []
    for sex, (side, where), age in product(
        sexes or (None,), _sides(used), typical_ages(fit)
    ):
        x = person(fit, sex=sex, **where, age_years=age)
        ends = model.value_at(x, np.array([2.5, 50.0, 97.5]))
        body = body_of(fit, sex)
        size = [fixed(body[n], 0) for n in ("height_cm", "weight_kg")]
        rows.append(
            (
                ", ".join(word for word in (SEX_WORDS.get(sex or ""), side) if word)
                or "all",
                *(size if used & _SIZE else ()),
                number(age, 3),
                *(fixed(float(value), _decimals(fit)) for value in ends),
            )
        )
    absent = any(NONE in row[-3:] for row in rows)
    why = "A dash is a limit that the quantiles of the model do not reach."
    return joined(
        [
            heading(3, f"{fit.muscle} ({model.unit})"),
            table(heads, rows),
            paragraph(why, "small") if absent else Part(""),
        ]
    )


def _decimals(fit: MuscleFit) -> int:
    """Return the decimals with which a thirtieth of the SD can be told."""
    spread = float(np.std(fit.rows["value"].to_numpy(dtype=np.float64)))
    return int(np.clip(np.ceil(-np.log10(spread / 30)), 0, 6)) if spread > 0 else 2


def typical_ages(fit: MuscleFit) -> list[float]:
    """Return round ages within the range of the controls; NaN where none is known."""
    ages = covariates_of_rows(fit.rows)["age_years"]
    ages = ages[np.isfinite(ages)]
    if not len(ages):
        return [float("nan")]
    low, high = float(ages.min()), float(ages.max())
    steps = (s for s in (1, 2, 5, 10, 15, 20) if (high - low) / s <= _MOST_AGES)
    step = next(steps, 25)
    first = np.ceil(low / step) * step
    found = [float(age) for age in np.arange(first, high + 1e-9, step)]
    return found or [float(ages.mean())]


def _sides(used: set[str]) -> list[tuple[str, dict[str, float]]]:
    sides: list[tuple[str, dict[str, float]]] = [("", {})]
    if "side_right" in used:
        sides = [("left", {"right": 0.0}), ("right", {"right": 1.0})]
    hands: list[tuple[str, dict[str, float]]] = [("", {})]
    if "side_nondominant" in used:
        hands = [
            ("dominant side", {"nondominant": 0.0}),
            ("other side", {"nondominant": 1.0}),
        ]
    return [
        (", ".join(word for word in (one, other) if word), {**first, **second})
        for (one, first), (other, second) in product(sides, hands)
    ]
