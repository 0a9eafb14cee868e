"""Damaged files give an image or a sentence; and the fuzzer notices what is neither."""

from __future__ import annotations

import io
import logging
import os
import time
import warnings
import zipfile
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pydicom
import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError
from tests.fuzz import fuzz_readers, layouts, mutations, worker
from tests.fuzz.fuzz_readers import Case, cases, run
from tests.fuzz.seeds import MARKER, Seed, make_seeds

CASES = 250
SEED = 1


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    return make_seeds(real=False)


def test_damaged_files_give_an_image_or_a_sentence(seeds):
    report = run(cases(seeds, CASES, SEED))
    found = [f"{f.case.kind}: {f.outcome.problem}" for f in report.findings]
    assert not found, "\n".join([*report.words(), *found])
    words = Counter()
    for (kind, word), count in report.counts.items():
        words[word] += count
        words[kind] += count
    assert words.total() == 2 * CASES
    # Damage that is always noticed, or never, would test little.
    assert words["refused"] > CASES // 5
    assert words["still"] + words["clip"] > CASES // 5
    assert {s.kind for s in seeds} <= set(words)


def test_files_before_they_are_damaged_are_read(seeds, tmp_path):
    refused = []
    for number, seed in enumerate(seeds):
        outcome = worker.judge(
            worker.read_case, number, seed.kind, seed.content, tmp_path
        )
        assert not outcome.problem, f"{seed.kind} {seed.name}: {outcome.problem}"
        if outcome.word == "refused":
            refused.append(f"{seed.kind} {seed.name}")
    # ImageJ does not read what is packed with LZMA.
    assert set(refused) == {"png deep", "png animated", "roizip archive-14"}


# What the fuzzer must notice


def broken(path, kind):
    """Read nothing, and do what the file says."""
    del kind
    what = path.read_bytes().decode()
    if what == "crash":
        os.abort()
    if what == "hang":
        while True:
            pass
    if what == "sleep":
        time.sleep(600)
    if what == "memory":
        return str(np.ones(650_000_000, np.uint8)[-1]), ""
    if what == "reserved":
        return str(np.empty(2_500_000_000, np.uint8).size), ""
    if what == "refused memory":
        try:
            np.empty(10**13, np.uint8)
        except MemoryError:
            raise ImageReadError("The file is damaged; copy it again.") from None
    if what == "error":
        raise KeyError("rows")
    if what == "lines":
        raise ImageReadError("The file is damaged;\ncopy it again.")
    if what == "name":
        raise ImageReadError(f"The file of {MARKER} is damaged; copy it again.")
    if what == "cause":
        try:
            raise ValueError(f"of {MARKER}")
        except ValueError as error:
            raise ImageReadError("The file is damaged; copy it again.") from error
    if what == "log":
        logging.getLogger("pydicom").warning("of %s", MARKER)
    if what == "output":
        os.write(1, f"of {MARKER}\n".encode())
    if what == "warning":
        warnings.warn("overflow", RuntimeWarning, stacklevel=2)
    if what == "refused":
        raise ImageReadError("The file is damaged; copy it again.")
    return "still", ""


NOTICED = {
    "crash": "crash",
    "hang": "hang",
    "sleep": "hang",
    "memory": "memory",
    "reserved": "memory",
    "refused memory": "bad message",
    "error": "error",
    "lines": "bad message",
    "name": "bad message",
    "cause": "bad message",
    "log": "leak",
    "output": "leak",
    "warning": "bad outcome",
}
ON_LINUX = {"memory", "reserved", "hang", "sleep"}


def test_every_kind_of_failure_is_noticed_and_the_next_file_is_read(tmp_path):
    told = [w for w in NOTICED if os.path.exists("/proc") or w not in ON_LINUX]
    wanted = [*told, "refused", "fine"]
    given = (Case(i, "dicom", w.encode()) for i, w in enumerate(wanted))
    came = {}
    report = run(
        given,
        target="tests.core.test_fuzz:broken",
        cpu_s=2,
        wall_s=4,
        each=lambda case, outcome: came.update({wanted[case.number]: outcome}),
        found=lambda finding: fuzz_readers._save(tmp_path, 5, finding),
    )
    assert {w: came[w].word for w in told} == {w: NOTICED[w] for w in told}
    assert all(came[w].problem for w in told)
    assert (came["refused"].word, came["fine"].word) == ("refused", "still")
    assert not came["refused"].problem
    assert not came["fine"].problem
    # Each is written down and can be read again.
    number = wanted.index("error")
    path = tmp_path / f"seed5-case{number}-dicom.bin"
    assert path.read_bytes() == b"error"
    assert "KeyError" in path.with_suffix(".txt").read_text()
    assert len(report.findings) == len(told)


@pytest.fixture(scope="module")
def still(tmp_path_factory, seeds):
    path = tmp_path_factory.mktemp("fuzz") / "scan.dcm"
    path.write_bytes(next(s.content for s in seeds if s.name == "explicit-still"))
    return path, mus.read_image(path)


