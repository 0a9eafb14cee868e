"""Judges what comes of damaged regions: ImageJ's, autosaved, tabled, operated on."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import numpy as np

from tests.fuzz import roi_seeds
from tests.fuzz.roi_seeds import SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

MOST_ENTRIES: Final = 20
MAX_SECONDS: Final = {"shapes": 5.0, "table": 5.0, "autosave": 5.0}
"""Processor time that a case of a kind may take."""
_LONGEST: Final = 600
_MOST_MADE: Final = 250_000
_LARGEST_COMPARED: Final = 5e4
"""Coordinates up to which the pixels of combined regions are compared."""


class BadRegion(Exception):
    """A region is not as it must be."""


def _need(truth: bool, words: str) -> None:
    if not truth:
        raise BadRegion(words)


def check_one_line(text: str) -> None:
    """Refuse a reason that is not in one line or tells whose image it is."""
    from tests.fuzz.worker import check_text

    check_text(text)
    _need(text.isprintable() and 0 < len(text) <= _LONGEST, f"no reason: {text!r:.300}")


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Let a refusal in a sentence pass."""
    from napari_muscle_us.errors import MuscleUSError
    from tests.fuzz.worker import check_error

    try:
        yield
    except MuscleUSError as error:
        check_error(error)


# Files of ImageJ


def read_rois(path: Path) -> tuple[str, str]:
    """Read a ``.roi`` or ``.zip``, use what it holds, and write it again."""
    from napari_muscle_us.errors import MuscleUSError
    from napari_muscle_us.io.imagej import read_imagej_entries, read_imagej_rois
    from napari_muscle_us.roi.shapes import Roi
    from tests.fuzz.worker import check_sentence

    found = read_imagej_entries(path)
    _need(bool(found.entries), "no entry and no refusal")
    for sentence in found.left_out:
        check_sentence(sentence)
    entries = list(found.entries[:MOST_ENTRIES])
    for entry in entries:
        _use(entry.roi)
    areas = [e.roi for e in found.entries if isinstance(e.roi, Roi)]
    # Its warnings are checked by who called this.
    try:
        read = read_imagej_rois(path)
    except MuscleUSError:
        _need(not areas, "areas that are refused")
        with refusals():
            raise
    else:
        _need(len(read) == len(areas), f"{len(read)} areas of {len(areas)}")
    _write_again(path.parent, entries)
    said = f"{len(found.entries)} regions. {' '.join(found.left_out)}"
    return "rois", said


def _use(roi: AnyRoi) -> None:
    """Take the pixels of a region on an image, or be refused."""
    from napari_muscle_us.roi.rasterize import roi_mask, usable_window
    from napari_muscle_us.roi.shapes import Roi

    outline = roi.outline()
    _need(bool(np.isfinite(outline).all()), "coordinates that are not finite")
    if not isinstance(roi, Roi):
        return
    mask = roi_mask(roi, SHAPE)
    _need(mask.shape == SHAPE and mask.dtype == bool, f"{mask.dtype} {mask.shape}")
    with refusals():
        window = usable_window(roi, SHAPE)
        _need(window.n_pixels == mask.sum() > 0, "another number of pixels")
        _need(
            bool((mask[window.rows, window.columns] == window.mask).all()),
            "another mask",
        )


def _write_again(folder: Path, entries: Sequence[RoiEntry]) -> None:
    """Write entries as they were read, from their shape alone, and moved."""
    from napari_muscle_us.roi.edit import move_roi

    _round_trip(folder, entries, exact=True)
    _round_trip(folder, [replace(e, imagej=b"") for e in entries], exact=False)
    with refusals():
        moved = [replace(e, roi=move_roi(e.roi, 1, 2)) for e in entries]
        _round_trip(folder, moved, exact=False)


def _round_trip(folder: Path, entries: Sequence[RoiEntry], *, exact: bool) -> None:
    from napari_muscle_us.io.imagej import read_imagej_entries
    from napari_muscle_us.io.imagej_write import encode_roi, write_imagej_rois

    writable = []
    for entry in entries:
        with refusals():
            encode_roi(entry)
            writable.append(entry)
    _need(len(writable) == len(entries) or not exact, "what was read is not written")
    if not writable:
        return
    path = folder / "again.zip"
    write_imagej_rois(path, writable)
    back = read_imagej_entries(path)
    _need(len(back.entries) == len(writable), f"of {len(writable)}: {back.left_out}")
    for before, after in zip(writable, back.entries, strict=True):
        _same_entry(before, after, exact=exact)


