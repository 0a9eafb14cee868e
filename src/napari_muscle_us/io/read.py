"""Read an ultrasound image, whatever its file format."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import GRAY_RULES

if TYPE_CHECKING:
    from napari_muscle_us.image import GrayRule, UltrasoundImage

MAX_BYTES: Final = 2_000_000_000

_RASTER_SIGNATURES: Final = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)


def read_image(path: str | Path, *, gray_rule: GrayRule = "imagej") -> UltrasoundImage:
    """Return the ultrasound image in a DICOM, PNG, JPEG, BMP or TIFF file.

    The format is recognised by the content, not by the name.

    Parameters
    ----------
    path : str or Path
        File to read.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray, see `napari_muscle_us.gray_from_rgb`.

    Returns
    -------
    UltrasoundImage
        Gray levels as uint8. `spacing_mm` is ``None`` where the file does not tell
        the size of a pixel; no value is ever made up. `warnings` holds the caveats.

    Raises
    ------
    ImageReadError
        If the path is no file, or the file no readable ultrasound image.

    Examples
    --------
    >>> read_image("missing.dcm")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    napari_muscle_us.errors.ImageReadError: 'missing.dcm' does not exist; ...
    """
    if gray_rule not in GRAY_RULES:
        raise ImageReadError(
            f"Gray rule {gray_rule!r} is unknown; use one of {', '.join(GRAY_RULES)}."
        )
    path = Path(path)
    content = _read_bytes(path)
    sha256 = hashlib.sha256(content).hexdigest()
    from napari_muscle_us.io.dicom import looks_like_dicom, read_dicom

    # A file can be both: DICOM allows a TIFF header in its preamble.
    if looks_like_dicom(content):
        return read_dicom(content, name=path.name, sha256=sha256, gray_rule=gray_rule)
    if content.startswith(_RASTER_SIGNATURES):
        from napari_muscle_us.io.raster import read_raster

        return read_raster(content, name=path.name, sha256=sha256, gray_rule=gray_rule)
    raise ImageReadError(
        f"{path.name!r} is not an image that can be read; open a DICOM, PNG, JPEG, BMP "
        "or TIFF file."
    )


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageReadError(f"{path.name!r} is a folder; open an image file.")
        if not path.exists():
            raise ImageReadError(f"{path.name!r} does not exist; check the path.")
        if not path.is_file():
            raise ImageReadError(f"{path.name!r} is no file; open an image file.")
        size = path.stat().st_size
        if size == 0:
            raise ImageReadError(
                f"{path.name!r} is empty (0 bytes); copy it from the scanner again."
            )
        if size > MAX_BYTES:
            raise ImageReadError(
                f"{path.name!r} has {size} bytes; at most {MAX_BYTES} are read."
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageReadError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ImageReadError(
            f"{path.name!r} cannot be read ({reason}); check the path and its "
            "permissions."
        ) from None
