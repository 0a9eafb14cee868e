"""The command ``harmonise``: take the scanner out of a table of features (ComBat)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.errors import MeasureError, ResultsError

if TYPE_CHECKING:
    import pandas as pd

_FILE: Final = click.Path(path_type=Path)


@click.command()
@click.argument("table", type=_FILE)
@click.option("--batch", required=True, help="Column of the scanner or centre.")
@click.option(
    "--features",
    required=True,
    metavar="A,B,...",
    help="Columns to harmonise; of a results table, measures.",
)
@click.option(
    "--covariates",
    default="",
    metavar="A,B,...",
    help="Columns whose effect stays, such as age,sex.",
)
@click.option("--sheet", help="Sheet of a workbook.")
@click.option("--reference-batch", help="Scanner that the others are brought to.")
@click.option("--mean-only", is_flag=True, help="Take away shifts, not scales.")
@click.option(
    "--no-empirical-bayes",
    is_flag=True,
    help="Do not learn from other features; needed for a single one.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file --out if it exists.")
@click.option("--out", type=_FILE, required=True, help="Table (CSV) to write.")
def harmonise(**options: Any) -> None:
    """Harmonise features of a TABLE (CSV or XLSX) between scanners by ComBat.

    The new values stand in columns with the ending _harmonised beside the old ones.
    """
    from napari_muscle_us.io.files import refuse_unwritable
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.harmonising.harmonise import harmonise_table

    out: Path = options["out"]
    refuse_unwritable(out)
    _refuse_existing(out, options["table"], overwrite=options["overwrite"])
    table = read_spreadsheet(options["table"], sheet=options["sheet"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = harmonise_table(
            table,
            batch=options["batch"],
            features=_names(options["features"], "--features"),
            covariates=_names(options["covariates"], "--covariates"),
            empirical_bayes=not options["no_empirical_bayes"],
            reference_batch=options["reference_batch"],
            mean_only=options["mean_only"],
        )
    _write(out, done)
    for warning in caught:
        click.echo(f"Note: {warning.message}", err=True)
    new = done.shape[1] - table.shape[1]
    click.echo(f"{len(done)} rows with {new} harmonised column(s) written to {out}.")


def _names(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if "" in names:
        raise MeasureError(
            f"{option} {text[:60]!r} has an empty name; write names with a comma "
            "between two."
        )
    return names


def _refuse_existing(out: Path, table: Path, *, overwrite: bool) -> None:
    if not out.exists():
        return
    if table.exists() and out.samefile(table):
        raise ResultsError(
            f"--out {str(out)!r} is the input itself; give another file name."
        )
    if not overwrite:
        raise ResultsError(
            f"{out.name!r} exists; choose another name or add --overwrite."
        )


def _write(out: Path, table: pd.DataFrame) -> None:
    from napari_muscle_us.io.files import atomic_path

    safe = table.map(_safe).rename(columns=_safe)
    with atomic_path(out) as temporary:
        safe.to_csv(
            temporary, index=False, encoding="utf-8", na_rep="NaN", lineterminator="\n"
        )


def _safe(cell: Any) -> Any:
    from napari_muscle_us.io.spreadsheet import number_of
    from napari_muscle_us.io.tables import guard_formula

    # A number may begin with a sign; any other text that does could be run.
    if not isinstance(cell, str) or number_of(cell) is not None:
        return cell
    return guard_formula(cell)
