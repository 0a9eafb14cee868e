"""The command ``reference fit``: reference values from healthy controls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import (
    FILE,
    TABLE_OPTIONS,
    Progress,
    lined_up,
    note,
    read_values,
    refuse_own_input,
    tell_dropped,
    with_options,
)
from napari_muscle_us.cli_facts import FACT_OPTIONS, facts_of
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_muscle_us.reference.fitting.fit_types import (
        FitOptions,
        MuscleFit,
        ReferenceFit,
    )
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import DeviceBinding

_SHORT: Final = {
    "age": "age_years",
    "sex": "sex_male",
    "height": "height_cm",
    "weight": "weight_kg",
    "bmi": "bmi",
    "side": "side_right",
    "dominance": "side_nondominant",
}
_COUNTED: Final = ("limits", "aliases", "unit")
_OF_PEOPLE: Final = ("description", "country", "exclusion")
_TOLD: Final = (
    *("name", "title", "author", "licence", "date", "citation"),
    *("source_remark", "protocol"),
)
_HEAD: Final = ("muscle", "n", "formula", "SD", "left-out mean", "left-out SD", "check")
_NAME: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_SUFFIXES: Final = (".html", ".htm")
_MODEL_OPTIONS: Final = (
    click.option(
        "--muscle", "muscles", multiple=True, help="Only this muscle (again: more)."
    ),
    click.option(
        "--candidates",
        metavar="A,B,...",
        help="Covariates that may enter: age, sex, height, weight, bmi, side, "
        "dominance (default: the first five).",
    ),
    click.option(
        "--max-power", type=int, default=2, show_default=True, help="Highest power."
    ),
    click.option("--interactions", is_flag=True, help="Products of two may enter."),
    click.option(
        "--selection",
        type=click.Choice(["cv", "aicc", "none"]),
        default="cv",
        show_default=True,
        help="Rule by which a formula is chosen.",
    ),
    click.option("--formula", help="Your own choice, such as '1 + age_years'."),
    click.option(
        "--repeated",
        type=click.Choice(["mixed", "mean", "left", "right"]),
        default="mixed",
        show_default=True,
        help="How several values of a subject are used.",
    ),
    click.option(
        "--scale",
        type=click.Choice(["none", "log", "box-cox"]),
        default="none",
        show_default=True,
        help="Scale of the values.",
    ),
    click.option(
        "--kind",
        type=click.Choice(["linear", "lms", "quantiles"]),
        default="linear",
        show_default=True,
        help="Kind of the models.",
    ),
    click.option(
        "--sd",
        "sd_used",
        type=click.Choice(["prediction", "residual"]),
        default="prediction",
        show_default=True,
        help="SD by which Z divides.",
    ),
    click.option("--folds", type=int, default=10, show_default=True, help="For cv."),
    click.option("--seed", type=int, default=0, show_default=True, help="For cv."),
)


@click.command()
@click.argument("table", type=FILE)
@click.option("--out", type=FILE, required=True, help="Reference set (JSON) to write.")
@click.option("--report", type=FILE, help="Report of the fit (HTML) to write.")
@with_options(*TABLE_OPTIONS, *_MODEL_OPTIONS, *FACT_OPTIONS)
@click.option(
    "--overwrite", is_flag=True, help="Replace a reference set and report there."
)
def fit(table: Path, out: Path, report: Path | None, **options: Any) -> None:
    """Fit reference values to a TABLE (CSV or XLSX) of healthy controls.

    Columns: subject, muscle, side, value, age, sex, height, weight; or one row a person
    with a column for each muscle.
    """
    from napari_muscle_us.reference.describe import doubts
    from napari_muscle_us.reference.fitting.fit import fit_reference, reference_from_fit
    from napari_muscle_us.reference.fitting.fit_types import FitOptions

    _refuse_places(table, out, report, options)
    facts = _set_facts(table, options)
    chosen = _fit_options(options, FitOptions)
    values = read_values(table, options)
    with Progress("Fitting") as progress:
        found = fit_reference(
            values,
            muscle=options["muscles"] or None,
            measure=options["measure"],
            options=chosen,
            progress=progress,
        )
    if found is None:
        raise ReferenceSetError("The fit was stopped; nothing was written.")
    made = reference_from_fit(found, **facts)
    _write(out, made, report, found, overwrite=options["overwrite"])
    tell_dropped(values)
    _tell(found)
    for sentence in doubts(made):
        note(sentence)
    click.echo(f"Reference set {made.name} written to {out}.")
    if report is not None:
        click.echo(f"Report written to {report}.")


def _refuse_places(
    table: Path, out: Path, report: Path | None, options: dict[str, Any]
) -> None:
    """Refuse before long work what could not be written after it."""
    from napari_muscle_us.io.files import refuse_unwritable
    from napari_muscle_us.reference import write

    inputs = [table, options["people"], options["metadata"]]
    overwrite = options["overwrite"]
    refuse_unwritable(out)
    refuse_own_input(out, inputs)
    if out.suffix.lower() != ".json":
        raise ReferenceSetError(
            f"{out.name!r} does not end in .json; give the reference set such a name."
        )
    write.refuse_to_replace(out, overwrite)
    if report is None:
        return
    from napari_muscle_us.reference.fitting import fit_report

    refuse_unwritable(report)
    refuse_own_input(report, inputs, "--report")
    if report.suffix.lower() not in _SUFFIXES:
        raise ResultsError(
            f"{report.name!r} does not end in .html; give the report such a name."
        )
    fit_report.refuse_report_to_replace(report, overwrite)


def _set_facts(table: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return what `reference_from_fit` is to be told, checked before the fit."""
    from napari_muscle_us.reference.importers.facts import checked_facts

    told = facts_of({**options, "measure": None})
    for name in _COUNTED:
        if name in told:
            raise ReferenceSetError(
                f"The metadata tell {name}, which come from the controls themselves; "
                "leave them out."
            )
    told.pop("sd", None)
    told.pop("measure", None)
    told.setdefault("citation", "Not published.")
    told.setdefault(
        "source_remark", "Fitted to own healthy controls with napari-muscle-us."
    )
    told.setdefault("population", {"description": "Healthy controls."})
    told = checked_facts(told, table, needs_limits=False)
    if not re.fullmatch(_NAME, str(told["name"])):
        # Said before the fit, which takes long.
        raise ReferenceSetError(
            f"The name {str(told['name'])[:60]!r} is not possible; use small letters, "
            "digits and hyphens, such as our-adults."
        )
    people = told["population"]
    for name in people:
        if name not in _OF_PEOPLE:
            raise ReferenceSetError(
                f"The metadata tell {name!r:.40} of the population, which is counted "
                f"from the table; tell only {', '.join(_OF_PEOPLE)}."
            )
    given = {name: told[name] for name in _TOLD if name in told}
    return {**given, **people, "device": _device(told["device"])}


