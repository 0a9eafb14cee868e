"""The command ``napari-muscle-us``: open napari, run the demo, measure, verify.

Exit status: 0 done; 1 ``verify`` found a row that differs; 2 the input is wrong, said
in one line on standard error with nothing written.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us import __version__
from napari_muscle_us.cli_anisotropy import (
    ANISOTROPY_OPTIONS,
    anisotropy_caveats,
    anisotropy_settings,
)
from napari_muscle_us.cli_architecture import architecture
from napari_muscle_us.cli_common import (
    FILE,
    PERSON_OPTIONS,
    note,
    person_of,
    refuse_own_input,
    set_path,
    with_options,
)
from napari_muscle_us.cli_conversion import conversion
from napari_muscle_us.cli_examine import examine_table
from napari_muscle_us.cli_fit import fit
from napari_muscle_us.cli_follow_up import follow_up_table
from napari_muscle_us.cli_harmonise import harmonise
from napari_muscle_us.cli_orientation import orientation
from napari_muscle_us.cli_reference import reference
from napari_muscle_us.cli_texture import (
    TEXTURE_OPTIONS,
    texture,
    texture_caveats,
    texture_settings,
    wanted_rows,
)
from napari_muscle_us.cli_texture_map import write_texture_map
from napari_muscle_us.errors import MuscleUSError, MuscleUSWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_muscle_us.roi.shapes import Roi

EXIT_DIFFERS: Final = 1
EXIT_WRONG_INPUT: Final = 2

_TOLD: Final = (
    "intensity.mean",
    "z_score.echo_intensity",
    "intensity.mean_fat_young2015",
    "intensity.mean_fat_muller2021",
)
"""Measures whose notes are also printed."""


class _Group(click.Group):
    """A group whose first argument may also be a file to open."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="napari-muscle-us")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Quantitative muscle ultrasound in napari.

    Without a command: open napari with the Workflow docked. With a FILE: the same with
    the image loaded.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(open_files, files=())


reference.add_command(fit)
for _command in (reference, conversion, examine_table, follow_up_table, harmonise):
    cli.add_command(_command)
texture.add_command(write_texture_map)
for _command in (texture, orientation, architecture):
    cli.add_command(_command)


@cli.command("open", hidden=True)
@click.argument("files", nargs=-1, type=FILE)
def open_files(files: Sequence[Path]) -> None:
    """Open napari with the Workflow docked and the images loaded."""
    # Read first: a wrong file is said here, not after napari has come up.
    from napari_muscle_us.io.read import is_study, read_image

    for file in files:
        if not is_study(file):
            read_image(file)
    from napari_muscle_us.virtual_display import needs_display

    if needs_display():
        raise MuscleUSError(
            "There is no display to open a window on; use the commands measure and "
            "verify, which need none."
        )
    from napari_muscle_us._napari.launch import launch

    launch(files)


@cli.command()
@click.option(
    "--screenshot", type=FILE, help="Write a picture of the window, then exit."
)
@click.option("--out", type=FILE, help="Write the results table (CSV), then exit.")
def demo(screenshot: Path | None, out: Path | None) -> None:
    """Open a sample image with an ROI on its muscle, histogram and Z-score.

    Works without a display where Xvfb is installed.
    """
    from napari_muscle_us.io.files import refuse_unwritable

    for path in filter(None, (screenshot, out)):
        refuse_unwritable(path)
    from napari_muscle_us._napari.launch import run_demo
    from napari_muscle_us.virtual_display import needs_display, virtual_display

    writes = screenshot is not None or out is not None
    if needs_display() and not writes:
        raise MuscleUSError(
            "There is no display to open a window on; add --screenshot FILE --out "
            "results.csv to write the demo's files instead."
        )
    with virtual_display():
        run_demo(screenshot=screenshot, out=out)


@cli.command()
@click.argument("image", type=FILE)
@click.option(
    "--roi", type=FILE, required=True, help="ImageJ .roi file or RoiSet .zip."
)
@click.option("--reference", help="Reference set: a built-in name or a JSON file.")
@click.option("--muscle", help="Muscle of the ROIs (default: none).")
@click.option("--side", type=click.Choice(["left", "right"]), help="Side of the body.")
@click.option("--frame", type=int, help="Frame of a clip, from 0 (a clip needs it).")
@with_options(*PERSON_OPTIONS)
@click.option("--subject", default="", help="Code of the subject (not a name).")
@click.option("--visit", default="", help="Label of the visit.")
@click.option(
    "--gray-rule",
    type=click.Choice(["imagej", "luma601"]),
    default="imagej",
    show_default=True,
    help="How colour becomes gray.",
)
@click.option(
    "--accept-device",
    is_flag=True,
    help="Give the Z-score although the image is from another device than the set.",
)
@click.option(
    "--conversion",
    type=FILE,
    help="Device conversion (JSON) that carries the value over to the set's device.",
)
@click.option(
    "--percentile",
    "percentiles",
    type=float,
    multiple=True,
    help="Add a percentile of the gray levels, 0 to 100 (again for more).",
)
@click.option(
    "--band",
    "bands",
    multiple=True,
    metavar="LOW-HIGH",
    help="Add the share of gray levels in a band, such as 0-50 (again for more).",
)
@click.option("--heterogeneity", is_flag=True, help="Add echovariation and entropy.")
@click.option(
    "--above-black",
    is_flag=True,
    help="Add the mean without black pixels (for reproducing the Radboud workflow).",
)
@click.option(
    "--standard-error", is_flag=True, help="Add the standard error of the mean."
)
@click.option(
    "--fat-thickness",
    type=float,
    metavar="CM",
    help="Add the mean corrected for subcutaneous fat of this thickness in cm.",
)
@click.option(
    "--fat-slope",
    type=float,
    help="Gray levels per cm of fat (default: 40.5278, Young 2015).",
)
@with_options(*TEXTURE_OPTIONS, *ANISOTROPY_OPTIONS)
@click.option("--append", is_flag=True, help="Keep the rows that the table has.")
@click.option("--out", type=FILE, required=True, help="Results table (CSV) to write.")
def measure(**options: Any) -> None:
    """Measure the ROIs of an IMAGE and write a results table, without a display."""
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.io.tables import write_results
    from napari_muscle_us.rows import measure_rois

    inputs = [options[word] for word in ("image", "roi", "conversion")]
    refuse_own_input(options["out"], inputs)
    wanted = _measure_options(options)
    image = read_image(options["image"], gray_rule=options["gray_rule"])
    rois = _read_rois(options["roi"], options["muscle"], options["side"])
    rows = measure_rois(
        image,
        rois,
        subject=options["subject"],
        visit=options["visit"],
        z_score=_z_score_request(options),
        frame=options["frame"],
        options=wanted,
    )
    rows = wanted_rows(rows, options)
    write_results(options["out"], rows, append=options["append"])
    for sentence in image.warnings:
        note(sentence)
    caveats = (*_caveats(rows), *texture_caveats(rows), *anisotropy_caveats(rows))
    for sentence in caveats:
        note(sentence)
    click.echo(f"{len(rows)} rows of {len(rois)} ROI(s) written to {options['out']}.")


