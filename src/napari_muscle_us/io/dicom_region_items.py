"""From the items of SequenceOfUltrasoundRegions to regions of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from napari_muscle_us.io._pydicom import quiet_pydicom
from napari_muscle_us.io.dicom_elements import integer_of, number_of, value_of
from napari_muscle_us.io.dicom_spacing import is_damaged, spacing_problem
from napari_muscle_us.regions import UltrasoundRegion

if TYPE_CHECKING:
    from pydicom import Dataset

    from napari_muscle_us.io.dicom_spacing import Spacing

MAX_REGIONS: Final = 100
"""Items that are read; scanners write fewer than ten."""

_SEQUENCE: Final = "SequenceOfUltrasoundRegions"
_DAMAGED: Final = "The file's list of ultrasound regions is damaged and is not used."
_MM_PER_CM: Final = 10.0
_CENTIMETRE: Final = "cm"
_FLAT: Final = 1
_M_MODE: Final = 2
_FORMATS: Final = {
    2: "M-mode",
    3: "spectral Doppler",
    4: "waveform",
    5: "graphics",
}
_PICTURES: Final = {1: "tissue", 2: "colour flow"}
_DATA: Final = {
    **_PICTURES,
    3: "spectral Doppler (PW)",
    4: "spectral Doppler (CW)",
    5: "Doppler mean trace",
    6: "Doppler mode trace",
    7: "Doppler maximum trace",
    8: "volume trace",
    9: "change of volume trace",
    10: "ECG",
    11: "pulse",
    12: "phonocardiogram",
    13: "gray bar",
    14: "colour bar",
    15: "integrated backscatter",
    16: "area trace",
    17: "change of area trace",
    18: "other physiological trace",
}
_UNITS: Final = (
    "none",
    "percent",
    "dB",
    "cm",
    "s",
    "Hz",
    "dB/s",
    "cm/s",
    "cm²",
    "cm²/s",
    "cm³",
    "cm³/s",
    "degrees",
)
PICTURE_KINDS: Final = tuple(_PICTURES.values())
"""`UltrasoundRegion.kind` of 2-D pictures, and of nothing else."""

_UNITS_SAY_NOTHING: Final = (
    "The units of depth and width are {} and {}, so the size of a pixel is not stated."
)
_RESIZED: Final = (
    "The regions reach {}, which was resized after acquisition; the size of a pixel is "
    "doubtful and not used unless you accept it in the panel Acquisition."
)
_EITHER: Final = (
    "The regions reach {}, which was cut or resized after acquisition; the file does "
    "not tell which, so the size of a pixel is doubtful and not used unless you accept "
    "it in the panel Acquisition."
)
_CUT: Final = (
    "The regions reach {}, which was cut after acquisition; check the size of a pixel "
    "against the ruler on the picture."
)
_ENLARGED: Final = (
    "The regions lie in the upper left quarter of the image; if it was enlarged after "
    "acquisition, the size of a pixel is wrong, so check it against the ruler on the "
    "picture."
)

_Corners = tuple[int, int, int, int]
"""``(y0, y1, x0, x1)``, both ends included, as in DICOM."""


@dataclass(frozen=True, slots=True)
class RegionList:
    """The regions of a file and what was noticed on the way.

    Parameters
    ----------
    regions : tuple of UltrasoundRegion
        In the file's order.
    is_stated : bool
        Whether the file describes any region, readable or not.
    notes : tuple of str
        Sentences on the list itself.
    change_note : str
        Sentence on a cut or enlarged image whose calibration is used all the same.
    """

    regions: tuple[UltrasoundRegion, ...] = ()
    is_stated: bool = False
    notes: tuple[str, ...] = ()
    change_note: str = ""


@dataclass(frozen=True, slots=True)
class _Axis:
    unit: str
    delta: float
    reference: int | None
    value: float


@dataclass(frozen=True, slots=True)
class _Item:
    index: int
    kind: str
    is_flat: bool
    corners: _Corners | None
    depth: _Axis
    lateral: _Axis


def read_regions(
    dataset: Dataset, shape: tuple[int, int]
) -> tuple[UltrasoundRegion, ...]:
    """Return what the scanner wrote of the parts of the picture.

    Bounds are inclusive in DICOM; here stops are excluded, and `bounds` are clipped to
    the image. Only the unit cm is a length: ``spacing in mm = 10 · |PhysicalDelta|``,
    its sign is kept in `direction` (some scanners count leftwards). The reference
    pixel, which the file gives from the region's upper left corner, is moved to the
    whole image.

    A picture gets a `problem` when it has no spacing, when its bounds are missing,
    reversed or outside the image, and when the image was changed after acquisition:

    * Regions beyond both far edges: the image was reduced, so their scale is wrong.
    * Beyond one edge, and a region ends at the image's other edge: the image was cut
      and keeps its scale; `calibrate` says so.
    * Beyond one edge only: cut or reduced, which cannot be told apart; doubtful.

    One pixel beyond is how some makers count. All regions testify, since a reduced
    duplex image may leave its upper picture inside.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The parsed header.
    shape : tuple of int
        Rows and columns of the stored image.

    Returns
    -------
    tuple of UltrasoundRegion
        In the file's order, from the first `MAX_REGIONS` items. Broken items carry a
        `problem`; of a damaged list nothing is read. Nothing is raised.

    References
    ----------
    DICOM PS3.3 C.8.5.5 (US Region Calibration).
    """
    return list_regions(dataset, shape).regions


def list_regions(dataset: Dataset, shape: tuple[int, int]) -> RegionList:
    """Return regions and notes; see `read_regions`."""
    from pydicom.sequence import Sequence

    with quiet_pydicom():
        sequence = value_of(dataset, _SEQUENCE)
        if sequence is None and not is_damaged(dataset, _SEQUENCE):
            return RegionList()
        if not isinstance(sequence, Sequence):
            return RegionList(is_stated=True, notes=(_DAMAGED,))
        first = islice(sequence, MAX_REGIONS)
        items = [_read(index, entry) for index, entry in enumerate(first)]
        total = len(sequence)
    doubt, change_note = _changed(items, shape)
    notes: tuple[str, ...] = ()
    if total > MAX_REGIONS:
        notes = (
            f"The file lists {total} ultrasound regions; the first {MAX_REGIONS} are "
            "read.",
        )
    regions = tuple(_region(item, shape, doubt) for item in items)
    return RegionList(regions, total > 0, notes, change_note)


def _read(index: int, entry: Dataset) -> _Item:
    spatial = integer_of(entry, "RegionSpatialFormat")
    data = integer_of(entry, "RegionDataType")
    return _Item(
        index,
        _kind(spatial, data),
        spatial == _FLAT and data in _PICTURES,
        _corners(entry),
        _axis(entry, "Y"),
        _axis(entry, "X"),
    )


def _corners(entry: Dataset) -> _Corners | None:
    y0, y1, x0, x1 = (
        integer_of(entry, f"RegionLocation{end}")
        for end in ("MinY0", "MaxY1", "MinX0", "MaxX1")
    )
    if y0 is None or y1 is None or x0 is None or x1 is None:
        return None
    return y0, y1, x0, x1


def _axis(entry: Dataset, axis: str) -> _Axis:
    code = integer_of(entry, f"PhysicalUnits{axis}Direction")
    is_known = code is not None and 0 <= code < len(_UNITS)
    delta = number_of(entry, f"PhysicalDelta{axis}")
    return _Axis(
        _UNITS[code] if code is not None and is_known else "not stated",
        math.nan if delta is None else delta,
        integer_of(entry, f"ReferencePixel{axis}0"),
        number_of(entry, f"ReferencePixelPhysicalValue{axis}") or 0.0,
    )


def _kind(spatial: int | None, data: int | None) -> str:
    """Return what a region shows, from its spatial format and its data type."""
    shown = _DATA.get(data or 0, "")
    where = _FORMATS.get(spatial or 0, "")
    if spatial == _FLAT:
        return shown or "picture of unstated data"
    if spatial == _M_MODE:
        return where if shown in ("", "tissue") else f"{where}, {shown}"
    if data in _PICTURES:
        return f"{shown}, {where or 'format not stated'}"
    return shown or where or "not stated"


def _region(item: _Item, shape: tuple[int, int], doubt: str) -> UltrasoundRegion:
    y0, y1, x0, x1 = item.corners or (0, -1, 0, -1)
    rows, columns = _clip(y0, y1, shape[0]), _clip(x0, x1, shape[1])
    axes = (item.depth, item.lateral)
    spacing = _spacing(axes)
    no_scale = _UNITS_SAY_NOTHING.format(axes[0].unit, axes[1].unit)
    if spacing is not None:
        no_scale = spacing_problem(spacing)
    problem = _bounds_problem(item, shape)
    if item.is_flat:
        problem = problem or no_scale or doubt
    to_mm = [_MM_PER_CM if a.unit == _CENTIMETRE else 1.0 for a in axes]
    return UltrasoundRegion(
        item.index,
        item.kind,
        is_picture=item.is_flat and rows[0] < rows[1] and columns[0] < columns[1],
        bounds=(*rows, *columns),
        stated_bounds=(y0, y1 + 1, x0, x1 + 1),
        spacing_mm=None if no_scale else spacing,
        direction=(_sign(item.depth.delta), _sign(item.lateral.delta)),
        reference_px=_reference(axes, (y0, x0)) if item.corners else None,
        reference_value=(axes[0].value * to_mm[0], axes[1].value * to_mm[1]),
        units=(item.depth.unit, item.lateral.unit),
        problem=problem,
    )


def _clip(first: int, last: int, size: int) -> tuple[int, int]:
    """Return start and stop of the part inside 0 … size; equal when there is none."""
    start = min(max(first, 0), size)
    return start, max(min(last + 1, size), start)


def _spacing(axes: tuple[_Axis, _Axis]) -> Spacing | None:
    if any(a.unit != _CENTIMETRE for a in axes):
        return None
    depth, lateral = (abs(a.delta) * _MM_PER_CM for a in axes)
    return depth, lateral


def _sign(delta: float) -> int:
    return -1 if delta < 0 else 1


def _reference(
    axes: tuple[_Axis, _Axis], corner: tuple[int, int]
) -> tuple[float, float] | None:
    """Return the reference pixel in the whole image, ``None`` without a full one."""
    depth, lateral = axes
    if depth.reference is None or lateral.reference is None:
        return None
    return (
        float(corner[0] + depth.reference),
        float(corner[1] + lateral.reference),
    )


def _bounds_problem(item: _Item, shape: tuple[int, int]) -> str:
    if item.corners is None:
        return "The bounds of the region are missing or no whole numbers."
    y0, y1, x0, x1 = item.corners
    words = f"(rows {y0} to {y1}, columns {x0} to {x1})"
    if y1 < y0 or x1 < x0:
        return f"The bounds of the region are reversed {words}."
    if item.is_flat and (y1 == y0 or x1 == x0):
        # All zero is what a program writes that does not know them.
        return f"The bounds of the region hold no picture {words}."
    if y0 >= shape[0] or x0 >= shape[1] or y1 < 0 or x1 < 0:
        return (
            f"The region {words} lies outside the image of {shape[0]} × {shape[1]} "
            "pixels."
        )
    return ""


def _changed(items: list[_Item], shape: tuple[int, int]) -> tuple[str, str]:
    """Return why scales are doubtful, or else what to warn of."""
    ends = [i.corners for i in items if i.corners and _is_ordered(i.corners)]
    if not ends:
        return "", ""
    bottom, right = max(c[1] for c in ends), max(c[3] for c in ends)
    below, beside = bottom > shape[0], right > shape[1]
    image = f"an image of {shape[0]} × {shape[1]} pixels"
    if below and beside:
        return _RESIZED.format(f"row {bottom} and column {right} of {image}"), ""
    if below or beside:
        reach = f"{f'row {bottom}' if below else f'column {right}'} of {image}"
        # Reducing would have moved the other edge too.
        kept = right >= shape[1] - 1 if below else bottom >= shape[0] - 1
        return ("", _CUT.format(reach)) if kept else (_EITHER.format(reach), "")
    if 2 * (bottom + 1) <= shape[0] and 2 * (right + 1) <= shape[1]:
        return "", _ENLARGED
    return "", ""


def _is_ordered(corners: _Corners) -> bool:
    y0, y1, x0, x1 = corners
    return y0 <= y1 and x0 <= x1
