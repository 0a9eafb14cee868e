"""The size of a pixel settled by hand: what is set, what rows say, what verifies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Shapes

from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._ruler_layer import is_ruler
from napari_muscle_us._napari.panels._calibration_box import CalibrationBox
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us.device.ruler import read_depth_ruler
from napari_muscle_us.image import Calibration
from napari_muscle_us.verify import verify_results
from tests.core.conftest import dicom_dataset, region

ESAOTE = Path(__file__).parents[4] / "shared/data/dicom/US-YBR_FULL_422-EVRLE.dcm"
GRAY = np.random.default_rng(5).integers(1, 255, (120, 200), np.uint8)
# Side by side: 0.2 mm × 0.1 mm on the left, 0.4 mm × 0.3 mm on the right, and the gray
# bar below them.
LEFT = region(RegionLocationMaxX1=99, RegionLocationMaxY1=99)
RIGHT = region(
    RegionLocationMinX0=100,
    RegionLocationMaxX1=199,
    RegionLocationMaxY1=99,
    PhysicalDeltaX=0.03,
    PhysicalDeltaY=0.04,
)
BAR = region(
    RegionSpatialFormat=5,
    RegionDataType=13,
    RegionLocationMinY0=100,
    RegionLocationMaxX1=199,
    RegionLocationMaxY1=119,
    PhysicalUnitsXDirection=0,
    PhysicalUnitsYDirection=0,
)
# Twice as large as the stored picture, so it was made smaller afterwards.
DOUBTFUL = region(RegionLocationMaxX1=399, RegionLocationMaxY1=239)
BOX = np.array([(20, 110), (20, 150), (50, 150), (50, 110)], float)
BOX_PX2 = 30 * 40


def screenshot() -> np.ndarray:
    """Return a screen with a mark every 40 px, every other one longer: 5 mm each."""
    screen = np.zeros((400, 300), np.uint8)
    screen[40:361, 40:280] = np.random.default_rng(1).integers(1, 200, (321, 240))
    screen[40:361:40, 4:9] = 200
    screen[40:361:80, 4:14] = 200
    return screen


@pytest.fixture
def scan(open_file):
    """Return a function that opens a DICOM file with regions."""
    return lambda *regions, name="scan.dcm", gray=GRAY, **tags: open_file(
        dicom_dataset(gray, regions=regions, **tags), name
    )


@pytest.fixture
def box(session, qtbot, notes):
    """Return a function that makes the box for what is open."""

    def make():
        widget = CalibrationBox(session)
        qtbot.addWidget(widget)
        widget.refresh()
        return widget

    return make


@pytest.fixture
def outline(session):
    layer = session.new_roi_layer
    return lambda corners=BOX: layer().add(corners, shape_type="rectangle")


@pytest.fixture
def rows(viewer, session, qtbot, tmp_path):
    """Return a function that measures all, proves the rows, and gives the area's."""

    def measure():
        panel = ResultsPanel(viewer)
        qtbot.addWidget(panel)
        session.set_results(session.results[:0])
        panel.measure(everything=True)
        wrong = [c for c in verify_results(session.results, tmp_path) if not c.same]
        assert wrong == []
        row = session.results.set_index("measure").loc["roi.area"]
        return row["value"], row["unit"], json.loads(row["method"])

    return measure


def said(box):
    return box._message.text()


# Regions


def test_the_choice_is_offered_only_where_there_are_regions(open_file, scan, box):
    scan(LEFT)
    assert box()._form.isRowVisible(0)
    open_file(screenshot(), "screen.png")
    assert not box()._form.isRowVisible(0)


def test_of_two_scales_none_is_taken_until_the_user_chooses(
    scan, box, session, outline, rows
):
    layer = scan(LEFT, RIGHT, BAR)
    assert session.image().spacing_mm is None
    outline()
    assert rows()[:2] == (BOX_PX2, "px²")
    widget = box()
    labels = [widget._regions.itemText(i) for i in range(3)]
    assert labels == ["Region 1: tissue", "Region 2: tissue", "Region 3: gray bar"]
    widget._regions.setCurrentIndex(1)
    widget.use_region()
    np.testing.assert_allclose(layer.scale, (0.4, 0.3))
    known = session.image().calibration
    assert known.by_user
    assert known.source.endswith("region 2 chosen by the user")
    value, unit, method = rows()
    assert (value, unit) == (pytest.approx(BOX_PX2 * 0.4 * 0.3), "mm²")
    assert method["spacing_source"] == known.source
    assert method["spacing_by_user"] is True


