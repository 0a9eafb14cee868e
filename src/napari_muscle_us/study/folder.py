"""The files of a folder, whatever it holds: links, loops, pipes, locked folders."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.study.model import Skipped, path_key, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_DEPTH: Final = 16
MAX_ENTRIES: Final = 50_000

_AUTOSAVE: Final = ".rois.json"
_SPECIAL: Final = "It is no file but a device, pipe or socket."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A regular file to look at: where it is and its name within the folder."""

    path: Path
    name: str


@dataclass(slots=True)
class Listing:
    """Files to look at, and what was left out."""

    root: Path
    candidates: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_complete: bool = True

    def skip(self, name: str, reason: str) -> None:
        """Note what is left out."""
        self.skipped.append(Skipped(printable(name), reason))


def list_folder(folder: Path, *, cancelled: Callable[[], bool]) -> Listing:
    """Return the regular files in a folder and its subfolders.

    Hidden folders are left out, links to folders are not followed, and links to
    files only within the folder. Nothing is opened.

    Raises
    ------
    ImageReadError
        If the folder cannot be read, or holds more than 50,000 entries.
    """
    walk = _Walk(folder)
    walk.run(cancelled)
    return walk.listing


class _Walk:
    """One walk through a folder."""

    def __init__(self, folder: Path) -> None:
        self.listing = Listing(folder)
        self._pending: list[tuple[Path, str, int]] = [(folder, "", 0)]
        self._links: list[tuple[str, Path]] = []
        self._seen: set[tuple[int, int]] = set()
        self._entries = 0

    def run(self, cancelled: Callable[[], bool]) -> None:
        """Fill the listing."""
        while self._pending:
            if cancelled():
                self.listing.is_complete = False
                break
            folder, prefix, depth = self._pending.pop()
            for name in self._names(folder, prefix):
                self._sort(folder / name, prefix + name, depth)
        root = self.listing.root.resolve()
        # Last, when all files are known that are there without a link.
        for name, path in sorted(self._links, key=lambda link: path_key(link[0])):
            self._follow(name, path, root)
        self.listing.candidates.sort(key=lambda candidate: path_key(candidate.name))

    def _names(self, folder: Path, prefix: str) -> list[str]:
        names: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    names.append(entry.name)
                    self._entries += 1
                    if self._entries > MAX_ENTRIES:
                        raise _too_many(self.listing.root)
        except OSError as error:
            reason = error.strerror or "unknown reason"
            if not prefix:
                raise ImageReadError(
                    f"The folder {folder.name!r} cannot be read ({reason}); check its "
                    "permissions."
                ) from None
            self.listing.skip(prefix, f"The folder cannot be read ({reason}).")
        return names

    def _sort(self, path: Path, name: str, depth: int) -> None:
        """Put an entry where it belongs: to look at, to descend into, or aside."""
        skip = self.listing.skip
        try:
            info = os.lstat(path)
        except OSError as error:
            skip(name, f"It cannot be read ({error.strerror or 'unknown reason'}).")
            return
        if stat.S_ISLNK(info.st_mode) or _is_junction(path):
            self._links.append((name, path))
        elif stat.S_ISREG(info.st_mode):
            # What was drawn on an image lies beside it, and is none.
            if _AUTOSAVE not in path.name:
                self._take(name, path, info)
        elif not stat.S_ISDIR(info.st_mode):
            skip(name, _SPECIAL)
        elif path.name.startswith("."):
            skip(name + "/", "Hidden folders are not searched.")
        elif depth >= MAX_DEPTH:
            skip(name + "/", f"Folders below {MAX_DEPTH} others are not searched.")
        else:
            self._pending.append((path, name + "/", depth + 1))

    def _take(self, name: str, path: Path, info: os.stat_result) -> None:
        self._seen.add((info.st_dev, info.st_ino))
        self.listing.candidates.append(Candidate(path, name))

    def _follow(self, name: str, path: Path, root: Path) -> None:
        """Take the file behind a link if it lies in the folder and is not there yet."""
        skip = self.listing.skip
        try:
            target = path.resolve(strict=True)
            info = target.stat()
        except (OSError, RuntimeError, ValueError):
            skip(name, "It is a link that leads nowhere.")
            return
        if not target.is_relative_to(root):
            skip(name, "It is a link that leads out of the folder.")
        elif stat.S_ISDIR(info.st_mode):
            skip(name, "Links to folders are not followed.")
        elif not stat.S_ISREG(info.st_mode):
            skip(name, _SPECIAL)
        elif (info.st_dev, info.st_ino) in self._seen:
            skip(name, "It is a link to a file that is listed already.")
        else:
            self._take(name, path, info)


def _too_many(folder: Path) -> ImageReadError:
    return ImageReadError(
        f"{folder.name!r} holds more than {MAX_ENTRIES} files and folders; open the "
        "subfolder of one study."
    )


def _is_junction(path: Path) -> bool:
    """Whether a folder is a junction of Windows, which is a link in all but name."""
    check = getattr(os.path, "isjunction", None)
    return bool(check is not None and check(path))


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file that may have been exchanged since it was listed.

    Raises
    ------
    OSError
        If it cannot be opened, or is no regular file any more.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "no regular file any more")
        yield file


def _without_waiting(path: str, flags: int) -> int:
    # Opening a pipe waits for its other end. Windows has no such flag, and no need.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
