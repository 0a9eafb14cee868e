"""Calibrated parts of an ultrasound picture, as the scanner described them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_muscle_us.errors import ImageReadError

Bounds = tuple[int, int, int, int]
"""``(row_start, row_stop, column_start, column_stop)``, stops excluded."""


@dataclass(frozen=True, slots=True)
class UltrasoundRegion:
    """One region of SequenceOfUltrasoundRegions (DICOM PS3.3 C.8.5.5).

    Parameters
    ----------
    index : int
        Place in the file's list, from 0.
    kind : str
        What it shows, in words: ``"tissue"``, ``"colour flow"``, ``"M-mode"``,
        ``"spectral Doppler (PW)"``, ``"ECG"``, ``"gray bar"`` …
    is_picture : bool
        Whether it is a 2-D picture of tissue or flow with pixels inside the stored
        image, where regions of interest make sense.
    bounds : tuple of int
        Part inside the stored image; empty (start = stop) when there is none.
    stated_bounds : tuple of int
        As in the file, stops excluded; may reach outside the image.
    spacing_mm : tuple of float, optional
        Distance of pixel centres ``(depth, lateral)``, positive; ``None`` where an
        axis is not a length or the file does not tell.
    direction : tuple of int
        +1 where the physical value grows with row or column, −1 where it falls.
    reference_px : tuple of float, optional
        Reference pixel ``(row, column)`` in the whole image; may lie outside.
    reference_value : tuple of float
        Physical value ``(y, x)`` at the reference pixel, in mm for lengths.
    units : tuple of str
        Physical units of ``(y, x)``: ``"cm"``, ``"s"``, ``"cm/s"``, ``"Hz"`` …
    problem : str
        A sentence: why its calibration is not to be used without the user's word;
        empty if it may.
    """

    index: int
    kind: str
    is_picture: bool
    bounds: Bounds
    stated_bounds: Bounds
    spacing_mm: tuple[float, float] | None = None
    direction: tuple[int, int] = (1, 1)
    reference_px: tuple[float, float] | None = None
    reference_value: tuple[float, float] = (0.0, 0.0)
    units: tuple[str, str] = ("none", "none")
    problem: str = ""

    @property
    def label(self) -> str:
        """Name for lists: number and kind."""
        return f"Region {self.index + 1}: {self.kind}"

    @property
    def is_usable(self) -> bool:
        """Whether lengths in it can be given in mm without asking the user."""
        return self.is_picture and self.spacing_mm is not None and not self.problem

    def contains(self, row: float, column: float) -> bool:
        """Whether a pixel lies in the part that is inside the image."""
        top, bottom, left, right = self.bounds
        return top <= row <= bottom - 1 and left <= column <= right - 1


def position_mm(
    region: UltrasoundRegion, row: float, column: float
) -> tuple[float, float]:
    """Return the physical position of a pixel, by the region's reference pixel.

    ``position = reference value + (pixel − reference pixel) · delta`` with the signed
    delta. On most scanners depth 0 is the face of the transducer.

    Parameters
    ----------
    region : UltrasoundRegion
        A picture with a size of a pixel and a reference pixel.
    row, column : float
        Pixel of the whole image; may lie outside the region.

    Returns
    -------
    depth_mm, lateral_mm : float
        Position in mm.

    Raises
    ------
    ImageReadError
        If the region states no size of a pixel or no reference pixel.

    References
    ----------
    DICOM PS3.3 C.8.5.5.

    Examples
    --------
    >>> inside = (0, 40, 0, 60)
    >>> region = UltrasoundRegion(
    ...     0, "tissue", True, inside, inside, (0.5, 0.25), (1, -1), (4.0, 30.0)
    ... )
    >>> position_mm(region, 10, 34)
    (3.0, -1.0)
    """
    if region.spacing_mm is None:
        raise ImageReadError(no_scale(region))
    if region.reference_px is None:
        raise ImageReadError(
            f"{region.label} names no reference pixel, so depth 0 is not known; "
            "measure from the skin instead."
        )
    depth, lateral = (
        value + (pixel - reference) * step * sign
        for value, pixel, reference, step, sign in zip(
            region.reference_value,
            (row, column),
            region.reference_px,
            region.spacing_mm,
            region.direction,
            strict=True,
        )
    )
    return depth, lateral


def no_scale(region: UltrasoundRegion) -> str:
    """Return the message for a region without a size of a pixel."""
    return (
        f"{region.label} states no size of a pixel; choose another region or set the "
        "scale by hand."
    )
