"""What is known of a shape: the entry that it was made from, to the last digit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari._roi_carry import is_same
from napari_muscle_us.roi.keyhole import from_keyhole, keyhole, mend_keyhole
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import Composite, Ellipse, Polygon, relabel

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_muscle_us._napari._shapes import Transform
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

    Carry = Callable[[RoiEntry, Transform, Transform], RoiEntry]

_ANGLE: Final = "angle"


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """An entry, and how its shape looked when it was last read."""

    seen: tuple[Any, ...]
    vertices: npt.NDArray[Any]
    entry: RoiEntry
    visible: RoiEntry
    """The entry with the outline that is shown on this frame."""
    origin: tuple[Transform, Known] | None = None
    """Above which pixels it was untouched, and as what: going back loses nothing."""

    def carried(self, before: Transform, now: Transform, carry: Carry) -> Known:
        """Return the same above other pixels.

        Raises
        ------
        RoiError
            If it would be no region there.
        """
        origin = self.origin or (before, self)
        if is_same(origin[0], now):
            return origin[1]
        entry = carry(self.entry, before, now)
        still = self.visible is self.entry
        visible = entry if still else carry(self.visible, before, now)
        return replace(self, entry=entry, visible=visible, origin=origin)

    def with_key(self, key: str) -> Known:
        """Return what a copy of the shape is known as."""
        entry = replace(self.entry, key=key, locked=False)
        still = self.visible is self.entry
        visible = entry if still else replace(self.visible, key=key, locked=False)
        return replace(self, entry=entry, visible=visible, origin=None)


def know(
    seen: tuple[Any, ...], vertices: npt.NDArray[Any], entry: RoiEntry, shown: AnyRoi
) -> Known:
    """Return what is known of a shape that is shown as `shown`."""
    # napari drags a vertex within the very array that it hands out.
    vertices = np.array(vertices)
    if not entry.keyframes:
        return Known(seen, vertices, entry, entry)
    # Of a region that moves, the first outline stands for all.
    labels = {name: getattr(entry.roi, name) for name in ("name", "muscle", "side")}
    entry = replace(entry, roi=relabel(entry.keyframes[0][1], **labels))
    return Known(seen, vertices, entry, replace(entry, roi=shown))


def as_before(
    roi: AnyRoi, known: Known, vertices: npt.NDArray[Any]
) -> tuple[AnyRoi, bool]:
    """Return a moved shape as the kind that napari cannot tell.

    Vertices that were not touched keep their place to the last digit.

    Returns
    -------
    roi : region
        An angle, a freehand line or a composite again, where it still is one.
    mended : bool
        Whether doubled vertices were put together, so that the layer shows less than
        is known.
    """
    old = known.visible.roi
    labels = {"name": roi.name, "muscle": roi.muscle, "side": roi.side}
    if isinstance(roi, Polyline):
        points = _exact(roi.vertices, old, known, vertices)
        kind = roi.kind
        if isinstance(old, Polyline) and old.kind != "line" and kind != "line":
            same = len(old.vertices) == len(points)
            kind = old.kind if same or old.kind != _ANGLE else kind
        return Polyline(points, kind, **labels), False
    if not isinstance(roi, Polygon):
        return roi, False
    points = _exact(roi.vertices, old, known, vertices)
    if isinstance(old, Composite) and len(points) == len(known.vertices):
        before, lengths = keyhole(old)
        mended = mend_keyhole(points, before, lengths)
        made = from_keyhole(mended, lengths, **labels)
        if made is not None:
            return made, not np.array_equal(mended, points)
    return Polygon(points, **labels), False


def _exact(
    points: npt.NDArray[np.float64],
    old: AnyRoi,
    known: Known,
    vertices: npt.NDArray[Any],
) -> npt.NDArray[np.float64]:
    """Return the vertices with those that napari has not moved as they were."""
    if isinstance(old, Ellipse) or known.vertices.shape != vertices.shape:
        return points
    exact = keyhole(old)[0] if isinstance(old, Composite) else old.outline()
    if len(exact) != len(points):
        return points
    still = (known.vertices == vertices).all(axis=1)
    return np.where(still[:, None], exact, points)
