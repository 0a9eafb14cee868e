"""Which pixels are the ultrasound picture, and which are screen furniture.

Tissue is speckle: neighbouring pixels differ nearly everywhere. What surrounds a
picture on a screen is flat, and text is small. So the picture is the largest stretch of
texture, whatever the shade of the screen around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy import ndimage

from napari_muscle_us.device._texture import block_mean, textured
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds

    Mask = npt.NDArray[np.bool_]

Found = Literal["region of the file", "largest connected picture", "whole image"]

BLOCKS: Final = 100
"""The picture is looked for on a grid of so many blocks along the longer side."""

MIN_BLOCK_PX: Final = 4
MIN_TEXTURE: Final = 0.4
"""Share of textured pixels that makes a block part of a picture; text has less."""

MIN_PART: Final = 0.1
"""A piece of this share of the largest one, above or below it, belongs to it."""

MIN_SHARE: Final = 0.05
MIN_SHARE_OF_REGION: Final = 0.2
MAX_STEP: Final = 0.02
"""Largest step of the upper or lower edge, of the picture's height, that is smooth."""

MAX_RIVAL: Final = 0.5
MIN_FILLED: Final = 0.5
MIN_LEVEL: Final = 0.9
"""Share of columns that begin at the top of a picture with a level upper edge."""

WHOLE: Final = 0.97
"""Share of rows and of columns from which a rectangular picture is the whole image."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The pixels of an image that show tissue.

    Attributes
    ----------
    mask : ndarray of bool, shape (depth, lateral)
        True inside the picture; read-only.
    bounds : tuple of int
        Smallest rows and columns around it, ``(row_start, row_stop, column_start,
        column_stop)``, stops excluded.
    found : {"region of the file", "largest connected picture", "whole image"}
        What it was found by.
    certain : bool
        Whether the shape is beyond doubt; otherwise show it to the user.
    doubt : str
        Why it is doubtful, a sentence; empty when it is certain.
    """

    mask: Mask
    bounds: Bounds
    found: Found
    certain: bool
    doubt: str = ""

    @property
    def n(self) -> int:
        """Number of pixels inside."""
        return int(np.count_nonzero(self.mask))


def find_field(gray: npt.NDArray[np.uint8], *, region: Bounds | None = None) -> Field:
    """Return which pixels are the ultrasound picture.

    The image is cut into blocks; those with texture (a 3 × 3 range above
    2 gray levels) in more than `MIN_TEXTURE` of their pixels are joined, and the
    largest piece is the picture, together with pieces of at least `MIN_PART` of it in
    the same columns (a cyst or a bone's shadow may part them). Straight top and sides
    make it a rectangle; else every column is filled from its first to its last
    textured pixel, which suits sector, trapezoid, parallelogram and panorama. Edges
    are good to 2 px (rectangle; 4 px after lossy compression) or half a block; a gray
    bar or ruler that touches the picture may be taken with it.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels of a still image.
    region : tuple of int, optional
        Bounds of a picture as the file tells; nothing outside is looked at.

    Returns
    -------
    Field
        Never empty: where no picture is found, all of the image or region, not
        `certain`.

    Raises
    ------
    MeasureError
        If `gray` is not a still 8-bit image, or the region lies outside it.

    Notes
    -----
    What the picture shows as black at its lower corners, where nothing echoes, cannot
    be told from the screen unless the picture is a rectangle.

    Examples
    --------
    >>> import numpy as np
    >>> screen = np.zeros((200, 300), np.uint8)
    >>> speckle = np.random.default_rng(1).integers(1, 255, (120, 160))
    >>> screen[40:160, 70:230] = speckle
    >>> field = find_field(screen)
    >>> field.bounds, field.found, field.certain
    ((40, 160, 70, 230), 'largest connected picture', True)
    """
    if gray.dtype != np.uint8 or gray.ndim != 2 or gray.size == 0:
        raise MeasureError(
            f"The picture is looked for in a still 8-bit image, not in {gray.dtype} "
            f"of shape {gray.shape}; choose one frame."
        )
    top, bottom, left, right = _clip(region, gray.shape)
    view = gray[top:bottom, left:right]
    inside, doubt = _picture(view, framed=region is not None)
    mask = np.zeros(gray.shape, np.bool_)
    mask[top:bottom, left:right] = inside
    found: Found = "largest connected picture"
    if region is not None:
        found = "region of the file"
    elif inside.all():
        found = "whole image"
    return _field(mask, found, doubt)


