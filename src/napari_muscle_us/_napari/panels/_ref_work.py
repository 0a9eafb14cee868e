"""What the panel Reference values asks the core for; all of it runs in a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.people.people_columns import (
    IMAGE,
    PEOPLE_COLUMNS,
    fitting_columns,
    identity_columns,
)
from napari_muscle_us.results import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from napari_muscle_us.reference.fitting.fit_plots import FitNumbers
    from napari_muscle_us.reference.fitting.fit_types import (
        FitOptions,
        MuscleFit,
        ReferenceFit,
    )
    from napari_muscle_us.reference.model import ReferenceSet

    Progress = Callable[[int, int], None]
    Cancelled = Callable[[], bool]

OUR_COLUMNS: Final = (*PEOPLE_COLUMNS, IMAGE)
FROM_MUSCLES: Final = ("muscle", "side", "value")
"""What the names of columns tell where each muscle has a column."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A table as it stands in its file, or the sheets to choose it from."""

    title: str
    path: str = ""
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    table: pd.DataFrame | None = None
    guessed: Mapping[str, str] = field(default_factory=dict)
    """Columns by our names, where one fits best."""
    hidden: tuple[str, ...] = ()
    """Columns that tell who a person is; never used."""
    wide: int = 0
    """Columns that are named after a muscle, where values have no column."""
    is_results: bool = False
    measures: tuple[str, ...] = ()
    """What a results table holds."""


@dataclass(frozen=True, slots=True)
class TableChoice:
    """How a table is to be read.

    Attributes
    ----------
    columns : mapping of str to str
        Columns by our names that the user chose.
    unused : tuple of str
        Our names that the user wants no column for.
    measure : str
        What the values are, where the table does not tell.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    measure: str = ECHO_INTENSITY


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """A table of controls with our columns, and what is fitted of it."""

    table: pd.DataFrame
    measures: tuple[str, ...]
    measure: str

    def of_measure(self) -> pd.DataFrame:
        """Return the rows of the measure that is fitted."""
        return self.table[self.table["measure"] == self.measure]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fit with the numbers of the plots of each muscle."""

    fit: ReferenceFit
    numbers: Mapping[MuscleFit, FitNumbers]


def open_table(
    path: str, sheet: str, *, progress: Progress, cancelled: Cancelled
) -> Opened | MuscleUSError:
    """Read a spreadsheet; a refusal is returned."""
    from napari_muscle_us.io.spreadsheet import read_spreadsheet, sheet_names

    title = Path(path).name
    try:
        sheets = sheet_names(path)
        if len(sheets) > 1 and not sheet:
            return Opened(title, path, sheets)
        table = read_spreadsheet(path, sheet=sheet or None)
    except MuscleUSError as error:
        return error
    return known(table, title, path=path, sheets=sheets, sheet=sheet)


def known(table: pd.DataFrame, title: str, **place: Any) -> Opened:
    """Return a table with what is recognised of it."""
    from napari_muscle_us.reference.people.people_table import wide_columns

    names = [str(column) for column in table.columns]
    is_results = set(COLUMNS) <= set(names)
    fitting = {} if is_results else fitting_columns(names)
    wide = 0
    if not is_results and not {"value", "muscle"} & set(fitting):
        wide = len(wide_columns(table))
    return Opened(
        title,
        table=table,
        guessed={n: found[0] for n, found in fitting.items() if len(found) == 1},
        hidden=identity_columns(table),
        wide=wide,
        is_results=is_results,
        measures=tuple(dict.fromkeys(table["measure"].astype(str)))
        if is_results
        else (),
        **place,
    )


def make_people(
    values: Opened,
    choice: TableChoice,
    sheet_of_people: Opened | None,
    *,
    progress: Progress,
    cancelled: Cancelled,
) -> People | MuscleUSError:
    """Make a table of controls; a refusal is returned."""
    from napari_muscle_us.reference.people.people_table import join_people, tidy_people

    if values.table is None:
        raise AssertionError("a table is read before it is used")
    try:
        if values.is_results:
            tidy = tidy_people(values.table, measure=choice.measure)
        else:
            tidy = tidy_people(
                _without(values.table, choice),
                columns=choice.columns,
                measure=choice.measure,
            )
        if sheet_of_people is not None and sheet_of_people.table is not None:
            tidy = join_people(tidy, sheet_of_people.table)
    except MuscleUSError as error:
        return error
    inside = tuple(dict.fromkeys(tidy["measure"]))
    measure = choice.measure if choice.measure in inside else inside[0]
    measures = values.measures or (inside if "measure" in choice.columns else ())
    return People(tidy, measures, measure)


def _without(table: pd.DataFrame, choice: TableChoice) -> pd.DataFrame:
    """Leave columns out that would be found for what the user wants no column for."""
    kept = set(choice.columns.values())
    fitting = fitting_columns([str(c) for c in table.columns if str(c) not in kept])
    out = {column for name in choice.unused for column in fitting.get(name, ())}
    return table.drop(columns=list(out)) if out else table


def fit_people(
    people: People,
    muscles: tuple[str, ...],
    options: FitOptions,
    *,
    progress: Progress,
    cancelled: Cancelled,
) -> Fitted | MuscleUSError | None:
    """Fit reference values; a refusal is returned, ``None`` when cancelled."""
    from napari_muscle_us.reference.fitting.fit import fit_reference
    from napari_muscle_us.reference.fitting.fit_plots import FitNumbers

    try:
        fit = fit_reference(
            people.table,
            muscle=muscles,
            measure=people.measure,
            options=options,
            progress=progress,
            cancelled=cancelled,
        )
    except MuscleUSError as error:
        return error
    if fit is None:
        return None
    # Worked out here, what plots need does not hold up the window.
    numbers = {muscle: FitNumbers(muscle) for muscle in fit.muscles}
    for each in numbers.values():
        if cancelled():
            return None
        each.prepare()
    return Fitted(fit, numbers)


def save_set(
    path: str,
    reference: ReferenceSet,
    overwrite: bool,
    *,
    progress: Progress,
    cancelled: Cancelled,
) -> str | MuscleUSError:
    """Write a reference set; a refusal is returned."""
    from napari_muscle_us.reference.write import write_reference

    try:
        write_reference(path, reference, overwrite=overwrite)
    except MuscleUSError as error:
        return error
    return path


def save_report(
    path: str,
    fit: ReferenceFit,
    reference: ReferenceSet,
    overwrite: bool,
    *,
    progress: Progress,
    cancelled: Cancelled,
) -> str | MuscleUSError | None:
    """Write the report of a fit; a refusal is returned."""
    from napari_muscle_us.reference.fitting.fit_report import write_fit_report

    try:
        written = write_fit_report(
            path,
            fit,
            reference,
            overwrite=overwrite,
            progress=progress,
            cancelled=cancelled,
        )
    except MuscleUSError as error:
        return error
    return None if written is None else path


def plot_titles(numbers: FitNumbers) -> dict[str, str]:
    """Return keys and titles of the plots that show something of a fit."""
    from napari_muscle_us.reference.fitting.fit_plots import FIT_PLOTS, plots_of

    return {key: FIT_PLOTS[key][0] for key in plots_of(numbers)}


def draw_plot(axes: Axes, key: str, numbers: FitNumbers, *, foreground: str) -> None:
    """Draw a plot of a fit into axes."""
    from napari_muscle_us.reference.fitting import fit_plots

    fit_plots.draw_plot(axes, key, numbers, foreground=foreground)
