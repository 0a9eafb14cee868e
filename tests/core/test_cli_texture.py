"""Texture from the command line: rows, lists, maps, and a line for each wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi

import napari_muscle_us as mus
from napari_muscle_us.measure.texture.families import all_features
from napari_muscle_us.measure.texture.presets import list_presets, load_preset
from napari_muscle_us.registry import MEASURES

OUTLINE = [(20, 10), (150, 25), (170, 120), (90, 140), (15, 80)]
MEASURE = ("measure", "scan.tif", "--roi", "bb.roi", "--out", "out.csv")
MAP = ("texture", "map", "scan.tif", "--out", "map.tif")
SPACING = (0.2, 0.1)


@pytest.fixture
def folder(tmp_path, monkeypatch, formula_image):
    """Stand in a folder with a calibrated image, a clip and regions of interest."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    known = mus.Calibration(SPACING, "test")
    image = mus.UltrasoundImage(formula_image, "scan", "0" * 64, calibration=known)
    mus.write_tiff("scan.tif", image)
    Image.fromarray(formula_image).save("plain.png")
    clip = np.stack([formula_image, formula_image[::-1]])
    tifffile.imwrite("clip.tif", clip, imagej=True, metadata={"axes": "TYX"})
    for name, points in (
        ("bb.roi", OUTLINE),
        ("px.roi", [(10, 10), (11, 10), (11, 11), (10, 11)]),
        ("far.roi", [(900, 900), (950, 900), (950, 950)]),
    ):
        roi = ImagejRoi.frompoints(points, name="BB")
        roi.roitype = ROI_TYPE.POLYGON
        roi.tofile(name)
    return tmp_path


@pytest.fixture
def region(formula_image):
    """Return gray levels and mask of the region that the commands measure."""
    roi = mus.Polygon([(y - 0.5, x - 0.5) for x, y in OUTLINE])
    return formula_image, mus.roi_mask(roi, formula_image.shape)


def texture_of(path="out.csv"):
    rows = mus.read_results(path)
    return rows[rows["measure"].isin(all_features())].reset_index(drop=True)


