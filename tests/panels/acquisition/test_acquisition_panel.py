"""The Acquisition panel: what is known, what is not, and the check of a frame."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.reference.subject import Subject
from tests.core.conftest import dicom_bytes, dicom_dataset, region

GRAY = np.random.default_rng(5).integers(1, 255, (120, 200), np.uint8)
WHOLE = region(RegionLocationMaxX1=199, RegionLocationMaxY1=119)
LEFT = region(RegionLocationMaxX1=99, RegionLocationMaxY1=119)
RIGHT = region(
    RegionLocationMinX0=100,
    RegionLocationMaxX1=199,
    RegionLocationMaxY1=119,
    PhysicalDeltaX=0.03,
    PhysicalDeltaY=0.04,
)


class Source:
    """Frames of one gray level each."""

    shape = (4, 120, 200)

    def read(self, index):
        return Frame(np.full(self.shape[1:], 50 + index, np.uint8))


@pytest.fixture
def panel(viewer, shown, notes):
    return shown(AcquisitionPanel(viewer))


@pytest.fixture
def show(open_file):
    """Return a function that opens a DICOM file with regions, or a picture."""

    def write(*regions, name="scan.dcm", gray=GRAY, **tags):
        if name.endswith(".png"):
            return open_file(gray, name)
        return open_file(dicom_dataset(gray, regions=regions, **tags), name)

    return write


def facts(panel):
    """Return name → value of the facts as they are shown."""
    cells = re.findall(r"<td>(.*?)</td>", panel._facts.text())
    plain = [unescape(re.sub(r"<.*?>", "", c)).replace("\xa0", "") for c in cells]
    return dict(zip(plain[::2], plain[1::2], strict=True))


def findings(panel):
    return unescape(panel._findings.text())


# What is known


def test_facts_of_a_still(show, panel, qtbot):
    show(
        WHOLE,
        StudyTime="100000",
        AcquisitionDateTime="20010101100130",
        StudyDate="20010101",
    )
    qtbot.waitUntil(lambda: bool(facts(panel)))
    assert facts(panel) == {
        "File": "scan.dcm",
        "Picture": "200 × 120 pixels",
        "Size of a pixel": "0.2 mm in depth, 0.1 mm lateral",
        "Known from": "DICOM SequenceOfUltrasoundRegions",
        "Whole picture": "24.0 mm deep, 20.0 mm wide",
        "Gray levels": "as stored",
        "Acquired": "1 min 30 s into the study",
    }
    assert panel._caveats.isHidden()


def test_facts_of_a_screenshot(show, panel, qtbot):
    show(name="screen.png")
    qtbot.waitUntil(lambda: bool(facts(panel)))
    known = facts(panel)
    assert known["Size of a pixel"] == "not known"
    assert not {"Known from", "Whole picture", "Acquired"} & set(known)
    assert "lengths and areas are in pixels" in panel._caveats.text()


def test_facts_of_a_clip_follow_the_frame(show, panel, viewer, qtbot):
    frames = np.stack([GRAY, 255 - GRAY, GRAY])
    show(WHOLE, NumberOfFrames=3, PixelData=frames.tobytes(), FrameTime="40")
    qtbot.waitUntil(lambda: bool(facts(panel)))
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: facts(panel)["Frame"] == "2 (0 to 2), 0.080 s")
    assert facts(panel)["Frame rate"] == "25 frames a second"
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: facts(panel)["Frame"] == "0 (0 to 2), 0.000 s")


def test_facts_of_a_clip_without_times(session, panel, qtbot):
    session.add_image(UltrasoundImage(FrameStack(Source()), "a.dcm", "a" * 64))
    qtbot.waitUntil(lambda: bool(facts(panel)))
    assert facts(panel)["Frame"] == "1 (0 to 3)"
    assert facts(panel)["Frame rate"] == "not known"


def test_facts_of_a_clip_that_changes_its_scale(session, panel, viewer, qtbot):
    first = Calibration((0.1, 0.1), "first")
    later = Calibration((0.2, 0.2), "later")
    scales = (first, first, later, None)
    session.add_image(
        UltrasoundImage(
            FrameStack(Source()), "a.dcm", "a" * 64, frame_calibrations=scales
        )
    )
    for frame, size in enumerate(("0.1 mm", "0.1 mm", "0.2 mm", "not known")):
        viewer.dims.set_current_step(0, frame)
        panel.refresh()
        assert facts(panel)["Size of a pixel"] == size
        stated = session.image().spacing_mm
        assert stated == (None if size == "not known" else (float(size[:3]),) * 2)


def test_facts_of_a_part(show, panel, session, qtbot):
    show(WHOLE)
    session.add_image(session.image().cropped((20, 100, 50, 150)))
    panel.refresh()
    known = facts(panel)
    assert known["Part"] == "rows 20 to 99, columns 50 to 149"
    assert known["Picture"] == "100 × 80 pixels"
    assert known["Whole picture"] == "16.0 mm deep, 10.0 mm wide"


def test_the_user_s_word_is_shown_as_such(show, panel, session, qtbot):
    show(name="screen.png")
    panel.calibration._depth.setValue(24)
    panel.calibration.use_depth()
    qtbot.waitUntil(lambda: facts(panel)["Size of a pixel"] == "0.2 mm")
    assert facts(panel)["Known from"].startswith("image depth 24 mm typed by hand")
    # The caveat of the file is settled, that of the command is still there.
    assert panel._caveats.text() == ""
    assert "all 120 rows" in panel.calibration._message.text()
    panel.calibration.forget()
    qtbot.waitUntil(lambda: facts(panel)["Size of a pixel"] == "not known")
    assert "lengths and areas are in pixels" in panel._caveats.text()


def test_a_file_s_text_is_shown_as_text(show, panel):
    show(WHOLE, name="a<b>&b.dcm")
    panel.refresh()
    assert facts(panel)["File"] == "a<b>&b.dcm"
    assert "a&lt;b&gt;&amp;b.dcm" in panel._facts.text()


def test_without_an_image_it_is_said(panel, notes):
    assert panel._facts.text() == ""
    assert "No image is open" in panel._caveats.text()
    panel.check()
    assert len(notes) == 1
    assert "No image is open" in notes[0]


def test_a_file_that_is_opened_again_is_shown_whole_again(show, panel, viewer):
    show(WHOLE)
    panel.refresh()
    assert panel.device.isEnabled()
    viewer.layers.clear()
    panel.refresh()
    assert not panel.device.isEnabled()
    show(WHOLE)
    panel.refresh()
    assert panel.device.isEnabled()
    assert panel.calibration._regions.count() == 1


def test_half_typed_device_fields_survive_a_calibration(show, panel):
    show(name="screen.png")
    panel.refresh()
    panel.device._edits["model"].setText("61")
    panel.calibration._depth.setValue(24)
    panel.calibration.use_depth()
    panel.refresh()
    assert panel.device._edits["model"].text() == "61"


def test_it_follows_while_visible_and_waits_while_hidden(show, panel, qtbot):
    show(WHOLE, name="a.dcm")
    qtbot.waitUntil(lambda: facts(panel).get("File") == "a.dcm")
    panel.hide()
    show(WHOLE, name="b.dcm", gray=255 - GRAY)
    qtbot.wait(150)
    assert facts(panel)["File"] == "a.dcm"
    panel.show()
    assert facts(panel)["File"] == "b.dcm"


def test_regions_are_offered_only_where_there_are_some(show, panel, qtbot):
    show(LEFT, RIGHT)
    panel.refresh()
    box = panel.calibration
    assert box._form.isRowVisible(0)
    assert box._regions.count() == 2
    assert "pictures of different scale" in panel._caveats.text()
    show(name="screen.png")
    panel.refresh()
    assert not box._form.isRowVisible(0)


def test_the_choice_of_a_region_settles_the_caveat_of_two_scales(show, panel):
    show(LEFT, RIGHT)
    panel.refresh()
    assert "until then lengths and areas are in pixels" in panel._caveats.text()
    panel.calibration.use_region()
    panel.refresh()
    assert panel._caveats.text() == ""
    panel.calibration.forget()
    panel.refresh()
    assert "until then lengths and areas are in pixels" in panel._caveats.text()
    panel.calibration._regions.setCurrentIndex(1)
    panel.calibration.crop()
    panel.refresh()
    assert facts(panel)["Size of a pixel"] == "0.4 mm in depth, 0.3 mm lateral"
    assert panel._caveats.text() == ""


# The check


def test_findings_come_on_the_click_and_go_with_the_frame(show, panel, viewer, qtbot):
    bright = GRAY.copy()
    bright[np.random.default_rng(8).random(GRAY.shape) < 0.5] = 255
    frames = np.stack([bright, GRAY])
    show(WHOLE, NumberOfFrames=2, PixelData=frames.tobytes(), FrameTime="40")
    viewer.dims.set_current_step(0, 0)
    panel.refresh()
    assert "saturated" not in findings(panel)
    panel.check()
    shown = findings(panel)
    assert re.search(r"⚠.{0,12}(49|50)(\.\d)? % of the picture is saturated", shown)
    assert "A pixel is 0.2 × 0.1 mm" in shown
    # What needs a look comes first.
    assert shown.index("⚠") < shown.index("✓")
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: "saturated" not in findings(panel))
    panel.check()
    assert "0.0 % of the picture is saturated" in findings(panel)


def test_findings_go_when_the_scale_or_the_device_is_set(show, panel):
    show(name="screen.png")
    panel.refresh()
    panel.check()
    assert "size of a pixel is not known" in findings(panel)
    panel.calibration._depth.setValue(24)
    panel.calibration.use_depth()
    panel.refresh()
    assert "size of a pixel" not in findings(panel)
    panel.check()
    panel.device._edits["manufacturer"].setText("ESAOTE")
    panel.device.use()
    panel.refresh()
    assert "✓" not in findings(panel)


def test_the_check_holds_the_header_against_the_ruler(show, panel):
    screen = np.zeros((400, 300), np.uint8)
    screen[40:361, 40:280] = np.random.default_rng(1).integers(1, 200, (321, 240))
    screen[40:361:40, 4:9] = 200
    screen[40:361:80, 4:14] = 200
    # 5 mm every 40 px are 0.125 mm; the file says 0.15 mm.
    told = region(
        RegionLocationMinX0=40,
        RegionLocationMaxX1=279,
        RegionLocationMinY0=40,
        RegionLocationMaxY1=360,
        PhysicalDeltaX=0.015,
        PhysicalDeltaY=0.015,
    )
    show(told, gray=screen)
    panel.check()
    wanted = r"⚠.{0,40}The stated 0.15 mm a pixel along depth does not agree"
    assert re.search(wanted, findings(panel))


def test_the_check_names_a_device_that_is_not_the_reference_s(show, panel):
    show(WHOLE, Manufacturer="Philips", ManufacturerModelName="EPIQ 5G")
    panel.check()
    said = "The scanner is Philips EPIQ 5G, that of the reference Esaote 6100"
    assert said in findings(panel)


def test_a_reading_goes_with_its_frame(show, panel, viewer):
    screen = np.zeros((120, 200), np.uint8)
    screen[10:111:20, 3:9] = 200
    frames = np.stack([screen, screen])
    show(NumberOfFrames=2, PixelData=frames.tobytes(), FrameTime="40")
    viewer.dims.set_current_step(0, 0)
    panel.refresh()
    panel.calibration.read()
    assert panel.calibration._ticks.count() > 0
    viewer.dims.set_current_step(0, 1)
    panel.refresh()
    assert panel.calibration._ticks.count() == 0


def test_a_part_of_a_file_with_two_pictures_can_be_checked_and_copied(
    show, panel, notes, qtbot
):
    show(LEFT, RIGHT)
    panel.refresh()
    panel.calibration._regions.setCurrentIndex(1)
    notes.clear()
    panel.calibration.crop()
    panel.refresh()
    panel.check()
    assert notes == []
    assert "A pixel is 0.4 × 0.3 mm" in findings(panel)
    dialog = panel.copy_dialog()
    qtbot.addWidget(dialog)
    assert dialog.keep() == (0, 120, 0, 100)


# The person of the file


PERSON = {
    "PatientName": "Zzmarker^Anna",
    "PatientAge": "040Y",
    "PatientSex": "M",
    "PatientSize": "1.8",
}


def test_the_person_of_the_file_is_offered_and_taken_on_the_click(
    show, session, viewer, shown, notes
):
    show(WHOLE, **PERSON)
    scores = shown(ZScorePanel(viewer))
    assert scores._from_file.isVisible()
    assert session.subject == Subject()
    session.set_subject(Subject(weight_kg=80.0), session.reference, accept_device=False)
    scores._from_file.click()
    # What the file does not tell stays as it was typed.
    assert session.subject == Subject(40.0, "male", 180.0, 80.0)
    assert scores._form.value() == session.subject
    assert notes == []


def test_nobody_is_offered_where_the_file_tells_nothing(show, viewer, shown, qtbot):
    show(WHOLE)
    scores = shown(ZScorePanel(viewer))
    assert not scores._from_file.isVisible()
    show(WHOLE, name="b.dcm", gray=255 - GRAY, **PERSON)
    qtbot.waitUntil(scores._from_file.isVisible)
    viewer.layers.clear()
    scores.refresh()
    assert not scores._from_file.isVisible()


def test_a_header_that_contradicts_the_ruler_is_told_without_a_click(
    viewer, session, shown, qtbot, tmp_path
):
    """The ruler has 5 mm every 50 px, 0.1 mm a pixel; the header says 0.2 mm."""
    gray = np.zeros((420, 300), np.uint8)
    gray[:, 60:240] = np.random.default_rng(4).integers(20, 120, (420, 180))
    for number, row in enumerate(range(10, 411, 50)):
        gray[row, 260 : 260 + (14 if number % 2 == 0 else 7)] = 230
    item = region(
        RegionLocationMinX0=60,
        RegionLocationMaxX1=239,
        RegionLocationMinY0=0,
        RegionLocationMaxY1=419,
        PhysicalDeltaX=0.02,
        PhysicalDeltaY=0.02,
    )
    path = tmp_path / "wrong.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(gray, regions=[item])))
    ((data, attributes, _),) = read_layers(path)
    viewer.add_image(data, **attributes)
    panel = shown(AcquisitionPanel(viewer))
    qtbot.waitUntil(lambda: "does not agree with the ruler" in panel._caveats.text())
    session.calibrate(Calibration((0.1, 0.1), "typed", by_user=True))
    qtbot.waitUntil(lambda: "ruler" not in panel._caveats.text())
