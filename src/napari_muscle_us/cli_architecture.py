"""The command ``napari-muscle-us architecture``: thickness, pennation, length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from napari_muscle_us.cli_common import FILE, note, refuse_own_input, with_options
from napari_muscle_us.cli_image import IMAGE_OPTIONS, still_of
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@click.command()
@click.argument("image", type=FILE)
@click.option("--out", type=FILE, required=True, help="Results table (CSV) to write.")
@click.option(
    "--fascicle-from-texture",
    is_flag=True,
    help="Find the fascicles' direction between the aponeuroses, for pennation and "
    "fascicle length.",
)
@click.option("--muscle", default="", help="Muscle (default: none).")
@click.option("--side", type=click.Choice(["left", "right"]), help="Side of the body.")
@click.option("--subject", default="", help="Code of the subject (not a name).")
@click.option("--visit", default="", help="Label of the visit.")
@with_options(*IMAGE_OPTIONS)
@click.option("--append", is_flag=True, help="Keep the rows that the table has.")
def architecture(out: Path, **options: Any) -> None:
    """Find the aponeuroses of a longitudinal IMAGE and write a results table.

    Muscle thickness; with --fascicle-from-texture also pennation and fascicle length.
    """
    from napari_muscle_us.architecture_lines import TEXTURE
    from napari_muscle_us.architecture_results import architecture_rows
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.io.tables import write_results
    from napari_muscle_us.measure.anisotropy.aponeurosis import find_aponeuroses

    refuse_own_input(out, [options["image"]])
    opened = read_image(options["image"], gray_rule=options["gray_rule"])
    image = still_of(opened, options["frame"])
    found = find_aponeuroses(image.pixels, spacing_mm=image.spacing_mm)
    if found.superficial is None or found.deep is None:
        raise MuscleUSError(found.reason)
    labels = {name: options[name] for name in ("subject", "visit", "muscle")}
    doubt = found.doubt.removesuffix(".")
    rows = architecture_rows(
        image,
        found.superficial,
        found.deep,
        TEXTURE if options["fascicle_from_texture"] else None,
        side=options["side"] or "",
        note="; ".join(filter(None, (doubt, "aponeuroses found in the picture"))),
        **labels,
    )
    _refuse_without_direction(rows)
    write_results(out, rows, append=options["append"])
    for sentence in filter(None, (*opened.warnings, found.doubt)):
        note(sentence)
    for row in rows.to_dict("records"):
        known = not math.isnan(row["value"])
        shown = f"{row['value']:.1f} {row['unit']}" if known else "–"
        click.echo(f"{row['measure']}  {shown}")
    click.echo(f"{len(rows)} rows written to {out}.")


def _refuse_without_direction(rows: pd.DataFrame) -> None:
    """Refuse a table whose pennation is missing although it was asked for."""
    found = rows[rows["measure"] == "architecture.pennation"]
    for row in found.to_dict("records"):
        if math.isnan(row["value"]):
            reason = row["note"].partition(";")[0].removesuffix(".")
            raise MuscleUSError(
                f"The pennation is not known: {reason}; leave --fascicle-from-texture "
                "out for the thickness alone, or draw the fascicles."
            )
