"""The commands ``napari-muscle-us reference …``: list, show, check, import, score."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from napari_muscle_us.cli_common import (
    DEVICE_OPTIONS,
    FILE,
    TABLE_OPTIONS,
    conversion_of,
    device_of,
    load_set,
    note,
    read_values,
    refuse_other_table,
    refuse_own_input,
    tell_dropped,
    with_options,
    write_csv,
)
from napari_muscle_us.cli_facts import FACT_OPTIONS, facts_of
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError

_KINDS: Final = ("radboud-json", "means", "lms", "own")


@click.group()
def reference() -> None:
    """List, show, check and make reference sets; Z-scores of a whole table."""


@reference.command("list")
def list_sets() -> None:
    """List the built-in sets and those in your folder of reference sets."""
    from napari_muscle_us.reference.load import builtin_references, load_reference
    from napari_muscle_us.reference.own_sets import user_references

    for name in builtin_references():
        click.echo(_list_line(name, load_reference(name)))
    for path in user_references():
        try:
            found = load_reference(path)
        except MuscleUSError as error:
            note(str(error))
        else:
            click.echo(_list_line(str(path), found))


@reference.command()
@click.argument("name_or_file")
@click.option("--muscle", help="Show the numbers of this muscle's model.")
@click.option("--measure", help="Of this measure only (default: all).")
def show(name_or_file: str, muscle: str | None, measure: str | None) -> None:
    """Show what a reference set holds: NAME of a built-in set or of yours, or FILE."""
    from napari_muscle_us.reference.describe import describe_model, describe_reference

    found = load_set(name_or_file)
    if muscle is None:
        from napari_muscle_us.reference.rules import LOOKUP_RULES

        if measure is not None:
            raise MuscleUSError("--measure needs a muscle; add --muscle NAME.")
        lines = [*describe_reference(found), "A Z-score is"]
        lines += [f"  {rule.severity}: {rule.words}" for rule in LOOKUP_RULES]
    else:
        lines = []
        for key in [measure] if measure else _measures_of(found, muscle):
            lines += describe_model(found.model_for(muscle, measure=key))
    click.echo("\n".join(lines))


@reference.command()
@click.argument("file", type=FILE)
def validate(file: Path) -> None:
    """Check a reference FILE, its numbers and its checksum."""
    from napari_muscle_us.reference.describe import doubts
    from napari_muscle_us.reference.load import load_reference

    found = load_reference(file.absolute())
    for sentence in doubts(found):
        note(sentence)
    click.echo(f"{file.name} is valid: {_holds(found)}.")


@reference.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--kind", type=click.Choice(_KINDS), required=True, help="What the file is."
)
@click.option("--out", type=FILE, required=True, help="Reference set (JSON) to write.")
@click.option("--sheet", help="Sheet of a workbook.")
@click.option("--unit", help="Of the values (default: that of the measure).")
@with_options(*FACT_OPTIONS)
@click.option("--sd", help="SD by which Z divides: prediction, residual or plain.")
@click.option("--measure", help="What the values are (default: intensity.mean).")
@click.option("--overwrite", is_flag=True, help="Replace a reference set at --out.")
def import_set(
    file: Path, kind: str, out: Path, sheet: str | None, **options: Any
) -> None:
    """Make a reference set of a FILE of models, of means and SDs, or of L, M and S."""
    from napari_muscle_us.io.files import refuse_unwritable
    from napari_muscle_us.reference.describe import doubts
    from napari_muscle_us.reference.importers import import_reference
    from napari_muscle_us.reference.write import write_reference

    refuse_unwritable(out)
    refuse_own_input(out, [file, options["metadata"]])
    found = import_reference(file, kind=kind, sheet=sheet, **facts_of(options))
    write_reference(out, found, overwrite=options["overwrite"])
    for sentence in doubts(found):
        note(sentence)
    click.echo(f"{out} written: {_holds(found)}.")


@reference.command()
@click.argument("table", type=FILE)
@click.option("--reference", "name", required=True, help="Name or file of the set.")
@click.option("--out", type=FILE, required=True, help="Table (CSV) to write.")
@with_options(*TABLE_OPTIONS, *DEVICE_OPTIONS)
def score(table: Path, name: str, out: Path, **options: Any) -> None:
    """Give every value of a TABLE its Z-score, a person and muscle a row."""
    from napari_muscle_us.io.files import atomic_path, refuse_unwritable
    from napari_muscle_us.reference.batch import z_scores

    refuse_unwritable(out)
    refuse_own_input(out, [table, options["people"], options["conversion"], Path(name)])
    chosen = load_set(name)
    conversion, device = conversion_of(options["conversion"]), device_of(options)
    values = read_values(table, options)
    scored = z_scores(
        chosen,
        values,
        device=device,
        accept_device=options["accept_device"],
        conversion=conversion,
    )
    done = scored.assign(reference=chosen.name)
    if conversion is not None:
        done["conversion"] = conversion.name
    refuse_other_table(out, list(done.columns[:3]), "table of Z-scores")
    with atomic_path(out) as temporary:
        write_csv(temporary, done)
    tell_dropped(values)
    refused = scored.loc[scored["problem"] != "", "problem"]
    for sentence, rows in refused.value_counts(sort=False).head(5).items():
        note(f"{rows} row(s): {sentence}")
    told = len(scored) - len(refused)
    click.echo(f"{told} of {len(scored)} rows have a Z-score, written to {out}.")


def _list_line(name: str, found: Any) -> str:
    return f"{name}: {found.title} ({_holds(found)})"


def _holds(found: Any) -> str:
    count, muscles = len(found.models), len(found.muscles)
    return f"{count} model(s) of {muscles} muscle(s), {found.device}"


def _measures_of(found: Any, muscle: str) -> list[str]:
    """Return the measures of which a set has a model of a muscle."""
    measures = list(dict.fromkeys(model.measure for model in found.models))
    known = []
    for measure in measures:
        try:
            found.model_for(muscle, measure=measure)
        except ReferenceSetError:
            continue
        known.append(measure)
    # Where there is none, the set says which muscles are alike.
    return known or measures[:1]