def _device(told: object) -> DeviceBinding:
    import json

    from pydantic import ValidationError

    from napari_muscle_us.reference.parts import DeviceBinding

    try:
        return DeviceBinding.model_validate_json(json.dumps(told))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the device"
        raise ReferenceSetError(
            f"The device is not told rightly at {place[:60]}: {first['msg'][:200]}; "
            "correct it."
        ) from None


def _fit_options(
    options: dict[str, Any], make: Callable[..., FitOptions]
) -> FitOptions:
    extra = {}
    if options["candidates"] is not None:
        names = [name.strip() for name in options["candidates"].split(",")]
        if "" in names and len(names) > 1:
            raise MuscleUSError(
                f"--candidates {options['candidates'][:60]!r} has an empty name; write "
                "such as age,sex."
            )
        extra["candidates"] = tuple(_SHORT.get(n, n) for n in names if n)
    return make(
        max_power=options["max_power"],
        interactions=options["interactions"],
        selection=options["selection"],
        formula=options["formula"],
        repeated=options["repeated"],
        scale=options["scale"],
        kind=options["kind"],
        sd=options["sd_used"],
        folds=options["folds"],
        seed=options["seed"],
        **extra,
    )


def _write(
    out: Path,
    made: ReferenceSet,
    report: Path | None,
    found: ReferenceFit,
    *,
    overwrite: bool,
) -> None:
    """Write the set and the report, or neither."""
    from napari_muscle_us.io.files import atomic_path
    from napari_muscle_us.reference.write import write_reference

    if report is None:
        write_reference(out, made, overwrite=overwrite)
        return
    from napari_muscle_us.reference.fitting.fit_report import report_html

    text = report_html(found, made)
    with atomic_path(report) as temporary:
        temporary.write_text(text or "", encoding="utf-8", newline="\n")
        write_reference(out, made, overwrite=overwrite)


def _tell(found: ReferenceFit) -> None:
    """Print what was fitted, what was refused, and what to know of it."""
    for line in lined_up([_HEAD, *(_cells(muscle) for muscle in found.muscles)]):
        click.echo(line)
    for name, problem in found.refused:
        click.echo(f"Not fitted: {name}: {problem}")
    for muscle in found.muscles:
        said = (*muscle.warnings, muscle.diagnostics.suggestion)
        for sentence in dict.fromkeys(filter(None, said)):
            note(f"{muscle.muscle}: {sentence}")


def _cells(muscle: MuscleFit) -> tuple[str, ...]:
    model, check = muscle.model, muscle.left_out
    if model.kind == "linear":
        formula, sd = model.formula, f"{model.residual_variance**0.5:.4g}"
    else:
        formula, sd = f"{model.kind} by {', '.join(model.covariates) or 'none'}", "–"
    doubts = [] if check.passed else ["left-out Z"]
    doubts += [
        test.about
        for test in muscle.diagnostics.tests
        if not test.passed and model.kind == "linear"
    ]
    verdict = "passed" if not doubts else "look at " + ", ".join(dict.fromkeys(doubts))
    numbers = (f"{check.mean:.2f}", f"{check.sd:.2f}")
    return (muscle.muscle, str(muscle.n_subjects), formula, sd, *numbers, verdict)
