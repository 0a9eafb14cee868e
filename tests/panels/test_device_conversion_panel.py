"""Another scanner, in its panel: pairs or a phantom to a file, and several centres."""

from __future__ import annotations

import math
import threading

import numpy as np
import pandas as pd
import pytest

from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us._napari.panels import _conv_files, _conv_two_scanners
from napari_muscle_us._napari.panels._conv_combat_work import is_tidy
from napari_muscle_us._napari.panels._conv_devices import DevicePair
from napari_muscle_us._napari.panels._conv_source import ONE, PHANTOM, TWO
from napari_muscle_us._napari.panels._conv_work import (
    FitRequest,
    Fitted,
    fit_line,
    short_name,
)
from napari_muscle_us._napari.panels.device_conversion import DeviceConversionPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.io.spreadsheet import read_spreadsheet
from napari_muscle_us.reference.conversion.conversion_file import load_conversion
from napari_muscle_us.reference.conversion.phantom_conversion import phantom_conversion
from napari_muscle_us.reference.harmonising.harmonise import combat
from napari_muscle_us.reference.load import DEFAULT_SET, load_reference
from napari_muscle_us.reference.parts import DeviceBinding, Span
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import COLUMNS

from .conftest import square

SOURCE, TARGET = "Philips iU22", "Esaote 6100"
MUSCLES = ("Biceps brachii", "Tibialis anterior", "Rectus femoris")
TARGETS = [(-9, 41, 33), (-6, 58, 44.5), (-3, 78, 58), (0, 95, 70.5), (3, 118, 85)]
MAN = Subject(40, "male", 180, 80)


def paired(seed=4):
    """Return 60 muscles of 20 people on both scanners, three images each."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(20):
        for muscle in MUSCLES:
            true = rng.normal(75, 18)
            for image in (1, 2, 3):
                x, y = true + rng.normal(0, 3), 9 + 0.72 * true + rng.normal(0, 2.2)
                for scanner, value in ((SOURCE, x), (TARGET, y)):
                    rows.append((f"S{person}", muscle, "li", image, scanner, value))
    return pd.DataFrame(
        rows, columns=["code", "Muskel", "Seite", "Bild", "scanner", "EI"]
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pairs.csv"
    paired().to_csv(path, index=False)
    return path


@pytest.fixture
def panel(viewer, shown):
    return shown(DeviceConversionPanel(viewer))


@pytest.fixture
def tab(panel):
    return panel.two_scanners


def wait(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.job.running, timeout=20_000)


@pytest.fixture(scope="module")
def line():
    """Return the line of the pairs; fitting takes longer than all the rest."""
    request = FitRequest(
        paired().astype(str).rename_axis("row"),
        None,
        "scanner",
        (SOURCE, TARGET),
        "intensity.mean",
        "deming",
        None,
    )
    return fit_line(request, progress=lambda *_: None, cancelled=lambda: False)


@pytest.fixture
def fitted(tab, table, line):
    """Return the tab with a fitted line and all details filled in."""
    tab.source.open(table)
    tab._on_fitted(line)
    fill_in(tab)
    return tab


def fill_in(tab):
    tab.devices.set_device(0, Device("Philips", "iU22"))
    tab.devices._ask_set_to()
    tab.file.set_labels(author="Our laboratory")


def write(path, frame):
    frame.to_csv(path, index=False)
    return path


def z_panel(viewer, session, shown, level=80, device=None):
    """Show a picture of one gray level in the panel Z-score."""
    image = UltrasoundImage(
        np.full((60, 60), level, np.uint8),
        name="x.dcm",
        digest="0" * 64,
        device=device or Device("Philips", "iU22"),
    )
    data, attributes, _ = layer_data(image)
    viewer.add_image(data, **attributes)
    session.new_roi_layer().add(square(9.5, 9.5, 20), shape_type="rectangle")
    session.edit(0, muscle="Biceps brachii")
    session.select([0])
    session.set_subject(MAN, DEFAULT_SET, accept_device=False)
    return shown(ZScorePanel(viewer))


def test_from_a_table_to_a_z_score(tab, viewer, session, shown, tmp_path, table, qtbot):
    """The issue's story: pairs, a line, a file, and Z that carries its error."""
    tab.source.open(table)
    tab.line._fit.click()
    wait(qtbot, tab)
    fill_in(tab)
    fitted, line = tab, tab.value().fit
    assert fitted.devices.names() == (SOURCE, TARGET)
    assert (line.pairs.n, line.pairs.n_subjects) == (60, 20)
    assert line.slope == pytest.approx(0.72, abs=0.05)
    low, high = line.line.slope_interval
    assert low < 0.72 < high
    words = fitted.result.text()
    assert f"= {line.slope:.4g} × {SOURCE}" in words
    assert "60 muscles of 20 people" in words
    assert "ratio of error variances" in words
    assert "⚠" not in words

    z = z_panel(viewer, session, shown)
    assert z.value() is None
    path = fitted.use(tmp_path / "philips-to-esaote")
    assert path.name == "philips-to-esaote.json"
    assert session.conversion == str(path)
    found = load_conversion(path)
    assert found.slope == line.slope
    assert (str(found.source), str(found.target)) == ("Philips iU22", "Esaote 6100")
    z.refresh()
    score = z.value()
    plain = load_reference(DEFAULT_SET).z_score(
        "Biceps brachii",
        echo_intensity=line.intercept + line.slope * 80,
        age_years=40,
        sex="male",
        height_cm=180,
        weight_kg=80,
    )
    carried = math.hypot(plain.sd, line.slope * line.residual_sd)
    assert score.sd == pytest.approx(carried, rel=1e-12)
    assert score.z == pytest.approx(plain.z * plain.sd / carried, rel=1e-9)
    assert score.sd > plain.sd
    assert "Z-scores use the conversion philips-to-esaote" in fitted.file._used.text()
    fitted.stop_using()
    z.refresh()
    assert z.value() is None
    assert not fitted.file._used.isVisible()


