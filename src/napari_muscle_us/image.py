"""The image that everything else measures: gray levels, spacing, device.

Axes are ``(frame, depth, lateral)``; a still image has ``(depth, lateral)``. Rows run
downwards from the transducer, and a pixel's centre lies at integer coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import FrameStack
from napari_muscle_us.gray import GRAY_RULES as GRAY_RULES
from napari_muscle_us.gray import GrayRule as GrayRule
from napari_muscle_us.gray import coloured_pixels as coloured_pixels
from napari_muscle_us.gray import gray_from_rgb as gray_from_rgb
from napari_muscle_us.gray import pixel_hash as pixel_hash

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.digest import FileDigest
    from napari_muscle_us.regions import Bounds, UltrasoundRegion

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

MAX_PIXELS: Final = 40_000_000
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
    software: str | None = None
    gain_db: float | None = None
    dynamic_range_db: float | None = None
    mechanical_index: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the file names a manufacturer or a model."""
        return bool(self.manufacturer or self.model)

    def __str__(self) -> str:
        """Return ``manufacturer model``, or ``unknown device``."""
        named = " ".join(part for part in (self.manufacturer, self.model) if part)
        return named or "unknown device"


@dataclass(frozen=True, slots=True)
class Person:
    """What a file tells of the person that a Z-score needs, without identity.

    Offered to the Z-score panel; never written beside anything that identifies.
    """

    age_years: float | None = None
    sex: str | None = None
    height_cm: float | None = None
    weight_kg: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the file tells anything."""
        return self != Person()


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
    by_user : bool
        Whether the user settled it (drew a ruler, typed the depth, accepted a
        proposal); then a result is verified with the spacing that it states.
    """

    spacing_mm: tuple[float, float]
    source: str
    region: tuple[int, int, int, int] | None = None
    by_user: bool = False

    def __post_init__(self) -> None:
        """Refuse a spacing that is no length."""
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise ImageReadError(
                f"The pixel spacing {self.spacing_mm} mm is not a positive length; "
                "open the image without calibration."
            )


@dataclass(frozen=True, slots=True, eq=False)
class UltrasoundImage:
    """A gray-level ultrasound image or clip with its spacing and device.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral), or FrameStack
        Gray levels, 0 black … 255 white, read-only. A clip has the shape ``(frame,
        depth, lateral)`` and decodes a frame when it is indexed.
    name : str
        File name without folder, or the name of a sample.
    digest : str or FileDigest
        SHA-256 of the file, or of the gray levels when there is no file (see
        `hash_of`). Of a large file it is computed when `sha256` is first asked for.
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
        when there are none. Of a clip, see `frame`.
    warnings : tuple of str
        Caveats for the user, a sentence each.
    frame_times_s : tuple of float, optional
        Time of each frame in seconds from the first; ``None`` for a still image, and
        for a clip whose file does not tell.
    regions : tuple of UltrasoundRegion
        Parts of the picture as the scanner described them.
    frame_calibrations : tuple of Calibration or None, optional
        Calibration of each frame, where the file states frames of different scale.
    frame_index : int
        Which frame of the clip a still is; 0 for a still file.
    crop : tuple of int, optional
        Rows and columns of the file's picture that this image shows.
    person : Person
        Age, sex, height and weight as far as the file tells.
    acquired_after_s : float, optional
        Seconds from the start of the study to the acquisition.
    device_by_user : tuple of str
        Fields of `device` that the user completed, because the file does not tell.
    lossy : bool
        Whether the file's compression is known to have changed gray levels.
    """

    gray: npt.NDArray[np.uint8] | FrameStack
    name: str
    digest: str | FileDigest
    hash_of: Literal["file", "pixels"] = "file"
    gray_rule: str = "stored"
    calibration: Calibration | None = None
    device: Device = field(default_factory=Device)
    coloured: npt.NDArray[np.bool_] | None = None
    warnings: tuple[str, ...] = ()
    frame_times_s: tuple[float, ...] | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    frame_calibrations: tuple[Calibration | None, ...] | None = None
    frame_index: int = 0
    crop: Bounds | None = None
    person: Person = field(default_factory=Person)
    acquired_after_s: float | None = None
    device_by_user: tuple[str, ...] = ()
    lossy: bool = False

    def __post_init__(self) -> None:
        """Freeze the pixels, so that no step can change what another measures."""
        if isinstance(self.gray, FrameStack):
            return
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

    @property
    def sha256(self) -> str:
        """SHA-256 of the file or of the pixels, in hexadecimal digits.

        Raises
        ------
        ImageReadError
            If the file of a clip has changed or gone since it was opened.
        """
        return self.digest if isinstance(self.digest, str) else self.digest.value()

    @property
    def key(self) -> str:
        """Short mark of the file that is known at once, to tell images apart."""
        return self.digest if isinstance(self.digest, str) else self.digest.quick

    @property
    def is_clip(self) -> bool:
        """Whether there is a frame axis."""
        return isinstance(self.gray, FrameStack)

    @property
    def n_frames(self) -> int:
        """Number of frames; 1 for a still image."""
        return len(self.gray) if isinstance(self.gray, FrameStack) else 1

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return (self.gray.shape[-2], self.gray.shape[-1])

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Gray levels of a still image, shape (depth, lateral).

        Raises
        ------
        ImageReadError
            If the image is a clip.
        """
        if isinstance(self.gray, FrameStack):
            raise ImageReadError(
                f"{self.name!r} is a clip of {self.n_frames} frames; choose one with "
                "image.frame(index)."
            )
        return self.gray

    def frame(self, index: int) -> UltrasoundImage:
        """Return one frame as a still image.

        Parameters
        ----------
        index : int
            Frame, from 0.

        Returns
        -------
        UltrasoundImage
            With the frame's own calibration and coloured pixels; `frame_index` tells
            which frame it is.

        Raises
        ------
        ImageReadError
            If there is no such frame, or it cannot be decoded.

        Examples
        --------
        >>> import napari_muscle_us as mus
        >>> mus.sample_image("transverse_healthy").frame(0).frame_index
        0
        """
        if not 0 <= index < self.n_frames:
            raise ImageReadError(
                f"{self.name!r} has no frame {index}; its frames are 0 to "
                f"{self.n_frames - 1}."
            )
        if not isinstance(self.gray, FrameStack):
            return self
        decoded = self.gray.frame(index)
        known = self.calibration
        if self.frame_calibrations is not None and known is None:
            known = self.frame_calibrations[index]
        return replace(
            self,
            gray=decoded.gray,
            coloured=decoded.coloured,
            calibration=known,
            frame_index=index,
            frame_times_s=None,
            frame_calibrations=None,
        )

    def cropped(self, bounds: Bounds) -> UltrasoundImage:
        """Return a part of the picture, as still or clip.

        Parameters
        ----------
        bounds : tuple of int
            ``(row_start, row_stop, column_start, column_stop)`` in this image.

        Returns
        -------
        UltrasoundImage
            `crop` tells its place in the file's picture. Where the file describes
            parts of different scale, the part that holds the bounds gives the spacing.

        Raises
        ------
        ImageReadError
            If the bounds are empty or reach outside the picture.

        Examples
        --------
        >>> import napari_muscle_us as mus
        >>> image = mus.sample_image("transverse_healthy")
        >>> image.cropped((10, 110, 20, 220)).frame_shape
        (100, 200)
        """
        from napari_muscle_us.crop import crop_image

        return crop_image(self, bounds)
