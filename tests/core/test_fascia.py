"""The guide warns of aponeuroses that experts drew, and rarely of muscle."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import napari_muscle_us as mus
from napari_muscle_us.roi.fascia import BORDER_SHARE, fascia_guide
from napari_muscle_us.roi.rasterize import usable_window


def guide(gray, roi, **options):
    return fascia_guide(gray, roi, usable_window(roi, gray.shape), **options)


def muscle(shape=(300, 400), seed=1):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, (1.2, 2.5))
    return (70 + 20 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)


ROI = mus.Rectangle(99.5, 49.5, 120, 300)


def test_plain_speckle_gives_nothing():
    found = guide(muscle(), ROI)
    assert (found.border_share, found.interior_share, found.sentences) == (0, 0, ())
    assert not found.border_mask.any()


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_a_bright_border_is_told_with_its_share_of_the_outline(edge):
    gray = muscle()
    rows = slice(96, 105) if edge == "top" else slice(215, 224)
    gray[rows] = 220
    found = guide(gray, ROI)
    # 300 of the 840 px of the outline.
    assert found.border_share == pytest.approx(300 / 840, abs=0.08)
    assert len(found.sentences) == 1
    assert "outline" in found.sentences[0]
    bright = np.zeros(gray.shape, bool)
    window = usable_window(ROI, gray.shape)
    bright[window.rows, window.columns] = found.border_mask
    assert bright[rows].sum() > 0.8 * bright.sum() > 0


@pytest.mark.parametrize("slope", [-0.2, 0.0, 0.15])
def test_a_line_across_the_inside_is_fascia(slope):
    gray = muscle()
    rows, columns = np.mgrid[:300, :400]
    gray[np.abs(rows - 160 - slope * (columns - 200)) < 4] = 220
    found = guide(gray, ROI)
    assert found.border_share < BORDER_SHARE
    assert found.interior_share == pytest.approx(7 * 300 / 36000, rel=0.5)
    (said,) = found.sentences
    assert said.endswith("perhaps fascia")


def test_darkness_below_a_line_makes_it_bone():
    gray = muscle()
    gray[160:168] = 240
    gray[168:] = 5
    (said,) = guide(gray, mus.Rectangle(59.5, 49.5, 125, 300)).sentences
    assert said.endswith("perhaps bone")


def test_short_steep_fibres_are_muscle():
    gray = muscle()
    rows, columns = np.mgrid[:300, :400]
    along = rows + np.tan(np.deg2rad(30)) * columns
    gray[(along % 40 < 4) & (columns % 90 < 60)] = 180
    assert guide(gray, ROI).sentences == ()


def test_depth_of_the_border_follows_the_spacing():
    gray = muscle()
    gray[112:116] = 230
    # The line lies 1.25 mm inside the border at 0.1 mm and 0.25 mm at 0.02 mm.
    assert guide(gray, ROI, spacing_mm=(0.1, 0.1)).border_share == 0
    inner = guide(gray, ROI, spacing_mm=(0.1, 0.1))
    assert inner.interior_share > 0
    fine = guide(gray, ROI, spacing_mm=(0.05, 0.1))
    assert fine.interior_share < inner.interior_share


def test_too_small_a_region_gives_nothing():
    gray = np.full((50, 50), 10, np.uint8)
    gray[20:23] = 250
    assert guide(gray, mus.Rectangle(15, 15, 15, 15)).sentences == ()


def between(columns, upper, lower):
    top = np.column_stack([upper, columns])[::12]
    bottom = np.column_stack([lower, columns])[::12]
    return mus.Polygon(np.vstack([top, bottom[::-1]]))


def drawn_regions(folder, path):
    """Return regions inside and over the aponeuroses that were drawn by hand."""
    gray = mus.read_image(path).pixels
    mask = Image.open(folder / "apo_masks" / path.name).convert("L")
    drawn = np.asarray(mask.resize(gray.shape[::-1], Image.Resampling.NEAREST)) > 127
    labels, _ = ndimage.label(drawn)
    boxes = ndimage.find_objects(labels)
    span = np.ptp(np.flatnonzero(drawn.any(axis=0)))
    wide = [i for i, b in enumerate(boxes) if b[1].stop - b[1].start > 0.3 * span]
    upper, lower = sorted(wide, key=lambda i: boxes[i][0].start)[:2]
    first = max(boxes[upper][1].start, boxes[lower][1].start) + 12
    last = min(boxes[upper][1].stop, boxes[lower][1].stop) - 12
    columns = np.arange(first, last)
    edges = []
    for which in (upper, lower):
        part = labels[:, first:last] == which + 1
        some = part.any(axis=0)
        top = part.argmax(axis=0)
        bottom = len(part) - 1 - part[::-1].argmax(axis=0)
        for edge in (top, bottom):
            filled = np.interp(columns, columns[some], edge[some])
            edges.append(ndimage.median_filter(filled, 25))
    upper_top, upper_bottom, lower_top, lower_bottom = edges
    margin = max(8.0, 0.08 * float(np.median(lower_top - upper_bottom)))
    inside = between(columns, upper_bottom + margin, lower_top - margin)
    over_top = between(columns, (upper_top + upper_bottom) / 2, lower_top - margin)
    over_bottom = between(
        columns, upper_bottom + margin, (lower_top + lower_bottom) / 2
    )
    return gray, inside, over_top, over_bottom


def test_aponeuroses_drawn_by_hand_are_warned_of(shared):
    folder = shared("data/apo_fascicle_masks")
    paths = sorted((folder / "apo_images").glob("*.tif"))
    warned = np.array(
        [
            [bool(guide(gray, roi).sentences) for roi in rois]
            for gray, *rois in (drawn_regions(folder, path) for path in paths)
        ]
    )
    inside, over_top, over_bottom = warned.mean(axis=0)
    assert len(paths) == 12
    assert inside <= 0.2
    assert over_top >= 0.75
    assert over_bottom >= 0.75


def test_the_outline_of_a_simulated_muscle_is_not_warned_of():
    for name in ("transverse_healthy", "transverse_diseased"):
        from napari_muscle_us.simulate import simulate_muscle

        sample = simulate_muscle(name)
        roi = mus.Polygon(sample.muscle_outline)
        said = guide(sample.gray, roi, spacing_mm=sample.spacing_mm).sentences
        assert said == (), name