def test_the_direction_follows_the_reference_set(fitted, session, tmp_path, qtbot):
    slope = fitted.value().fit.slope
    fitted.devices.swap()
    wait(qtbot, fitted)
    assert fitted.devices.names() == (TARGET, SOURCE)
    assert fitted.devices.binding(0).manufacturer == "Esaote"
    assert fitted.value().fit.slope == pytest.approx(1 / slope, rel=1e-9)
    used = load_conversion(fitted.use(tmp_path / "a.json"))
    assert str(used.target) == "Esaote 6100"
    assert used.slope == pytest.approx(slope, rel=1e-9)


def test_a_conversion_elsewhere_is_not_used(fitted, session, tmp_path):
    fitted.devices.set_device(1, Device("Maker", "Other"))
    with pytest.raises(ReferenceSetError, match="reference set of the Z-scores is of"):
        fitted.use(tmp_path / "a.json")
    assert session.conversion == ""
    assert not (tmp_path / "a.json").exists()


def test_the_inverse_is_the_true_inverse(fitted, tmp_path):
    there = load_conversion(fitted.save(tmp_path / "there.json"))
    back = load_conversion(fitted.save(tmp_path / "back.json", inverse=True))
    assert back.convert(there.convert(80.0)) == pytest.approx(80, abs=1e-10)
    assert back.name == f"{there.name}-inverse"


def test_another_file_of_the_same_name_is_announced(fitted, session, tmp_path):
    path = fitted.use(tmp_path / "a.json")
    told = []
    session.subject_changed.connect(lambda: told.append(session.conversion))
    fitted.file.set_labels(remark="changed")
    fitted.save(path)
    assert told == ["", str(path)]


def test_it_is_used_again_without_asking_while_unchanged(fitted, tmp_path):
    with pytest.raises(ReferenceSetError, match="not saved yet"):
        fitted.use()
    path = fitted.save(tmp_path / "a.json")
    assert fitted.use() == path
    fitted.file.set_labels(title="Another")
    with pytest.raises(ReferenceSetError, match="not saved yet"):
        fitted.use()


