"""Magnetic lasso on an 800 × 600 frame, beside scikit-image's minimum cost paths.

Run ``python dev.py bench``; the rows of one group do the same work. Ours finds the
paths twice where sides matter, with the brighter tissue on either side; scikit-image
once.
"""

from __future__ import annotations

import numpy as np
import pytest
from skimage.graph import MCP_Geometric, route_through_array

from napari_muscle_us.roi.livewire import (
    edge_cost,
    livewire_path,
    outline_from_anchors,
    snap_outline,
    start_from,
)
from napari_muscle_us.roi.shapes import Polygon

SHAPE = (600, 800)
ANCHOR, REACH, MOUSE = (300, 400), 200, (420, 560)
WINDOW = np.s_[100:501, 200:601]
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
OUTLINE = np.column_stack([300 + 105 * np.sin(_ANGLES), 400 + 155 * np.cos(_ANGLES)])

MAP = "paths from a click, reach 200 px"
MOVE = "path to the mouse"
TWO = "path between two points 200 px apart"


@pytest.fixture(scope="module")
def gray():
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    far = np.hypot((rows - 300) / 110, (columns - 400) / 160)
    amplitude = np.random.default_rng(0).rayleigh(size=SHAPE)
    return np.clip(np.where(far < 1, 30, 80) * amplitude, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def line(gray):
    return edge_cost(gray, prefer="line")


@pytest.fixture(scope="module")
def edge(gray):
    return edge_cost(gray)


@pytest.mark.benchmark(group=MAP)
def test_map_along_lines(benchmark, line):
    paths = benchmark(start_from, line, ANCHOR, reach_px=REACH)
    expected, _ = MCP_Geometric(line.flat[WINDOW].astype(float)).find_costs(
        [(200,) * 2]
    )
    np.testing.assert_allclose(paths.least["right"], expected, rtol=1e-12)


@pytest.mark.benchmark(group=MAP)
def test_map_along_edges_both_sides(benchmark, edge):
    paths = benchmark(start_from, edge, ANCHOR, reach_px=REACH)
    assert (paths.least["right"] != paths.least["left"]).any()


@pytest.mark.benchmark(group=MAP)
def test_map_scikit_image(benchmark, line):
    window = line.flat[WINDOW].astype(float)
    costs, _ = benchmark(lambda: MCP_Geometric(window).find_costs([(200, 200)]))
    assert costs[200, 200] == 0


@pytest.mark.benchmark(group=MOVE)
def test_move_ours(benchmark, edge):
    path = benchmark(start_from(edge, ANCHOR, reach_px=REACH).path_to, MOUSE)
    assert tuple(path[-1]) == MOUSE


@pytest.mark.benchmark(group=MOVE)
def test_move_scikit_image_traceback(benchmark, line):
    finder = MCP_Geometric(line.flat[WINDOW].astype(float))
    finder.find_costs([(200, 200)])
    path = benchmark(finder.traceback, (MOUSE[0] - 100, MOUSE[1] - 200))
    assert path[0] == (200, 200)


@pytest.mark.benchmark(group=TWO)
def test_two_points_ours(benchmark, line):
    path = benchmark(livewire_path, line, ANCHOR, MOUSE, margin_px=140)
    assert tuple(path[0]) == ANCHOR


@pytest.mark.benchmark(group=TWO)
def test_two_points_route_through_array(benchmark, line):
    window = line.flat[160:561, 260:701].astype(float)
    start, end = (140, 140), (260, 300)
    path, _ = benchmark(route_through_array, window, start, end, geometric=True)
    assert path[-1] == end


@pytest.mark.benchmark(group="edges of a frame, 800 × 600")
@pytest.mark.parametrize("prefer", ["edge", "line"])
def test_edges_of_a_frame(benchmark, gray, prefer):
    assert benchmark(edge_cost, gray, prefer=prefer).lowest.min() > 0


@pytest.mark.benchmark(group="whole outline, 800 px round")
def test_outline_of_six_clicks(benchmark, edge):
    outline = benchmark(outline_from_anchors, edge, OUTLINE[::4])
    assert len(outline) > 20


@pytest.mark.benchmark(group="whole outline, 800 px round")
def test_snap_within_20_px(benchmark, edge):
    snapped = benchmark(snap_outline, edge, Polygon(OUTLINE), reach_px=20)
    assert abs(snapped.area_px / (np.pi * 110 * 160) - 1) < 0.03
