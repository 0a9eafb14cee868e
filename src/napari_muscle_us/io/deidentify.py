"""Copies of ultrasound DICOM files that do not tell who was scanned."""

from __future__ import annotations

import os
import re
import secrets
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ImageReadError, ResultsError
from napari_muscle_us.io._deidentified_header import (
    OURS,
    describe_pixels,
    our_texts,
    rendered,
    sop_class_of,
    state_method,
    without_repeats,
)
from napari_muscle_us.io._deidentified_pixels import (
    as_shown,
    black_value,
    blackened,
    decode_frame,
    kept_bounds,
    mask_of,
    open_source,
)
from napari_muscle_us.io._identifier_scan import IdentifierScan
from napari_muscle_us.io._profile_actions import ProfileCleaner, needs_strict_iod
from napari_muscle_us.io._pydicom import dicom_guard
from napari_muscle_us.io.dicom_frames import syntax_uid
from napari_muscle_us.io.dicom_syntax import syntax_name
from napari_muscle_us.io.files import atomic_path, refuse_unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt
    from pydicom import Dataset

    from napari_muscle_us.io.dicom_frames import DicomFrames
    from napari_muscle_us.regions import Bounds

_MAX_PIXEL_BYTES: Final = 0xFFFFFFFE
_SHORTEST_SALT: Final = 16
_SHORTEST_WORD: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class DeidentifiedPreview:
    """What a de-identified copy looks like and what it no longer tells.

    Parameters
    ----------
    frame : ndarray of uint8, shape (depth, lateral) or (depth, lateral, 3)
        First frame after blacking: to be looked at for text inside the picture.
    removed, emptied, replaced : tuple of str
        Keywords of the elements, sorted; group and element where there is no keyword.
        Never a value.
    blacked : float
        Share of the frame that is set to black, 0 to 1.
    keep : tuple of Bounds
        Rectangles whose pixels stay.
    notes : tuple of str
        Caveats, a sentence each.
    """

    frame: npt.NDArray[np.uint8]
    removed: tuple[str, ...]
    emptied: tuple[str, ...]
    replaced: tuple[str, ...]
    blacked: float
    keep: tuple[Bounds, ...]
    notes: tuple[str, ...]


def preview_deidentified(
    path: str | Path, *, keep: Bounds | None = None
) -> DeidentifiedPreview:
    """Return what `deidentify_dicom` would write, without writing.

    Parameters
    ----------
    path : str or Path
        DICOM file.
    keep : Bounds, optional
        As in `deidentify_dicom`.

    Returns
    -------
    DeidentifiedPreview
        Frame, elements and caveats.

    Raises
    ------
    ImageReadError
        As in `deidentify_dicom`.
    """
    return _prepare(Path(path), keep, None, confirmed_clean=False).preview


def deidentify_dicom(
    path: str | Path,
    out: str | Path,
    *,
    keep: Bounds | None = None,
    salt: bytes | None = None,
    confirmed_clean: bool = False,
) -> DeidentifiedPreview:
    """Write a copy of an ultrasound DICOM file that does not tell who was scanned.

    The Basic Application Confidentiality Profile is applied to every element, also in
    sequences (`napari_muscle_us.io._profile_actions.action_of` tells where it is
    stricter); private elements, overlays and icons go. Pixels are decoded, set to
    black outside `keep` and written uncompressed, RGB where they were YBR; inside they
    are those that `read_image` gives. Regions, frame times, manufacturer and model
    stay. One frame is in memory at a time.

    A kept text that repeats a value which had to go is removed, too. The written file
    is read back and searched for all of these values before it gets its name.

    Parameters
    ----------
    path : str or Path
        DICOM file; it is not changed.
    out : str or Path
        File to write.
    keep : Bounds, optional
        Rows and columns to keep. Without, the 2-D picture regions that the file
        describes.
    salt : bytes, optional
        Secret of at least 16 bytes that new UIDs are made from: give the same for all
        files of a study, so that they stay together, and throw it away afterwards.
        Random by default.
    confirmed_clean : bool, default: False
        Whether someone has looked at every frame of the copy and found no text that
        identifies. Only then does the copy state BurnedInAnnotation NO and the Clean
        Pixel Data Option.

    Returns
    -------
    DeidentifiedPreview
        What was written.

    Raises
    ------
    ImageReadError
        If the file cannot be read, describes no picture while `keep` is not given, or
        holds more than 4 GB of pixels.
    ResultsError
        If `out` is the source, cannot be written, or its name holds the patient's name
        or number; or if the copy did not pass the search.

    References
    ----------
    DICOM PS3.15 2026c, Annex E; HMAC-SHA256 for UIDs, in the form of PS3.5 B.2.
    """
    path, out = Path(path), Path(out)
    refuse_unwritable(out)
    if out.exists() and path.exists() and os.path.samefile(path, out):
        raise ResultsError(
            f"{out.name!r} is the original itself; choose another name for the copy."
        )
    copy = _prepare(path, keep, salt, confirmed_clean=confirmed_clean)
    _refuse_telling_name(out.name, copy.cleaner)
    with atomic_path(out) as temporary:
        with temporary.open("wb") as file:
            for part in copy.parts():
                file.write(part)
        copy.check(temporary)
    return copy.preview


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    """A copy that is ready to be written."""

    name: str
    frames: DicomFrames
    cleaner: ProfileCleaner
    scan: IdentifierScan
    header: bytes
    keep: tuple[Bounds, ...]
    black: int
    first: npt.NDArray[Any]
    preview: DeidentifiedPreview

    def parts(self) -> Iterator[bytes]:
        """Give the bytes of the file one after the other."""
        count = self.frames.shape[0]
        length = count * self.first.nbytes
        vr = b"OB" if self.first.itemsize == 1 else b"OW"
        yield self.header
        yield struct.pack("<HH2sHI", 0x7FE0, 0x10, vr, 0, length + length % 2)
        for index in range(count):
            pixels = self.first if index == 0 else decode_frame(self.frames, index)
            if pixels.shape != self.first.shape or pixels.dtype != self.first.dtype:
                raise ImageReadError(
                    f"Frame {index} of {self.name!r} has another shape or depth than "
                    "the first; export the clip again."
                )
            yield blackened(pixels, self.keep, self.black).tobytes()
        yield bytes(length % 2)

    def check(self, written: Path) -> None:
        """Refuse a copy that still holds a value which had to go."""
        from pydicom import dcmread

        size = len(self.header)
        with written.open("rb") as file:
            head = file.read(size)
        with dicom_guard(self.name):
            dataset = dcmread(written, stop_before_pixels=True)
            scan = self.scan.within(head)
            repeats = any(True for _ in scan.leaks(dataset, skip=OURS))
            repeats = repeats or scan.in_bytes(head, dataset, ours=our_texts())
        if repeats:
            raise ResultsError(
                f"The copy of {self.name!r} would still hold a value that identifies, "
                "so it was not written; export the picture as TIFF instead."
            )