def _same_entry(before: RoiEntry, after: RoiEntry, *, exact: bool) -> None:
    from napari_muscle_us.roi.shapes import roi_to_dict

    for name in ("colour", "locked", "frame"):
        was, now = getattr(before, name), getattr(after, name)
        _need(was == now, f"{name} was {was!r:.60}, read {now!r:.60}")
    for name in ("name", "muscle", "side"):
        was, now = getattr(before.roi, name), getattr(after.roi, name)
        # An ROI without a name gets that of its file.
        fits = was == now or (name == "name" and not was.strip())
        _need(fits or not exact, f"{name} was {was!r:.60}, read {now!r:.60}")
    if exact:
        one, other = roi_to_dict(before.roi), roi_to_dict(after.roi)
        _need(repr(one) == repr(other), f"{one!r:.200} became {other!r:.200}")
        return
    _same_place(before.roi, after.roi)


def _same_place(before: AnyRoi, after: AnyRoi) -> None:
    """Compare a region with what single precision makes of it."""
    from napari_muscle_us.roi.rasterize import roi_mask
    from napari_muscle_us.roi.shapes import Rectangle, Roi

    one, other = before.outline(), after.outline()
    if isinstance(before, Rectangle):
        # ImageJ may begin at another corner.
        one, other = (np.array([o.min(axis=0), o.max(axis=0)]) for o in (one, other))
    if one.shape == other.shape:
        step = np.spacing(np.float32(np.abs(one).max() + 1)) * 4 + 1e-3
        _need(
            bool((np.abs(one - other) <= step).all()),
            f"{type(before).__name__} moved by {np.abs(one - other).max():g} px",
        )
    if isinstance(before, Roi):
        _need(isinstance(after, Roi), "an area that is none any more")
        if np.abs(one).max() < _LARGEST_COMPARED:
            different = roi_mask(before, SHAPE) != roi_mask(after, SHAPE)
            _need(not different.any(), f"{different.sum()} pixels differ")


# Autosaves


def read_saved(path: Path) -> tuple[str, str]:
    """Read an autosave in every way; what it holds must never be lost."""
    from napari_muscle_us.io.autosave import read_autosave

    content = path.read_bytes()
    home = path.parent / "home"
    names = {"HOME", "USERPROFILE", "XDG_DATA_HOME", "APPDATA"}
    with patch.dict(os.environ, {name: str(home) for name in names}):
        for verify in (True, False):
            with refusals():
                _check_file(read_autosave(path, verify=verify))
        _need(path.read_bytes() == content, "reading changed the file")
        return _load(path, content)


def _load(path: Path, content: bytes) -> tuple[str, str]:
    from napari_muscle_us.io.autosave import AutosaveSlot, RoiSet
    from tests.fuzz.worker import check_sentence

    image = path.with_name(path.name.removesuffix(".rois.json"))
    slot = AutosaveSlot(image, roi_seeds.image_facts())
    found = slot.load()
    for notice in found.notices:
        check_sentence(notice)
    _need(_is_kept(path.parent, content), "the content is lost on loading")
    for one in found.sets:
        for entry in one.entries:
            _use_entry(entry)
    # Wholly read, it may be replaced by what is drawn now.
    is_whole = found.path is not None and not found.notices
    sets = [RoiSet("drawn", tuple(roi_seeds.entries()[:3]))]
    saved = slot.save(sets)
    if saved.notice:
        check_sentence(saved.notice)
    _need(is_whole or _is_kept(path.parent, content), "the content is lost on saving")
    again = AutosaveSlot(image, roi_seeds.image_facts())
    loaded = again.load()
    _need(len(loaded.sets) == 1, f"{len(loaded.sets)} sets were saved")
    _need(loaded.sets[0].same_as(sets[0]), "what was saved is not read")
    if found.sets:
        with refusals():
            again.save(found.sets)
            after = AutosaveSlot(image, roi_seeds.image_facts()).load().sets
            same = all(a.same_as(b) for a, b in zip(found.sets, after, strict=True))
            _need(same, "what was recovered is not saved again")
    word = "recovered" if found.path is not None else "set aside"
    return word, " ".join(found.notices)


def _is_kept(folder: Path, content: bytes) -> bool:
    return any(p.read_bytes() == content for p in folder.rglob("*") if p.is_file())


def _check_file(file: Any) -> None:
    from tests.fuzz.worker import check_sentence

    for problem in file.problems:
        check_sentence(problem)
    for one in file.sets:
        for entry in one.entries:
            _need(bool(entry.key), "an entry without a key")