def find_image_field(image: UltrasoundImage) -> Field:
    """Return the pictures of a still image: in all its picture regions, or found.

    Parameters
    ----------
    image : UltrasoundImage
        A still; pictures side by side count together.

    Returns
    -------
    Field
        See `find_field`.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    MeasureError
        As `find_field`.
    """
    gray = image.pixels
    told = [r.bounds for r in image.regions if r.is_picture]
    if not told and image.calibration is not None and image.calibration.region:
        told = [image.calibration.region]
    if not told:
        return find_field(gray)
    fields = [find_field(gray, region=bounds) for bounds in dict.fromkeys(told)]
    masks = [f.mask for f in fields]
    if len(fields) > 1:
        # Pictures side by side: the seam between them is no tissue.
        masks = [ndimage.binary_erosion(m) for m in masks]
    mask = np.logical_or.reduce(
        [m if m.any() else f.mask for m, f in zip(masks, fields, strict=True)]
    )
    doubt = next((f.doubt for f in fields if f.doubt), "")
    return _field(mask, "region of the file", doubt)


def _field(mask: Mask, found: Found, doubt: str) -> Field:
    mask.setflags(write=False)
    return Field(mask, _bounds(mask), found, not doubt, doubt)


def _clip(region: Bounds | None, shape: tuple[int, ...]) -> Bounds:
    rows, columns = shape[0], shape[1]
    if region is None:
        return 0, rows, 0, columns
    top, bottom = max(region[0], 0), min(region[1], rows)
    left, right = max(region[2], 0), min(region[3], columns)
    if top >= bottom or left >= right:
        raise MeasureError(
            f"The region {region} lies outside the image of {rows} × {columns} pixels; "
            "look for the picture without it."
        )
    return top, bottom, left, right


