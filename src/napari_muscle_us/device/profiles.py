"""What the user tells once of a scanner, remembered for its next images.

Many files do not tell the gain, the preset or the size of a pixel. A profile holds what
the user added for one scanner; serial number, station and institution have no place in
it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from napari_muscle_us.device._profile import DepthSpacing as DepthSpacing
from napari_muscle_us.device._profile import ProfileError as ProfileError
from napari_muscle_us.device._profile import ScannerProfile as ScannerProfile
from napari_muscle_us.device._profile import dump_profiles, is_newer, parse_profiles
from napari_muscle_us.image import Device
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.user_folder import user_data_folder

MAX_BYTES: Final = 1_000_000
MAX_BROKEN: Final = 1000

_FILE_NAME: Final = "scanner-profiles.json"
# Two threads that save at once must not lose each other's profile.
_LOCK: Final = threading.Lock()


class ProfileStore:
    """Scanner profiles in a JSON file.

    The file is read anew before every change, and replaced whole. A file that is not
    valid is set aside as ``….broken-1`` and so on, never overwritten.

    Parameters
    ----------
    path : str or Path
        The file; it need not exist (see `default_profile_path`).

    Notes
    -----
    Two programs that save within the same few milliseconds can still lose one of the
    two changes, not the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Final = Path(path)
        self._notice = ""

    @property
    def notice(self) -> str:
        """What the last reading has to tell the user; empty when all was well."""
        return self._notice

    def read(self) -> tuple[ScannerProfile, ...]:
        """Return the profiles, in the order in which they were added.

        Returns
        -------
        tuple of ScannerProfile
            Empty when there is no file yet, or it was set aside; then `notice` tells.

        Raises
        ------
        ProfileError
            If the file cannot be read or set aside, or a newer version wrote it.
        """
        self._notice = ""
        content = self._content()
        if content is None:
            return ()
        try:
            if len(content) > MAX_BYTES:
                raise ProfileError(f"it has more than {MAX_BYTES} bytes")
            return parse_profiles(content)
        except ProfileError as error:
            if is_newer(content[: MAX_BYTES + 1]):
                raise ProfileError(
                    f"{self.path.name!r} was written by a newer version of this "
                    "program; update it, or choose another file."
                ) from None
            aside = self._set_aside()
            self._notice = (
                f"The scanner profiles were not valid ({error}); the file is kept as "
                f"{aside.name!r}, and profiles start anew."
            )
            return ()

    def save(self, profile: ScannerProfile) -> None:
        """Add a profile, or replace the one of the same name.

        Raises
        ------
        ProfileError
            If there are too many, or the file cannot be read.
        ResultsError
            If the folder cannot be written to.
        """
        with _LOCK:
            profiles = list(self.read())
            names = [known.name.casefold() for known in profiles]
            if profile.name.casefold() in names:
                profiles[names.index(profile.name.casefold())] = profile
            else:
                profiles.append(profile)
            self._write(profiles)

    def remove(self, name: str) -> bool:
        """Remove the profile of a name; return whether there was one.

        Raises
        ------
        ProfileError, ResultsError
            As `save`.
        """
        with _LOCK:
            profiles = self.read()
            kept = [p for p in profiles if p.name.casefold() != name.casefold()]
            if len(kept) < len(profiles):
                self._write(kept)
            return len(kept) < len(profiles)

    def match(self, device: Device) -> ScannerProfile | None:
        """Return the profile of an image's scanner.

        Manufacturer and model must be told and the same, whatever their case.
        Transducer, software and preset must not contradict; the profile with most of
        them in common is it.

        Parameters
        ----------
        device : Device
            As the file tells.

        Returns
        -------
        ScannerProfile or None
            ``None`` also when two profiles fit alike: then the user chooses.

        Raises
        ------
        ProfileError
            As `read`.
        """
        scored = [(_agreement(p.device, device), p) for p in self.read()]
        best = max((score for score, _ in scored), default=-1)
        fitting = [profile for score, profile in scored if score == best]
        return fitting[0] if best >= 0 and len(fitting) == 1 else None

    def _content(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._unusable("read", error) from None

    def _write(self, profiles: list[ScannerProfile]) -> None:
        text = dump_profiles(profiles)
        if len(text.encode()) > MAX_BYTES:
            raise ProfileError(
                f"The profiles would take more than {MAX_BYTES} bytes; shorten the "
                "notes or remove profiles."
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable("written", error) from None
        with atomic_path(self.path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _set_aside(self) -> Path:
        """Rename the file to a name that is free, and return that."""
        try:
            for number in range(1, MAX_BROKEN + 1):
                aside = self.path.with_name(f"{self.path.name}.broken-{number}")
                # The name is taken first: a rename would replace what is there.
                if _taken(aside):
                    continue
                _move(self.path, aside)
                return aside
        except OSError as error:
            raise self._unusable("set aside", error) from None
        raise ProfileError(
            f"{self.path.name!r} is not valid and {MAX_BROKEN} broken ones lie beside "
            "it; remove them."
        )

    def _unusable(self, done: str, error: Exception) -> ProfileError:
        reason = getattr(error, "strerror", None) or "not a valid path"
        return ProfileError(
            f"The scanner profiles {self.path.name!r} in {str(self.path.parent)!r} "
            f"cannot be {done} ({reason}); choose a folder that is yours to write."
        )


def complete(device: Device, profile: ScannerProfile) -> Device:
    """Return a device with what its file does not tell taken from a profile.

    What the file tells always stays.

    Parameters
    ----------
    device : Device
        As the file tells.
    profile : ScannerProfile
        Of the same scanner.

    Returns
    -------
    Device
        Fields that neither tells stay ``None``.

    Raises
    ------
    ProfileError
        If the file names another manufacturer, model, transducer, software or preset:
        then the settings of the profile do not belong to the image.

    Examples
    --------
    >>> profile = ScannerProfile("lab", Device("Esaote", "6100", gain_db=60.0))
    >>> complete(Device("ESAOTE", "6100", depth_mm=40.0), profile).gain_db
    60.0
    """
    for name in (*_IDENTITY, *_DISTINCT):
        told, known = getattr(device, name), getattr(profile.device, name)
        if told and known and not _same(told, known):
            raise ProfileError(
                f"The profile {profile.name!r} is for the {name} {known!r}, the file "
                f"tells {told!r}; choose another profile."
            )
    missing = {
        f.name: getattr(profile.device, f.name)
        for f in fields(Device)
        if getattr(device, f.name) is None
    }
    return replace(device, **missing)


def default_profile_path() -> Path:
    """Return where the profiles of this user are kept; nothing is created.

    ``%APPDATA%`` on Windows, ``~/Library/Application Support`` on macOS,
    ``$XDG_DATA_HOME`` or ``~/.local/share`` elsewhere.

    Raises
    ------
    MuscleUSError
        If the user has no home folder.
    """
    return user_data_folder() / _FILE_NAME


_IDENTITY: Final = ("manufacturer", "model")
_DISTINCT: Final = ("transducer", "software", "preset")


def _taken(path: Path) -> bool:
    """Take a free name by an empty file; return whether it was not free."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return True
    return False


def _move(path: Path, taken: Path) -> None:
    try:
        os.replace(path, taken)
    except OSError:
        taken.unlink(missing_ok=True)
        raise


def _agreement(known: Device, device: Device) -> int:
    """Return how many distinctive fields agree, −1 when it is another scanner."""
    for name in _IDENTITY:
        if not _same(getattr(known, name), getattr(device, name)):
            return -1
    both = [
        (getattr(known, name), getattr(device, name))
        for name in _DISTINCT
        if getattr(known, name) and getattr(device, name)
    ]
    if not all(_same(a, b) for a, b in both):
        return -1
    return len(both)


def _same(one: str | None, other: str | None) -> bool:
    if not one or not other:
        return False
    return one.strip().casefold() == other.strip().casefold()
