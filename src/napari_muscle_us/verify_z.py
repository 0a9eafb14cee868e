"""The set, person and conversion of a Z-score's row, found again to recompute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.reference.conversion.conversion_file import find_conversion
from napari_muscle_us.reference.load import (
    builtin_references,
    load_reference,
    reference_sha256,
)
from napari_muscle_us.reference.own_sets import user_references
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.z_request import ZScoreRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_muscle_us.reference.model import ReferenceSet

EARLIER_FILES: Final = {
    # Version 1 of the format. The set was written anew in version 2 without a change
    # of any coefficient, covariance, variance or degree of freedom, so a row of the
    # earlier file has the same Z-score.
    "3941224c2974c3c7fc101d862d593959c5b8cf8f69b345536fb8811e37400adf": (
        "radboud-esaote-6100-adult"
    ),
}
"""Built-in sets by the SHA-256 of earlier files with the same numbers."""

_WORDS: Final = ("sex", "handedness")


def find_reference(name: str, sha256: object, folder: Path) -> str | Path:
    """Return the reference set of that name and hash, built in or in the folder.

    Parameters
    ----------
    name : str
        Name of a built-in set, or of a file without its folder.
    sha256 : object
        What the row tells; that of an earlier file of a built-in set stands for it.
    folder : Path
        Folder to look in, with its subfolders; then the user's folder of sets.

    Returns
    -------
    str or Path
        Name or file of the set.

    Raises
    ------
    ResultsError
        If there is no such set, or only another one of the name.
    """
    if isinstance(sha256, str) and EARLIER_FILES.get(sha256) == name:
        return name
    candidates: list[str | Path] = [name] if name in builtin_references() else []
    candidates += [p for p in sorted(folder.rglob("*.json")) if p.name == name]
    candidates += [p for p in user_references() if p.name == name]
    for candidate in candidates:
        if reference_sha256(candidate) == sha256:
            return candidate
    raise ResultsError(
        f"the reference set {name!r} that was used is not in the folder"
        if not candidates
        else f"the reference set {name!r} is not the one that was used"
    )


def reference_of(method: Mapping[str, Any], folder: Path) -> ReferenceSet:
    """Return the reference set that the method of a row names.

    Raises
    ------
    ResultsError
        If it is not found.
    """
    name, sha256 = str(method.get("reference", "")), method.get("reference_sha256")
    return load_reference(find_reference(name, sha256, folder))


def request_of(method: Mapping[str, Any], folder: Path) -> ZScoreRequest:
    """Return what the Z-score of a row was asked for.

    Parameters
    ----------
    method : mapping
        Of the row, as `napari_muscle_us.z_request.request_method` made it. Rows of
        earlier versions have neither handedness nor conversion.
    folder : Path
        Folder where sets and conversions are looked for.

    Returns
    -------
    ZScoreRequest
        Which notes a problem instead of raising it, as a row does.

    Raises
    ------
    ResultsError
        If the set or conversion is not found, or the person is not usable.
    ReferenceSetError
        If the person is not possible.
    """
    reference = find_reference(
        str(method["reference"]), method.get("reference_sha256"), folder
    )
    conversion = None
    if method.get("conversion") is not None:
        conversion = find_conversion(
            str(method["conversion"]), method.get("conversion_sha256"), folder
        )
    for word in _WORDS:
        if not isinstance(method.get(word), str | None):
            raise ResultsError(f"the {word} in the method of the Z-score is no word")
    try:
        return ZScoreRequest(
            reference,
            Subject(
                method.get("age_years"),
                method.get("sex"),
                method.get("height_cm"),
                method.get("weight_kg"),
                method.get("handedness"),
            ),
            accept_device=method.get("accept_device") is True,
            note_problems=True,
            conversion=conversion,
        )
    except TypeError:
        raise ResultsError("the method of the Z-score is incomplete") from None
