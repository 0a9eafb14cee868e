"""What is known of a frame and of the regions on it, found apart from the window."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.quality import FrameFacts, QualityFlag
    from napari_muscle_us.measure.standard_error import StandardError
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.rules import RoiRules

_MOST: Final = 8
"""So many frames are remembered; one takes two masks of its size."""

# An image object allows no weak reference; its pixels do.
_kept: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], FrameFacts]] = {}


def facts_of(image: UltrasoundImage) -> FrameFacts:
    """Return what the quality flags of a frame need, found once while it is there.

    The first time takes some 30 ms. May be called in any thread.

    Parameters
    ----------
    image : UltrasoundImage
        A still image; of a clip, the frame.

    Returns
    -------
    FrameFacts
        The same object as long as pixels, regions and calibrated part are the same.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    """
    pixels, told = image.pixels, _told(image)
    known = _kept.get(id(pixels))
    if known is not None and known[0]() is pixels and known[1] == told:
        return known[2]
    from napari_muscle_us.measure.quality import prepare

    facts = prepare(image)
    name = id(pixels)
    _kept.pop(name, None)
    _kept[name] = (weakref.ref(pixels, lambda gone: _forget(name, gone)), told, facts)
    for oldest in list(_kept)[:-_MOST]:
        _kept.pop(oldest, None)
    return facts


def _told(image: UltrasoundImage) -> tuple[Any, ...]:
    """Return what the file says of where the picture lies."""
    part = None if image.calibration is None else image.calibration.region
    return tuple(r.bounds for r in image.regions if r.is_picture), part


def _forget(name: int, gone: weakref.ref[Any]) -> None:
    known = _kept.get(name)
    # The address may belong to other pixels by now.
    if known is not None and known[0] is gone:
        del _kept[name]


@dataclass(frozen=True, slots=True, eq=False)
class RegionFindings:
    """What is to be said of a region besides its numbers.

    Attributes
    ----------
    name : str
        Name of the region.
    mean : float
        Its echo intensity; NaN where `problem` says why.
    error : StandardError or None
        Standard error of the mean.
    broken : tuple of str
        A sentence for each rule that it breaks, without a full stop.
    flags : tuple of QualityFlag
        What may spoil its echo intensity.
    window : RoiWindow or None
        Its pixels.
    bright : ndarray of bool or None
        Pixels of the window that look like fascia; ``None`` if not asked for.
    problem : str
        Why nothing could be said, a sentence; empty else.
    """

    name: str
    mean: float = float("nan")
    error: StandardError | None = None
    broken: tuple[str, ...] = ()
    flags: tuple[QualityFlag, ...] = ()
    window: RoiWindow | None = None
    bright: npt.NDArray[np.bool_] | None = None
    problem: str = ""


def look_at(
    image: UltrasoundImage,
    regions: Sequence[Region],
    rules: RoiRules,
    *,
    fascia: bool = False,
) -> list[RegionFindings]:
    """Return what is to be said of regions; some 60 ms for a large one.

    Parameters
    ----------
    image : UltrasoundImage
        The still image they lie on.
    regions : sequence of Region
        Those without pixels are left out.
    rules : RoiRules
        What to check.
    fascia : bool, default: False
        Whether to find the bright pixels too.
    """
    found = []
    for region in regions:
        if region.roi is None or region.window is None:
            continue
        try:
            found.append(_look(image, region, rules, fascia=fascia))
        except MuscleUSError as error:
            found.append(RegionFindings(region.name, problem=str(error)))
    return found


def _look(
    image: UltrasoundImage, region: Region, rules: RoiRules, *, fascia: bool
) -> RegionFindings:
    from napari_muscle_us.measure.intensity import measure_intensity
    from napari_muscle_us.measure.quality import quality_flags
    from napari_muscle_us.measure.standard_error import standard_error_of_mean
    from napari_muscle_us.roi.fascia import fascia_guide
    from napari_muscle_us.roi.rules import check_rules

    roi, window = region.roi, region.window
    if roi is None or window is None:
        return RegionFindings(region.name, problem=region.problem)
    facts = facts_of(image)
    part = image.pixels[window.rows, window.columns]
    bright = None
    if fascia:
        guide = fascia_guide(image.pixels, roi, window, spacing_mm=image.spacing_mm)
        bright = guide.border_mask
    return RegionFindings(
        region.name,
        measure_intensity(part, window.mask).mean,
        standard_error_of_mean(part, window.mask),
        check_rules(image, roi, window, rules, facts=facts),
        quality_flags(image, roi, window, facts=facts),
        window,
        bright,
    )
