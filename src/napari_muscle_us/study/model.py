"""What a study is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["still", "clip"]
NaturalKey = tuple[tuple[str | int, ...], str]
PathKey = tuple[NaturalKey, ...]


@dataclass(frozen=True, slots=True)
class StudyItem:
    """One image or clip that can be opened.

    Parameters
    ----------
    path : Path
        The file, for `napari_muscle_us.read_image`.
    frames, rows, columns : int, optional
        Size by the header; ``None`` for a video, which tells it when it is opened.
    instance_number : int, optional
        Number within the series, by the scanner.
    acquired_after_s : float, optional
        Seconds from the start of the study to the acquisition.
    kind : {"still", "clip"}
        Whether there is a frame axis.
    """

    path: Path
    frames: int | None
    rows: int | None
    columns: int | None
    instance_number: int | None = None
    acquired_after_s: float | None = None
    kind: Kind = "still"


@dataclass(frozen=True, slots=True)
class Series:
    """Images that belong together, in order.

    Parameters
    ----------
    label : str
        For lists, as ``Series 3 (US, 12 images)``. Made from modality and numbers:
        the scanner's descriptions are free text, which may hold a name.
    items : tuple of StudyItem
        By instance number, then time of acquisition, then file name.
    number : int, optional
        SeriesNumber.
    modality : str, optional
        DICOM modality, as ``US``; ``None`` for pictures and videos.
    key, study_key, patient_key : str, optional
        One-way hashes of the identifiers; the same within a scan, or for the same
        salt. ``None`` where the files have no identifiers.
    """

    label: str
    items: tuple[StudyItem, ...]
    number: int | None = None
    modality: str | None = None
    key: str | None = None
    study_key: str | None = None
    patient_key: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not part of the study.

    Parameters
    ----------
    name : str
        Path within the folder, with slashes; unprintable characters are replaced.
    reason : str
        Why, in a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Study:
    """What was found in a folder or DICOMDIR.

    Parameters
    ----------
    folder : Path
        The folder that was looked at.
    series : tuple of Series
        DICOM series by patient, study and series number; then folders of pictures.
    skipped : tuple of Skipped
        Everything else, in the order of the names.
    warnings : tuple of str
        Caveats, a sentence each.
    is_complete : bool
        False when the search was cancelled.
    """

    folder: Path
    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def items(self) -> tuple[StudyItem, ...]:
        """All images and clips, series after series."""
        return tuple(item for series in self.series for item in series.items)


def natural_key(name: str) -> NaturalKey:
    """Return a sort key by which ``img_2`` comes before ``img_10``.

    Examples
    --------
    >>> sorted(["img_10", "img_2", "IMG_1"], key=natural_key)
    ['IMG_1', 'img_2', 'img_10']
    """
    # Text and numbers alternate, so only like is compared with like.
    parts = re.split(r"([0-9]{1,300})", name.casefold())
    return tuple(int(p) if i % 2 else p for i, p in enumerate(parts)), name


def path_key(name: str) -> PathKey:
    """Return a natural sort key of a relative path with slashes, folder by folder.

    Examples
    --------
    >>> sorted(["b/1", "a10/1", "a2/9"], key=path_key)
    ['a2/9', 'a10/1', 'b/1']
    """
    return tuple(natural_key(part) for part in name.split("/"))


def printable(name: str) -> str:
    """Return a name for a list: one line, any unprintable character replaced."""
    return "".join(c if c.isprintable() else "�" for c in name)
