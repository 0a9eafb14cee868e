"""The image that everything else measures: gray levels, spacing, device.

Axes are ``(frame, depth, lateral)``; a still image has ``(depth, lateral)``. Rows run
downwards from the transducer, and a pixel's centre lies at integer coordinates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt

DEPTH: Final = "depth"
LATERAL: Final = "lateral"
FRAME: Final = "frame"
AXES_STILL: Final = (DEPTH, LATERAL)
UNIT_MM: Final = "mm"
UNIT_PIXEL: Final = "pixel"

LAYER_CALIBRATION: Final = "scale of the napari layer"
"""Source of a spacing that the user set by hand."""

SIZE_UNKNOWN: Final = (
    "The size of a pixel is not known: lengths and areas are in pixels."
)

GrayRule = Literal["imagej", "luma601"]
GRAY_RULES: Final[tuple[GrayRule, ...]] = ("imagej", "luma601")

MAX_PIXELS: Final = 100_000_000
"""Largest still image that is read; a lying header cannot make us allocate more."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a file tells of the scanner and its settings (``None`` = not told).

    The *device profile* that a reference set is bound to is compared with this.
    """

    manufacturer: str | None = None
    model: str | None = None
    transducer: str | None = None
    preset: str | None = None
    depth_mm: float | None = None
    frequency_mhz: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the file names a manufacturer or a model."""
        return bool(self.manufacturer or self.model)

    def __str__(self) -> str:
        """Return ``manufacturer model``, or ``unknown device``."""
        named = " ".join(part for part in (self.manufacturer, self.model) if part)
        return named or "unknown device"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Size of a pixel and where that is known from.

    Parameters
    ----------
    spacing_mm : tuple of float
        Distance of neighbouring pixel centres in mm, ``(depth, lateral)``.
    source : str
        Where the spacing comes from, in words.
    region : tuple of int, optional
        Rows and columns of the calibrated picture, ``(row_start, row_stop,
        column_start, column_stop)``, stops excluded, clipped to the image.
    """

    spacing_mm: tuple[float, float]
    source: str
    region: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse a spacing that is no length."""
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise ImageReadError(
                f"The pixel spacing {self.spacing_mm} mm is not a positive length; "
                "open the image without calibration."
            )


