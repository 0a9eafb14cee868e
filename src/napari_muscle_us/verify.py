"""Recompute the rows of a results table from the images themselves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.anisotropy_rows import is_anisotropy
from napari_muscle_us.architecture_results import (
    is_architecture,
    recompute_architecture,
)
from napari_muscle_us.errors import MuscleUSError, ResultsError
from napari_muscle_us.image import LAYER_CALIBRATION, Calibration, Device
from napari_muscle_us.io.read import read_image
from napari_muscle_us.measure_options import MeasureOptions, options_of_row
from napari_muscle_us.reference.examination.examination_rows import (
    Z_OF_REPEATS,
    recompute_z,
)
from napari_muscle_us.registry import MEASURES
from napari_muscle_us.roi.shapes import roi_from_dict
from napari_muscle_us.row_parts import pixel_method
from napari_muscle_us.rows import measure_values
from napari_muscle_us.samples import SAMPLE_PREFIX, sample_image
from napari_muscle_us.simulate import SIMULATED_NAMES
from napari_muscle_us.texture_rows import direction_of, is_texture, refuse_other_method
from napari_muscle_us.verify_tolerance import RELATIVE_TOLERANCE as RELATIVE_TOLERANCE
from napari_muscle_us.verify_tolerance import agrees
from napari_muscle_us.verify_z import reference_of, request_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from napari_muscle_us.image import GrayRule, UltrasoundImage
    from napari_muscle_us.results import MeasuredValue
    from napari_muscle_us.rows import ZScoreRequest

MAX_INPUTS: Final = 1000
"""Most images that one row over several can name."""

_LONGEST_REASON: Final = 400
_REPEATS: Final = "repeats."
_INPUT_COLUMNS: Final = ("image", "image_sha256", "roi_geometry", "method")
_KEPT_INPUTS: Final = 10_000
_KEPT_REGIONS: Final = 256
_DEVICE: Final = fields(Device)
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Outcome of one row.

    Attributes
    ----------
    row : int
        Number of the row, 1 for the first under the header.
    same : bool
        Whether the row was recomputed and agrees.
    reason : str
        What differs, or why the row could not be recomputed.
    """

    row: int
    same: bool
    reason: str = ""


def verify_results(results: pd.DataFrame, images: str | Path) -> list[RowCheck]:
    """Recompute every row of a results table.

    The image is looked up by name in the folder, must have the stated hash, and is
    measured again with the stated outline and method. Of a row over several images
    each is measured again. Labels, times and notes are not compared.

    Parameters
    ----------
    results : DataFrame
        Rows as read by `napari_muscle_us.read_results`.
    images : str or Path
        Folder with the images; subfolders are searched too.

    Returns
    -------
    list of RowCheck
        One a row, in order.

    Raises
    ------
    ResultsError
        If `images` is no folder.
    """
    folder = Path(images)
    if not folder.is_dir():
        raise ResultsError(
            f"{str(folder)!r} is not a folder; give the folder that holds the images."
        )
    checker = _Checker(folder)
    records = results.to_dict("records")
    return [
        checker.check(number, {str(k): v for k, v in row.items()})
        for number, row in enumerate(records, 1)
    ]