def test_the_chosen_region_stays_chosen(scan, box):
    """Else Crop to it, pressed after Use, would crop to another region."""
    scan(LEFT, RIGHT)
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget.use_region()
    widget.refresh()
    assert widget._regions.currentIndex() == 1


def test_the_first_choice_is_a_picture(scan, box):
    scan(BAR, LEFT)
    assert box()._regions.currentIndex() == 1


def test_a_region_without_lengths_is_refused_in_words(scan, box, session, notes):
    scan(LEFT, BAR)
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget.use_region()
    assert "states no size of a pixel" in notes[-1]
    assert session.image().spacing_mm == pytest.approx((0.2, 0.1))
    assert not session.image().calibration.by_user


def test_a_doubtful_scale_is_said_and_used_only_on_the_click(
    scan, box, session, outline, rows
):
    scan(DOUBTFUL, BAR)
    assert session.image().spacing_mm is None
    assert any("resized after acquisition" in w for w in session.image().warnings)
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget._regions.setCurrentIndex(0)
    assert "resized after acquisition" in said(widget)
    assert session.image().spacing_mm is None
    widget.use_region()
    assert session.image().spacing_mm == pytest.approx((0.2, 0.1))
    # The user's word has settled it.
    assert session.image().warnings == ()
    outline()
    value, _, method = rows()
    assert value == pytest.approx(BOX_PX2 * 0.2 * 0.1)
    assert "doubtful, accepted by the user" in method["spacing_source"]
    assert method["spacing_by_user"] is True


def test_a_part_lies_in_place_and_its_rows_verify(scan, box, session, outline, rows):
    whole = scan(LEFT, RIGHT)
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget.use_region()
    widget.crop()
    part = session.image_layer
    assert part is not whole
    assert part.name == "scan.dcm, tissue"
    np.testing.assert_array_equal(part.data, GRAY[:100, 100:])
    for pixel in ((0, 0), (40, 7)):
        there = (pixel[0], pixel[1] + 100)
        np.testing.assert_allclose(
            part.data_to_world(pixel), whole.data_to_world(there)
        )
    outline(BOX - (0, 100))
    value, unit, method = rows()
    assert (value, unit) == (pytest.approx(BOX_PX2 * 0.4 * 0.3), "mm²")
    assert method["crop"] == [0, 100, 100, 200]
    mean = session.results.set_index("measure")["value"]["intensity.mean"]
    assert mean == pytest.approx(GRAY[20:50, 110:150].mean(), rel=1e-12)


def test_a_part_of_one_scale_needs_no_word_of_the_user(
    scan, box, session, outline, rows
):
    scan(LEFT, RIGHT)
    widget = box()
    widget._regions.setCurrentIndex(0)
    widget.crop()
    assert session.image().spacing_mm == pytest.approx((0.2, 0.1))
    outline(BOX - (0, 60))
    value, unit, method = rows()
    assert (value, unit) == (pytest.approx(BOX_PX2 * 0.2 * 0.1), "mm²")
    assert "spacing_by_user" not in method


# The ruler on the picture


def test_the_ruler_is_proposed_and_used_on_accept(
    open_file, box, session, outline, rows, notes
):
    open_file(screenshot(), "screen.png")
    outline()
    widget = box()
    widget.accept()
    assert "press Read first" in notes[-1]
    assert session.image().spacing_mm is None
    widget.read()
    assert widget._ticks.itemText(0).startswith("5 mm: 0.12500 ± 0.00")
    assert "9 marks at the left margin, every 40.0 px" in said(widget)
    # A proposal is no calibration.
    assert session.image().spacing_mm is None
    widget.accept()
    assert session.image().spacing_mm == pytest.approx((0.125, 0.125))
    value, unit, method = rows()
    assert (value, unit) == (pytest.approx(BOX_PX2 * 0.125**2), "mm²")
    assert "9 marks every 40 px = 5 mm" in method["spacing_source"]
    assert method["spacing_by_user"] is True