def test_the_buttons(fitted, session, tmp_path, monkeypatch, notes):
    asked = iter([tmp_path / "a.json", tmp_path / "b.json", ""])
    offered = []

    def ask(parent, title, name, filters):
        offered.append(name)
        return str(next(asked))

    monkeypatch.setattr(_conv_files, "ask_save_path", ask)
    fitted.file._save.click()
    fitted.file._save_inverse.click()
    names = [load_conversion(tmp_path / f"{stem}.json").name for stem in "ab"]
    assert names == ["philips-iu22-to-esaote-6100", f"{names[0]}-inverse"]
    assert offered == [f"{name}.json" for name in names]
    fitted.file._use.click()
    assert session.conversion == str(tmp_path / "a.json")
    assert len(notes) == 3
    fitted.file._stop.click()
    assert session.conversion == ""
    fitted.file.set_labels(remark="changed")
    fitted.file._use.click()
    assert session.conversion == ""
    fitted.file.set_labels(author="")
    fitted.file._save.click()
    assert "Author is blank" in fitted.message.text()


def test_scanners_are_filled_in_from_image_and_set(tab, viewer, session, shown):
    z_panel(viewer, session, shown)
    tab.devices._ask_image_from()
    tab.devices._ask_set_to()
    assert str(tab.devices.binding(0)) == "Philips iU22"
    assert tab.devices.binding(1) == load_reference(DEFAULT_SET).device
    viewer.layers.clear()
    tab.devices._ask_image_to()
    assert "mage" in tab.message.text()
    assert tab.devices.binding(1) == load_reference(DEFAULT_SET).device


