"""SHA-256 of large files, computed when it is needed."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 4_000_000
_EDGE: Final = 65_536


class FileDigest:
    """SHA-256 of a file that is read only when asked for.

    A clip opens by its header; hashing half a gigabyte would keep the first frame
    waiting. What was opened and what is hashed must be the same file: its size and
    time of change are noted at the start.

    Parameters
    ----------
    path : Path
        The file, which must exist.

    Raises
    ------
    ImageReadError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        # Absolute: a script may change the folder before it measures.
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._value: str | None = None
        self._stamp = self._look()
        self.quick: Final = self._edges()

    def value(self) -> str:
        """Return the SHA-256 in hexadecimal digits.

        Raises
        ------
        ImageReadError
            If the file has changed or gone since it was opened.
        """
        with self._lock:
            if self._value is None:
                self._value = self._compute()
            return self._value

    @property
    def known(self) -> str | None:
        """The SHA-256 if it was computed already, without waiting for it."""
        return self._value

    def start(self) -> None:
        """Compute the hash in the background."""
        threading.Thread(target=self._try, name="hash", daemon=True).start()

    def check(self) -> None:
        """Refuse a file that is not the one that was opened."""
        if self._look() != self._stamp:
            raise ImageReadError(
                f"{self._path.name!r} has changed since it was opened; open it again."
            )

    def _try(self) -> None:
        try:
            self.value()
        except ImageReadError:
            return  # Said when the hash is asked for.

    def _compute(self) -> str:
        self.check()
        digest = hashlib.sha256()
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise self._unreadable(error) from None
        self.check()
        return digest.hexdigest()

    def _edges(self) -> str:
        """Return a mark of the file made of its size, time, start and end."""
        size = self._stamp[0]
        digest = hashlib.sha256(repr(self._stamp).encode())
        try:
            with self._path.open("rb") as file:
                digest.update(file.read(_EDGE))
                file.seek(max(size - _EDGE, 0))
                digest.update(file.read(_EDGE))
        except OSError as error:
            raise self._unreadable(error) from None
        return digest.hexdigest()

    def _look(self) -> tuple[int, int]:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise self._unreadable(error) from None
        return stat.st_size, stat.st_mtime_ns

    def _unreadable(self, error: OSError) -> ImageReadError:
        return ImageReadError(
            f"{self._path.name!r} cannot be read any more "
            f"({error.strerror or 'unknown reason'}); check that its drive is there "
            "and open it again."
        )
