"""Sets of regions as plain types that JSON holds, without loss."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import LABELS, label_of
from napari_muscle_us.roi.entries import RoiEntry, new_key
from napari_muscle_us.roi.shapes import any_roi_from_dict, roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_muscle_us.roi.shapes import AnyRoi

MAX_ENTRIES: Final = 10_000
MAX_IMAGEJ_BYTES: Final = 20_000_000
MAX_FRAME: Final = 10_000_000
MAX_PROBLEMS: Final = 100
"""Regions left out that are told one by one."""

_LONGEST: Final = 400
_REGION: Final = frozenset({"geometry", *LABELS})
_ENTRY: Final = _REGION | {"key", "colour", "locked", "frame", "keyframes", "imagej"}
_TEXT_FIELDS: Final = ("type", "kind")
_LIST_FIELDS: Final = ("vertices", "parts")


def entries_to_dict(entries: Sequence[RoiEntry]) -> list[dict[str, Any]]:
    """Return a set of regions as plain types, one mapping a region.

    Parameters
    ----------
    entries : sequence of RoiEntry
        The set, in order.

    Returns
    -------
    list of dict
        Geometry as `napari_muscle_us.roi.shapes.roi_to_dict` gives it, labels, and
        what else the entry holds; ImageJ's bytes as base64. Coordinates are Python's
        floats, so that JSON brings back the very same numbers.

    Raises
    ------
    RoiError
        If there are more than 10,000 entries, or one holds what could not be read
        back: an ImageJ file of more than 20 MB, a frame beyond 10,000,000.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> entry = RoiEntry(Rectangle(0, 0, 9, 9, name="BB"), key="a1")
    >>> entries_to_dict([entry])[0]["geometry"]["height"]
    9
    """
    if len(entries) > MAX_ENTRIES:
        raise RoiError(
            f"A set of {len(entries)} ROIs cannot be kept; the most is {MAX_ENTRIES}, "
            "so split it."
        )
    return [entry_to_dict(entry) for entry in entries]


def entry_to_dict(entry: RoiEntry) -> dict[str, Any]:
    """Return one region of a set as plain types; see `entries_to_dict`."""
    if len(entry.imagej) > MAX_IMAGEJ_BYTES:
        raise RoiError(
            f"{label_of(entry.roi.name)} came from an ImageJ file of "
            f"{len(entry.imagej)} bytes; the most is {MAX_IMAGEJ_BYTES}."
        )
    frames = [number for number, _ in entry.keyframes]
    if max([entry.frame or 0, *frames]) > MAX_FRAME:
        raise RoiError(
            f"{label_of(entry.roi.name)} belongs to frame "
            f"{max([entry.frame or 0, *frames])}; the last one possible is {MAX_FRAME}."
        )
    return _region_to_dict(entry.roi) | {
        "key": str(entry.key),
        "colour": entry.colour,
        "locked": bool(entry.locked),
        "frame": None if entry.frame is None else int(entry.frame),
        "keyframes": [
            [int(number), _region_to_dict(roi)] for number, roi in entry.keyframes
        ],
        "imagej": base64.b64encode(entry.imagej).decode("ascii"),
    }


def entries_from_dict(
    stored: object,
) -> tuple[tuple[RoiEntry, ...], tuple[str, ...]]:
    """Return the set that `entries_to_dict` described, as far as it is whole.

    Parameters
    ----------
    stored : list of dict
        What was read from JSON; it may hold anything.

    Returns
    -------
    entries : tuple of RoiEntry
        Those that are valid, in order. A key that occurs twice is made anew.
    problems : tuple of str
        A sentence for each that was left out, at most 100 and one for the rest.

    Examples
    --------
    >>> entries, problems = entries_from_dict([{"geometry": {"type": "star"}}])
    >>> entries, problems[0][:34]
    ((), 'ROI 1 of 1 was left out: An ROI of')
    """
    if not isinstance(stored, list):
        return (), ("The ROIs are not stored as a list; all were left out.",)
    entries: list[RoiEntry] = []
    broken: list[str] = []
    keys: set[str] = set()
    for number, one in enumerate(stored[:MAX_ENTRIES], start=1):
        try:
            entry = entry_from_dict(one, taken=keys)
        except RoiError as error:
            reason = f"ROI {number} of {len(stored)} was left out: {error}"
            broken.append(_shortened(reason))
            continue
        keys.add(entry.key)
        entries.append(entry)
    return tuple(entries), _problems(broken, len(stored))


def entry_from_dict(stored: object, *, taken: Iterable[str] = ()) -> RoiEntry:
    """Return the region of a set that `entry_to_dict` described.

    Parameters
    ----------
    stored : dict
        What was read from JSON; it may hold anything.
    taken : iterable of str
        Keys that others of the set have.

    Raises
    ------
    RoiError
        If it is not valid.
    """
    values = _checked(stored, _ENTRY, "An ROI")
    roi = _region_from_dict(values)
    name = label_of(roi.name)
    key = _text(values, "key", name)
    return RoiEntry(
        roi,
        key=new_key() if key in taken else key,
        colour=_text(values, "colour", name),
        locked=_locked(values.get("locked", False), name),
        frame=_frame_or_none(values.get("frame"), name),
        keyframes=_keyframes(values.get("keyframes", []), name),
        imagej=_imagej(_text(values, "imagej", name), name),
    )


def _region_to_dict(roi: AnyRoi) -> dict[str, Any]:
    geometry = {
        name: value if name in (*_TEXT_FIELDS, *_LIST_FIELDS) else _plain(value)
        for name, value in roi_to_dict(roi).items()
    }
    return {
        "geometry": geometry,
        # Nothing refuses a label that is no text; reading would leave it out.
        **{name: str(getattr(roi, name)) for name in LABELS},
    }


def _plain(value: Any) -> int | float:
    """Return a number as JSON knows it; NumPy's and fractions are not."""
    return int(value) if isinstance(value, int | np.integer) else float(value)


