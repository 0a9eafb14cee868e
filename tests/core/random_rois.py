"""A thousand random regions of each kind, for ImageJ and for this package alike.

Numbers are ImageJ's: x before y, pixel (0, 0) covers 0..1, each representable in
single precision. They come from uniform numbers alone, whose stream NumPy keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

import napari_muscle_us as mus
from napari_muscle_us.roi.composite import Composite

WIDTH, HEIGHT = 200, 150
COUNT = 1000
SEED = 20261123

Floats = npt.NDArray[np.float64]
Parts = list[npt.NDArray[np.float32]]
Draw = Callable[[np.random.Generator, int], list[Floats]]


def uniform(rng: np.random.Generator, low, high) -> Floats:
    """Return numbers between two corners, by the most basic of NumPy's streams."""
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    return low + (high - low) * rng.random(low.shape)


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    """Return a whole number from `low` up to and without `high`."""
    return int(low + math.floor((high - low) * rng.random()))


# Boxes -------------------------------------------------------------------------------


def draw_box(rng: np.random.Generator, index: int, steps: int) -> list[Floats]:
    """Draw x, y, width, height in steps of 1/steps: inside, over edges or tiny."""
    low, high, least, most = (
        ((-3, -3), (0, 0), 0.2, 40),
        ((170, 120), (199, 149), 0.2, 60),
        ((0, 0), (195, 145), 0.2, 4),
        ((-30, -30), (10, 10), 25, 90),
        ((0, 0), (120, 90), 0.2, 80),
        ((-40, -40), (-1, -1), 35, 300),
    )[index % 6]
    extent = uniform(rng, [least] * 2, most)
    box = np.concatenate([uniform(rng, low, high), extent])
    box = np.round(box * steps) / steps
    box[2:] = np.maximum(box[2:], 1 / steps)
    if steps > 1 and index % 7 == 0:  # Whole place, fractional size.
        box[:2] = np.round(box[:2])
    if steps > 1 and index % 11 == 0:  # Fractional place, whole size.
        box[2:] = np.ceil(box[2:])
    return [box]


def draw_axis(rng: np.random.Generator, index: int, *, ratio: bool) -> list[Floats]:
    """Draw the ends of an axis, and the width or the aspect ratio across it."""
    steps = (1, 2, 1024)[index % 3]
    ends = uniform(rng, (10, 10, 10, 10), (190, 140, 190, 140))
    if index % 5 == 0:
        ends = uniform(rng, (-20, -20, 100, 100), (30, 30, 230, 180))
    if index % 5 == 1:
        ends[2:] = ends[:2] + uniform(rng, (-6, -6), (6, 6))
    ends = np.round(ends * steps) / steps
    if index % 10 == 2:
        ends[3] = ends[1]
    if index % 10 == 7:
        ends[2] = ends[0]
    if (ends[:2] == ends[2:]).all():
        ends[2] += 1
    if ratio:
        across = round(float(uniform(rng, 0.1, 1)) * 1024) / 1024
    else:
        across = max(1, round(float(uniform(rng, 1, 60)) * steps)) / steps
    return [np.append(ends, across)]


# Polygons ----------------------------------------------------------------------------


def star(rng: np.random.Generator, centre, reach: float, count: int) -> Floats:
    """Return a concave outline about a centre that does not cross itself."""
    angle = np.sort(rng.random(count)) * 2 * np.pi
    radius = uniform(rng, [0.2] * count, 1) * reach
    rays = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(centre) + rays * radius[:, None]


def over_an_edge(rng: np.random.Generator) -> tuple[float, float]:
    """Return a centre near an edge or a corner of the image."""
    return ((5, 60), (195, 70), (90, 3), (110, 148), (2, 2))[whole(rng, 0, 5)]


def draw_vertices(rng: np.random.Generator, index: int) -> Floats:
    """Draw the vertices of a polygon, of a form that the running number tells."""
    count = whole(rng, 3, 13)
    match index % 8:
        case 0:  # Any order: nearly always crossing itself.
            return uniform(rng, np.full((count, 2), 5), (195, 145))
        case 1:  # Crossing itself, over the edges.
            return uniform(rng, np.full((count, 2), -40), (240, 190))
        case 2:  # Tiny.
            corner = uniform(rng, (0, 0), (195, 145))
            return corner + 5 * rng.random((count, 2))
        case 3:
            return star(rng, over_an_edge(rng), 70, count)
        case 4:  # Edges along pixel rows and columns.
            left, top = uniform(rng, (-5, -5), (120, 90))
            width, height = uniform(rng, (1, 1), 80)
            right, bottom = left + width, top + height
            return np.array(
                [(left, top), (right, top), (right, bottom), (left, bottom)]
            )
        case 5:  # Touching itself: two loops about one vertex.
            middle = uniform(rng, (60, 60), (140, 90))
            upper = middle + uniform(rng, [(-50, -50)] * 2, (50, 0))
            lower = middle + uniform(rng, [(-50, 0)] * 2, (50, 50))
            return np.vstack([[middle], upper, [middle], lower])
        case 6:  # A vertex twice, and the first again at the end.
            outline = star(rng, uniform(rng, (60, 60), (140, 90)), 60, count)
            return np.vstack([outline[:2], outline[1:], outline[:1]])
        case _:
            return star(rng, uniform(rng, (60, 60), (140, 90)), 60, count)


