"""The command: measure and verify, and one line for each wrong input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi

import napari_muscle_us as mus
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.load import read_reference_bytes

# ImageJ 1.53t on this outline of the formula image.
OUTLINE = [(20, 10), (150, 25), (170, 120), (90, 140), (15, 80)]
N, MEAN = 14700, 127.02551020408163
SET = ("--reference", "radboud-esaote-6100-adult")
MAN = ("--age", "40", "--sex", "male", "--height", "180", "--weight", "80")


def roi_bytes(points, name="BB"):
    roi = ImagejRoi.frompoints(points, name=name)
    roi.roitype = ROI_TYPE.POLYGON
    return roi.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch, formula_image):
    """Stand in a folder with an image and a region of interest."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(formula_image).save("scan.png")
    (tmp_path / "bb.roi").write_bytes(roi_bytes(OUTLINE))
    return tmp_path


def values(path="out.csv"):
    rows = mus.read_results(path)
    return dict(zip(rows["measure"], rows["value"], strict=True))


def test_measure_writes_imagejs_numbers(folder, run):
    status, out, err = run("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv")
    assert status == 0
    assert out == ["10 rows of 1 ROI(s) written to out.csv."]
    assert err == [
        "Note: The size of a pixel is not known: lengths and areas are in pixels."
    ]
    found = values()
    assert found["intensity.n"] == N
    assert found["intensity.mean"] == pytest.approx(MEAN, rel=1e-12)
    assert found["roi.area"] == 14700
    rows = mus.read_results("out.csv")
    assert set(rows["roi"]) == {"BB"}
    assert set(rows["image"]) == {"scan.png"}


def test_measure_with_a_z_score(folder, run):
    Image.new("L", (200, 150), 100).save("flat.png")
    status, _, err = run(
        *("measure", "flat.png", "--roi", "bb.roi", "--out", "out.csv"),
        *(*SET, *MAN, "--muscle", "Biceps brachii", "--side", "left"),
        *("--subject", "S1", "--visit", "2"),
    )
    assert status == 0
    assert values()["z_score.echo_intensity"] == pytest.approx(4.675922, abs=1e-6)
    assert any("device of the image is not known" in line for line in err)
    rows = mus.read_results("out.csv")
    labels = rows[["subject", "visit", "muscle", "side"]].drop_duplicates()
    assert labels.to_numpy().tolist() == [["S1", "2", "Biceps brachii", "left"]]


def test_measure_twice_append_and_verify(folder, run):
    command = ("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv")
    run(*command)
    first = values()
    assert run(*command)[0] == 0
    assert len(mus.read_results("out.csv")) == 10
    assert values() == first
    assert run(*command, "--append", "--muscle", "Soleus", "--side", "right")[0] == 0
    rows = mus.read_results("out.csv")
    assert len(rows) == 20
    assert rows["value"][:10].tolist() == rows["value"][10:].tolist()
    assert run("verify", "out.csv") == (0, ["20 of 20 rows agree."], [])


def test_measure_through_a_conversion_and_verify(folder, run):
    target = mus.load_reference(SET[1]).device
    made = example_conversion().model_copy(update={"target": target})
    mus.write_conversion("a-to-b.json", made)
    Image.new("L", (200, 150), 100).save("flat.png")
    command = ("measure", "flat.png", "--roi", "bb.roi", "--out", "out.csv")
    command = (*command, *SET, *MAN, "--muscle", "Biceps brachii")
    status, _, err = run(
        *command, "--conversion", "a-to-b.json", "--handedness", "left"
    )
    assert status == 0
    assert any("carried over from Maker A" in line for line in err)
    plain = mus.load_reference(SET[1]).z_score(
        "Biceps brachii", echo_intensity=54, age_years=40, weight_kg=80
    )
    sd = (plain.sd**2 + 9) ** 0.5
    expected = (54 - plain.predicted) / sd
    assert values()["z_score.echo_intensity"] == pytest.approx(expected, rel=1e-12)
    rows = mus.read_results("out.csv").set_index("measure")
    method = json.loads(rows.loc["z_score.echo_intensity", "method"])
    assert (method["handedness"], method["conversion"]) == ("left", "a-to-b.json")
    assert len(method["conversion_sha256"]) == 64
    assert run("verify", "out.csv")[:2] == (0, ["11 of 11 rows agree."])
    (folder / "a-to-b.json").unlink()
    status, out, _ = run("verify", "out.csv")
    assert status == 1
    assert "the conversion 'a-to-b.json' that was used is not in the folder" in out[0]