def _region_from_dict(values: Mapping[str, Any]) -> AnyRoi:
    labels = {name: _text(values, name, "An ROI") for name in LABELS}
    geometry = values.get("geometry")
    if not isinstance(geometry, dict):
        raise RoiError(f"{label_of(labels['name'])} has no geometry.")
    for name, value in geometry.items():
        if not _is_plausible(name, value):
            raise RoiError(
                f"The {name[:40]!r} of {label_of(labels['name'])} is not what it "
                "should be."
            )
    try:
        return any_roi_from_dict(geometry, **labels)
    except OverflowError:
        raise RoiError(
            f"{label_of(labels['name'])} has a coordinate that is no place in an image."
        ) from None


def _checked(stored: object, allowed: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(stored, dict):
        raise RoiError(f"{what} is not stored as a mapping.")
    # A misspelt entry would be a frame or a lock that is silently lost.
    unknown = [name for name in stored if name not in allowed]
    if unknown:
        raise RoiError(f"{what} has the unknown entry {str(unknown[0])[:40]!r}.")
    return stored


def _text(values: Mapping[str, Any], name: str, what: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise RoiError(f"{what} has a {name} that is no text.")
    return value


def _locked(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise RoiError(f"{what} is neither locked nor not.")
    return value


def _is_plausible(name: str, value: object) -> bool:
    """Whether a part of a geometry is of the kind that its name asks for."""
    if name in _LIST_FIELDS:
        return isinstance(value, list)
    if name in _TEXT_FIELDS:
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _frame_or_none(value: object, what: str) -> int | None:
    return None if value is None else _frame(value, what)


def _frame(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise RoiError(f"{what} belongs to a frame that is no whole number.")
    if not 0 <= value <= MAX_FRAME:
        raise RoiError(f"{what} belongs to no frame from 0 to {MAX_FRAME}.")
    return value


def _keyframes(value: object, what: str) -> tuple[tuple[int, AnyRoi], ...]:
    if not isinstance(value, list):
        raise RoiError(f"{what} has keyframes that are no list.")
    keyframes = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise RoiError(f"{what} has a keyframe that is no frame with a region.")
        region = _checked(pair[1], _REGION, f"A keyframe of {what}")
        keyframes.append((_frame(pair[0], what), _region_from_dict(region)))
    return tuple(keyframes)


def _imagej(text: str, what: str) -> bytes:
    # Four characters hold three bytes.
    if len(text) > (MAX_IMAGEJ_BYTES + 3) // 3 * 4:
        raise RoiError(f"{what} has an ImageJ file of more than {MAX_IMAGEJ_BYTES} B.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RoiError(f"{what} has an ImageJ file that is no base64.") from None


def _shortened(reason: str) -> str:
    """Return a sentence without the middle of what a hostile file made it quote."""
    if len(reason) <= _LONGEST:
        return reason
    return f"{reason[: _LONGEST // 2]} … {reason[-_LONGEST // 2 :]}"


def _problems(broken: list[str], n_stored: int) -> tuple[str, ...]:
    problems = broken[:MAX_PROBLEMS]
    if len(broken) > MAX_PROBLEMS:
        problems.append(f"{len(broken) - MAX_PROBLEMS} more ROIs were left out.")
    if n_stored > MAX_ENTRIES:
        problems.append(
            f"{n_stored - MAX_ENTRIES} ROIs beyond the first {MAX_ENTRIES} were left "
            "out."
        )
    return tuple(problems)