def test_a_file_of_another_kind_is_kept(fitted, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text("{}")
    with pytest.raises(ResultsError, match="not a device conversion"):
        fitted.save(path)
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tab: tab.file.set_labels(author=""), "Author is blank"),
        (lambda tab: tab.file.set_labels(name="Über"), "not valid at name"),
        (
            lambda tab: tab.devices.set_device(0, Device()),
            "Maker of the scanner 'from'",
        ),
        (lambda tab: tab.devices.set_device(1, Device("Esaote")), "Model of the scan"),
        (
            lambda tab: tab.devices.set_device(0, Device("Esaote", "6100")),
            "same device",
        ),
    ],
    ids=["author", "name", "maker", "model", "same"],
)
def test_what_a_file_needs_is_asked_for(fitted, tmp_path, change, words):
    change(fitted)
    if words == "same device":
        fitted.devices.set_device(1, Device("Esaote", "6100"))
    with pytest.raises(ReferenceSetError, match=words):
        fitted.save(tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


def test_a_value_there_and_back(fitted):
    fit, (first, second) = fitted.value().fit, fitted.check._lines
    first.setText("80")
    first.textEdited.emit("80")
    converted = fit.intercept + fit.slope * 80
    assert float(second.text()) == pytest.approx(converted, abs=0.006)
    second.setText("60,5")
    second.textEdited.emit("60,5")
    back = (60.5 - fit.intercept) / fit.slope
    assert float(first.text()) == pytest.approx(back, abs=0.006)
    for text, words in (("250", "is outside"), ("many", "'many' is not a number")):
        first.setText(text)
        first.textEdited.emit(text)
        assert second.text() == ""
        assert words in fitted.check._note.text()


@pytest.mark.parametrize(
    "change",
    [
        lambda tab: tab.line.set_method("passing-bablok"),
        lambda tab: tab.line.set_ratio("one"),
        lambda tab: tab.devices.set_names("A", "B"),
        lambda tab: tab.source.set_kind(TWO),
    ],
    ids=["method", "ratio", "names", "kind"],
)
def test_a_result_goes_when_its_question_changes(fitted, tmp_path, change):
    assert fitted._result_box.isVisibleTo(fitted)
    change(fitted)
    assert fitted.value() is None
    assert not fitted._result_box.isVisibleTo(fitted)
    with pytest.raises(ReferenceSetError, match="no line yet"):
        fitted.save(tmp_path / "a.json")


@pytest.mark.parametrize("method", ["deming", "weighted-deming", "passing-bablok"])
def test_each_method(tab, table, qtbot, method):
    tab.source.open(table)
    tab.line.set_method(method)
    tab.line.set_ratio("typed", "0,5")
    tab.fit()
    wait(qtbot, tab)
    fit = tab.value().fit
    assert fit.method == method
    assert math.isnan(fit.line.ratio) == (method == "passing-bablok")
    assert fit.slope == pytest.approx(0.72, abs=0.06)


@pytest.mark.parametrize("typed", ["", "-1", "0", "half"])
def test_a_ratio_that_is_none(tab, table, typed):
    tab.source.open(table)
    tab.line.set_ratio("typed", typed)
    tab._on_fit()
    assert "error ratio" in tab.message.text()
    assert not tab.job.running


def test_two_tables_of_results(tab, tmp_path, qtbot):
    """The saved Results of each scanner give the line of the one table."""
    pairs = paired()
    tab.source.set_kind(TWO)
    for place, scanner in enumerate((SOURCE, TARGET)):
        rows = pairs[pairs["scanner"] == scanner]
        results = pd.DataFrame("", index=range(len(rows)), columns=list(COLUMNS))
        results["subject"], results["muscle"] = (
            rows["code"].values,
            rows["Muskel"].values,
        )
        results["side"], results["measure"] = "left", "intensity.mean"
        results["value"], results["unit"] = rows["EI"].values, "gray level"
        results["image_sha256"] = rows["Bild"].astype(str).values
        spread = results.assign(measure="intensity.sd")
        path = write(tmp_path / f"{scanner}.csv", pd.concat([results, spread]))
        tab.source.open(path, place)
    assert tab.devices.names() == (SOURCE, TARGET)
    assert tab.source.measure == "intensity.mean"
    tab.fit()
    wait(qtbot, tab)
    two = tab.value().fit
    tab.source.set_kind(ONE)
    tab.source.open(write(tmp_path / "one.csv", pairs))
    tab.fit()
    wait(qtbot, tab)
    assert two.slope == pytest.approx(tab.value().fit.slope, rel=1e-12)
    assert two.pairs.error_ratio == pytest.approx(tab.value().fit.pairs.error_ratio)


def test_cancel_gives_the_fit_up(tab, table, qtbot, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def endless(request, *, progress, cancelled):
        begun.set()
        while not cancelled():
            threading.Event().wait(0.01)
        ended.set()
        return ReferenceSetError("never told")

    monkeypatch.setattr(_conv_two_scanners, "fit_line", endless)
    tab.source.open(table)
    tab._on_fit()
    assert begun.wait(5)
    assert tab.line._cancel.isVisibleTo(tab)
    tab.line._cancel.click()
    assert ended.wait(5)
    qtbot.wait(100)
    assert tab.value() is None
    assert tab.message.text() == "The fit was cancelled."
    assert tab.line._fit.isVisibleTo(tab)


def test_a_cancelled_task_ends_without_a_line():
    request = FitRequest(
        paired(), None, "scanner", (SOURCE, TARGET), "intensity.mean", "deming", None
    )
    steps = []
    found = fit_line(
        request, progress=lambda *s: steps.append(s), cancelled=lambda: True
    )
    assert found is None


def noise(n):
    return np.random.default_rng(1).uniform(30, 90, n)


def without(column):
    return lambda t: t.drop(columns=column)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("code"), "subject"),
        (without("EI"), "values"),
        (without("scanner"), "No column tells the scanner"),
        (lambda t: t[t["scanner"] == SOURCE], "no name"),
        (lambda t: t.head(40), "needs at least 10"),
        (lambda t: t.assign(EI="bright"), "which is no number"),
        (lambda t: t.assign(EI=t["EI"] * 20), "255"),
        (without("Bild"), "nothing tells apart"),
        (lambda t: pd.concat([t, t.head(1)]), "nothing tells apart"),
        (lambda t: t.assign(Seite="up"), "up"),
        (lambda t: t.assign(scanner=t["scanner"].where(t.index != 7, "")), "Row 9"),
        (lambda t: t.assign(EI=noise(len(t))), "correlation"),
    ],
    ids=[
        "no subjects", "no values", "no scanner", "one scanner", "few", "words",
        "not gray levels", "no images", "row twice", "side", "blank scanner", "no line",
    ],
)  # fmt: skip
def test_bad_tables_are_one_sentence(tab, tmp_path, qtbot, spoil, words):
    tab.source.open(write(tmp_path / "bad.csv", spoil(paired())))
    tab._on_fit()
    wait(qtbot, tab)
    assert tab.value() is None
    text = tab.message.text()
    assert words in text
    assert text.count("\n") == 0
    assert not tab._file_box.isEnabled()


