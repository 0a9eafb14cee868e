"""Whether a region is a good one: what may spoil its echo intensity, said at once.

Nothing here refuses a region: a flag says what to do, and the user decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from napari_muscle_us.device.field import Field
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi

    Mask = npt.NDArray[np.bool_]

QualityLevel = Literal["note", "warning"]

SATURATED_NOTE: Final = 0.005
SATURATED_WARNING: Final = 0.02
"""Share of pixels at 255 that is said, and warned of; as for the whole picture.

Our choice: regions in muscle of 90 pictures at their usual gain hold at most 0.002 %.
"""

BLACK_NOTE: Final = 0.25
BLACK_WARNING: Final = 0.5
"""Share of pixels at 0 that is said, and warned of; as for the whole picture.

Our choice: 95 in 100 of the same regions hold less than 20 %.
"""

COLOURED_WARNING: Final = 0.01
"""Share of coloured pixels from which they are more than a marker. Our choice."""
SHADOW_NOTE: Final = 0.01
SHADOW_WARNING: Final = 0.1
"""Share of the region in shadow that is said, and warned of. Our choice."""

FEW_NOTE: Final = 2000
FEW_WARNING: Final = 500
"""Number of pixels below which it is said, and warned of.

Our choice: in 30 pictures from five scanners about 100 neighbouring pixels of muscle
count as one, so 2000 hold 20 independent ones and the mean is known to a fifth of the
SD; of 500 px, to less than half of it.
"""

DEEP_NOTE: Final = 0.5
"""Share of the region below half of the picture's depth. Our choice."""

_EXPLANATIONS: Final = {
    "saturated": (
        "White pixels have reached the end of the gray scale, so the true echo is "
        "brighter and the echo intensity is too low. Lower the gain and acquire again, "
        "or keep the ROI away from bright fascia."
    ),
    "black": (
        "Black pixels have fallen below the gray scale: weak echoes are lost there, "
        "and the echo intensity no longer tells tissue apart. Raise the gain or the "
        "dynamic range and acquire again, or choose a part with echoes."
    ),
    "coloured": (
        "Coloured pixels are drawn by the scanner (Doppler, caliper, marker). Their "
        "gray level is no echo, yet they count. Move the ROI away from them, or use a "
        "picture without colour."
    ),
    "edge": (
        "At the edge of the picture tissue is cut off, and what lies beyond it is no "
        "tissue. Draw the ROI inside the picture, a few pixels away from its edge."
    ),
    "shadow": (
        "Behind bone, calcium or gas, and where the probe lost the skin, no sound "
        "arrives: it is dark there whatever the tissue is, and the echo intensity "
        "becomes too low. Draw the ROI beside the shadow, or acquire again with more "
        "gel and another angle."
    ),
    "few_pixels": (
        "Neighbouring pixels of speckle are alike, so a small ROI holds only a few "
        "independent ones and its mean depends on chance. Draw a larger ROI; the "
        "standard error tells what that buys."
    ),
    "deep": (
        "Deep in the picture the beam is wider and attenuation takes echoes away, so "
        "echo intensity differs from that of the same tissue nearer the probe. Use a "
        "setting that shows the muscle in the upper half, the same for all images that "
        "are compared."
    ),
}


@dataclass(frozen=True, slots=True)
class QualityFlag:
    """One thing about a region that may spoil its echo intensity.

    Attributes
    ----------
    key : str
        In this order: saturated, black, coloured, edge, shadow, few_pixels, deep.
    level : {"note", "warning"}
        ``"note"`` is worth knowing, ``"warning"`` may change the result.
    sentence : str
        What was found, with the value, for the column ``note``.
    value : float
        A share from 0 to 1; for coloured, edge and few_pixels a number of pixels.
    explanation : str
        What it means and what to do, for a tooltip.
    """

    key: str
    level: QualityLevel
    sentence: str
    value: float
    explanation: str


