"""Age, sex, height and weight of a subject, checked for mixed-up units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEXES: Final = ("male", "female")

SIDES: Final = ("left", "right")

POSSIBLE: Final = {
    "age_years": (0.0, 120.0),
    "height_cm": (30.0, 250.0),
    "weight_kg": (1.0, 400.0),
}
"""Lowest and highest value that a person can have."""

_NEEDED_WORDS: Final = {
    "age_years": ("age",),
    "sex_male": ("sex",),
    "height_cm": ("height",),
    "weight_kg": ("weight",),
    "bmi": ("height", "weight"),
    "side_right": ("side",),
    "side_nondominant": ("side", "handedness"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Covariates of a person; ``None`` where not known.

    Parameters
    ----------
    age_years : float, optional
        0 … 120.
    sex : {"male", "female"}, optional
        Sex, a whole word in any case.
    height_cm : float, optional
        30 … 250; a value below 3 was surely meant in metres.
    weight_kg : float, optional
        1 … 400.
    handedness : {"left", "right"}, optional
        The hand that the person writes with. Of somebody who prefers neither it is
        left out: no side is the dominant one, and a model that needs it is refused.

    Raises
    ------
    ReferenceSetError
        If a value is impossible, with the likely mistake.

    Examples
    --------
    >>> Subject(40, "male", 180, 80).bmi
    24.691358024691358
    """

    age_years: float | None = None
    sex: str | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    handedness: str | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        _check("Age", self.age_years, "years", POSSIBLE["age_years"], _age_hint)
        _check("Height", self.height_cm, "cm", POSSIBLE["height_cm"], _height_hint)
        _check("Weight", self.weight_kg, "kg", POSSIBLE["weight_kg"], _weight_hint)
        # No letters: M is a man here, a woman (mujer) elsewhere.
        sex = None if self.sex is None else self.sex.strip().casefold()
        if sex is not None and sex not in SEXES:
            raise ReferenceSetError(
                f"Sex {self.sex!r} is not one that the reference models know; use "
                "'male' or 'female'."
            )
        object.__setattr__(self, "sex", sex)
        hand = None if self.handedness is None else self.handedness.strip().casefold()
        if hand is not None and hand not in SIDES:
            raise ReferenceSetError(
                f"Handedness {self.handedness!r} is not one that the reference models "
                "know; use 'left' or 'right', or leave it out where neither is "
                "preferred."
            )
        object.__setattr__(self, "handedness", hand)

    @property
    def bmi(self) -> float | None:
        """Body-mass index in kg/m², ``None`` when height or weight is missing."""
        if self.height_cm is None or self.weight_kg is None:
            return None
        return self.weight_kg / (self.height_cm / 100) ** 2

    def known(self, *, side: str = "") -> dict[str, float]:
        """Return the values of all covariates; NaN where one is not known.

        Parameters
        ----------
        side : {"left", "right", ""}
            Side of the body that was measured.

        Returns
        -------
        dict
            One entry for each of `napari_muscle_us.reference.formula.COVARIATES`.
        """
        right = None if side not in SIDES else float(side == "right")
        other = None
        if right is not None and self.handedness is not None:
            other = float(side != self.handedness)
        values: dict[str, float | None] = {
            "age_years": self.age_years,
            "sex_male": None if self.sex is None else float(self.sex == "male"),
            "height_cm": self.height_cm,
            "weight_kg": self.weight_kg,
            "bmi": self.bmi,
            "side_right": right,
            "side_nondominant": other,
        }
        return {k: float("nan") if v is None else float(v) for k, v in values.items()}

    def covariates(
        self, needed: Sequence[str], *, muscle: str, side: str = ""
    ) -> dict[str, float]:
        """Return the values of all covariates, having checked those that are needed.

        Raises
        ------
        ReferenceSetError
            If a needed one is missing; the message names all missing ones.
        """
        values = self.known(side=side)
        absent = [
            word
            for name in needed
            if np.isnan(values[name])
            for word in _NEEDED_WORDS[name]
            if self._lacks(word, side)
        ]
        if absent:
            absent = list(dict.fromkeys(absent))
            raise ReferenceSetError(
                f"The reference model of {muscle} needs the subject's "
                f"{' and '.join(absent)}; enter {'it' if len(absent) == 1 else 'them'}."
            )
        return values

    def _lacks(self, word: str, side: str) -> bool:
        given = {
            "age": self.age_years,
            "sex": self.sex,
            "height": self.height_cm,
            "weight": self.weight_kg,
            "handedness": self.handedness,
            "side": side if side in SIDES else None,
        }
        return given[word] is None


def _age_hint(age: float) -> str:
    if 1900 <= age <= 2100:
        return "this looks like a year of birth, so enter the age"
    if 120 < age <= 1200:
        return f"this looks like months, so enter {age / 12:.4g}"
    return "enter it in years"


def _height_hint(height: float) -> str:
    if 0.3 <= height <= 2.5:
        return f"this looks like metres, so enter {height * 100:g}"
    if 300 <= height <= 2500:
        return f"this looks like millimetres, so enter {height / 10:g}"
    return "enter it in cm"


def _weight_hint(weight: float) -> str:
    if 1000 <= weight <= 400_000:
        return f"this looks like grams, so enter {weight / 1000:g}"
    return "enter it in kg"


def _check(
    word: str,
    value: float | None,
    unit: str,
    allowed: tuple[float, float],
    hint: Callable[[float], str],
) -> None:
    if value is None:
        return
    if not np.isfinite(value) or not allowed[0] <= value <= allowed[1]:
        raise ReferenceSetError(
            f"{word} {value:g} {unit} is not possible (allowed {allowed[0]:g}–"
            f"{allowed[1]:g}); {hint(value)}."
        )