def draw_polygon(rng: np.random.Generator, index: int, steps: int) -> list[Floats]:
    """Draw a polygon in steps of 1/steps."""
    return [np.round(draw_vertices(rng, index) * steps) / steps]


def beside_centres(rng: np.random.Generator, vertices: Floats) -> Floats:
    """Move half of the coordinates to pixel centres or to the next number beside one.

    Rounding decides there which pixels are inside.
    """
    single = vertices.astype(np.float32)
    centre = np.floor(single) + np.float32(0.5)
    below = np.nextafter(centre, np.float32(-1e9))
    above = np.nextafter(centre, np.float32(1e9))
    pick = np.floor(rng.random(vertices.shape) * 8).astype(int)
    choices = [centre, centre, below, above, single, single, single, single]
    return np.choose(pick, choices).astype(float)


def draw_float_polygon(rng: np.random.Generator, index: int) -> list[Floats]:
    """Draw a polygon in single precision, mostly with vertices that are delicate."""
    vertices = draw_vertices(rng, index)
    return [beside_centres(rng, vertices) if (index // 8) % 3 else vertices]


def draw_freehand(rng: np.random.Generator, index: int, steps: int) -> list[Floats]:
    """Draw a wavy outline of 60 to 500 points, a pixel apart, as a mouse leaves it."""
    count = whole(rng, 60, 150) if index % 3 else whole(rng, 150, 500)
    angle = np.arange(count) * (2 * np.pi / count)
    radius = np.full(count, count * 1.1 / (2 * np.pi))
    for order in (2, 3, 5):
        phase = 2 * np.pi * rng.random()
        radius *= 1 + 0.25 * np.cos(order * angle + phase) / order
    centre = uniform(rng, (30, 30), (170, 120))
    if index % 4 == 0:
        centre = np.array(over_an_edge(rng))
    rays = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    tremble = rng.random(rays.shape) + rng.random(rays.shape) - 1
    outline = np.round((centre + rays + tremble) * steps) / steps
    moved = np.any(outline != np.roll(outline, 1, axis=0), axis=1)
    return [outline[moved]]


# Traced outlines ---------------------------------------------------------------------


def blob(rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return a ragged spot of pixels, one connected piece, in a frame of zeros."""
    height, width = whole(rng, 1, 70), whole(rng, 1, 90)
    y, x = np.mgrid[:height, :width]
    inside = np.zeros((height, width), bool)
    for _ in range(3):
        cy, cx, radius = rng.random(3) * (height, width, max(height, width) / 2)
        inside |= np.hypot(y - cy, x - cx) <= radius
    inside[height // 2, width // 2] = True
    return np.pad(inside & (rng.random((height, width)) < 0.95), 1)


def trace(spot: npt.NDArray[np.bool_], *, diagonal: bool) -> Floats:
    """Return the corners of the outline of a spot, along the edges of its pixels.

    The outline is that of the first piece found; `diagonal` tells whether pixels that
    only share a corner belong together. Either way it may touch itself there.
    """
    first = divmod(int(np.flatnonzero(spot)[0]), spot.shape[1])
    # Walked clockwise: the spot lies on the right. Steps are right, down, left, up.
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    # The pixels to the left and to the right ahead of a corner, for each direction.
    ahead = (
        ((-1, 0), (0, 0)),
        ((0, 0), (0, -1)),
        ((0, -1), (-1, -1)),
        ((-1, -1), (-1, 0)),
    )
    row, column = first
    heading, corners = 0, [(column, row)]
    while True:
        row, column = row + steps[heading][0], column + steps[heading][1]
        left, right = (spot[row + r, column + c] for r, c in ahead[heading])
        if left and (right or diagonal):
            turn = -1
        elif right:
            turn = 0
        else:
            turn = 1
        heading = (heading + turn) % 4
        if (row, column) == first and heading == 0:
            return np.array(corners, float)
        if turn:
            corners.append((column, row))


def draw_traced(rng: np.random.Generator, index: int) -> list[Floats]:
    """Draw the outline of a spot, which is laid anywhere, also over an edge."""
    spot = blob(rng)
    while not spot.any():
        spot = blob(rng)
    outline = trace(spot, diagonal=index % 2 == 0)
    high = (199, 149) if index % 4 == 0 else (150, 110)
    low = (-20, -20) if index % 4 == 0 else (0, 0)
    return [outline + np.round(uniform(rng, low, high))]


# Composites --------------------------------------------------------------------------


def draw_composite(rng: np.random.Generator, index: int) -> list[Floats]:
    """Draw a region with holes, islands, islands in holes or parts that overlap."""
    centre = np.round(uniform(rng, (50, 50), (150, 100)))
    if index % 4 == 3:
        centre = np.array(over_an_edge(rng))
    outer = star(rng, centre, 60, whole(rng, 5, 12))
    match index % 5:
        case 0:  # A hole.
            parts = [outer, centre + (outer - centre) * 0.4]
        case 1:  # An island in a hole.
            parts = [centre + (outer - centre) * f for f in (1, 0.7, 0.3)]
        case 2:  # Islands.
            parts = [
                star(rng, uniform(rng, (x, 20), (x + 50, 130)), 25, whole(rng, 3, 9))
                for x in (-10, 70, 150)
            ]
        case 3:  # Overlapping: what lies in both is outside.
            other = centre + uniform(rng, (-40, -40), 40)
            parts = [outer, star(rng, other, 50, whole(rng, 3, 9))]
        case _:  # Boxes that touch along an edge, with a hole.
            left, top = np.floor(centre) - 30
            parts = [
                np.array([(a, top), (b, top), (b, top + 30), (a, top + 30)])
                for a, b in ((left, left + 20), (left + 20, left + 50))
            ]
            parts.append(parts[0] * 0.5 + 0.5 * parts[0].mean(axis=0))
    match index % 4:
        case 0 | 1 | 2 as power:
            steps = (1, 2, 1024)[power]
            return [np.round(part * steps) / steps for part in parts]
        case _:
            return [beside_centres(rng, part) for part in parts]


DRAWS: dict[str, Draw] = {
    "rect_integer": partial(draw_box, steps=1),
    "rect_fractional": partial(draw_box, steps=1024),
    "oval_integer": partial(draw_box, steps=1),
    "oval_fractional": partial(draw_box, steps=1024),
    "rotated_rect": partial(draw_axis, ratio=False),
    "ellipse": partial(draw_axis, ratio=True),
    "polygon_integer": partial(draw_polygon, steps=1),
    "polygon_half": partial(draw_polygon, steps=2),
    "polygon_float": draw_float_polygon,
    "freehand_integer": partial(draw_freehand, steps=1),
    "freehand_float": partial(draw_freehand, steps=1024),
    "traced": draw_traced,
    "composite": draw_composite,
}
KINDS = tuple(DRAWS)


def random_rois(kind: str, *, count: int = COUNT, seed: int = SEED) -> list[Parts]:
    """Return the numbers of each region: a list of one array, or one array a part."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    return [
        [np.float32(numbers).ravel() for numbers in DRAWS[kind](rng, index)]
        for index in range(count)
    ]


def to_bytes(place: int, rois: Sequence[Parts]) -> bytes:
    """Return regions of one kind as ImageJTruth.java reads them.

    For each region the place of its kind and the number of its parts, then for each
    part the count of its numbers and these; all are 4 bytes long, little-endian.
    """
    pieces = []
    for parts in rois:
        pieces.append(np.array([place, len(parts)], "<i4").tobytes())
        for numbers in parts:
            pieces.append(np.array([len(numbers)], "<i4").tobytes())
            pieces.append(numbers.astype("<f4").tobytes())
    return b"".join(pieces)


# As this package knows them ----------------------------------------------------------


def turned_box(x1, y1, x2, y2, across) -> tuple[float, ...]:
    """Return top, left, height, width and angle of a box about an axis.

    A level axis gets a whole turn: ImageJ fills turned shapes by another rule.
    """
    along = math.hypot(x2 - x1, y2 - y1)
    angle = math.degrees(math.atan2(-(y2 - y1), x2 - x1))
    top, left = (y1 + y2 - across - 1) / 2, (x1 + x2 - along - 1) / 2
    return top, left, across, along, angle if angle else 360.0


def vertices_of(numbers: npt.NDArray[np.float32]) -> Floats:
    """Return x, y in turn as (row, column)."""
    return numbers.astype(float).reshape(-1, 2)[:, ::-1] - 0.5


def to_roi(kind: str, parts: Parts):
    """Return a region as a value of this package."""
    if kind == "composite":
        return Composite([vertices_of(part) for part in parts])
    numbers = [float(number) for number in parts[0]]
    if kind.startswith(("rect", "oval")):
        x, y, width, height = numbers
        shape = mus.Rectangle if kind.startswith("rect") else mus.Ellipse
        return shape(y - 0.5, x - 0.5, height, width)
    if kind == "rotated_rect":
        return mus.Rectangle(*turned_box(*numbers))
    if kind == "ellipse":
        x1, y1, x2, y2, ratio = numbers
        across = ratio * math.hypot(x2 - x1, y2 - y1)
        return mus.Ellipse(*turned_box(x1, y1, x2, y2, across))
    return mus.Polygon(vertices_of(parts[0]))
