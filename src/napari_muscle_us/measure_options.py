"""What is measured of a region beyond ImageJ's numbers; nothing unless asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.fat_correction import (
    FAT_MODELS,
    FatCorrection,
    FatModel,
)
from napari_muscle_us.measure.gray_levels import (
    Band,
    checked_bands,
    checked_percentage,
)
from napari_muscle_us.measure.repeat_rules import ABOVE_BLACK
from napari_muscle_us.roi.shapes import roi_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings
    from napari_muscle_us.measure.texture.settings import TextureSettings
    from napari_muscle_us.roi.rules import RoiRules
    from napari_muscle_us.roi.shapes import Roi

MAX_ENTRIES: Final = 256
"""Most percentiles, and most bands, of one region; there are no more gray levels."""

FAT_MEASURE: Final = "intensity.mean_fat_"
"""Start of the keys of fat-corrected echo intensities; the model follows."""

_ANISOTROPY: Final = "anisotropy."
_HETEROGENEITY: Final = ("intensity.echovariation", "intensity.entropy")


@dataclass(frozen=True, slots=True, eq=False)
class MeasureOptions:
    """Which further measures of a region are wanted, and by which rules it is checked.

    The defaults add no row. Whatever is chosen here stands in the column ``method`` of
    its rows.

    Parameters
    ----------
    percentiles : tuple of float
        Percentages, 0 … 100; a row each. Those given twice are measured once.
    bands : tuple of (int, int)
        Lowest and highest gray level of each band, both included; a row each.
    overlapping_bands : bool, default: False
        Whether bands may overlap.
    heterogeneity : bool, default: False
        Adds echovariation and entropy.
    above_black : bool, default: False
        Adds the mean without black pixels, for reproducing the Radboud workflow.
    standard_error : bool, default: False
        Adds the standard error of the mean.
    fat : FatCorrection, optional
        Adds the echo intensity corrected for subcutaneous fat, beside the raw one.
    fat_models : tuple of str
        Which corrections, of ``"young2015"`` and ``"muller2021"``.
    fat_roi : Polygon, Rectangle, Ellipse or Composite, optional
        Region of subcutaneous fat in the same image; adds the luminosity ratio.
    rules : RoiRules, optional
        The field's rules for regions; what breaks one is said in ``note``.
    texture : TextureSettings, optional
        Adds the features of its families, a row each, and with ``each_direction`` a
        row for each direction too.
    anisotropy : AnisotropySettings, optional
        Adds direction and order of the lines.
    quality : bool, default: True
        Whether ``note`` tells what may spoil the echo intensity.

    Raises
    ------
    MeasureError
        If a percentile, band or model is not possible.

    Examples
    --------
    >>> MeasureOptions(percentiles=(10, 90, 10)).percentiles
    (10.0, 90.0)
    """

    percentiles: tuple[float, ...] = ()
    bands: tuple[Band, ...] = ()
    overlapping_bands: bool = False
    heterogeneity: bool = False
    above_black: bool = False
    standard_error: bool = False
    fat: FatCorrection | None = None
    fat_models: tuple[FatModel, ...] = FAT_MODELS
    fat_roi: Roi | None = None
    rules: RoiRules | None = None
    texture: TextureSettings | None = None
    anisotropy: AnisotropySettings | None = None
    quality: bool = True

    def __post_init__(self) -> None:
        """Check percentiles, bands and models."""
        percentiles = dict.fromkeys(checked_percentage(q) for q in self.percentiles)
        bands = checked_bands(self.bands, allow_overlap=self.overlapping_bands)
        for what, entries in (("percentiles", percentiles), ("bands", bands)):
            if len(entries) > MAX_ENTRIES:
                raise MeasureError(
                    f"There are {len(entries)} {what}; ask for at most {MAX_ENTRIES}."
                )
        unknown = [model for model in self.fat_models if model not in FAT_MODELS]
        if unknown or (self.fat is not None and not self.fat_models):
            raise MeasureError(
                f"The fat corrections {self.fat_models!r} are not possible; choose of "
                f"{', '.join(FAT_MODELS)}."
            )
        object.__setattr__(self, "percentiles", tuple(percentiles))
        object.__setattr__(self, "bands", bands)
        object.__setattr__(self, "fat_models", tuple(dict.fromkeys(self.fat_models)))

    @property
    def active_rules(self) -> RoiRules | None:
        """The rules, if there are any."""
        rules = self.rules
        return rules if rules is not None and rules.active else None


def options_of_row(measure: str, method: Mapping[str, Any]) -> MeasureOptions | None:
    """Return the options that give a row again, ``None`` for a row without any.

    Parameters
    ----------
    measure : str
        Key in the registry.
    method : mapping
        What the row's column ``method`` holds.

    Returns
    -------
    MeasureOptions or None
        Asking for this row alone.

    Raises
    ------
    MuscleUSError
        If the method lacks an entry, or one is not possible.

    Examples
    --------
    >>> options_of_row("intensity.percentile", {"percentile": 90.0}).percentiles
    (90.0,)
    """
    if measure == "intensity.percentile":
        return _quiet(percentiles=(method.get("percentile"),))
    if measure == "intensity.band":
        return _quiet(bands=(_pair(method.get("band")),))
    if measure in _HETEROGENEITY:
        return _quiet(heterogeneity=True)
    if measure == ABOVE_BLACK:
        return _quiet(above_black=True)
    if measure == "intensity.standard_error":
        return _quiet(standard_error=True)
    if measure == "intensity.luminosity_ratio":
        outline = method.get("fat_roi")
        if not isinstance(outline, dict):
            raise MeasureError("The luminosity ratio has no outline of the fat.")
        return _quiet(fat_roi=roi_from_dict(outline, name="fat"))
    model = measure.removeprefix(FAT_MEASURE)
    if model in FAT_MODELS and model != measure:
        return _quiet(fat=FatCorrection.from_method(method), fat_models=(model,))
    if measure.startswith(_ANISOTROPY):
        from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

        return _quiet(anisotropy=AnisotropySettings.from_method(measure, method))
    return _texture(measure.partition(".")[0], method)


def _texture(family: str, method: Mapping[str, Any]) -> MeasureOptions | None:
    from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings

    if family not in FAMILIES:
        return None
    return _quiet(texture=TextureSettings.from_method(family, method))


def _quiet(**wanted: Any) -> MeasureOptions:
    # Notes are not compared, so what they take is not computed.
    return MeasureOptions(quality=False, **wanted)


def _pair(band: object) -> tuple[Any, ...]:
    if not isinstance(band, list) or len(band) != 2:
        raise MeasureError(f"The band {band!r} is not two gray levels.")
    return tuple(band)
