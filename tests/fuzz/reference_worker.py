"""Judges what comes of damaged reference sets, conversions and spreadsheets."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.fuzz.reference_seeds import FACTS
from tests.fuzz.roi_worker import BadRegion, refusals

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from napari_muscle_us.reference.model import ReferenceSet, ZScore

MAX_SECONDS: Final = {
    "reference": 5.0,
    "conversion": 2.0,
    "spreadsheet": 5.0,
    "people": 9.0,
}
"""Processor time that a case of a kind may take."""

_MOST_MODELS: Final = 6
_MOST_PEOPLE: Final = 400
_PERSONS: Final = (
    {"age_years": 40.0, "sex": "male", "height_cm": 180.0, "weight_kg": 80.0},
    {"age_years": 75.5, "sex": "female", "height_cm": 155.0, "weight_kg": 50.0},
    {"age_years": 18.0},
)
_COLUMNS: Final = ("z", "predicted", "sd", "percentile", "low", "high")


class BadReference(BadRegion):
    """A Z-score, a set or a table is not as it must be."""


def _need(truth: object, words: str) -> None:
    if not truth:
        raise BadReference(words)


# Reference sets


def read_reference(path: Path) -> tuple[str, str]:
    """Read a set, look people up in it, and write it again."""
    import napari_muscle_us as mus

    reference = mus.load_reference(path)
    use_reference(reference, path.parent)
    return "set", f"{len(reference.models)} models"


def use_reference(reference: ReferenceSet, folder: Path) -> None:
    """Look people up one by one and in a table, and read back what is written."""
    import napari_muscle_us as mus
    from napari_muscle_us.reference.describe import describe_reference
    from napari_muscle_us.reference.write import write_reference

    _need(all(describe_reference(reference)), "an empty line")
    with refusals():
        place = folder / "written.json"
        written = write_reference(place, reference)
        _need(mus.load_reference(place) == written, "another set is read back")
    rows = [
        {"muscle": model.muscle, "measure": model.measure, "value": value}
        | {"side": side, "handedness": "right"}
        | person
        for model in reference.models[:_MOST_MODELS]
        for value in (60.0, 1e-3, 255.0)
        for person, side in zip(_PERSONS, ("left", "right", ""), strict=True)
    ]
    import pandas as pd

    found = reference.z_scores(pd.DataFrame(rows))
    for row, told in zip(rows, found.to_dict("records"), strict=True):
        _compare(reference, row, told)


def _compare(
    reference: ReferenceSet, row: dict[str, Any], told: dict[str, Any]
) -> None:
    """Refuse a row of a table that is not what the look-up of it gives."""
    from napari_muscle_us.errors import MuscleUSError
    from napari_muscle_us.reference.look_up import look_up
    from napari_muscle_us.reference.subject import Subject
    from tests.fuzz.worker import check_error, check_sentence

    names = ("age_years", "sex", "height_cm", "weight_kg", "handedness")
    person = Subject(**{name: row.get(name) for name in names})
    numbers = [told[name] for name in _COLUMNS]
    try:
        score = look_up(
            reference,
            row["muscle"],
            row["value"],
            person,
            measure=row["measure"],
            side=row["side"],
        )
    except MuscleUSError as error:
        check_error(error)
        _need(told["problem"] == str(error), "another problem in a table")
        _need(np.isnan(numbers).all(), "numbers beside a problem")
        return
    _need(told["problem"] == "", "a problem in a table only")
    alone = (score.z, score.predicted, score.sd, score.percentile, *score.interval)
    same = np.isclose(numbers, alone, rtol=1e-9, atol=1e-12, equal_nan=True)
    _need(same.all(), f"{numbers} in a table, {alone} alone")
    for warning in score.warnings:
        check_sentence(warning)
    _check_score(score)


def _check_score(score: ZScore) -> None:
    finite = (score.z, score.predicted, score.sd, score.percentile)
    _need(all(map(math.isfinite, finite)), f"not finite: {finite}")
    # A large value may leave no digits for the SD.
    _need(score.sd >= 0, f"SD {score.sd}")
    _need(0 <= score.percentile <= 100, f"percentile {score.percentile}")
    low, high = score.interval
    _need(
        (math.isnan(low) or low <= score.predicted)
        and (math.isnan(high) or score.predicted <= high),
        f"interval {score.interval} about {score.predicted}",
    )
    if score.contributions:
        moved = math.fsum(c.change for c in score.contributions)
        size = max(abs(c.change) for c in score.contributions)
        slack = 1e-6 * max(size, abs(score.baseline), abs(score.predicted), 1e-9)
        gap = abs(moved - (score.predicted - score.baseline))
        _need(gap <= slack, f"contributions miss by {gap}")


# Conversions


def read_conversion(path: Path) -> tuple[str, str]:
    """Read a conversion, use it both ways, and write it again."""
    from napari_muscle_us.reference.conversion.conversion_file import (
        load_conversion,
        write_conversion,
    )

    found = load_conversion(path)
    _need("\n" not in found.words(), "lines in a line")
    ends = np.array([found.source_range.low, found.source_range.high])
    with refusals():
        there = found.convert(ends)
        _need(np.isfinite(there).all(), "not finite")
        _need(np.isfinite(found.line_sd(ends)).all(), "an SD that is not finite")
        _need(math.isfinite(found.extra_variance), "a variance that is not finite")
        back = found.inverse()
        slack = 1e-6 * max(np.abs(ends).max(), abs(found.intercept) / found.slope)
        _need(np.allclose(back.convert(there), ends, rtol=0, atol=slack), "no inverse")
    with refusals():
        place = path.parent / "written.json"
        write_conversion(place, found)
        again = load_conversion(place).model_copy(update={"checksum": ""})
        _need(again == found.model_copy(update={"checksum": ""}), "another is read")
    return "conversion", found.words()


# Published tables


def read_published(path: Path) -> tuple[str, str]:
    """Read a table of means and SDs, or of LMS curves, and use it."""
    from napari_muscle_us.errors import MuscleUSError
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.importers import import_reference
    from tests.fuzz.worker import check_error

    table = read_spreadsheet(path)
    _check_texts(table)
    first: MuscleUSError | None = None
    made = []
    for kind in ("means", "lms"):
        try:
            made.append(import_reference(path, kind=kind, **FACTS))
        except MuscleUSError as error:
            check_error(error)
            first = first or error
    for reference in made:
        use_reference(reference, path.parent)
    if first is not None and not made:
        raise first
    return "imported", f"{len(made)} sets"


def _check_texts(table: pd.DataFrame) -> None:
    _need(len(set(table.columns)) == len(table.columns), "a column twice")
    _need(len(table) * len(table.columns) <= 20_000_000, "too many cells")
    for text in table.to_numpy().ravel()[:2000]:
        _need(isinstance(text, str) and text == text.strip(), f"cell {text!r:.80}")


# Tables of people


def read_people(path: Path) -> tuple[str, str]:
    """Read a table of people and do with it what the panels do."""
    import napari_muscle_us as mus
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.people.people_table import tidy_people
    from tests.fuzz.worker import check_text

    table = read_spreadsheet(path)
    _check_texts(table)
    with refusals():
        _harmonised(table)
    tidy = tidy_people(table)
    check_text(repr(tidy.to_dict("list")))
    before = tidy.copy(deep=True)
    few = tidy.iloc[:_MOST_PEOPLE]
    built_in = mus.load_reference("radboud-esaote-6100-adult")
    with refusals():
        found = built_in.z_scores(few)
        _need(
            (np.isnan(found["z"]) == (found["problem"] != "")).all(),
            "neither Z-score nor problem",
        )
    with refusals():
        _examined(built_in, few)
    for repeated in ("mixed", "mean"):
        with refusals():
            _fitted(few, repeated)
    _need(tidy.equals(before), "the table was modified")
    return "people", f"{len(tidy)} values"


def _harmonised(table: pd.DataFrame) -> None:
    import warnings

    from napari_muscle_us.errors import MuscleUSWarning
    from napari_muscle_us.reference.harmonising.harmonise import harmonise_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MuscleUSWarning)
        done = harmonise_table(
            table.iloc[:_MOST_PEOPLE],
            batch="scanner",
            features=["EI"],
            covariates=["age"],
            empirical_bayes=False,
        )
    _need(np.isfinite(done["EI_harmonised"]).all(), "harmonised to no number")


def _examined(reference: ReferenceSet, table: pd.DataFrame) -> None:
    from napari_muscle_us.errors import MuscleUSError
    from napari_muscle_us.reference.examination.examination import (
        examine,
        persons_and_visits,
    )
    from napari_muscle_us.reference.examination.follow_up import follow_up
    from tests.fuzz.worker import check_error

    codes = dict.fromkeys(code for code, _ in persons_and_visits(table))
    for code in list(codes)[:2]:
        try:
            found = follow_up(reference, table, subject_code=code, sem=2.0)
        except MuscleUSError as error:
            check_error(error)
        else:
            for course in found.courses:
                for visit in course.visits:
                    change = visit.first
                    flagged = change is not None and change.changed
                    _need(
                        not flagged or abs(change.difference) > change.mdc95,
                        "a change within the error",
                    )
        with refusals():
            one = examine(reference, table, subject_code=code)
            _need(
                all(bool(m.problem) is (m.score is None) for m in one.muscles),
                "neither Z-score nor problem",
            )
            decision = one.decide()
            _need(decision.n == len(one.z_scores), "another number of Z-scores")


def _fitted(table: pd.DataFrame, repeated: Any) -> None:
    from napari_muscle_us.reference.fitting.fit import fit_reference
    from napari_muscle_us.reference.fitting.fit_types import FitOptions

    options = FitOptions(candidates=("age_years", "sex_male"), folds=3)
    fit = fit_reference(table, options=replace(options, repeated=repeated))
    if fit is None:
        raise BadReference("nothing was fitted")
    for muscle in fit.muscles:
        _need(np.isfinite(muscle.rows["z"]).all(), "a control without Z-score")
        _need(muscle.n_subjects == muscle.rows["subject"].nunique(), "people")
