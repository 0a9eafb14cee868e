"""Maps of all frames of a clip as one float TIFF stack, written frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io._map_parts import check_map, tiff_options
from napari_muscle_us.io.files import atomic_path, refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    Map = npt.NDArray[np.float32]

_MOST_BYTES: Final = 4_000_000_000
"""A classic TIFF has 32-bit offsets, and ImageJ writes stacks into no other."""


class _EndedError(Exception):
    """The maps ended before the last frame."""


def write_map_stack(
    path: str | Path,
    maps: Iterable[Map],
    *,
    shape: tuple[int, int, int],
    name: str = "",
    spacing_mm: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    info: Mapping[str, Any] | None = None,
) -> bool:
    """Write maps as a 32-bit float TIFF stack with ImageJ's calibration in mm.

    Each map is written before the next is asked for, so that memory does not grow with
    the clip.

    Parameters
    ----------
    path : str or Path
        File to write; a file of this name is replaced once all is written.
    maps : iterable of ndarray of float32, shape (depth, lateral)
        The map of each frame, in order; NaN where there is no value.
    shape : (int, int, int)
        Number of frames, rows and columns.
    name : str, optional
        What the maps show; one line of ASCII.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. Without it the file has no scale.
    frame_interval_s : float, optional
        Time from frame to frame.
    info : mapping, optional
        How the maps came about, as JSON values.

    Returns
    -------
    bool
        Whether it was written; not if the maps ended before the last frame, as when the
        work was cancelled. Then nothing is left, and a file of this name is untouched.

    Raises
    ------
    ResultsError
        If a map has another shape or type, the stack is too large for a TIFF, the
        spacing is no length, the name or `info` cannot be written, or the file cannot
        be.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from tifffile import imread
    >>> maps = (np.full((4, 6), frame, np.float32) for frame in range(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "maps.tif")
    ...     write_map_stack(path, maps, shape=(3, 4, 6), name="coherency")
    ...     imread(path)[:, 0, 0]
    True
    array([0., 1., 2.], dtype=float32)
    """
    from tifffile import imwrite

    refuse_unwritable(path)
    _check_size(shape)
    options = tiff_options("TYX", name, spacing_mm, info)
    if frame_interval_s is not None:
        options["metadata"]["finterval"] = frame_interval_s
    try:
        with atomic_path(path) as temporary:
            imwrite(
                temporary,
                _each(maps, shape, name),
                shape=shape,
                dtype=np.float32,
                **options,
            )
    except _EndedError:
        return False
    return True


def _check_size(shape: tuple[int, int, int]) -> None:
    frames, rows, columns = shape
    if min(shape) < 1:
        raise ResultsError(
            f"A stack of shape {shape} holds nothing; give frames, rows and columns."
        )
    if frames * rows * columns * 4 > _MOST_BYTES:
        raise ResultsError(
            f"Maps of {frames} frames of {rows} × {columns} pixels are larger than the "
            "4 GB of a TIFF; crop the clip, or export a part of it."
        )


def _each(maps: Iterable[Map], shape: tuple[int, int, int], name: str) -> Iterator[Map]:
    """Yield exactly as many maps as there are frames."""
    given = iter(maps)
    for _ in range(shape[0]):
        values = next(given, None)
        if values is None:
            raise _EndedError
        check_map(values, name)
        if values.shape != shape[1:]:
            raise ResultsError(
                f"A map has shape {values.shape}, the others {shape[1:]}; give maps of "
                "one shape."
            )
        yield np.ascontiguousarray(values)
