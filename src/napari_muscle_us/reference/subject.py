"""Age, sex, height and weight of a subject, checked for mixed-up units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Sequence

SEXES: Final = ("male", "female")

_NEEDED_WORDS: Final = {
    "age_years": "age",
    "sex_male": "sex",
    "height_cm": "height",
    "weight_kg": "weight",
    "bmi": "height and weight",
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

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        _check("Age", self.age_years, "years", (0, 120), "enter it in years")
        height_hint = "enter it in cm"
        if self.height_cm is not None and 0.3 <= self.height_cm <= 2.5:
            height_hint = f"this looks like metres, so enter {self.height_cm * 100:g}"
        _check("Height", self.height_cm, "cm", (30, 250), height_hint)
        _check("Weight", self.weight_kg, "kg", (1, 400), "enter it in kg")
        # No letters: M is a man here, a woman (mujer) elsewhere.
        sex = None if self.sex is None else self.sex.strip().casefold()
        if sex is not None and sex not in SEXES:
            raise ReferenceSetError(
                f"Sex {self.sex!r} is not one that the reference models know; use "
                "'male' or 'female'."
            )
        object.__setattr__(self, "sex", sex)

    @property
    def bmi(self) -> float | None:
        """Body-mass index in kg/m², ``None`` when height or weight is missing."""
        if self.height_cm is None or self.weight_kg is None:
            return None
        return self.weight_kg / (self.height_cm / 100) ** 2

    def covariates(self, needed: Sequence[str], *, muscle: str) -> dict[str, float]:
        """Return the values of the covariates that a model needs.

        Raises
        ------
        ReferenceSetError
            If one is missing; the message names all missing ones.
        """
        known: dict[str, float | None] = {
            "age_years": self.age_years,
            "sex_male": None if self.sex is None else float(self.sex == "male"),
            "height_cm": self.height_cm,
            "weight_kg": self.weight_kg,
            "bmi": self.bmi,
        }
        values = {name: known[name] for name in needed}
        missing = [_NEEDED_WORDS[name] for name, v in values.items() if v is None]
        if missing:
            words = list(dict.fromkeys(" and ".join(missing).split(" and ")))
            absent = [w for w in words if self._lacks(w)]
            raise ReferenceSetError(
                f"The reference model of {muscle} needs the subject's "
                f"{' and '.join(absent)}; enter {'it' if len(absent) == 1 else 'them'}."
            )
        return {name: float(v) for name, v in values.items() if v is not None}

    def _lacks(self, word: str) -> bool:
        given = {
            "age": self.age_years,
            "sex": self.sex,
            "height": self.height_cm,
            "weight": self.weight_kg,
        }
        return given[word] is None


def _check(
    word: str, value: float | None, unit: str, allowed: tuple[float, float], hint: str
) -> None:
    if value is None:
        return
    if not np.isfinite(value) or not allowed[0] <= value <= allowed[1]:
        raise ReferenceSetError(
            f"{word} {value:g} {unit} is not possible (allowed {allowed[0]:g}–"
            f"{allowed[1]:g}); {hint}."
        )
