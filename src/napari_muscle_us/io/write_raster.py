"""Gray PNG and calibrated TIFF pictures that hold nothing but pixels and scale."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError, ResultsError
from napari_muscle_us.io.files import atomic_path, refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds

_SOFTWARE: Final = "napari-muscle-us"
_MOST_BYTES: Final = 4_000_000_000
"""A classic TIFF has 32-bit offsets, and ImageJ writes stacks into no other."""

_LARGEST_TERM: Final = 2**32 - 1
_PRECISION: Final = 1e-6
_REGULAR: Final = 0.01
_MM_PER_METRE: Final = 1000
_METRE_PER_INCH: Final = 0.0254
_MOST_PER_METRE: Final = 2**31 - 1


def write_png(
    path: str | Path, image: UltrasoundImage, *, keep: Bounds | None = None
) -> None:
    """Write the gray levels of a still image as an 8-bit PNG.

    The size of a pixel goes into the pHYs chunk, which holds whole pixels per metre:
    0.0616 mm becomes 16234 per metre, 0.061599… mm, and programs take it for the size
    on paper. `napari_muscle_us.read_image` does not use it. To keep the calibration,
    write a TIFF (`write_tiff`).

    Parameters
    ----------
    path : str or Path
        File to write; a file of this name is replaced.
    image : UltrasoundImage
        Still image, or a frame of a clip (``clip.frame(i)``). Colour is written as the
        gray levels that it became.
    keep : Bounds, optional
        Rows and columns to keep; pixels outside are set to black.

    Raises
    ------
    ImageReadError
        If the image is a clip, or `keep` is no part of it.
    ResultsError
        If the file cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    refuse_unwritable(path)
    pixels = _blackened(image.pixels, _checked(keep, image))
    text = PngInfo()
    text.add_text("Software", _SOFTWARE)
    options: dict[str, Any] = {"pnginfo": text}
    if image.spacing_mm is not None:
        depth, lateral = (_MM_PER_METRE / s for s in image.spacing_mm)
        if min(depth, lateral) >= 1 and max(depth, lateral) <= _MOST_PER_METRE:
            options["dpi"] = (lateral * _METRE_PER_INCH, depth * _METRE_PER_INCH)
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", **options)


def write_tiff(
    path: str | Path, image: UltrasoundImage, *, keep: Bounds | None = None
) -> None:
    """Write gray levels as an 8-bit TIFF with ImageJ's calibration in mm.

    ImageJ, and `napari_muscle_us.read_image`, take the size of a pixel from
    XResolution and YResolution, each by itself, in pixels per mm. A clip becomes a
    stack of time points, written frame by frame, with its frame interval where the
    frame times are regular (within 1 %); otherwise times are not written.

    Parameters
    ----------
    path : str or Path
        File to write; a file of this name is replaced.
    image : UltrasoundImage
        Still image or clip. Colour is written as the gray levels that it became.
    keep : Bounds, optional
        Rows and columns to keep; pixels outside are set to black.

    Raises
    ------
    ImageReadError
        If `keep` is no part of the image, a frame cannot be decoded, or the frames
        differ in scale, of which a TIFF holds one.
    ResultsError
        If the clip has more than 4 GB, the spacing cannot be written to within 1e-6,
        or the file cannot be written.

    References
    ----------
    ImageJ 1.53t, ``ij/io/TiffDecoder.java`` and ``ij/io/FileOpener.java``.
    """
    from tifffile import imwrite

    refuse_unwritable(path)
    keep = _checked(keep, image)
    rows, columns = image.frame_shape
    shape = (image.n_frames, rows, columns) if image.is_clip else (rows, columns)
    if image.n_frames * rows * columns > _MOST_BYTES:
        raise ResultsError(
            f"{image.n_frames} frames of {rows} × {columns} pixels are more than the "
            f"{_MOST_BYTES / 1e9:g} GB that an ImageJ TIFF holds; write fewer frames."
        )
    metadata: dict[str, Any] = {"axes": "TYX" if image.is_clip else "YX"}
    options: dict[str, Any] = {}
    if _spacing(image) is not None:
        metadata["unit"] = "mm"
        options["resolution"] = _resolution(image)
    interval = _frame_interval(image)
    if interval is not None:
        metadata["finterval"] = interval
    with atomic_path(path) as temporary:
        imwrite(
            temporary,
            _frames(image, keep),
            shape=shape,
            dtype=np.uint8,
            imagej=True,
            photometric="minisblack",
            software=_SOFTWARE,
            metadata=metadata,
            **options,
        )


def _frames(
    image: UltrasoundImage, keep: Bounds | None
) -> Iterator[npt.NDArray[np.uint8]]:
    for index in range(image.n_frames):
        yield _blackened(image.frame(index).pixels, keep)


def _checked(keep: Bounds | None, image: UltrasoundImage) -> Bounds | None:
    if keep is None:
        return None
    rows, columns = image.frame_shape
    top, bottom, left, right = (int(value) for value in keep)
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise ImageReadError(
            f"Rows {top} to {bottom} and columns {left} to {right} are no part of an "
            f"image of {rows} × {columns} pixels; give a part inside it."
        )
    return top, bottom, left, right


def _blackened(
    pixels: npt.NDArray[np.uint8], keep: Bounds | None
) -> npt.NDArray[np.uint8]:
    if keep is None:
        return np.ascontiguousarray(pixels)
    top, bottom, left, right = keep
    result = np.zeros(pixels.shape, np.uint8)
    result[top:bottom, left:right] = pixels[top:bottom, left:right]
    return result


def _spacing(image: UltrasoundImage) -> tuple[float, float] | None:
    """Return the spacing that holds for all frames."""
    each = image.frame_calibrations
    if image.spacing_mm is not None or each is None:
        return image.spacing_mm
    spacings = {None if c is None else c.spacing_mm for c in each}
    if len(spacings) > 1:
        raise ImageReadError(
            f"The {image.n_frames} frames differ in scale, of which a TIFF holds one; "
            "write single frames (image.frame(index))."
        )
    return spacings.pop() if spacings else None


def _resolution(image: UltrasoundImage) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return pixels per mm as TIFF's fractions, ``(lateral, depth)``."""
    depth, lateral = (fraction(s) for s in _spacing(image) or ())
    return lateral, depth


def fraction(spacing_mm: float) -> tuple[int, int]:
    """Return pixels per mm as the two numbers that a TIFF holds.

    Raises
    ------
    ResultsError
        If the size of a pixel is beyond what they can hold.
    """
    exact = Fraction(spacing_mm)
    # The larger of the two terms is the one to limit.
    if exact < 1:
        found = exact.limit_denominator(_LARGEST_TERM)
    else:
        inverse = (1 / exact).limit_denominator(_LARGEST_TERM)
        found = 1 / inverse if inverse else Fraction(0)
    if not found or abs(found / exact - 1) > _PRECISION:
        raise ResultsError(
            f"A pixel of {spacing_mm:g} mm cannot be written into a TIFF; open the "
            "image without calibration."
        )
    return found.denominator, found.numerator


def _frame_interval(image: UltrasoundImage) -> float | None:
    times = image.frame_times_s
    if not image.is_clip or times is None or len(times) < 2:
        return None
    steps = [b - a for a, b in pairwise(times)]
    mean = (times[-1] - times[0]) / len(steps)
    regular = mean > 0 and all(abs(s - mean) <= _REGULAR * mean for s in steps)
    return mean if regular else None
