"""What the features table of an ROI layer holds of each shape."""

from __future__ import annotations

import math
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.roi.entries import new_key

if TYPE_CHECKING:
    from napari.layers import Shapes

LABELS: Final = ("name", "muscle", "side")
EI: Final = "echo_intensity"
OUTLINE: Final = "measured_outline"
"""Checksum of the outline that the echo intensity was measured in."""

TEXT: Final = "shown"
"""Text beside the outline: the name, and the echo intensity once measured."""

KEY: Final = "roi_key"
COLOUR: Final = "colour"
LOCKED: Final = "locked"
FRAME: Final = "frame"
EVERY_FRAME: Final = -1

DEFAULTS: Final[dict[str, Any]] = {
    **dict.fromkeys(LABELS, ""),
    EI: math.nan,
    OUTLINE: 0,
    TEXT: "",
    KEY: "",
    COLOUR: "",
    LOCKED: False,
    FRAME: EVERY_FRAME,
}
_TYPES: Final = {
    **dict.fromkeys((*LABELS, TEXT, KEY, COLOUR), "object"),
    EI: "float64",
    OUTLINE: "int64",
    LOCKED: "bool",
    FRAME: "int64",
}
_TEXTS: Final = (*LABELS, TEXT, KEY, COLOUR)
_HEX: Final = re.compile(r"#[0-9a-f]{6}([0-9a-f]{2})?")
_MOST_FRAMES: Final = 10_000_000


def is_ours(shapes: Shapes) -> bool:
    """Whether the features of a layer are ours, not those of another plugin."""
    return KEY in shapes.features


def read_rows(shapes: Shapes) -> list[dict[str, Any]]:
    """Return our features of each shape, with defaults where there are none.

    What the user typed into napari's own table, or another plugin wrote, is taken
    where it can be used.
    """
    rows = [dict(DEFAULTS) for _ in shapes.data]
    # A "frame" or "colour" of another plugin may mean anything.
    for column in DEFAULTS if is_ours(shapes) else LABELS:
        if column not in shapes.features:
            continue
        values = shapes.features[column].tolist()
        for row, value in zip(rows, values, strict=False):
            row[column] = _usable(column, value)
    return rows


def _usable(column: str, value: Any) -> Any:
    """Return a value of the table as the type of its column, else the default."""
    default = DEFAULTS[column]
    if value is None or value != value:
        return default
    if column in _TEXTS:
        text = str(value)
        if column != COLOUR:
            return text
        return text.lower() if _HEX.fullmatch(text.lower()) else default
    if column == LOCKED:
        return value is True or str(value).strip().lower() in ("true", "1", "1.0")
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    if column == EI:
        return number
    whole = int(number) if math.isfinite(number) else default
    fits = column != FRAME or EVERY_FRAME <= whole <= _MOST_FRAMES
    return whole if fits else default


def write_rows(shapes: Shapes, rows: list[dict[str, Any]], frame: int = 0) -> None:
    """Set our features of all shapes, and none for the next one.

    Assigning features makes the last row the default of the next shape, which would
    then carry another region's muscle and number; the defaults are set back.
    """
    import pandas as pd

    for row in rows:
        row[TEXT] = _shown_text(row, frame)
    if _holds(shapes, rows):
        reset_defaults(shapes)
        return
    frame_ = pd.DataFrame(rows, columns=list(DEFAULTS)).astype(_TYPES)
    others = shapes.features.drop(columns=list(DEFAULTS), errors="ignore")
    others = others.iloc[: len(rows)].reset_index(drop=True)
    shapes.features = pd.concat([frame_, others], axis=1)
    reset_defaults(shapes)


def _holds(shapes: Shapes, rows: list[dict[str, Any]]) -> bool:
    """Whether these are the features already; writing them anew takes a while."""
    if len(shapes.features) != len(rows) or set(DEFAULTS) - set(shapes.features):
        return False
    pairs = zip(read_rows(shapes), rows, strict=True)
    return not any(_differs(a[name], b[name]) for a, b in pairs for name in DEFAULTS)