# Measure and verify


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--texture", "glcm"], {}),
        (["--texture", "all"], {"families": "all"}),
        (["--texture", "NGTDM, glcm"], {"families": ("glcm", "ngtdm")}),
        (["--texture", "glcm", "--bin-size", 1], {"bin_size": 1}),
        (["--texture", "glcm", "--origin", 0], {"origin": 0}),
        (["--texture", "glcm", "--bin-number", 16], {"bin_number": 16}),
        (["--texture", "glcm", "--normalise"], {"normalise": True}),
        (["--texture", "glcm", "--distance-px", 3], {"distance_px": 3}),
        (["--texture", "glcm", "--distance-mm", 0.4], {"distance_mm": 0.4}),
        (["--texture", "glcm", "--aggregation", "2d_avg"], {"aggregation": "2d_avg"}),
        (
            ["--texture", "ngldm", "--neighbourhood-px", 2, "--alpha", 1],
            {"families": ("ngldm",), "neighbourhood_px": 2, "alpha": 1},
        ),
        (["--texture", "lbp", "--radius-px", 3], {"families": "lbp", "radius_px": 3}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_options_are_those_of_measure_texture(folder, run, region, arguments, options):
    if options.get("families") == "all":
        options = {"families": tuple({k.partition(".")[0] for k in all_features()})}
    expected = mus.measure_texture(*region, spacing_mm=SPACING, **options)
    status, out, _ = run(*MEASURE, *arguments)
    rows = texture_of()
    assert status == 0
    assert out == [f"{10 + len(expected)} rows of 1 ROI(s) written to out.csv."]
    assert dict(zip(rows["measure"], rows["value"], strict=True)) == dict(expected)
    agree = f"{10 + len(expected)} of {10 + len(expected)} rows agree."
    assert run("verify", "out.csv")[:2] == (0, [agree])


def test_each_direction_adds_rows_and_a_changed_one_is_found(folder, run):
    run(*MEASURE, "--texture", "glcm", "--each-direction")
    rows = mus.read_results("out.csv")
    assert len(rows) == 10 + 5 * 25
    assert run("verify", "out.csv")[0] == 0
    rows.loc[len(rows) - 1, "value"] += 0.01
    mus.write_results("out.csv", rows)
    status, out, _ = run("verify", "out.csv")
    assert (status, len(out)) == (1, 2)
    assert out[0].startswith(f"Row {len(rows)} differs (scan.tif, BB, glcm.")


def test_a_frame_of_a_clip_is_measured_and_verified(folder, run):
    command = ("measure", "clip.tif", "--roi", "bb.roi", "--texture", "glcm,lbp")
    assert run(*command, "--frame", 0, "--out", "out.csv")[0] == 0
    assert run(*command, "--frame", 1, "--out", "out.csv", "--append")[0] == 0
    first, second = (g["value"].to_numpy() for _, g in texture_of().groupby("frame"))
    assert len(first) == 25 + 12
    assert (first != second).sum() > 20
    assert run("verify", "out.csv")[:2] == (0, ["94 of 94 rows agree."])


@pytest.mark.parametrize("name", [preset.name for preset in list_presets()])
def test_a_preset_gives_its_features_by_its_settings(folder, run, name):
    assert run(*MEASURE, "--texture-preset", name)[0] == 0
    preset, rows = load_preset(name), texture_of()
    together = [json.loads(m).get("direction") is None for m in rows["method"]]
    assert rows.loc[together, "measure"].tolist() == list(preset.keys)
    assert (not all(together)) == preset.settings.each_direction
    assert run("verify", "out.csv")[0] == 0


def test_a_preset_can_be_changed_and_that_is_said(folder, run):
    status, _, err = run(*MEASURE, "--texture-preset", "default", "--bin-number", 3)
    assert status == 0
    assert "Note: Not the preset 'default' as it is: --bin-number was given." in err
    (discretisation,) = {json.loads(m)["bin_number"] for m in texture_of()["method"]}
    assert discretisation == 3
    # What was given as the preset has it changes nothing.
    _, _, err = run(*MEASURE, "--texture-preset", "default", "--bin-size", 8)
    assert not [line for line in err if "Not the preset" in line]


def test_few_levels_and_missing_values_are_said(folder, run):
    _, _, err = run(*MEASURE, "--texture", "glcm,hist", "--bin-size", 100)
    assert [line for line in err if "Only 3 levels are left" in line] == [
        "Note: BB: Only 3 levels are left of the region's gray levels, which flattens "
        "its texture; choose smaller bins or more of them."
    ]
    command = ("measure", "plain.png", "--roi", "px.roi", "--out", "out.csv")
    status, _, err = run(*command, "--texture", "glcm")
    assert status == 0
    assert "Note: BB: 25 of 25 texture rows have no value; their note says why." in err


WRONG = {
    "family": (["--texture", "glcm,foo"], "There is no texture family 'foo'"),
    "no-family": (["--texture", ""], "There is no texture family ''"),
    "lonely": (["--bin-size", 4], "--bin-size is for texture; add --texture"),
    "lonely-zero": (["--origin", 0], "--origin is for texture"),
    "lonely-flag": (["--each-direction"], "--each-direction is for texture"),
    "both-bins": (
        ["--texture", "glcm", "--bin-size", 4, "--bin-number", 9],
        "--bin-size and --bin-number exclude each other",
    ),
    "both-distances": (
        ["--texture", "glcm", "--distance-px", 1, "--distance-mm", 1],
        "--distance-px and --distance-mm exclude each other",
    ),
    "origin": (["--texture", "glcm", "--bin-number", 9, "--origin", 0], "fixed size"),
    "bin-zero": (["--texture", "glcm", "--bin-size", 0], "bin_size must be a whole"),
    "number-one": (["--texture", "glcm", "--bin-number", 1], "bin_number must be"),
    "bin-text": (["--texture", "glcm", "--bin-size", "x"], "not a valid integer"),
    "distance-zero": (["--texture", "glcm", "--distance-px", 0], "The distance 0 px"),
    "distance-nan": (["--texture", "glcm", "--distance-mm", "nan"], "not a length"),
    "distance-short": (["--texture", "glcm", "--distance-mm", 0.01], "half a pixel"),
    "aggregation": (["--texture", "glcm", "--aggregation", "3d"], "'3d' is not one"),
    "below": (["--texture", "glcm", "--origin", 99], "below the origin 99"),
    "idle": (["--texture", "glcm", "--alpha", 3], "--alpha is for ngldm and changes"),
    "idle-flag": (["--texture", "lbp", "--normalise"], "changes nothing of lbp"),
    "idle-distance": (["--texture", "glrlm", "--distance-px", 2], "is for glcm and"),
    "idle-preset": (
        ["--texture-preset", "default", "--radius-px", 2],
        "--radius-px is for lbp and changes nothing of glcm",
    ),
    "preset": (["--texture-preset", "nope"], "There is no texture preset 'nope'"),
    "preset-file": (["--texture-preset", "no.json"], "no.json"),
    "both": (
        ["--texture-preset", "default", "--texture", "glcm"],
        "both choose families",
    ),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_texture_options_write_nothing(
    folder, run, one_sentence, arguments, words
):
    status, out, err = run(*MEASURE, *arguments)
    assert (status, out) == (2, [])
    (line,) = err
    assert words in line
    assert one_sentence(line)
    assert not (folder / "out.csv").exists()


def test_a_distance_in_mm_needs_a_scale(folder, run):
    command = ("measure", "plain.png", "--roi", "bb.roi", "--out", "out.csv")
    status, _, err = run(*command, "--texture", "glcm", "--distance-mm", 1)
    assert status == 2
    assert err[-1].startswith("Error: The image has no scale")
    assert not (folder / "out.csv").exists()


# Lists


def test_every_feature_is_listed_with_code_unit_and_meaning(run):
    status, out, _ = run("texture", "features")
    assert status == 0
    by_key = {line.split()[0]: line for line in out if "." in line.split()[0]}
    for key, feature in all_features().items():
        line = by_key[key]
        assert line.split()[1] == (feature.ibsi or "–")
        assert f"  {MEASURES[key].unit}  " in f"{line}  "
        assert line.endswith(f"{feature.label}. {feature.meaning}")


def test_features_of_one_family(run):
    status, out, _ = run("texture", "features", "--family", "ngtdm")
    assert status == 0
    assert out[0].startswith("Gray tone difference (NGTDM). ")
    assert [line.split()[0] for line in out[2:]] == [
        key for key in all_features() if key.startswith("ngtdm.")
    ]
    status, _, err = run("texture", "features", "--family", "foo")
    assert status == 2
    assert err[0].startswith("Error: There is no texture family 'foo'")


def test_presets_are_listed_with_their_sources(folder, run):
    bad = folder / "data" / "napari-muscle-us" / "texture-presets" / "bad.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    status, out, err = run("texture", "presets")
    text = "\n".join(out)
    assert status == 0
    for preset in list_presets():
        assert f"{preset.name}: {preset.title}" in out
        assert preset.citation in text
        assert preset.doi in text
    assert any("bad.json" in line for line in err)


# Maps


def test_a_map_is_that_of_the_function_with_its_scale(folder, run, region):
    status, out, err = run(
        *MAP, "--feature", "glcm.joint_entropy", "--window-mm", 3, "--bin-size", 16,
        *("--distance-mm", 0.4, "--roi", "bb.roi", "--min-share", 0.75),
    )  # fmt: skip
    assert (status, err) == (0, [])
    assert out == ["joint_entropy, window 15 × 31 px, written to map.tif."]
    gray, mask = region
    expected = mus.compute_texture_map(
        gray, ["joint_entropy"], window_mm=3, spacing_mm=SPACING, bin_size=16,
        offsets=((0, 4), (2, 0), (2, 4), (2, -4)), mask=mask, min_share=0.75,
    )["joint_entropy"]  # fmt: skip
    with tifffile.TiffFile("map.tif") as file:
        found, tags = file.asarray(), file.pages[0].tags
        told = file.imagej_metadata
        across, down = (tags[n].value for n in ("XResolution", "YResolution"))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found[~mask]).all()
    assert 0 < np.isfinite(found).sum() <= mask.sum()
    assert told["unit"] == "mm"
    assert across[1] / across[0] == pytest.approx(SPACING[1], rel=1e-6)
    assert down[1] / down[0] == pytest.approx(SPACING[0], rel=1e-6)
    info = json.loads(told["Info"])
    assert (info["feature"], info["ibsi"], info["unit"]) == (
        "joint_entropy", "TU9B", "bit",
    )  # fmt: skip
    assert info["offsets"] == [[0, 4], [2, 0], [2, 4], [2, -4]]
    assert (info["window_px"], info["window_mm"]) == ([15, 31], 3)
    assert (info["bin_size"], info["min_share"]) == (16, 0.75)
    assert info["image_sha256"] == mus.read_image("scan.tif").sha256
    assert info["roi_geometry"]["type"] == "polygon"


def test_a_map_of_an_image_without_scale_tells_none(folder, run, formula_image):
    command = ("texture", "map", "plain.png", "--out", "map.tif", "--feature", "sd")
    assert run(*command, "--window-px", 5)[0] == 0
    with tifffile.TiffFile("map.tif") as file:
        found, told = file.asarray(), file.imagej_metadata
    assert "unit" not in told
    assert json.loads(told["Info"])["spacing_mm"] is None
    # Of the middle pixel, in plain NumPy.
    window = formula_image[73:78, 98:103].astype(float)
    assert found[75, 100] == pytest.approx(window.std(ddof=1), rel=1e-6)


def test_frames_of_a_clip_have_their_maps(folder, run, formula_image):
    command = ("texture", "map", "clip.tif", "--window-px", 7, "--out", "map.tif")
    status, _, err = run(*command)
    assert status == 2
    assert "is a clip of 2 frames; add --frame N, 0 to 1." in err[-1]
    assert run(*command, "--frame", 1)[0] == 0
    expected = mus.compute_texture_map(
        np.ascontiguousarray(formula_image[::-1]), ["contrast"], window_px=7
    )
    np.testing.assert_array_equal(tifffile.imread("map.tif"), expected["contrast"])


def test_an_earlier_map_is_replaced_and_nothing_else_is(folder, run, one_sentence):
    assert run(*MAP, "--window-px", 5)[0] == 0
    first = tifffile.imread("map.tif")
    assert run(*MAP, "--window-px", 9)[0] == 0
    assert not np.array_equal(tifffile.imread("map.tif"), first, equal_nan=True)
    image = mus.read_image("plain.png")
    mus.write_tiff("other.tif", image)
    before = (folder / "other.tif").read_bytes()
    for name in ("other.tif", "scan.tif"):
        status, _, err = run("texture", "map", "scan.tif", "--out", name)
        assert status == 2
        assert one_sentence(err[-1])
    assert (folder / "other.tif").read_bytes() == before


WRONG_MAPS = {
    "feature": (["--feature", "foo"], "There is no texture map 'foo'"),
    "even": (["--window-px", 30], "A window of 30 px is not possible"),
    "both": (["--window-px", 31, "--window-mm", 2], "exclude each other"),
    "large": (["--window-px", 301], "is larger than the image"),
    "bins": (["--bin-size", 0], "bin_size must be a whole number"),
    "share": (["--min-share", 3], "The least share 3.0 is not possible"),
    "frame": (["--frame", 3], "has no frame 3"),
    "distance": (["--distance-px", 40], "does not fit into a window"),
    "small": (["--roi", "px.roi"], "enough pairs of pixels, so the map has no value"),
    "idle": (["--feature", "mean", "--bin-number", 9], "changes nothing of stat"),
    "idle-step": (["--feature", "entropy", "--distance-px", 2], "nothing of hist"),
    "outside": (["--roi", "far.roi"], "lies outside the image"),
    "no-roi": (["--roi", "none.roi"], "none.roi"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_MAPS.values(), ids=WRONG_MAPS)
def test_a_wrong_map_writes_nothing(folder, run, one_sentence, arguments, words):
    status, out, err = run(*MAP, *arguments)
    assert (status, out) == (2, [])
    (line,) = err
    assert words in line
    assert one_sentence(line)
    assert not (folder / "map.tif").exists()


@pytest.mark.parametrize("name", ["map.png", "none/map.tif", "data"])
def test_a_place_that_is_no_place_for_a_map_is_told(folder, run, one_sentence, name):
    status, _, err = run("texture", "map", "scan.tif", "--out", name)
    assert status == 2
    assert one_sentence(err[-1])


def test_several_regions_are_no_region_of_a_map(folder, run):
    rois = [mus.Rectangle(10, 10 + 50 * i, 40, 40, name=str(i)) for i in range(2)]
    mus.write_imagej_rois("two.zip", rois)
    status, _, err = run(*MAP, "--roi", "two.zip")
    assert status == 2
    assert "'two.zip' holds 2 ROIs, and a map is of one" in err[-1]


def test_a_map_of_one_gray_level_has_no_correlation(folder, run):
    Image.fromarray(np.full((40, 40), 9, np.uint8)).save("flat.png")
    place = ("texture", "map", "flat.png", "--out", "map.tif", "--feature")
    status, _, err = run(*place, "correlation")
    assert status == 2
    assert "or all are of one gray level, so the map has no value" in err[-1]
    status, _, err = run(*place, "contrast")
    assert status == 0
    assert err[-1].startswith("Note: Only 1 level is left of the region's gray levels")
    status, _, err = run(*place, "mean")
    assert status == 0
    assert not any("levels" in line for line in err)


def test_a_map_of_coloured_pixels_says_so(folder, run, formula_image):
    colours = np.repeat(formula_image[..., None], 3, axis=2)
    colours[20, 10:17] = (200, 40, 40)
    Image.fromarray(colours).save("colours.png")
    command = (
        "texture",
        "map",
        "colours.png",
        "--feature",
        "contrast",
        "--out",
        "o.tif",
    )
    status, _, err = run(*command)
    assert status == 0
    assert any("7 of the pixels are coloured" in line for line in err)
