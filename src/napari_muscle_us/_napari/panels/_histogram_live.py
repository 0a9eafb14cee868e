"""The curves and flags of the regions as they are now, computed once each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._histogram_curves import Curve
from napari_muscle_us._napari.panels._histogram_flags import FlagLine
from napari_muscle_us._napari.panels._histogram_rows import caveats
from napari_muscle_us._napari.panels._plot import colour_of
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.extra_rows import shared_pixels
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.measure.quality import quality_flags
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.rasterize import usable_window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._histogram_later import SlowFacts
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.fat_correction import FatCorrection
    from napari_muscle_us.measure.intensity import IntensityStatistics
    from napari_muscle_us.measure.quality import QualityFlag
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi

    Known = tuple[RoiWindow, IntensityStatistics]

_DRAW: Final = "Draw an ROI on the muscle in the panel Muscle ROIs."


class LiveCurves:
    """Measures the chosen regions of a session, anew only those that changed."""

    def __init__(self, session: Session, slow: SlowFacts) -> None:
        self._session = session
        self._slow = slow
        self._fat_of: tuple[UltrasoundImage, Roi, Known] | None = None
        self._image: UltrasoundImage | None = None
        self._known: dict[int, Known] = {}
        self._shown: list[tuple[Region, Curve]] = []
        self._problems: list[str] = []
        self._found = False

    def curves(self, *, everything: bool) -> list[Curve]:
        """Return a curve for each chosen region that is usable."""
        regions = self._session.chosen_regions(everything=everything)
        # A line is selected to be dragged; the regions stay shown meanwhile.
        regions = _areas(regions) or _areas(self._session.regions())
        self._problems = [r.problem for r in regions if r.problem]
        self._found = bool(regions)
        self._shown = []
        if not regions:
            return []
        image = self._session.image()
        self._forget_others(image)
        fat = self._fat_known(image)
        usable = [r for r in regions if r.window is not None]
        for number, region in enumerate(usable):
            curve = self._curve(image, region, fat, colour_of(number))
            self._shown.append((region, curve))
        windows = [r.window for r in usable if r.window is not None]
        errors = self._session.options.standard_error
        self._slow.want(image, windows, errors=errors)
        return [curve for _, curve in self._shown]

    def flags(self) -> list[FlagLine]:
        """Return what may spoil the numbers of the curves made last."""
        if not self._found:
            return [FlagLine(_DRAW, kind="plain")]
        lines = [FlagLine(problem) for problem in self._problems]
        for region, curve in self._shown:
            for line in self._flags_of(region, curve):
                text = f"{region.name}: {line.text}"
                lines.append(line._replace(text=text))
        return lines

    def _flags_of(self, region: Region, curve: Curve) -> Iterator[FlagLine]:
        image, roi, window = self._image, region.roi, region.window
        facts = None if image is None else self._slow.facts(image)
        if image is None or facts is None or roi is None or window is None:
            found: tuple[QualityFlag, ...] = ()
        else:
            found = quality_flags(image, roi, window, facts=facts)
        for flag in found:
            yield FlagLine(flag.sentence, flag.explanation, flag.level)
        for sentence in caveats(curve, self._session.options):
            yield FlagLine(sentence)

    def _curve(
        self,
        image: UltrasoundImage,
        region: Region,
        fat: Known | None,
        colour: str,
    ) -> Curve:
        window = region.window
        options = self._session.options
        shared = 0
        if window is not None and fat is not None:
            shared = shared_pixels(window, fat[0])
        return Curve(
            name=region.name,
            stats=self._statistics(region),
            colour=colour,
            place=self._place(image),
            error=None if window is None else self._slow.error(image, window),
            fat=None if fat is None else fat[1],
            is_fat=options.fat_roi is not None and region.roi is options.fat_roi,
            shared_with_fat=shared,
            correction=_fitting(options.fat, image),
        )

    def _place(self, image: UltrasoundImage) -> str:
        layer = self._session.image_layer
        name = image.name if layer is None else layer.name
        if self._session.clip.is_clip:
            return f"{name}, frame {self._session.frame}"
        return str(name)

    def _fat_known(self, image: UltrasoundImage) -> Known | None:
        """Return pixels and gray levels of the fat that the options name."""
        roi = self._session.options.fat_roi
        if roi is None:
            return None
        if self._fat_of is None or self._fat_of[:2] != (image, roi):
            try:
                window = usable_window(roi, image.frame_shape)
            except MuscleUSError:
                return None
            gray = image.pixels[window.rows, window.columns]
            known = (window, measure_intensity(gray, window.mask))
            self._fat_of = (image, roi, known)
        return self._fat_of[2]

    def _forget_others(self, image: UltrasoundImage) -> None:
        if image is not self._image:
            self._image = image
            self._known.clear()

    def _statistics(self, region: Region) -> IntensityStatistics:
        window, image = region.window, self._image
        if window is None or image is None:
            raise MuscleUSError(region.problem or "The outline is still being drawn.")
        known = self._known.get(region.index)
        if known is None or known[0] is not window:
            gray = image.pixels[window.rows, window.columns]
            known = (window, measure_intensity(gray, window.mask))
            self._known[region.index] = known
        return known[1]


def _areas(regions: list[Region]) -> list[Region]:
    """Return regions without lines and points, which have no gray levels."""
    return [
        r
        for r in regions
        if r.entry is None or not isinstance(r.entry.roi, Polyline | Points)
    ]


def _fitting(fat: FatCorrection | None, image: UltrasoundImage) -> FatCorrection | None:
    """Return a correction if its line, if any, has its length in this image."""
    if fat is None:
        return None
    try:
        fat.refuse_other_length(image.spacing_mm)
    except MuscleUSError:
        return None
    return fat
