"""Where a program keeps what belongs to one user of a computer."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = "napari-muscle-us"


def user_data_folder() -> Path:
    """Return the folder of this program in the user's data folder, uncreated.

    Raises
    ------
    MuscleUSError
        If the user has no home folder.
    """
    try:
        home = Path.home()
    except RuntimeError:
        raise MuscleUSError(
            "There is no home folder to keep settings in; set HOME to one of yours."
        ) from None
    return data_folder(sys.platform, home=home, environment=os.environ) / _FOLDER


def data_folder(platform: str, *, home: Path, environment: Mapping[str, str]) -> Path:
    """Return a user's data folder by the custom of a platform.

    Parameters
    ----------
    platform : str
        As `sys.platform`.
    home : Path
        The user's home folder.
    environment : mapping of str to str
        Environment variables.

    Returns
    -------
    Path
        ``%APPDATA%`` on Windows, ``~/Library/Application Support`` on macOS,
        ``$XDG_DATA_HOME`` or ``~/.local/share`` elsewhere.
    """
    if platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    told = environment.get("XDG_DATA_HOME", "")
    # The XDG specification has relative paths ignored.
    return Path(told) if Path(told).is_absolute() else home / ".local" / "share"
