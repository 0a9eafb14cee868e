"""Texture maps: a feature of the window around every pixel, as an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import _map_sliding
from napari_muscle_us.measure.texture._checks import array_of, shown
from napari_muscle_us.measure.texture._map_boxes import (
    Place,
    Window,
    checked_share,
    checked_steps,
    place_windows,
    window_from_mm,
    window_from_px,
)
from napari_muscle_us.measure.texture.discretise import (
    DEFAULT_BIN_SIZE,
    checked_region,
    discretise,
)
from napari_muscle_us.measure.texture.map_features import MAP_FEATURES, MapFeature
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture.offsets import Offsets

    Gray = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

DEFAULT_WINDOW_PX: Final = 31

DEFAULT_MIN_SHARE: Final = 0.5
"""Our choice: along a straight edge of a region half a window is left."""


def window_size_px(
    *,
    window_px: int = DEFAULT_WINDOW_PX,
    window_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
) -> tuple[int, int]:
    """Return the rows and columns of the window that a texture map uses.

    A window in millimetres becomes, on each axis by itself, the nearest odd number of
    pixels, so that a pixel is its middle. Show what comes out: it is what was measured.

    Parameters
    ----------
    window_px : int, default: 31
        Side of a square window, odd, 3 … 2047. Not used when `window_mm` is given.
    window_mm : float, optional
        Side in mm.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral.

    Returns
    -------
    rows, columns : int
        Both odd.

    Raises
    ------
    MeasureError
        If the window is not possible, or is in mm and the image has no scale.

    Examples
    --------
    >>> window_size_px(window_mm=3.0, spacing_mm=(0.1, 0.2))
    (31, 15)
    """
    window = _window(window_px, window_mm, spacing_mm)
    return window.rows, window.columns


def compute_texture_map(
    gray: Gray,
    features: Sequence[str] = ("contrast", "joint_entropy"),
    *,
    window_px: int = DEFAULT_WINDOW_PX,
    window_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
    bin_size: int = DEFAULT_BIN_SIZE,
    bin_number: int | None = None,
    origin: int = 0,
    offsets: Offsets = DIRECTIONS,
    mask: Mask | None = None,
    min_share: float = DEFAULT_MIN_SHARE,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, npt.NDArray[np.float32]] | None:
    r"""Return texture features of the window around every pixel, each as a map.

    A value is the feature of a region that consists of the window alone, as the IBSI
    defines it: a matrix of each direction, its feature, and the mean over the
    directions (aggregation ``2d_avg``, BTW3). Only the levels are made once, from the
    whole image or region, so that they mean the same everywhere; that matters for a
    fixed `bin_number`.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels of one image. A pixel of value 0 counts.
    features : sequence of str, default: ("contrast", "joint_entropy")
        Keys of `map_features.MAP_FEATURES`: names of the co-occurrence features, with
        ``"energy"`` for the root of the angular second moment as in scikit-image, and
        ``"mean"``, ``"sd"``, ``"entropy"`` of the first order.
    window_px : int, default: 31
        Side of the square window, odd, 3 … 2047. Not used when `window_mm` is given.
    window_mm : float, optional
        Side in mm; the nearest odd number of pixels on each axis, which
        `window_size_px` tells.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. Needed for `window_mm` only.
    bin_size, bin_number, origin
        As for `discretise`. Mean and SD are of the gray levels as they are.
    offsets : tuple of (int, int), default: distance 1, four directions
        Steps (row, column) from one pixel of a pair to the other.
    mask : ndarray of bool, shape of `gray`, optional
        Region. Windows are clipped to it: pixels outside count nowhere, and pairs only
        with both ends inside. Pixels outside have no value.
    min_share : float, default: 0.5
        A window has a value only if it holds this share of the pairs of a full one, in
        every direction (for features of the first order: of its pixels), and at least
        one.
    progress : callable, optional
        Called with the number of parts that are done and of all.
    cancelled : callable, optional
        Asked now and then whether to stop.

    Returns
    -------
    dict of str to ndarray of float32, shape of `gray`, or None
        Map of each feature; ``None`` when it was cancelled. NaN outside the mask and
        where the window holds too few pairs; without a mask, where the window does not
        lie inside the whole image, which is half a window along each edge. The
        correlation is NaN also where all levels are alike in some direction, the SD
        where the window has one pixel.

    Raises
    ------
    MeasureError
        If the image is not one of 8-bit gray levels, the mask does not fit or is
        empty, a feature is unknown, or a setting is not possible, such as a window
        larger than the image.

    Notes
    -----
    A clipped window holds fewer pairs, and the entropy of few pairs is lower, the
    angular second moment higher, whatever the tissue. Do not read a rim along the
    region's edge as a finding; a `min_share` of 1 leaves full windows only.

    The sums of a window are carried along as whole numbers while it moves, and are
    divided at the end, so that nothing drifts. Time grows with the number of pixels
    and, for the entropies and the angular second moment, with the window's side; not
    with the number of gray levels.

    References
    ----------
    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology
    2020;295:328. doi:10.1148/radiol.2020191145. Haralick RM, Shanmugam K, Dinstein I.
    Textural features for image classification. IEEE Trans Syst Man Cybern 1973;3:610.
    doi:10.1109/TSMC.1973.4309314

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((7, 9), np.uint8)
    >>> gray[:, 5:] = 16
    >>> found = compute_texture_map(gray, ["contrast"], window_px=3)["contrast"]
    >>> found[3]
    array([nan, 0. , 0. , 0. , 1.5, 1.5, 0. , 0. , nan], dtype=float32)
    """
    gray = array_of(gray, "image")
    mask = None if mask is None else array_of(mask, "mask")
    window = _window(window_px, window_mm, spacing_mm)
    wanted = _checked_features(features)
    steps = checked_steps(offsets, window)
    share = checked_share(min_share)
    inside = _checked_image(gray, mask)
    place = place_windows((gray.shape[0], gray.shape[1]), window, mask)
    bins = {"bin_size": bin_size, "bin_number": bin_number, "origin": origin}
    passes = _passes(gray, inside, bins, place, window, steps, wanted, share)
    maps = _blank(gray, wanted, np.float32)
    if not _fill(maps, passes, place, mask, progress, cancelled):
        return None
    return maps


def _window(
    window_px: int, window_mm: float | None, spacing_mm: tuple[float, float] | None
) -> Window:
    if window_mm is not None:
        return window_from_mm(window_mm, spacing_mm)
    return window_from_px(window_px)


def _checked_features(features: Sequence[str]) -> list[MapFeature]:
    try:
        keys = [features] if isinstance(features, str) else list(features)
    except TypeError:
        keys = []
    for key in keys:
        if not isinstance(key, str) or key not in MAP_FEATURES:
            raise MeasureError(
                f"There is no texture map {shown(key)}; choose from "
                f"{', '.join(MAP_FEATURES)}."
            )
    if not keys:
        raise MeasureError(
            "No feature was named, so there is no map to make; choose from "
            f"{', '.join(MAP_FEATURES)}."
        )
    return [MAP_FEATURES[key] for key in dict.fromkeys(keys)]


def _checked_image(gray: Gray, mask: Mask | None) -> Mask:
    """Return the mask, all of the image without one; refuse what does not fit."""
    if gray.ndim != 2:
        raise MeasureError(
            f"A texture map needs one gray image of shape (depth, lateral), not "
            f"{gray.shape}; convert colours to gray, and take one frame of a clip."
        )
    inside = np.ones(gray.shape, np.bool_) if mask is None else mask
    checked_region(gray, inside)
    return inside


def _passes(
    gray: Gray,
    inside: Mask,
    bins: dict[str, Any],
    place: Place,
    window: Window,
    steps: Offsets,
    wanted: Sequence[MapFeature],
    share: float,
) -> list[_map_sliding.Pass]:
    """Return what must be computed: once for each kind of levels and of pairs."""
    binned = discretise(gray, inside, **bins)
    as_it_is = np.where(inside, gray.astype(np.uint16) + 1, 0).astype(np.uint16)
    itself = ((0, 0),)
    kinds = {
        "pairs": (binned.levels[0], binned.n_levels, steps),
        "levels": (binned.levels[0], binned.n_levels, itself),
        "gray": (as_it_is, int(as_it_is.max()), itself),
    }
    passes = []
    for source, (levels, n_levels, pairs) in kinds.items():
        these = [feature for feature in wanted if feature.source == source]
        if these:
            levels = place.cut(levels)
            made = _map_sliding.prepare(levels, n_levels, pairs, window, these, share)
            passes.append(made)
    return passes


def _blank(
    gray: Gray, wanted: Sequence[MapFeature], dtype: type[np.floating[Any]]
) -> dict[str, npt.NDArray[Any]]:
    return {feature.key: np.full(gray.shape, np.nan, dtype) for feature in wanted}


def _fill(
    maps: dict[str, npt.NDArray[Any]],
    passes: Sequence[_map_sliding.Pass],
    place: Place,
    mask: Mask | None,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> bool:
    """Write the maps; return whether they are complete, not cancelled."""
    views = {key: values[place.write] for key, values in maps.items()}
    if not _map_sliding.run(passes, views, progress, cancelled):
        return False
    if mask is not None:
        for values in maps.values():
            values[~mask] = np.nan
    return True