def test_measure_with_a_set_of_ones_own_by_name(folder, run, monkeypatch):
    own = folder / "own"
    (own / "references").mkdir(parents=True)
    (own / "references" / "mine.json").write_bytes(read_reference_bytes(SET[1]))
    monkeypatch.setattr(
        "napari_muscle_us.reference.own_sets.user_data_folder", lambda: own
    )
    Image.new("L", (200, 150), 100).save("flat.png")
    command = ("measure", "flat.png", "--roi", "bb.roi", "--out", "out.csv", *MAN)
    command = (*command, "--muscle", "Biceps brachii", "--reference", "mine")
    assert run(*command)[0] == 0
    assert values()["z_score.echo_intensity"] == pytest.approx(4.675922, abs=1e-6)
    assert run("verify", "out.csv")[:2] == (0, ["11 of 11 rows agree."])


def test_gray_rule_is_used_and_recorded(folder, run, formula_image):
    rgb = np.repeat(formula_image[..., None], 3, axis=2)
    rgb[40:60, 40:60] = (255, 255, 0)
    Image.fromarray(rgb).save("colour.png")
    found = {}
    for rule in ("imagej", "luma601"):
        status, _, _ = run(
            *("measure", "colour.png", "--roi", "bb.roi", "--out", f"{rule}.csv"),
            *("--gray-rule", rule),
        )
        assert status == 0
        found[rule] = values(f"{rule}.csv")["intensity.mean"]
        assert rule in mus.read_results(f"{rule}.csv")["method"][0]
        assert run("verify", f"{rule}.csv")[0] == 0
    # Yellow is 170 for one, 226 for the other; the 400 pixels lie inside.
    assert found["luma601"] - found["imagej"] == pytest.approx(400 * 56 / N)


def test_measure_with_every_option_and_verify(folder, run):
    status, out, err = run(
        *("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv"),
        *("--percentile", "10", "--percentile", "90", "--band", "0-50"),
        *("--band", "51-255", "--heterogeneity", "--standard-error"),
        "--above-black",
        *("--fat-thickness", "0.8", "--fat-slope", "40"),
    )
    assert (status, out) == (0, ["20 rows of 1 ROI(s) written to out.csv."])
    assert all(line.startswith("Note: ") for line in err)
    rows = mus.read_results("out.csv")
    level, share = (
        rows[rows["measure"] == f"intensity.{k}"]["value"].tolist()
        for k in ("percentile", "band")
    )
    # From the histogram that ImageJ gives.
    assert level == [25, 229]
    assert share == pytest.approx([100 * 2927 / N, 100 * 11773 / N])
    found = values()
    assert found["intensity.mean"] == pytest.approx(MEAN, rel=1e-12)
    # 57 of the pixels are black.
    assert found["intensity.mean_above_black"] == pytest.approx(MEAN * N / (N - 57))
    assert found["intensity.mean_fat_young2015"] == pytest.approx(MEAN + 32)
    assert found["intensity.mean_fat_muller2021"] == pytest.approx(
        MEAN - 5.0054 * 0.64 + 38.30836 * 0.8
    )
    assert run("verify", "out.csv") == (0, ["20 of 20 rows agree."], [])