class _Checker:
    """Keeps what several rows share: the image and the values of a region."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._image_key: tuple[str, str, str] | None = None
        self._image: UltrasoundImage | None = None
        self._values: dict[tuple[str, ...], dict[_Name, MeasuredValue]] = {}
        self._inputs: dict[str, tuple[float, Device]] = {}

    def check(self, number: int, row: Mapping[str, Any]) -> RowCheck:
        """Return the outcome of one row."""
        try:
            value, unit = self._recompute(row)
        except MuscleUSError as error:
            return RowCheck(number, same=False, reason=_shortened(str(error)))
        except RecursionError:
            reason = "the row is nested too deep"
            return RowCheck(number, same=False, reason=reason)
        told = float(row["value"])
        if unit != row["unit"]:
            reason = f"the unit is {row['unit']!r}, recomputed {unit!r}"
            return RowCheck(number, same=False, reason=_shortened(reason))
        if agrees(row, told, value):
            return RowCheck(number, same=True)
        reason = f"the value is {told!r}, recomputed {value!r}"
        return RowCheck(number, same=False, reason=reason)

    def _recompute(self, row: Mapping[str, Any]) -> tuple[float, str]:
        measure, method = str(row["measure"]), _json(row["method"], "method")
        if measure not in MEASURES:
            raise ResultsError(f"the measure {measure!r} is unknown to this version")
        if measure.startswith(_REPEATS):
            return self._over_images(row, measure, method), MEASURES[measure].unit
        found, _ = self._measure(row, method)
        return found.value, found.unit

    def _measure(
        self, row: Mapping[str, Any], method: Mapping[str, Any]
    ) -> tuple[MeasuredValue, Device]:
        """Measure the region of a row again; the device is that of its image."""
        measure = str(row["measure"])
        image = self._open(row, str(method.get("gray_rule", "imagej")))
        image = _part_of(image, row, method)
        image = _with_spacing_by_hand(image, method)
        if is_architecture(measure):
            return self._architecture(image, row, method), image.device
        image = _with_device_by_hand(image, method)
        request = request_of(method, self._folder) if "reference" in method else None
        options = options_of_row(measure, method)
        key = tuple(str(row.get(c, "")) for c in ("roi_geometry", "muscle", "side"))
        key = (*key, image.sha256, image.gray_rule, str(request))
        place = (image.spacing_mm, image.frame_index, image.crop)
        key = (*key, str(image.device), str(place), _asked(row, options))
        if key not in self._values:
            values = _measure_again(image, row, request, options)
            if len(self._values) >= _KEPT_REGIONS:
                self._values.clear()
            self._values[key] = {(v.measure, direction_of(v.method)): v for v in values}
        found = self._values[key].get((measure, direction_of(method)))
        if found is None:
            raise ResultsError(f"the method of {measure!r} is incomplete")
        if is_texture(measure) or is_anisotropy(measure):
            refuse_other_method(image, method, found)
        if measure == "intensity.standard_error":
            _refuse_other_parameters(image, method, found)
        return found, image.device

    def _architecture(
        self, image: UltrasoundImage, row: Mapping[str, Any], method: Mapping[str, Any]
    ) -> MeasuredValue:
        """Return a number between two aponeuroses, from the lines of its row."""
        place = (image.sha256, image.gray_rule, image.frame_index, image.crop)
        texts = (str(row["roi_geometry"]), str(row["method"]))
        key = (*texts, str((*place, image.spacing_mm)))
        if key not in self._values:
            geometry = _json(row["roi_geometry"], "roi_geometry")
            values = recompute_architecture(image, geometry, method)
            if len(self._values) >= _KEPT_REGIONS:
                self._values.clear()
            self._values[key] = {(v.measure, ""): v for v in values}
        found = self._values[key].get((str(row["measure"]), ""))
        if found is None:
            raise ResultsError(f"the row of {row['measure']!r} has no fascicle")
        refuse_other_method(image, method, found)
        return found

    def _over_images(
        self, row: Mapping[str, Any], measure: str, method: Mapping[str, Any]
    ) -> float:
        """Return a value over several images from the images themselves."""
        from napari_muscle_us.measure.repeat_rules import measure_of_rule
        from napari_muscle_us.measure.repeats import recompute

        needed = measure_of_rule(method.get("rule"))
        inputs = method.get("inputs")
        if not isinstance(inputs, list) or len(inputs) > MAX_INPUTS:
            raise ResultsError(
                f"the method does not name its images, at most {MAX_INPUTS}"
            )
        found = [self._input(entry, needed) for entry in inputs]
        if measure == Z_OF_REPEATS:
            reference = reference_of(method, self._folder)
            return recompute_z(row, method, reference, found, folder=self._folder)
        return float(recompute(measure, method, [value for value, _ in found]))

    def _input(self, entry: object, needed: str) -> tuple[float, Device]:
        """Return the measure that is needed of one image, and the image's device."""
        if not isinstance(entry, dict):
            raise ResultsError("an image in the method is not a JSON object")
        text = json.dumps([needed, entry], sort_keys=True)
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        if key not in self._inputs:
            if len(self._inputs) >= _KEPT_INPUTS:
                self._inputs.clear()
            row = {
                "roi": "",
                "muscle": entry.get("muscle", ""),
                "measure": needed,
                "frame": entry.get("frame", 0),
            } | {c: _text(entry.get(c, "")) for c in _INPUT_COLUMNS}
            method = _json(row["method"], "method")
            value, device = self._measure(row, method)
            self._inputs[key] = (value.value, device)
        return self._inputs[key]

    def _open(self, row: Mapping[str, Any], gray_rule: str) -> UltrasoundImage:
        name, sha256 = str(row["image"]), str(row["image_sha256"])
        # "stored" says that the file holds gray levels, which no rule changes.
        rule: GrayRule = "luma601" if gray_rule == "luma601" else "imagej"
        if self._image is None or self._image_key != (name, sha256, rule):
            self._image = _find_image(self._folder, name, sha256, rule)
            self._image_key = (name, sha256, rule)
        return self._image


def _asked(row: Mapping[str, Any], options: MeasureOptions | None) -> str:
    """Return what tells the rows of a region apart that are not computed together."""
    if options is None:
        return ""
    if options.texture is not None:
        # All features of a family and setting come from one matrix.
        return str(options.texture)
    if options.anisotropy is not None:
        return str(options.anisotropy)
    return f"{row['measure']} {row['method']}"


