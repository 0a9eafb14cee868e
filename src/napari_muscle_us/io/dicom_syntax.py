"""Transfer syntaxes: which are read, and the words for those that are not."""

from __future__ import annotations

from typing import Final

from napari_muscle_us.errors import ImageReadError

_BASE: Final = "1.2.840.10008.1.2"
NATIVE: Final = frozenset({_BASE, f"{_BASE}.1", f"{_BASE}.1.99", f"{_BASE}.2"})
RLE: Final = f"{_BASE}.5"
JPEG_FAMILY: Final = frozenset(
    f"{_BASE}.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)
)
ALWAYS_LOSSY: Final = frozenset({f"{_BASE}.4.50", f"{_BASE}.4.51"})
"""JPEG baseline and extended; the others may be lossless, and the file must say."""

# Newer than the dictionary of the oldest pydicom that is allowed.
_NAMES: Final = {
    f"{_BASE}.4.110": "JPEG XL (lossless)",
    f"{_BASE}.4.111": "JPEG XL (JPEG recompression)",
    f"{_BASE}.4.112": "JPEG XL",
}
_ON_A_SERVER: Final = frozenset(f"{_BASE}.4.{n}" for n in (94, 95, 204, 205))


def check_syntax(syntax: str, name: str) -> None:
    """Refuse a file whose pixels cannot be decoded, and say what it is.

    Raises
    ------
    ImageReadError
        If the transfer syntax is none of those that are read. An empty one passes:
        files without it are old and uncompressed.
    """
    if not syntax or syntax == RLE or syntax in NATIVE or syntax in JPEG_FAMILY:
        return
    if syntax in _ON_A_SERVER:
        raise ImageReadError(
            f"{name!r} holds no pixels but their address on a server (JPIP); export "
            "the image itself."
        )
    words = syntax_name(syntax)
    if not words:
        raise ImageReadError(
            f"{name!r} is written in a private or unnamed transfer syntax, which "
            "cannot be decoded; export it uncompressed or as JPEG."
        )
    raise ImageReadError(
        f"{name!r} is compressed as {words}, which cannot be decoded here; export it "
        "uncompressed or as JPEG."
    )


def syntax_name(syntax: str) -> str:
    """Return a registered transfer syntax in words, empty if it is not registered.

    The UID itself is never shown: it is text of the file, and may tell where it is
    from.
    """
    from pydicom._uid_dict import UID_dictionary

    known = UID_dictionary.get(syntax, ("", ""))
    return _NAMES.get(syntax, known[0] if known[1] == "Transfer Syntax" else "")
