"""Write files so that none is ever half-written."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_muscle_us.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that replaces it when all went well.

    Parameters
    ----------
    path : str or Path
        The file to write. It is new or untouched until the block has ended.

    Yields
    ------
    Path
        Where to write; same suffix, same folder.

    Raises
    ------
    ResultsError
        If the folder does not exist or cannot be written to.
    """
    path = Path(path)
    if "\0" in str(path):
        raise ResultsError(f"{str(path)!r} is not a file name; choose another one.")
    temporary: Path | None = None
    try:
        if path.is_dir():
            raise ResultsError(
                f"{str(path)!r} is a folder; give the name of a file to write."
            )
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp is private to its owner; a result is as readable as any new file.
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ResultsError(
            f"{path.name!r} cannot be written to the folder {str(path.parent)!r} "
            f"({reason}); choose a folder that exists and is yours to write."
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def refuse_unwritable(path: str | Path) -> None:
    """Raise before long work if its result could not be written.

    Raises
    ------
    ResultsError
        If `path` is a folder, or its folder does not exist or is not to be written to.
    """
    path = Path(path)
    try:
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise ResultsError(
                f"{path.name!r} cannot be written to the folder {str(path.parent)!r}; "
                "choose a file name in a folder that exists and is yours to write."
            )
    except (OSError, ValueError) as error:
        if isinstance(error, ResultsError):
            raise
        raise ResultsError(
            f"{path.name[:40]!r} is not a file name; choose another one."
        ) from None


def _umask() -> int:
    # There is no way to read it but to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