def test_a_file_that_is_no_table(tab, table, tmp_path, monkeypatch):
    tab.source.open(table)
    path = tmp_path / "x.csv"
    path.write_bytes(b"\x00\x01" * 50)
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *_: (str(path), "")
    )
    tab.source._ask_first()
    assert "is no text" in tab.message.text()
    assert len(tab.source.tables()[0]) == 360


def test_units_of_two_tables_must_agree(tab, tmp_path, qtbot):
    tab.source.set_kind(TWO)
    for place, (scanner, unit) in enumerate(((SOURCE, "mm"), (TARGET, "cm"))):
        rows = paired()
        rows = rows[rows["scanner"] == scanner].drop(columns="scanner")
        path = write(tmp_path / f"{place}.csv", rows.assign(unit=unit))
        tab.source.open(path, place)
    tab._on_fit()
    wait(qtbot, tab)
    assert "units 'cm' and 'mm'" in tab.message.text()


def test_a_table_of_both_scanners_is_no_table_of_one(tab, table, qtbot):
    """Images with numbers of their own would be averaged over both scanners."""
    tab.source.set_kind(TWO)
    for place in (0, 1):
        tab.source.open(table, place)
    tab.devices.set_names(SOURCE, TARGET)
    tab._on_fit()
    wait(qtbot, tab)
    assert tab.value() is None
    assert "A table of one scanner names 'Philips iU22'" in tab.message.text()


def phantom(tab):
    tab.source.set_kind(PHANTOM)
    tab.source.phantom.set_targets(TARGETS)
    tab.devices.set_names(SOURCE, TARGET)
    tab.devices.set_device(0, Device("Philips", "iU22"))
    tab.devices.set_device(1, Device("Esaote", "6100"))
    tab.file.set_labels(author="Our laboratory")


def test_a_phantom(tab, tmp_path):
    phantom(tab)
    tab.fit()
    found = load_conversion(tab.save(tmp_path / "p.json"))
    labels = {"name": "x", "title": "x", "citation": "x", "licence": "x"}
    wanted = phantom_conversion(
        *zip(*TARGETS, strict=True),
        source=tab.devices.binding(0),
        target=tab.devices.binding(1),
        author="x",
        date="x",
        **labels,
    )
    assert (found.slope, found.residual_sd) == (wanted.slope, wanted.residual_sd)
    assert found.method == "phantom"
    assert "muscles in people may scatter more" in tab.result.text()
    tab.devices.swap()
    assert tab.value().source == tuple(row[2] for row in TARGETS)
    assert tab._shown.slope == pytest.approx(1 / wanted.slope, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Row 2 of the phantom: the gray level on the first is blank"),
        ("dark", "'dark', which is no number"),
        ("0", "black and white ones are cut off"),
    ],
    ids=["blank", "word", "black"],
)
def test_a_phantom_with_a_bad_cell(tab, text, words):
    phantom(tab)
    tab.source.phantom.table.item(1, 1).setText(text)
    tab._on_fit()
    assert words in tab.message.text()
    assert tab.value() is None


def test_cells_are_pasted_from_a_spreadsheet(tab):
    phantom(tab)
    box = tab.source.phantom
    box.clear()
    box.table.setCurrentCell(0, 0)
    box.table.paste("\n".join("\t".join(map(str, row)) for row in TARGETS))
    assert box.value().contrast == tuple(row[0] for row in TARGETS)
    assert box.value().target == tuple(row[2] for row in TARGETS)


