"""PNG, JPEG, BMP and TIFF pictures of ultrasound."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import (
    MAX_PIXELS,
    SIZE_UNKNOWN,
    Calibration,
    UltrasoundImage,
    coloured_pixels,
    gray_from_rgb,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.image import GrayRule

LOSSY_TOLERANCE: Final = 24
"""Channel difference that JPEG makes in gray pixels and that is not colour."""

MAX_COLOURED_SHARE: Final = 0.5

_WHITE_IS_ZERO: Final = 0
_PALETTE: Final = 3
# White is zero, black is zero, RGB, palette, YCbCr (which decodes to RGB).
_PHOTOMETRIC: Final = (_WHITE_IS_ZERO, 1, 2, _PALETTE, 6)
_MM_PER_UNIT: Final = {
    "mm": 1.0,
    "cm": 10.0,
    "um": 1e-3,
    "µm": 1e-3,
    "micron": 1e-3,
    "inch": 25.4,
    "m": 1000.0,
}
# What decoders raise on damaged files, besides OSError.
_BROKEN: Final = (
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    ZeroDivisionError,
    MemoryError,
)


def read_raster(
    content: bytes, *, name: str, sha256: str, gray_rule: GrayRule = "imagej"
) -> UltrasoundImage:
    """Return the ultrasound image in a PNG, JPEG, BMP or TIFF file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        File name, for messages and results.
    sha256 : str
        Hash of the file.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray.

    Returns
    -------
    UltrasoundImage
        With a calibration only where ImageJ wrote one into a TIFF; a resolution tag
        in dpi describes paper, not tissue.

    Raises
    ------
    ImageReadError
        If it is damaged, too large, deeper than 8 bits, or a colour photograph.
    """
    tiff = content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    pixels, calibration = (
        _decode_tiff(content, name) if tiff else (_decode_pillow(content, name), None)
    )
    rgb = _as_rgb(pixels, name)
    lossy = content[:2] == b"\xff\xd8"
    notes = () if calibration else (SIZE_UNKNOWN,)
    if rgb is None:
        return UltrasoundImage(
            np.ascontiguousarray(pixels.reshape(pixels.shape[:2])),
            name=name,
            sha256=sha256,
            calibration=calibration,
            warnings=notes,
        )
    coloured = coloured_pixels(rgb, tolerance=LOSSY_TOLERANCE if lossy else 0)
    refuse_photograph(rgb, name)
    return UltrasoundImage(
        gray_from_rgb(rgb, rule=gray_rule),
        name=name,
        sha256=sha256,
        gray_rule=gray_rule,
        calibration=calibration,
        coloured=coloured if coloured.any() else None,
        warnings=notes,
    )


def refuse_photograph(rgb: npt.NDArray[np.uint8], name: str) -> None:
    """Raise for a picture that is coloured nearly everywhere.

    Ultrasound is gray apart from Doppler, maps and markers: the share of coloured
    pixels among those that are not black tells a photograph.
    """
    bright = rgb.max(axis=-1) > LOSSY_TOLERANCE
    if not bright.any():
        return
    share = coloured_pixels(rgb[bright], tolerance=LOSSY_TOLERANCE).mean()
    if share > MAX_COLOURED_SHARE:
        raise ImageReadError(
            f"{name!r} is a colour picture ({share:.0%} of its pixels are coloured), "
            "not a B-mode image; open the gray-scale image of the scanner."
        )


def _decode_pillow(content: bytes, name: str) -> npt.NDArray[Any]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused below, or does not matter here.
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "BMP"))
            _check_size(picture.height, picture.width, name)
            if picture.mode in ("P", "PA", "1", "CMYK", "YCbCr", "LAB", "HSV"):
                return np.asarray(picture.convert("RGB"))
            return np.asarray(picture)
    except ImageReadError:
        raise
    except (OSError, Image.DecompressionBombError, *_BROKEN):
        raise damaged(name) from None


def _decode_tiff(
    content: bytes, name: str
) -> tuple[npt.NDArray[Any], Calibration | None]:
    from tifffile import TiffFile, TiffFileError

    try:
        with TiffFile(io.BytesIO(content)) as tiff:
            series = tiff.series[0]
            if series.size > 4 * MAX_PIXELS:
                _check_size(series.size, 1, name)
            page = series.pages[0]
            if len(series.pages) > 1:
                raise ImageReadError(
                    f"{name!r} holds {len(series.pages)} frames; open a still image, "
                    "one frame saved as its own file."
                )
            calibration = _imagej_calibration(tiff, page, name)
            pixels = _tiff_pixels(series, name)
            if getattr(page, "planarconfig", 1) == 2 and pixels.ndim == 3:
                pixels = np.moveaxis(pixels, 0, -1)
            return pixels, calibration
    except ImageReadError:
        raise
    except (TiffFileError, OSError, AttributeError, RuntimeError, *_BROKEN):
        raise damaged(name) from None


def _tiff_pixels(series: Any, name: str) -> npt.NDArray[Any]:
    page = series.pages[0]
    photometric = int(page.photometric)
    if photometric not in _PHOTOMETRIC:
        raise ImageReadError(
            f"{name!r} has the TIFF colour model {photometric}, which is not "
            "supported; save it as gray or RGB."
        )
    pixels: npt.NDArray[Any] = series.asarray()
    if photometric == _WHITE_IS_ZERO:
        return np.asarray(np.invert(pixels))
    if photometric == _PALETTE:
        # 16-bit tables with three rows; the upper byte is the colour.
        colours = (np.asarray(page.colormap) >> 8).astype(np.uint8)
        return np.moveaxis(colours[:, pixels], 0, -1)
    return pixels


def _imagej_calibration(tiff: Any, page: Any, name: str) -> Calibration | None:
    meta = tiff.imagej_metadata or {}
    unit = str(meta.get("unit", "")).replace("\\u00B5", "µ").strip().lower()
    tags = [page.tags.get(code) for code in (283, 282)]
    if unit not in _MM_PER_UNIT or None in tags:
        return None
    spacing = []
    for tag in tags:
        numerator, denominator = tag.value
        if numerator <= 0 or denominator <= 0:
            return None
        spacing.append(denominator / numerator * _MM_PER_UNIT[unit])
    return Calibration((spacing[0], spacing[1]), f"ImageJ calibration in {unit}")


def _as_rgb(pixels: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8] | None:
    """Return three channels, or ``None`` for a gray picture."""
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ImageReadError(
            f"{name!r} has the shape {pixels.shape}; open a still image of depth × "
            "lateral."
        )
    _check_size(pixels.shape[0], pixels.shape[1], name)
    if pixels.dtype != np.uint8:
        raise ImageReadError(
            f"{name!r} holds {pixels.dtype} pixels; echo intensity is defined on 8-bit "
            "gray levels, so export the image with 8 bits."
        )
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return None
    if channels == 2:
        pixels = pixels[..., :1].repeat(3, axis=2)
    elif channels not in (3, 4):
        raise ImageReadError(
            f"{name!r} has {channels} channels; open a gray or RGB image."
        )
    return np.ascontiguousarray(pixels[..., :3])


def _check_size(rows: int, columns: int, name: str) -> None:
    if rows * columns > MAX_PIXELS:
        raise ImageReadError(
            f"{name!r} has {rows} × {columns} pixels; at most {MAX_PIXELS} are read, "
            "so export a smaller image."
        )


def damaged(name: str) -> ImageReadError:
    """Return the error for a file that does not decode."""
    return ImageReadError(
        f"{name!r} is not a readable image (damaged, cut short or of an unknown "
        "kind); copy it from the scanner again."
    )