@cli.command()
@click.argument("results", type=FILE)
@click.option(
    "--images", type=FILE, default=Path(), help="Folder that holds the images."
)
def verify(results: Path, images: Path) -> None:
    """Recompute every row of a RESULTS table and say which differ."""
    from napari_muscle_us.io.tables import read_results
    from napari_muscle_us.verify import verify_results

    table = read_results(results)
    checks = verify_results(table, images)
    for check in checks:
        if not check.same:
            row = table.iloc[check.row - 1]
            what = f"{row['image']}, {row['roi']}, {row['measure']}"
            click.echo(f"Row {check.row} differs ({what}): {check.reason}")
    differing = sum(not check.same for check in checks)
    click.echo(f"{len(checks) - differing} of {len(checks)} rows agree.")
    if differing:
        raise click.exceptions.Exit(EXIT_DIFFERS)


def _read_rois(path: Path, muscle: str | None, side: str | None) -> list[Roi]:
    from napari_muscle_us.io.imagej import read_imagej_rois
    from napari_muscle_us.roi.shapes import relabel

    labels = {k: v for k, v in (("muscle", muscle), ("side", side)) if v}
    return [relabel(roi, **labels) for roi in read_imagej_rois(path)]


def _measure_options(options: dict[str, Any]) -> Any:
    from napari_muscle_us.measure.fat_correction import YOUNG_SLOPE, FatCorrection
    from napari_muscle_us.measure.gray_levels import band_from_text
    from napari_muscle_us.measure_options import MeasureOptions

    thickness, slope = options["fat_thickness"], options["fat_slope"]
    if slope is not None and thickness is None:
        raise MuscleUSError("--fat-slope needs the thickness; add --fat-thickness CM.")
    fat = None
    if thickness is not None:
        fat = FatCorrection(
            thickness, "command line", YOUNG_SLOPE if slope is None else slope
        )
    return MeasureOptions(
        percentiles=options["percentiles"],
        bands=tuple(band_from_text(band) for band in options["bands"]),
        heterogeneity=options["heterogeneity"],
        above_black=options["above_black"],
        standard_error=options["standard_error"],
        fat=fat,
        texture=texture_settings(options),
        anisotropy=anisotropy_settings(options),
    )


def _caveats(rows: pd.DataFrame) -> list[str]:
    """Return the notes of what is read first: echo intensity and what is made of it."""
    told = rows[rows["measure"].isin(_TOLD) & (rows["note"] != "")]
    # What holds for all regions is said once, without their names.
    everywhere = rows["roi"].nunique()
    sentences = []
    for said, names in told.groupby("note", sort=False)["roi"]:
        # Several measures of a region may share a note.
        named = names.drop_duplicates()
        shared = len(named) == everywhere
        sentences.append(str(said) if shared else f"{', '.join(named)}: {said}")
    return sentences


def _z_score_request(options: dict[str, Any]) -> Any:
    from napari_muscle_us.rows import ZScoreRequest

    # Impossible values are refused even when no Z-score was asked for.
    subject = person_of(options)
    if options["reference"] is None:
        if options["conversion"] is not None:
            raise MuscleUSError(
                "--conversion is for Z-scores; add --reference SET, or leave it out."
            )
        return None
    return ZScoreRequest(
        set_path(options["reference"]),
        subject,
        accept_device=options["accept_device"],
        conversion=options["conversion"],
    )


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    if isinstance(message, MuscleUSWarning):
        note(str(message))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its status."""
    # Libraries log what they dislike in a file, with values; one line of ours says it.
    for library in ("pydicom", "tifffile"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    warnings.showwarning = _show_warning
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="napari-muscle-us",
            standalone_mode=False,
        )
    except (MuscleUSError, click.ClickException) as error:
        text = error.format_message() if hasattr(error, "format_message") else error
        click.echo(f"Error: {' '.join(str(text).split())}", err=True)
        sys.exit(EXIT_WRONG_INPUT)
    except click.Abort:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