def test_what_spoils_the_echo_intensity_is_printed_by_region(folder, run):
    gray = np.full((150, 200), 90, np.uint8)
    gray[60:, ::3] = 255
    Image.fromarray(gray).save("bright.png")
    with zipfile.ZipFile("set.zip", "w") as archive:
        archive.writestr("a.roi", roi_bytes(OUTLINE, "BB"))
        above = [(20, 5), (150, 5), (150, 50), (20, 50)]
        archive.writestr("b.roi", roi_bytes(above, "RF"))
    command = ("measure", "bright.png", "--roi", "set.zip", "--out", "out.csv")
    status, _, err = run(*command, "--fat-thickness", "6")
    assert status == 0
    saturated = [line for line in err if "saturated" in line]
    assert saturated
    assert all(line.startswith("Note: BB: ") for line in saturated)
    assert any("6 cm is unusual" in line for line in err)
    # The corrected means have the same note here; the region is named once.
    _, _, err = run(*command, "--fat-thickness", "0.8")
    assert [line.count("BB") for line in err if "saturated" in line] == [1]


def test_verify_names_the_row_that_differs(folder, run):
    run("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv")
    text = (folder / "out.csv").read_text().replace("127.0255", "117.0255")
    (folder / "out.csv").write_text(text)
    status, out, err = run("verify", "out.csv", "--images", folder)
    assert (status, err) == (1, [])
    assert out[0].startswith("Row 2 differs (scan.png, BB, intensity.mean): the value")
    assert out[1:] == ["9 of 10 rows agree."]


