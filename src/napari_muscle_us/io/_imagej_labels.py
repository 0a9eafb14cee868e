"""What surrounds a region in ImageJ's files: colour, slice, properties."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.io._imagej_format import (
    AT_CHANNEL,
    AT_POSITION,
    AT_SLICE,
    AT_STROKE_COLOUR,
    AT_TIME,
    POINT,
)
from napari_muscle_us.roi.checks import SIDES, label_of

if TYPE_CHECKING:
    from napari_muscle_us.io._imagej_format import RoiRecord

_LINE: Final = re.compile(r"\s*(muscle|side|locked|keyframes)\s*[:=]\s*(.*)", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NAMED: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_POSITION_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class Labels:
    """What this package keeps in the properties of an ImageJ ROI."""

    muscle: str = ""
    side: str = ""
    locked: bool = False
    keyframes: str = ""

    def texts(self) -> dict[str, str]:
        """Return the properties as ImageJ holds them."""
        locked = "true" if self.locked else ""
        return {
            "muscle": self.muscle,
            "side": self.side,
            "locked": locked,
            "keyframes": self.keyframes,
        }


def read_colour(record: RoiRecord) -> str:
    """Return the stroke colour as ``#rrggbb`` or ``#rrggbbaa``; empty for none."""
    argb = record.header[AT_STROKE_COLOUR : AT_STROKE_COLOUR + 4]
    if not any(argb) or record.version < 218:
        return ""
    alpha = "" if argb[0] == 255 else f"{argb[0]:02x}"
    return f"#{argb[1:].hex()}{alpha}"


def write_colour(record: RoiRecord, colour: str) -> None:
    """Put a stroke colour into the header."""
    if not colour:
        record.put(AT_STROKE_COLOUR, "I", 0)
        return
    alpha = colour[7:9] or "ff"
    # ImageJ takes 0 for "no colour of its own", so invisible black is nearly so.
    argb = int(alpha + colour[1:7], 16) or 0x01000000
    record.put(AT_STROKE_COLOUR, "I", argb)


def read_frame(record: RoiRecord, name: str) -> tuple[int | None, tuple[str, ...]]:
    """Return the frame, from 0, that a region belongs to, and what is doubtful.

    As in ImageJ, channel, slice and time of a hyperstack count before the position
    in the stack. Of slice and time the one that is beyond 1 is the frame.
    """
    position = record.integer(AT_POSITION)
    z, t = record.second_integer(AT_SLICE), record.second_integer(AT_TIME)
    if z > 1 and t > 1:
        return None, (
            f"{label_of(name)} lies on slice {z} and time {t} of a hyperstack; it is "
            "shown on every frame.",
        )
    if max(z, t) > 0:
        return max(z, t) - 1, ()
    if record.second_integer(AT_CHANNEL) > 0:
        return None, ()
    if position > 0:
        return position - 1, ()
    return _points_frame(record, name)


def _points_frame(record: RoiRecord, name: str) -> tuple[int | None, tuple[str, ...]]:
    """Return the frame of points, each of which may lie on one of its own."""
    slices = {value >> _POSITION_BITS for value in counter_values(record)}
    if len(slices) > 1:
        return None, (
            f"The points of {label_of(name)} lie on several slices of a stack; they "
            "are shown on every frame.",
        )
    (position,) = slices or {0}
    return (position - 1 if position > 0 else None), ()


def counter_values(record: RoiRecord) -> list[int]:
    """Return ImageJ's counter and slice of each point, as it packs them."""
    if record.kind != POINT:
        return []
    whole = len(record.counters) // 4 * 4
    data = record.counters[:whole]
    return [int.from_bytes(data[i : i + 4], "big") for i in range(0, whole, 4)]


def write_counters(record: RoiRecord, values: list[int]) -> None:
    """Put counter and slice of each point into the file."""
    record.counters = b"".join(value.to_bytes(4, "big") for value in values)


def write_frame(record: RoiRecord, frame: int | None) -> None:
    """Put the frame where ImageJ then shows the region: on that slice alone."""
    z, t = record.second_integer(AT_SLICE), record.second_integer(AT_TIME)
    slice_number = 0 if frame is None else frame + 1
    if z <= 0 and t <= 0:
        record.put(AT_POSITION, "i", slice_number)
        if slice_number:
            # A channel alone would make ImageJ forget the position.
            record.put_second(AT_CHANNEL, "i", 0)
    else:
        record.put(AT_POSITION, "i", 0)
        record.put_second(AT_SLICE, "i", 0 if t > z else slice_number)
        record.put_second(AT_TIME, "i", slice_number if t > z else 0)
    values = counter_values(record)
    low = (1 << _POSITION_BITS) - 1
    if values:
        packed = [(v & low) | slice_number << _POSITION_BITS for v in values]
        write_counters(record, packed)


def read_labels(properties: str) -> Labels:
    """Return what the ``key: value`` lines of an ROI say that concerns this package."""
    found = dict.fromkeys(("muscle", "side", "locked", "keyframes"), "")
    for line in _logical_lines(properties):
        match = _LINE.match(line)
        if match is not None:
            found[match[1]] = _repaired(_ESCAPE.sub(_plain, match[2].rstrip("\r\n")))
    side = found["side"].strip().lower()
    return Labels(
        muscle=found["muscle"],
        side=side if side in SIDES else "",
        locked=found["locked"].strip().lower() == "true",
        keyframes=found["keyframes"],
    )


def write_labels(properties: str, labels: Labels) -> str:
    """Return the properties with those labels changed that differ; all else stays."""
    old, new = read_labels(properties).texts(), labels.texts()
    changed = {key for key in new if old[key] != new[key]}
    if not changed:
        return properties
    lines = []
    for line in _logical_lines(properties):
        match = _LINE.match(line)
        if match is None or match[1] not in changed:
            lines.append(line if line.endswith("\n") else line + "\n")
    lines += [f"{k}: {_escaped(v)}\n" for k, v in new.items() if k in changed and v]
    return "".join(lines)


def _logical_lines(text: str) -> list[str]:
    """Return lines, one that ends in a backslash together with the next."""
    lines: list[str] = []
    open_line = False
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if open_line:
            lines[-1] += line
        else:
            lines.append(line)
        bare = line.rstrip("\r\n")
        open_line = (len(bare) - len(bare.rstrip("\\"))) % 2 == 1
    return lines


def _plain(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _NAMED.get(code, "" if code == "\n" else code)


def _escaped(value: str) -> str:
    """Return a value as Java's properties want it: ASCII, nothing lost at its ends."""
    if _repaired(value) != value:
        # It looks like what is repaired at reading, so it must be written as such.
        value = value.encode("utf-8", "replace").decode("latin-1")
    units = value.encode("utf-16-be", "replace")
    out = []
    for i in range(0, len(units), 2):
        code = int.from_bytes(units[i : i + 2], "big")
        leads = i == 0 and code == ord(" ")
        if leads or code == ord("\\"):
            out.append("\\" + chr(code))
        else:
            out.append(chr(code) if 32 <= code < 127 else f"\\u{code:04x}")
    return "".join(out)


def _repaired(value: str) -> str:
    """Undo ImageJ's reading of its own UTF-8 as Latin-1; join surrogate pairs."""
    joined = value.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
    try:
        return joined.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return joined
