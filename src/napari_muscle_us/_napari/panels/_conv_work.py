"""What the panel Device conversion asks the core for: pairs, a line, a phantom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari.panels._conv_columns import device_column, devices_in
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_muscle_us.reference.conversion.conversion_fit import ConversionFit
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.parts import DeviceBinding

PREVIEW_LABELS: Final = dict.fromkeys(
    ("title", "author", "citation", "licence", "date"), "Not saved"
) | {"name": "preview", "remark": ""}
"""Of a conversion that is only looked at."""
_KEPT: Final = ("subject", "visit", "muscle", "side", "measure", "value")


@dataclass(frozen=True, slots=True, eq=False)
class FitRequest:
    """What a line is asked for; nothing in it changes any more.

    Attributes
    ----------
    first : DataFrame
        Values of both scanners, or of the first.
    second : DataFrame or None
        Values of the second scanner, where each has its own table.
    column : str
        Column that tells the scanner, of a single table.
    devices : tuple of str
        Names of the scanners, from and to.
    measure : str
        What is compared.
    method : str
        How the line is found.
    ratio : float or None
        Ratio of the error variances, ``None`` to take it from repeats.
    """

    first: pd.DataFrame
    second: pd.DataFrame | None
    column: str
    devices: tuple[str, str]
    measure: str
    method: str
    ratio: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A line from people, and the unit of its values."""

    fit: ConversionFit
    unit: str

    def conversion(
        self, source: DeviceBinding, target: DeviceBinding, labels: dict[str, str]
    ) -> DeviceConversion:
        """Return the conversion of these scanners, ready to be written.

        Raises
        ------
        ReferenceSetError
            If a label or device does not fit the format.
        """
        from napari_muscle_us.reference.conversion.conversion_fit import (
            conversion_from_fit,
        )

        return conversion_from_fit(
            self.fit, source=source, target=target, unit=self.unit, **labels
        )


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """Gray levels of the targets of a phantom on both scanners."""

    contrast: tuple[float, ...]
    source: tuple[float, ...]
    target: tuple[float, ...]
    residual_sd: float | None

    def conversion(
        self, source: DeviceBinding, target: DeviceBinding, labels: dict[str, str]
    ) -> DeviceConversion:
        """Return the conversion of these scanners, ready to be written.

        Raises
        ------
        ReferenceSetError
            If the gray levels give no line, or a label or device does not fit.
        """
        from pydantic import ValidationError

        from napari_muscle_us.reference.conversion.phantom_conversion import (
            phantom_conversion,
        )

        told = {name: text for name, text in labels.items() if name != "remark"}
        try:
            made = phantom_conversion(
                self.contrast,
                self.source,
                self.target,
                source=source,
                target=target,
                residual_sd=self.residual_sd,
                **told,
            )
            remark = f"{labels.get('remark', '')} {made.remark}".strip()[:2000]
            return type(made)(**{**dict(made), "remark": remark})
        except ValidationError as error:
            raise ReferenceSetError(invalid("The conversion", error)) from None


@dataclass(frozen=True, slots=True, eq=False)
class ShownConversion:
    """What the plots show.

    Attributes
    ----------
    names : tuple of str
        Scanners, from and to.
    made : Fitted or Phantom
        What the line was made from.
    conversion : DeviceConversion
        The line.
    converted : bool
        Whether the differences are shown after the conversion.
    """

    names: tuple[str, str]
    made: Fitted | Phantom
    conversion: DeviceConversion
    converted: bool = True