def test_the_meaning_that_the_user_chose_is_taken(open_file, box, session):
    screen = screenshot()
    screen[:, :14] = 0
    screen[40:361:40, 4:12] = 200
    open_file(screen, "alike.png")
    widget = box()
    widget.read()
    texts = [widget._ticks.itemText(i) for i in range(widget._ticks.count())]
    assert [text.split(" mm")[0] for text in texts] == ["10", "5"]
    assert "5 mm (0.125 mm a pixel, 40 mm deep) is possible too" in said(widget)
    widget._ticks.setCurrentIndex(1)
    widget.accept()
    assert session.image().spacing_mm == pytest.approx((0.125, 0.125))


def test_without_a_ruler_nothing_is_proposed(scan, box, session, notes):
    scan()
    widget = box()
    widget.read()
    assert widget._ticks.count() == 0
    assert "No depth ruler was found" in said(widget)
    widget.accept()
    assert "no proposal yet" in notes[-1]
    assert session.image().spacing_mm is None


@pytest.mark.parametrize(
    ("spacing_cm", "words", "warns"),
    [
        (0.0125, "agrees with 0.125 mm a pixel", False),
        (0.0137, "does not agree with the ruler", True),
    ],
)
def test_the_header_is_held_against_the_ruler(
    scan, box, session, spacing_cm, words, warns
):
    told = region(
        RegionLocationMinX0=40,
        RegionLocationMaxX1=279,
        RegionLocationMinY0=40,
        RegionLocationMaxY1=360,
        PhysicalDeltaX=spacing_cm,
        PhysicalDeltaY=spacing_cm,
    )
    scan(told, gray=screenshot())
    widget = box()
    widget.read()
    assert words in said(widget)
    assert said(widget).startswith("⚠") is warns
    widget.accept()
    assert session.image().calibration.region == (40, 361, 40, 280)
    assert session.image().spacing_mm == pytest.approx((0.125, 0.125))


@pytest.mark.skipif(not ESAOTE.exists(), reason="../shared/data is not here")
def test_the_ruler_of_a_real_frame(viewer, box, session):
    """Marks at rows 75.5, 237.5 and 399.5: 162 px a centimetre, 0.0617 mm a pixel."""
    ((data, attributes, _),) = read_layers(ESAOTE)
    viewer.add_image(data, **attributes)
    widget = box()
    widget.read()
    assert "agrees with 0.0616 mm a pixel" in said(widget)
    reading = read_depth_ruler(
        session.image().pixels, region=session.image().calibration.region
    )
    widget.accept()
    known = session.image().calibration
    assert known.spacing_mm[0] == pytest.approx(10 / 162, rel=0.01)
    assert known.spacing_mm[0] == reading.spacing_mm
    assert known.by_user


def test_another_image_s_ruler_is_forgotten(open_file, box, session, notes):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget.read()
    widget.forget_reading()
    assert (widget._ticks.count(), said(widget)) == (0, "")
    widget.accept()
    assert "press Read first" in notes[-1]


# A line along the ruler


@pytest.fixture
def ruler(viewer):
    """Return the layer that the line is drawn on."""
    return lambda: next(layer for layer in viewer.layers if is_ruler(layer))


def test_a_line_gives_the_scale_and_leaves_the_outline_on_its_pixels(
    open_file, box, viewer, session, outline, rows, ruler
):
    open_file(screenshot(), "screen.png")
    outline()
    rois = session.roi_layer
    widget = box()
    widget.draw()
    assert viewer.layers.selection.active is ruler()
    assert ruler().mode == "add_line"
    assert session.roi_layer is rois
    ruler().add(np.array([(40, 6), (360, 6)]), shape_type="line")
    assert len(session.regions()) == 1
    widget._length.setValue(40)
    widget.use_line()
    assert [x for x in viewer.layers if is_ruler(x)] == []
    assert session.roi_layer is rois
    assert session.image().spacing_mm == pytest.approx((40 / 320, 40 / 320))
    np.testing.assert_allclose(rois.scale, (0.125, 0.125))
    window = session.regions()[0].window
    assert (window.rows, window.columns) == (slice(20, 50), slice(110, 150))
    value, unit, method = rows()
    assert (value, unit) == (pytest.approx(BOX_PX2 * 0.125**2), "mm²")
    assert method["spacing_source"].startswith("line of 320 px drawn by hand = 40 mm")
    assert method["spacing_by_user"] is True