def test_settings_of_a_reference_set_stay_with_its_scanner(qtbot):
    pair = DevicePair()
    qtbot.addWidget(pair)
    bound = DeviceBinding(
        manufacturer="Esaote",
        models=("6100", "MyLab Twice"),
        presets=("Muscle",),
        gain_db=Span(low=50, high=60),
    )
    pair.set_binding(1, bound)
    assert pair.binding(1) == bound
    pair.swap()
    assert pair.binding(0) == bound
    pair._fields[0]["models"].setText("Other")
    assert pair.binding(0).gain_db is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Philips iU22 to Esaote 6100", "philips-iu22-to-esaote-6100"),
        ("Gerät Ä_/ to ", "gerat-a-to"),
        ("x" * 200, "x" * 50),
    ],
)
def test_short_names(text, name):
    assert short_name(text) == name


def test_the_plot_follows_fit_and_theme(fitted, panel, viewer):
    plot = fitted.plot.plot()
    assert len(plot.figure.axes) == 2
    assert len(plot.figure.axes[0].collections[-1].get_offsets()) == 60
    after = plot.figure.axes[1].collections[0].get_offsets()[:, 1]
    fit = fitted.value().fit
    np.testing.assert_allclose(after, fit.frame["residual"])
    fitted._converted.setChecked(False)
    before = plot.figure.axes[1].collections[0].get_offsets()[:, 1]
    np.testing.assert_allclose(before, fit.frame["y"] - fit.frame["x"])
    viewer.theme = "light"
    assert plot.figure.axes[0].xaxis.label.get_color() == plot.foreground
    fitted.line.set_method("passing-bablok")
    assert plot.figure.axes == []


def centres(seed=5):
    rng = np.random.default_rng(seed)
    rows = []
    for centre, shift, scale in (("N", 0, 1), ("L", 14, 1.4), ("U", -9, 0.8)):
        for person in range(20):
            age = rng.uniform(18, 80)
            values = 55 + 0.25 * age + shift + scale * rng.normal(0, 7, 3)
            rows.append((f"{centre}{person}", centre, age, *values))
    return pd.DataFrame(rows, columns=["subject", "centre", "age", "bb", "rf", "ta"])


@pytest.fixture
def combat_tab(panel, tmp_path):
    panel.show_tab(1)
    panel.combat.open(write(tmp_path / "centres.csv", centres()))
    panel.combat.choose("centre", ("bb", "rf", "ta"), ("age",))
    return panel.combat


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"empirical_bayes": False},
        {"mean_only": True},
        {"reference_batch": "L"},
    ],
    ids=["default", "no eb", "mean only", "reference"],
)
def test_several_centres(combat_tab, tmp_path, qtbot, options):
    """The saved table holds what combat() gives."""
    table = centres()
    combat_tab.options.set_value(**options)
    combat_tab.run()
    wait(qtbot, combat_tab)
    saved = pd.read_csv(combat_tab.save(tmp_path / "done"))
    wanted = combat(
        table[["bb", "rf", "ta"]].to_numpy().T,
        table["centre"].tolist(),
        {"age": table["age"].tolist()},
        **options,
    )
    got = saved[["bb_harmonised", "rf_harmonised", "ta_harmonised"]].to_numpy().T
    np.testing.assert_allclose(got, wanted.values, rtol=1e-12)
    assert saved["subject"].tolist() == table["subject"].tolist()
    feature = combat_tab.value().features[0]
    assert feature.batches == ("L", "N", "U")
    np.testing.assert_allclose(feature.before[1], table["bb"][:20])
    np.testing.assert_allclose(feature.after[1], wanted.values[0, :20])
    assert combat_tab.plot.plot().value() is feature
    for sentence in wanted.warnings:
        assert sentence in combat_tab._notes.text()