@dataclass(frozen=True, slots=True, eq=False)
class FrameFacts:
    """What the flags of all regions of a frame need, found once by `prepare`.

    Attributes
    ----------
    field : Field
        The picture.
    inner : ndarray of bool, shape (depth, lateral)
        The picture without the pixels at its edge; read-only.
    shadow : ndarray of bool, shape (depth, lateral)
        Pixels in an acoustic shadow; read-only.
    pictures : tuple of tuple of int
        Bounds of each picture.
    """

    field: Field
    inner: Mask
    shadow: Mask
    pictures: tuple[Bounds, ...]

    def picture_of(self, window: RoiWindow) -> Bounds:
        """Return the bounds of the picture that shares most with a region's box."""
        rows, columns = window.rows, window.columns
        box = (rows.start, rows.stop, columns.start, columns.stop)

        def shared(bounds: Bounds) -> int:
            top, bottom, left, right = _common(bounds, box)
            return max(bottom - top, 0) * max(right - left, 0)

        return max(self.pictures, key=shared)


def prepare(image: UltrasoundImage, *, field: Field | None = None) -> FrameFacts:
    """Return what the flags of all regions of a frame need.

    Takes some 50 ms; keep it while the frame stays the same.

    Parameters
    ----------
    image : UltrasoundImage
        A still image; of a clip, take ``image.frame(index)``.
    field : Field, optional
        The picture, where it is known already; else it is looked for.

    Returns
    -------
    FrameFacts
        The picture, its inside, its shadows.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    RoiError
        If `field` is that of an image of another shape.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> facts = prepare(mus.sample_image("transverse_healthy"))
    >>> facts.pictures, bool(facts.shadow.any())
    (((0, 480, 0, 560),), False)
    """
    from scipy import ndimage

    from napari_muscle_us.device.field import find_image_field
    from napari_muscle_us.measure.shadow import find_shadows

    gray = image.pixels
    known = find_image_field(image) if field is None else field
    if known.mask.shape != gray.shape:
        raise RoiError(
            f"The picture was found in an image of {known.mask.shape} pixels and this "
            f"one has {gray.shape}; look for it in this image."
        )
    inner = ndimage.binary_erosion(known.mask, np.ones((3, 3)))
    inner.setflags(write=False)
    told = dict.fromkeys(r.bounds for r in image.regions if r.is_picture)
    pictures = [_common(bounds, known.bounds) for bounds in told]
    some = tuple(p for p in pictures if p[0] < p[1] and p[2] < p[3])
    shadow = find_shadows(gray, known)
    return FrameFacts(known, inner, shadow, some or (known.bounds,))


