"""Direction and order of the lines of a region, as numbers with their reasons."""

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
from napari_muscle_us.measure.anisotropy.gradients import (
    DEFAULT_GRADIENT,
    DEFAULT_WINDOW,
    window_taps,
)
from napari_muscle_us.measure.anisotropy.local import (
    DEFAULT_BOX_PX,
    DEFAULT_MIN_ENERGY_SHARE,
    DEFAULT_MIN_INSIDE,
    LocalAnisotropy,
    box_size_px,
    coherency_of,
    direction_of,
    local_of,
    tensor_sums,
)
from napari_muscle_us.measure.anisotropy.orientation import (
    DEFAULT_GRADIENT_SIGMA_PX,
    DEFAULT_SIGMA_PX,
    FLAT,
    NO_GRADIENT,
    OrientationMap,
    map_of,
)
from napari_muscle_us.measure.texture._checks import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.fascicle import FascicleDirection

    Mask = npt.NDArray[np.bool_]
    Double = npt.NDArray[np.float64]

METHODS: Final = ("tensor", "fascicle")

DEFAULT_BINS: Final = 36
MAX_BINS: Final = 720

MIN_GRADIENTS: Final = 25
"""Gradients below which nothing is told: so few look ordered by chance. Our choice."""

LOW_COHERENCY: Final = 0.2
"""Coherency below which no direction is to be seen. Our choice.

For n gradients it is 5/√n where that is more: noise alone reaches a third of that.
"""

_FEW: Final = f"undefined with fewer than {MIN_GRADIENTS} gradients inside the region"
_ROUND: Final = "undefined where no direction prevails"


@dataclass(frozen=True, slots=True, eq=False)
class Anisotropy:
    """Direction and order of a region.

    Attributes
    ----------
    direction_deg : float
        Direction of the lines in (−90, 90]: 0 is lateral, positive rises to the right.
        Of the mean tensor, or of the fascicles with ``method="fascicle"``.
    coherency : float
        Of the mean tensor: 0 without a preferred direction … 1 for parallel lines.
    energy : float
        Mean squared gradient, in gray level² / px², or / mm² with a scale.
    circular_mean_deg, circular_sd_deg : float
        Mean and standard deviation of the local directions, weighted by the energy.
    histogram : ndarray of float64, shape (bins,)
        Share of the energy in each bin of local directions; all NaN without any.
    bin_edges_deg : ndarray of float64, shape (bins + 1,)
        From −90 to 90; a bin has its upper edge in it.
    n : int
        Pixels of the region.
    n_gradients : int
        Those where the derivative kernel lies inside.
    local : LocalAnisotropy
        The local texture anisotropy.
    fascicle : FascicleDirection or None
        All of what ``method="fascicle"`` found.
    settings : dict
        What it was computed with; see `method`.
    """

    direction_deg: float
    coherency: float
    energy: float
    circular_mean_deg: float
    circular_sd_deg: float
    histogram: Double
    bin_edges_deg: Double
    n: int
    n_gradients: int
    local: LocalAnisotropy
    fascicle: FascicleDirection | None
    settings: Mapping[str, Any]

    @property
    def tells_direction(self) -> bool:
        """Whether the tensor's coherency is high enough for a direction to be seen."""
        limit = max(LOW_COHERENCY, 5 / math.sqrt(max(self.n_gradients, 1)))
        return self.coherency >= limit

    def reason(self, key: str) -> str:
        """Return why a number is NaN or to be doubted, or an empty string.

        Parameters
        ----------
        key : str
            ``"direction_deg"``, ``"coherency"``, ``"energy"``,
            ``"circular_mean_deg"``, ``"circular_sd_deg"`` or ``"local"``.

        Returns
        -------
        str
            Phrase without full stop.
        """
        if key == "local":
            return self.local.reason
        if key == "direction_deg" and self.fascicle is not None:
            return str(self.fascicle.reason)
        if math.isnan(getattr(self, key)):
            return self._missing()
        if key != "energy" and key != "coherency" and not self.tells_direction:
            return (
                f"no fibre direction is to be seen: the coherency is only "
                f"{self.coherency:.2f}"
            )
        return ""

    def _missing(self) -> str:
        if self.n_gradients == 0:
            return NO_GRADIENT
        if self.n_gradients < MIN_GRADIENTS:
            return _FEW
        return FLAT if math.isnan(self.coherency) else _ROUND

    def method(self) -> dict[str, Any]:
        """Return what it was computed with, as plain values for a row of results."""
        return dict(self.settings)


