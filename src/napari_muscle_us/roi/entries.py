"""A set of regions as it is drawn, undone and saved: geometry and all around it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of

if TYPE_CHECKING:
    from napari_muscle_us.roi.shapes import AnyRoi

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}([0-9a-f]{2})?")
_KEY_BYTES: Final = 6


def new_key() -> str:
    """Return a mark that tells one region of a set from all others."""
    return secrets.token_hex(_KEY_BYTES)


@dataclass(frozen=True, slots=True, eq=False)
class RoiEntry:
    """A region in a set, with what is not its geometry.

    Parameters
    ----------
    roi : Polygon, Rectangle, Ellipse, Composite, Polyline or Points
        Geometry and labels.
    key : str
        Stays the same while the region is renamed, moved or reordered.
    colour : str
        Line colour ``#rrggbb`` or ``#rrggbbaa``; empty for the layer's own.
    locked : bool
        Whether edits are refused.
    frame : int, optional
        The only frame that the region belongs to, from 0 (ImageJ's slice position
        minus 1); ``None`` for every frame.
    keyframes : tuple of (int, region)
        Where the region lies on some frames of a clip, in order; between them it is
        interpolated (`napari_muscle_us.roi.keyframes`), and `roi` is as last shown.
    imagej : bytes
        The ``.roi`` file that it was read from, so that what only ImageJ knows (stroke
        width, fill, group …) is written back.

    Raises
    ------
    RoiError
        If the colour is none, or a frame is negative or double.
    """

    roi: AnyRoi
    key: str = ""
    colour: str = ""
    locked: bool = False
    frame: int | None = None
    keyframes: tuple[tuple[int, AnyRoi], ...] = ()
    imagej: bytes = b""

    def __post_init__(self) -> None:
        """Give a key where there is none; check colour and frames."""
        if not self.key:
            object.__setattr__(self, "key", new_key())
        if self.colour and not _COLOUR.fullmatch(self.colour):
            raise RoiError(
                f"{label_of(self.roi.name)} has the colour {self.colour!r}; give it as "
                "#rrggbb."
            )
        frames = [number for number, _ in self.keyframes]
        if self.frame is not None:
            frames.append(self.frame)
        if any(number < 0 for number in frames):
            raise RoiError(
                f"{label_of(self.roi.name)} belongs to frame {min(frames)}; frames "
                "count from 0."
            )
        keyed = [number for number, _ in self.keyframes]
        if keyed != sorted(set(keyed)):
            raise RoiError(
                f"{label_of(self.roi.name)} has the keyframes {keyed}; give each once, "
                "in order."
            )

    def on_frame(self, frame: int) -> bool:
        """Whether the region belongs to a frame."""
        return self.frame is None or self.frame == frame

    def copy(self) -> RoiEntry:
        """Return the same region as another one of the set."""
        return replace(self, key=new_key())