@dataclass(frozen=True, slots=True, eq=False)
class UltrasoundImage:
    """A gray-level ultrasound image with its spacing and device.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels, 0 black … 255 white. The array is read-only.
    name : str
        File name without folder, or the name of a sample.
    sha256 : str
        SHA-256 of the file, or of the gray levels when there is no file
        (see `hash_of`).
    hash_of : {"file", "pixels"}
        What `sha256` was computed from.
    gray_rule : str
        Rule that turned colour into gray (`gray_from_rgb`); ``"stored"`` when the
        file holds gray levels.
    calibration : Calibration, optional
        Spacing and its source; ``None`` when the size of a pixel is not known.
    device : Device
        Scanner as far as the file tells.
    coloured : ndarray of bool, optional
        Pixels whose colour channels differ (Doppler, calipers, markers); ``None``
        when the file holds no colour.
    warnings : tuple of str
        Caveats for the user, a sentence each.
    frame_times_s : tuple of float, optional
        Time of each frame in seconds; ``None`` for a still image.
    """

    gray: npt.NDArray[np.uint8]
    name: str
    sha256: str
    hash_of: Literal["file", "pixels"] = "file"
    gray_rule: str = "stored"
    calibration: Calibration | None = None
    device: Device = field(default_factory=Device)
    coloured: npt.NDArray[np.bool_] | None = None
    warnings: tuple[str, ...] = ()
    frame_times_s: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Freeze the pixels, so that no step can change what another measures."""
        if self.gray.dtype != np.uint8 or self.gray.ndim != 2 or self.gray.size == 0:
            raise ImageReadError(
                f"Gray levels must be uint8 with shape (depth, lateral), not "
                f"{self.gray.dtype} with shape {self.gray.shape}."
            )
        self.gray.setflags(write=False)

    @property
    def spacing_mm(self) -> tuple[float, float] | None:
        """Distance of pixel centres in mm, ``(depth, lateral)``, or ``None``."""
        return None if self.calibration is None else self.calibration.spacing_mm


def gray_from_rgb(
    rgb: npt.NDArray[np.uint8], *, rule: GrayRule = "imagej"
) -> npt.NDArray[np.uint8]:
    r"""Return 8-bit gray levels of a colour image by a named rule.

    ``"imagej"`` is ImageJ's default conversion, the unweighted mean rounded half up,

    .. math:: g = \lfloor (R + G + B)/3 + 1/2 \rfloor

    ``"luma601"`` is the Y of YBR, :math:`\lfloor 0.299R + 0.587G + 0.114B + 1/2
    \rfloor`, which ImageJ calls *weighted RGB conversion*. Gray pixels (R = G = B) are
    the same in both. The rule is part of every result.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (..., 3)
        Colour image.
    rule : {"imagej", "luma601"}, default: "imagej"
        Conversion rule.

    Returns
    -------
    ndarray of uint8, shape (...)
        Gray levels.

    Raises
    ------
    ImageReadError
        If the array is not uint8 with three channels, or the rule is unknown.

    References
    ----------
    ImageJ 1.53t, ``ij/process/TypeConverter.java``; DICOM PS3.3 C.7.6.3.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> pixel = np.array([[200, 100, 50]], np.uint8)
    >>> int(gray_from_rgb(pixel)[0]), int(gray_from_rgb(pixel, rule="luma601")[0])
    (117, 124)
    """
    if rgb.dtype != np.uint8 or rgb.shape[-1:] != (3,):
        raise ImageReadError(
            f"A colour image must be uint8 with 3 channels, not {rgb.dtype} with "
            f"shape {rgb.shape}."
        )
    if rule == "imagej":
        # ImageJ sums three products with 1/3 in double; with integers
        # floor(s/3 + 1/2) = (2s + 3) // 6 exactly, except where its rounding of
        # 1/3 matters, which is nowhere for s in 0..765 (tested on all sums).
        total = rgb.astype(np.uint16).sum(axis=-1, dtype=np.uint16)
        return np.asarray((2 * total + 3) // 6, dtype=np.uint8)
    if rule == "luma601":
        # Term by term, as ImageJ adds: a matrix product may round otherwise.
        red, green, blue = (rgb[..., i] for i in range(3))
        luma = red * 0.299 + green * 0.587 + blue * 0.114
        return np.asarray(np.floor(luma + 0.5), dtype=np.uint8)
    raise ImageReadError(
        f"Gray rule {rule!r} is unknown; use one of {', '.join(GRAY_RULES)}."
    )


def coloured_pixels(
    rgb: npt.NDArray[np.uint8], *, tolerance: int = 0
) -> npt.NDArray[np.bool_]:
    """Return where the colour channels differ by more than a tolerance.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (..., 3)
        Colour image.
    tolerance : int, default: 0
        Largest difference of two channels that still counts as gray; lossy
        compression makes small ones everywhere.

    Returns
    -------
    ndarray of bool, shape (...)
        True where ``max(R, G, B) − min(R, G, B) > tolerance``.

    Examples
    --------
    >>> import numpy as np
    >>> coloured_pixels(np.array([[9, 9, 9], [9, 9, 0]], np.uint8)).tolist()
    [False, True]
    """
    low = np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    high = np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    return np.asarray(high - low > tolerance, dtype=np.bool_)


def pixel_hash(gray: npt.NDArray[np.uint8]) -> str:
    """Return the SHA-256 of gray levels together with their shape.

    Examples
    --------
    >>> import numpy as np
    >>> pixel_hash(np.zeros((2, 2), np.uint8))[:8]
    '660c5b93'
    """
    digest = hashlib.sha256(repr(gray.shape).encode())
    digest.update(np.ascontiguousarray(gray).tobytes())
    return digest.hexdigest()