def _picture(view: npt.NDArray[np.uint8], *, framed: bool) -> tuple[Mask, str]:
    """Return the picture's mask in a view, and why it is doubtful."""
    texture = textured(view)
    block = max(MIN_BLOCK_PX, max(view.shape) // BLOCKS)
    grid = block_mean(texture, block) > MIN_TEXTURE
    pieces, count = ndimage.label(ndimage.binary_opening(grid, np.ones((3, 3))))
    if count == 0:
        return np.ones(view.shape, np.bool_), (
            "No texture of tissue was found, so the whole area is taken as the picture."
        )
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    main = int(sizes.argmax())
    joined = _joined(pieces, sizes, main)
    grid = _filled_columns(np.isin(pieces, joined))
    rivals = np.delete(sizes, [0, *joined])
    if len(joined) > 1:
        doubt = f"The picture was put together from {len(joined)} parts."
    elif rivals.max(initial=0) > MAX_RIVAL * sizes[main]:
        doubt = "A second picture of similar size was left out."
    else:
        doubt = ""
    if framed and _spans(grid):
        return np.ones(view.shape, np.bool_), doubt
    if _is_rectangle(grid):
        mask = _rectangle(texture, grid, block)
    else:
        mask = _outline(texture, grid, block)
        doubt = doubt or _ragged(mask)
    return mask, doubt or _sparse(mask, texture, framed=framed)


def _sparse(mask: Mask, texture: Mask, *, framed: bool) -> str:
    """Return that too little is textured, or an empty string."""
    share = np.count_nonzero(mask) / mask.size
    filled = np.count_nonzero(texture & mask) / np.count_nonzero(mask)
    if share < (MIN_SHARE_OF_REGION if framed else MIN_SHARE):
        return f"Only {share:.0%} of the area shows texture of tissue."
    if filled < MIN_FILLED:
        return f"Only {filled:.0%} of the picture shows texture of tissue."
    return ""


def _ragged(mask: Mask) -> str:
    """Return that the upper or lower edge has a step, or an empty string.

    The outer tenths do not count: sides may be upright there.
    """
    top, bottom, left, right = _bounds(mask)
    tenth = (right - left) // 10
    box = mask[top:bottom, left + tenth : right - tenth]
    for name, edge in (
        ("upper", box.argmax(axis=0)),
        ("lower", box[::-1].argmax(axis=0)),
    ):
        steps = np.abs(np.diff(edge))
        if steps.max(initial=0) > MAX_STEP * (bottom - top):
            return (
                f"The {name} edge of the picture is ragged: text may touch it, or "
                "black tissue was left out."
            )
    return ""


def _spans(grid: Mask) -> bool:
    """Whether the picture fills the upper side of its region from left to right."""
    _, _, left, right = _bounds(grid)
    level = grid[:2, left:right].any(axis=0).mean() > MIN_LEVEL
    return bool(level and right - left >= WHOLE * grid.shape[1])


def _joined(
    pieces: npt.NDArray[np.int32], sizes: npt.NDArray[np.int64], main: int
) -> list[int]:
    """Return the largest piece and those of the same beams that something parts."""
    spans = ndimage.find_objects(pieces)
    first = spans[main - 1][1]
    joined = [main]
    for label, span in enumerate(spans, start=1):
        columns = span[1]
        width = columns.stop - columns.start
        shared = min(columns.stop, first.stop) - max(columns.start, first.start)
        # In the same columns for the most part, and not a narrow thing above.
        beams = shared > 0.7 * width and width > 0.5 * (first.stop - first.start)
        if label != main and beams and sizes[label] >= MIN_PART * sizes[main]:
            joined.append(label)
    return joined


def _filled_columns(mask: Mask) -> Mask:
    """Return a mask with every column filled from its first to its last pixel."""
    down = np.logical_or.accumulate(mask, axis=0)
    up = np.logical_or.accumulate(mask[::-1], axis=0)[::-1]
    return np.asarray(down & up)


def _bounds(mask: Mask) -> Bounds:
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _is_rectangle(grid: Mask) -> bool:
    """Whether the top is level and the sides are upright in the upper half.

    The lower half may be black, where nothing echoes.
    """
    top, bottom, left, right = _bounds(grid)
    box = grid[top:bottom, left:right]
    level = box[:2].any(axis=0).mean() > MIN_LEVEL
    upper = box[: max(2, len(box) // 2)]
    upright = min(upper[:, :2].any(axis=1).mean(), upper[:, -2:].any(axis=1).mean())
    return bool(level and upright > 0.7)


def _rectangle(texture: Mask, grid: Mask, block: int) -> Mask:
    """Return a rectangle with its edges moved to the pixel."""
    rows, columns = texture.shape
    top, bottom, left, right = (edge * block for edge in _bounds(grid))
    bottom, right = min(bottom, rows), min(right, columns)
    across = texture[top:bottom].mean(axis=0)
    left, right = _edges(across, left, right, block)
    down = texture[:, left:right].mean(axis=1)
    top, bottom = _edges(down, top, bottom, block)
    if bottom - top >= WHOLE * rows and right - left >= WHOLE * columns:
        top, bottom, left, right = 0, rows, 0, columns
    mask = np.zeros(texture.shape, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def _edges(
    profile: npt.NDArray[np.float64], start: int, stop: int, block: int
) -> tuple[int, int]:
    """Return the outermost textured lines within a block of a start and a stop."""
    low, high = max(start - block, 0), min(stop + block, len(profile))
    lines = low + np.flatnonzero(profile[low:high] > MIN_TEXTURE)
    if len(lines) < 3:
        return start, stop
    first, last = int(lines[0]), int(lines[-1])
    # A 3 × 3 range reaches one pixel into the screen around.
    return first + (first > 0), last + 1 - (last + 1 < len(profile))


def _outline(texture: Mask, grid: Mask, block: int) -> Mask:
    """Return columns filled from first to last textured pixel near the grid."""
    near = ndimage.binary_dilation(grid, np.ones((3, 3)))
    near = near.repeat(block, axis=0).repeat(block, axis=1)
    near = near[: texture.shape[0], : texture.shape[1]]
    solid = ndimage.minimum_filter(texture & near, 3, mode="nearest")
    if not solid.any():
        solid = texture & near
    solid = ndimage.maximum_filter(solid, 3, mode="nearest") & near
    rows = np.arange(len(texture))[:, None]
    some = solid.any(axis=0)
    smooth = 2 * block + 1
    first = ndimage.median_filter(
        np.where(some, solid.argmax(axis=0), len(rows)), smooth
    )
    last = len(rows) - 1 - solid[::-1].argmax(axis=0)
    last = ndimage.median_filter(np.where(some, last, -1), smooth)
    mask = np.asarray((rows >= first) & (rows <= last))
    return mask if mask.any() else np.asarray(solid, np.bool_)
