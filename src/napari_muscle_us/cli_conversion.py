"""The command ``napari-muscle-us conversion``: fit, show and apply conversions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.errors import MuscleUSError, ReferenceSetError

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us.reference.conversion.conversion_fit import ConversionFit
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.parts import DeviceBinding

_FILE: Final = click.Path(path_type=Path)
_ADDED: Final = ("converted", "conversion_sd", "conversion_note")


@click.group()
def conversion() -> None:
    """Carry values over from one scanner to another."""


@conversion.command()
@click.argument("table", type=_FILE)
@click.option("--from", "device_a", required=True, help="Device to convert from.")
@click.option("--to", "device_b", required=True, help="Device to convert to.")
@click.option("--out", type=_FILE, required=True, help="Conversion (JSON) to write.")
@click.option("--name", required=True, help="Short name, as a-to-b.")
@click.option("--from-maker", required=True, help="Manufacturer of the first device.")
@click.option("--from-model", required=True, help="Its model, as its images tell.")
@click.option("--from-preset", default="", help="Its preset, where it matters.")
@click.option("--from-transducer", default="", help="Its transducer.")
@click.option("--to-maker", required=True, help="Manufacturer of the second device.")
@click.option("--to-model", required=True, help="Its model, as its images tell.")
@click.option("--to-preset", default="", help="Its preset, where it matters.")
@click.option("--to-transducer", default="", help="Its transducer.")
@click.option("--author", required=True, help="Who made the conversion.")
@click.option("--citation", default="Own data.", show_default=True)
@click.option("--licence", default="Not stated.", show_default=True)
@click.option("--date", help="Date (default: today).")
@click.option("--measure", help="Measure, where the table has several.")
@click.option(
    "--method",
    type=click.Choice(["deming", "weighted-deming", "passing-bablok"]),
    default="deming",
    show_default=True,
)
@click.option(
    "--ratio", type=float, help="Error variance of the second device over the first."
)
@click.option(
    "--bootstrap", type=int, default=2000, show_default=True, help="Bootstrap samples."
)
@click.option("--seed", type=int, default=0, show_default=True)
def fit(table: Path, out: Path, **options: Any) -> None:
    """Fit a conversion to a TABLE (CSV or XLSX) of muscles measured on both devices.

    Columns: subject, muscle, device, value; visit, side and measure where needed.
    """
    from napari_muscle_us.io.files import refuse_unwritable
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.conversion.conversion_file import write_conversion
    from napari_muscle_us.reference.conversion.conversion_fit import fit_conversion
    from napari_muscle_us.reference.conversion.pairs import pair_measurements

    refuse_unwritable(out)
    source, target = (_binding(options, end) for end in ("from", "to"))
    pairs = pair_measurements(
        _lower_names(read_spreadsheet(table)),
        device_a=options["device_a"],
        device_b=options["device_b"],
        measure=options["measure"],
    )
    found = fit_conversion(
        pairs,
        method=options["method"],
        ratio=options["ratio"],
        bootstrap=options["bootstrap"],
        seed=options["seed"],
    )
    if found is None:
        raise ReferenceSetError("The fit was stopped; nothing was written.")
    made = _named(found, source, target, options)
    write_conversion(out, made)
    for sentence in (*found.notes, *found.warnings):
        click.echo(f"Note: {sentence}", err=True)
    _tell(made)
    click.echo(f"Before: {found.before.words()}")
    click.echo(f"After: {found.after.words()}")
    click.echo(f"Written to {out}.")


def _named(
    found: ConversionFit,
    source: DeviceBinding,
    target: DeviceBinding,
    options: dict[str, Any],
) -> DeviceConversion:
    import datetime

    from napari_muscle_us.reference.conversion.conversion_fit import conversion_from_fit

    return conversion_from_fit(
        found,
        source=source,
        target=target,
        name=options["name"],
        title=f"{found.pairs.device_a} to {found.pairs.device_b}",
        citation=options["citation"],
        licence=options["licence"],
        author=options["author"],
        date=options["date"] or datetime.date.today().isoformat(),
    )


@conversion.command()
@click.argument("file", type=_FILE)
@click.option("--inverse", is_flag=True, help="Show the conversion the other way.")
def show(file: Path, inverse: bool) -> None:
    """Tell what a conversion FILE holds."""
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion

    found = load_conversion(file)
    if inverse:
        found = found.inverse()
    click.echo(f"{found.name}: {found.title}")
    _tell(found)
    click.echo(f"By {found.author}, {found.date}; {found.licence} {found.citation}")
    if found.remark:
        click.echo(found.remark)


@conversion.command()
@click.argument("file", type=_FILE)
@click.argument("table", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="Table (CSV) to write, new.")
@click.option("--column", default="value", show_default=True, help="What to convert.")
@click.option("--inverse", is_flag=True, help="Convert the other way.")
def apply(file: Path, table: Path, out: Path, column: str, inverse: bool) -> None:
    """Convert a column of a TABLE (CSV or XLSX) with the conversion FILE.

    Adds the columns converted, conversion_sd and conversion_note. A value outside the
    range of the conversion stays blank, and the note says why.
    """
    from napari_muscle_us.io.files import atomic_path
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion

    found = load_conversion(file)
    if inverse:
        found = found.inverse()
    if out.exists():
        raise MuscleUSError(f"{out.name!r} exists; give the name of a new file.")
    rows = read_spreadsheet(table)
    made = _converted(rows, column, found)
    with atomic_path(out) as temporary:
        _guarded(made).to_csv(temporary, index=False, lineterminator="\n")
    done = int((made["converted"] != "").sum())
    click.echo(f"{done} of {len(made)} values converted; written to {out}.")


def _converted(
    rows: pd.DataFrame, column: str, found: DeviceConversion
) -> pd.DataFrame:
    from napari_muscle_us.io.spreadsheet import nearest_column, number_of

    if column not in rows:
        raise ReferenceSetError(
            f"The table has no column {column[:60]!r}; {nearest_column(column, rows)}"
        )
    taken = [name for name in _ADDED if name in rows]
    if taken:
        raise ReferenceSetError(
            f"The table has a column {taken[0]!r} already; convert the original table."
        )
    made: list[tuple[str, str, str]] = []
    for place, text in rows[column].items():
        number = number_of(str(text))
        if number is None:
            raise ReferenceSetError(
                f"Row {place} has the value {str(text)[:40]!r}, which is no number."
            )
        if number != number:
            made.append(("", "", "not measured"))
        elif problem := found.problem_of(number):
            made.append(("", "", problem))
        else:
            sd = found.slope * found.residual_sd
            made.append((repr(found.convert(number)), repr(sd), ""))
    columns = dict(zip(_ADDED, zip(*made, strict=True), strict=True)) if made else {}
    return rows.assign(**{name: list(told) for name, told in columns.items()})


def _guarded(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table that no spreadsheet runs anything of; numbers stay as they are."""
    from napari_muscle_us.io.spreadsheet import number_of
    from napari_muscle_us.io.tables import guard_formula

    def guarded(text: object) -> str:
        told = str(text)
        return guard_formula(told) if number_of(told) is None else told

    named = [guarded(name) for name in rows.columns]
    return rows.map(guarded).set_axis(named, axis=1)


