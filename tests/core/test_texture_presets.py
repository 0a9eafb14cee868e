"""Presets of texture features: what is shipped, what a user keeps, hostile files."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.texture.families import all_features, features_of
from napari_muscle_us.measure.texture.presets import (
    MAX_BYTES,
    TexturePreset,
    delete_preset,
    dump_preset,
    list_presets,
    load_preset,
    parse_preset,
    preset_problems,
    presets_folder,
    save_preset,
)
from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings

SHIPPED = {
    "default": "",
    "all-families": "",
    "fernandez-cuesta-2026": "10.17605/OSF.IO/AX74E",
    "martinez-paya-2017": "10.1016/j.ultrasmedbio.2017.09.013",
    "marzola-2025": "10.1016/j.clinph.2025.01.016",
    "molinari-2015": "10.1016/j.ultrasmedbio.2015.04.021",
    "noda-2024": "10.1016/j.cnp.2024.08.003",
    "sogawa-2017": "10.1148/radiol.2016160826",
}

texture_settings = st.builds(
    TextureSettings,
    families=st.lists(st.sampled_from(FAMILIES), min_size=1).map(tuple),
    bin_size=st.integers(1, 128),
    bin_number=st.none() | st.integers(2, 256),
    origin=st.integers(0, 127),
    normalise=st.booleans(),
    distance_px=st.integers(1, 10_000),
    distance_mm=st.none() | st.floats(1e-3, 1e3),
    aggregation=st.sampled_from(("2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg")),
    each_direction=st.booleans(),
    neighbourhood_px=st.integers(1, 15),
    alpha=st.integers(0, 255),
    radius_px=st.integers(1, 100),
)
words = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=64
).filter(lambda text: text.isprintable() and text == text.strip())


@pytest.fixture
def mine() -> TexturePreset:
    settings = TextureSettings(families=("glcm", "lbp"), bin_size=4)
    return TexturePreset(
        "Our lab / 2026", "Our lab", settings, features=("lbp.energy", "glcm.contrast")
    )


@pytest.fixture
def write():
    """Write a file into the user's folder of presets."""

    def write_file(name: str, content: bytes | str | dict):
        presets_folder().mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        path = presets_folder() / name
        path.write_bytes(content)
        return path

    return write_file


def document(**changes) -> dict:
    """Return a valid file's content with some fields changed; None takes one out."""
    valid = json.loads(dump_preset(TexturePreset("x", "X", TextureSettings())))
    return {k: v for k, v in (valid | changes).items() if v is not None}


def test_the_presets_of_the_program_are_these():
    shipped = list_presets()

    assert {preset.name: preset.doi for preset in shipped} == SHIPPED
    assert [p.name for p in shipped[:2]] == ["default", "all-families"]
    assert all(preset.shipped for preset in shipped)


def test_the_default_is_what_measuring_without_settings_does():
    assert load_preset("default").settings == TextureSettings()
    assert len(load_preset("all-families").keys) == 148


@pytest.mark.parametrize("name", [name for name, doi in SHIPPED.items() if doi])
def test_a_preset_of_a_paper_says_what_was_seen_and_what_was_not_found(name):
    preset = load_preset(name)

    assert preset.citation.endswith(".")
    assert "Seen in the" in preset.note
    assert "not found" in preset.note or "Not seen" in preset.note


@pytest.mark.parametrize("name", ["fernandez-cuesta-2026", "marzola-2025"])
def test_bins_of_25_levels_from_0(name):
    settings = load_preset(name).settings

    assert (settings.bin_size, settings.bin_number, settings.origin) == (25, None, 0)
    assert "11 levels" in load_preset(name).note


def test_pyradiomics_has_the_mean_over_directions_and_no_haralick_of_its_own():
    preset = load_preset("marzola-2025")

    assert preset.settings.aggregation == "2d_avg"
    families = {key.partition(".")[0] for key in preset.keys}
    assert families == {"stat", "hist", "glcm", "glrlm", "glszm", "ngtdm", "ngldm"}
    # 24 features of pyradiomics, without the maximal correlation coefficient.
    assert sum(key.startswith("glcm.") for key in preset.keys) == 23
    assert sum(key.startswith("ngldm.") for key in preset.keys) == 14


def test_molinari_has_as_many_features_as_can_be_known():
    preset = load_preset("molinari-2015")
    counts = {
        family: sum(key.startswith(f"{family}.") for key in preset.keys)
        for family in ("glcm", "glrlm", "lbp")
    }

    # Four directions of five and of five out of six (symmetry says nothing).
    assert counts == {"glcm": 5, "glrlm": 5, "lbp": 2}
    assert preset.settings.each_direction


def test_noda_shows_what_the_abstract_names():
    assert set(load_preset("noda-2024").keys) == {
        "stat.mean",
        "glcm.contrast",
        "glcm.dissimilarity",
        "glcm.inverse_difference_moment",
    }


