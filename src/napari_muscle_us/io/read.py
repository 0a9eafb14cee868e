"""Read an ultrasound image, whatever its file format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import GRAY_RULES

if TYPE_CHECKING:
    from napari_muscle_us.image import GrayRule, UltrasoundImage

_HEAD_BYTES: Final = 4096

ENDINGS: Final = (
    *(".dcm", ".dicom", ".ima"),
    *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif"),
    *(".mp4", ".m4v", ".mov", ".avi", ".wmv"),
)
"""Endings that the reader is offered for; content decides what a file is."""


class _Reader(Protocol):
    def __call__(
        self, path: Path, *, name: str, digest: FileDigest, gray_rule: GrayRule
    ) -> UltrasoundImage: ...


def read_image(path: str | Path, *, gray_rule: GrayRule = "imagej") -> UltrasoundImage:
    """Return the ultrasound image or clip in a DICOM, picture or video file.

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
    head = _read_head(path)
    digest = FileDigest(path)
    reader = _reader_for(head)
    if reader is None:
        raise ImageReadError(
            f"{path.name!r} is not an image that can be read; open a DICOM, PNG, JPEG, "
            "BMP, TIFF, GIF or video file."
        )
    image = reader(path, name=path.name, digest=digest, gray_rule=gray_rule)
    if image.is_clip:
        return image
    # A still is in memory: it must not need its file again.
    return replace(image, digest=image.sha256)


def _reader_for(head: bytes) -> _Reader | None:
    """Return what reads a file that begins like this, by content alone."""
    from napari_muscle_us.io.dicom import looks_like_dicom, read_dicom

    # A file can be both: DICOM allows a TIFF header in its preamble.
    if looks_like_dicom(head):
        return read_dicom
    from napari_muscle_us.io import raster

    if head.startswith((*raster.PILLOW_SIGNATURES, *raster.TIFF_SIGNATURES)):
        return raster.read_raster
    from napari_muscle_us.io.video import looks_like_video, read_video

    return read_video if looks_like_video(head) else None


def looks_readable(path: Path) -> bool:
    """Whether a file has one of our endings, or begins like one of our formats.

    Never raises: a file that cannot be looked into is not ours.
    """
    if path.suffix.lower() in ENDINGS:
        return True
    try:
        head = _read_head(path)
    except ImageReadError:
        return False
    return _reader_for(head) is not None


def is_study(path: Path) -> bool:
    """Whether a path is a folder or the index of one (DICOMDIR)."""
    return path.is_dir() or path.name.upper() == "DICOMDIR"


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file, or refuse what is none."""
    try:
        if path.is_dir():
            raise ImageReadError(
                f"{path.name!r} is a folder; open an image file, or the folder in "
                "napari as a study."
            )
        if not path.exists():
            raise ImageReadError(f"{path.name!r} does not exist; check the path.")
        if not path.is_file():
            raise ImageReadError(f"{path.name!r} is no file; open an image file.")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not head:
        raise ImageReadError(
            f"{path.name!r} is empty (0 bytes); copy it from the scanner again."
        )
    return head


def _unreadable(path: Path, error: Exception) -> ImageReadError:
    if isinstance(error, ImageReadError):
        return error
    reason = getattr(error, "strerror", None) or "not a valid path"
    return ImageReadError(
        f"{path.name!r} cannot be read ({reason}); check the path and its permissions."
    )