def test_a_line_on_a_picture_of_another_scale_counts_pixels(scan, box, session, ruler):
    """0.2 mm × 0.1 mm: 60 px down and 80 px across are 100 px whatever the scale."""
    scan(region(RegionLocationMaxX1=199, RegionLocationMaxY1=119))
    widget = box()
    widget.draw()
    ruler().add(np.array([(10, 10), (70, 90)]), shape_type="line")
    widget._length.setValue(50)
    widget.use_line()
    assert session.image().spacing_mm == pytest.approx((0.5, 0.5))


def test_the_last_line_counts_and_drawing_anew_keeps_one_layer(
    open_file, box, viewer, session, ruler
):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget.draw()
    ruler().add(np.array([(40, 6), (140, 6)]), shape_type="line")
    widget.draw()
    assert sum(map(is_ruler, viewer.layers)) == 1
    ruler().add(np.array([(40, 6), (240, 6)]), shape_type="line")
    widget._length.setValue(20)
    widget.use_line()
    assert session.image().spacing_mm == pytest.approx((0.1, 0.1))


def test_without_a_line_it_is_said(open_file, box, session, notes, ruler):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget.use_line()
    assert "There is no ruler line yet" in notes[-1]
    widget.draw()
    widget.use_line()
    assert "There is no ruler line yet" in notes[-1]
    ruler().add(np.array([(40, 6), (50, 6)]), shape_type="line")
    widget.use_line()
    assert "at least 20 px" in notes[-1]
    assert session.image().spacing_mm is None


def test_a_line_keeps_its_pixels_when_the_scale_is_set_meanwhile(
    open_file, box, session, ruler
):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget.draw()
    ruler().add(np.array([(40, 6), (360, 6)]), shape_type="line")
    widget.read()
    widget.accept()
    widget._length.setValue(80)
    widget.use_line()
    assert session.image().spacing_mm == pytest.approx((0.25, 0.25))


# Depth, another image, none


def test_the_depth_goes_over_the_chosen_picture(scan, box, session, outline, rows):
    scan(LEFT, RIGHT, BAR)
    outline()
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget._depth.setValue(50)
    widget.use_depth()
    known = session.image().calibration
    assert known.spacing_mm == pytest.approx((0.5, 0.5))
    assert known.region == (0, 100, 100, 200)
    assert said(widget) == ""
    value, _, method = rows()
    assert value == pytest.approx(BOX_PX2 * 0.25)
    assert method["spacing_source"].startswith("image depth 50 mm typed by hand")
    assert method["spacing_by_user"] is True


def test_over_a_whole_screen_the_depth_comes_with_a_caveat(open_file, box, session):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget._depth.setValue(40)
    widget.use_depth()
    assert session.image().spacing_mm == pytest.approx((0.1, 0.1))
    assert "all 400 rows" in said(widget)


@pytest.mark.parametrize("depth", [0, 0.05])
def test_an_impossible_depth_is_refused(open_file, box, session, notes, depth):
    open_file(screenshot(), "screen.png")
    widget = box()
    widget._depth.setValue(depth)
    widget.use_depth()
    assert "mm" in notes[-1]
    assert session.image().spacing_mm is None


SCANNER = {
    "Manufacturer": "ESAOTE",
    "ManufacturerModelName": "6100",
    "DepthOfScanField": "40",
}


def test_the_scale_is_copied_from_the_same_device_and_depth(
    scan, box, session, outline, rows
):
    scan(
        region(RegionLocationMaxX1=199, RegionLocationMaxY1=119),
        name="a.dcm",
        **SCANNER,
    )
    scan(name="b.dcm", gray=GRAY[::-1].copy(), **SCANNER)
    outline()
    widget = box()
    assert widget._form.isRowVisible(4)
    assert widget._others.currentText() == "a.dcm"
    widget.copy()
    assert said(widget) == ""
    assert session.image().spacing_mm == pytest.approx((0.2, 0.1))
    value, _, method = rows()
    assert value == pytest.approx(BOX_PX2 * 0.02)
    assert method["spacing_source"].startswith("copied from 'a.dcm'")
    assert method["spacing_by_user"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ManufacturerModelName": "MyLab"}, "the model is '6100' there and 'MyLab'"),
        ({"DepthOfScanField": "60"}, "the depth is 40 mm there and 60 mm here"),
    ],
    ids=["model", "depth"],
)
def test_of_another_device_or_depth_it_is_refused(
    scan, box, session, notes, change, words
):
    scan(
        region(RegionLocationMaxX1=199, RegionLocationMaxY1=119),
        name="a.dcm",
        **SCANNER,
    )
    scan(name="b.dcm", **(SCANNER | change))
    box().copy()
    assert words in notes[-1]
    assert session.image().spacing_mm is None