def test_a_preset_of_ones_own_comes_back_as_it_was(mine):
    path = save_preset(mine)

    assert path.parent == presets_folder()
    assert list_presets()[-1] == load_preset(mine.name) == load_preset(path) == mine
    assert not load_preset(mine.name).shipped


def test_without_features_all_of_the_families_are_shown():
    preset = TexturePreset("x", "X", TextureSettings(families=("ngtdm", "stat")))

    assert preset.keys == tuple(
        f.key for family in ("stat", "ngtdm") for f in features_of(family)
    )


def test_features_come_once_each_in_the_order_of_the_standard(mine):
    twice = replace(mine, features=("lbp.energy", "glcm.contrast", "lbp.energy"))

    assert twice.features == ("glcm.contrast", "lbp.energy")


@given(settings=texture_settings, name=words, data=st.data())
def test_text_of_a_preset_leads_back_to_it(settings, name, data):
    possible = [f.key for family in settings.families for f in features_of(family)]
    preset = TexturePreset(
        name,
        data.draw(words),
        settings,
        features=tuple(data.draw(st.lists(st.sampled_from(possible), max_size=5))),
        note=data.draw(words),
    )

    assert parse_preset(dump_preset(preset).encode()) == preset


@given(name=words)
def test_any_name_becomes_a_safe_file_of_the_folder(name):
    path = save_preset(TexturePreset(f"~{name}"[:64].strip(), "X", TextureSettings()))

    assert path.parent == presets_folder()
    assert path.name == path.name.lower()
    assert set(path.stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(path.name) < 80


@pytest.mark.parametrize("name", ["con", "nul", "com1"])
def test_a_device_of_windows_is_no_file_name(name):
    path = save_preset(TexturePreset(name, "X", TextureSettings()))

    assert path.stem != name
    assert path.stem.startswith(f"{name}-")


def test_names_alike_do_not_overwrite_each_other():
    names = ("Arm left", "arm left", "arm-left", "arm_left")
    paths = {save_preset(TexturePreset(n, n, TextureSettings())) for n in names}

    assert len(paths) == 4
    assert {p.name for p in list_presets() if not p.shipped} == set(names)


def test_saving_again_replaces_the_earlier_one(mine):
    path = save_preset(mine)

    assert save_preset(replace(mine, note="second")) == path
    assert load_preset(mine.name).note == "second"
    assert [p.name for p in presets_folder().iterdir()] == [path.name]


def test_saving_does_not_replace_a_broken_file_of_the_same_name(write):
    broken = write("legs.json", "{ half a fi")

    path = save_preset(TexturePreset("legs", "Legs", TextureSettings()))

    assert path.name == "legs-2.json"
    assert broken.read_text() == "{ half a fi"
    assert load_preset("legs").title == "Legs"


@pytest.mark.parametrize("name", ["default", "Molinari 2015", "NODA-2024"])
def test_the_names_of_the_program_are_taken(name, one_sentence):
    with pytest.raises(MeasureError, match="preset of the program") as caught:
        save_preset(TexturePreset(name, "X", TextureSettings()))

    assert one_sentence(str(caught.value))
    assert not presets_folder().exists()


def test_deleting_takes_ones_own_alone(mine):
    path = save_preset(mine)
    delete_preset(mine.name)

    assert not path.exists()
    with pytest.raises(MeasureError, match="only your own"):
        delete_preset("default")


def test_a_broken_file_does_not_hide_the_others(mine, write, one_sentence):
    save_preset(mine)
    write("a.json", "{")
    write("b.json", document(name="default"))
    write("c.json", document(name=mine.name))
    write(".rest-of-a-write.json", "")
    (presets_folder() / "folder.json").mkdir()

    assert [p.name for p in list_presets() if not p.shipped] == [mine.name]
    problems = preset_problems()
    assert len(problems) == 4
    assert all(map(one_sentence, problems))
    for name in ("a.json", "b.json", "folder.json"):
        assert any(name in problem for problem in problems)


def test_there_is_no_problem_where_there_is_no_folder():
    assert preset_problems() == ()
    assert len(list_presets()) == len(SHIPPED)


def test_nothing_is_left_when_the_folder_cannot_be_made(mine, one_sentence):
    presets_folder().parent.mkdir(parents=True, exist_ok=True)
    presets_folder().write_text("a file in the way")

    with pytest.raises(MuscleUSError) as caught:
        save_preset(mine)

    assert one_sentence(str(caught.value))


LONG = "9" * 5000
HOSTILE = {
    "empty": (b"", "not JSON"),
    "not JSON": (b"\x00\xff\xfe", "not JSON"),
    "a list": (b"[]", "not a JSON object"),
    "deep": (b'{"a":' * 19_000, "nested too deep"),
    "a field twice": (b'{"name": "a", "name": "b"}', "twice"),
    "NaN": (json.dumps(document(version=float("nan"))).encode(), "holds NaN"),
    "endless number": (f'{{"version": {LONG}}}'.encode(), "not JSON"),
    "too big": (b" " * (MAX_BYTES + 1), "more than 100000 bytes"),
    "another format": (document(format="napari-muscle-us reference set"), "format"),
    "no format": (document(format=None), "format"),
    "newer": (document(version=2), "version 2"),
    "version true": (document(version=True), "version True"),
    "version text": (document(version="1"), "version '1'"),
    "no name": (document(name=None), "no field 'name'"),
    "no settings": (document(settings=None), "no field 'settings'"),
    "empty name": (document(name=""), "name of the preset is ''"),
    "blank name": (document(name=" x"), "space at its ends"),
    "name a number": (document(name=3), "must be text, not 3"),
    "name a list": (document(name=["x"]), "must be text, not a list"),
    "long name": (document(name="x" * 65), "65 characters"),
    "line break": (document(title="a\nb"), "cannot be shown"),
    "half a character": (document(note="\ud800"), "cannot be shown"),
    "right to left": (document(name="a\u202eb"), "cannot be shown"),
    "unknown field": (document(code="print(1)"), "field 'code'"),
    "long field": (document(**{"f" * 9000: 1}), "field 'ffff"),
    "settings a list": (document(settings=[1]), "not an object"),
    "unknown setting": (document(settings={"bins": 3}), "setting 'bins'"),
    "bin size 0": (document(settings={"bin_size": 0}), "bin_size .* it is 0"),
    "bin size text": (document(settings={"bin_size": "8"}), "bin_size .* it is '8'"),
    "bin size true": (document(settings={"bin_size": True}), "it is True"),
    "bin size a list": (document(settings={"bin_size": [8]}), "it is a list"),
    "huge bin size": (document(settings={"bin_size": 10**400}), "a long int"),
    "one bin": (document(settings={"bin_number": 1}), "bin_number .* it is 1"),
    "origin too high": (document(settings={"origin": 250}), "one level only"),
    "distance 0": (document(settings={"distance_px": 0}), "distance 0 px"),
    "distance 0 mm": (document(settings={"distance_mm": 0}), "distance 0 mm"),
    "distance text": (document(settings={"distance_mm": "1"}), "'1' mm"),
    "far neighbours": (document(settings={"neighbourhood_px": 99}), "it is 99"),
    "aggregation": (document(settings={"aggregation": "3d"}), "'3d' is not known"),
    "aggregation list": (document(settings={"aggregation": []}), "a list is not"),
    "normalise 1": (document(settings={"normalise": 1}), "true or false; it is 1"),
    "no family": (document(settings={"families": []}), "No texture family"),
    "family number": (document(settings={"families": 3}), "No texture family"),
    "unknown family": (document(settings={"families": ["glcx"]}), "family 'glcx'"),
    "family list": (document(settings={"families": [["glcm"]]}), "family a list"),
    "features text": (document(features="glcm.contrast"), "must be a list"),
    "features object": (document(features={"glcm.contrast": 1}), "must be a list"),
    "unknown feature": (document(features=["glcm.energy"]), "feature 'glcm.energy'"),
    "feature list": (document(features=[["x"]]), "feature a list"),
    "other family": (document(features=["ngtdm.busyness"]), "add its family"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_not_a_preset_is_refused_in_a_sentence(
    content, words, write, one_sentence
):
    path = write("hostile.json", content)

    with pytest.raises(MeasureError, match=words) as caught:
        load_preset(path)

    assert one_sentence(str(caught.value))
    assert preset_problems() == (str(caught.value),)
    assert len(list_presets()) == len(SHIPPED)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content):
    with pytest.raises(MeasureError):
        parse_preset(content)


@given(
    st.sampled_from(sorted(document()["settings"])),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=4,
    ),
)
def test_any_value_of_a_setting_is_taken_whole_or_refused(name, value):
    content = document(settings={name: value})
    try:
        preset = parse_preset(json.dumps(content).encode())
    except MeasureError:
        return
    assert parse_preset(dump_preset(preset).encode()) == preset


@pytest.mark.parametrize(
    "name", ["molinari", "", "no/such.json", "x" * 9000, "a\0.json", "."]
)
def test_what_is_not_there_is_told_in_a_sentence(name, one_sentence):
    with pytest.raises(MeasureError) as caught:
        load_preset(name)

    assert one_sentence(str(caught.value))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")

    with pytest.raises(MeasureError, match="not a file"):
        load_preset(tmp_path / "pipe.json")


def test_a_preset_shows_no_feature_that_there_is_not():
    known = all_features()
    assert all(key in known for preset in list_presets() for key in preset.keys)
    assert all(preset.keys for preset in list_presets())