def invalid(what: str, error: Any) -> str:
    """Return in a sentence what a file's format refuses first."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{what} is not valid{f' at {place}' if place else ''}: {said}; change it."


def fit_line(
    request: FitRequest,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Fitted | MuscleUSError | None:
    """Return the line of a request, what is wrong with it, or nothing if cancelled."""
    from napari_muscle_us.reference.conversion.conversion_fit import fit_conversion
    from napari_muscle_us.reference.conversion.pairs import pair_measurements

    try:
        first, second, unit = paired_tables(request)
        pairs = pair_measurements(
            first,
            second,
            device_a=request.devices[0],
            device_b=request.devices[1],
            measure=request.measure,
        )
        fit = fit_conversion(
            pairs,
            method=request.method,  # type: ignore[arg-type]
            ratio=request.ratio,
            progress=progress,
            cancelled=cancelled,
        )
    except MuscleUSError as error:
        return error
    return None if fit is None else Fitted(fit, unit)


def paired_tables(request: FitRequest) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the values of each scanner with our columns and words, and their unit.

    Raises
    ------
    ReferenceSetError
        If a table or its column of scanners cannot be used.
    """
    names = request.devices
    if request.second is None and request.column not in request.first:
        raise ReferenceSetError(
            "No column tells the scanner of each value; choose it, or open a table for "
            "each scanner."
        )
    if not all(names):
        raise ReferenceSetError("A scanner has no name; choose or type both.")
    if names[0].casefold() == names[1].casefold():
        raise ReferenceSetError(
            f"Both scanners are {names[0][:60]!r}; choose two different ones."
        )
    if request.second is not None:
        parts = [request.first, request.second]
        for part in parts:
            _refuse_several(part)
    else:
        parts = [_of_device(request, name) for name in names]
    first, second = (_tidy(part, request.measure) for part in parts)
    units = sorted({str(u) for part in (first, second) for u in part["unit"] if u})
    if len(units) > 1:
        raise ReferenceSetError(
            f"The values have the units {units[0][:40]!r} and {units[1][:40]!r}; bring "
            "them to one."
        )
    unit = units[0] if units else "gray level"
    return first.drop(columns="unit"), second.drop(columns="unit"), unit


def _refuse_several(table: pd.DataFrame) -> None:
    """Refuse a table of one scanner that names several."""
    column = device_column(table)
    named = devices_in(table, column)
    if len(named) > 1:
        raise ReferenceSetError(
            f"A table of one scanner names {named[0][:40]!r} and {named[1][:40]!r} in "
            f"the column {column[:40]!r}; choose one table with a column of the "
            "scanner, or leave one scanner in each."
        )


def _of_device(request: FitRequest, name: str) -> pd.DataFrame:
    table, column = request.first, request.column
    named = table[column].astype(str).str.strip()
    blank = (named == "").to_numpy().nonzero()[0]
    if len(blank):
        raise ReferenceSetError(
            f"Row {table.index[int(blank[0])]} of the table names no scanner in the "
            f"column {column[:60]!r}; fill it in."
        )
    part = table[named.str.casefold() == name.casefold()]
    if part.empty:
        raise ReferenceSetError(
            f"The table has no values of {name[:60]!r}; choose a scanner that it names."
        )
    return part.drop(columns=column)


def _tidy(part: pd.DataFrame, measure: str) -> pd.DataFrame:
    from napari_muscle_us.reference.people.people_columns import IMAGE
    from napari_muscle_us.reference.people.people_table import tidy_people

    tidy = tidy_people(part, measure=measure)
    kept = tidy[tidy["measure"] == measure]
    if kept.empty:
        raise ReferenceSetError(
            f"A table has no values of {measure}; choose a measure that both have."
        )
    return kept[[*_KEPT, "unit", *([IMAGE] if IMAGE in kept else [])]]


def preview_bindings(names: tuple[str, str]) -> tuple[DeviceBinding, DeviceBinding]:
    """Return scanners of which only the names in the table are known.

    Raises
    ------
    ReferenceSetError
        If a name does not fit the format.
    """
    from pydantic import ValidationError

    from napari_muscle_us.reference.parts import DeviceBinding

    try:
        first, second = (
            DeviceBinding(manufacturer=name, models=("values",)) for name in names
        )
    except ValidationError as error:
        raise ReferenceSetError(invalid("The scanner", error)) from None
    return first, second


def short_name(text: str) -> str:
    """Return a text as a name of small letters, digits and hyphens."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9]+", "-", plain.decode()).strip("-")[:50].strip("-")
