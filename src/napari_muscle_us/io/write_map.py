"""Texture and other maps as float TIFF pictures that keep every value and the scale."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path, refuse_unwritable
from napari_muscle_us.io.write_raster import fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_SOFTWARE: Final = "napari-muscle-us"
_MARK: Final = b"\nmap="
"""In ImageJ's description of each map, so that one can be told from a picture."""

_HEAD_BYTES: Final = 65_536
_NAME: Final = re.compile(r"[\x20-\x7e]{0,100}")


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
    _check(map, name)
    metadata: dict[str, Any] = {"axes": "YX", "map": name}
    options: dict[str, Any] = {}
    if info is not None:
        metadata["Info"] = _text(info)
    if spacing_mm is not None:
        depth, lateral = (fraction(length) for length in _lengths(spacing_mm))
        metadata["unit"] = "mm"
        options["resolution"] = (lateral, depth)
    with atomic_path(path) as temporary:
        imwrite(
            temporary,
            np.ascontiguousarray(map),
            imagej=True,
            photometric="minisblack",
            software=_SOFTWARE,
            metadata=metadata,
            **options,
        )


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
    if head and not (_MARK in head and _SOFTWARE.encode() in head):
        raise ResultsError(
            f"{Path(path).name!r} exists and is no map of ours; choose another name."
        )


def _check(map: npt.NDArray[np.float32], name: str) -> None:
    if map.ndim != 2 or map.dtype != np.float32 or not map.size:
        raise ResultsError(
            f"A map of {map.dtype} and shape {map.shape} cannot be written; give "
            "32-bit floats of shape (depth, lateral)."
        )
    if not _NAME.fullmatch(name):
        raise ResultsError(
            f"The name {name[:100]!r} of a map cannot be written; give one line of at "
            "most 100 ASCII letters."
        )


def _text(info: Mapping[str, Any]) -> str:
    """Return JSON, in ASCII for every program."""
    try:
        return json.dumps(info, allow_nan=False)
    except (TypeError, ValueError):
        raise ResultsError(
            "What is told of the map has other than JSON values; give text, finite "
            "numbers, lists and mappings."
        ) from None


def _lengths(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    try:
        depth, lateral = (float(length) for length in spacing_mm)
    except (TypeError, ValueError):
        depth = lateral = float("nan")
    if not (0 < depth < float("inf") and 0 < lateral < float("inf")):
        raise ResultsError(
            f"The pixel spacing {spacing_mm!r} mm is not a positive length; give "
            "(depth, lateral)."
        )
    return depth, lateral
