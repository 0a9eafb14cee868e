"""Guards around pydicom: silence, and the errors that damaged files provoke."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError, MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A hostile file makes pydicom and its decoders raise nearly anything; a list keeps
# our own mistakes (NameError, AssertionError …) visible.
BROKEN: Final = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    EOFError,
    OSError,
    OverflowError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
)


# Warning filters are the process's, not the thread's: two threads inside at once would
# put each other's filters back.
_one_thread: Final = threading.RLock()


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Silence pydicom, whose warnings and log quote element values, so patients."""
    logger = logging.getLogger("pydicom")
    with _one_thread:
        before = logger.disabled
        logger.disabled = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.disabled = before


@contextmanager
def dicom_guard(name: str) -> Iterator[None]:
    """Turn whatever pydicom raises inside into one `ImageReadError`.

    "from None", since pydicom's own message can quote a patient. Elements are
    converted when they are first looked at, so any access may fail.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with quiet_pydicom():
            yield
    except MuscleUSError:
        raise
    except (BytesLengthException, InvalidDicomError, *BROKEN):
        raise damaged(name) from None


def damaged(name: str) -> ImageReadError:
    """Return the error for a file that does not decode."""
    return ImageReadError(
        f"{name!r} is damaged or cut short and cannot be read as DICOM; copy it from "
        "the scanner again."
    )
