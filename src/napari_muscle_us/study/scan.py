"""Open a folder or DICOMDIR as a study."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.linking import link_key, make_salt
from napari_muscle_us.study.dicomdir import list_index
from napari_muscle_us.study.folder import list_folder
from napari_muscle_us.study.header import look_at
from napari_muscle_us.study.model import (
    Series,
    Skipped,
    Study,
    StudyItem,
    path_key,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us.study.folder import Candidate, Listing
    from napari_muscle_us.study.header import Found, Identity
    from napari_muscle_us.study.model import PathKey

_LAST: Final = float("inf")
_Entry = tuple["Candidate", "Found"]


def scan_study(
    folder_or_dicomdir: str | Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    salt: bytes | None = None,
) -> Study:
    """Return the images and clips of a folder or DICOMDIR as series, in order.

    Files are recognised by content, whatever their names, and of each only the header
    is read. Of a folder all files in it and below are looked at; of a DICOMDIR those
    that it names. Accepted are DICOM ultrasound (modality US or IVUS), screen captures
    that name no other modality, pictures (PNG, JPEG, BMP, TIFF) and videos; the rest
    is listed with the reason. Nothing that a single file holds is an error.

    Parameters
    ----------
    folder_or_dicomdir : str or Path
        Folder, or a DICOMDIR file. A damaged DICOMDIR opens its folder, with a
        warning.
    progress : callable, optional
        Called as ``progress(done, total)`` before the first and after each file.
    cancelled : callable, optional
        Asked before each file; when it returns True, what was found so far is
        returned with `is_complete` False.
    salt : bytes, optional
        Secret for the keys (`napari_muscle_us.io.linking`). By default a new random
        one, so that keys hold within this study only; give the same one to link the
        visits of a person.

    Returns
    -------
    Study
        A series never holds images of two patients or studies, by patient number,
        name, date of birth and UID. Pictures and videos form one series a folder.
        None of these identifiers is in it, but names of files are.

    Raises
    ------
    ImageReadError
        If the path is neither a folder nor a DICOMDIR, cannot be read, or holds more
        than 50,000 entries.

    Examples
    --------
    >>> scan_study("missing")
    Traceback (most recent call last):
        ...
    napari_muscle_us.errors.ImageReadError: 'missing' does not exist; check the path.
    """
    report = progress or (lambda done, total: None)
    stopped = cancelled or (lambda: False)
    listing = _list(Path(folder_or_dicomdir), stopped)
    found: list[_Entry] = []
    total = len(listing.candidates)
    report(0, total)
    for done, candidate in enumerate(listing.candidates, start=1):
        if stopped():
            listing.is_complete = False
            break
        outcome = look_at(candidate.path)
        if isinstance(outcome, str):
            listing.skip(candidate.name, outcome)
        else:
            found.append((candidate, outcome))
        report(done, total)
    return _assemble(listing, found, make_salt() if salt is None else salt)


def _list(path: Path, cancelled: Callable[[], bool]) -> Listing:
    try:
        # Absolute, so that the items stay valid when the current folder changes.
        path = path.absolute()
        if path.is_dir():
            return list_folder(path, cancelled=cancelled)
        if not path.exists():
            raise ImageReadError(f"{path.name!r} does not exist; check the path.")
        if not path.is_file():
            raise ImageReadError(
                f"{path.name!r} is neither a folder nor a DICOMDIR; open a folder."
            )
    except (OSError, ValueError) as error:
        if isinstance(error, ImageReadError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ImageReadError(
            f"{path.name[:64]!r} cannot be read ({reason}); check the path and its "
            "permissions."
        ) from None
    return _list_named(path, cancelled)


def _list_named(path: Path, cancelled: Callable[[], bool]) -> Listing:
    try:
        return list_index(path)
    except ImageReadError:
        if "DICOMDIR" not in path.name.upper():
            raise ImageReadError(
                f"{path.name!r} is no DICOMDIR; open the folder that it lies in."
            ) from None
    listing = list_folder(path.parent, cancelled=cancelled)
    listing.warnings.append(
        f"The index {printable(path.name)!r} cannot be read; all files of its folder "
        "were looked at instead."
    )
    return listing


def _assemble(listing: Listing, found: list[_Entry], salt: bytes) -> Study:
    dicom = [entry for entry in found if entry[1].identity is not None]
    pictures = [entry for entry in found if entry[1].identity is None]
    grouping = _Grouping(dicom, salt)
    return Study(
        folder=listing.root,
        series=(*grouping.series(), *_picture_series(pictures, listing.root)),
        skipped=tuple(sorted(listing.skipped, key=_by_name)),
        warnings=(*listing.warnings, *grouping.warnings()),
        is_complete=listing.is_complete,
    )


def _by_name(skipped: Skipped) -> PathKey:
    return path_key(skipped.name)


class _Grouping:
    """DICOM images by patient, study and series."""

    def __init__(self, entries: list[_Entry], salt: bytes) -> None:
        self._salt = salt
        self._groups: dict[tuple[str, str, str], list[_Entry]] = defaultdict(list)
        for candidate, found in entries:
            if found.identity is not None:
                key = _group_key(found.identity, candidate)
                self._groups[key].append((candidate, found))
        studies = {(patient, study) for patient, study, _ in self._groups}
        self._patients = {patient for patient, _ in studies}
        self._several = len(studies) > 1
        self._study_number = {
            study: number for number, study in enumerate(self._in_order(studies), 1)
        }

    def warnings(self) -> list[str]:
        """Return a caveat where images of several patients or studies lie together."""
        if len(self._patients) > 1:
            return [
                f"The images belong to {len(self._patients)} patients, or to studies "
                "that do not name theirs: their series are kept apart."
            ]
        if self._several:
            return [
                f"The images belong to {len(self._study_number)} studies of one "
                "patient: their series are kept apart."
            ]
        return []

    def series(self) -> list[Series]:
        """Return the series by patient, study and number."""
        keys = sorted(
            self._groups,
            key=lambda key: (
                self._study_number[key[:2]],
                _or_last(_first(self._groups[key]).number),
                path_key(self._groups[key][0][0].name),
            ),
        )
        return [self._series(key) for key in keys]

    def _in_order(self, studies: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the studies: patients by their first file, then by time."""
        names: dict[str, list[PathKey]] = defaultdict(list)
        started: dict[tuple[str, str], tuple[str, PathKey]] = {}
        for (patient, study, _), group in self._groups.items():
            name = path_key(group[0][0].name)
            names[patient].append(name)
            this = (_first(group).started, name)
            started[patient, study] = min(started.get((patient, study), this), this)
        first = {patient: min(these) for patient, these in names.items()}
        return sorted(studies, key=lambda study: (first[study[0]], started[study]))

    def _series(self, key: tuple[str, str, str]) -> Series:
        patient, study, _ = key
        group = self._groups[key]
        first = _first(group)
        items = tuple(found.item for _, found in sorted(group, key=_by_number))
        what = "Series without number" if first.number is None else ""
        label = what or f"Series {first.number}"
        if self._several:
            label = f"Study {self._study_number[key[:2]]}, {label.lower()}"
        kind = [first.modality] if first.modality else []
        return Series(
            label=f"{label} ({', '.join([*kind, *_counts(items)])})",
            items=items,
            number=first.number,
            modality=first.modality,
            key=link_key("series\0" + "\0".join(key), salt=self._salt),
            study_key=link_key(f"study\0{patient}\0{study}", salt=self._salt),
            patient_key=link_key(f"patient\0{patient}", salt=self._salt),
        )


