"""Anisotropy from the command line: rows, maps, architecture, and wrong input."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi

import napari_muscle_us as mus
from napari_muscle_us.measure.anisotropy import orientation

OUTLINE = [(20, 10), (150, 25), (170, 120), (90, 140), (15, 80)]
MEASURE = ("measure", "scan.tif", "--roi", "bb.roi", "--out", "out.csv")
MAP = ("orientation", "map", "scan.tif")
SPACING = (0.2, 0.1)
FOUND = "S1_L20_step_025.png"
NOT_FOUND = "S1_L20_step_125.png"


@pytest.fixture
def folder(tmp_path, monkeypatch, formula_image):
    """Stand in a folder with a calibrated image, a clip and regions of interest."""
    monkeypatch.chdir(tmp_path)
    known = mus.Calibration(SPACING, "test")
    image = mus.UltrasoundImage(formula_image, "scan", "0" * 64, calibration=known)
    mus.write_tiff("scan.tif", image)
    Image.fromarray(formula_image).save("plain.png")
    flat = mus.UltrasoundImage(np.full((80, 90), 90, np.uint8), "flat", "0" * 64)
    mus.write_tiff("flat.tif", flat)
    clip = np.stack([formula_image, formula_image[::-1]])
    tifffile.imwrite("clip.tif", clip, imagej=True, metadata={"axes": "TYX"})
    for name, points in (
        ("bb.roi", OUTLINE),
        ("px.roi", [(10, 10), (11, 10), (11, 11), (10, 11)]),
        ("far.roi", [(900, 900), (950, 900), (950, 950)]),
        ("eight.roi", [(10, 10), (60, 60), (60, 10), (10, 60)]),
    ):
        roi = ImagejRoi.frompoints(points, name="BB")
        roi.roitype = ROI_TYPE.POLYGON
        roi.tofile(name)
    return tmp_path


def rows_of(path="out.csv"):
    return mus.read_results(path).set_index("measure")


# Measure and verify


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--box-px", 16], {"box_px": 16}),
        (["--box-mm", 2.5], {"box_mm": 2.5}),
        (["--anisotropy-sigma-px", 4], {"sigma_px": 4}),
        (["--anisotropy-sigma-mm", 0.3], {"sigma_mm": 0.3}),
        (["--anisotropy-window", "orientationj"], {"window": "orientationj"}),
        (["--gradient", "scharr"], {"gradient": "scharr"}),
        (
            ["--gradient", "gaussian", "--gradient-sigma-px", 2],
            {"gradient": "gaussian", "gradient_sigma_px": 2},
        ),
        (
            ["--gradient", "gaussian", "--gradient-sigma-mm", 0.2],
            {"gradient": "gaussian", "gradient_sigma_mm": 0.2},
        ),
        (
            ["--box-variant", "fractional_anisotropy", "--box-min-inside", 0],
            {"variant": "fractional_anisotropy", "min_inside": 0},
        ),
        (["--box-min-energy", 0.9], {"min_energy_share": 0.9}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_options_are_those_of_measure_anisotropy(
    folder, run, formula_image, arguments, options
):
    roi = mus.Polygon([(y - 0.5, x - 0.5) for x, y in OUTLINE])
    mask = mus.roi_mask(roi, formula_image.shape)
    expected = mus.measure_anisotropy(
        formula_image, mask, spacing_mm=SPACING, **options
    )
    status, out, _ = run(*MEASURE, "--anisotropy", "tensor", *arguments)
    assert (status, out) == (0, ["18 rows of 1 ROI(s) written to out.csv."])
    values = rows_of()["value"]
    assert values["anisotropy.direction"] == expected.direction_deg
    assert values["anisotropy.energy"] == expected.energy
    assert values["anisotropy.circular_sd"] == expected.circular_sd_deg
    assert values["anisotropy.local"] == expected.local.value
    assert values["anisotropy.n_boxes"] == expected.local.n_boxes
    assert run("verify", "out.csv")[:2] == (0, ["18 of 18 rows agree."])


def test_frames_of_a_clip_and_fascicles_are_measured_and_a_change_is_found(folder, run):
    command = ("measure", "clip.tif", "--roi", "bb.roi", "--anisotropy", "fascicle")
    assert run(*command, "--frame", 0, "--out", "out.csv")[0] == 0
    assert run(*command, "--frame", 1, "--out", "out.csv", "--append")[0] == 0
    assert run("verify", "out.csv")[:2] == (0, ["42 of 42 rows agree."])
    rows = mus.read_results("out.csv")
    directions = rows.loc[rows["measure"] == "anisotropy.direction", "value"]
    # The second frame is the first one upside down; the region is not.
    assert np.sign(directions).sum() == 0
    rows.loc[len(rows) - 1, "value"] += 0.01
    mus.write_results("out.csv", rows)
    status, out, _ = run("verify", "out.csv")
    assert (status, len(out)) == (1, 2)
    assert out[0].startswith("Row 42 differs (clip.tif, BB, anisotropy.fascicle_conf")


def test_what_cannot_be_seen_is_said_once(folder, run):
    command = ("measure", "flat.tif", "--roi", "px.roi", "--anisotropy", "fascicle")
    status, _, err = run(*command, "--out", "out.csv")
    assert status == 0
    told = [line for line in err if "anisotropy" in line]
    assert len(told) == 3
    assert told[0] == (
        "Note: BB, anisotropy.direction: undefined where the region is smaller than "
        "the derivative kernel."
    )


WRONG = {
    "without": (["--box-px", "16"], "--box-px is for anisotropy; add --anisotropy"),
    "both": (
        ["--anisotropy", "tensor", "--box-px", "16", "--box-mm", "2"],
        "--box-px and --box-mm exclude each other",
    ),
    "unused": (
        ["--anisotropy", "tensor", "--gradient-sigma-px", "2"],
        "--gradient-sigma-px is the scale of the gradient gaussian",
    ),
    "sigma": (
        ["--anisotropy", "tensor", "--anisotropy-sigma-px", "0"], "is not possible",
    ),
    "box": (["--anisotropy", "tensor", "--box-px", "2"], "from 4 to 4096; it is 2"),
    "box-huge": (["--anisotropy", "tensor", "--box-mm", "1e9"], "is not possible"),
    "share": (["--anisotropy", "tensor", "--box-min-inside", "2"], "it is 2.0"),
    "nan": (["--anisotropy", "tensor", "--box-mm", "nan"], "must be a number"),
    "method": (["--anisotropy", "radon"], "'tensor', 'fascicle'"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_one_line_and_nothing_is_written(
    folder, run, one_sentence, arguments, words
):
    status, out, err = run(*MEASURE, *arguments)
    assert (status, out, len(err)) == (2, [], 1)
    assert words in err[0]
    assert one_sentence(err[0])
    assert not (folder / "out.csv").exists()


def test_mm_without_a_scale_is_refused(folder, run):
    command = ("measure", "plain.png", "--roi", "bb.roi", "--out", "out.csv")
    status, _, err = run(*command, "--anisotropy", "tensor", "--box-mm", 2)
    assert (status, len(err)) == (2, 1)
    assert "The image has no scale" in err[0]
    assert not (folder / "out.csv").exists()


# Maps


def about(path):
    with tifffile.TiffFile(path) as file:
        told = json.loads(file.imagej_metadata["Info"])
        return file.asarray(), file.imagej_metadata.get("unit"), told


def test_a_folder_gets_three_maps_that_tell_how_they_came_about(
    folder, run, formula_image
):
    status, out, _ = run(*MAP, "--out", "maps", "--sigma-mm", 0.4)
    assert status == 0
    assert out[0].startswith("orientation, coherency, energy written to maps")
    found = mus.compute_orientation_map(formula_image, sigma_mm=0.4, spacing_mm=SPACING)
    units = {"orientation": "degree", "coherency": "1", "energy": "gray level²/mm²"}
    for name, unit in units.items():
        values, scale, told = about(folder / "maps" / f"{name}.tif")
        attribute = "orientation_deg" if name == "orientation" else name
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, getattr(found, attribute))
        assert (scale, told["unit"], told["map"]) == ("mm", unit, name)
        assert (told["sigma_mm"], told["gradient"]) == (0.4, "cubic_spline")
        assert told["image_sha256"] == mus.read_image("scan.tif").sha256
    again, *_ = run(*MAP, "--out", "maps")
    assert again == 0


def test_one_map_of_one_roi(folder, run, formula_image):
    arguments = ("--out", "c.tif", "--map", "coherency", "--roi", "bb.roi")
    status, out, _ = run(*MAP, *arguments, "--sigma-px", 3)
    assert (status, out) == (0, ["coherency written to c.tif."])
    values, _, told = about("c.tif")
    roi = mus.Polygon([(y - 0.5, x - 0.5) for x, y in OUTLINE])
    mask = mus.roi_mask(roi, formula_image.shape)
    expected = mus.compute_orientation_map(
        formula_image, sigma_px=3, spacing_mm=SPACING, mask=mask
    )
    np.testing.assert_array_equal(values, expected.coherency)
    assert told["roi_geometry"]["type"] == "polygon"
    assert run(*MAP, "--out", "o.tif")[1] == ["orientation written to o.tif."]


def test_a_frame_of_a_clip_is_mapped(folder, run, formula_image):
    command = ("orientation", "map", "clip.tif", "--out", "o.tif")
    status, _, err = run(*command)
    assert (status, len(err)) == (2, 1)
    assert "add --frame N, 0 to 1" in err[0]
    assert run(*command, "--frame", 1)[0] == 0
    expected = mus.compute_orientation_map(formula_image[::-1])
    np.testing.assert_array_equal(about_px("o.tif"), expected.orientation_deg)


def about_px(path):
    with tifffile.TiffFile(path) as file:
        return file.asarray()


ALL = ("orientation", "map", "clip.tif", "--all-frames", "--out", "all.tif")


def test_all_frames_of_a_clip_are_one_stack(folder, run, formula_image):
    more = ("--map", "coherency", "--roi", "bb.roi", "--sigma-px", 3)
    assert run(*ALL, *more)[:2] == (0, ["coherency written to all.tif."])
    values, _, told = about("all.tif")
    roi = mus.Polygon([(y - 0.5, x - 0.5) for x, y in OUTLINE])
    mask = mus.roi_mask(roi, formula_image.shape)
    for frame, gray in enumerate((formula_image, formula_image[::-1])):
        expected = mus.compute_orientation_map(gray, sigma_px=3, mask=mask)
        np.testing.assert_array_equal(values[frame], expected.coherency)
    assert (told["frame"], told["frames"], told["map"]) == (None, 2, "coherency")
    assert (told["sigma_px"], told["unit"]) == (3, "1")
    assert told["roi_geometry"]["type"] == "polygon"
    assert run(*ALL, "--map", "energy")[0] == 0
    assert about("all.tif")[2]["unit"] == "gray level²/px²"


def test_a_stopped_stack_leaves_the_former_one(folder, run, monkeypatch):
    assert run(*ALL)[0] == 0
    before = (folder / "all.tif").read_bytes()
    mapped = orientation.compute_orientation_map

    def stopped(gray, **options):
        if (gray == mus.read_image("clip.tif").frame(1).pixels).all():
            raise KeyboardInterrupt
        return mapped(gray, **options)

    names = {path.name for path in folder.iterdir()}
    monkeypatch.setattr(orientation, "compute_orientation_map", stopped)
    assert run(*ALL, "--sigma-px", 5)[0] == 130
    assert (folder / "all.tif").read_bytes() == before
    assert {path.name for path in folder.iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*ALL[:4], "--out", "maps"), "let --out end in .tif"),
        ((*ALL, "--frame", "1"), "exclude each other"),
        (("orientation", "map", "scan.tif", *ALL[3:]), "is a still image"),
    ],
    ids=["folder", "frame", "still"],
)
def test_what_contradicts_all_frames_is_refused(
    folder, run, one_sentence, arguments, words
):
    status, out, err = run(*arguments)
    assert (status, out, len(err)) == (2, [], 1)
    assert words in err[0]
    assert one_sentence(err[0])
    assert not (folder / "all.tif").exists()
    assert not (folder / "maps").exists()


WRONG_MAP = {
    "file": (["--out", "map.png"], "is no folder; give a folder"),
    "map-of-folder": (["--out", "maps", "--map", "energy"], "is a folder"),
    "both": (["--out", "o.tif", "--sigma-px", "2", "--sigma-mm", "1"], "exclude each"),
    "sigma": (["--out", "maps", "--sigma-px", "1000"], "from 0.5 to 100"),
    "kernel": (["--out", "maps", "--gradient-sigma-px", "2"], "gradient gaussian"),
    "input": (["--out", "scan.tif"], "is the input itself"),
    "picture": (["--out", "other.tif"], "choose another name"),
    "roi": (["--out", "o.tif", "--roi", "far.roi"], "outside the image|covers 0"),
    "crossed": (["--out", "o.tif", "--roi", "eight.roi"], "crosses itself"),
    "pixel": (["--out", "o.tif", "--roi", "px.roi"], "no direction anywhere: undef"),
    "nowhere": (["--out", "none/maps"], "its folder is not there"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_MAP.values(), ids=WRONG_MAP)
def test_a_wrong_map_is_one_line_and_nothing_is_written(
    folder, run, one_sentence, arguments, words
):
    (folder / "map.png").write_bytes(b"mine")
    tifffile.imwrite("other.tif", np.zeros((4, 4), np.uint8))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    status, out, err = run(*MAP, *arguments)
    assert (status, out, len(err)) == (2, [], 1)
    assert any(word in err[0] for word in words.split("|")), err
    assert one_sentence(err[0])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_map_without_a_direction_is_not_written(folder, run):
    status, _, err = run("orientation", "map", "flat.tif", "--out", "maps")
    assert (status, len(err)) == (2, 1)
    assert "all pixels have the same gray level" in err[0]
    assert not (folder / "maps").exists()


# Architecture


@pytest.fixture
def muscles(folder, shared):
    for name in (FOUND, NOT_FOUND):
        shutil.copy(shared(f"data/longitudinal_vl/{name}"), folder / name)
    return folder


def test_architecture_finds_lines_and_fascicles_and_verifies(muscles, run):
    command = ("architecture", FOUND, "--fascicle-from-texture", "--out", "out.csv")
    labels = ("--subject", "S1", "--visit", "1", "--muscle", "VL", "--side", "left")
    status, out, _ = run(*command, *labels)
    assert status == 0
    assert out[-1] == "8 rows written to out.csv."
    rows = rows_of()
    # By the mean of three observers the muscle is 277 px thick, and its fascicles rise
    # by 14.6°, by 14.8° against the superficial aponeurosis.
    assert rows.loc["architecture.thickness", "value"] == pytest.approx(277, abs=10)
    angle = rows.loc["architecture.pennation_superficial", "value"]
    assert angle == pytest.approx(14.8, abs=2)
    assert set(rows["side"]) == {"left"}
    assert rows["note"].str.contains("aponeuroses found in the picture").all()
    line = f"architecture.pennation  {rows.loc['architecture.pennation'].value:.1f} °"
    assert out[0] == line
    assert run("verify", "out.csv")[:2] == (0, ["8 of 8 rows agree."])


def test_without_fascicles_the_thickness_alone_is_added(muscles, run):
    for more in ([], ["--append"]):
        assert run("architecture", FOUND, "--out", "out.csv", *more)[0] == 0
    rows = mus.read_results("out.csv")
    thickness = ["architecture.thickness", "architecture.thickness_min"]
    assert rows["measure"].tolist() == 2 * thickness
    assert run("verify", "out.csv")[:2] == (0, ["4 of 4 rows agree."])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([NOT_FOUND], "No pair of aponeuroses stands out"),
        (["flat.tif"], "one gray level everywhere"),
        (["clip.tif"], "add --frame N"),
        (["none.png"], "none.png"),
    ],
    ids=["faint", "flat", "clip", "missing"],
)
def test_without_aponeuroses_nothing_is_written(
    muscles, run, one_sentence, arguments, words
):
    status, out, err = run("architecture", *arguments, "--out", "out.csv")
    assert (status, out, len(err)) == (2, [], 1)
    assert words in err[0]
    assert one_sentence(err[0])
    assert not (muscles / "out.csv").exists()


def test_without_a_direction_between_the_lines_nothing_is_written(
    muscles, run, monkeypatch, one_sentence
):
    rng = np.random.default_rng(1)
    picture = mus.read_image(FOUND)
    found = mus.find_aponeuroses(picture.pixels)
    noise = rng.integers(0, 256, picture.frame_shape, np.uint8)
    Image.fromarray(noise).save("noise.png")
    monkeypatch.setattr(
        "napari_muscle_us.measure.anisotropy.aponeurosis.find_aponeuroses",
        lambda *_, **__: found,
    )
    command = ("architecture", "noise.png", "--out", "out.csv")
    status, _, err = run(*command, "--fascicle-from-texture")
    assert (status, len(err)) == (2, 1)
    assert "no direction between the aponeuroses" in err[0]
    assert one_sentence(err[0])
    assert not (muscles / "out.csv").exists()
    assert run(*command)[0] == 0


def test_a_map_of_coloured_pixels_says_so(folder, run, formula_image):
    colours = np.repeat(formula_image[..., None], 3, axis=2)
    colours[20, 10:17] = (200, 40, 40)
    Image.fromarray(colours).save("colours.png")
    command = ("orientation", "map", "colours.png", "--out", "o.tif")
    status, _, err = run(*command)
    assert status == 0
    assert any("7 of the pixels are coloured" in line for line in err)
