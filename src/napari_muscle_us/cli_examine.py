"""The command ``examine``: all muscles of a person at a visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import (
    DEVICE_OPTIONS,
    FILE,
    RULE_OPTION,
    TABLE_OPTIONS,
    conversion_of,
    device_of,
    lined_up,
    load_set,
    note,
    person_of,
    refuse_other_table,
    tell_dropped,
    with_options,
    write_csv,
)
from napari_muscle_us.cli_visits import (
    COMMON,
    person,
    read_table,
    refuse_places,
    visits,
)
from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from napari_muscle_us.reference.examination.examination import Examination

_HEAD: Final = ("muscle", "side", "value", "predicted", "SD", "Z", "percentile")


@click.command("examine")
@click.argument("table", type=FILE)
@with_options(*COMMON)
@click.option("--visit", help="Label of the visit, where TABLE has several.")
@with_options(RULE_OPTION, *TABLE_OPTIONS, *DEVICE_OPTIONS)
@click.option("--out", type=FILE, help="Table of the muscles (CSV) to write.")
@click.option("--figure", type=FILE, help="Bars and body map (PNG, SVG, PDF) to write.")
@click.option("--overwrite", is_flag=True, help="Replace the picture at --figure.")
def examine_table(table: Path, **options: Any) -> None:
    """Compare all muscles of a person with healthy people, from a TABLE.

    TABLE is a results table, or a spreadsheet with subject, muscle, side and value.
    Prints Z-scores, how many are beyond 1.0 to 3.5, and the steps of the published
    decision rule: decision support, not a diagnosis.
    """
    from napari_muscle_us.reference.examination.examination import examine

    out, figure = options["out"], options["figure"]
    refuse_places(table, options)
    reference = load_set(options["name"])
    conversion, device = conversion_of(options["conversion"]), device_of(options)
    typed = person_of(options)
    values = read_table(table, options)
    code, visit = one_visit(values, options)
    found = examine(
        reference,
        values,
        person(values, options, typed, code, visit),
        subject_code=code,
        visit=visit,
        measure=options["measure"],
        rule=options["rule"],
        device=device,
        accept_device=options["accept_device"],
        conversion=conversion,
    )
    _write(out, figure, _examined_table(found), found)
    tell_dropped(values)
    _tell_examination(found)
    for path in filter(None, (out, figure)):
        click.echo(f"Written to {path}.")


def one_visit(values: pd.DataFrame, options: dict[str, Any]) -> tuple[Any, Any]:
    """Return subject and visit, known where the table has only one."""
    pairs = visits(values, options)
    pairs = [
        (code, visit)
        for code, visit in pairs
        if options["subject"] in (None, code) and options["visit"] in (None, visit)
    ]
    # What several or none are is said by `examine`.
    return pairs[0] if len(pairs) == 1 else (options["subject"], options["visit"])


def _examined_table(found: Examination) -> pd.DataFrame:
    made = found.table()
    made.insert(0, "subject", found.subject_code)
    made.insert(1, "visit", found.visit)
    made["reference"] = found.reference.name
    made["conversion"] = found.conversion.name if found.conversion else ""
    return made


def _write(
    out: Path | None,
    figure: Path | None,
    made: pd.DataFrame,
    found: Examination,
) -> None:
    """Write the table and the picture, or neither."""
    from contextlib import ExitStack

    from napari_muscle_us.io.files import atomic_path

    with ExitStack() as files:
        if out is not None:
            refuse_other_table(out, list(made.columns[:6]), "table of an examination")
            write_csv(files.enter_context(atomic_path(out)), made)
        if figure is not None:
            _draw(files.enter_context(atomic_path(figure)), found)


def _draw(path: Path, found: Examination) -> None:
    """Draw bars and body map beside each other."""
    from matplotlib.figure import Figure

    from napari_muscle_us.reference.examination.body_map import (
        draw_body_map,
        draw_z_bars,
        z_by_place,
    )
    from napari_muscle_us.reference.examination.decision_rule import DISCLAIMER

    height = max(5.0, 0.3 * len(found.muscles) + 1.5)
    picture = Figure(figsize=(13, height), layout="constrained")
    bars, body = picture.subplots(1, 2, width_ratios=(1, 1.5))
    draw_z_bars(bars, found)
    missing = draw_body_map(body, z_by_place(found))
    said = f"Z-scores against {found.reference.title}. {DISCLAIMER}"
    if missing:
        said += f" Not on the map: {', '.join(missing)}."
    # A dollar sign would begin a formula.
    picture.supxlabel(said.replace("$", r"\$"), fontsize=8, wrap=True)
    picture.savefig(path, dpi=150, format=path.suffix[1:].lower())


def _tell_examination(found: Examination) -> None:
    rows = [_HEAD, *(_cells(muscle) for muscle in found.muscles if muscle.score)]
    if len(rows) > 1:
        click.echo("\n".join(lined_up(rows)))
    for muscle in found.muscles:
        if muscle.problem:
            click.echo(f"No Z-score: {muscle.label}: {muscle.problem}")
    counted = ", ".join(f"{n} > {limit:.1f}" for limit, n in found.counts.items())
    click.echo(f"Z-scores of {len(found.z_scores)} muscles and sides: {counted}")
    try:
        decision = found.decide()
    except ReferenceSetError as error:
        for sentence in found.warnings:
            note(sentence)
        note(str(error))
        return
    click.echo(f"{decision.words} Rule: {decision.rule}.")
    click.echo(f"  {decision.branch}")
    for step in decision.steps:
        click.echo(f"  {step.words}")
    for sentence in decision.caveats:
        note(sentence)


def _cells(muscle: Any) -> tuple[str, ...]:
    score = muscle.score
    numbers = (
        *(f"{muscle.measured.value:.2f}", f"{score.predicted:.2f}"),
        *(f"{score.sd:.2f}", f"{score.z:.2f}", _percentile(score)),
    )
    counted = () if muscle.counted else ("not counted",)
    return (muscle.muscle, muscle.side, *numbers[:-1], " ".join(numbers[-1:] + counted))


def _percentile(score: Any) -> str:
    # Nobody is at 0 or 100.
    if score.percentile > 99.9:
        return "> 99.9"
    return "< 0.1" if score.percentile < 0.1 else f"{score.percentile:.1f}"
