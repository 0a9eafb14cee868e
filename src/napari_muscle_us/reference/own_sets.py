"""Where a user keeps reference sets of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.user_folder import user_data_folder

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "references"


def references_folder() -> Path:
    """Return the user's folder of reference sets, uncreated.

    Raises
    ------
    MuscleUSError
        If the user has no home folder.
    """
    return user_data_folder() / _FOLDER


def user_references() -> tuple[Path, ...]:
    """Return the files of the user's own reference sets, by name, without reading them.

    Returns
    -------
    tuple of Path
        Empty where there is no such folder. Whether a file is a valid set is told by
        `napari_muscle_us.load_reference`.

    Raises
    ------
    MuscleUSError
        If the user has no home folder.
    """
    folder = references_folder()
    try:
        files = [path.absolute() for path in folder.glob("*.json") if path.is_file()]
    except OSError:
        # A folder that cannot be listed holds no set to choose from.
        return ()
    return tuple(sorted(files))
