"""Frames for the screen, where a damaged one must not stop the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import FrameStack

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.frames import Frame


class ShownFrames(FrameStack):
    """The frames of a clip; indexing gives black for one that cannot be decoded.

    An error while napari draws would end the program or leave the frame before on the
    screen, as if it were this one. What is measured comes from `frame`, which refuses.
    """

    def __init__(self, frames: FrameStack) -> None:
        self.shape = frames.shape
        self._frames = frames
        self._told: set[str] = set()

    def frame(self, index: int) -> Frame:
        """Return one frame, or refuse."""
        return self._frames.frame(index)

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        """Return pixels as a NumPy array, black where they cannot be decoded."""
        try:
            return super().__getitem__(key)
        except ImageReadError as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                from napari.utils.notifications import show_error

                show_error(f"A frame is shown black: {error}")
            black: npt.NDArray[np.uint8] = np.broadcast_to(np.uint8(0), self.shape)[key]
            return black