def test_a_tidy_table_of_several_centres(panel, tmp_path, qtbot):
    wide = centres()
    tidy = wide.melt(["subject", "centre", "age"], var_name="muscle")
    tidy = tidy.assign(measure="intensity.mean")
    tab = panel.combat
    tab.open(write(tmp_path / "tidy.csv", tidy))
    assert is_tidy(tidy)
    assert tab.features.names() == ["intensity.mean"]
    assert tab.covariates.names() == ["age"]
    tab.choose("centre", ("intensity.mean",), ("age",))
    tab.run()
    wait(qtbot, tab)
    names = [feature.name for feature in tab.value().features]
    assert names == [f"{muscle} intensity.mean" for muscle in ("bb", "rf", "ta")]
    wanted = combat(
        wide[["bb", "rf", "ta"]].to_numpy().T,
        wide["centre"].tolist(),
        {"age": wide["age"].tolist()},
    )
    np.testing.assert_allclose(
        tab.value().table["value_harmonised"], wanted.values.ravel(), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tab: tab.choose("", ("bb",)), "No column tells the scanner"),
        (lambda tab: tab.choose("centre", ()), "No feature is ticked"),
        (lambda tab: tab.choose("centre", ("bb",), ("bb",)), "'bb' is named twice"),
        (lambda tab: tab.choose("subject", ("bb", "rf", "ta")), "one sample"),
    ],
    ids=["no batch", "no feature", "twice", "one sample a batch"],
)
def test_bad_choices_are_one_sentence(combat_tab, qtbot, change, words):
    change(combat_tab)
    combat_tab._on_run()
    wait(qtbot, combat_tab)
    assert combat_tab.value() is None
    assert words in combat_tab.message.text()
    assert not combat_tab._result.isVisibleTo(combat_tab)


def test_a_feature_with_a_word_in_it(panel, tmp_path, qtbot):
    spoiled = centres().astype({"bb": object})
    spoiled.loc[4, "bb"] = "bright"
    panel.combat.open(write(tmp_path / "bad.csv", spoiled))
    panel.combat.choose("centre", ("bb", "rf", "ta"))
    panel.combat._on_run()
    wait(qtbot, panel.combat)
    assert "'bb' is 'bright' in row 6" in panel.combat.message.text()


def test_a_harmonised_result_goes_when_its_question_changes(combat_tab, qtbot):
    combat_tab.run()
    wait(qtbot, combat_tab)
    assert combat_tab.value() is not None
    combat_tab.covariates.tick(())
    assert combat_tab.value() is None
    with pytest.raises(MuscleUSError, match="Nothing is harmonised"):
        combat_tab.save("x.csv")


def test_no_cell_runs_and_the_input_stays(panel, tmp_path, qtbot):
    table = centres().rename(columns={"subject": "=note"})
    table["=note"] = "=HYPERLINK(1)"
    source = write(tmp_path / "centres.csv", table)
    before = source.read_bytes()
    panel.combat.open(source)
    panel.combat.choose("centre", ("bb", "rf", "ta"))
    panel.combat.run()
    wait(qtbot, panel.combat)
    with pytest.raises(ResultsError, match="was opened"):
        panel.combat.save(source)
    assert source.read_bytes() == before
    saved = read_spreadsheet(panel.combat.save(tmp_path / "safe.csv"))
    assert saved.columns[0] == "'=note"
    assert set(saved["'=note"]) == {"'=HYPERLINK(1)"}


def test_harmonising_is_cancelled(combat_tab, qtbot):
    combat_tab.run()
    combat_tab._cancel.click()
    qtbot.wait(150)
    assert combat_tab.value() is None
    assert combat_tab.message.text() == "Harmonising was cancelled."


def test_the_panel_fits_its_width(fitted, panel, qtbot):
    panel.resize(420, 900)
    qtbot.wait(50)
    assert panel.width() == 420
    for tab in (fitted, panel.combat):
        panel.show_tab(int(tab is panel.combat))
        qtbot.wait(50)
        (area,) = tab.findChildren(_conv_two_scanners.QScrollArea)
        assert not area.horizontalScrollBar().isVisible()
    assert isinstance(fitted.value(), Fitted)