def show_texts(shapes: Shapes, frame: int) -> None:
    """Write what stands beside each outline, nothing on frames where it is not."""
    rows = read_rows(shapes)
    if any(row[TEXT] != _shown_text(row, frame) for row in rows):
        write_rows(shapes, rows, frame)


def _shown_text(row: dict[str, Any], frame: int) -> str:
    return _text(row) if is_on(row, frame) else ""


def reset_defaults(shapes: Shapes) -> None:
    """See that the next shape carries nothing of another one."""
    table = shapes.feature_defaults
    now = {name: table[name].iloc[0] for name in table.columns}
    ours = {name: value for name, value in DEFAULTS.items() if name in now}
    if any(_differs(now[name], value) for name, value in ours.items()):
        shapes.feature_defaults = now | ours


def _differs(value: Any, default: Any) -> bool:
    both_nan = value != value and default != default
    return bool(not both_nan and value != default)


def set_measured(shapes: Shapes, values: dict[int, float], frame: int) -> None:
    """Write echo intensities beside their outlines."""
    rows = read_rows(shapes)
    for index, value in values.items():
        rows[index][EI] = value
        rows[index][OUTLINE] = outline_checksum(shapes, index, frame)
    write_rows(shapes, rows, frame)


def forget_measured(shapes: Shapes, frame: int, *, everything: bool = False) -> None:
    """Forget the echo intensities of outlines that moved, or all of them."""
    rows = read_rows(shapes)
    stale = [
        row
        for i, row in enumerate(rows)
        if not math.isnan(row[EI])
        and (everything or row[OUTLINE] != outline_checksum(shapes, i, frame))
    ]
    for row in stale:
        row.update({EI: math.nan, OUTLINE: 0})
    if stale:
        write_rows(shapes, rows, frame)


def is_on(row: dict[str, Any], frame: int) -> bool:
    """Whether a shape belongs to a frame."""
    return int(row[FRAME]) in (EVERY_FRAME, frame)


def outline_checksum(shapes: Shapes, index: int, frame: int = 0) -> int:
    """Return a number that changes when a shape is moved, or another frame shown."""
    outline = np.ascontiguousarray(shapes.data[index]).tobytes()
    return zlib.crc32(outline, frame)


def name_new(rows: list[dict[str, Any]]) -> tuple[bool, dict[str, str]]:
    """Give a name and a key to shapes that have none.

    A pasted shape brings name and key of the copied one: the later of the two gets its
    own, and is not locked.

    Returns
    -------
    changed : bool
        Whether there were any.
    copies : dict
        New key of each copy, with the key that it brought.
    """
    changed = False
    taken = {row["name"] for row in rows}
    copies: dict[str, str] = {}
    keys: set[str] = set()
    for row in rows:
        key = row[KEY]
        if not key or key in keys:
            row[KEY] = new_key()
            changed = True
            if key:
                copies[row[KEY]] = key
                row["name"] = free_name(row["name"], taken) if row["name"] else ""
                row[LOCKED] = False
        if not row["name"]:
            row["name"] = free_name("ROI 1", taken)
            changed = True
        taken.add(row["name"])
        keys.add(row[KEY])
    return changed, copies


def free_name(name: str, taken: set[str]) -> str:
    """Return a name like another one that no region of the set has."""
    if name not in taken:
        return name
    stem, _, number = name.rpartition(" ")
    if not stem or not (number.isascii() and number.isdigit()):
        stem, number = name, "1"
    start = int(number) + 1
    names = (f"{stem} {n}" for n in range(start, start + len(taken) + 1))
    return next(candidate for candidate in names if candidate not in taken)


def _text(row: dict[str, Any]) -> str:
    lines = [row["name"]]
    if not math.isnan(row[EI]):
        lines.append(f"EI {row[EI]:.1f}")
    return "\n".join(lines)
