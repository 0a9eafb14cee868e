"""Files that are whole or not there, and that no other program's work is lost in."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io._autosave_format import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BESIDE_SUFFIX: Final = ".rois.json"
PRIVATE_SUFFIX: Final = ".json"
MAX_NUMBER: Final = 99
MAX_ASIDE: Final = 1000

_LEFTOVER: Final = re.compile(r"\.rois-[0-9a-f]{16}\.part")
_LEFTOVER_AGE_S: Final = 600
# On Windows, a virus scanner or an index that has the file open bars its replacement.
_WAITS_S = (0.02, 0.05, 0.1) if os.name == "nt" else ()


def read_bytes(path: Path) -> bytes | None:
    """Return the content of a file, at most one byte more than an autosave may have.

    Returns
    -------
    bytes or None
        ``None`` when there is no such file.

    Raises
    ------
    OSError
        If there is one that cannot be read, or it is no regular file.
    """
    try:
        # A pipe would keep whoever opens it waiting.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None


def replace_file(path: Path, content: bytes) -> None:
    """Write a file anew; a program that is killed leaves the old or the new one.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    with _written(path, content) as temporary:
        for wait in _WAITS_S:
            try:
                os.replace(temporary, path)
            except PermissionError:
                time.sleep(wait)
            else:
                return
        os.replace(temporary, path)


def create_file(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet; return whether that was so.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    if os.path.lexists(path):
        return False
    with _written(path, content) as temporary:
        try:
            # Unlike a rename, a link never replaces a file made in the meantime.
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # A drive without hard links (FAT).
            if os.path.lexists(path):
                return False
            os.rename(temporary, path)
        return True


def create_numbered(base: Path, content: bytes) -> Path:
    """Write a further autosave under the first number that is free.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    ResultsError
        If there are too many.
    """
    for number in range(2, MAX_NUMBER + 1):
        path = numbered(base, number)
        if create_file(path, content):
            return path
    raise ResultsError(
        f"{MAX_NUMBER} autosaves lie beside {base.name!r}, so the ROIs are not "
        "autosaved; move those that are not needed elsewhere."
    )


@contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """Give a temporary file with the content, beside a path; it is gone afterwards."""
    temporary = path.with_name(f".rois-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        # What stays is swept away when the image is opened again.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def set_aside(path: Path, mark: str = "damaged") -> Path:
    """Rename a file to ``<name>.<mark>-1``, or the next number that is free.

    Parameters
    ----------
    path : Path
        The file; its content is not touched.
    mark : str, default: "damaged"
        Why, in a word.

    Returns
    -------
    Path
        The new name. Nothing that was there is overwritten.

    Raises
    ------
    ResultsError
        If the folder cannot be written to, or a thousand lie there.
    """
    try:
        for number in range(1, MAX_ASIDE + 1):
            aside = path.with_name(f"{path.name}.{mark}-{number}")
            try:
                # The name is taken first: a rename would replace what is there.
                aside.touch(exist_ok=False)
            except FileExistsError:
                continue
            try:
                os.replace(path, aside)
            except OSError:
                aside.unlink(missing_ok=True)
                raise
            return aside
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ResultsError(
            f"{path.name!r} cannot be set aside ({reason}), so it stays as it is; move "
            "it elsewhere."
        ) from None
    raise ResultsError(
        f"{MAX_ASIDE} files set aside lie beside {path.name!r}, so it stays as it is; "
        "move them elsewhere."
    )


def numbered(base: Path, number: int) -> Path:
    """Return the name of a further autosave of the same image.

    Examples
    --------
    >>> from pathlib import Path
    >>> numbered(Path("scan.dcm.rois.json"), 2).name
    'scan.dcm-2.rois.json'
    """
    stem, suffix = _parts(base)
    return base.with_name(f"{stem}-{number}{suffix}")


def family(base: Path) -> list[Path]:
    """Return the autosaves under a name and its numbers that are there, in order.

    What a killed program left half-written in the folder is removed on the way.
    """
    stem, suffix = _parts(base)
    # Drives of Windows and macOS do not tell upper case from lower.
    pattern = re.compile(
        rf"{re.escape(stem)}(?:-(\d{{1,2}}))?{re.escape(suffix)}", re.IGNORECASE
    )
    found: list[tuple[int, Path]] = []
    try:
        with os.scandir(base.parent) as entries:
            for entry in entries:
                if match := pattern.fullmatch(entry.name):
                    number = int(match[1] or 1)
                    found.append((number, base.with_name(entry.name)))
                elif _LEFTOVER.fullmatch(entry.name):
                    _sweep(entry)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        # A folder that does not list its files may still give one by name.
        return [base]
    return [path for _, path in sorted(found)]


def _sweep(entry: os.DirEntry[str]) -> None:
    with suppress(OSError):
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(info.st_mode) and time.time() - info.st_mtime > _LEFTOVER_AGE_S:
            os.unlink(entry.path)


def _parts(base: Path) -> tuple[str, str]:
    beside = base.name.endswith(BESIDE_SUFFIX)
    suffix = BESIDE_SUFFIX if beside else PRIVATE_SUFFIX
    return base.name.removesuffix(suffix), suffix