def test_a_good_image_passes(still):
    path, image = still
    assert worker.check_image(image, path) == "still"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": "0" * 64}, "another file"),
        ({"frame_times_s": (0.0, 1.0)}, "2 times of 1 frames"),
        ({"frame_times_s": (float("nan"),)}, "not finite"),
        ({"warnings": ("no sentence",)}, "no sentence"),
        ({"warnings": ("One.\nTwo lines are no sentence.",)}, "no sentence"),
        ({"name": f"{MARKER}.dcm"}, "leak"),
    ],
)
def test_a_bad_image_does_not_pass(still, changes, words):
    path, image = still
    with pytest.raises(worker.BadOutcome, match=words):
        worker.check_image(replace(image, **changes), path)


def test_a_name_that_runs_into_the_model_does_not_pass(still):
    path, image = still
    # A wrong length swallows the next element; a wrong tag makes the name the model.
    swallowed = replace(image.device, model=f"6100LO{MARKER} hospital")
    with pytest.raises(worker.BadOutcome, match="leak"):
        worker.check_image(replace(image, device=swallowed), path)
    renamed = replace(image.device, model=f"{MARKER} hospital")
    assert worker.check_image(replace(image, device=renamed), path) == "still"


def test_a_region_outside_the_image_does_not_pass(still):
    path, image = still
    outside = replace(image.regions[0], bounds=(0, 25, 0, 36))
    with pytest.raises(worker.BadOutcome, match="region"):
        worker.check_image(replace(image, regions=(outside,)), path)


# The damage


def test_a_case_can_be_made_again(seeds):
    first, again = (list(cases(seeds, 40, 7)) for _ in range(2))
    assert first == again
    assert first != list(cases(seeds, 40, 8))
    # One case does not depend on the ones before it.
    assert list(cases(seeds, 60, 7))[:40] == first


def test_most_cases_are_damaged(seeds):
    content = {(s.kind, s.name): s.content for s in seeds}
    made = list(cases(seeds, 400, 3))
    changed = [c for c in made if c.content != content[c.kind, c.origin]]
    assert len(changed) > 360
    assert max(len(c.content) for c in made) <= mutations.MAX_BYTES


def test_checksums_of_a_png_are_right_after_damage(seeds):
    content = next(s.content for s in seeds if s.name == "palette" and s.kind == "png")
    damaged = bytearray(content)
    damaged[20] ^= 1
    repaired = mutations.with_checksums(bytes(damaged))
    assert repaired != bytes(damaged)
    assert repaired[16:29] == bytes(damaged[16:29])
    assert int.from_bytes(repaired[29:33], "big") == zlib.crc32(repaired[12:29])
    assert repaired[33:] == content[33:]


@pytest.mark.parametrize(
    "name", ["explicit-still", "implicit-clip", "big-rgb", "many-regions", "jpeg-3"]
)
def test_elements_are_found_where_pydicom_finds_them(seeds, name):
    content = next(s.content for s in seeds if s.name == name)
    header = pydicom.dcmread(io.BytesIO(content))
    found = [e for e in layouts.elements_of(content) if e.vr and e.depth == 0]
    told = [int(e.tag) for e in (*header.file_meta, *header)]
    assert [e.tag for e in found] == told
    inner = [e.tag for e in layouts.elements_of(content) if e.vr and e.depth == 1]
    regions = header.SequenceOfUltrasoundRegions
    assert inner == [int(e.tag) for region in regions for e in region]
    assert found[-1].stop == len(content)


@pytest.mark.parametrize("name", ["explicit-still", "implicit-still", "big-still"])
def test_an_element_is_rewritten_with_its_length(seeds, name):
    content = next(s.content for s in seeds if s.name == name)
    element = next(e for e in layouts.elements_of(content) if e.tag == 0x00100020)
    changed = mutations.with_value(content, element, b"somebody else")
    header = pydicom.dcmread(io.BytesIO(changed))
    assert header.PatientID == "somebody else"
    assert header.Rows == 24
    assert len(header.PixelData) == 24 * 36


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_lists_are_nested_as_deep_as_said(defined, implicit):
    content = mutations.nested(20, order="<", implicit=implicit, defined=defined)
    data = pydicom.filereader.read_dataset(
        io.BytesIO(content), is_implicit_VR=implicit, is_little_endian=True
    )
    depth = 0
    while "SequenceOfUltrasoundRegions" in data:
        (data,) = data.SequenceOfUltrasoundRegions
        depth += 1
    assert depth == 20


def test_files_of_an_archive_come_out_again(seeds):
    content = next(s.content for s in seeds if s.kind == "study")
    files = mutations.unzipped(content)
    assert {"IM1", "SUB/IM3", "picture.png"} <= set(files)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert files["IM1"] == archive.read("IM1")
    assert mutations.unzipped(b"no archive") == {}


# The command


def test_the_command_counts_and_tells(tmp_path, capsys):
    options = ["--cases", "25", "--seed", "4", "--made", "--out", str(tmp_path)]
    status = fuzz_readers.main([*options, "--only", "roi"])
    said = capsys.readouterr().out
    assert status == 0
    assert "seed 4" in said
    assert "25 cases, 0 findings" in said.splitlines()[-1]
    assert "roi: " in said
    path = tmp_path / "seed4-case0-roi.bin"
    path.write_bytes(b"Iout" + bytes(60))
    assert fuzz_readers.main(["--replay", str(path)]) == 0
    assert "1 cases, 0 findings" in capsys.readouterr().out