def test_a_copy_that_the_files_do_not_prove_comes_with_a_caveat(scan, box, session):
    scan(region(RegionLocationMaxX1=199, RegionLocationMaxY1=119), name="a.dcm")
    scan(name="b.dcm")
    widget = box()
    widget.copy()
    assert session.image().spacing_mm == pytest.approx((0.2, 0.1))
    assert "make sure that both images come from the same one" in said(widget)


def test_nothing_to_copy_from(scan, box, session, viewer, notes):
    first = scan(name="a.dcm")
    widget = box()
    assert not widget._form.isRowVisible(4)
    scan(name="b.dcm", gray=GRAY[::-1].copy())
    widget.refresh()
    assert widget._form.isRowVisible(4)
    widget.copy()
    assert "has no size of a pixel that could be copied" in notes[-1]
    viewer.layers.remove(first)
    widget.copy()
    assert "The layer 'a.dcm' is gone" in notes[-1]
    assert session.image().spacing_mm is None


def test_forget_goes_back_to_pixels(open_file, box, session, outline, rows):
    open_file(screenshot(), "screen.png")
    outline()
    widget = box()
    widget._depth.setValue(40)
    widget.use_depth()
    assert rows()[1] == "mm²"
    widget.forget()
    assert session.image().spacing_mm is None
    assert str(session.image_layer.units[0]) == "pixel"
    window = session.regions()[0].window
    assert (window.rows, window.columns) == (slice(20, 50), slice(110, 150))
    assert rows()[:2] == (BOX_PX2, "px²")


def test_rows_verify_after_the_file_s_own_scale_was_forgotten(scan, box, outline, rows):
    scan(region(RegionLocationMaxX1=199, RegionLocationMaxY1=119))
    outline()
    box().forget()
    assert rows()[:2] == (BOX_PX2, "px²")


@pytest.mark.parametrize(
    "command", ["use_region", "crop", "read", "draw", "use_line", "use_depth", "copy"]
)
def test_without_an_image_every_command_says_so(box, notes, viewer, command):
    getattr(box(), command)()
    assert len(notes) == 1
    assert "No image is open" in notes[0] or "is gone" in notes[0]
    assert list(viewer.layers) == []


def test_an_outline_of_the_whole_picture_stays_when_its_part_is_calibrated(
    scan, box, session, outline
):
    scan(LEFT, RIGHT)
    outline()
    widget = box()
    widget._regions.setCurrentIndex(1)
    widget.use_region()
    widget.crop()
    whole, _ = (x for x in session.viewer.layers if isinstance(x, Image))
    before = session.regions()[0].window
    assert (before.rows, before.columns) == (slice(20, 50), slice(10, 50))
    session.calibrate(Calibration((0.5, 0.5), "typed", by_user=True))
    # They do not lie on a part of another scale, but on the whole as before.
    assert session.regions() == []
    session.use_image(whole)
    after = session.regions()[0].window
    assert (after.rows, after.columns) == (slice(20, 50), slice(110, 150))


def test_a_second_outline_layer_of_the_image_stays_on_its_pixels(
    scan, box, viewer, session, outline
):
    scan()
    outline()
    first = session.roi_layer
    outline()
    box().use_depth()
    viewer.layers.selection.active = first
    assert session.roi_layer is first
    window = session.regions()[0].window
    assert (window.rows, window.columns) == (slice(20, 50), slice(110, 150))


def test_other_layers_of_shapes_are_no_rulers(viewer):
    viewer.add_shapes([[(0, 0), (0, 9)]], shape_type="line")
    assert isinstance(viewer.layers[0], Shapes)
    assert not is_ruler(viewer.layers[0])


def test_a_length_nobody_typed_calibrates_nothing(scan, box, session, notes):
    scan()
    widget = box()
    before = session.image().calibration
    for field, use in (
        (widget._depth, widget.use_depth),
        (widget._length, widget.use_line),
    ):
        assert field.text() == "type it"
        notes.clear()
        use()
        assert len(notes) == 1
    assert session.image().calibration == before
