"""Z-scores of all rows of a table at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference._batch_columns import ADDED, Columns
from napari_muscle_us.reference.look_up import carried_over, scanner_caveats
from napari_muscle_us.reference.rules import (
    age_unknown_sentence,
    beyond_sentence,
    check_side,
    check_unit,
    largest_leverage,
    leverage,
    leverage_sentence,
    limits_of,
    observation_caveats,
    outside_sentence,
    sex_sentences,
    unlimited_caveats,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.base import Evaluation, Floats
    from napari_muscle_us.reference.model import ReferenceSet

    Rows = npt.NDArray[np.intp]

_NUMBERS: Final = ADDED[:6]
_TEXTS: Final = ADDED[6:9]


def z_scores(
    reference: ReferenceSet,
    table: pd.DataFrame,
    *,
    device: Device | None = None,
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> pd.DataFrame:
    """Return a table with the Z-scores of all its rows.

    Each row gets what `napari_muscle_us.reference.look_up.look_up` gives for it, or
    the sentence with which it is refused; one row never spoils another.

    Parameters
    ----------
    reference : ReferenceSet
        Healthy people to compare with.
    table : DataFrame
        One row a value, with the columns ``muscle`` and ``value`` and, where known,
        ``measure`` (``intensity.mean`` where it is left out), ``unit``, ``side``,
        ``age_years``, ``sex``, ``height_cm``, ``weight_kg`` and ``handedness``. Empty
        cells are not known. All other columns, as ``subject`` and ``visit``, are kept.
    device : Device, optional
        Device of all rows; another than the set's is refused.
    accept_device : bool, default: False
        Whether the user answers for a device that is not the set's.
    conversion : DeviceConversion, optional
        Carries all values over from `device` to the device of the set.

    Returns
    -------
    DataFrame
        The columns of the table and ``z, predicted, sd, percentile, low, high, unit,
        muscle_in_set, warning, problem``. The first six are NaN where ``problem``
        says why there is no Z-score; ``warning`` holds the caveats of the others.

    Raises
    ------
    ReferenceSetError
        If a column is missing, there twice, or would be replaced.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_muscle_us import load_reference
    >>> table = pd.DataFrame(
    ...     {
    ...         "muscle": ["Soleus", "Plantaris"],
    ...         "value": [80.0, 80.0],
    ...         "age_years": 40,
    ...         "sex": "male",
    ...     }
    ... )
    >>> found = z_scores(load_reference("radboud-esaote-6100-adult"), table)
    >>> found["z"].round(3).tolist()
    [2.297, nan]
    >>> found["problem"][1][:59]
    "Muscle 'Plantaris' is not in the reference set radboud-esao"
    """
    columns = Columns(table)
    sheet = _Sheet(
        reference,
        columns,
        columns.covariates(),
        _Scanner(device, accept_device, conversion),
        {name: np.full(columns.rows, np.nan) for name in _NUMBERS},
        {name: np.full(columns.rows, "", dtype=object) for name in _TEXTS},
    )
    for muscle, measure, rows in _groups(columns):
        sheet.look_up(muscle, measure, rows)
    told = np.array(columns.words["unit"].words, dtype=object)
    found = sheet.texts["unit"]
    # A unit that was not compared with, as that of a refused row, stays as it is.
    sheet.texts["unit"] = np.where(
        found == "", told[columns.words["unit"].codes], found
    )
    return table.assign(**sheet.numbers, **sheet.texts, problem=columns.problem)


def _groups(columns: Columns) -> Iterator[tuple[str, str, Rows]]:
    """Yield muscle, measure and rows of each pair of them."""
    muscle, measure = columns.words["muscle"], columns.words["measure"]
    count = len(measure.words)
    # A code of −1 stands for the last word.
    codes = (muscle.codes % len(muscle.words)) * count + measure.codes % count
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    for code, rows in zip(found, np.split(order, starts[1:]), strict=False):
        yield muscle.words[code // count], measure.words[code % count], rows


@dataclass(frozen=True, slots=True)
class _Scanner:
    """What holds for all rows."""

    device: Device | None
    accept: bool
    conversion: DeviceConversion | None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The columns that are filled in, a group of rows of one model at a time."""

    reference: ReferenceSet
    columns: Columns
    x: dict[str, Floats]
    scanner: _Scanner
    numbers: dict[str, Floats]
    texts: dict[str, npt.NDArray[np.object_]]

    def look_up(self, muscle: str, measure: str, rows: Rows) -> None:
        """Look all rows of one muscle and measure up."""
        columns = self.columns
        try:
            model = self.reference.model_for(muscle, measure=measure)
        except ReferenceSetError as error:
            columns.refuse(rows, str(error))
            return
        self.texts["muscle_in_set"][rows] = model.muscle
        self._check_units(model, rows)
        self._check_missing(model, rows)
        try:
            caveats = scanner_caveats(
                self.reference,
                model,
                self.scanner.device,
                accept_device=self.scanner.accept,
                conversion=self.scanner.conversion,
            )
        except ReferenceSetError as error:
            columns.refuse(rows, str(error))
            return
        self._check_beyond(model, rows)
        self._check_convertible(rows)
        rows = rows[columns.fine[rows]]
        self._compare(model, measure, rows)
        rows = rows[columns.fine[rows]]
        self.texts["unit"][rows] = model.unit
        self._warn(model, rows, caveats)

    def _check_units(self, model: AnyModel, rows: Rows) -> None:
        unit = self.columns.words["unit"]
        for code in np.unique(unit.codes[rows]):
            try:
                check_unit(model, unit.words[code])
            except ReferenceSetError as error:
                self.columns.refuse(rows[unit.codes[rows] == code], str(error))

    def _check_missing(self, model: AnyModel, rows: Rows) -> None:
        rows = rows[self.columns.fine[rows]]
        if not model.covariates:
            return
        lacking = np.isnan([self.x[name][rows] for name in model.covariates])
        rows = rows[lacking.any(axis=0)]
        for some in self._alike(rows):
            try:
                self.columns.subject(some[0]).covariates(
                    model.covariates,
                    muscle=model.muscle,
                    side=check_side(self.columns.words["side"][some[0]]),
                )
            except ReferenceSetError as error:
                self.columns.refuse(some, str(error))

    def _alike(self, rows: Rows) -> Iterator[Rows]:
        """Yield rows of which the same is known, as the sentence tells only that."""
        code = np.zeros(len(rows), dtype=np.intp)
        for name in ("age_years", "sex_male", "height_cm", "weight_kg", "side_right"):
            code = 2 * code + np.isnan(self.x[name][rows])
        hand = self.columns.words["handedness"]
        code = 2 * code + (hand.mapped(lambda word: float(word == ""))[rows] == 1)
        for one in np.unique(code):
            yield rows[code == one]

    def _check_beyond(self, model: AnyModel, rows: Rows) -> None:
        for name, limit in limits_of(self.reference, model).items():
            told = self.x[name][rows]
            low, high = limit.refuse
            for row in rows[(told < low) | (told > high)]:
                if self.columns.fine[row]:
                    said = beyond_sentence(
                        self.reference, name, limit, float(self.x[name][row])
                    )
                    self.columns.refuse(np.array([row]), said)

    def _check_convertible(self, rows: Rows) -> None:
        conversion = self.scanner.conversion
        if conversion is None:
            return
        values, span = self.columns.numbers["value"][rows], conversion.source_range
        outside = (values < span.low) | (values > span.high)
        for row, value in zip(rows[outside], values[outside].tolist(), strict=True):
            if why := conversion.problem_of(value):
                self.columns.refuse(np.array([row]), why)

    def _compare(self, model: AnyModel, measure: str, rows: Rows) -> None:
        """Fill the numbers in; a refusal of many is one of some of them."""
        if not len(rows):
            return
        x = {name: told[rows] for name, told in self.x.items()}
        try:
            values, extra = carried_over(
                self.columns.numbers["value"][rows], measure, self.scanner.conversion
            )
            found = model.evaluate(x, values, extra_variance=extra)
        except ReferenceSetError as error:
            if len(rows) == 1:
                self.columns.refuse(rows, str(error))
                return
            for half in np.array_split(rows, 2):
                self._compare(model, measure, half)
            return
        self._fill(rows, found)

    def _fill(self, rows: Rows, found: Evaluation) -> None:
        for name in _NUMBERS:
            self.numbers[name][rows] = getattr(found, name)
        self.texts["warning"][rows] = found.caveat
        for number in np.flatnonzero(found.problem != ""):
            row = rows[number : number + 1]
            self.columns.refuse(row, str(found.problem[number]))
            self.texts["warning"][row] = ""

    def _warn(self, model: AnyModel, rows: Rows, caveats: list[str]) -> None:
        """Write the caveats of each row, in the order of the rules."""
        own = self.texts["warning"][rows]
        self.texts["warning"][rows] = " ".join(caveats)
        for name, limit in limits_of(self.reference, model).items():
            told = self.x[name][rows]
            if name == "age_years":
                self._add(rows[np.isnan(told)], repeat(age_unknown_sentence(limit)))
            low, high = limit.warn
            outside = (told < low) | (told > high)
            self._add(
                rows[outside],
                (outside_sentence(name, limit, v) for v in told[outside].tolist()),
            )
        for said in unlimited_caveats(self.reference, model):
            self._add(rows, repeat(said))
        male = self.x["sex_male"][rows]
        for code, said in sex_sentences(self.reference, model):
            alike = np.isnan(male) if np.isnan(code) else male == code
            self._add(rows[alike], repeat(said))
        found = leverage(model, {name: told[rows] for name, told in self.x.items()})
        few = found > largest_leverage(model)
        self._add(rows[few], (leverage_sentence(model, h) for h in found[few].tolist()))
        for said in observation_caveats(model):
            self._add(rows, repeat(said))
        self._add(rows[own != ""], own[own != ""].tolist())

    def _add(self, rows: Rows, sentences: Iterable[str]) -> None:
        warning = self.texts["warning"]
        for row, said in zip(rows, sentences, strict=False):
            before = warning[row]
            warning[row] = f"{before} {said}" if before else said
