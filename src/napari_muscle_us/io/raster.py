"""PNG, JPEG and BMP pictures of ultrasound, and the way to TIFF."""

from __future__ import annotations

import os
import struct
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import Frame
from napari_muscle_us.image import (
    MAX_PIXELS,
    SIZE_UNKNOWN,
    UltrasoundImage,
    coloured_pixels,
    gray_from_rgb,
)
from napari_muscle_us.io.jpeg_filler import ends_in_filler

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_muscle_us.digest import FileDigest
    from napari_muscle_us.image import GrayRule

LOSSY_TOLERANCE: Final = 24
"""Channel difference that JPEG makes in gray pixels and that is not colour."""

MAX_COLOURED_SHARE: Final = 0.5

STORED: Final = "stored"
"""Gray rule of a file that holds gray levels."""

TIFF_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
PILLOW_SIGNATURES: Final = (_PNG, b"\xff\xd8\xff", b"BM")
_PNG_DEPTH_AT: Final = 24

# What decoders raise on damaged files, besides OSError.
BROKEN: Final = (
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
    path: Path,
    *,
    name: str,
    digest: str | FileDigest,
    gray_rule: GrayRule = "imagej",
) -> UltrasoundImage:
    """Return the ultrasound image in a PNG, JPEG, BMP or TIFF file.

    Parameters
    ----------
    path : Path
        The file; its content tells the format.
    name : str
        File name, for messages and results.
    digest : str or FileDigest
        Hash of the file.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray.

    Returns
    -------
    UltrasoundImage
        A still; of a TIFF with several frames a clip, see `read_tiff`. Without
        calibration: a resolution in dpi describes paper, not tissue.

    Raises
    ------
    ImageReadError
        If it is damaged, too large, deeper than 8 bits, animated, or a colour
        photograph.
    """
    head = read_head(path, name)
    if head.startswith(TIFF_SIGNATURES):
        from napari_muscle_us.io.tiff import read_tiff

        return read_tiff(path, name=name, digest=digest, gray_rule=gray_rule)
    if head.startswith(_PNG) and head[_PNG_DEPTH_AT : _PNG_DEPTH_AT + 1] == b"\x10":
        raise too_deep(name, "16-bit")
    pixels = as_picture(_decode_pillow(path, name), name)
    lossy = head.startswith(_JPEG)
    if lossy and ends_in_filler(pixels):
        raise damaged(name)
    if pixels.ndim == 3:
        refuse_photograph(pixels, name)
    frame = frame_of(pixels, gray_rule, LOSSY_TOLERANCE if lossy else 0)
    return UltrasoundImage(
        frame.gray,
        name=name,
        digest=digest,
        gray_rule=STORED if pixels.ndim == 2 else gray_rule,
        coloured=frame.coloured,
        warnings=(SIZE_UNKNOWN,),
        lossy=lossy,
    )


def read_head(path: Path, name: str, count: int = 4096) -> bytes:
    """Return the first bytes of a file.

    Raises
    ------
    ImageReadError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise ImageReadError(
            f"{name!r} cannot be read ({error.strerror or 'unknown reason'}); check "
            "the path and its permissions."
        ) from None


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


def frame_of(
    pixels: npt.NDArray[np.uint8], gray_rule: GrayRule, tolerance: int
) -> Frame:
    """Return gray levels and coloured pixels of a gray or RGB picture."""
    if pixels.ndim == 2:
        return Frame(np.ascontiguousarray(pixels))
    red, green, blue = (pixels[..., i] for i in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return Frame(np.ascontiguousarray(red))
    coloured = coloured_pixels(pixels, tolerance=tolerance)
    gray = gray_from_rgb(pixels, rule=gray_rule)
    return Frame(gray, coloured if coloured.any() else None)


def as_picture(pixels: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """Return a decoded picture with two axes (gray) or three channels (RGB).

    Raises
    ------
    ImageReadError
        If it is neither, too large, or not of 8 bits.
    """
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ImageReadError(
            f"{name!r} has the shape {pixels.shape}; open an image of depth × lateral."
        )
    check_size(pixels.shape[0], pixels.shape[1], name)
    if pixels.dtype != np.uint8:
        raise too_deep(name, str(pixels.dtype))
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels in (1, 2):
        # Two channels are gray and opacity.
        return pixels if pixels.ndim == 2 else pixels[..., 0]
    if channels not in (3, 4):
        raise ImageReadError(
            f"{name!r} has {channels} channels; open a gray or RGB image."
        )
    return np.ascontiguousarray(pixels[..., :3])


def check_size(rows: int, columns: int, name: str) -> None:
    """Raise for a picture of more than `MAX_PIXELS`."""
    if rows * columns > MAX_PIXELS:
        raise ImageReadError(
            f"{name!r} has {rows} × {columns} pixels; at most {MAX_PIXELS} are read, "
            "so export a smaller image."
        )


def too_deep(name: str, kind: str) -> ImageReadError:
    """Return the error for pixels that are not of 8 bits."""
    return ImageReadError(
        f"{name!r} holds {kind} pixels; echo intensity is defined on 8-bit gray "
        "levels, so export the image with 8 bits."
    )


def damaged(name: str) -> ImageReadError:
    """Return the error for a file that does not decode."""
    return ImageReadError(
        f"{name!r} is not a readable image (damaged, cut short or of an unknown "
        "kind); copy it from the scanner again."
    )


class SizedFile:
    """A file that never makes room for more than it holds, whatever is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes up to the end at most."""
        left = max(self._size - self._file.tell(), 0)
        return self._file.read(left if size < 0 else min(size, left))


def _sized(file: BinaryIO) -> Any:
    # As any type: Pillow asks for a whole file type, and uses three methods of it.
    return SizedFile(file)


def _decode_pillow(path: Path, name: str) -> npt.NDArray[Any]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused below, or does not matter here.
            warnings.simplefilter("ignore")
            with (
                path.open("rb") as file,
                Image.open(_sized(file), formats=("PNG", "JPEG", "BMP")) as picture,
            ):
                check_size(picture.height, picture.width, name)
                if picture.format == "PNG" and getattr(picture, "is_animated", False):
                    raise ImageReadError(
                        f"{name!r} is an animated PNG; export the clip as GIF, MP4 or "
                        "AVI, or one frame as PNG."
                    )
                if picture.mode in ("P", "PA", "1", "CMYK", "YCbCr", "LAB", "HSV"):
                    return np.asarray(picture.convert("RGB"))
                return np.asarray(picture)
    except ImageReadError:
        raise
    except (OSError, Image.DecompressionBombError, AssertionError, *BROKEN):
        raise damaged(name) from None
