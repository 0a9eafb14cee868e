"""The index of a DICOM medium (DICOMDIR): which files it names."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io._pydicom import dicom_guard
from napari_muscle_us.io.dicom_elements import integer_of, items_of, text_of, texts_of
from napari_muscle_us.study.folder import (
    MAX_DEPTH,
    MAX_ENTRIES,
    Candidate,
    Listing,
    open_regular,
)
from napari_muscle_us.study.header import DIRECTORY_CLASS, HeaderReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset

MAX_INDEX_BYTES: Final = 32_000_000
MAX_RECORDS: Final = 100_000
"""Records of patients, studies, series and images together."""

_MAX_READS: Final = 2_000_000
_ITEMS: Final = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_INACTIVE: Final = 0


def list_index(path: Path) -> Listing:
    """Return the files that a DICOMDIR names, in the order of their names.

    A name is looked up without regard to case, since media differ; it never leads out
    of the folder. What is named and not there is listed as skipped.

    Parameters
    ----------
    path : Path
        The DICOMDIR.

    Raises
    ------
    ImageReadError
        If it is no DICOMDIR, damaged, or names more than 50,000 files.

    References
    ----------
    DICOM PS3.3 F.3 (Basic Directory), PS3.10 8.2 (File IDs).
    """
    listing = Listing(path.parent)
    lookup = _Lookup(path.parent)
    done: set[str] = set()
    with dicom_guard(path.name):
        for parts in _references(_read_index(path)):
            name = "/".join(parts)
            if name in done:
                continue
            done.add(name)
            if len(done) > MAX_ENTRIES:
                raise ImageReadError(
                    f"{path.name!r} names more than {MAX_ENTRIES} files; open the "
                    "folder of one study."
                )
            _place(name, parts, lookup, listing)
    if not listing.candidates:
        listing.warnings.append(
            f"None of the {len(done)} files that the index names is there; open the "
            "folder itself."
            if done
            else "The index names no files; open the folder itself."
        )
    return listing


def _read_index(path: Path) -> Dataset:
    from pydicom import dcmread
    from pydicom.dataelem import RawDataElement

    with open_regular(path) as file:
        content = file.read(MAX_INDEX_BYTES + 1)
    if len(content) > MAX_INDEX_BYTES:
        raise ValueError("too large")
    # Each item, even an empty one, takes a kilobyte once it is parsed.
    if sum(content.count(item) for item in _ITEMS) > MAX_RECORDS:
        raise ValueError("too many records")
    reader: Any = HeaderReader(
        io.BytesIO(content), max_bytes=2 * MAX_INDEX_BYTES, max_reads=_MAX_READS
    )
    dataset = dcmread(reader, specific_tags=["DirectoryRecordSequence"])
    if (
        text_of(dataset.file_meta, "MediaStorageSOPClassUID") != DIRECTORY_CLASS
        or "DirectoryRecordSequence" not in dataset
    ):
        raise ValueError("no index")
    raw = dataset.get_item("DirectoryRecordSequence")
    # pydicom takes what is left of a sequence that is cut short.
    if isinstance(raw, RawDataElement) and len(raw.value or b"") < raw.length:
        raise EOFError("cut short")
    # Converted here, where an error is an error and not a missing element.
    _ = dataset.DirectoryRecordSequence
    return dataset


def _references(dataset: Dataset) -> Iterator[tuple[str, ...]]:
    """Yield the file names in the records that are in use, part by part."""
    for record in items_of(dataset, "DirectoryRecordSequence"):
        if integer_of(record, "RecordInUseFlag") == _INACTIVE:
            continue
        parts = texts_of(record, "ReferencedFileID")
        if any(parts):
            # Some writers put a whole path into one part.
            yield tuple(piece for part in parts for piece in part.split("/"))


def _place(
    name: str, parts: tuple[str, ...], lookup: _Lookup, listing: Listing
) -> None:
    if len(parts) > MAX_DEPTH or not all(_is_plain(part) for part in parts):
        listing.skip(name, "The index names it outside the folder.")
        return
    path = lookup.find(parts)
    if path is None:
        listing.skip(name, "The index names it, but it is not there.")
        return
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        listing.skip(name, "It is a link that leads nowhere.")
        return
    if not target.is_relative_to(lookup.root):
        listing.skip(name, "It is a link that leads out of the folder.")
    elif not path.is_file():
        listing.skip(name, "The index names it, but it is no file.")
    else:
        listing.candidates.append(Candidate(path, name))


def _is_plain(part: str) -> bool:
    """Whether a part is a name and nothing more: no parent, drive or other path."""
    return part.strip(". ") != "" and not any(c in part for c in "/\\:\0")


class _Lookup:
    """Finds files by names that differ in case, as the media's file systems do."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve()
        self._folder = folder
        self._names: dict[Path, dict[str, str | None]] = {}

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """Return the path of a file, ``None`` where there is none or it is unclear."""
        path = self._folder
        for part in parts:
            if not os.path.lexists(path / part):
                other = self._listed(path).get(part.casefold())
                if other is None:
                    return None
                part = other
            path = path / part
        return path

    def _listed(self, folder: Path) -> dict[str, str | None]:
        """Return the names in a folder by how they read without case and version."""
        if folder not in self._names:
            names: dict[str, str | None] = {}
            try:
                for count, name in enumerate(os.listdir(folder)):
                    if count >= MAX_ENTRIES:
                        break
                    # ISO 9660 puts ";1" behind names.
                    key = name.casefold().removesuffix(";1").rstrip(".")
                    names[key] = None if key in names else name
            except OSError:
                names = {}
            self._names[folder] = names
        return self._names[folder]
