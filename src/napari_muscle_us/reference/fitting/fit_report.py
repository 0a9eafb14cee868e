"""The printed report of a fit of reference values: one page that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.reference.fitting._fit_people import formula_of
from napari_muscle_us.reference.fitting._report_html import (
    NONE,
    Part,
    facts,
    fixed,
    heading,
    joined,
    mark,
    number,
    padded,
    page,
    paragraph,
    table,
    text,
)
from napari_muscle_us.reference.fitting._report_methods import (
    methods_part,
    options_facts,
    software_words,
)
from napari_muscle_us.reference.fitting._report_muscle import muscle_part
from napari_muscle_us.reference.fitting._report_plots import plots_part
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.validation import shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us.reference.fitting.fit_types import MuscleFit, ReferenceFit
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import DeviceBinding, Population, Span

    Progress = Callable[[int, int], None]
    Cancelled = Callable[[], bool]

GENERATOR: Final = "napari-muscle-us report of reference values"
"""Name by which a report is known again."""

_SEEN: Final = 1000

_PRIVACY: Final = (
    "This report holds no names. Codes of subjects stand in it only where a subject "
    "pulls the model, and where a muscle was refused because of somebody's rows."
)


def write_fit_report(
    path: str | Path,
    fit: ReferenceFit,
    reference: ReferenceSet,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Path | None:
    """Write all about a fit of reference values to one HTML file, to read and print.

    The file is written beside its place and renamed, so there is never half a report.

    Parameters
    ----------
    path : str or Path
        Name ending in ``.html`` or ``.htm``.
    fit : ReferenceFit
        From `napari_muscle_us.reference.fitting.fit.fit_reference`.
    reference : ReferenceSet
        The set that was made of it.
    overwrite : bool, default: False
        Whether another report at that place may be replaced. A file that is no such
        report is never replaced.
    progress : callable, optional
        Called with the number of muscles that are done and of all.
    cancelled : callable, optional
        Asked before each muscle whether to stop.

    Returns
    -------
    Path or None
        Where it is; ``None`` when it was cancelled, and nothing was written.

    Raises
    ------
    ReferenceSetError
        If the name does not end in ``.html``, something is there that must not be
        replaced, or the set does not hold the models of the fit.
    ResultsError
        If the folder does not exist or cannot be written to.

    See Also
    --------
    report_html : The same as a text.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ReferenceSetError(
            f"{shortened(path.name)!r} does not end in .html; give the report such a "
            "name."
        )
    refuse_report_to_replace(path, overwrite)
    content = report_html(fit, reference, progress=progress, cancelled=cancelled)
    if content is None:
        return None
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode("utf-8"))
    return path


