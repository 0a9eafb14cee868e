"""Healthy controls of one muscle, taken from a table and checked before a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._control_rows import (
    PERSON,
    first_visits,
    one_value_a_side,
    rows_of,
    with_people,
)
from napari_muscle_us.reference.fitting._fit_choices import (
    check_options as check_options,
)
from napari_muscle_us.reference.fitting._fit_choices import (
    needed_covariates as needed_covariates,
)
from napari_muscle_us.reference.fitting._mixed import groups_of
from napari_muscle_us.reference.formula import BINARY, COVARIATES, parse_formula
from napari_muscle_us.reference.rules import check_value
from napari_muscle_us.reference.subject import SIDES, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.fit_types import FitOptions
    from napari_muscle_us.reference.parts import Sex

    Floats = npt.NDArray[np.float64]

MIN_SUBJECTS: Final = 10
"""Fewest subjects of whom anything is fitted.

Our choice: an end of the 95 % interval then has a standard error of half an SD. The
fit says how many are sensible.
"""

SPARE_SUBJECTS: Final = 5
"""Subjects that there must be beyond the coefficients. Our choice."""

_NEVER_NEGATIVE: Final = ("mm", "cm", "mm²", "cm²")

COVARIATE_WORDS: Final = {
    "age_years": "age",
    "sex_male": "sex",
    "height_cm": "height",
    "weight_kg": "weight",
    "bmi": "height or weight",
    "side_right": "side",
    "side_nondominant": "side or handedness",
}


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """Values of one muscle and measure, with what is known of the people.

    Attributes
    ----------
    muscle, measure, unit : str
        What was measured.
    rows : DataFrame
        One row a value used, with the columns of `ROWS`; sorted by subject and side.
    x : dict of str to ndarray of float64, shape (rows,)
        Covariates of `napari_muscle_us.reference.formula.COVARIATES`.
    warnings : tuple of str
        What was left out or averaged, a sentence each.
    averaged : bool
        Whether a row is the mean of a person's sides.
    """

    muscle: str
    measure: str
    unit: str
    rows: pd.DataFrame
    x: dict[str, Floats]
    warnings: tuple[str, ...] = ()
    averaged: bool = False

    @property
    def subjects(self) -> npt.NDArray[np.object_]:
        """Label of each row's subject."""
        return self.rows["subject"].to_numpy(dtype=object)

    @property
    def n_subjects(self) -> int:
        """Number of people."""
        return int(self.rows["subject"].nunique())

    @property
    def values(self) -> Floats:
        """Measured values, in `unit`."""
        return self.rows["value"].to_numpy(dtype=np.float64)

    @property
    def only_sex(self) -> tuple[Sex, ...]:
        """The sex of all people where it is one and told of each; else empty."""
        told = set(self.rows["sex"])
        sexes: tuple[Sex, ...] = ("female", "male")
        return tuple(sex for sex in sexes if told == {sex})

    @property
    def observation(self) -> Literal["single value", "mean of a person's values"]:
        """What a row is, as a model says it."""
        return "mean of a person's values" if self.averaged else "single value"

    def centre(self, covariates: Iterable[str]) -> dict[str, float]:
        """Return the mean of covariates over subjects, each once."""
        means = {}
        for name in covariates:
            of = groups_of(self.subjects)
            means[name] = float(of.means(self.x[name][:, None]).mean())
        return means


def controls_of(
    table: pd.DataFrame, muscle: str, *, measure: str, options: FitOptions
) -> Controls:
    """Return the controls of a muscle, checked.

    Parameters
    ----------
    table : DataFrame
        One row a value with the columns ``subject, muscle, value`` and, as far as
        known, ``visit, side, image, measure, unit, age_years, sex, height_cm,
        weight_kg, handedness``.
    muscle : str
        Name, whatever its case.
    measure : str
        Key of the measure; a table without a column ``measure`` holds only this.
    options : FitOptions
        Which covariates are needed and how sides are used.

    Returns
    -------
    Controls
        Images of one muscle, side and visit are averaged; of several visits of a
        subject the first counts (youngest age, then the label); subjects of whom a
        needed covariate is missing are left out, and it is said.

    Raises
    ------
    ReferenceSetError
        If there are too few subjects (fewer than `MIN_SUBJECTS`, or fewer than
        `SPARE_SUBJECTS` beyond the coefficients of a formula), a value or a person is
        told twice and differently, a covariate is impossible, missing or the same for
        all, values do not vary, or they are not above 0 on a scale that needs it.
    """
    warnings: list[str] = []
    muscle = muscle.strip()
    rows, unit = rows_of(table, muscle, measure, warnings)
    rows = first_visits(rows, muscle, warnings)
    rows = one_value_a_side(rows, muscle, warnings)
    rows = with_people(rows, muscle)
    rows, averaged = _repeats_used(rows, muscle, options, warnings)
    rows = rows.sort_values(["subject", "side"], kind="stable", ignore_index=True)
    x = _covariates(rows)
    needed = needed_covariates(options)
    keep = np.all([~np.isnan(x[name]) for name in needed], axis=0) | np.zeros(
        len(rows), dtype=bool
    )
    _say_missing(rows, x, keep, needed, muscle, warnings)
    found = Controls(
        muscle=muscle,
        measure=measure,
        unit=unit,
        rows=rows[keep].reset_index(drop=True),
        x={name: values[keep] for name, values in x.items()},
        warnings=tuple(warnings),
        averaged=averaged,
    )
    if options.kind != "linear" and len(found.rows) > found.n_subjects:
        raise ReferenceSetError(
            f"Subjects have several values of {muscle}, and a model of the kind "
            f"{options.kind} needs one of each; choose their mean or one side."
        )
    _check_number(found, options)
    _check_values(found, options)
    _check_constant(found, needed)
    return replace(found, warnings=(*found.warnings, *_one_sex(found)))