def _measure_again(
    image: UltrasoundImage,
    row: Mapping[str, Any],
    request: ZScoreRequest | None,
    options: MeasureOptions | None,
) -> list[MeasuredValue]:
    roi = roi_from_dict(
        _json(row["roi_geometry"], "roi_geometry"),
        name=str(row["roi"]),
        muscle=str(row["muscle"]),
        # A model may use the side; of other measures it is a label, not compared.
        side="" if request is None else str(row.get("side", "")).strip().casefold(),
    )
    # Without options no notes either: they are not compared, and take time.
    options = MeasureOptions(quality=False) if options is None else options
    return measure_values(image, roi, z_score=request, options=options)


def _refuse_other_parameters(
    image: UltrasoundImage, method: Mapping[str, Any], found: MeasuredValue
) -> None:
    """Refuse a row whose parameters are not those that this version has built in."""
    for name in found.method.keys() - pixel_method(image).keys():
        if method.get(name) != found.method[name]:
            raise ResultsError(f"{name!r} in the method is not that of this version")


def _find_image(
    folder: Path, name: str, sha256: str, rule: GrayRule
) -> UltrasoundImage:
    sample = name.removeprefix(SAMPLE_PREFIX)
    if sample != name and sample in SIMULATED_NAMES:
        found = [sample_image(sample)]
    else:
        if not name or Path(name).name != name or name in (".", ".."):
            raise ResultsError(f"the image name {name!r} is not a file name")
        paths = [p for p in sorted(folder.rglob("*")) if p.name == name and p.is_file()]
        if not paths:
            raise ResultsError(f"the image {name!r} is not in the folder")
        found = _readable(paths, rule)
    for image in found:
        if image.sha256 == sha256:
            return image
    raise ResultsError(f"the image {name!r} is not the file that was measured")


def _readable(paths: list[Path], rule: GrayRule) -> list[UltrasoundImage]:
    """Return the images of files of one name; an unreadable copy hides no other."""
    images, problems = [], []
    for path in paths:
        try:
            images.append(read_image(path, gray_rule=rule))
        except MuscleUSError as error:
            problems.append(error)
    if problems and not images:
        raise problems[0]
    return images


def _part_of(
    image: UltrasoundImage, row: Mapping[str, Any], method: Mapping[str, Any]
) -> UltrasoundImage:
    """Return the frame and the part of the picture that were measured."""
    try:
        image = image.frame(int(row["frame"]))
        crop = method.get("crop")
        if crop is None:
            return image
        top, bottom, left, right = (int(v) for v in crop)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, MuscleUSError):
            raise
        raise ResultsError("the frame or crop of the row is no number") from None
    return image.cropped((top, bottom, left, right))


def _with_spacing_by_hand(
    image: UltrasoundImage, method: Mapping[str, Any]
) -> UltrasoundImage:
    """Return the image with the spacing that the user had set in napari, if any."""
    if "spacing_mm" in method and method["spacing_mm"] is None:
        return replace(image, calibration=None)
    source = method.get("spacing_source")
    by_user = method.get("spacing_by_user") is True
    if source != LAYER_CALIBRATION and not by_user:
        return image
    try:
        depth, lateral = (float(v) for v in method["spacing_mm"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ResultsError("the size of a pixel in the method is not usable") from None
    known = Calibration((depth, lateral), str(source), by_user=by_user)
    return replace(image, calibration=known)


def _with_device_by_hand(
    image: UltrasoundImage, method: Mapping[str, Any]
) -> UltrasoundImage:
    """Return the image with what the user had completed of the device profile."""
    told = method.get("device_by_user")
    if told is None:
        return image
    kinds = {f.name: str if "str" in str(f.type) else (int, float) for f in _DEVICE}
    if not isinstance(told, dict) or not all(
        value is None or isinstance(value, kinds.get(name, ()))
        for name, value in told.items()
    ):
        raise ResultsError("the device in the method of the Z-score is not usable")
    return replace(image, device=replace(image.device, **told))


def _json(text: Any, column: str) -> Mapping[str, Any]:
    try:
        value = json.loads(str(text))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ResultsError(f"the column {column} is not a JSON object")
    return value


def _shortened(reason: str) -> str:
    """Return a reason in one line, without the middle of what a row made it quote."""
    # A lone surrogate could not even be printed.
    reason = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in reason
    )
    if len(reason) <= _LONGEST_REASON:
        return reason
    half = _LONGEST_REASON // 2
    return f"{reason[:half]} … {reason[-half:]}"


def _text(value: object) -> str:
    """Return an entry of an image as the text that a column of the table holds."""
    return json.dumps(value) if isinstance(value, dict) else str(value)