def _prepare(
    path: Path, keep: Bounds | None, salt: bytes | None, *, confirmed_clean: bool
) -> _Copy:
    if salt is not None and len(salt) < _SHORTEST_SALT:
        raise ResultsError(
            f"The salt has {len(salt)} bytes, so UIDs could be guessed; give at least "
            f"{_SHORTEST_SALT} random ones."
        )
    name = path.name
    with dicom_guard(name):
        dataset, frames = open_source(path)
        kept = kept_bounds(keep, dataset, frames.shape, name)
        first = decode_frame(frames, 0)
        _refuse_too_much(frames.shape[0] * first.nbytes, name)
        share = 1 - float(mask_of(first.shape[:2], kept).mean())
        cleaner = ProfileCleaner(
            salt or secrets.token_bytes(32),
            strict_iod=needs_strict_iod(sop_class_of(dataset, name)),
            big_endian=dataset.original_encoding[1] is False,
        )
        header = cleaner.clean(dataset)
        describe_pixels(header, dataset, first)
        state_method(header, blacked=share > 0, confirmed_clean=confirmed_clean)
        scan = IdentifierScan(cleaner.identifiers)
        content, repeated = without_repeats(rendered(header, dataset, name), scan)
        black = black_value(dataset, first)
        shown, note = as_shown(blackened(first, kept, black), dataset, name)
        notes = (*note, *_notes(dataset, cleaner, repeated, confirmed_clean))
    removed = cleaner.removed | set(repeated)
    preview = DeidentifiedPreview(
        shown,
        tuple(sorted(removed)),
        tuple(sorted(cleaner.emptied - removed)),
        tuple(sorted(cleaner.replaced - removed)),
        share,
        kept,
        (*_area_notes(share), *notes),
    )
    return _Copy(name, frames, cleaner, scan, content, kept, black, first, preview)


def _refuse_too_much(size: int, name: str) -> None:
    if size > _MAX_PIXEL_BYTES:
        raise ImageReadError(
            f"{name!r} holds {size / 1e9:.1f} GB of pixels, more than an uncompressed "
            "DICOM file can; export a shorter clip."
        )


def _notes(
    dataset: Dataset, cleaner: ProfileCleaner, repeated: list[str], confirmed: bool
) -> Iterator[str]:
    if not confirmed:
        yield (
            "Text inside the kept picture is not removed; look at the frames before "
            "the copy is passed on."
        )
    if repeated:
        yield (
            f"{', '.join(repeated)} repeated a value that had to go, and went as well."
        )
    if cleaner.unreadable:
        yield (
            f"{', '.join(sorted(cleaner.unreadable))} could not be read or is larger "
            "than 4 MB, and was left out."
        )
    if str(dataset.PhotometricInterpretation).startswith("YBR"):
        yield "YBR colours are written as RGB; gray by luma601 may differ by rounding."
    if getattr(dataset.file_meta.get("TransferSyntaxUID"), "is_compressed", False):
        words = syntax_name(syntax_uid(dataset)) or "an unnamed syntax"
        yield f"The pixels, stored as {words}, are written as decoded."


def _area_notes(share: float) -> tuple[str, ...]:
    if share:
        return ()
    return ("The kept part is the whole image, so nothing was set to black.",)


def _refuse_telling_name(name: str, cleaner: ProfileCleaner) -> None:
    """Raise if a file name holds a word of the patient's name or number."""
    plain = name.casefold()
    for found in cleaner.identifiers:
        telling = found.keyword.startswith(("Patient", "OtherPatient"))
        if not telling or found.vr not in ("PN", "LO", "SH", "DA"):
            continue
        words = re.split(r"[\W_]+", found.text.casefold())
        if any(len(word) >= _SHORTEST_WORD and word in plain for word in words):
            raise ResultsError(
                "The name of the new file holds a part of what the source tells of the "
                "patient; choose another one."
            )