def _group_key(identity: Identity, candidate: Candidate) -> tuple[str, str, str]:
    """Return patient, study and series; the folder where an identifier is missing."""
    folder = f"folder {candidate.path.parent}"
    study = identity.study or folder
    # Without a name or number, only images of one study are known to be of one person.
    return identity.patient or f"of {study}", study, identity.series or folder


def _first(group: list[_Entry]) -> Identity:
    identity = group[0][1].identity
    if identity is None:
        raise TypeError("a picture in a DICOM series")
    return identity


def _by_number(entry: _Entry) -> tuple[float, float, PathKey]:
    candidate, found = entry
    item = found.item
    return (
        _or_last(item.instance_number),
        _or_last(item.acquired_after_s),
        path_key(candidate.name),
    )


def _or_last(number: float | None) -> float:
    return _LAST if number is None else number


def _counts(items: tuple[StudyItem, ...]) -> list[str]:
    """Return how many images and clips there are, in words."""
    clips = sum(item.kind == "clip" for item in items)
    counts = ((len(items) - clips, "image"), (clips, "clip"))
    return [f"{n} {what}{'s' if n > 1 else ''}" for n, what in counts if n]


def _picture_series(entries: list[_Entry], root: Path) -> list[Series]:
    """Return one series for each folder that holds pictures or videos."""
    folders: dict[str, list[_Entry]] = defaultdict(list)
    for candidate, found in entries:
        folders[candidate.name.rpartition("/")[0]].append((candidate, found))
    series = []
    for folder in sorted(folders, key=path_key):
        group = sorted(folders[folder], key=_by_number)
        items = tuple(found.item for _, found in group)
        where = printable(folder or root.name)
        counts = ", ".join(_counts(items))
        series.append(Series(f"Pictures in {where} ({counts})", items))
    return series