def test_what_is_left_out_of_an_archive_is_said(folder, golden_roi_bytes):
    with zipfile.ZipFile("set.zip", "w") as archive:
        archive.writestr("a.roi", roi_bytes(OUTLINE))
        archive.writestr("line.roi", golden_roi_bytes("line"))
    script = "from napari_muscle_us.cli import main; main()"
    command = [sys.executable, "-c", script, "measure", "scan.png"]
    done = subprocess.run(
        [*command, "--roi", "set.zip", "--out", "out.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    notes = done.stderr.splitlines()
    assert all(line.startswith("Note: ") for line in notes)
    assert any("Left out" in line and "line" in line for line in notes)
    assert len(mus.read_results("out.csv")) == 10


# One line for each wrong input


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def wrong_files(folder, make_dataset, to_bytes):
    gray = Image.open("scan.png")
    y, x = np.mgrid[:150, :200]
    colours = np.stack([x, 255 - x, y], -1).astype(np.uint8)
    lzw = encoded(gray, "TIFF", compression="tiff_lzw")
    damaged = lzw[:400] + b"\xff" * 40 + lzw[440:]
    pixels = np.zeros((4, 6), np.uint8)
    contents = {
        "text.png": b"not an image",
        "empty.png": b"",
        "cut.png": encoded(gray, "PNG")[:900],
        "cut.tif": lzw[: len(lzw) // 2],
        "damaged.tif": damaged,
        "report.dcm": to_bytes(make_dataset(pixels, PixelData=None)),
        "cut.dcm": to_bytes(make_dataset(pixels))[:-9],
        "photo.png": encoded(Image.fromarray(colours), "PNG"),
        "outside.roi": roi_bytes([(900, 10), (950, 10), (950, 60)]),
        "bowtie.roi": roi_bytes([(10, 10), (60, 60), (60, 10), (10, 70)]),
        "cut.roi": roi_bytes(OUTLINE)[:70],
        "notes.csv": b"my,own\n1,2\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    mus.write_conversion("c.json", example_conversion())


Z = (*SET, *MAN, "--muscle", "Biceps brachii")
WRONG = {
    "not-an-image": (("text.png",), "'text.png' is not an image"),
    "folder": (("folder",), "'folder' is a folder"),
    "missing": (("none.png",), "'none.png' does not exist"),
    "empty": (("empty.png",), "'empty.png' is empty"),
    "truncated-png": (("cut.png",), "'cut.png' is not a readable image"),
    "truncated-tiff": (("cut.tif",), "'cut.tif' is not a readable image"),
    "damaged-tiff": (("damaged.tif",), "'damaged.tif' is not a readable image"),
    "truncated-dicom": (("cut.dcm",), "'cut.dcm' is damaged"),
    "no-pixels": (("report.dcm",), "'report.dcm' is DICOM without pixels"),
    "photograph": (("photo.png",), "'photo.png' is a colour picture"),
    "roi-outside": (("scan.png", "--roi", "outside.roi"), "lies outside the image"),
    "roi-crossing": (("scan.png", "--roi", "bowtie.roi"), "crosses itself near row"),
    "roi-truncated": (("scan.png", "--roi", "cut.roi"), "damaged or cut short"),
    "roi-missing": (("scan.png", "--roi", "none.roi"), "'none.roi' cannot be read"),
    "roi-is-image": (("scan.png", "--roi", "scan.png"), "not an ImageJ ROI"),
    "age": (("scan.png", *Z, "--age", "-3"), "Age -3 years is not possible"),
    "age-alone": (("scan.png", "--age", "-3"), "Age -3 years is not possible"),
    "age-text": (("scan.png", "--age", "forty"), "'forty' is not a valid float"),
    "age-nan": (("scan.png", "--age", "nan"), "Age nan"),
    "height": (("scan.png", *Z, "--height", "1.8"), "looks like metres"),
    "sex": (("scan.png", *Z, "--sex", "M"), "Sex 'M'"),
    "muscle": (("scan.png", *Z, "--muscle", "Biceps brachi"), "did you mean"),
    "no-muscle": (("scan.png", *SET, *MAN), "--muscle"),
    "no-person": (("scan.png", *SET, "--muscle", "Soleus"), "needs the subject's sex"),
    "set": (("scan.png", *MAN, "--reference", "no-set"), "no reference set 'no-set'"),
    "handedness": (("scan.png", "--handedness", "both"), "Handedness 'both'"),
    "conversion": (("scan.png", *Z, "--conversion", "no.json"), "cannot be read"),
    "conversion-set": (("scan.png", *Z, "--conversion", "bb.roi"), "is not JSON"),
    "conversion-alone": (("scan.png", "--conversion", "c.json"), "add --reference"),
    "conversion-elsewhere": (
        ("scan.png", *Z, "--conversion", "c.json"),
        "use a conversion to that device",
    ),
    "conversion-is-out": (
        ("scan.png", *Z, "--conversion", "c.json", "--out", "c.json"),
        "is the input itself",
    ),
    "side": (("scan.png", "--side", "top"), "'top' is not one of"),
    "percentile": (("scan.png", "--percentile", "101"), "percentile 101.0 is not"),
    "percentile-text": (("scan.png", "--percentile", "p"), "not a valid float"),
    "band": (("scan.png", "--band", "50-0"), "band 50–0 is not possible"),
    "band-text": (("scan.png", "--band", "dark"), "'dark' is not LOW-HIGH"),
    "bands": (("scan.png", "--band", "0-9", "--band", "9-20"), "overlap"),
    "fat-mm": (("scan.png", "--fat-thickness", "12"), "Was it typed in mm?"),
    "fat-negative": (("scan.png", "--fat-thickness", "-1"), "not possible"),
    "fat-nan": (("scan.png", "--fat-thickness", "nan"), "not possible"),
    "slope": (("scan.png", "--fat-thickness", "1", "--fat-slope", "0"), "slope of 0"),
    "slope-alone": (("scan.png", "--fat-slope", "40"), "add --fat-thickness"),
    "unwritable": (("scan.png", "--out", "none/out.csv"), "cannot be written"),
    "out-under-file": (("scan.png", "--out", "scan.png/x.csv"), "cannot be written"),
    "out-is-folder": (("scan.png", "--out", "folder"), "is a folder"),
    "out-is-foreign": (("scan.png", "--out", "notes.csv"), "not a results table"),
    "out-is-image": (("scan.png", "--out", "scan.png"), "is the input itself"),
    "out-is-roi": (("scan.png", "--out", "./bb.roi"), "is the input itself"),
    "out-too-long": (("scan.png", "--out", "x" * 300), "cannot be written"),
    "unknown-option": (("scan.png", "--colour", "red"), "No such option"),
    "no-image": ((), "Missing argument 'IMAGE'"),
    "two-images": (("scan.png", "scan.png"), "unexpected extra argument"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_input_gives_one_line_and_writes_nothing(
    folder, wrong_files, run, arguments, words
):
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    status, out, err = run("measure", "--roi", "bb.roi", "--out", "out.csv", *arguments)
    assert (status, out) == (2, [])
    assert len(err) == 1, err
    assert err[0].startswith("Error: ")
    assert words in err[0]
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("measure", "scan.png", "--out", "out.csv"), "Missing option '--roi'"),
        (("measure", "scan.png", "--roi", "bb.roi"), "Missing option '--out'"),
        (("verify",), "Missing argument 'RESULTS'"),
        (("verify", "none.csv"), "'none.csv' cannot be read"),
        (("verify", "notes.csv"), "not a results table"),
        (("verify", "empty.png"), "not a results table"),
        (("verify", "scan.png"), "not a results table"),
        (("verify", "folder"), "is a folder"),
        (("text.png",), "'text.png' is not an image"),
        (("none.png",), "'none.png' does not exist"),
        (("--nothing",), "No such option"),
        (("examine", "notes.csv"), "Missing option '--reference'"),
        (("follow-up", "notes.csv"), "Missing option '--reference'"),
        (("conversion", "show", "notes.csv"), "is not JSON"),
        (("harmonise", "notes.csv"), "Missing option '--batch'"),
        (("demo", "--screenshot", "none/x.png"), "cannot be written to the folder"),
        (("demo", "--out", "folder"), "cannot be written to the folder"),
    ],
    ids=[
        "no-roi",
        "no-out",
        "verify-nothing",
        "verify-missing",
        "verify-foreign",
        "verify-empty",
        "verify-image",
        "verify-folder",
        "open-text",
        "open-missing",
        "unknown-option",
        "examine",
        "follow-up",
        "conversion",
        "harmonise",
        "demo-nowhere",
        "demo-folder",
    ],
)
def test_wrong_commands_give_one_line(folder, wrong_files, run, arguments, words):
    status, out, err = run(*arguments)
    assert (status, out) == (2, [])
    assert len(err) == 1, err
    assert words in err[0]


def test_verify_without_the_images_folder(folder, run):
    run("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv")
    status, out, err = run("verify", "out.csv", "--images", "none")
    assert (status, out, len(err)) == (2, [], 1)
    assert "is not a folder" in err[0]


def test_a_failed_append_keeps_the_table(folder, wrong_files, run):
    command = ("--roi", "bb.roi", "--out", "out.csv", "--append")
    run("measure", "scan.png", *command)
    before = (folder / "out.csv").read_bytes()
    assert run("measure", "cut.png", *command)[0] == 2
    assert (folder / "out.csv").read_bytes() == before


def test_version_and_help_are_no_errors(run):
    assert run("--version")[:2] == (
        0,
        [f"napari-muscle-us, version {mus.__version__}"],
    )
    status, out, err = run("measure", "--help")
    assert (status, err) == (0, [])
    assert any("--roi" in line for line in out)


@pytest.mark.parametrize("arguments", [(), ("scans",)], ids=["bare", "folder"])
def test_without_a_display_opening_is_refused_in_one_line(
    folder, run, monkeypatch, arguments
):
    monkeypatch.setattr("napari_muscle_us.virtual_display.needs_display", lambda: True)
    (folder / "scans").mkdir()
    status, out, error = run(*arguments)
    assert (status, out) == (2, [])
    assert len(error) == 1
    assert "no display" in error[0]


def test_the_command_starts_without_heavy_modules():
    heavy = "numpy", "pandas", "scipy", "pydantic", "matplotlib", "openpyxl"
    code = f"""
import sys, napari_muscle_us.cli
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
