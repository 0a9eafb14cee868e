"""TIFF stills and stacks, with ImageJ's calibration, times and display range."""

from __future__ import annotations

import logging
import re
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import MAX_FRAMES, FrameStack
from napari_muscle_us.image import MAX_PIXELS, SIZE_UNKNOWN, UltrasoundImage
from napari_muscle_us.io.imagej_meta import calibration, display_range, frame_times
from napari_muscle_us.io.raster import (
    BROKEN,
    LOSSY_TOLERANCE,
    STORED,
    as_picture,
    check_size,
    damaged,
    frame_of,
    refuse_photograph,
    too_deep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_muscle_us.frames import Frame
    from napari_muscle_us.image import GrayRule

IMAGEJ_16_BIT: Final = "ImageJ 8-bit conversion"

_WHITE_IS_ZERO: Final = 0
_PALETTE: Final = 3
# White is zero, black is zero, RGB, palette, YCbCr (which decodes to RGB).
_PHOTOMETRIC: Final = (_WHITE_IS_ZERO, 1, 2, _PALETTE, 6)
_UNCOMPRESSED: Final = 1
_JPEG_COMPRESSIONS: Final = (6, 7, 33007, 34892)
_PLANAR: Final = 2
_REDUCED: Final = 1

# The logger is the process's: two threads inside at once would undo each other.
_one_thread: Final = threading.RLock()


def read_tiff(
    path: Path,
    *,
    name: str,
    digest: str | FileDigest,
    gray_rule: GrayRule = "imagej",
) -> UltrasoundImage:
    r"""Return the ultrasound image or clip in a TIFF file.

    A stack is a clip whose frames are decoded one at a time. 16-bit pixels are read
    where ImageJ wrote the display range *min* … *max* into the file, by ImageJ's own
    conversion to 8 bits,

    .. math:: g = \min(255, \lfloor \max(v - min, 0) \cdot 256/(max - min + 1)
              + 1/2 \rfloor)

    Parameters
    ----------
    path : Path
        The file.
    name : str
        File name, for messages and results.
    digest : str or FileDigest
        Hash of the file; a `FileDigest` also notices that the file changed.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray.

    Returns
    -------
    UltrasoundImage
        With a calibration only where ImageJ wrote a unit of length; a resolution
        tag in dpi describes paper, not tissue. `frame_times_s` from ImageJ's frame
        interval or frame rate, ``None`` without.

    Raises
    ------
    ImageReadError
        If it is damaged, too large, not of 8 bits, a colour photograph, or has
        channels, or slices as well as times.

    References
    ----------
    ImageJ 1.53t, ``ij/io/FileOpener.java`` and ``ij/process/TypeConverter.java``.
    """
    source = _TiffSource(path, name, digest, gray_rule)
    meta = source.imagej
    with _guard(name):
        known, notes = calibration(meta, source.resolution)
        times, time_notes = frame_times(meta, source.shape[0])
    first = source.picture(0)
    if first.ndim == 3:
        refuse_photograph(first, name)
    notes = (*notes, *source.notes, *(() if known else (SIZE_UNKNOWN,)))
    common: dict[str, Any] = {
        "name": name,
        "digest": digest,
        "gray_rule": source.rule_of(first),
        "calibration": known,
        "lossy": source.lossy,
    }
    if source.shape[0] == 1:
        frame = source.frame(first)
        source.close()
        return UltrasoundImage(
            frame.gray, coloured=frame.coloured, warnings=notes, **common
        )
    return UltrasoundImage(
        FrameStack(source),
        frame_times_s=times,
        warnings=(*notes, *time_notes),
        **common,
    )


class _TiffSource:
    """The pages of one file, or the planes behind its only page."""

    def __init__(
        self, path: Path, name: str, digest: str | FileDigest, gray_rule: GrayRule
    ) -> None:
        from tifffile import TiffFile

        self._name = name
        self._digest = digest
        self._rule: GrayRule = gray_rule
        with _guard(name):
            # A plain file: tifffile's own would not be closed when it refuses.
            file = path.open("rb")
            self.close = weakref.finalize(self, file.close)
            self._tiff = TiffFile(file)
            self.imagej: dict[str, Any] = dict(self._tiff.imagej_metadata or {})
            self._page = self._tiff.pages[0]
            rows, columns = self._check_page()
            count = len(self._tiff.pages)
            if count > MAX_FRAMES:
                raise _too_many(name, count)
            self._pages: list[Any] = []
            self.notes: tuple[str, ...] = ()
            frames = self._contiguous() if count == 1 else self._paged()
        self._range = display_range(self.imagej)
        self.shape = (frames, rows, columns)

    @property
    def resolution(self) -> tuple[Any, Any]:
        """Y and X resolution as the file has them."""
        tags = [self._page.tags.get(code) for code in (283, 282)]
        return (
            None if tags[0] is None else tags[0].value,
            None if tags[1] is None else tags[1].value,
        )

    @property
    def lossy(self) -> bool:
        """Whether compression has changed the gray levels."""
        return int(self._page.compression) in _JPEG_COMPRESSIONS

    def rule_of(self, picture: npt.NDArray[np.uint8]) -> str:
        """Return the rule that gave the gray levels."""
        if picture.ndim == 3:
            return self._rule
        if self._page.dtype == np.uint16 and self._range is not None:
            return f"{IMAGEJ_16_BIT} of {self._range[0]}–{self._range[1]}"
        return STORED

    def read(self, index: int) -> Frame:
        """Return a frame."""
        if isinstance(self._digest, FileDigest):
            self._digest.check()
        return self.frame(self.picture(index))

    def frame(self, picture: npt.NDArray[np.uint8]) -> Frame:
        """Return a decoded picture as a frame."""
        return frame_of(picture, self._rule, LOSSY_TOLERANCE if self.lossy else 0)

    def picture(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a frame as gray or RGB."""
        with _guard(self._name):
            page = self._pages[index] if self._pages else self._page
            if index and not self._pages:
                pixels = self._plane(index)
            else:
                self._check_lengths(page)
                pixels = page.asarray(maxworkers=1)
            pixels = np.asarray(pixels)
            if int(getattr(page, "planarconfig", 1) or 1) == _PLANAR and (
                pixels.ndim == 3
            ):
                pixels = np.moveaxis(pixels, 0, -1)
            pixels = self._eight_bits(pixels)
            picture = as_picture(self._colours(pixels, page), self._name)
        if hasattr(self, "shape") and picture.shape[:2] != self.shape[1:]:
            raise damaged(self._name)
        return picture

    def _check_lengths(self, page: Any) -> None:
        """Refuse strips or tiles that are larger than the file, or missing.

        tifffile takes a missing one for black.
        """
        size = int(self._tiff.filehandle.size)
        counts = [int(count) for count in page.databytecounts]
        places = [int(place) for place in page.dataoffsets]
        if max(counts, default=0) > size or 0 in counts or 0 in places:
            raise damaged(self._name)

    def _eight_bits(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if pixels.dtype != np.uint16:
            return pixels
        if pixels.ndim != 2 or self._range is None:
            raise ImageReadError(
                f"{self._name!r} holds uint16 pixels and does not tell which are black "
                "and white; echo intensity is defined on 8-bit gray levels, so export "
                "it with 8 bits, or set the display range in ImageJ and save it there."
            )
        low, high = self._range
        scaled = np.maximum(pixels.astype(np.int32) - low, 0) * (
            256.0 / (high - low + 1)
        )
        return np.minimum(np.floor(scaled + 0.5), 255).astype(np.uint8)

    def _colours(self, pixels: npt.NDArray[Any], page: Any) -> npt.NDArray[Any]:
        photometric = int(page.photometric)
        if photometric == _WHITE_IS_ZERO:
            return np.asarray(np.invert(pixels))
        if photometric == _PALETTE:
            if pixels.dtype != np.uint8:
                raise too_deep(self._name, str(pixels.dtype))
            # 16-bit tables with three rows; the upper byte is the colour.
            colours = (np.asarray(page.colormap) >> 8).astype(np.uint8)
            return np.moveaxis(colours[:, pixels], 0, -1)
        return pixels

    def _check_page(self) -> tuple[int, int]:
        """Return rows and columns, or refuse before a pixel is decoded."""
        page, name = self._page, self._name
        photometric = int(page.photometric)
        if photometric not in _PHOTOMETRIC:
            raise ImageReadError(
                f"{name!r} has the TIFF colour model {photometric}, which is not "
                "supported; save it as gray or RGB."
            )
        rows, columns = int(page.imagelength), int(page.imagewidth)
        if rows < 1 or columns < 1:
            raise damaged(name)
        check_size(rows, columns, name)
        if int(page.imagedepth) > 1 or page.size > 4 * MAX_PIXELS:
            check_size(int(page.size), 1, name)
            raise ImageReadError(
                f"{name!r} holds a volume in one page; save its slices as a stack."
            )
        if page.dtype is None:
            raise damaged(name)
        if page.dtype not in (np.uint8, np.uint16):
            raise too_deep(name, str(page.dtype))
        self._check_axes()
        return rows, columns

    def _check_axes(self) -> None:
        """Refuse channels, and slices as well as times."""
        name, samples = self._name, int(self._page.samplesperpixel)
        channels = _count(self.imagej.get("channels"))
        if self._tiff.is_ome:
            found = re.search(r'SizeC="(\d{1,6})"', str(self._tiff.ome_metadata))
            channels = int(found[1]) if found else 1
        if channels > 1 and channels != samples:
            raise ImageReadError(
                f"{name!r} has {channels} channels; turn them into one RGB image, in "
                "ImageJ with Image › Type › RGB Color, or save one channel."
            )
        slices, times = (_count(self.imagej.get(k)) for k in ("slices", "frames"))
        if slices > 1 and times > 1:
            raise ImageReadError(
                f"{name!r} has {slices} slices at each of {times} times; save the "
                "times of one slice as a stack."
            )

    def _contiguous(self) -> int:
        """Return the number of planes that lie one behind the other in the file."""
        stated = _count(self.imagej.get("images"))
        if not self.imagej and self._tiff.is_shaped:
            self._refuse_hidden_planes()
        if stated <= 1:
            return 1
        if int(self._page.compression) != _UNCOMPRESSED or not self._page.is_contiguous:
            raise damaged(self._name)
        if stated > MAX_FRAMES:
            raise _too_many(self._name, stated)
        room = int(self._tiff.filehandle.size) - int(self._page.dataoffsets[0])
        whole = min(stated, room // int(self._page.nbytes))
        if whole < 1:
            raise damaged(self._name)
        if whole < stated:
            self.notes = (
                f"The file is cut short: it states {stated} frames and holds {whole}.",
            )
        return whole

    def _refuse_hidden_planes(self) -> None:
        shaped: tuple[Any, ...] = self._tiff.shaped_metadata or ({},)
        shape = [int(n) for n in shaped[0].get("shape", ())]
        planes = int(np.prod(shape, dtype=np.float64)) if shape else 0
        if planes > int(self._page.size):
            raise ImageReadError(
                f"{self._name!r} states the shape {tuple(shape)[:5]} and describes one "
                "page of it; save every frame as its own page."
            )

    def _paged(self) -> int:
        """Keep the pages that are like the first, and return their number."""
        first = self._page
        other = 0
        for page in self._tiff.pages:
            alike = (
                page.shape == first.shape
                and page.dtype == first.dtype
                and int(page.photometric) == int(first.photometric)
            )
            if alike and not int(page.subfiletype) & _REDUCED:
                self._pages.append(page)
            else:
                other += 1
        if not self._pages:
            raise damaged(self._name)
        if other:
            self.notes = (
                f"{other} of {other + len(self._pages)} pages have another size or "
                "kind than the first and are left out.",
            )
        self._page = self._pages[0]
        return len(self._pages)

    def _plane(self, index: int) -> npt.NDArray[Any]:
        page = self._page
        file = self._tiff.filehandle
        file.seek(int(page.dataoffsets[0]) + index * int(page.nbytes))
        content = file.read(int(page.nbytes))
        dtype = page.dtype.newbyteorder(self._tiff.byteorder)
        pixels = np.frombuffer(content, dtype).reshape(page.shape)
        return pixels.astype(page.dtype)


@contextmanager
def _guard(name: str) -> Iterator[None]:
    """Turn what tifffile raises into one `ImageReadError`, and keep it silent."""
    from tifffile import TiffFileError

    try:
        with quiet_tifffile():
            yield
    except ImageReadError:
        raise
    except (
        TiffFileError,
        OSError,
        AttributeError,
        RuntimeError,
        AssertionError,
        *BROKEN,
    ):
        raise damaged(name) from None


@contextmanager
def quiet_tifffile() -> Iterator[None]:
    """Silence tifffile, whose log quotes texts of the file, so patients."""
    logger = logging.getLogger("tifffile")
    with _one_thread:
        before = logger.disabled
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


def _count(value: Any) -> int:
    """Return a number of images as ImageJ states it, 1 without."""
    return value if isinstance(value, int) and value > 0 else 1


def _too_many(name: str, count: int) -> ImageReadError:
    return ImageReadError(
        f"{name!r} says it has {count} frames; at most {MAX_FRAMES} are read."
    )