def _common(one: Bounds, other: Bounds) -> Bounds:
    return (
        max(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        min(one[3], other[3]),
    )


class _Look(NamedTuple):
    """A region on its frame, as each check looks at it."""

    image: UltrasoundImage
    roi: Roi
    window: RoiWindow
    facts: FrameFacts
    gray: npt.NDArray[np.uint8]
    n: int

    def count(self, pixels: Mask) -> int:
        """Return how many pixels of the region a mask of its window holds."""
        return int(np.count_nonzero(pixels & self.window.mask))

    def part(self, mask: Mask) -> Mask:
        """Return the part of a mask of the frame that is the region's window."""
        return mask[self.window.rows, self.window.columns]


def quality_flags(
    image: UltrasoundImage,
    roi: Roi,
    window: RoiWindow,
    *,
    field: Field | None = None,
    facts: FrameFacts | None = None,
) -> tuple[QualityFlag, ...]:
    """Return what may spoil the echo intensity of a region.

    Parameters
    ----------
    image : UltrasoundImage
        A still image; of a clip, take ``image.frame(index)``.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    window : RoiWindow
        Its pixels (`napari_muscle_us.roi.rasterize.usable_window`).
    field : Field, optional
        The picture, where it is known already.
    facts : FrameFacts, optional
        Result of `prepare` for this frame, which spares most of the time in a drag.

    Returns
    -------
    tuple of QualityFlag
        Empty where all is well. Shares are of the region's pixels.

    Raises
    ------
    ImageReadError
        If the image is a clip.
    RoiError
        If the window is empty, or `field` or `facts` are of another image.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> from napari_muscle_us.roi.rasterize import usable_window
    >>> image = mus.sample_image("transverse_healthy")
    >>> roi = mus.Rectangle(150, 200, 20, 20)
    >>> flags = quality_flags(image, roi, usable_window(roi, image.frame_shape))
    >>> [(flag.key, flag.sentence) for flag in flags]
    [('few_pixels', 'the ROI holds 400 pixels only')]
    """
    gray = image.pixels
    known = prepare(image, field=field) if facts is None else facts
    if known.shadow.shape != gray.shape:
        raise RoiError(
            f"The facts are of an image of {known.shadow.shape} pixels and this one "
            f"has {gray.shape}; prepare them for this image."
        )
    if window.n_pixels == 0:
        raise RoiError("The ROI covers 0 pixels; draw it inside the image.")
    view = gray[window.rows, window.columns]
    look = _Look(image, roi, window, known, view, window.n_pixels)
    return tuple(
        QualityFlag(key, level, sentence, value, _EXPLANATIONS[key])
        for key, level, sentence, value in _found(look)
    )


def quality_note(flags: Sequence[QualityFlag]) -> str:
    """Return the sentences of flags for the column ``note``, empty for none.

    Examples
    --------
    >>> quality_note([QualityFlag("deep", "note", "60 % is deep", 0.6, "")] * 2)
    '60 % is deep; 60 % is deep'
    """
    return "; ".join(flag.sentence for flag in flags)


_Found = tuple[str, QualityLevel, str, float]


def _found(look: _Look) -> Iterator[_Found]:
    yield from _clipped(look)
    yield from _coloured(look)
    yield from _edge(look)
    yield from _shadow(look)
    if look.n < FEW_NOTE:
        level: QualityLevel = "warning" if look.n < FEW_WARNING else "note"
        some = "1 pixel" if look.n == 1 else f"{look.n} pixels"
        yield "few_pixels", level, f"the ROI holds {some} only", float(look.n)
    yield from _deep(look)


def _clipped(look: _Look) -> Iterator[_Found]:
    white = look.count(look.gray == 255) / look.n
    if white >= SATURATED_NOTE:
        level: QualityLevel = "warning" if white >= SATURATED_WARNING else "note"
        said = f"{percent(white)} of the ROI is saturated (255)"
        yield "saturated", level, said, white
    black = look.count(look.gray == 0) / look.n
    if black >= BLACK_NOTE:
        level = "warning" if black >= BLACK_WARNING else "note"
        yield "black", level, f"{percent(black)} of the ROI is black (0)", black


def _coloured(look: _Look) -> Iterator[_Found]:
    if look.image.coloured is None:
        return
    count = look.count(look.part(look.image.coloured))
    if count:
        said = f"{count} of the pixels are coloured (Doppler, caliper or marker)"
        many = count >= COLOURED_WARNING * look.n
        yield "coloured", "warning" if many else "note", said, float(count)


def _edge(look: _Look) -> Iterator[_Found]:
    """Yield how the region touches or leaves the picture, the gravest only."""
    field = look.facts.field
    sure = "" if field.certain else " (whose outline is not certain)"
    outside = look.n - look.count(look.part(field.mask))
    points = look.roi.outline()
    last = np.array(look.image.frame_shape) - 0.5
    cut = bool((points < -0.5).any() or (points > last).any())
    if outside:
        said = f"{outside} of the pixels lie outside the picture{sure}"
        if cut:
            said += ", and the outline reaches outside the image"
        level: QualityLevel = "warning" if field.certain or cut else "note"
        yield "edge", level, said, float(outside)
        return
    touching = look.n - look.count(look.part(look.facts.inner))
    if cut:
        said = "the outline reaches outside the image, where there are no pixels"
        yield "edge", "warning", said, float(touching)
    elif touching:
        said = f"{touching} of the pixels touch the edge of the picture{sure}"
        yield "edge", "note", said, float(touching)


def _shadow(look: _Look) -> Iterator[_Found]:
    share = look.count(look.part(look.facts.shadow)) / look.n
    if share >= SHADOW_NOTE:
        level: QualityLevel = "warning" if share >= SHADOW_WARNING else "note"
        said = f"{percent(share)} of the ROI lies in a dark band, perhaps a shadow"
        yield "shadow", level, said, share


def _deep(look: _Look) -> Iterator[_Found]:
    top, bottom = look.facts.picture_of(look.window)[:2]
    # The first row whose centre lies below the middle of the picture.
    half = (top + bottom) // 2 - look.window.rows.start
    share = int(np.count_nonzero(look.window.mask[max(half, 0) :])) / look.n
    if share > DEEP_NOTE:
        said = f"{percent(share)} of the ROI lies below half of the picture's depth"
        yield "deep", "note", said, share


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal where it is small.

    Examples
    --------
    >>> percent(0.0123), percent(0.62)
    ('1.2 %', '62 %')
    """
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"
