"""Which rows of a results table are repeats of one muscle and side."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.measure.repeat_rules import ABOVE_BLACK, ECHO_INTENSITY
from napari_muscle_us.results import COLUMNS, canonical_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    Row = Mapping[str, Any]
    Key = tuple[str, str, str, str]
    Mark = tuple[str, int, str]

_BODY_SIDES: Final = ("left", "right")
_NOT_COMPARED: Final = frozenset(
    (
        "hash_of",
        "crop",
        "spacing_mm",
        "spacing_source",
        "spacing_by_user",
        "device_by_user",
        "rules",
    )
)
"""Entries of a method that may differ from image to image, or change no value."""


@dataclass(frozen=True, slots=True)
class RepeatGroup:
    """The images of one muscle and side of a person at a visit.

    Attributes
    ----------
    subject, visit, muscle, side : str
        Labels that the rows share.
    unit : str
        Unit of the values; empty where there is none.
    rows : tuple of mapping
        A row of the results table for each image, in an order that does not depend on
        that of the table. Empty where the images cannot be averaged.
    problem : str
        Why they cannot, in words; empty if they can.
    note : str
        What else to know, in words.
    partner : int, optional
        Place of the other side in the list of groups, where the two can be compared.
    """

    subject: str
    visit: str
    muscle: str
    side: str
    unit: str
    rows: tuple[Row, ...]
    problem: str = ""
    note: str = ""
    partner: int | None = None

    @property
    def values(self) -> tuple[float, ...]:
        """The value of each image."""
        return tuple(float(row["value"]) for row in self.rows)


@dataclass(slots=True)
class _Found:
    """A group while it is put together."""

    key: Key
    rows: list[Row]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    partner: int | None = None


def group_repeats(
    results: pd.DataFrame,
    *,
    measure: str = ECHO_INTENSITY,
    drop: Collection[str] = (),
) -> list[RepeatGroup]:
    """Return the repeats in a results table, by subject, visit, muscle and side.

    An image counts once. An ROI that was measured again counts as measured last; two
    ROIs on an image, or two frames of a clip, are no repeats, since the probe was not
    lifted between them. Of the mean without black pixels, which is measured only when
    it is asked for, each ROI with an echo intensity needs one of the same outline.

    Parameters
    ----------
    results : DataFrame
        Results table.
    measure : str, default: "intensity.mean"
        The measure whose rows are looked at.
    drop : collection of str
        Names of images to leave out.

    Returns
    -------
    list of RepeatGroup
        In the order of their labels; one with a problem has no rows.

    Raises
    ------
    ResultsError
        If the table lacks a column, or a method in it is not readable.
    """
    missing = [column for column in COLUMNS if column not in results.columns]
    if missing:
        raise ResultsError(
            f"The results lack the columns {', '.join(missing)}; give a table of "
            "measured regions."
        )
    by_key = _by_key(results, measure)
    plain = _by_key(results, ECHO_INTENSITY) if measure == ABOVE_BLACK else {}
    found = [
        _of_group(key, by_key.get(key, []), plain.get(key, []), drop)
        for key in sorted({*by_key, *plain})
    ]
    _refuse_double_outlines(found)
    _find_partners(found)
    return [_finished(group) for group in found]


def _by_key(results: pd.DataFrame, measure: str) -> dict[Key, list[Row]]:
    by_key: dict[Key, list[Row]] = {}
    for row in results[results["measure"] == measure].to_dict("records"):
        texts = {str(name): value for name, value in row.items()}
        by_key.setdefault(_key(texts), []).append(texts)
    return by_key


def _key(row: Row) -> Key:
    subject, visit, muscle, side = (
        str(row[name]).strip() for name in ("subject", "visit", "muscle", "side")
    )
    return subject, visit, muscle, side


def _of_group(
    key: Key, rows: list[Row], plain: list[Row], drop: Collection[str]
) -> _Found:
    """Return the rows of a group that count, and what is wrong with them.

    `plain` are the rows that each need one of the measure in hand beside them.
    """
    group = _Found(key, [])
    missing = [
        name
        for name, there in (("muscle", key[2]), ("side", key[3] in _BODY_SIDES))
        if not there
    ]
    if missing:
        told = f" ({key[3]!r} is none)" if key[3] not in ("", *_BODY_SIDES) else ""
        group.problems.append(
            f"{_count(len(rows or plain), 'row')} without {' and '.join(missing)}"
            f"{told}, so not averaged"
        )
        return group
    left_out = sorted({str(r["image"]) for r in [*rows, *plain]} & set(drop))
    if left_out:
        group.notes.append(f"left out: {', '.join(map(repr, left_out))}")
    group.rows = [_latest(same, group) for same in _by_roi(rows, left_out).values()]
    _refuse_unmeasured(group, _by_roi(plain, left_out))
    # In one order, whatever that of the table.
    group.rows.sort(key=lambda row: (str(row["image"]), _picture(row)))
    _refuse_double_images(group)
    without = [str(r["image"]) for r in group.rows if math.isnan(r["value"])]
    if without:
        group.notes.append(f"without a value: {', '.join(map(repr, without))}")
        group.rows = [row for row in group.rows if not math.isnan(row["value"])]
    difference = _methods_differ(group.rows)
    if difference:
        group.problems.append(f"the images were measured by different {difference}")
    elif not group.rows and not group.problems:
        group.problems.append("there is no image with a value")
    return group


def _by_roi(rows: list[Row], left_out: Collection[str]) -> dict[Mark, list[Row]]:
    by_roi: dict[Mark, list[Row]] = {}
    for row in rows:
        if row["image"] not in left_out:
            by_roi.setdefault(_mark(row), []).append(row)
    return by_roi


def _mark(row: Row) -> Mark:
    return _picture(row), int(row["frame"]), str(row["roi"])


def _refuse_unmeasured(group: _Found, plain: Mapping[Mark, list[Row]]) -> None:
    """Mark ROIs whose last measurement has no mean without black pixels."""
    own = {_mark(row): row for row in group.rows}
    images = {
        str(last["image"])
        for mark, last in ((mark, _last(same)) for mark, same in plain.items())
        if mark not in own or _overtaken(own[mark], last)
    }
    if images:
        where = f" of {', '.join(map(repr, sorted(images)))}" if own else ""
        group.problems.append(
            f"no mean without black pixels{where}: measure with 'mean without black "
            "pixels' switched on"
        )


def _overtaken(row: Row, last: Row) -> bool:
    """Tell whether an ROI was measured otherwise since, so that a row is old."""
    moved = row["roi_geometry"] != last["roi_geometry"]
    otherwise = moved or bool(_methods_differ([row, last]))
    return otherwise and _when(row) <= _when(last)


def _picture(row: Row) -> str:
    """Return what tells pictures apart: a copy under another name is the same one."""
    return str(row["image_sha256"]) or str(row["image"])


def _latest(rows: list[Row], group: _Found) -> Row:
    """Return the row that counts of those of one ROI on one frame."""
    last = _last(rows)
    if len(rows) == 1:
        return last
    named, image = str(last["roi"]), str(last["image"])
    rivals = [r for r in rows if _when(r) == _when(last)] if named else rows
    if len({_content(row) for row in rivals}) > 1:
        which = f"named {named!r}" if named else "without a name"
        group.problems.append(
            f"several ROIs {which} on {image!r}: two ROIs on an image are no repeats, "
            "so keep one"
        )
    else:
        called = f"ROI {named!r}" if named else "the ROI"
        group.notes.append(
            f"{called} on {image!r} was measured {len(rows)} times, the latest counts"
        )
    return last


def _last(rows: Sequence[Row]) -> Row:
    # The last of the table among those of one time: rows are added at its end.
    return max(enumerate(rows), key=lambda item: (_when(item[1]), item[0]))[1]


def _content(row: Row) -> tuple[str, ...]:
    # An unnamed outline that moved may be another one; a named one is compared only
    # with what was measured at the same time.
    return (str(row["roi_geometry"]), repr(row["value"]) if row["roi"] else "")


def _when(row: Row) -> float:
    try:
        time = datetime.fromisoformat(str(row["measured_at"]))
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return -math.inf


def _refuse_double_images(group: _Found) -> None:
    by_picture: dict[str, list[Row]] = {}
    for row in group.rows:
        by_picture.setdefault(_picture(row), []).append(row)
    for rows in by_picture.values():
        frames = {int(row["frame"]) for row in rows}
        image = str(rows[0]["image"])
        if len(frames) > 1:
            group.problems.append(
                f"{len(frames)} frames of {image!r} are measured: frames of one clip "
                "are no repeats, so keep one"
            )
        elif len(rows) > 1:
            group.problems.append(
                f"{len(rows)} ROIs on {image!r}: two ROIs on an image are no repeats, "
                "so keep one"
            )


def _refuse_double_outlines(found: Sequence[_Found]) -> None:
    """Mark an outline that counts for two muscles or sides of one person."""
    owners: dict[tuple[object, ...], list[_Found]] = {}
    for group in found:
        for row in group.rows:
            place = (_picture(row), int(row["frame"]), str(row["roi_geometry"]))
            owners.setdefault((*group.key[:2], *place), []).append(group)
    for groups in owners.values():
        if len({group.key for group in groups}) > 1:
            names = " and ".join(f"{g.key[2]} {g.key[3]}" for g in groups)
            for group in groups:
                group.problems.append(
                    f"one outline is measured as {names}, so remove the wrong row"
                )


def _methods_differ(rows: Sequence[Row]) -> str:
    """Return in what the methods of rows differ, in words; empty where in nothing."""
    if len({str(row["unit"]) for row in rows}) > 1:
        return "units"
    rules: set[str] = set()
    others: set[str] = set()
    for row in rows:
        method = method_of(row)
        rules.add(str(method.get("gray_rule", "stored")))
        kept = {k: v for k, v in method.items() if k not in _NOT_COMPARED}
        others.add(canonical_json({**kept, "gray_rule": ""}))
    # "stored" says that the file holds gray levels, which no rule changes.
    if len(rules - {"stored"}) > 1:
        return f"gray rules ({', '.join(sorted(rules))})"
    return "methods" if len(others) > 1 else ""


def method_of(row: Row) -> dict[str, Any]:
    """Return the method of a row as an object.

    Raises
    ------
    ResultsError
        If it is none.
    """
    return _object(row, "method")


def geometry_of(row: Row) -> dict[str, Any]:
    """Return the outline of a row as an object.

    Raises
    ------
    ResultsError
        If it is none.
    """
    return _object(row, "roi_geometry")


def _object(row: Row, column: str) -> dict[str, Any]:
    try:
        value = json.loads(str(row[column]), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ResultsError(
            f"The column {column} of {str(row['image'])!r} is not a JSON object; "
            "measure the image again."
        )
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _find_partners(found: list[_Found]) -> None:
    places = {g.key: place for place, g in enumerate(found) if not g.problems}
    for (subject, visit, muscle, side), left in places.items():
        right = places.get((subject, visit, muscle, "right"))
        if side != "left" or right is None:
            continue
        difference = _methods_differ([*found[left].rows, *found[right].rows])
        if difference:
            for place in (left, right):
                found[place].notes.append(
                    f"left and right were measured by different {difference}, so they "
                    "are not compared"
                )
        else:
            found[left].partner, found[right].partner = right, left


def _finished(group: _Found) -> RepeatGroup:
    rows = () if group.problems else tuple(group.rows)
    units = {str(row["unit"]) for row in rows}
    return RepeatGroup(
        *group.key,
        unit=units.pop() if units else "",
        rows=rows,
        problem="; ".join(dict.fromkeys(group.problems)),
        note="; ".join(group.notes),
        partner=group.partner,
    )


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