def measure_anisotropy(
    gray: npt.NDArray[Any],
    mask: Mask,
    *,
    method: str = "tensor",
    gradient: str = DEFAULT_GRADIENT,
    gradient_sigma_px: float = DEFAULT_GRADIENT_SIGMA_PX,
    gradient_sigma_mm: float | None = None,
    sigma_px: float = DEFAULT_SIGMA_PX,
    sigma_mm: float | None = None,
    window: str = DEFAULT_WINDOW,
    box_px: int = DEFAULT_BOX_PX,
    box_mm: float | None = None,
    variant: str = "coherency",
    min_inside: float = DEFAULT_MIN_INSIDE,
    min_energy_share: float = DEFAULT_MIN_ENERGY_SHARE,
    bins: int = DEFAULT_BINS,
    spacing_mm: tuple[float, float] | None = None,
) -> Anisotropy:
    r"""Return direction and order of the lines inside a mask.

    The tensor of the gradients is averaged over the region first; direction, coherency
    and energy are those of the mean (OrientationJ's *measure*). From the local map,
    with directions :math:`\theta_p` and energies :math:`E_p`,

    .. math::
       R e^{2 i \bar\theta} = \frac{\sum_p E_p e^{2 i \theta_p}}{\sum_p E_p},\quad
       s = \tfrac12 \sqrt{-2 \ln R}

    are the circular mean and standard deviation: angles are doubled since a line has
    no front end.

    Parameters
    ----------
    gray : ndarray, shape (depth, lateral)
        Gray levels, 8-bit or any other numbers. A pixel of value 0 counts.
    mask : ndarray of bool, same shape
        Region. Pixels outside take no part.
    method : {"tensor", "fascicle"}
        What gives `direction_deg`: the mean tensor, or the method that speckle does
        not draw towards horizontal (`fascicle.fascicle_direction`). All else is the
        tensor's in both.
    gradient, gradient_sigma_px, gradient_sigma_mm
        Derivative kernel and its scale, as for `orientation.compute_orientation_map`.
    sigma_px, sigma_mm, window
        Window of the local map behind the circular numbers and the histogram.
    box_px, box_mm, variant, min_inside, min_energy_share
        As for `local.local_anisotropy`.
    bins : int, default: 36
        Bins of the histogram over 180 degrees, 2 … 720.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. With it angles are those in the muscle.

    Returns
    -------
    Anisotropy
        NaN where a region is constant, too small for the derivative kernel or holds
        fewer than 25 gradients; `Anisotropy.reason` says so. It also says where the
        coherency is so low that no direction is to be seen; the direction is given all
        the same.

    Raises
    ------
    MeasureError
        If the image or mask is not usable, a name is unknown, or a size is not
        possible, or is in mm and the image has no scale.

    Notes
    -----
    Speckle is wider than deep, so that a coherency of 0.5 to 0.9 may be the scanner's,
    not the muscle's: of four pictures across the vastus lateralis all reach it, as do
    those along it. A high coherency is no proof that fibres are seen; compare like with
    like. With the tensor alone, the
    direction of real muscle is drawn towards horizontal by some degrees.

    A gain or offset of the gray levels changes only the energy, as long as nothing
    clips.

    References
    ----------
    Rezakhaniha R et al. Biomech Model Mechanobiol 2012;11:461.
    doi:10.1007/s10237-011-0325-z. Mardia KV, Jupp PE. Directional statistics. Wiley
    2000. doi:10.1002/9780470316979

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = np.mgrid[:96, :96]
    >>> angle = np.radians(-25)
    >>> wave = columns * np.sin(angle) + rows * np.cos(angle)
    >>> gray = (128 + 100 * np.sin(wave / 2)).astype(np.uint8)
    >>> found = measure_anisotropy(gray, np.ones(gray.shape, bool))
    >>> round(found.direction_deg, 1), round(found.coherency, 2), found.reason("local")
    (-25.0, 1.0, '')
    """
    if method not in METHODS:
        raise MeasureError(
            f"There is no method {shown(method)}; choose from {', '.join(METHODS)}."
        )
    settings = {k: v for k, v in locals().items() if k not in ("gray", "mask")}
    edges = _edges(bins)
    spacing = checked_spacing(spacing_mm)
    kernel = chosen_kernel(gradient, gradient_sigma_px, gradient_sigma_mm, spacing)
    sigmas = length_px("window", sigma_px, sigma_mm, spacing)
    down, across = (window_taps(sigma, window=window) for sigma in sigmas)
    box = box_size_px(box_px=box_px, box_mm=box_mm, spacing_mm=spacing)
    ready = prepare(gray, mask, kernel, spacing)
    whole = _mean_tensor(ready)
    enough = whole.n >= MIN_GRADIENTS
    local_map = map_of(ready, (down, across), gray.shape) if enough else None
    mean, sd, shares = _spread(local_map, edges)
    fascicle = _fascicle(gray, mask, spacing) if method == "fascicle" else None
    return Anisotropy(
        direction_deg=float(fascicle.direction_deg) if fascicle else whole.direction,
        coherency=whole.coherency,
        energy=whole.energy,
        circular_mean_deg=mean,
        circular_sd_deg=sd,
        histogram=shares,
        bin_edges_deg=edges,
        n=int(np.count_nonzero(mask)),
        n_gradients=whole.n,
        local=local_of(ready, box, variant, min_inside, min_energy_share),
        fascicle=fascicle,
        settings=_plain(settings),
    )


