"""What a map and a stack of maps share when they are written as TIFFs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.write_raster import fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

SOFTWARE: Final = "napari-muscle-us"

_NAME: Final = re.compile(r"[\x20-\x7e]{0,100}")


def tiff_options(
    axes: str,
    name: str,
    spacing_mm: tuple[float, float] | None,
    info: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the keywords of `tifffile.imwrite` for a map that ImageJ reads in mm."""
    metadata: dict[str, Any] = {"axes": axes, "map": name}
    options: dict[str, Any] = {
        "imagej": True,
        "photometric": "minisblack",
        "software": SOFTWARE,
        "metadata": metadata,
    }
    if info is not None:
        metadata["Info"] = _text(info)
    if spacing_mm is not None:
        depth, lateral = (fraction(length) for length in _lengths(spacing_mm))
        metadata["unit"] = "mm"
        options["resolution"] = (lateral, depth)
    return options


def check_map(map: npt.NDArray[np.float32], name: str) -> None:
    """Refuse what is no map of 32-bit floats, or a name that cannot be written."""
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
    except (TypeError, ValueError, OverflowError):
        depth = lateral = float("nan")
    if not (0 < depth < float("inf") and 0 < lateral < float("inf")):
        raise ResultsError(
            f"The pixel spacing {spacing_mm!r} mm is not a positive length; give "
            "(depth, lateral)."
        )
    return depth, lateral
