"""Texture by one call: every family, its settings, its reasons, its refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.discretise import (
    discretise,
    normalise_three_sigma,
)
from napari_muscle_us.measure.texture.families import (
    ABOUT,
    LABELS,
    all_features,
    family_module,
    features_of,
)
from napari_muscle_us.measure.texture.measure import measure_texture, texture_of
from napari_muscle_us.measure.texture.offsets import DIRECTIONS, offsets_mm, offsets_px
from napari_muscle_us.measure.texture.settings import (
    AGGREGATION_CODES,
    DIRECTED,
    FAMILIES,
    TextureSettings,
    shown,
)

from .test_texture_presets import texture_settings
from .texture_naive import AGGREGATIONS, assert_same
from .texture_phantom import assert_consensus, phantom

MATRICES = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
LEVELLED = ("hist", *MATRICES)
FULL = np.ones((12, 15), bool)


@pytest.fixture(scope="module")
def muscle():
    """Return a clip of two frames of 36 × 40 pixels and a round region of it."""
    sample = mus.simulate_muscle("transverse_diseased")
    row, column = np.mean(sample.muscle_outline, axis=0).astype(int)
    gray = np.stack(
        [
            sample.gray[row - 18 : row + 18, column - 20 + k : column + 20 + k]
            for k in (0, 7)
        ]
    )
    y, x = np.mgrid[:36, :40]
    mask = (y / 17.5 - 1) ** 2 + (x / 19.5 - 1) ** 2 <= 1
    for array in (gray, mask):
        array.setflags(write=False)
    return gray, mask


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    rng = np.random.default_rng(6)
    return rng.integers(0, 256, FULL.shape).astype(np.uint8)


# The standard's own values, through the one call.


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "lbp"])
def test_the_phantom_has_its_consensus_values(family, aggregation):
    gray, mask = phantom()
    assert 9 in gray[~mask]

    texture = measure_texture(
        gray, mask, families=(family,), bin_size=1, origin=1, aggregation=aggregation
    )

    assert texture.levels.n_levels == 6
    assert_consensus(texture, features_of(family), family, aggregation)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "stat"])
def test_what_lies_outside_the_mask_changes_nothing(family, muscle):
    gray, mask = muscle
    other = np.where(mask, gray, 255 - gray // 2).astype(np.uint8)
    families = ("stat", family)

    assert_same(
        dict(measure_texture(other, mask, families=families)),
        dict(measure_texture(gray, mask, families=families)),
        rtol=0,
    )


# Every family is what its own function gives, with the settings that it knows.


def by_hand(gray, mask, settings, spacing_mm=None):
    """Return the features of all families, each from its own function."""
    used = normalise_three_sigma(gray, mask) if settings.normalise else gray
    levels = discretise(
        used,
        mask,
        bin_size=settings.bin_size,
        bin_number=settings.bin_number,
        origin=settings.origin,
    )
    offsets = (
        offsets_px(settings.distance_px)
        if settings.distance_mm is None
        else offsets_mm(settings.distance_mm, spacing_mm).offsets
    )
    own = {
        "glcm": {"offsets": offsets},
        "ngtdm": {"distance_px": settings.neighbourhood_px},
        "ngldm": {"distance_px": settings.neighbourhood_px, "alpha": settings.alpha},
    }
    found = family_module("stat").first_order_features(used, mask)
    found |= family_module("hist").histogram_features(levels.levels, levels.n_levels)
    for family in MATRICES:
        compute = getattr(family_module(family), f"{family}_features")
        found |= compute(
            levels.levels,
            levels.n_levels,
            aggregation=settings.aggregation,
            **own.get(family, {}),
        )
    radius = settings.radius_px
    return found | family_module("lbp").lbp_features(gray, mask, radius_px=radius)


CHOICES = {
    "default": {},
    "256 levels": {"bin_size": 1},
    "16 bins": {"bin_number": 16},
    "origin": {"bin_size": 5, "origin": 1},
    "normalised": {"normalise": True},
    "mean of directions": {"aggregation": "2d_avg"},
    "frames merged": {"aggregation": "2.5d_v_mrg"},
    "3 px": {"distance_px": 3},
    "millimetres": {"distance_mm": 0.5},
    "neighbours": {"neighbourhood_px": 2, "alpha": 1},
    "wide circle": {"radius_px": 3},
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_every_family_is_what_its_own_function_gives(choice, muscle):
    gray, mask = muscle
    gray = np.maximum(gray, choice.get("origin", 0))
    settings = TextureSettings(families=FAMILIES, **choice)

    texture = texture_of(gray, mask, settings, spacing_mm=(0.1, 0.2))

    assert list(texture) == list(all_features())
    assert_same(dict(texture), by_hand(gray, mask, settings, (0.1, 0.2)), rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_alone_has_the_values_that_it_has_among_others(family, muscle):
    gray, mask = muscle
    alone = measure_texture(gray, mask, families=family)

    assert list(alone) == [f.key for f in features_of(family)]
    together = measure_texture(gray, mask, families=FAMILIES).family(family)
    assert_same(dict(alone), together, rtol=0)


@pytest.mark.parametrize(
    ("choice", "changed"),
    [
        ({"bin_size": 16}, LEVELLED),
        ({"normalise": True}, ("stat", *LEVELLED)),
        ({"distance_px": 2}, ("glcm",)),
        ({"neighbourhood_px": 2}, ("ngtdm", "ngldm")),
        ({"alpha": 2}, ("ngldm",)),
        ({"radius_px": 2}, ("lbp",)),
        ({"aggregation": "2d_avg"}, ("glcm", "glrlm")),
        ({"aggregation": "2.5d_v_mrg"}, MATRICES),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_changes_the_values_and_the_method_of_its_families_alone(
    choice, changed, muscle
):
    gray, mask = muscle
    plain = measure_texture(gray, mask, families=FAMILIES)
    other = measure_texture(gray, mask, families=FAMILIES, **choice)

    def differ(family):
        return plain.family(family) != other.family(family)

    assert tuple(filter(differ, FAMILIES)) == changed
    assert {f for f in FAMILIES if plain.method(f) != other.method(f)} >= set(changed)


def test_a_muscle_of_a_real_picture_equals_counts_in_a_loop(shared):
    path = shared("data/transverse_vl/SUB02_img1.tif")
    gray = np.asarray(Image.open(path).convert("L"))[300:340, 400:450]
    y, x = np.mgrid[:40, :50]
    mask = (y - x) % 50 < 31
    pairs = [
        (int(gray[r, c]) // 8, int(gray[r + dr, c + dc]) // 8)
        for dr, dc in ((0, 2), (2, 0), (2, 2), (2, -2))
        for r in range(40)
        for c in range(50)
        if 0 <= r + dr < 40 and 0 <= c + dc < 50 and mask[r, c] and mask[r + dr, c + dc]
    ]

    texture = measure_texture(gray, mask, distance_px=2)

    contrast = sum((i - j) ** 2 for i, j in pairs) / len(pairs)
    assert texture["glcm.contrast"] == pytest.approx(contrast, rel=1e-12)
    average = sum(i + j + 2 for i, j in pairs) / len(pairs) / 2
    assert texture["glcm.joint_average"] == pytest.approx(average, rel=1e-12)


# Clips.


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_mask_of_one_frame_holds_for_all(aggregation, muscle):
    gray, mask = muscle
    options = {"families": FAMILIES, "aggregation": aggregation}

    assert_same(
        dict(measure_texture(gray, mask, **options)),
        dict(measure_texture(gray, np.stack([mask, mask]), **options)),
        rtol=0,
    )


@pytest.mark.parametrize("family", MATRICES)
def test_frames_are_the_slices_of_the_standard(family, muscle):
    gray, mask = muscle
    clip = measure_texture(gray, mask, families=family, bin_size=16)
    each = [measure_texture(f, mask, families=family, bin_size=16) for f in gray]

    assert_same(dict(clip), {k: (each[0][k] + each[1][k]) / 2 for k in clip})


# Directions and millimetres.


@pytest.mark.parametrize(
    ("aggregation", "way"),
    [("2d_avg", "2d_avg"), ("2d_s_mrg", "2d_avg"), ("2.5d_d_mrg", "2.5d_d_mrg")],
)
def test_each_direction_has_its_own_values(aggregation, way, muscle):
    gray, mask = muscle
    texture = measure_texture(
        gray, mask, families=FAMILIES, aggregation=aggregation, each_direction=True
    )

    assert set(texture.directions) == set(DIRECTIONS)
    keys = {f.key for family in DIRECTED for f in features_of(family)}
    assert all(set(values) == keys for values in texture.directions.values())
    # All directions have as many matrices, so that their mean is that of all.
    mean = measure_texture(gray, mask, families=DIRECTED, aggregation=way)
    found = {
        k: np.mean([values[k] for values in texture.directions.values()]) for k in mean
    }
    assert_same(found, dict(mean))


def test_a_pattern_of_lines_tells_the_directions_apart():
    gray = np.tile(np.array([[0], [80]], np.uint8), (6, 15))
    texture = measure_texture(gray, FULL, families=DIRECTED, each_direction=True)

    contrast = {step: v["glcm.contrast"] for step, v in texture.directions.items()}
    assert contrast == {(0, 1): 0, (1, 0): 100, (1, 1): 100, (1, -1): 100}
    runs = {
        step: values["glrlm.run_percentage"]
        for step, values in texture.directions.items()
    }
    assert runs == {(0, 1): 1 / 15, (1, 0): 1, (1, 1): 1, (1, -1): 1}


def test_without_asking_there_are_no_directions(noise):
    assert measure_texture(noise, FULL).directions == {}


def test_pairs_have_their_own_steps_and_runs_one_pixel(noise):
    texture = measure_texture(
        noise, FULL, families=DIRECTED, distance_px=2, each_direction=True
    )
    pairs = {step for step, v in texture.directions.items() if "glcm.contrast" in v}
    runs = {step for step, v in texture.directions.items() if "glrlm.run_entropy" in v}

    assert pairs == {(0, 2), (2, 0), (2, 2), (2, -2)}
    assert runs == set(DIRECTIONS)


@pytest.mark.parametrize(
    ("spacing", "offsets", "lengths"),
    [
        ((0.1, 0.1), ((0, 5), (5, 0), (5, 5), (5, -5)), (0.5, 0.5)),
        ((0.1, 0.2), ((0, 3), (5, 0), (5, 3), (5, -3)), (0.5, 0.6)),
        ((0.2, 0.07), ((0, 7), (3, 0), (3, 7), (3, -7)), (0.6, 0.49)),
    ],
    ids=["square", "wide", "tall"],
)
def test_a_distance_in_mm_reports_what_it_became(spacing, offsets, lengths, noise):
    texture = measure_texture(noise, FULL, distance_mm=0.5, spacing_mm=spacing)
    depth, lateral = lengths

    assert texture.offsets == offsets
    assert texture.offset_mm == pytest.approx(
        np.array([(0, lateral), (depth, 0), (depth, lateral), (depth, -lateral)])
    )
    method = texture.method("glcm")
    assert method["offsets"] == [list(step) for step in offsets]
    assert method["distance_mm"] == 0.5
    assert "distance_px" not in method
    rows, columns = offsets[1][0], offsets[0][1]
    if rows == columns:
        assert dict(texture) == dict(measure_texture(noise, FULL, distance_px=rows))


def test_a_distance_in_px_is_told_in_mm_where_there_is_a_spacing(noise):
    told = measure_texture(noise, FULL, distance_px=2, spacing_mm=(0.1, 0.25))

    assert told.offset_mm == ((0, 0.5), (0.2, 0), (0.2, 0.5), (0.2, -0.5))
    assert measure_texture(noise, FULL, distance_px=2).offset_mm == ()


def test_families_without_pairs_need_no_spacing(noise):
    texture = measure_texture(noise, FULL, families="ngtdm", distance_mm=1.0)

    assert texture.offsets == DIRECTIONS
    assert "distance_mm" not in texture.method("ngtdm")


# Settings.


@given(texture_settings)
def test_settings_come_back_from_json(settings):
    again = TextureSettings.from_dict(json.loads(json.dumps(settings.to_dict())))

    assert again == settings
    assert hash(again) == hash(settings)


@given(texture_settings, st.data())
def test_the_method_of_a_row_leads_back_to_the_settings(settings, data):
    family = data.draw(st.sampled_from(settings.families))
    method = json.loads(json.dumps(settings.method(family, DIRECTIONS)))

    again = TextureSettings.from_method(family, method)

    assert again.families == (family,)
    assert again.method(family, DIRECTIONS) == method
    # What the family does not know has its default.
    known = {
        "stat": set(),
        "lbp": {"radius_px"},
        "hist": {"bins"},
        "glcm": {"bins", "aggregation", "distance"},
        "ngtdm": {"bins", "aggregation", "neighbourhood_px"},
        "ngldm": {"bins", "aggregation", "neighbourhood_px", "alpha"},
    }.get(family, {"bins", "aggregation"})
    for name in ("aggregation", "neighbourhood_px", "alpha", "radius_px"):
        wanted = settings if name in known else TextureSettings()
        assert getattr(again, name) == getattr(wanted, name)
    if "bins" in known:
        assert again.bin_number == settings.bin_number
        assert settings.bin_number or again.bin_size == settings.bin_size
    if "distance" in known:
        assert again.distance_mm == settings.distance_mm
        assert settings.distance_mm or again.distance_px == settings.distance_px


def test_the_method_alone_recomputes_a_value(muscle):
    gray, mask = muscle
    texture = measure_texture(
        gray, mask, families=FAMILIES, bin_number=16, normalise=True, alpha=1
    )
    for family in FAMILIES:
        settings = TextureSettings.from_method(family, texture.method(family))
        again = texture_of(gray, mask, settings)
        assert_same(dict(again), texture.family(family), rtol=0)


@pytest.mark.parametrize(
    ("family", "method", "words"),
    [
        ("glcm", {}, "discretisation None"),
        ("hist", {"discretisation": "fixed_width"}, "discretisation 'fixed_width'"),
        ("hist", {"discretisation": "fixed_bin_size"}, "bin_size .* it is None"),
        ("hist", {"discretisation": "fixed_bin_number"}, "bin_number .* it is 0"),
        ("stat", {"normalisation": "z"}, "normalisation 'z'"),
        ("lbp", {}, "radius_px .* it is None"),
        ("ngtdm", TextureSettings().method("glszm", ()), "it is None"),
        ("glcm", TextureSettings().method("glszm", ()), "distance None px"),
        ("nope", {}, "family 'nope'|discretisation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_method_that_does_not_say_enough_is_refused(
    family, method, words, one_sentence
):
    with pytest.raises(MeasureError, match=words) as caught:
        TextureSettings.from_method(family, method)
    assert one_sentence(str(caught.value))


def test_settings_of_numpy_are_whole_numbers_of_python():
    names = ("bin_size", "distance_px", "neighbourhood_px", "alpha", "radius_px")
    settings = TextureSettings(**{name: np.int64(3) for name in names})

    assert {type(getattr(settings, name)) for name in names} == {int}
    json.dumps(settings.to_dict())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_words_and_codes(family):
    assert LABELS[family]
    assert ABOUT[family].endswith(".")
    code = TextureSettings().method(family, ()).get("aggregation_ibsi")
    wanted = {"glcm": "SUJT", "glrlm": "SUJT"} | dict.fromkeys(MATRICES[2:], "8QNN")
    assert code == wanted.get(family)


def test_the_codes_of_the_aggregations():
    assert AGGREGATION_CODES == {
        "2d_avg": "BTW3",
        "2d_s_mrg": "SUJT",
        "2.5d_d_mrg": "JJUI",
        "2.5d_v_mrg": "ZW7Z",
    }


@pytest.mark.parametrize(
    "value",
    ["x" * 999, 10**5000, [1] * 999, b"x", math.nan],
    ids=["text", "whole", "list", "bytes", "nan"],
)
def test_a_message_shows_any_value_shortly(value):
    assert len(shown(value)) <= 62


# Values that cannot be computed.

ONE = np.zeros_like(FULL)
ONE[4, 5] = True
APART = np.zeros_like(FULL)
APART[::3, ::3] = True
NO_LEVEL = "have one level"
NO_CIRCLE = "no circle of neighbours"
NOT_COMPUTED = {
    "one pixel": (
        {"mask": ONE},
        {
            "stat.skewness": "same gray level",
            "hist.kurtosis": "same level",
            "glcm.contrast": "no two pixels",
            "ngtdm.busyness": "has a neighbour",
            "lbp.entropy": NO_CIRCLE,
        },
    ),
    "one gray level": (
        {"gray": np.full(FULL.shape, 70, np.uint8)},
        {
            "stat.kurtosis": "same gray level",
            "hist.skewness": "same level",
            "hist.maximum_gradient": None,
            "glcm.correlation": NO_LEVEL,
            "glcm.information_correlation_1": NO_LEVEL,
            "ngtdm.coarseness": "differs from its neighbours",
            "ngtdm.strength": "differs from its neighbours",
            "ngtdm.contrast": "has one level",
            "ngtdm.busyness": "has one level",
        },
    ),
    "black": (
        {"gray": np.zeros(FULL.shape, np.uint8)},
        {
            "stat.coefficient_of_variation": "black",
            "stat.quartile_coefficient_of_dispersion": "black",
            "hist.minimum_gradient_level": "single level",
        },
    ),
    "no neighbours": (
        {"mask": APART},
        {"glcm.joint_max": "no two pixels", "ngtdm.contrast": "has a neighbour"},
    ),
    "no pair at the distance": (
        {"distance_px": 15},
        {"glcm.joint_entropy": "no two pixels of the ROI are this far apart"},
    ),
    "a frame of one level": (
        {
            "gray": np.stack(
                [np.indices(FULL.shape).sum(0).astype(np.uint8) * 9, FULL.astype("u1")]
            )
        },
        {"glcm.correlation": "of a frame", "ngtdm.contrast": "or a frame of it"},
    ),
}


@pytest.mark.parametrize(("case", "reasons"), NOT_COMPUTED.values(), ids=NOT_COMPUTED)
def test_a_value_that_cannot_be_computed_is_nan_with_a_reason(case, reasons, noise):
    case = dict(case)
    gray, mask = case.pop("gray", noise), case.pop("mask", FULL)

    texture = measure_texture(gray, mask, families=FAMILIES, **case)

    for key, value in texture.items():
        reason = texture.reason(key)
        assert not math.isinf(value)
        assert bool(reason) == math.isnan(value), key
        assert not reason.endswith(".")
    for key, words in reasons.items():
        if words is not None:
            assert words in texture.reason(key)


def test_runs_zones_and_dependence_of_one_pixel_have_values():
    texture = measure_texture(np.full((3, 3), 9, np.uint8), ONE[3:6, 4:7], families=(
        "glrlm", "glszm", "gldzm", "ngldm"))  # fmt: skip

    assert not any(map(math.isnan, texture.values()))
    assert texture["glszm.zone_percentage"] == 1
    assert texture["glrlm.run_entropy"] == 0


# Caveats.


def test_fewer_than_eight_levels_are_told_unless_no_family_uses_levels(noise):
    flat = (noise // 64).astype(np.uint8)

    assert "Only 1 level is left" in measure_texture(flat, FULL).caveats[0]
    assert measure_texture(flat, FULL, bin_size=1).caveats != ()
    assert measure_texture(flat, FULL, families=("stat", "lbp")).caveats == ()
    assert measure_texture(noise, FULL, families=FAMILIES).caveats == ()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((20, 40), "in depth and along both diagonals,"),
        ((40, 20), "laterally and along both diagonals,"),
        ((20, 20), None),
        ((40, 40), None),
    ],
    ids=["wide", "tall", "no pair at all", "all directions"],
)
def test_a_direction_without_a_pair_is_told(shape, words, noise):
    mask = np.zeros((60, 60), bool)
    mask[5 : 5 + shape[0], 10 : 10 + shape[1]] = True
    gray = np.resize(noise, mask.shape)
    texture = measure_texture(gray, mask, distance_px=20, aggregation="2d_avg")
    if words is None:
        assert texture.caveats == ()
    else:
        (said,) = texture.caveats
        assert words in said
    away = {"families": ("glrlm",), "distance_px": 20}
    assert measure_texture(gray, mask, **away).caveats == ()


def test_a_diagonal_without_a_pair_is_told_in_any_frame(noise):
    # A strip that rises to the right: two of its pixels are never one below another.
    mask = np.eye(30, dtype=bool)[::-1]
    gray = np.resize(noise, mask.shape)
    (said,) = measure_texture(gray, mask, bin_size=1).caveats
    assert "apart laterally and in depth and along one diagonal," in said
    clip = np.stack([mask, mask[::-1]])
    (said,) = measure_texture(np.stack([gray, gray]), clip, bin_size=1).caveats
    assert "apart laterally and in depth," in said


# What is refused.

GRAY = np.zeros(FULL.shape, np.uint8)
REFUSED = {
    "16 bits": (GRAY.astype(np.uint16), FULL, {}, "not uint16"),
    "float": (GRAY / 1.0, FULL, {}, "not float64"),
    "NaN": (GRAY + np.nan, FULL, {}, "not float64"),
    "a list of numbers": (GRAY.tolist(), FULL, {}, "not int64"),
    "nothing": (None, FULL, {}, "not object"),
    "colour": (np.stack([GRAY] * 3, -1), FULL, {}, "colours to gray"),
    "colour with alpha": (np.stack([GRAY] * 4, -1), FULL, {}, "colours to gray"),
    "colour and mask of colour": (
        np.stack([GRAY] * 3, -1),
        np.stack([FULL] * 3, -1),
        {},
        "colours to gray",
    ),
    "colour clip": (np.zeros((2, 12, 15, 3), np.uint8), FULL, {}, "colours to gray"),
    "empty": (GRAY, ~FULL, {}, "covers 0 pixels"),
    "no image": (GRAY[:0], FULL[:0], {}, "covers 0 pixels"),
    "another shape": (GRAY, FULL[:5], {}, "shape"),
    "labels": (GRAY, FULL.astype(int), {}, "booleans"),
    "unknown family": (GRAY, FULL, {"families": ("glcx",)}, "family 'glcx'"),
    "no family": (GRAY, FULL, {"families": ()}, "No texture family"),
    "family a number": (GRAY, FULL, {"families": 3}, "No texture family"),
    "1 bin": (GRAY, FULL, {"bin_number": 1}, "bin_number .* it is 1"),
    "257 bins": (GRAY, FULL, {"bin_number": 257}, "bin_number .* it is 257"),
    "bin size 0": (GRAY, FULL, {"bin_size": 0}, "bin_size .* it is 0"),
    "one level": (GRAY, FULL, {"bin_size": 128, "origin": 128}, "one level only"),
    "half a bin": (GRAY, FULL, {"bin_size": 2.5}, "bin_size .* it is 2.5"),
    "bin NaN": (GRAY, FULL, {"bin_size": math.nan}, "bin_size .* it is nan"),
    "below origin": (GRAY, FULL, {"origin": 9}, "below the origin 9"),
    "distance 0": (GRAY, FULL, {"distance_px": 0}, "distance 0 px"),
    "distance -1": (GRAY, FULL, {"distance_px": -1}, "distance -1 px"),
    "0 mm": (
        GRAY, FULL, {"distance_mm": 0.0, "spacing_mm": (1, 1)}, "distance 0.0 mm",
    ),
    "no spacing": (GRAY, FULL, {"distance_mm": 1.0}, "no scale"),
    "too near": (
        GRAY, FULL, {"distance_mm": 0.01, "spacing_mm": (0.1, 0.1)}, "half a pixel",
    ),
    "spacing 0": (GRAY, FULL, {"spacing_mm": (0.1, 0)}, "not a positive length"),
    "one spacing": (GRAY, FULL, {"spacing_mm": 0.1}, "not a positive length"),
    "aggregation": (GRAY, FULL, {"aggregation": "3d_avg"}, "'3d_avg' is not known"),
    "neighbours 0": (GRAY, FULL, {"neighbourhood_px": 0}, "it is 0"),
    "alpha -1": (GRAY, FULL, {"alpha": -1}, "alpha .* it is -1"),
    "radius 0": (GRAY, FULL, {"radius_px": 0}, "radius_px .* it is 0"),
    "normalise": (GRAY, FULL, {"normalise": "yes"}, "it is 'yes'"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("gray", "mask", "options", "words"), REFUSED.values(), ids=REFUSED
)
def test_what_is_not_possible_is_refused_in_a_sentence(
    gray, mask, options, words, one_sentence
):
    with pytest.raises(MeasureError, match=words) as caught:
        measure_texture(gray, mask, **options)

    assert one_sentence(str(caught.value))


def test_inputs_are_not_changed(muscle):
    gray, mask = (array.copy() for array in muscle)
    measure_texture(gray, mask, families=FAMILIES, normalise=True)

    assert np.array_equal(gray, muscle[0])
    assert np.array_equal(mask, muscle[1])
