"""Texture and other maps as float TIFF pictures that keep every value and the scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io._map_parts import SOFTWARE, check_map, tiff_options
from napari_muscle_us.io.files import atomic_path, refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_MARK: Final = b"\nmap="
"""In ImageJ's description of each map, so that one can be told from a picture."""

_HEAD_BYTES: Final = 65_536


def write_map(
    path: str | Path,
    map: npt.NDArray[np.float32],
    *,
    name: str = "",
    spacing_mm: tuple[float, float] | None = None,
    info: Mapping[str, Any] | None = None,
) -> None:
    """Write a map as a 32-bit float TIFF with ImageJ's calibration in mm.

    Every value is kept to the last digit, NaN too, which ImageJ leaves out of its
    measurements.

    Parameters
    ----------
    path : str or Path
        File to write; a file of this name is replaced.
    map : ndarray of float32, shape (depth, lateral)
        Values; NaN where there is none.
    name : str, optional
        What the map shows, such as the key of a feature; one line of ASCII.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. Without it the file has no scale.
    info : mapping, optional
        How the map came about, as JSON values. ImageJ shows it with Image › Show Info.

    Raises
    ------
    ResultsError
        If the map is not of 32-bit floats in two dimensions, the spacing is no length,
        the name or `info` cannot be written, or the file cannot be.

    References
    ----------
    ImageJ 1.53t, ``ij/io/TiffDecoder.java`` and ``ij/io/FileOpener.java``.

    Examples
    --------
    >>> import tempfile
    >>> from tifffile import imread
    >>> values = np.array([[1.5, np.nan]], np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(Path(folder, "map.tif"), values, spacing_mm=(0.1, 0.2))
    ...     imread(Path(folder, "map.tif"))
    array([[1.5, nan]], dtype=float32)
    """
    from tifffile import imwrite

    refuse_unwritable(path)
    check_map(map, name)
    options = tiff_options("YX", name, spacing_mm, info)
    with atomic_path(path) as temporary:
        imwrite(temporary, np.ascontiguousarray(map), **options)


def refuse_other_map(path: str | Path) -> None:
    """Refuse to replace a file that is no map, such as somebody's picture.

    Parameters
    ----------
    path : str or Path
        File that is to be written.

    Raises
    ------
    ResultsError
        If the file exists, holds something, and was not written by `write_map`.

    Examples
    --------
    >>> refuse_other_map("not-there-yet.tif")
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return  # Writing will say why it cannot be.
    if head and not (_MARK in head and SOFTWARE.encode() in head):
        raise ResultsError(
            f"{Path(path).name!r} exists and is no map of ours; choose another name."
        )
