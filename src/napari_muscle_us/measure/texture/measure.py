"""Texture of a region: every family by one call, with all that it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._parallel import side_by_side
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import array_of, checked_spacing
from napari_muscle_us.measure.texture._zones import both_zone_features
from napari_muscle_us.measure.texture.discretise import (
    Levels,
    checked_region,
    discretise,
    normalise_three_sigma,
)
from napari_muscle_us.measure.texture.families import (
    family_module,
    features_of,
    reason,
)
from napari_muscle_us.measure.texture.offsets import (
    DIRECTIONS,
    missing_pairs,
    offsets_mm,
    offsets_px,
)
from napari_muscle_us.measure.texture.settings import DIRECTED, TextureSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.measure.texture.offsets import Offsets

    Gray = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]
    Values = Mapping[str, float]

_WORTH_THREADS: Final = 20_000
"""Pixels from which threads save more than they cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture(Mapping[str, float]):
    """Texture features of a region: a mapping from key to value.

    Attributes
    ----------
    features : mapping of str to float
        Such as ``"glcm.joint_entropy"`` → bit. NaN where a value cannot be computed.
    directions : mapping of (int, int) to mapping
        Values of each direction, where they were asked for: step (row, column) in px
        of one pixel of distance for runs, of `offsets` for pairs.
    offsets : tuple of (int, int)
        Steps between the pixels of a pair.
    offset_mm : tuple of (float, float)
        The same in mm (depth, lateral); empty without a spacing.
    levels : Levels
        Region after discretisation.
    settings : TextureSettings
        What was asked for.
    """

    features: Values
    directions: Mapping[tuple[int, int], Values]
    offsets: Offsets
    offset_mm: tuple[tuple[float, float], ...]
    levels: Levels
    settings: TextureSettings

    def __getitem__(self, key: str) -> float:
        return self.features[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def family(self, name: str) -> dict[str, float]:
        """Return the values of one family."""
        return {k: v for k, v in self.features.items() if k.partition(".")[0] == name}

    def reason(self, key: str) -> str:
        """Return why a value is NaN, a phrase; empty where there is a value."""
        return reason(key, self.family(key.partition(".")[0]))

    def method(self, family: str) -> dict[str, Any]:
        """Return the settings that a family's values depend on, as JSON values."""
        return self.settings.method(family, self.offsets)

    def caveats_of(self, family: str) -> tuple[str, ...]:
        """Return sentences on what may spoil the values of a family."""
        if family in ("stat", "lbp"):
            return ()
        said = [self.levels.caveat]
        if family == "glcm":
            said.append(missing_pairs(self.levels.levels > 0, self.offsets))
        return tuple(filter(None, said))

    @property
    def caveats(self) -> tuple[str, ...]:
        """Sentences on what may spoil the values."""
        every = (self.caveats_of(family) for family in self.settings.families)
        return tuple(dict.fromkeys(sentence for said in every for sentence in said))


def measure_texture(
    gray: Gray,
    mask: Mask,
    *,
    families: Sequence[str] = ("glcm",),
    bin_size: int = 8,
    bin_number: int | None = None,
    origin: int = 0,
    normalise: bool = False,
    distance_px: int = 1,
    distance_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
    aggregation: str = "2d_s_mrg",
    each_direction: bool = False,
    neighbourhood_px: int = 1,
    alpha: int = 0,
    radius_px: int = 1,
) -> Texture:
    r"""Return texture features of a region by the definitions of the IBSI.

    Only pixels inside the mask count, and only pairs, runs and neighbours that lie
    inside it wholly. A pixel of value 0 inside counts.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels. The frames of a clip are the slices of the standard.
    mask : ndarray of bool, same shape
        Region; of shape (depth, lateral) it holds for every frame.
    families : sequence of str, default: ("glcm",)
        ``"stat"`` 18 first-order statistics, ``"hist"`` 23 of the histogram,
        ``"glcm"`` 25 of the co-occurrence matrix, ``"glrlm"`` 16 of run lengths,
        ``"glszm"`` 16 of size zones, ``"gldzm"`` 16 of distance zones, ``"ngtdm"`` 5
        of gray tone differences, ``"ngldm"`` 17 of dependence, ``"lbp"`` 12 of local
        binary patterns.
    bin_size : int, default: 8
        Gray levels in a bin; the default makes 32 levels, which keep the meaning of
        the gray scale. 1 keeps all 256. Not used with `bin_number`.
    bin_number : int, optional
        Number of bins over the region's own range, which takes out gain and offset.
    origin : int, default: 0
        Gray level at which the first bin of fixed size begins.
    normalise : bool, default: False
        Whether gray levels are first brought to the region's own µ ± 3σ.
    distance_px : int, default: 1
        Distance between the pixels of a pair, along rows and columns alike.
    distance_mm : float, optional
        The same in mm, rounded to whole pixels on each axis; see ``.offsets``.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. Needed for `distance_mm`.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        One matrix a frame with all directions (SUJT, default), one for each frame and
        direction and the mean of the features (BTW3), one for each direction with all
        frames (JJUI), one of all (ZW7Z).
    each_direction : bool, default: False
        Whether ``.directions`` holds co-occurrence and run length of each direction.
    neighbourhood_px : int, default: 1
        Reach of the neighbourhood for ``"ngtdm"`` and ``"ngldm"``.
    alpha : int, default: 0
        Largest difference of levels that are alike, for ``"ngldm"``.
    radius_px : int, default: 1
        Radius of the circle for ``"lbp"``.

    Returns
    -------
    Texture
        Mapping from key to value. NaN where a value cannot be computed, such as the
        correlation of one gray level; ``.reason(key)`` says why.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, the region covers no pixel,
        or a setting is not possible.

    References
    ----------
    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology
    2020;295:328. doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> sample = mus.simulate_muscle("transverse_healthy")
    >>> roi = mus.Polygon(sample.muscle_outline)
    >>> mask = mus.roi_mask(roi, sample.gray.shape)
    >>> texture = mus.measure_texture(sample.gray, mask, families=("glcm", "ngtdm"))
    >>> len(texture), texture.method("ngtdm")["aggregation_ibsi"]
    (30, '8QNN')
    """
    settings = TextureSettings(
        families=families,  # type: ignore[arg-type]
        bin_size=bin_size,
        bin_number=bin_number,
        origin=origin,
        normalise=normalise,
        distance_px=distance_px,
        distance_mm=distance_mm,
        aggregation=aggregation,  # type: ignore[arg-type]
        each_direction=each_direction,
        neighbourhood_px=neighbourhood_px,
        alpha=alpha,
        radius_px=radius_px,
    )
    return texture_of(gray, mask, settings, spacing_mm=spacing_mm)


def texture_of(
    gray: Gray,
    mask: Mask,
    settings: TextureSettings,
    *,
    spacing_mm: tuple[float, float] | None = None,
) -> Texture:
    """Return texture features of a region by settings that are kept together.

    Parameters
    ----------
    gray, mask
        As `measure_texture`.
    settings : TextureSettings
        Families and all else.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. Needed for a distance in mm.

    Returns
    -------
    Texture
        As `measure_texture`.

    Raises
    ------
    MeasureError
        As `measure_texture`.
    """
    gray, mask = _checked(array_of(gray, "image"), array_of(mask, "mask"))
    offsets = steps_of(settings, spacing_mm)
    lengths = _lengths(offsets, spacing_mm)
    used = normalise_three_sigma(gray, mask) if settings.normalise else gray
    bins = _bins(settings)
    levels = discretise(used, mask, **bins)
    found = _in_parallel(_work(gray, used, mask, levels, settings, offsets), mask)
    # In the order of the families, whoever was done first.
    values = {key: found[key] for f in settings.families for key in _keys(f)}
    directions: dict[tuple[int, int], dict[str, float]] = {}
    for family in settings.families:
        if settings.each_direction and family in DIRECTED:
            for step, told in _by_direction(family, levels, settings, offsets):
                directions.setdefault(step, {}).update(told)
    return Texture(values, directions, offsets, lengths, levels, settings)


def _checked(gray: Gray, mask: Mask) -> tuple[Gray, Mask]:
    """Return image and mask; refuse colours too where the mask has them as well."""
    checked_region(gray, mask)
    # Three or four columns are no clip, and its rows would be taken for frames.
    if gray.ndim == mask.ndim == 3 and gray.shape[2] in (3, 4):
        raise MeasureError(
            f"The image has shape {gray.shape}, which is that of a colour image; "
            "convert colours to gray first."
        )
    return gray, mask


def steps_of(
    settings: TextureSettings, spacing_mm: tuple[float, float] | None
) -> Offsets:
    """Return the steps between the pixels of a pair.

    Raises
    ------
    MeasureError
        If the distance is in mm and the image has no scale, or rounds to no pixel.
    """
    if "glcm" not in settings.families:
        return DIRECTIONS
    if settings.distance_mm is None:
        return offsets_px(settings.distance_px)
    return offsets_mm(settings.distance_mm, spacing_mm).offsets


def _keys(family: str) -> list[str]:
    return [feature.key for feature in features_of(family)]


def _work(
    gray: Gray,
    used: Gray,
    mask: Mask,
    levels: Levels,
    settings: TextureSettings,
    offsets: Offsets,
) -> list[Callable[[], dict[str, float]]]:
    """Return what is to be computed, in parts that do not depend on each other."""
    families = list(settings.families)
    parts: list[Callable[[], dict[str, float]]] = []
    if {"glszm", "gldzm"} <= set(families):
        # The zones are the same, and finding them is what takes the time.
        families = [f for f in families if f not in ("glszm", "gldzm")]
        both, way = both_zone_features, settings.aggregation
        parts.append(partial(both, levels.levels, levels.n_levels, aggregation=way))
    for family in families:
        if family == "stat":
            parts.append(
                partial(family_module(family).first_order_features, used, mask)
            )
        elif family == "lbp":
            compute = family_module(family).lbp_features
            parts.append(partial(compute, gray, mask, radius_px=settings.radius_px))
        else:
            parts.append(partial(_of_levels, family, levels, settings, offsets))
    return parts


def _in_parallel(
    parts: list[Callable[[], dict[str, float]]], mask: Mask
) -> dict[str, float]:
    """Run parts beside each other where that is worth it; the loops hold no lock."""
    if len(parts) < 2 or mask.size < _WORTH_THREADS:
        done = [part() for part in parts]
    else:
        done = side_by_side(parts)
    return {key: value for values in done for key, value in values.items()}


def _bins(settings: TextureSettings) -> dict[str, Any]:
    return {
        "bin_size": settings.bin_size,
        "bin_number": settings.bin_number,
        "origin": settings.origin,
    }


def _of_levels(
    family: str, levels: Levels, settings: TextureSettings, offsets: Offsets
) -> dict[str, float]:
    """Return the values of a family that is taken from discretised levels."""
    compute = getattr(family_module(family), f"{family}_features", None)
    options: dict[str, Any] = {"aggregation": settings.aggregation}
    if family == "hist":
        compute, options = family_module(family).histogram_features, {}
    elif family == "glcm":
        options["offsets"] = offsets
    elif family in ("ngtdm", "ngldm"):
        options["distance_px"] = settings.neighbourhood_px
    if family == "ngldm":
        options["alpha"] = settings.alpha
    found: dict[str, float] = compute(levels.levels, levels.n_levels, **options)  # type: ignore[misc]
    return found


def _by_direction(
    family: str, levels: Levels, settings: TextureSettings, offsets: Offsets
) -> Iterator[tuple[tuple[int, int], dict[str, float]]]:
    """Yield each direction with its values, frames as the aggregation has them."""
    steps = offsets if family == "glcm" else DIRECTIONS
    merged = settings.aggregation.startswith("2.5d")
    way = "2.5d_d_mrg" if merged else "2d_avg"
    compute = getattr(family_module(family), f"{family}_features")
    for step in steps:
        yield (
            step,
            compute(levels.levels, levels.n_levels, offsets=(step,), aggregation=way),
        )


def _lengths(
    offsets: Offsets, spacing_mm: tuple[float, float] | None
) -> tuple[tuple[float, float], ...]:
    """Return offsets in mm, empty without a spacing; refuse what is no length."""
    if spacing_mm is None:
        return ()
    depth, lateral = checked_spacing(spacing_mm)
    return tuple((row * depth, column * lateral) for row, column in offsets)
