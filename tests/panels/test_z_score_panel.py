from __future__ import annotations

import numpy as np
import pytest

from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.reference.subject import Subject

from .conftest import square


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(ZScorePanel(viewer))


def enter(panel, **values):
    """Type into the form as a user does."""
    for name, text in values.items():
        if name == "sex":
            panel._form._sex.setCurrentText(text)
        else:
            panel._form._fields[name].setText(text)


def gray_image(level: int, device: Device) -> UltrasoundImage:
    pixels = np.full((60, 60), level, np.uint8)
    return UltrasoundImage(pixels, name="x.dcm", digest="0" * 64, device=device)


def show_constant(viewer, session, level, device=None):
    data, attributes, _ = layer_data(gray_image(level, device or Device()))
    viewer.add_image(data, **attributes)
    layer = session.new_roi_layer()
    layer.add(square(9.5, 9.5, 20), shape_type="rectangle")
    session.edit(0, muscle="Biceps brachii")
    session.select([0])


def test_the_worked_example_of_the_reference_set(viewer, session, shown):
    """Man, 40 y, 180 cm, 80 kg, echo intensity 100: Z = 4.675922."""
    show_constant(viewer, session, 100, Device("ESAOTE", "6100"))
    panel = shown(ZScorePanel(viewer))
    enter(panel, age_years="40", sex="male", height_cm="180", weight_kg="80")
    score = panel.value()
    assert score.z == pytest.approx(4.675922, abs=1e-6)
    assert score.predicted == pytest.approx(66.832839, abs=1e-6)
    assert score.sd == pytest.approx(7.093181, abs=1e-6)
    assert "Z = +4.68" in panel._z_label.text()
    assert panel._numbers["Predicted"].text().startswith("66.83")
    assert panel._message.text() == ""


def test_a_missing_covariate_is_named(panel):
    assert panel.value() is None
    assert "needs the subject's age and weight" in panel._message.text()
    assert "no Z-score" in panel._z_label.text()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"age_years": "-3"}, "Age -3 years is not possible"),
        ({"height_cm": "1.8"}, "enter 180"),
        ({"weight_kg": "eighty"}, "'eighty' is not a number"),
    ],
    ids=["negative age", "metres", "a word"],
)
def test_impossible_values_are_refused(panel, typed, words):
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is not None
    enter(panel, **typed)
    assert panel.value() is None
    assert words in panel._message.text()


def test_a_decimal_comma_is_a_number(panel, session):
    enter(panel, weight_kg="80,5")
    assert session.subject.weight_kg == 80.5


def test_a_muscle_that_is_not_in_the_set(panel, session, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    session.edit(0, muscle="Plantaris")
    qtbot.waitUntil(lambda: panel.value() is None)
    assert "'Plantaris' is not in the reference set" in panel._message.text()


def test_no_muscle_is_said(panel, session, qtbot):
    session.edit(0, muscle="")
    qtbot.waitUntil(lambda: "has no muscle" in panel._message.text())


def test_another_device_is_refused_until_the_user_answers_for_it(
    viewer, session, shown
):
    show_constant(viewer, session, 100, Device("Philips", "EPIQ 5G"))
    panel = shown(ZScorePanel(viewer))
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is None
    assert "from Philips EPIQ 5G" in panel._message.text()
    assert panel._accept.isVisible()
    panel._accept.setChecked(True)
    assert panel.value().z == pytest.approx(4.675922, abs=1e-6)
    assert "accepted by the user" in panel._message.text()


def test_an_unknown_device_is_warned_of(panel):
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is not None
    assert "device of the image is not known" in panel._message.text()


def test_it_follows_the_region(panel, rois, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    before = panel.value().z
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.waitUntil(lambda: panel.value().z != before)


def test_two_panels_agree(viewer, rois, shown, qtbot):
    first, second = shown(ZScorePanel(viewer)), shown(ZScorePanel(viewer))
    enter(first, age_years="40", weight_kg="80")
    assert second.value() == first.value()
    assert second._form.value() == Subject(age_years=40, weight_kg=80)


def test_a_broken_reference_file_is_said(panel, tmp_path, notes):
    path = tmp_path / "set.json"
    path.write_text("{}", encoding="utf-8")
    from napari_muscle_us._napari.panels._widgets import report

    assert not report(lambda: panel.use_reference(str(path)))
    assert "is not valid" in notes[0]
    assert panel._set_combo.currentText() == "radboud-esaote-6100-adult"


def test_the_plot_shows_subject_and_prediction(panel, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    plot = panel._plot.plot()
    plot.set_value(panel.value())
    (axes,) = plot.figure.axes
    positions = {float(line.get_xdata()[0]) for line in axes.lines[1:]}
    assert positions == {panel.value().predicted, panel.value().echo_intensity}
