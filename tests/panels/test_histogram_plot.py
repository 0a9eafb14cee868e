from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari.panels._histogram_curves import (
    Curve,
    PlotContent,
    bars,
    caption,
    level_lines,
    names_apart,
)
from napari_muscle_us._napari.panels._histogram_paper import draw_on_paper
from napari_muscle_us._napari.panels._histogram_plot import HistogramPlot
from napari_muscle_us.measure.gray_levels import cumulative
from napari_muscle_us.measure.intensity import statistics_of

GRAY = (0, 3, 3, 3, 3, 200, 200, 255)


def curve(name="BB", gray=GRAY, **more):
    counts = np.bincount(gray, minlength=256)
    return Curve(name, statistics_of(counts), "#4c9be8", **more)


@pytest.fixture
def plot(qtbot):
    made = HistogramPlot()
    qtbot.addWidget(made)
    made.resize(420, 200)
    with qtbot.waitExposed(made):
        made.show()
    made.draw()
    return made


def move_to(plot, x):
    place = QPointF(x, 60)
    kind = QEvent.Type.MouseMove
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        kind, place, plot.mapToGlobal(place), none, none,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(plot, event)


def test_the_plot_draws_the_counts(plot):
    plot.set_value(PlotContent((curve(),)))
    (drawn,) = plot._drawn
    counts = np.bincount(GRAY, minlength=256)
    np.testing.assert_array_equal(drawn.bars.get_data().values, counts / 4)
    assert drawn.mean.get_xdata()[0] == np.mean(GRAY)
    assert not drawn.share.get_visible()


def test_log_bars_are_proportional_to_the_logarithm():
    counts = np.zeros(256, np.int64)
    counts[[1, 2, 3, 4]] = 1, 10, 100, 1000
    heights = bars(counts, log=True)
    assert heights[0] == 0
    assert heights[4] == 1
    assert heights[1] > 0
    np.testing.assert_allclose(np.diff(heights[1:5]), 1 / np.log10(2000), rtol=1e-12)


@given(st.lists(st.integers(0, 10**6), min_size=256, max_size=256).filter(any))
def test_log_bars_keep_the_order_of_the_counts(counts):
    counts = np.array(counts)
    heights = bars(counts, log=True)
    assert heights.max() == 1
    assert heights.min() >= 0
    order = np.argsort(counts, kind="stable")
    assert (np.diff(heights[order]) >= 0).all()
    np.testing.assert_array_equal(heights == 0, counts == 0)


def test_a_region_of_one_pixel_has_one_full_bar():
    for log in (False, True):
        heights = bars(np.bincount([7], minlength=256), log=log)
        assert np.flatnonzero(heights).tolist() == [7]
        assert heights[7] == 1


def test_the_cumulative_curve_is_drawn_to_100_percent(plot):
    plot.set_value(PlotContent((curve(),), cumulative=True))
    share = plot._drawn[0].share
    counts = np.bincount(GRAY, minlength=256)
    assert share.get_visible()
    np.testing.assert_array_equal(share.get_ydata() * 100, cumulative(counts))
    labels = [tick.get_text() for tick in plot._axes.get_yticklabels()]
    assert labels == ["0 %", "50 %", "100 %"]
    plot.set_value(PlotContent((curve(),)))
    assert plot._axes.get_yticklabels() == []


def test_kept_curves_are_dashed_outlines(plot):
    kept = curve(kept=True, place="visit 1")
    plot.set_value(PlotContent((kept, curve())))
    first, second = plot._drawn
    assert first.bars.get_linestyle() == "--"
    assert not first.bars.get_fill()
    assert first.mean.get_linestyle() == "--"
    assert second.bars.get_fill()
    plot.set_value(PlotContent((curve(),)))
    assert len(plot._axes.patches) == 1


@pytest.mark.parametrize("level", [0, 1, 87, 254, 255])
def test_the_level_under_the_mouse_is_that_of_the_axis(plot, level):
    plot.set_value(PlotContent((curve(),)))
    x, _ = plot._axes.transData.transform((level, 0))
    move_to(plot, x / plot.device_pixel_ratio)
    assert plot.level == level


def test_beside_the_axes_and_after_leaving_there_is_no_level(plot):
    plot.set_value(PlotContent((curve(),)))
    move_to(plot, 100)
    assert plot.level is not None
    move_to(plot, 2)
    assert plot.level is None
    move_to(plot, 100)
    QApplication.sendEvent(plot, QEvent(QEvent.Type.Leave))
    assert plot.level is None


def test_the_mouse_changes_the_picture_without_drawing_a_curve(plot, monkeypatch):
    plot.set_value(PlotContent((curve(), curve("Deep", (9, 9, 10)))))
    QApplication.processEvents()
    before = plot.grab().toImage()
    drawn = []
    monkeypatch.setattr(plot, "draw", lambda: drawn.append("figure"))
    monkeypatch.setattr(plot._axes, "draw_artist", drawn.append)
    move_to(plot, 100)
    assert plot.grab().toImage() != before
    move_to(plot, 2)
    assert plot.grab().toImage() == before
    assert drawn == []


def test_the_words_tell_count_and_share():
    content = PlotContent((curve(),))
    assert level_lines(content, 3) == [("#4c9be8", "level 3 · 4 px (50.0 %)")]
    assert level_lines(content, 4) == [("#4c9be8", "level 4 · 0 px (0.0 %)")]
    both = PlotContent((curve(), curve("Deep", (3, 9))), cumulative=True)
    assert [text for _, text in level_lines(both, 3)] == [
        "4 px (50.0 %), up to it 62.5 %",
        "1 px (50.0 %), up to it 50.0 %",
    ]


def test_the_caption_tells_mean_and_mode_or_the_scale():
    assert caption(PlotContent((curve(),), log=True)).split("\n") == [
        f"mean {np.mean(GRAY):.1f}", "mode 3 (4 px)", "log scale",
    ]  # fmt: skip
    assert "own largest count" in caption(PlotContent((curve(), curve())))
    assert caption(PlotContent()) == ""


def test_titles_are_told_apart():
    kept = curve(kept=True, place="a.png")
    assert names_apart([kept, kept, curve()]) == ["BB · a.png", "BB · a.png (2)", "BB"]


def test_on_paper_stand_the_counts_themselves():
    kept = curve("Old", (3, 9), kept=True, place="visit 1")
    figure = draw_on_paper(PlotContent((kept, curve()), log=True, cumulative=True))
    axes, shares = figure.axes
    counts = [patch.get_data().values.tolist() for patch in axes.patches]
    expected = [np.bincount(g, minlength=256).tolist() for g in ((3, 9), GRAY)]
    assert counts == expected
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == 0.5
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[0] == "Old · visit 1: mean 6.0, n = 2"
    first, second = shares.lines
    assert first.get_linestyle() == "--"
    assert second.get_ydata()[3] == 62.5
