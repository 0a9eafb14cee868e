"""What the buttons and keys of the ROI panel do to the selected regions.

Each function is one step that can be undone. Locked regions are not edited.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from napari_muscle_us._napari._points_layer import show_points
from napari_muscle_us._napari._roi_chosen import (
    chosen_of,
    edited,
    kept_of,
    names_of,
    renamed,
    shown_of,
)
from napari_muscle_us._napari._roi_copy import copy_to, other_images
from napari_muscle_us._napari._roi_rows import free_name
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.shapes import Ellipse, Points, Rectangle, Roi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.shapes import AnyRoi, Polygon

__all__ = ["copy_to", "free_name", "names_of", "other_images"]

Operation = Literal["union", "subtract", "intersect"]
_WORDS: Final = {
    "union": "uniting",
    "subtract": "subtracting",
    "intersect": "intersecting",
}


def add(session: Session, rois: Sequence[AnyRoi | RoiEntry], label: str) -> None:
    """Add regions to the ROI layer in hand, made if need be, and select them.

    Points come into a layer of their own, which napari's history does not hold.
    """
    entries = [r if isinstance(r, RoiEntry) else RoiEntry(r) for r in rois]
    new = [e for e in entries if not isinstance(e.roi, Points)]
    if new:
        _add_shapes(session, new, label)
    if session.image_layer is not None:
        show_points(session.viewer, session.image_layer, entries)


def _add_shapes(session: Session, new: Sequence[RoiEntry], label: str) -> None:
    if session.roi_layer is None:
        session.new_roi_layer()
    book = session.rois
    before = book.entries()
    named = []
    taken = {e.roi.name for e in before}
    keys = {e.key for e in before}
    for entry in new:
        fresh = entry.copy() if entry.key in keys else entry
        name = entry.roi.name or free_name("ROI 1", taken)
        taken.add(name)
        keys.add(fresh.key)
        named.append(fresh if name == fresh.roi.name else renamed(fresh, name))
    book.apply((*before, *named), label, select=[e.key for e in named])


def duplicate(session: Session) -> None:
    """Put a copy of each selected region right after it, and select the copies."""
    taken = {e.roi.name for e in session.rois.entries()}
    copies: dict[str, RoiEntry] = {}
    for shape in chosen_of(session):
        entry = kept_of(shape)
        name = free_name(entry.roi.name, taken)
        taken.add(name)
        copies[entry.key] = replace(renamed(entry.copy(), name), locked=False)
    new: list[RoiEntry] = []
    for entry in session.rois.entries():
        new += [entry, copies[entry.key]] if entry.key in copies else [entry]
    names = names_of(session)
    session.rois.apply(
        new, f"duplicating {names}", select=[e.key for e in copies.values()]
    )


def delete(session: Session) -> None:
    """Delete the selected regions."""
    gone = {kept_of(s).key for s in session.rois.unlocked(session.selected())}
    kept = [e for e in session.rois.entries() if e.key not in gone]
    session.rois.apply(kept, f"deleting {names_of(session)}")


def reorder(session: Session, step: int) -> None:
    """Move the selected regions up (−1) or down (1) in the table."""
    entries = list(session.rois.entries())
    keys = {kept_of(s).key for s in chosen_of(session)}
    places = [i for i, e in enumerate(entries) if e.key in keys]
    for place in places if step < 0 else reversed(places):
        other = place + step
        if 0 <= other < len(entries) and entries[other].key not in keys:
            entries[place], entries[other] = entries[other], entries[place]
    session.rois.apply(entries, f"reordering {names_of(session)}")


def set_locked(session: Session, *, locked: bool) -> None:
    """Lock the selected regions against edits, or unlock them."""
    keys = {kept_of(s).key for s in chosen_of(session)}
    new = [
        replace(e, locked=locked) if e.key in keys else e
        for e in session.rois.entries()
    ]
    session.rois.apply(
        new, f"{'locking' if locked else 'unlocking'} {names_of(session)}"
    )


def set_colour(session: Session, colour: str) -> None:
    """Draw the selected regions in a colour ``#rrggbb``."""
    label = f"colouring {names_of(session)}"
    session.rois.change(session.selected(), lambda e: replace(e, colour=colour), label)


def move(session: Session, rows: float, columns: float) -> None:
    """Shift the selected regions by pixels."""
    from napari_muscle_us.roi.edit import move_roi

    _edit_here(session, lambda roi: move_roi(roi, rows, columns), "moving")


def resize(session: Session, rows: float, columns: float) -> None:
    """Make the selected upright boxes higher and wider by pixels."""
    from napari_muscle_us.roi.edit import resize_box

    def resized(roi: AnyRoi) -> AnyRoi:
        if isinstance(roi, Rectangle):
            return resize_box(roi, rows, columns)
        if isinstance(roi, Ellipse):
            return resize_box(roi, rows, columns)
        raise RoiError(
            f"ROI {roi.name!r} is no rectangle or ellipse; drag its vertices."
        )

    _edit_here(session, resized, "resizing")