def _use_entry(entry: RoiEntry) -> None:
    from napari_muscle_us.io.imagej_write import encode_roi
    from napari_muscle_us.roi.keyframes import roi_at

    _use(entry.roi)
    with refusals():
        encode_roi(entry)
    frames = [number for number, _ in entry.keyframes[:5]]
    for frame in (0, 1, *frames, *[(a + b) // 2 for a, b in pairwise(frames)]):
        with refusals():
            _use(roi_at(entry, frame))


# Results tables


def read_table(path: Path) -> tuple[str, str]:
    """Read a results table and compute its rows again."""
    import napari_muscle_us as mus

    folder = path.parent / "images"
    folder.mkdir()
    for name, content in roi_seeds.pictures().items():
        (folder / name).write_bytes(content)
    rows = mus.read_results(path)
    checks = mus.verify_results(rows, folder)
    _need([c.row for c in checks] == list(range(1, len(rows) + 1)), "rows are missing")
    for check in checks:
        _need(check.same is not bool(check.reason), f"{check}"[:200])
        if check.reason:
            check_one_line(check.reason)
    reasons = sorted({c.reason for c in checks if c.reason})
    same = sum(c.same for c in checks)
    return "table", f"{same} of {len(checks)} rows agree. {' '.join(reasons)}"


# Operations


def operate(path: Path) -> tuple[str, str]:
    """Do what the file says to its regions."""
    from napari_muscle_us.errors import RoiError

    try:
        told = json.loads(path.read_text("utf-8"))
        _need_few(told["regions"])
        made = [_described(one) for one in told["regions"]]
        numbers = [float(told["numbers"][place]) for place in range(4)]
        does = _OPERATIONS[told["operation"]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
        raise RoiError("This is no operation on regions at all.") from None
    except RecursionError:
        raise RoiError("The operation is nested too deep.") from None
    from napari_muscle_us.roi.shapes import any_roi_from_dict

    rois = [
        any_roi_from_dict(one, name=f"ROI {number}") for number, one in enumerate(made)
    ]
    return "done", str(does(rois, numbers))


def _need_few(told: list[dict[str, Any]]) -> None:
    """Refuse more vertices than this process should make, whoever then reads them."""
    made = [part for one in told for part in (one, *one.get("parts", ()))]
    if sum(int(m["n"]) for m in made if isinstance(m, dict) and "n" in m) > _MOST_MADE:
        raise ValueError("too many vertices")


def _described(one: dict[str, Any]) -> dict[str, Any]:
    """Return a geometry in which made outlines are made."""
    if not isinstance(one["type"], str):
        raise ValueError("no kind of region")
    if one["type"] == "made":
        return {"type": "polygon", "vertices": roi_seeds.vertices_of(one)}
    if isinstance(one.get("parts"), list) and one["parts"]:
        parts = [
            roi_seeds.vertices_of(p) if isinstance(p, dict) else p for p in one["parts"]
        ]
        return one | {"parts": parts}
    return one


def _checked(roi: AnyRoi) -> str:
    """Check a region that was made of others."""
    _use(roi)
    return f"{type(roi).__name__} of {len(roi.outline())} vertices"


def _combined(name: str) -> Callable[[list[Any], list[float]], str]:
    def combine(rois: list[Any], numbers: list[float]) -> str:
        del numbers
        from napari_muscle_us.roi import boolean
        from napari_muscle_us.roi.crossing import find_crossing

        args = (rois[0], rois[1:]) if name == "subtract" else (rois,)
        made = getattr(boolean, name)(*args)
        _need(find_crossing(made) is None, "an outline that crosses itself")
        _compare_pixels(name, rois, made)
        return _checked(made)

    return combine


def _compare_pixels(name: str, rois: list[Any], made: Any) -> None:
    """Compare the mask of a combination with that of the masks."""
    from napari_muscle_us.roi.rasterize import roi_mask

    if max(np.abs(roi.outline()).max() for roi in rois) > _LARGEST_COMPARED:
        return
    masks = [roi_mask(roi, SHAPE) for roi in rois]
    wanted = masks[0].copy()
    for mask in masks[1:]:
        if name == "union":
            wanted |= mask
        else:
            wanted &= mask if name == "intersect" else ~mask
    different = int((roi_mask(made, SHAPE) != wanted).sum())
    # New vertices are rounded, which decides where an edge runs through a centre.
    most = 3 + 0.01 * wanted.sum()
    _need(different <= most, f"{different} of {wanted.sum()} pixels differ")


def _grow(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import grow_roi

    first = numbers[0] % 60 - 30
    with refusals():
        _checked(grow_roi(rois[0], mm=first, spacing_mm=(0.1, 0.2)))
    return _checked(grow_roi(rois[0], px=numbers[1]))


def _move(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import move_roi

    return _checked(move_roi(rois[0], numbers[0], numbers[1]))


def _mirror(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import mirror_roi

    return _checked(mirror_roi(rois[0], about_column=numbers[0]))


def _resize(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import fixed_box, resize_box

    with refusals():
        _checked(fixed_box((numbers[0], numbers[1]), size_px=(numbers[2], numbers[3])))
    with refusals():
        pair = (numbers[2], numbers[3])
        _checked(fixed_box((75, 100), size_mm=pair, spacing_mm=(0.1, 0.2)))
    return _checked(resize_box(rois[0], numbers[0], numbers[1]))


def _lateral(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import clip_to_lateral

    bounds = (0, SHAPE[0], 0, SHAPE[1])
    return _checked(clip_to_lateral(rois[0], bounds=bounds, share=numbers[0]))


def _simplify(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.edit import simplify_roi

    with refusals():
        _checked(simplify_roi(rois[0], numbers[0]))
    return _checked(simplify_roi(rois[0], 0.5))


def _snap(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.crossing import find_crossing
    from napari_muscle_us.roi.livewire import outline_from_anchors, snap_outline

    gray = roi_seeds.gray()
    with refusals():
        anchors = rois[0].outline()[:12]
        outline_from_anchors(gray, anchors, simplify_px=abs(numbers[1]))
    with refusals():
        snap_outline(gray, rois[0], reach_mm=numbers[0], spacing_mm=(0.1, 0.2))
    made = snap_outline(gray, rois[0], reach_px=numbers[1], simplify_px=0.25)
    _need(find_crossing(made) is None, "an outline that crosses itself")
    return _checked(made)


def _keyframes(rois: list[Any], numbers: list[float]) -> str:
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.keyframes import (
        interpolate,
        roi_at,
        with_keyframe,
        without_keyframe,
    )

    entry = RoiEntry(rois[0])
    for number, roi in enumerate(rois):
        with refusals():
            entry = with_keyframe(entry, 7 * number, roi)
    for frame in (0, 3, 10, 99):
        with refusals():
            _checked(roi_at(entry, frame))
    with refusals():
        without_keyframe(entry, 7)
    share = numbers[0] % 1 if np.isfinite(numbers[0]) else 0.5
    return _checked(interpolate(rois[0], rois[-1], share))


def _measure(rois: list[Any], numbers: list[float]) -> str:
    del numbers
    from napari_muscle_us.roi.shapes import Roi, roi_area

    for roi in rois:
        if isinstance(roi, Roi):
            area, _ = roi_area(roi, (0.1, 0.2))
            _need(not area < 0 and np.isfinite(area) | np.isnan(area), f"{area} mm²")
        _use(roi)
    return "measured"


def _imagej(rois: list[Any], numbers: list[float]) -> str:
    del numbers
    from napari_muscle_us.io._imagej_geometry import decode_entry
    from napari_muscle_us.io.imagej_write import encode_roi
    from napari_muscle_us.roi.entries import RoiEntry

    for roi in rois:
        with refusals():
            before = RoiEntry(roi)
            data = encode_roi(before)
            after, _ = decode_entry(data, "", "")
            _same_entry(before, after, exact=False)
    return "written"


def _keyhole(rois: list[Any], numbers: list[float]) -> str:
    del numbers
    from napari_muscle_us.roi.composite import Composite
    from napari_muscle_us.roi.keyhole import from_keyhole, keyhole

    roi = rois[0]
    if not isinstance(roi, Composite):
        roi = Composite([r.outline() for r in rois])
    path, lengths = keyhole(roi)
    back = from_keyhole(path, lengths)
    same = back is not None and all(
        (a == b).all() for a, b in zip(back.parts, roi.parts, strict=True)
    )
    _need(same, "another region after the path")
    return "keyhole"


def _crossing(rois: list[Any], numbers: list[float]) -> str:
    del numbers
    from napari_muscle_us.roi.crossing import find_crossing
    from napari_muscle_us.roi.shapes import Roi

    found = [find_crossing(roi) for roi in rois if isinstance(roi, Roi)]
    _need(all(f is None or bool(np.isfinite(f).all()) for f in found), "a crossing")
    return "looked"


_OPERATIONS: Final[dict[str, Callable[[list[Any], list[float]], str]]] = {
    **{name: _combined(name) for name in ("union", "subtract", "intersect")},
    "grow": _grow,
    "move": _move,
    "mirror": _mirror,
    "resize": _resize,
    "lateral": _lateral,
    "simplify": _simplify,
    "snap": _snap,
    "keyframes": _keyframes,
    "measure": _measure,
    "imagej": _imagej,
    "keyhole": _keyhole,
    "crossing": _crossing,
}
