"""Keys that link the images of one person without telling who it is.

Rows of a follow-up have to be linked, and the patient's number must not be written
beside them. A key is a keyed one-way hash: the same number gives the same key as long
as the *salt* is the same, and without the salt a key cannot be traced back, not even
by trying all patient numbers. Keep the salt where the patient list is kept, and never
beside the results.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from napari_muscle_us.errors import ResultsError

SALT_BYTES: Final = 32
KEY_DIGITS: Final = 16
MIN_SALT_BYTES: Final = 16


def link_key(value: str, *, salt: bytes) -> str:
    r"""Return a key that is the same for the same value and salt.

    The first 64 bits of :math:`\mathrm{HMAC\text{-}SHA256}(\mathit{salt},
    \mathit{value})`, in hexadecimal digits. Among a million values, two share a key
    with a probability of 3 in 100 million.

    Parameters
    ----------
    value : str
        What identifies: a patient number, a UID. It cannot be found again from the
        key.
    salt : bytes
        Secret of 16 bytes or more, from `make_salt` or `load_salt`.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    ResultsError
        If the value is empty, which would link all who have none, or the salt is
        short.

    References
    ----------
    RFC 2104, HMAC: Keyed-Hashing for Message Authentication.

    Examples
    --------
    >>> link_key("12345", salt=bytes(32))
    'ae23c8f573d36c7a'
    """
    if not value:
        raise ResultsError(
            "An empty value cannot be linked; leave rows without identity unlinked."
        )
    if len(salt) < MIN_SALT_BYTES:
        raise ResultsError(
            f"A salt of {len(salt)} bytes can be guessed; make one with make_salt()."
        )
    digest = hmac.new(salt, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hexdigest()[:KEY_DIGITS]


def make_salt() -> bytes:
    """Return 32 new random bytes.

    Examples
    --------
    >>> len(make_salt()), make_salt() == make_salt()
    (32, False)
    """
    return secrets.token_bytes(SALT_BYTES)


def load_salt(path: str | Path) -> bytes:
    """Return the salt kept in a file, which is made the first time.

    The file is text, 64 hexadecimal digits, readable by its owner alone (mode 0600).
    An existing file is never replaced: without its salt, old keys link to nothing.

    Parameters
    ----------
    path : str or Path
        File of the user, apart from the results. Its folder must exist.

    Returns
    -------
    bytes
        32 bytes.

    Raises
    ------
    ResultsError
        If the file holds no salt, or cannot be read or made.
    """
    path = Path(path)
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _write_new(path, make_salt())
            # Read back: another program may have been first.
            return _read(path)
    except (OSError, ValueError) as error:
        if isinstance(error, ResultsError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ResultsError(
            f"The file {path.name!r} for the salt cannot be read or made ({reason}); "
            "choose a file in a folder that exists and is yours to write."
        ) from None


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ResultsError(f"{path.name!r} is no file; choose a file for the salt.")
    with path.open("rb") as file:
        text = file.read(2 * SALT_BYTES + 3).strip()
    try:
        salt = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES:
        raise ResultsError(
            f"{path.name!r} holds no salt of {2 * SALT_BYTES} hexadecimal digits; "
            "bring back the file from your backup, or choose another one."
        )
    return salt


def _write_new(path: Path, salt: bytes) -> None:
    """Write a file that does not exist yet, whole or not at all, for its owner alone.

    `files.atomic_path` replaces what is there and opens it to others.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(salt.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    try:
        # Unlike a rename, a link never replaces a file made in the meantime.
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:
        # A drive without hard links (FAT).
        if not path.exists():
            os.rename(temporary, path)
