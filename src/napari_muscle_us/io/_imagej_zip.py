"""Read an ImageJ RoiSet archive, whatever else lies in it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import RoiError
from napari_muscle_us.io._imagej_format import MAGIC
from napari_muscle_us.io._imagej_geometry import decode_entry
from napari_muscle_us.io._imagej_names import MAX_ROIS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_muscle_us.roi.entries import RoiEntry

MAX_ROI_BYTES: Final = 20_000_000
MAX_ARCHIVE_BYTES: Final = 100_000_000
_MOST_SENTENCES: Final = 20
_NAMED_FILES: Final = 3
_SHOWN: Final = 60
_ENCRYPTED: Final = 1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that ImageJ knows; LZMA reserves whatever memory the file tells it to."""
# Files are hostile: a lying archive makes zipfile raise any of these.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    EOFError,
    RuntimeError,
)


def read_archive(path: Path) -> tuple[tuple[RoiEntry, ...], tuple[str, ...]]:
    """Return the regions of an archive, and a sentence for what was not read.

    Raises
    ------
    RoiError
        If the archive as a whole is damaged or holds too many files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MAX_ROIS:
                raise RoiError(
                    f"{path.name!r} holds {len(infos)} files; at most {MAX_ROIS} ROIs "
                    "are read."
                )
            return _read_files(archive, infos, path.name)
    except RoiError:
        raise
    except _BROKEN:
        raise RoiError(
            f"The archive {path.name!r} is damaged; save it in ImageJ again."
        ) from None


def _read_files(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], archive_name: str
) -> tuple[tuple[RoiEntry, ...], tuple[str, ...]]:
    entries: list[RoiEntry] = []
    sentences: list[str] = []
    others: list[str] = []
    left = MAX_ARCHIVE_BYTES
    for index, info in enumerate(infos):
        file = PurePosixPath(info.filename)
        try:
            if not _is_roi(archive, info):
                others.append(info.filename)
                continue
            left -= min(info.file_size, MAX_ROI_BYTES)
            if left < 0:
                sentences.append(_too_much(archive_name, len(infos) - index))
                break
            data = _unpack(archive, info)
            entry, notes = decode_entry(data, file.stem, _short(file.name))
        except RoiError as error:
            sentences.append(str(error))
            continue
        entries.append(entry)
        sentences += notes
    if left < 0 and not entries:
        raise RoiError(sentences[-1])
    if others:
        sentences.insert(0, _no_rois(others, archive_name))
    return tuple(entries), at_most(sentences)


def _is_roi(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether a file is an ROI by its name or its first bytes."""
    file = PurePosixPath(info.filename)
    # macOS puts a file of its own beside each, with the same suffix.
    if "__MACOSX" in file.parts or file.name.startswith("._"):
        return False
    if file.suffix.lower() == ".roi":
        return True
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        return False
    return _unpack(archive, info, len(MAGIC)) == MAGIC


def _unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = MAX_ROI_BYTES + 1
) -> bytes:
    """Return the first bytes of a file.

    The size that the archive states may lie, so no more than the limit is unpacked.
    """
    name = _short(PurePosixPath(info.filename).name)
    if info.flag_bits & _ENCRYPTED:
        raise RoiError(f"{name!r} is locked with a password; save it without.")
    if info.compress_type not in _METHODS:
        raise RoiError(
            f"{name!r} is packed in a way that ImageJ does not know (method "
            f"{info.compress_type}); save it from ImageJ again."
        )
    try:
        with archive.open(info) as opened:
            data = opened.read(most)
    except _BROKEN:
        raise RoiError(
            f"{name!r} is damaged or locked and cannot be unpacked; save it again."
        ) from None
    if len(data) > MAX_ROI_BYTES:
        raise RoiError(f"{name!r} is too large for an ROI.")
    return data


def _too_much(archive_name: str, rest: int) -> str:
    return (
        f"{archive_name!r} unpacks to more than {MAX_ARCHIVE_BYTES / 1e6:g} MB; its "
        f"last {rest} files were not read."
    )


def _no_rois(names: list[str], archive_name: str) -> str:
    shown = ", ".join(repr(_short(name)) for name in names[:_NAMED_FILES])
    more = ", …" if len(names) > _NAMED_FILES else ""
    what = "file that is no ROI" if len(names) == 1 else "files that are no ROIs"
    return f"{archive_name!r} holds {len(names)} {what} ({shown}{more})."


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def at_most(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return at most 20 sentences, the last of which counts the others."""
    if len(sentences) <= _MOST_SENTENCES:
        return tuple(sentences)
    shown = sentences[: _MOST_SENTENCES - 1]
    return (*shown, f"So it is with {len(sentences) - len(shown)} more.")
