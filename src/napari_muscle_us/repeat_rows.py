"""From the rows of single images to rows of their averages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.measure.repeat_groups import geometry_of, method_of
from napari_muscle_us.measure.repeats import averaged_groups, side_difference
from napari_muscle_us.results import MeasuredValue, canonical_json, results_frame
from napari_muscle_us.row_parts import SOFTWARE, registered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pandas as pd

    from napari_muscle_us.measure.repeat_groups import RepeatGroup
    from napari_muscle_us.measure.repeats import RepeatRule, Repeats

SEVERAL: Final = canonical_json({"type": "several"})
"""Outline of a row that several images made; its method holds theirs."""


def repeat_rows(
    results: pd.DataFrame,
    *,
    rule: RepeatRule = "mean",
    drop: Collection[str] = (),
) -> pd.DataFrame:
    """Return the averages of repeated images as rows of the results table.

    Parameters
    ----------
    results : DataFrame
        Results table with the echo intensity of single images; for ``"radboud"``
        their mean without black pixels.
    rule : {"mean", "mean_rounded", "radboud"}, default: "mean"
        See `napari_muscle_us.measure.repeats.average_repeats`.
    drop : collection of str
        Names of images to leave out; the notes say so.

    Returns
    -------
    DataFrame
        For each subject, visit, muscle and side the average echo intensity and the
        CV between images; for each muscle whose two sides have an average, left −
        right, with an empty side. Where images cannot be averaged, the one row is NaN
        with the reason in ``note``. ``method`` holds for each image all it takes to
        measure it again; ``image`` and ``image_sha256`` are empty, ``frame`` is 0.

    Raises
    ------
    ResultsError
        If the table lacks a column, or a method or an outline in it is not readable.
    MeasureError
        If the rule is unknown.

    See Also
    --------
    napari_muscle_us.measure.repeats.summarise_repeats : The same for reading.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> rois = [mus.Rectangle(150, 200, 40, 60, muscle="Biceps brachii", side="left")]
    >>> rows = repeat_rows(mus.measure_rois(image, rois))
    >>> rows["measure"].tolist()
    ['repeats.echo_intensity', 'repeats.cv']
    """
    groups, averages = averaged_groups(results, rule=rule, drop=drop)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    rows: list[Mapping[str, Any]] = []
    for group, average in zip(groups, averages, strict=True):
        values = _group_values(group, average, rule)
        if group.side == "right" and group.partner is not None:
            # After both sides, so that the table reads left, right, difference.
            left, other = groups[group.partner], averages[group.partner]
            values.append(_difference((left, group), (other, average), rule))
        for value in values:
            rows.append(_row(group, value, measured_at))
    return results_frame(rows)


def _group_values(
    group: RepeatGroup, average: Repeats, rule: RepeatRule
) -> list[MeasuredValue]:
    method = {"rule": rule, "inputs": inputs_of(group.rows)}
    note = "; ".join(filter(None, (group.problem, average.reason, group.note)))
    values = [registered("repeats.echo_intensity", average.value, method, note)]
    if group.rows:
        values.append(registered("repeats.cv", average.cv_percent, method, note))
    return values


def _difference(
    groups: tuple[RepeatGroup, RepeatGroup],
    averages: tuple[Repeats, Repeats],
    rule: RepeatRule,
) -> MeasuredValue:
    """Return left − right; both are given in that order."""
    left, right = groups
    n_left = len(left.rows)
    method = {
        "rule": rule,
        "left": list(range(n_left)),
        "right": list(range(n_left, n_left + len(right.rows))),
        "inputs": inputs_of((*left.rows, *right.rows)),
    }
    apart = side_difference(*(average.value for average in averages))
    notes = [
        f"{group.side}: {told}"
        for group, average in zip(groups, averages, strict=True)
        for told in (average.reason, group.note)
        if told
    ]
    key = "repeats.side_difference"
    return registered(key, apart.difference, method, "; ".join(notes))


def inputs_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each image what it takes to measure it again.

    Parameters
    ----------
    rows : iterable of mapping
        A row of the results table for each image.

    Returns
    -------
    list of dict
        Name, hash and frame of the image, outline, muscle and method of the row.

    Raises
    ------
    ResultsError
        If a method or an outline is not readable.
    """
    return [
        {
            "image": str(row["image"]),
            "image_sha256": str(row["image_sha256"]),
            "frame": int(row["frame"]),
            "roi_geometry": geometry_of(row),
            "muscle": str(row["muscle"]),
            "method": method_of(row),
        }
        for row in rows
    ]


def _row(group: RepeatGroup, value: MeasuredValue, measured_at: str) -> dict[str, Any]:
    of_both = value.measure == "repeats.side_difference"
    return {
        "subject": group.subject,
        "visit": group.visit,
        "image": "",
        "frame": 0,
        "roi": "",
        "muscle": group.muscle,
        "side": "" if of_both else group.side,
        "measure": value.measure,
        "value": value.value,
        "unit": value.unit,
        "method": canonical_json(value.method),
        "image_sha256": "",
        "roi_geometry": SEVERAL,
        "software_version": SOFTWARE,
        "measured_at": measured_at,
        "note": value.note,
    }
