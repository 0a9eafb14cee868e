"""Decision, counts and lines of an examination, as its panel shows them."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._exam_grid import (
    Cell,
    Column,
    number_cell,
    signed_text,
    text_cell,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_muscle_us.reference.examination.decision_rule import Decision
    from napari_muscle_us.reference.examination.examination import (
        Examination,
        ExaminedMuscle,
    )

RAISED: Final = 2.0
_MOST_PERCENT: Final = 99.9
COLUMNS: Final = (
    Column("Muscle", 112, "Muscle as the table names it."),
    Column("Side", 38, "Side of the body."),
    Column("EI", 46, "Echo intensity: one image, or the average of several.", True),
    Column("Pred.", 44, "Echo intensity expected of a healthy person.", True),
    Column("Z", 68, f"Z-score; ▲ and bold from {RAISED:g} up.", True),
    Column(
        "%", 52, "Percentile: share of healthy people whose value is lower, in %.", True
    ),
    Column(
        "Note", 36, "⚠ where there is a caveat; select a line to read the note whole."
    ),
)
COUNT_COLUMNS: Final = (
    Column("Z above", 62, "Z-scores strictly above this are counted.", True),
    Column("Muscles", 62, "How many; left and right count as two.", True),
    Column("Which", 240, "The muscles, the highest Z-score first."),
)


def exam_line(muscle: ExaminedMuscle, shared: Collection[str] = ()) -> tuple[Cell, ...]:
    """Return the line of a muscle and side; caveats that all share are left out."""
    score = muscle.score
    nan = float("nan")
    predicted, percentile = (
        (nan, nan) if score is None else (score.predicted, score.percentile)
    )
    mark = "▲" if muscle.z >= RAISED else ""
    return (
        text_cell(muscle.muscle, bold=bool(mark)),
        text_cell(muscle.side),
        number_cell(muscle.measured.value, 1),
        number_cell(predicted, 1),
        number_cell(muscle.z, 2, signed=True, mark=mark),
        _percent_cell(percentile),
        text_cell(note_of(muscle, shared)),
    )


def _percent_cell(percentile: float) -> Cell:
    cell = number_cell(percentile, 1)
    # No share of people is 0 or 100 %.
    if percentile > _MOST_PERCENT:
        return replace(cell, text=f"> {_MOST_PERCENT}")
    if percentile < 100 - _MOST_PERCENT:
        return replace(cell, text=f"< {100 - _MOST_PERCENT:.1f}")
    return cell


def note_of(muscle: ExaminedMuscle, shared: Collection[str] = ()) -> str:
    """Return what is to be known of a muscle besides what all share."""
    images = f"{muscle.measured.source}." if muscle.measured.source else ""
    images = images[:1].upper() + images[1:]
    said = muscle.problem or " ".join(w for w in muscle.warnings if w not in shared)
    return " ".join(filter(None, (said and f"⚠ {said}", images)))


def shared_warnings(examination: Examination) -> tuple[str, ...]:
    """Return what holds for the whole examination; the rest is of single muscles."""
    scored = [m for m in examination.muscles if m.score is not None]
    return tuple(
        said
        for said in examination.warnings
        if not scored or all(said in muscle.warnings for muscle in scored)
    )


def count_lines(examination: Examination) -> list[tuple[Cell, ...]]:
    """Return how many muscles lie beyond each threshold, and which."""
    scores = sorted(examination.z_scores.items(), key=lambda pair: -pair[1])
    lines: list[tuple[Cell, ...]] = []
    for threshold, count in examination.counts.items():
        names = ", ".join(label for label, z in scores if z > threshold)
        lines.append(
            (
                number_cell(threshold, 1),
                Cell(f"{count} of {len(scores)}", count, bold=count > 0),
                text_cell(names or "–"),
            )
        )
    return lines


def side_text(examination: Examination) -> str:
    """Return the differences of the Z-scores of the two sides."""
    found = examination.side_differences
    if not found:
        return ""
    pairs = [f"{muscle} {signed_text(apart)}" for muscle, apart in found.items()]
    return f"Z of the left minus the right side: {', '.join(pairs)}."


def decision_html(examination: Examination) -> str:
    """Return what the published rule suggests, each step with its answer."""
    try:
        decision = examination.decide()
    except MuscleUSError as error:
        return f"<p>No suggestion: {html.escape(str(error))}</p>"
    title, _, rest = decision.words.removesuffix(decision.disclaimer).partition(":")
    parts = [
        f"<p style='font-size: 14pt'><b>{html.escape(title)}</b></p>",
        f"<p>{html.escape(rest.strip()[:1].upper() + rest.strip()[1:])}</p>",
        f"<p><b>Branch:</b> {html.escape(decision.branch)}</p>",
        "<p><b>Steps</b></p>",
        *_steps(decision),
    ]
    if decision.caveats:
        parts.append("<p><b>What to know of it</b></p>")
        labels = {muscle.label for muscle in examination.muscles}
        parts += [
            f"<p>⚠ {html.escape(said)}</p>"
            for said in _grouped(decision.caveats, labels)
        ]
    parts.append(f"<p><b>Source:</b> {html.escape(decision.citation)}</p>")
    return "".join(parts)


def _grouped(caveats: Sequence[str], labels: Collection[str]) -> list[str]:
    """Return caveats, those that several muscles have said once."""
    groups: dict[str, list[str]] = {}
    for caveat in caveats:
        label, _, said = caveat.partition(": ")
        if said and label in labels:
            groups.setdefault(said, []).append(label)
        else:
            groups[caveat] = []
    return [
        f"{', '.join(found)}: {said}" if found else said
        for said, found in groups.items()
    ]


def _steps(decision: Decision) -> list[str]:
    said = []
    for number, step in enumerate(decision.steps, 1):
        question, _, answer = step.words.rpartition(" — ")
        sign = "✔" if step.met else "✘"
        so = f" → {step.outcome}" if step.met else ""
        said.append(
            f"<p>{number}. {html.escape(question)} — "
            f"<b>{sign} {html.escape(answer)}{html.escape(so)}</b></p>"
        )
    if not decision.steps or not decision.steps[-1].met:
        said.append(f"<p>No step is met → <b>{html.escape(decision.outcome)}</b></p>")
    return said
