"""Slow texture features written out, and the regions that they are tried on.

The naive features take a list of things (level, second index), one a run, zone or
pixel, and never build a matrix.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

AGGREGATIONS = ("2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg")

MUSCLES = {
    "longitudinal": (
        "data/longitudinal_gm/GM_T_1.png",
        slice(330, 378),
        slice(330, 390),
    ),
    "transverse": (
        "data/transverse_vl/SUB02_img1.tif",
        slice(290, 340),
        slice(400, 444),
    ),
}

small_levels = hnp.arrays(
    np.uint16,
    st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)),
    elements=st.integers(0, 4),
).filter(np.any)


def muscle_levels(shared, name: str) -> np.ndarray:
    """Return 32 levels of two windows of a picture, each in a region with a hole.

    The region of the second frame ends at the window's edge and falls into parts.
    """
    path, rows, columns = MUSCLES[name]
    gray = np.asarray(Image.open(shared(path)).convert("L"))
    first = gray[rows, columns]
    second = gray[rows.start + 9 : rows.stop + 9, columns.start - 7 : columns.stop - 7]
    levels = (np.stack([first, second]) // 8 + 1).astype(np.uint16)
    height, width = first.shape
    y, x = np.mgrid[:height, :width]
    far = (2 * y / height - 1) ** 2 + (2 * x / width - 1) ** 2
    hole = (y - 0.4 * height) ** 2 + (x - 0.6 * width) ** 2 < 20
    levels[0][(far > 0.9) | hole] = 0
    levels[1][(far > 1.7) | (abs(x - y) < 2) | (x % 13 + y % 11 == 0)] = 0
    assert all(np.unique(frame).size > 12 for frame in levels)
    levels.setflags(write=False)
    return levels


def stacks_of(levels: np.ndarray, aggregation: str) -> list[list[np.ndarray]]:
    """Return the frames of each matrix, where there is none for each direction."""
    frames = [frame for frame in levels if frame.any()]
    return [frames] if aggregation.startswith("2.5d") else [[f] for f in frames]


def emphases(things: list[tuple[int, int]], n_units: int) -> list[float]:
    """Return the 17 shared features, each by its own sum over the things."""
    n = len(things)

    def mean(function):
        return math.fsum(function(i, j) for i, j in things) / n

    def squares(counted):
        return sum(count * count for count in Counter(counted).values())

    by_level = squares(i for i, _ in things)
    by_second = squares(j for _, j in things)
    mean_i, mean_j = mean(lambda i, j: i), mean(lambda i, j: j)
    shares = [count / n for count in Counter(things).values()]
    return [
        mean(lambda i, j: 1 / j**2),
        mean(lambda i, j: j**2),
        mean(lambda i, j: 1 / i**2),
        mean(lambda i, j: i**2),
        mean(lambda i, j: 1 / (i**2 * j**2)),
        mean(lambda i, j: i**2 / j**2),
        mean(lambda i, j: j**2 / i**2),
        mean(lambda i, j: i**2 * j**2),
        by_level / n,
        by_level / n**2,
        by_second / n,
        by_second / n**2,
        n / n_units,
        mean(lambda i, j: (i - mean_i) ** 2),
        mean(lambda i, j: (j - mean_j) ** 2),
        -math.fsum(p * math.log2(p) for p in shares),
        math.fsum(p * p for p in shares),
    ]


def naive_mean(lists, features) -> dict[str, float]:
    """Return keys with the mean over matrices of the values in the standard's order."""
    means = np.mean(np.array(lists), axis=0)
    return {f.key: value for f, value in zip(features, means, strict=False)}


def assert_same(found, wanted, rtol=1e-12) -> None:
    """Assert that two mappings have the same keys and values, NaN equal to NaN."""
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(
            found[key], value, rtol=rtol, atol=1e-14, err_msg=key
        )
