"""Local texture anisotropy: the order of the lines in small boxes, averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy._prepare import (
    Prepared,
    checked_spacing,
    chosen_kernel,
    length_px,
    prepare,
)
from napari_muscle_us.measure.anisotropy.gradients import DEFAULT_GRADIENT
from napari_muscle_us.measure.texture._checks import length, shown

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Double = npt.NDArray[np.float64]

DEFAULT_BOX_PX: Final = 32
"""Our choice. Compare boxes of one size only: order over 1 mm is not order over 5."""

MIN_BOX_PX: Final = 4
MAX_BOX_PX: Final = 4096

DEFAULT_MIN_INSIDE: Final = 0.75
DEFAULT_MIN_ENERGY_SHARE: Final = 0.05
"""Least energy of a box, of the region's mean. Our choice; it leaves the gain out."""

MIN_GRADIENT_SHARE: Final = 0.5
"""Least share of a box's pixels with a gradient. Our choice: few look ordered."""

VARIANTS: Final[dict[str, str]] = {
    "coherency": r"(\lambda_1 - \lambda_2) / (\lambda_1 + \lambda_2)",
    "one_minus_ratio": r"1 - \lambda_2 / \lambda_1",
    "fractional_anisotropy": (
        r"(\lambda_1 - \lambda_2) / \sqrt{\lambda_1^2 + \lambda_2^2}"
    ),
}
"""What is averaged over the boxes, from the eigenvalues of their tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalAnisotropy:
    """Mean order of the boxes of a region, and each box.

    Attributes
    ----------
    value, sd : float
        Mean over the boxes, and their standard deviation with n − 1; 0 without any
        order … 1 for straight parallel lines. NaN without a box, or with one.
    n_boxes : int
        Boxes that count.
    n_outside, n_weak : int
        Boxes dropped since too little of them lies inside or has a gradient, and since
        their energy is too low.
    variant : str
        A name of `VARIANTS`.
    box_px : (int, int)
        Rows and columns of a box.
    corners : ndarray of int64, shape (n_boxes, 2)
        Row and column of the first pixel of each box that counts.
    anisotropy, direction_deg, energy : ndarray of float64, shape (n_boxes,)
        Of each box that counts; directions in (−90, 90].
    reason : str
        Why there is no value, or an empty string.
    """

    value: float
    sd: float
    n_boxes: int
    n_outside: int
    n_weak: int
    variant: str
    box_px: tuple[int, int]
    corners: npt.NDArray[np.int64]
    anisotropy: Double
    direction_deg: Double
    energy: Double
    reason: str


def local_anisotropy(
    gray: npt.NDArray[Any],
    mask: Mask,
    *,
    box_px: int = DEFAULT_BOX_PX,
    box_mm: float | None = None,
    variant: str = "coherency",
    min_inside: float = DEFAULT_MIN_INSIDE,
    min_energy_share: float = DEFAULT_MIN_ENERGY_SHARE,
    gradient: str = DEFAULT_GRADIENT,
    gradient_sigma_px: float = 1.0,
    gradient_sigma_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
) -> LocalAnisotropy:
    r"""Return the local texture anisotropy of a region.

    Boxes that touch each other cover the region's extent, centred on it, as many on
    each axis as are nearest to its length. In each box the structure tensor is the sum
    over its gradients inside the region; its eigenvalues
    :math:`\lambda_1 \ge \lambda_2` give

    .. math::
       \frac{\lambda_1 - \lambda_2}{\lambda_1 + \lambda_2},\quad
       1 - \frac{\lambda_2}{\lambda_1} \quad\text{or}\quad
       \frac{\lambda_1 - \lambda_2}{\sqrt{\lambda_1^2 + \lambda_2^2}},

    and the value is the mean over the boxes.

    Parameters
    ----------
    gray : ndarray, shape (depth, lateral)
        Gray levels, 8-bit or any other numbers.
    mask : ndarray of bool, same shape
        Region.
    box_px : int, default: 32
        Side of a box, 4 … 4096. Not used when `box_mm` is given.
    box_mm : float, optional
        Side in mm; the nearest whole number of pixels on each axis.
    variant : str, default: "coherency"
        A name of `VARIANTS`.
    min_inside : float, default: 0.75
        Share of a box's pixels that must lie inside the region.
    min_energy_share : float, default: 0.05
        Least energy of a box, as a share of the mean over the boxes inside.
    gradient, gradient_sigma_px, gradient_sigma_mm, spacing_mm
        As for `orientation.compute_orientation_map`.

    Returns
    -------
    LocalAnisotropy
        NaN with its reason where no box counts.

    Raises
    ------
    MeasureError
        If the image or mask is not usable, a name is unknown, or a size is not
        possible, or is in mm and the image has no scale.

    Notes
    -----
    This is like the *texture anisotropy index* (TAI) of Dubois 2018, which is also
    computed in boxes, lies in 0 … 1 and falls with disease. Its formula and box size
    are not public. Values of one must not be compared with limits of the other.

    Noise has no direction, yet its boxes have some order: about the root of one over
    the number of independent gradients. Small boxes read higher for that reason alone.

    A gain or offset of the gray levels changes nothing as long as nothing clips.

    References
    ----------
    Dubois et al. Ultrasound Med Biol 2018;44:1133 (the TAI, of which this is none).

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = np.mgrid[:96, :96]
    >>> stripes = 128 + 100 * np.sin(rows / 3)
    >>> found = local_anisotropy(stripes, np.ones(stripes.shape, bool))
    >>> found.n_boxes, round(found.value, 3), found.box_px
    (9, 1.0, (32, 32))
    """
    spacing = checked_spacing(spacing_mm)
    kernel = chosen_kernel(gradient, gradient_sigma_px, gradient_sigma_mm, spacing)
    box = box_size_px(box_px=box_px, box_mm=box_mm, spacing_mm=spacing)
    ready = prepare(gray, mask, kernel, spacing)
    return local_of(ready, box, variant, min_inside, min_energy_share)


def box_size_px(
    *,
    box_px: int = DEFAULT_BOX_PX,
    box_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
) -> tuple[int, int]:
    """Return the rows and columns of a box.

    Parameters
    ----------
    box_px : int, default: 32
        Side of a square box. Not used when `box_mm` is given.
    box_mm : float, optional
        Side in mm.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral.

    Returns
    -------
    rows, columns : int
        4 … 4096.

    Raises
    ------
    MeasureError
        If the box is not possible, or is in mm and the image has no scale.

    Examples
    --------
    >>> box_size_px(box_mm=3.0, spacing_mm=(0.1, 0.2))
    (30, 15)
    """
    exact = length_px("box", box_px, box_mm, checked_spacing(spacing_mm))
    if not all(MIN_BOX_PX - 0.5 <= side < MAX_BOX_PX + 0.5 for side in exact):
        raise MeasureError(
            f"A box of {exact[0]:.4g} × {exact[1]:.4g} px is not possible; give one of "
            f"{MIN_BOX_PX} to {MAX_BOX_PX} px on each axis."
        )
    rows, columns = (math.floor(side + 0.5) for side in exact)
    return rows, columns


def local_of(
    ready: Prepared,
    box: tuple[int, int],
    variant: str,
    min_inside: float,
    min_energy_share: float,
) -> LocalAnisotropy:
    """Return the local texture anisotropy of a prepared image and region."""
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise MeasureError(
            f"There is no variant {shown(variant)}; choose from {', '.join(VARIANTS)}."
        )
    least_inside = _checked_share("share inside", min_inside)
    least_energy = _checked_share("share of energy", min_energy_share)
    shape = (ready.image.shape[0], ready.image.shape[1])
    counts, origin = _tiling(shape, box)
    sums = tensor_sums(ready, origin, box, counts)
    inside = _pixels_inside(ready, origin, box, counts) / (box[0] * box[1])
    n = np.maximum(sums[..., 3], 1)
    energy = (sums[..., 0] + sums[..., 2]) / n
    within = (inside >= least_inside - 1e-12) & (
        sums[..., 3] >= MIN_GRADIENT_SHARE * box[0] * box[1]
    )
    usual = energy[within].mean() if within.any() else 0.0
    strong = energy > max(ready.flat, least_energy * usual)
    kept = within & strong
    xx, xy, yy = (sums[..., part][kept] for part in range(3))
    values = _anisotropy(coherency_of(xx, xy, yy), variant)
    where = np.argwhere(kept) * box + origin
    where += [ready.part[0].start or 0, ready.part[1].start or 0]
    return LocalAnisotropy(
        value=float(values.mean()) if values.size else math.nan,
        sd=float(values.std(ddof=1)) if values.size > 1 else math.nan,
        n_boxes=values.size,
        n_outside=int((~within & (inside > 0)).sum()),
        n_weak=int((within & ~strong).sum()),
        variant=variant,
        box_px=box,
        corners=where.astype(np.int64),
        anisotropy=values,
        direction_deg=direction_of(xx, xy, yy),
        energy=energy[kept] * ready.gain,
        reason=_reason(within, kept, box),
    )


def tensor_sums(
    ready: Prepared,
    origin: tuple[int, int],
    box: tuple[int, int],
    counts: tuple[int, int],
) -> Double:
    """Return xx, xy, yy and the number of gradients, added up in each box."""
    from napari_muscle_us.measure.anisotropy import _tensor_kernels as kernels

    sums = np.zeros((*counts, 4))
    inside = ready.inside
    if inside is None:
        inside = np.ones(ready.image.shape, np.bool_)
    kernels.box_sums(
        ready.image,
        ready.reach_x,
        ready.reach_y,
        ready.kernel.taps,
        ready.scales,
        origin,
        box,
        inside,
        sums,
    )
    return sums


def coherency_of(xx: Double, xy: Double, yy: Double) -> Double:
    """Return the coherency of tensors whose energy is above 0."""
    ratio = np.hypot(yy - xx, 2 * xy) / (xx + yy)
    return np.asarray(np.minimum(ratio, 1.0))


def direction_of(xx: Double, xy: Double, yy: Double) -> Double:
    """Return the direction of the lines in degrees, in (−90, 90]."""
    angle = np.degrees(np.arctan2(2 * xy, yy - xx)) / 2
    return np.asarray(np.where(angle <= -90, angle + 180, angle) + 0.0)


def _anisotropy(coherency: Double, variant: str) -> Double:
    """Return a variant from the coherency c, with eigenvalues as 1 + c and 1 − c."""
    if variant == "one_minus_ratio":
        return 2 * coherency / (1 + coherency)
    if variant == "fractional_anisotropy":
        return np.asarray(math.sqrt(2) * coherency / np.sqrt(1 + coherency**2))
    return coherency


def _tiling(
    shape: tuple[int, int], box: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many boxes cover an extent, and the first pixel of the first one."""
    down, across = (
        max(1, math.floor(extent / side + 0.5))
        for extent, side in zip(shape, box, strict=True)
    )
    top = (shape[0] - down * box[0]) // 2
    left = (shape[1] - across * box[1]) // 2
    return (down, across), (top, left)


def _pixels_inside(
    ready: Prepared,
    origin: tuple[int, int],
    box: tuple[int, int],
    counts: tuple[int, int],
) -> Double:
    """Return how many pixels of each box lie inside the region."""
    shape = ready.image.shape
    rows, columns = (
        np.ones(shape, np.bool_).nonzero()
        if ready.inside is None
        else (ready.inside.nonzero())
    )
    down, across = (rows - origin[0]) // box[0], (columns - origin[1]) // box[1]
    there = (down >= 0) & (down < counts[0]) & (across >= 0) & (across < counts[1])
    index = down[there] * counts[1] + across[there]
    found = np.bincount(index, minlength=counts[0] * counts[1])
    return found.reshape(counts).astype(np.float64)


def _reason(within: Mask, kept: Mask, box: tuple[int, int]) -> str:
    if kept.any():
        return ""
    if within.any():
        return "undefined where all pixels have the same gray level"
    return (
        f"undefined where no box of {box[0]}×{box[1]} px lies inside the region far "
        "enough"
    )


def _checked_share(name: str, share: float) -> float:
    number = length(share)
    if not 0 <= number <= 1:
        raise MeasureError(
            f"The least {name} {shown(share)} is not possible; give a number from 0 to "
            "1."
        )
    return number