def report_html(
    fit: ReferenceFit,
    reference: ReferenceSet,
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> str | None:
    """Return the report as HTML; see `write_fit_report`.

    Parameters
    ----------
    fit, reference, progress, cancelled
        As for `write_fit_report`.

    Returns
    -------
    str or None
        One page without scripts that loads nothing: plots are PNG images in it. The
        same fit and set give the same text. ``None`` when it was cancelled.

    Raises
    ------
    ReferenceSetError
        If the set does not hold the models of the fit.
    """
    _check_same(fit, reference)
    muscles = []
    for place, one in enumerate(fit.muscles):
        if cancelled is not None and cancelled():
            return None
        muscles.append(muscle_part(one, plots_part(one), anchor=f"m{place + 1}"))
        if progress is not None:
            progress(place + 1, len(fit.muscles))
    version = _version()
    body = [
        heading(1, f"Reference values: {reference.title}"),
        paragraph(_what_it_is(fit, reference, version)),
        paragraph(_PRIVACY, "small"),
        _contents(fit),
        heading(2, "The reference set"),
        facts(_set_facts(reference)),
        facts(_device_facts(reference.device)),
        facts(_people_facts(reference.population)),
        heading(2, "How the values were fitted"),
        facts([("Software", software_words(version)), *options_facts(fit)]),
        heading(2, "Muscles at a glance"),
        *_glance(fit),
        *_refused(fit),
        *muscles,
        methods_part(fit, reference, version),
    ]
    return page(
        f"Reference values: {reference.title}", joined(body), generator=GENERATOR
    )


def _version() -> str:
    from importlib.metadata import version

    return version("napari-muscle-us")


def refuse_report_to_replace(path: Path, overwrite: bool) -> None:
    """Refuse to write over what is no report, or one that may not be replaced.

    Parameters
    ----------
    path : Path
        Where the report would be written.
    overwrite : bool
        Whether another report there may be replaced.

    Raises
    ------
    ReferenceSetError
        If something is there that must not be replaced.
    """
    try:
        if not (path.exists() or path.is_symlink()) or path.is_dir():
            return
    except (OSError, ValueError):
        # That it is no place to write to is said when it is written.
        return
    if not _is_report(path):
        raise ReferenceSetError(
            f"{shortened(path.name)!r} is there already and is not a report of "
            "reference values, so it is not replaced; choose another name."
        )
    if not overwrite:
        raise ReferenceSetError(
            f"The report {shortened(path.name)!r} is there already; choose another "
            "name, or allow it to be replaced."
        )


def _is_report(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(_SEEN)
    except OSError:
        return False
    return f'<meta name="generator" content="{GENERATOR}"/>'.encode() in start


def _check_same(fit: ReferenceFit, reference: ReferenceSet) -> None:
    if not fit.muscles:
        raise ReferenceSetError(
            "No muscle was fitted, so there is nothing to report; fit at least one."
        )
    for one in fit.muscles:
        if not any(model == one.model for model in reference.models):
            raise ReferenceSetError(
                f"The set {reference.name} does not hold the model of "
                f"{shortened(one.muscle)} that was fitted; make the set from this fit."
            )


def _what_it_is(fit: ReferenceFit, reference: ReferenceSet, version: str) -> str:
    n = reference.population.n
    who = f"{n} healthy controls" if n else "healthy controls"
    return (
        f"What healthy muscle looks like on {reference.device}: reference values of "
        f"{len(fit.muscles)} muscle{'s' if len(fit.muscles) > 1 else ''}, fitted to "
        f"{who} with napari-muscle-us {version} ({reference.date}). This report tells "
        "how they were made and all that speaks for and against them. Z-scores support "
        "a diagnosis; they are none."
    )


def _contents(fit: ReferenceFit) -> Part:
    links = [(f"m{k + 1}", one.muscle) for k, one in enumerate(fit.muscles)]
    links += [
        ("methods", "Text for a methods section"),
        ("typical", "Predicted values and 95 % limits"),
    ]
    items = "".join(f'<li><a href="#{a}">{text(name)}</a></li>\n' for a, name in links)
    return Part(f"<nav><ul>\n{items}</ul></nav>\n")


def _set_facts(reference: ReferenceSet) -> list[tuple[str, object]]:
    return [
        ("Name", reference.name),
        ("Author", reference.author),
        ("Date", reference.date),
        ("Licence", reference.licence),
        ("Citation", reference.citation),
        ("Source", reference.source_remark),
        ("Protocol", reference.protocol),
        ("Checksum of the file", reference.checksum),
    ]


def _device_facts(device: DeviceBinding) -> list[tuple[str, object]]:
    return [
        ("Device", f"{device.manufacturer} {', '.join(device.models)}"),
        ("Transducer", ", ".join(device.transducers)),
        ("Preset", ", ".join(device.presets)),
        ("Depth", _span(device.depth_mm, "mm")),
        ("Frequency", _span(device.frequency_mhz, "MHz")),
        ("Gain", _span(device.gain_db, "dB")),
        ("Dynamic range", _span(device.dynamic_range_db, "dB")),
        ("Remark", device.remark),
    ]


def _people_facts(people: Population) -> list[tuple[str, object]]:
    counts = [
        f"{count} {word}"
        for count, word in (
            (people.n, "subjects"),
            (people.women, "women"),
            (people.men, "men"),
        )
        if count is not None
    ]
    return [
        ("People", people.description),
        ("Number", ", ".join(counts)),
        ("Age", _span(people.age_years, "years")),
        ("Height", _span(people.height_cm, "cm")),
        ("Weight", _span(people.weight_kg, "kg")),
        ("Country", people.country),
        ("Excluded", people.exclusion),
    ]


def _span(span: Span | None, unit: str) -> str:
    if span is None:
        return ""
    return f"{number(span.low)} to {number(span.high)} {unit}"


def _glance(fit: ReferenceFit) -> list[Part]:
    heads = (
        "Muscle",
        "Formula",
        "Subjects",
        "Values",
        "SD",
        "SE of a limit",
        "in SD",
        "More to halve it",
        "Mean Z",
        "SD of Z",
        "Inside 95 %, %",
        "",
    )
    notes = (
        "SD: residual SD on the scale of the model. SE of a limit: standard error of "
        "an end of the 95 % interval at the centre of the sample, in the unit of the "
        "values and in SD, and how many more subjects would halve it. Mean and SD of "
        "Z, and the share inside 95 %: of each control against a model without it; 0, "
        "about 1 and 95 % are expected."
    )
    parts = [
        table(heads, [_line(one) for one in fit.muscles], words=(1, 11)),
        paragraph(notes, "small"),
    ]
    if not all(isinstance(one.model, LinearModel) for one in fit.muscles):
        parts.append(
            paragraph(
                f"{NONE}: these models have no single SD. The error of a limit is that "
                "of a linear model beside it.",
                "small",
            )
        )
    return parts


def _line(one: MuscleFit) -> tuple[object, ...]:
    model, left_out, error = one.model, one.left_out, one.limit_error
    sd = NONE
    if isinstance(model, LinearModel):
        sd = padded(model.residual_variance**0.5, 3)
    return (
        one.muscle,
        formula_of(one),
        one.n_subjects,
        one.n_values,
        sd,
        padded(error.standard_error, 3),
        fixed(error.in_sd),
        error.more_to_halve,
        fixed(left_out.mean),
        fixed(left_out.sd),
        fixed(left_out.coverage, 1),
        _verdict(one),
    )


def _verdict(one: MuscleFit) -> Part:
    if not one.left_out.passed:
        return mark("bad", "Z not as expected")
    if one.diagnostics.suggestion:
        return mark("ask", "look at the residuals")
    return mark("good", "sound")


def _refused(fit: ReferenceFit) -> list[Part]:
    if not fit.refused:
        return []
    return [
        heading(2, "Muscles that were not fitted"),
        table(("Muscle", "Why"), fit.refused, words=(1,)),
    ]