def mirror(session: Session) -> None:
    """Mirror the selected regions left to right on the picture, and swap the side."""
    _edit(session, mirror_on(session), "mirroring")


def mirror_on(session: Session) -> Callable[[AnyRoi], AnyRoi]:
    """Return what mirrors a region about the middle of the image in hand."""
    from napari_muscle_us.roi.edit import mirror_roi

    middle = (session.image().frame_shape[1] - 1) / 2
    return lambda roi: mirror_roi(roi, about_column=middle)


def grow(session: Session, amount: float) -> None:
    """Grow (or shrink) the selected regions by millimetres, or px if uncalibrated."""
    from napari_muscle_us.roi.edit import grow_roi

    spacing = session.image().spacing_mm

    def grown(roi: AnyRoi) -> AnyRoi:
        area = _area(roi)
        if spacing is None:
            return grow_roi(area, px=amount)
        return grow_roi(area, mm=amount, spacing_mm=spacing)

    _edit(session, grown, "growing" if amount > 0 else "shrinking")


def clip_lateral(session: Session, share: float) -> None:
    """Cut the selected regions to the central share of the lateral field."""
    from napari_muscle_us.measure.quality import prepare
    from napari_muscle_us.roi.rules import clip_to_inner

    image = session.image()
    facts = prepare(image)

    def clipped(roi: AnyRoi) -> AnyRoi:
        return clip_to_inner(image, _area(roi), share, facts=facts)

    _edit(session, clipped, "clipping")


def simplify(session: Session, tolerance_px: float) -> None:
    """Leave out vertices that the outline does not need."""
    from napari_muscle_us.roi.edit import simplify_roi

    _edit(session, lambda roi: simplify_roi(_area(roi), tolerance_px), "simplifying")


def snap(session: Session, reach: float) -> None:
    """Move the selected outlines onto edges within reach, in mm or px.

    Of a region that moves, the shown frame becomes a keyframe: its edges are these.
    """
    from napari_muscle_us.roi.livewire import snap_outline

    image = session.image()

    def snapped(roi: AnyRoi) -> Polygon:
        if image.spacing_mm is None:
            return snap_outline(image.pixels, _area(roi), reach_px=reach)
        return snap_outline(
            image.pixels, _area(roi), reach_mm=reach, spacing_mm=image.spacing_mm
        )

    _edit_here(session, snapped, "snapping")


def combine(session: Session, operation: Operation) -> None:
    """Make one region of the selected ones, named as the first.

    Raises
    ------
    RoiError
        If fewer than two are selected, one is locked, or nothing is left.
    """
    from napari_muscle_us.roi import boolean

    chosen = session.rois.unlocked(session.selected())
    if len(chosen) < 2:
        raise RoiError(
            f"{len(chosen)} ROI is selected; select two or more (Shift+click in the "
            "table)."
        )
    first, *others = [_area(shown_of(s).roi) for s in chosen]
    if operation == "union":
        made = boolean.union([first, *others])
    elif operation == "subtract":
        made = boolean.subtract(first, others)
    else:
        made = boolean.intersect([first, *others])
    entry = replace(kept_of(chosen[0]), roi=made, keyframes=())
    gone = {kept_of(s).key for s in chosen[1:]}
    new = [
        entry if e.key == entry.key else e
        for e in session.rois.entries()
        if e.key not in gone
    ]
    label = f"{_WORDS[operation]} {names_of(session)}"
    session.rois.apply(new, label, select=[entry.key])


def _edit(session: Session, change: Callable[[AnyRoi], AnyRoi], doing: str) -> None:
    """Change the geometry of the selected regions, on every keyframe."""
    label = f"{doing} {names_of(session)}"
    session.rois.change(session.selected(), lambda e: edited(e, change), label)


def _edit_here(
    session: Session, change: Callable[[AnyRoi], AnyRoi], doing: str
) -> None:
    """Change the selected regions as a hand does: of a clip, on the shown frame.

    Of a region that moves, this becomes a keyframe.
    """
    from napari_muscle_us.roi.keyframes import with_keyframe

    shown = {s.entry.key: s.entry.roi for s in session.rois.stored() if s.entry}

    def changed(entry: RoiEntry) -> RoiEntry:
        roi = change(shown[entry.key])
        if entry.keyframes:
            return with_keyframe(entry, session.frame, roi)
        return replace(entry, roi=roi)

    label = f"{doing} {names_of(session)}"
    # A key that is held down is one step.
    session.rois.change(session.selected(), changed, label, merge=label)


def _area(roi: AnyRoi) -> Roi:
    if not isinstance(roi, Roi):
        raise RoiError(
            f"ROI {roi.name!r} is a line, which encloses no area; choose an outline."
        )
    return roi