def _repeats_used(
    rows: pd.DataFrame, muscle: str, options: FitOptions, warnings: list[str]
) -> tuple[pd.DataFrame, bool]:
    """Return the rows that the option wants, and whether sides were averaged."""
    if options.repeated in SIDES:
        return rows[rows["side"] == options.repeated], False
    sides = rows.groupby("subject")["value"].transform("size")
    if options.repeated == "mixed" or not (sides > 1).any():
        return rows, False
    single = int((sides == 1).sum())
    if single:
        warnings.append(
            f"{single} subjects have one side of {muscle} only; its value stands among "
            "means of two sides, which scatter less."
        )
    mean = rows.groupby("subject")["value"].transform("mean")
    return rows.assign(value=mean, side="").drop_duplicates("subject"), True


def _covariates(rows: pd.DataFrame) -> dict[str, Floats]:
    """Return the values of all covariates; impossible ones are refused."""
    known = []
    for row in rows.to_dict("records"):
        person = {
            name: None if row[name] is None or row[name] != row[name] else row[name]
            for name in PERSON
        }
        known.append(Subject(**person).known(side=row["side"]))
    return {name: np.array([k[name] for k in known]) for name in COVARIATES}


def _say_missing(
    rows: pd.DataFrame,
    x: Mapping[str, Floats],
    keep: npt.NDArray[np.bool_],
    needed: tuple[str, ...],
    muscle: str,
    warnings: list[str],
) -> None:
    total = int(rows["subject"].nunique())
    absent = [name for name in needed if len(rows) and np.isnan(x[name]).all()]
    if absent:
        raise ReferenceSetError(
            f"{', '.join(absent)} cannot be told of any of the {total} subjects of "
            f"{muscle}; fill in what is missing, or take {_it(absent)} out of the "
            "candidates."
        )
    lost = total - int(rows.loc[keep, "subject"].nunique())
    if not keep.all():
        words = [COVARIATE_WORDS[n] for n in needed if np.isnan(x[n]).any()]
        warnings.append(
            f"{int((~keep).sum())} values of {muscle} were left out ({lost} of {total} "
            f"subjects), since {', '.join(dict.fromkeys(words))} is missing."
        )


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _check_number(found: Controls, options: FitOptions) -> None:
    n = found.n_subjects
    if n < MIN_SUBJECTS:
        raise ReferenceSetError(
            f"{found.muscle} has {n} subjects with all that is needed; at least "
            f"{MIN_SUBJECTS} are wanted for reference values."
        )
    if options.formula is not None:
        terms = len(parse_formula(options.formula))
    elif options.selection == "none":
        terms = 1 + len(needed_covariates(options))
    else:
        return
    if n < terms + SPARE_SUBJECTS:
        raise ReferenceSetError(
            f"{found.muscle} has {n} subjects, and the formula {terms} coefficients; "
            f"at least {terms + SPARE_SUBJECTS} subjects are wanted, so take a smaller "
            "formula."
        )


def _check_values(found: Controls, options: FitOptions) -> None:
    values = found.values
    for value in values:
        check_value(float(value), found.measure)
    if found.unit in _NEVER_NEGATIVE and values.min() < 0:
        raise ReferenceSetError(
            f"{found.muscle} has the value {values.min():g} {found.unit}, and no "
            "length or area is below 0; correct the table."
        )
    if np.ptp(values) == 0:
        raise ReferenceSetError(
            f"All {len(values)} values of {found.muscle} are {values[0]:g} "
            f"{found.unit}; measured values vary, so check the table."
        )
    positive = options.scale != "none" or options.kind == "lms"
    if positive and values.min() <= 0:
        raise ReferenceSetError(
            f"{found.muscle} has the value {values.min():g} {found.unit}, and a "
            "logarithm or power needs values above 0; use scale 'none' and a linear "
            "model."
        )


def _check_constant(found: Controls, needed: tuple[str, ...]) -> None:
    for name in needed:
        values = found.x[name]
        if np.ptp(values) > 0:
            continue
        what = f"{COVARIATE_WORDS[name]} is {values[0]:g}"
        if name in BINARY:
            which = {
                "sex_male": ("women", "men"),
                "side_right": ("of the left side", "of the right side"),
                "side_nondominant": ("of the dominant", "of the other side"),
            }[name][int(values[0])]
            what = f"values are {which}"
        raise ReferenceSetError(
            f"In all {found.n_subjects} subjects of {found.muscle} the {what}, so that "
            f"its effect cannot be told; take {name} out of the model."
        )


def _one_sex(found: Controls) -> tuple[str, ...]:
    sexes = set(found.rows["sex"].dropna())
    if len(sexes) != 1:
        return ()
    who = "men" if sexes == {"male"} else "women"
    return (f"All subjects of {found.muscle} are {who}; the values hold for {who}.",)
