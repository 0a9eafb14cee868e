"""Where an autosave lies, and how it is written and read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io._autosave_files import (
    BESIDE_SUFFIX,
    PRIVATE_SUFFIX,
    read_bytes,
    replace_file,
)
from napari_muscle_us.io._autosave_format import (
    AutosaveDamagedError,
    AutosaveNewerError,
    Fragments,
    decode_autosave,
    encode_autosave,
)
from napari_muscle_us.user_folder import user_data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from napari_muscle_us.io._autosave_format import (
        AutosaveFile,
        ImageFacts,
        RoiSet,
    )

MAX_NAME_BYTES: Final = 255

_FOLDER: Final = "autosave"
_UNNAMED: Final = "ROIs"


def autosave_path(image_path: str | Path | None, image_key: str) -> Path:
    """Return where the regions of an image are autosaved; nothing is created.

    Parameters
    ----------
    image_path : str or Path or None
        File of the image; ``None`` for a sample or a layer of another plugin.
    image_key : str
        `napari_muscle_us.UltrasoundImage.key`.

    Returns
    -------
    Path
        Beside the file, as ``<file name>.rois.json``. In the user's folder, under a
        hash of the key, when there is no file, its folder is known not to be writable,
        or the name would be too long. Writing may still find that it cannot.

    Raises
    ------
    MuscleUSError
        If the user's folder is needed and there is none.
    """
    path = None if image_path is None else Path(image_path).absolute()
    if path is not None and _has_room(path) and os.access(path.parent, os.W_OK):
        return path.with_name(path.name + BESIDE_SUFFIX)
    return private_path(image_key)


def _has_room(path: Path) -> bool:
    """Whether a file has a folder and a name that a suffix can be added to."""
    try:
        length = len(os.fsencode(path.name + BESIDE_SUFFIX))
        possible = bool(path.name) and "\0" not in path.name
        return possible and length <= MAX_NAME_BYTES and path.parent.is_dir()
    except (OSError, ValueError):
        return False  # No drive, or no possible name.


def private_path(image_key: str) -> Path:
    """Return where regions are autosaved apart from the image; nothing is created.

    The name is a hash, since that of the file may be the patient's.

    Raises
    ------
    MuscleUSError
        If the user has no folder.
    """
    digest = hashlib.sha256(image_key.encode("utf-8", "surrogatepass")).hexdigest()
    return user_data_folder() / _FOLDER / (digest + PRIVATE_SUFFIX)


def write_autosave(
    path: Path,
    sets: Sequence[RoiSet],
    image: ImageFacts,
    *,
    saved_at: datetime | None = None,
    fragments: Fragments | None = None,
) -> Path:
    """Write an autosave whole, over one that is there, and return where it is.

    `AutosaveSlot` also looks whether another program has written there.

    Parameters
    ----------
    path : Path
        From `autosave_path`.
    sets : sequence of RoiSet
        The regions, a set a layer.
    image : ImageFacts
        The image. Its name is only written beside it.
    saved_at : datetime, optional
        Aware of its zone; now by default.
    fragments : Fragments, optional
        As for `encode_autosave`.

    Returns
    -------
    Path
        `path`, or that in the user's folder when it could not be written.

    Raises
    ------
    ResultsError
        If neither can be written to, or the regions are too many.
    RoiError
        If a region cannot be kept.
    """
    content = content_for(path, sets, image, saved_at=saved_at, fragments=fragments)
    try:
        make_private_folder(path)
        replace_file(path, content)
    except OSError as error:
        apart = private_path(image.key)
        if path == apart:
            raise unwritable(path, error) from None
        return write_autosave(
            apart, sets, image, saved_at=saved_at, fragments=fragments
        )
    return path


def read_autosave(path: Path, *, verify: bool = True) -> AutosaveFile:
    """Return what an autosave holds; the file is left as it is.

    Parameters
    ----------
    path : Path
        The file.
    verify : bool, default: True
        Whether the checksum must be right. Without it, a file that was set aside
        because someone had edited it can be read.

    Returns
    -------
    AutosaveFile
        Regions that are not valid are left out; `problems` tells.

    Raises
    ------
    AutosaveDamagedError
        If it is no autosave, or not as it was written (see `set_aside`).
    AutosaveNewerError
        If a later version of this program wrote it.
    ResultsError
        If there is none, or it cannot be read.
    """
    path = Path(path)
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ResultsError(unreadable(path, error)) from None
    if content is None:
        raise ResultsError(f"There is no autosave {path.name!r}; check the path.")
    try:
        return decode_autosave(content, verify=verify)
    except (AutosaveDamagedError, AutosaveNewerError) as error:
        raise type(error)(
            f"The autosave {path.name!r} cannot be used ({error})."
        ) from None


def content_for(
    path: Path,
    sets: Sequence[RoiSet],
    image: ImageFacts,
    *,
    saved_at: datetime | None = None,
    fragments: Fragments | None = None,
) -> bytes:
    """Return the content of an autosave that is written to a place.

    Apart from the image neither its name is told, nor the title of a layer that holds
    it: the file name may be the patient's.

    Raises
    ------
    ResultsError, RoiError
        As `encode_autosave`.
    """
    if not path.name.endswith(BESIDE_SUFFIX):
        stem = Path(image.name).stem.casefold() or "/"
        sets = [
            replace(one, name=_UNNAMED) if stem in one.name.casefold() else one
            for one in sets
        ]
        image = image.without_name()
    return encode_autosave(sets, image, saved_at=saved_at, fragments=fragments)


def make_private_folder(path: Path) -> None:
    """Create the user's folder if a path lies in it; others must exist.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    if not path.name.endswith(BESIDE_SUFFIX):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def unwritable(path: Path, error: OSError) -> ResultsError:
    """Return the error that tells that nothing could be autosaved."""
    return ResultsError(
        f"The ROIs could not be autosaved to the folder {str(path.parent)!r} "
        f"({error.strerror or type(error).__name__}); save them as an ROI file."
    )


def unreadable(path: Path, error: OSError) -> str:
    """Return the sentence that an autosave cannot be read."""
    reason = error.strerror or type(error).__name__
    return (
        f"The autosave {path.name!r} cannot be read ({reason}); check its permissions "
        "and that its drive is there."
    )
