"""The de-identified copy: what is seen is what is written, and only after a look."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from qtpy.QtWidgets import QDialogButtonBox

import napari_muscle_us as mus
from napari_muscle_us._napari.panels import _copy_dialog
from napari_muscle_us._napari.panels._copy_dialog import CopyDialog
from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import Calibration
from tests.core.conftest import dicom_dataset, region

NAME = "Zzmarker"
PICTURE = (20, 120, 30, 190)
PERSON = {
    "PatientName": f"{NAME}^Anna",
    "PatientID": f"{NAME}-1",
    "PatientBirthDate": "19010203",
    "InstitutionName": f"{NAME} hospital",
    "Manufacturer": "ESAOTE",
}


def screen(seed: int = 7) -> np.ndarray:
    """Return a picture with a bright line above it, where scanners write the name."""
    gray = np.zeros((130, 200), np.uint8)
    gray[2:12, 5:195] = 250
    top, bottom, left, right = PICTURE
    speckle = np.random.default_rng(seed).integers(30, 220, (100, 160), np.uint8)
    gray[top:bottom, left:right] = speckle
    return gray


SCREEN = screen()
REGION = region(
    RegionLocationMinX0=30,
    RegionLocationMaxX1=189,
    RegionLocationMinY0=20,
    RegionLocationMaxY1=119,
)


@pytest.fixture
def panel(viewer, session, qtbot, notes):
    widget = AcquisitionPanel(viewer)
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def show(open_file, tmp_path):
    """Return a function that opens a DICOM file of a named person, or a picture."""

    def write(name="scan.dcm", frames=None, **tags):
        if name.endswith(".png"):
            open_file(SCREEN, name)
            return tmp_path / name
        if frames is not None:
            many = {"NumberOfFrames": len(frames), "PixelData": frames.tobytes()}
            tags = many | {"FrameTime": "50"} | tags
        open_file(dicom_dataset(SCREEN, regions=[REGION], **PERSON, **tags), name)
        return tmp_path / name

    return write


@pytest.fixture
def dialog(panel, qtbot):
    def make():
        made = panel.copy_dialog()
        qtbot.addWidget(made)
        return made

    return make


def save_button(dialog):
    return dialog._buttons.button(QDialogButtonBox.StandardButton.Save)


def set_edges(dialog, bounds):
    top, bottom, left, right = bounds
    values = (top, bottom - 1, left, right - 1)
    for box, value in zip(dialog._edges, values, strict=True):
        box.setValue(value)


def level(dialog, row, column):
    """Return the gray level that the preview shows at a pixel of the picture."""
    shown = dialog._picture.pixmap().toImage()
    scale = shown.width() / 200
    return shown.pixelColor(int((column + 0.5) * scale), int((row + 0.5) * scale)).red()


def blacked(bounds, gray=SCREEN):
    kept = np.zeros_like(gray)
    part = (slice(*bounds[:2]), slice(*bounds[2:]))
    kept[part] = gray[part]
    return kept


def test_saving_needs_a_look(show, dialog, tmp_path):
    show()
    copy = dialog()
    assert not save_button(copy).isEnabled()
    with pytest.raises(ImageReadError, match="Look at the picture first"):
        copy.save(tmp_path / "copy.dcm")
    assert not (tmp_path / "copy.dcm").exists()
    copy._looked.setChecked(True)
    assert save_button(copy).isEnabled()


def test_other_edges_need_another_look(show, dialog):
    show()
    copy = dialog()
    copy._looked.setChecked(True)
    copy._edges[0].setValue(0)
    assert not copy._looked.isChecked()
    assert not save_button(copy).isEnabled()


@pytest.mark.parametrize("name", ["scan.dcm", "screen.png"])
def test_the_preview_is_black_outside_the_picture(show, dialog, name):
    show(name)
    copy = dialog()
    assert copy.keep() == PICTURE
    assert level(copy, 6, 100) == 0
    assert level(copy, 70, 100) >= 30
    set_edges(copy, (0, 60, 0, 200))
    assert level(copy, 6, 100) == 250
    assert level(copy, 40, 100) >= 30
    assert level(copy, 70, 100) == 0


def test_crossed_edges_are_said_and_not_saved(show, dialog, tmp_path):
    show()
    copy = dialog()
    set_edges(copy, (60, 40, 30, 190))
    assert "lies before the first" in copy._message.text()
    assert copy._picture.pixmap().isNull()
    copy._looked.setChecked(True)
    with pytest.raises(ImageReadError, match="lies before the first"):
        copy.save(tmp_path / "copy.dcm")
    assert not (tmp_path / "copy.dcm").exists()
    set_edges(copy, PICTURE)
    assert level(copy, 70, 100) >= 30


def test_what_goes_is_listed_without_its_values(show, dialog):
    show()
    text = dialog()._removed.toPlainText()
    assert "PatientName" in text
    assert "PatientBirthDate" in text
    assert NAME not in text
    assert "1901" not in text


def test_the_dicom_copy_names_nobody_and_measures_the_same(show, dialog, tmp_path):
    path = show()
    copy = dialog()
    copy._looked.setChecked(True)
    copy.save(tmp_path / "copy.dcm")
    content = (tmp_path / "copy.dcm").read_bytes()
    assert NAME.encode() in path.read_bytes()
    assert NAME.encode() not in content
    assert b"19010203" not in content
    written = pydicom.dcmread(tmp_path / "copy.dcm")
    assert written.PatientName == ""
    assert written.PatientIdentityRemoved == "YES"
    assert written.Manufacturer == "ESAOTE"
    np.testing.assert_array_equal(written.pixel_array, blacked(PICTURE))
    image = mus.read_image(tmp_path / "copy.dcm")
    assert image.spacing_mm == mus.read_image(path).spacing_mm


def test_the_copy_of_a_part_keeps_that_part_of_the_file(
    show, dialog, session, tmp_path
):
    """The edges are those of the part; the file has them elsewhere."""
    show()
    session.add_image(session.image().cropped((15, 125, 20, 195)))
    copy = dialog()
    assert copy.keep() == (5, 105, 10, 170)
    set_edges(copy, (25, 65, 30, 90))
    # The preview is the whole picture of the file, as it will be written.
    assert level(copy, 35, 45) == 0
    assert level(copy, 75, 105) >= 30
    copy._looked.setChecked(True)
    copy.save(tmp_path / "copy.dcm")
    written = pydicom.dcmread(tmp_path / "copy.dcm")
    np.testing.assert_array_equal(written.pixel_array, blacked((40, 80, 50, 110)))


def test_the_tiff_copy_has_the_scale(show, dialog, tmp_path):
    show()
    copy = dialog()
    copy._looked.setChecked(True)
    copy.save(tmp_path / "copy.tif")
    assert NAME.encode() not in (tmp_path / "copy.tif").read_bytes()
    image = mus.read_image(tmp_path / "copy.tif")
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-6)
    np.testing.assert_array_equal(image.pixels, blacked(PICTURE))


def test_the_scale_that_the_user_set_is_written(show, dialog, session, tmp_path):
    show("screen.png")
    session.calibrate(Calibration((0.05, 0.05), "typed", by_user=True))
    copy = dialog()
    copy._looked.setChecked(True)
    copy.save(tmp_path / "copy.tif")
    image = mus.read_image(tmp_path / "copy.tif")
    assert image.spacing_mm == pytest.approx((0.05, 0.05), rel=1e-6)


def test_the_png_copy(show, dialog, tmp_path):
    show()
    copy = dialog()
    set_edges(copy, (30, 90, 40, 140))
    copy._looked.setChecked(True)
    copy.save(tmp_path / "copy.png")
    image = mus.read_image(tmp_path / "copy.png")
    np.testing.assert_array_equal(image.pixels, blacked((30, 90, 40, 140)))


def test_a_clip_is_copied_whole_and_asks_for_a_look_at_all_frames(
    show, dialog, viewer, session, tmp_path
):
    frames = np.stack([screen(seed) for seed in range(3)])
    show(frames=frames)
    viewer.dims.set_current_step(0, 2)
    copy = dialog()
    assert "all frames" in copy._looked.text()
    copy._looked.setChecked(True)
    for name in ("copy.dcm", "copy.tif"):
        copy.save(tmp_path / name)
        written = mus.read_image(tmp_path / name)
        assert written.frame_times_s == pytest.approx((0, 0.05, 0.1))
        for index in range(3):
            expected = blacked(PICTURE, frames[index])
            np.testing.assert_array_equal(written.frame(index).pixels, expected)
    copy.save(tmp_path / "copy.png")
    shown = mus.read_image(tmp_path / "copy.png")
    np.testing.assert_array_equal(shown.pixels, blacked(PICTURE, frames[2]))


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("scan.dcm", "copy.jpg", "The ending '.jpg' is not known"),
        ("screen.png", "copy.dcm", "was not opened from a DICOM file"),
        ("screen.png", "copy", "The ending '' is not known"),
    ],
)
def test_an_ending_that_does_not_go_is_said(
    show, dialog, tmp_path, source, name, words
):
    show(source)
    copy = dialog()
    copy._looked.setChecked(True)
    with pytest.raises(ImageReadError, match=words):
        copy.save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_the_save_button_asks_for_a_name_and_tells(
    show, dialog, tmp_path, monkeypatch, notes
):
    show()
    asked = []

    def ask(parent, title, name, kinds):
        asked.append((name, kinds))
        return str(tmp_path / "out.dcm")

    monkeypatch.setattr(_copy_dialog, "ask_save_path", ask)
    copy = dialog()
    copy._looked.setChecked(True)
    save_button(copy).click()
    ((name, kinds),) = asked
    assert name == "copy.dcm"
    assert kinds.startswith("DICOM")
    assert (tmp_path / "out.dcm").is_file()
    assert notes == [f"Saved {tmp_path / 'out.dcm'}"]
    assert copy.result() == CopyDialog.DialogCode.Accepted


def test_the_original_is_not_overwritten(show, dialog, tmp_path, monkeypatch, notes):
    path = show()
    before = path.read_bytes()
    monkeypatch.setattr(_copy_dialog, "ask_save_path", lambda *_: str(path))
    copy = dialog()
    copy._looked.setChecked(True)
    save_button(copy).click()
    assert "is the original itself" in notes[-1]
    assert path.read_bytes() == before


def test_a_file_that_is_gone_is_said_in_the_dialog(show, dialog):
    path = show()
    path.unlink()
    copy = dialog()
    # Without its file only a picture can be written.
    copy._looked.setChecked(True)
    with pytest.raises(ImageReadError, match="not opened from a DICOM file"):
        copy.save(path.with_name("copy.dcm"))


def test_without_an_image_it_is_said(panel, notes):
    panel.open_copy()
    assert notes == [
        "No image is open; open one with File › Open or File › Open Sample."
    ]


def test_open_copy_shows_the_dialog(show, panel, qtbot):
    show()
    panel.show()
    qtbot.waitExposed(panel)
    panel.open_copy()
    (shown,) = panel.findChildren(CopyDialog)
    assert shown.isVisible()
    shown.reject()
    assert not shown.isVisible()
