"""What a user did to the shapes of a layer by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_muscle_us.roi.history import same_roi
from napari_muscle_us.roi.shapes import relabel

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi


def put_back(
    before: Sequence[RoiEntry],
    now: Sequence[RoiEntry],
    broken: Collection[str] = (),
) -> list[RoiEntry] | None:
    """Return the set without what is not allowed, ``None`` if all is.

    Locked regions return to where they were, and those that can be none any more.

    Parameters
    ----------
    before, now : sequence of RoiEntry
        The set as it was and as it is.
    broken : collection of str
        Keys of shapes that can be no region as they are now.
    """
    present = {e.key: e for e in now}
    returning = {}
    for old in before:
        new = present.get(old.key)
        locked = old.locked and (
            new is None or (new.locked and not _is_still(old, new))
        )
        if locked or (new is None and old.key in broken):
            returning[old.key] = old if new is None else _labelled_as(old, new)
    if not returning:
        return None
    result = [returning.get(e.key, e) for e in now]
    keys = {e.key for e in result}
    order = [e.key for e in before]
    for place, key in enumerate(order):
        if key in returning and key not in keys:
            # Back to its place: right after the nearest one before it.
            earlier = set(order[:place])
            at = max(
                (i + 1 for i, e in enumerate(result) if e.key in earlier), default=0
            )
            result.insert(at, returning[key])
    return result


def _is_still(old: RoiEntry, new: RoiEntry) -> bool:
    return old.frame == new.frame and not _moved(old, new)


def _labelled_as(old: RoiEntry, new: RoiEntry) -> RoiEntry:
    """Return a region as it was, with the labels and the colour that it has now."""
    labels = {n: getattr(new.roi, n) for n in ("name", "muscle", "side")}
    frames = tuple((n, relabel(roi, **labels)) for n, roi in old.keyframes)
    roi = relabel(old.roi, **labels)
    return replace(old, roi=roi, keyframes=frames, colour=new.colour)


def what_changed(before: Sequence[RoiEntry], now: Sequence[RoiEntry]) -> str:
    """Return in words what a user did by hand."""
    old, new = {e.key: e for e in before}, {e.key: e for e in now}
    added = [e for key, e in new.items() if key not in old]
    removed = [e for key, e in old.items() if key not in new]
    if added or removed:
        return f"{'adding' if added else 'deleting'} {_names(added or removed)}"
    moved = [e for e in now if _moved(old[e.key], e)]
    if moved:
        return f"moving {_names(moved)}"
    coloured = [e for e in now if e.colour != old[e.key].colour]
    if coloured:
        return f"colouring {_names(coloured)}"
    return "labels"


def _names(entries: Sequence[RoiEntry]) -> str:
    return entries[0].roi.name if len(entries) == 1 else f"{len(entries)} ROIs"


def _moved(a: RoiEntry, b: RoiEntry) -> bool:
    """Whether two entries of a region lie elsewhere, on any frame."""
    if a is b:
        return False
    ours, theirs = dict(a.keyframes), dict(b.keyframes)
    if ours.keys() != theirs.keys():
        return True
    pairs = [(a.roi, b.roi), *((ours[n], theirs[n]) for n in ours)]
    return not all(same_roi(_bare(one), _bare(other)) for one, other in pairs)


def _bare(roi: AnyRoi) -> AnyRoi:
    return relabel(roi, name="", muscle="", side="")