def _fascicle(
    gray: npt.NDArray[Any], mask: Mask, spacing: tuple[float, float] | None
) -> FascicleDirection:
    from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction

    return fascicle_direction(gray, mask, spacing_mm=spacing)


@dataclass(frozen=True, slots=True)
class _Whole:
    direction: float
    coherency: float
    energy: float
    n: int


def _mean_tensor(ready: Prepared) -> _Whole:
    """Return the numbers of the region's mean tensor."""
    shape = ready.image.shape[0], ready.image.shape[1]
    sums = tensor_sums(ready, (0, 0), shape, (1, 1))[0]
    n = int(sums[0, 3])
    if n < MIN_GRADIENTS:
        return _Whole(math.nan, math.nan, math.nan, n)
    energy = float(sums[0, 0] + sums[0, 2]) / n
    if energy <= ready.flat:
        return _Whole(math.nan, math.nan, energy * ready.gain, n)
    xx, xy, yy = (sums[:, part] for part in range(3))
    coherency = float(coherency_of(xx, xy, yy)[0])
    direction = float(direction_of(xx, xy, yy)[0]) if coherency > 0 else math.nan
    return _Whole(direction, coherency, energy * ready.gain, n)


def _spread(
    local_map: OrientationMap | None, edges: Double
) -> tuple[float, float, Double]:
    """Return circular mean, circular SD and histogram of the local directions."""
    nothing = math.nan, math.nan, np.full(len(edges) - 1, math.nan)
    if local_map is None:
        return nothing
    there = np.isfinite(local_map.orientation_deg)
    angles = local_map.orientation_deg[there].astype(np.float64)
    energy = local_map.energy[there].astype(np.float64)
    total = energy.sum()
    if not total > 0:
        return nothing
    doubled = np.radians(2 * angles)
    across = float((energy * np.cos(doubled)).sum() / total)
    up = float((energy * np.sin(doubled)).sum() / total)
    length = min(math.hypot(across, up), 1.0)
    # Rounded up: an angle on an edge belongs to the bin below, as 90 must.
    index = np.ceil((angles + 90) * ((len(edges) - 1) / 180)).astype(np.intp) - 1
    np.clip(index, 0, len(edges) - 2, out=index)
    shares = np.bincount(index, energy, minlength=len(edges) - 1) / total
    if length < 1e-9:
        return math.nan, math.nan, shares
    mean = math.degrees(math.atan2(up, across)) / 2
    sd = math.degrees(math.sqrt(max(-2 * math.log(length), 0.0))) / 2
    return (mean + 180 if mean <= -90 else mean), sd, shares


def _edges(bins: int) -> Double:
    whole = isinstance(bins, (int, np.integer)) and not isinstance(bins, bool)
    if not whole or not 2 <= bins <= MAX_BINS:
        raise MeasureError(
            f"A histogram of {shown(bins)} bins is not possible; give a whole number "
            f"from 2 to {MAX_BINS}."
        )
    return np.linspace(-90.0, 90.0, int(bins) + 1)


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that count: a length in mm takes the place of one in px."""
    found = {}
    for name, value in settings.items():
        replaced = name.endswith("_px") and settings.get(f"{name[:-3]}_mm") is not None
        unused = (
            name.startswith("gradient_sigma") and settings["gradient"] != "gaussian"
        )
        if value is not None and not replaced and not unused:
            found[name] = _plain_value(value)
    return found


def _plain_value(value: Any) -> Any:
    if isinstance(value, (tuple, list, np.ndarray)):
        return [float(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
