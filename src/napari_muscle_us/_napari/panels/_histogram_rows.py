"""The rows of the histogram's table: ImageJ's numbers first, then what was chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.measure.fat_correction import correct_for_fat, correction_caveats
from napari_muscle_us.measure.gray_levels import (
    band_shares,
    echovariation,
    echovariation_reason,
    entropy_bits,
    luminosity_ratio,
    luminosity_ratio_reason,
    mean_above_black,
    mean_above_black_reason,
    percentile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_muscle_us._napari.panels._histogram_curves import Curve
    from napari_muscle_us.measure.fat_correction import FatModel
    from napari_muscle_us.measure_options import MeasureOptions

    Cell = tuple[float, str]
    """A number, and why it is missing or what is to be known about it."""

STATISTICS: Final = (
    ("N (pixels)", "n", "d"),
    ("Mean = EI (gray level)", "mean", ".3f"),
    ("SD, n − 1 (gray level)", "sd", ".3f"),
    ("Min (gray level)", "min", "d"),
    ("Max (gray level)", "max", "d"),
    ("Mode (gray level)", "mode", "d"),
    ("Mode count (pixels)", "mode_count", "d"),
    ("Median (gray level)", "median", "d"),
    ("Skewness", "skewness", ".4f"),
    ("Kurtosis (excess)", "kurtosis", ".4f"),
)

_TIPS: Final = {
    "n": "How many pixels the ROI selects, as in ImageJ.",
    "mean": "Echo intensity: the average gray level, not corrected for anything.",
    "sd": "How much the gray levels scatter about the mean.",
    "min": "Darkest gray level in the ROI.",
    "max": "Brightest gray level in the ROI.",
    "mode": "The gray level that most pixels have.",
    "mode_count": "How many pixels have that gray level.",
    "median": "Half of the pixels are darker, half are brighter.",
    "skewness": "Above 0: a long tail of bright pixels; below 0: of dark ones.",
    "kurtosis": "Above 0: heavier tails than the bell curve, which has 0.",
}

MODEL_NAMES: Final = {"young2015": "Young 2015", "muller2021": "Müller 2021"}
_PENDING: Final = "Computed when the ROI stands still."
_NOT_KEPT: Final = "It was not known when the histogram was kept."
_IS_FAT: Final = "This is the region of fat itself."


@dataclass(frozen=True, slots=True)
class Row:
    """A number of each shown curve, under one title."""

    title: str
    tip: str
    form: str
    cells: tuple[Cell, ...]
    sign: str = ""
    differs: bool = True

    def texts(self) -> list[str]:
        """Return the numbers as they are shown."""
        return [_shown(value, self.form, self.sign) for value, _ in self.cells]

    def difference(self) -> float:
        """Return the second number minus the first; NaN where that says nothing."""
        if not self.differs or len(self.cells) != 2:
            return math.nan
        (first, _), (second, _) = self.cells
        return second - first

    def difference_text(self) -> str:
        """Return the difference as it is shown."""
        return _shown(self.difference(), f"+{self.form}")


def _shown(value: float, form: str, sign: str = "") -> str:
    return "–" if math.isnan(value) else f"{sign}{value:{form}}"


def rows_of(curves: Sequence[Curve], options: MeasureOptions) -> list[Row]:
    """Return all rows for some curves."""
    rows = [
        Row(title, _TIPS[name], form, tuple(_statistic(c, name) for c in curves))
        for title, name, form in STATISTICS
    ]
    rows += _chosen(curves, options)
    return rows


def _chosen(curves: Sequence[Curve], options: MeasureOptions) -> Iterator[Row]:
    def row(title: str, tip: str, form: str, cell: Callable[[Curve], Cell]) -> Row:
        return Row(title, tip, form, tuple(cell(curve) for curve in curves))

    if options.standard_error:
        tip = (
            "Standard error of the mean: how much it would vary in other speckle of "
            "the same tissue. Neighbouring pixels are alike, which is counted in."
        )
        cells = tuple(_error(curve) for curve in curves)
        yield Row("Mean, standard error", tip, ".3f", cells, "± ", differs=False)
    if options.above_black:
        tip = "Mean of the pixels above 0, as the Radboud workflow takes it."
        yield row("Mean without black (Radboud)", tip, ".3f", _above_black)
    for q in options.percentiles:
        tip = f"{q:g} % of the pixels are at most about this bright."
        yield row(f"Percentile {q:g} (gray level)", tip, "d", _percentile(q))
    if options.heterogeneity:
        tip = "100 · SD / mean: how uneven the muscle looks, apart from its brightness."
        yield row("Echovariation (%)", tip, ".2f", _echovariation)
        tip = "How evenly the gray levels are used, from 0, all alike, to 8."
        yield row("Entropy (bits)", tip, ".4f", _entropy)
    for band in options.bands:
        low, high = band
        tip = f"Share of the pixels from gray level {low} to {high}, both included."
        yield row(f"EI band {low}–{high} (%)", tip, ".2f", _band(band))
    if options.fat_roi is not None:
        tip = "Mean of the ROI divided by the mean of the chosen region of fat."
        yield row("Muscle / fat luminosity", tip, ".4f", _luminosity)
    if options.fat is not None:
        for model in options.fat_models:
            tip = (
                "Mean gray level if there were no fat above the muscle; a second "
                "opinion beside the raw mean above, never in its place."
            )
            title = f"EI, fat-corrected ({MODEL_NAMES[model]})"
            yield row(title, tip, ".3f", _corrected(model))


def caveats(curve: Curve, options: MeasureOptions) -> list[str]:
    """Return what is doubtful about the chosen numbers of a curve, a sentence each."""
    said = []
    if options.fat_roi is not None and curve.shared_with_fat and not curve.is_fat:
        said.append(f"{curve.shared_with_fat} of the pixels lie in the fat region too")
    fat = curve.correction
    if options.fat is not None and fat is not None and not curve.is_fat:
        for model in options.fat_models:
            value = correct_for_fat(
                curve.stats.mean, fat.thickness_cm, model=model, slope=fat.slope
            )
            said += correction_caveats(value, fat.thickness_cm, model)
    return list(dict.fromkeys(said))


def _statistic(curve: Curve, name: str) -> Cell:
    value = getattr(curve.stats, name)
    missing = isinstance(value, float) and math.isnan(value)
    return value, curve.stats.reason(name) if missing else ""


def _error(curve: Curve) -> Cell:
    if curve.error is None:
        return math.nan, _NOT_KEPT if curve.kept else _PENDING
    return curve.error.value, curve.error.reason


def _percentile(q: float) -> Callable[[Curve], Cell]:
    return lambda curve: (percentile(curve.stats.histogram, q), "")


def _band(band: tuple[int, int]) -> Callable[[Curve], Cell]:
    return lambda curve: (band_shares(curve.stats.histogram, (band,))[0], "")


def _echovariation(curve: Curve) -> Cell:
    return echovariation(curve.stats), echovariation_reason(curve.stats)


def _above_black(curve: Curve) -> Cell:
    histogram = curve.stats.histogram
    return mean_above_black(histogram), mean_above_black_reason(histogram)


def _entropy(curve: Curve) -> Cell:
    return entropy_bits(curve.stats.histogram), ""


def _luminosity(curve: Curve) -> Cell:
    if curve.is_fat:
        return math.nan, _IS_FAT
    if curve.fat is None:
        return math.nan, _NOT_KEPT if curve.kept else ""
    said = luminosity_ratio_reason(curve.fat)
    if curve.shared_with_fat and not said:
        said = f"{curve.shared_with_fat} of the pixels lie in the fat region too"
    return luminosity_ratio(curve.stats, curve.fat), said


def _corrected(model: FatModel) -> Callable[[Curve], Cell]:
    def cell(curve: Curve) -> Cell:
        if curve.is_fat:
            return math.nan, _IS_FAT
        fat = curve.correction
        if fat is None:
            return math.nan, _NOT_KEPT if curve.kept else ""
        value = correct_for_fat(
            curve.stats.mean, fat.thickness_cm, model=model, slope=fat.slope
        )
        said = [f"Fat of {fat.thickness_cm:.3f} cm ({fat.source})"]
        if model == "young2015":
            said.append(f"{fat.slope:g} gray levels per cm")
        said += correction_caveats(value, fat.thickness_cm, model)
        return value, "; ".join(said)

    return cell