def _lower_names(rows: pd.DataFrame) -> pd.DataFrame:
    lowered = [str(name).strip().lower() for name in rows.columns]
    if len(set(lowered)) < len(lowered):
        raise ReferenceSetError(
            "The table has two columns whose names differ in capital letters only; "
            "rename one."
        )
    return rows.set_axis(lowered, axis=1)


def _binding(options: dict[str, Any], end: str) -> DeviceBinding:
    from napari_muscle_us.reference.parts import DeviceBinding

    told = {
        name: str(options[f"{end}_{name}"]).strip()
        for name in ("maker", "model", "preset", "transducer")
    }
    for name in ("maker", "model"):
        if not told[name]:
            raise ReferenceSetError(f"--{end}-{name} is blank; name the device.")
    return DeviceBinding(
        manufacturer=told["maker"],
        models=(told["model"],),
        presets=(told["preset"],) if told["preset"] else (),
        transducers=(told["transducer"],) if told["transducer"] else (),
    )


def _tell(found: DeviceConversion) -> None:
    click.echo(found.words())
    low, high = found.slope_interval
    click.echo(
        f"95 % intervals: slope {low:.4g} to {high:.4g}, intercept "
        f"{found.intercept_interval[0]:.4g} to {found.intercept_interval[1]:.4g}."
    )
