"""Nothing that was drawn is lost: kills, damage, other programs, full drives."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, MuscleUSError, ResultsError
from napari_muscle_us.io import _autosave_files, _autosave_format
from napari_muscle_us.io import autosave as module
from napari_muscle_us.io._autosave_format import Fragments, canonical
from napari_muscle_us.io.autosave import (
    AutosaveDamagedError,
    AutosaveNewerError,
    AutosaveSlot,
    ImageFacts,
    RoiSet,
    autosave_path,
    encode_autosave,
    read_autosave,
    set_aside,
    write_autosave,
)
from napari_muscle_us.roi.entries import RoiEntry

IMAGE = ImageFacts("scan.dcm", "k1", "", (400, 600))
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "napari-muscle-us" / "autosave"


@pytest.fixture
def folder(tmp_path, user_folder):
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


@pytest.fixture
def scan(folder):
    return folder / "scan.dcm"


@pytest.fixture
def slot(scan):
    return AutosaveSlot(scan, IMAGE)


def rois(*names: str, title: str = "left arm") -> list[RoiSet]:
    entries = tuple(
        RoiEntry(mus.Rectangle(1, 2, 3 + i, 4, name=name), key=name)
        for i, name in enumerate(names)
    )
    return [RoiSet(title, entries)]


def names_in(found) -> list[str]:
    return [entry.roi.name for one in found.sets for entry in one.entries]


def names_at(path: Path) -> list[str]:
    return names_in(read_autosave(path))


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def private(user_folder: Path, key: str = "k1") -> Path:
    return user_folder / (hashlib.sha256(key.encode()).hexdigest() + ".json")


# The file


def test_the_file_is_plain_json_whose_checksum_anyone_can_compute(slot, scan):
    outline = [(0.1, 1 / 3), (0, 9.25), (7, 1e-17)]
    polygon = mus.Polygon(outline, name="µ", muscle="Biceps brachii", side="left")
    entry = RoiEntry(polygon, key="a", frame=2, imagej=b"Iout", colour="#ff0000")
    one = RoiSet("Arm", (entry,), crop=(0, 10, 5, 20))
    path = slot.save([one, RoiSet("Leer", ())], saved_at=NOON).path
    assert path == scan.with_name("scan.dcm.rois.json")
    stored = json.loads(path.read_text("ascii"))
    checksum = stored.pop("checksum")
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    assert checksum == hashlib.sha256(text.encode()).hexdigest()
    assert stored["format"] == "napari-muscle-us rois"
    assert stored["saved_at"] == "2026-05-04T12:00:00+00:00"
    assert stored["software_version"] == mus.__version__
    file = read_autosave(path)
    assert (file.image, file.saved_at, file.problems) == (IMAGE, NOON, ())
    assert [s.name for s in file.sets] == ["Arm", "Leer"]
    assert file.sets[0].same_as(one)
    assert file.sets[0].entries[0].roi.vertices.tolist() == [list(p) for p in outline]


def test_regions_that_did_not_change_are_not_encoded_anew(monkeypatch):
    encoded = []
    real = _autosave_format.entries_to_dict
    monkeypatch.setattr(
        _autosave_format,
        "entries_to_dict",
        lambda entries: encoded.extend(e.key for e in entries) or real(entries),
    )
    fragments = Fragments()
    (first,) = rois("a", "b", "c")
    encode_autosave([first], IMAGE, fragments=fragments)
    moved = replace(first.entries[1], roi=mus.Ellipse(0, 0, 5, 5))
    second = replace(first, entries=(first.entries[0], moved, first.entries[2]))
    encoded.clear()
    content = encode_autosave([second], IMAGE, fragments=fragments, saved_at=NOON)
    assert encoded == ["b"]
    assert content == encode_autosave([second], IMAGE, saved_at=NOON)


def test_the_facts_of_a_real_image(shared):
    picture = shared("data/transverse_vl/SUB02_img2.tif")
    image = mus.read_image(picture)
    facts = ImageFacts.of(image)
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    assert facts == ImageFacts(picture.name, digest, digest, image.gray.shape)


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ([RoiSet("a", ())] * 101, "101 layers"),
        ([RoiSet("a", rois("a")[0].entries * 10_001)], "10001 in one"),
        ([RoiSet("[" * 1_000_000, ())], "1000000 vertices"),
        ([RoiSet("a" * 32_000_000, ())], "32000000 bytes"),
    ],
    ids=["layers", "regions", "vertices", "bytes"],
)
def test_what_could_not_be_read_back_is_refused_before_it_is_written(
    slot, folder, sets, says
):
    slot.save(rois("kept"))
    with pytest.raises(ResultsError, match=says):
        slot.save(sets)
    assert names_at(slot.path) == ["kept"]
    assert listing(folder) == ["scan.dcm.rois.json"]


# Where it lies


def test_beside_the_image_or_else_under_a_hash(folder, user_folder, monkeypatch):
    here = autosave_path(folder / "a b?.dcm", "k1")
    assert here == folder / "a b?.dcm.rois.json"
    apart = private(user_folder)
    assert autosave_path(None, "k1") == apart
    assert autosave_path(folder / "missing" / "a.dcm", "k1") == apart
    assert autosave_path(folder / ("ä" * 124), "k1") == apart
    assert autosave_path(folder / "a\0b", "k1") == apart
    monkeypatch.setattr(os, "access", lambda *args: False)
    assert autosave_path(folder / "a.dcm", "k1") == apart
    assert not user_folder.exists()


def test_names_that_windows_does_not_know_are_left_alone(folder, user_folder):
    scan = folder / 'a:b*"<c>?.dcm '
    slot = AutosaveSlot(scan, ImageFacts(scan.name, "k1"))
    assert slot.save(rois("a")).path.name == scan.name + ".rois.json"
    again = AutosaveSlot(scan, ImageFacts(scan.name, "k1")).load()
    assert (names_in(again), again.notices) == (["a"], ())


def test_apart_from_the_image_nothing_tells_its_name(user_folder):
    image = ImageFacts("Jansen-1951.dcm", "k1", "", (4, 4))
    slot = AutosaveSlot(None, image)
    sets = [*rois("BB", title="ROIs on jansen-1951"), *rois("BB", title="left")]
    path = slot.save(sets).path
    assert path == private(user_folder)
    assert b"ansen" not in path.read_bytes()
    found = AutosaveSlot(None, image).load()
    assert [one.name for one in found.sets] == ["ROIs", "left"]
    if os.name == "posix":
        assert user_folder.stat().st_mode & 0o077 == 0


def test_no_home_folder_is_no_reason_not_to_save_beside(scan, monkeypatch):
    monkeypatch.setattr(module, "private_path", raise_no_home)
    slot = AutosaveSlot(scan, IMAGE)
    assert slot.load().notices == ()
    assert slot.save(rois("a")).notice == ""


def raise_no_home(key):
    raise MuscleUSError("There is no home folder.")


# A folder that cannot be written to


def refuse_writing(monkeypatch, folder, code=errno.EROFS):
    """Have every new file in a folder refused, as on a disc that is read-only."""
    real = Path.open

    def guarded(self, mode="r", *args, **kwargs):
        if self.parent == folder and set(mode) & set("wxa"):
            raise OSError(code, os.strerror(code), str(self))
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", guarded)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_to_after_all(
    slot, scan, folder, user_folder, monkeypatch, code
):
    slot.save(rois("old"), saved_at=NOON)
    refuse_writing(monkeypatch, folder, code)
    saved = slot.save(rois("old", "new"))
    assert saved.path == private(user_folder)
    assert os.strerror(code) in saved.notice
    assert slot.save(rois("old", "new", "newest")).notice == ""
    assert names_at(folder / "scan.dcm.rois.json") == ["old"]
    # The newest of the two is the one that comes back.
    again = AutosaveSlot(scan, IMAGE)
    found = again.load()
    assert names_in(found) == ["old", "new", "newest"]
    assert "Older autosaves" in found.notices[0]
    assert again.save(rois("x")).path == private(user_folder)


def test_what_was_deleted_stays_deleted_where_the_file_cannot_be(
    slot, scan, folder, user_folder, monkeypatch
):
    slot.save(rois("old"), saved_at=NOON)
    refuse_writing(monkeypatch, folder)
    slot.save(rois("old", "new"))
    assert slot.clear() == ""
    found = AutosaveSlot(scan, IMAGE).load()
    assert found.path == private(user_folder)
    assert names_in(found) == []
    assert names_at(folder / "scan.dcm.rois.json") == ["old"]


def test_nowhere_to_write_is_said_and_tried_again(
    slot, folder, user_folder, monkeypatch
):
    user_folder.parent.mkdir(parents=True)
    user_folder.write_text("a file where a folder should be")
    with monkeypatch.context() as patch:
        refuse_writing(patch, folder)
        with pytest.raises(ResultsError, match="could not be autosaved"):
            slot.save(rois("a"))
        with pytest.raises(ResultsError, match="could not be autosaved"):
            write_autosave(slot.path, rois("a"), IMAGE)
    assert slot.save(rois("a")).path == folder / "scan.dcm.rois.json"


def test_the_plain_writer_falls_back_too(folder, user_folder, monkeypatch):
    path = folder / "scan.dcm.rois.json"
    assert write_autosave(path, rois("a"), IMAGE) == path
    refuse_writing(monkeypatch, folder)
    assert write_autosave(path, rois("b"), IMAGE) == private(user_folder)
    assert (names_at(path), names_at(private(user_folder))) == (["a"], ["b"])
    assert read_autosave(private(user_folder)).image.name == ""


def test_a_drive_without_hard_links(slot, folder, monkeypatch):
    def no_links(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    slot.save(rois("a"))
    (folder / "scan.dcm-2.rois.json").write_text("another's")
    stranger = AutosaveSlot(folder / "scan.dcm", IMAGE)
    assert stranger.save(rois("b")).path.name == "scan.dcm-3.rois.json"
    assert names_at(slot.path) == ["a"]


def test_a_file_that_another_program_holds_open_for_a_moment(slot, monkeypatch):
    slot.save(rois("a"))
    real, tries = os.replace, []

    def busy(source, target):
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "in use")
        real(source, target)

    monkeypatch.setattr(_autosave_files, "_WAITS_S", (0.0, 0.0))
    monkeypatch.setattr(os, "replace", busy)
    assert slot.save(rois("a", "b")).notice == ""
    assert (names_at(slot.path), len(tries)) == (["a", "b"], 3)


# Damage


def damaged_contents() -> dict[str, bytes]:
    good = encode_autosave(rois("BB", "RF"), IMAGE, saved_at=NOON)
    stored = json.loads(good)
    checked = {k: v for k, v in stored.items() if k != "checksum"}

    def with_checksum(**changes) -> bytes:
        rest = {k: v for k, v in (checked | changes).items() if v is not None}
        digest = hashlib.sha256(canonical(rest).encode()).hexdigest()
        return json.dumps(rest | {"checksum": digest}).encode()

    cuts = [1, 2, 40, 80, good.index(b'"image"') + 9, good.index(b"RF"), len(good) - 1]
    flips = random.Random(1).sample(range(len(good) * 8), 60)
    edited = good.replace(b'"height":3', b'"height":30')
    assert edited != good
    return {
        "empty": b"",
        **{f"cut-{n}": good[:n] for n in cuts},
        **{f"bit-{n}": flip(good, n) for n in flips},
        "edited": edited,
        "twice": good + good,
        "zeros": bytes(len(good)),
        "binary": bytes(range(256)) * 9,
        "utf16": good.decode().encode("utf-16"),
        "number": b"1",
        "list": b"[]",
        "deep": b"[" * 200_000,
        "digits": b"9" * 5000,
        "foreign": b'{"type": "FeatureCollection", "features": []}',
        "no-checksum": json.dumps(checked).encode(),
        "version-0": with_checksum(version=0),
        "version-text": with_checksum(version="1"),
        "version-true": with_checksum(version=True),
        "no-sets": with_checksum(sets=None),
        "sets-mapping": with_checksum(sets={}),
        "set-number": with_checksum(sets=[3]),
        "set-unnamed": with_checksum(sets=[{"entries": []}]),
        "crop-short": with_checksum(sets=[{"name": "", "entries": [], "crop": [1]}]),
        "many-sets": with_checksum(sets=[{"name": "", "entries": []}] * 101),
        "image-text": with_checksum(image="scan.dcm"),
        "shape-text": with_checksum(image=stored["image"] | {"shape": ["a"]}),
        "when": with_checksum(saved_at="yesterday"),
        "when-naive": with_checksum(saved_at="2026-05-04T12:00:00"),
        "when-last": with_checksum(saved_at="9999-12-31T23:59:59-05:00"),
        "when-number": with_checksum(saved_at=3),
        "many-lists": b"[" + b"[]," * 1_000_000 + b"1]",
    }


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


DAMAGED = damaged_contents()


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_set_aside_and_never_lost(slot, folder, content):
    path = folder / "scan.dcm.rois.json"
    path.write_bytes(content)
    (folder / "scan.dcm.rois.json.damaged-1").write_text("an earlier one")
    with pytest.raises(AutosaveDamagedError, match=r"'scan.dcm.rois.json' cannot be"):
        read_autosave(path)
    assert path.read_bytes() == content
    found = slot.load()
    assert (found.sets, found.path) == ((), None)
    assert len(found.notices) == 1
    assert "kept as 'scan.dcm.rois.json.damaged-2'" in found.notices[0]
    assert slot.save(rois("new")) == module.Saved(path)
    assert (folder / "scan.dcm.rois.json.damaged-2").read_bytes() == content
    assert (folder / "scan.dcm.rois.json.damaged-1").read_text() == "an earlier one"
    assert names_at(path) == ["new"]
    assert len(listing(folder)) == 3


def test_a_file_that_lies_about_200_megabytes(slot, folder):
    path = folder / "scan.dcm.rois.json"
    with path.open("wb") as file:
        file.write(b'{"checksum":"')
        file.truncate(200_000_000)
    found = slot.load()
    assert "more than 32000000 bytes" in found.notices[0]
    assert (folder / "scan.dcm.rois.json.damaged-1").stat().st_size == 200_000_000


def test_an_edited_file_can_still_be_read_by_hand(slot, folder):
    path = folder / "scan.dcm.rois.json"
    path.write_bytes(DAMAGED["edited"])
    slot.load()
    aside = folder / "scan.dcm.rois.json.damaged-1"
    file = read_autosave(aside, verify=False)
    assert file.sets[0].entries[0].roi.height == 30


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_that_was_only_laid_out_anew_is_whole(slot, folder, encoding):
    stored = json.loads(encode_autosave(rois("µ"), IMAGE))
    text = json.dumps(stored, indent=2, ensure_ascii=False)
    (folder / "scan.dcm.rois.json").write_text(text, encoding)
    found = slot.load()
    assert (names_in(found), found.notices) == (["µ"], ())


def test_a_file_with_one_broken_region_gives_the_others_and_is_kept(slot, folder):
    path = folder / "scan.dcm.rois.json"
    stored = json.loads(encode_autosave(rois("BB", "RF"), IMAGE))
    del stored["checksum"]
    stored["sets"][0]["entries"][0]["geometry"]["height"] = -1
    digest = hashlib.sha256(canonical(stored).encode()).hexdigest()
    content = json.dumps(stored | {"checksum": digest}).encode()
    path.write_bytes(content)
    found = slot.load()
    assert names_in(found) == ["RF"]
    assert "ROI 1 of 2 was left out: ROI 'BB' is -1 px high" in found.notices[0]
    assert "damaged-1" in found.notices[1]
    assert slot.save(found.sets) == module.Saved(path)
    assert (folder / "scan.dcm.rois.json.damaged-1").read_bytes() == content


def test_a_newer_version_keeps_its_file(slot, folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_autosave_format, "FORMAT_VERSION", 2)
        content = encode_autosave(rois("newer"), IMAGE)
    path = folder / "scan.dcm.rois.json"
    path.write_bytes(content)
    with pytest.raises(AutosaveNewerError, match="newer version"):
        read_autosave(path)
    assert "newer version" in slot.load().notices[0]
    saved = slot.save(rois("older"))
    assert saved.path.name == "scan.dcm-2.rois.json"
    assert path.read_bytes() == content


def test_what_cannot_be_set_aside_stays_and_is_not_overwritten(
    slot, folder, monkeypatch
):
    path = folder / "scan.dcm.rois.json"
    path.write_bytes(b"damaged")

    def refuse(self, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "touch", refuse)
        found = slot.load()
    assert "stays as it is" in found.notices[0]
    assert slot.save(rois("a")).path.name == "scan.dcm-2.rois.json"
    assert path.read_bytes() == b"damaged"


def test_setting_aside_gives_up_rather_than_overwrite(folder, monkeypatch):
    monkeypatch.setattr(_autosave_files, "MAX_ASIDE", 2)
    path = folder / "a.json"
    for content in ("1", "2"):
        path.write_text(content)
        set_aside(path)
    path.write_text("3")
    with pytest.raises(ResultsError, match="2 files set aside"):
        set_aside(path)
    with pytest.raises(ResultsError, match="cannot be set aside"):
        set_aside(folder / "missing" / "a.json")
    kept = {p.name: p.read_text() for p in folder.iterdir()}
    assert kept == {"a.json": "3", "a.json.damaged-1": "1", "a.json.damaged-2": "2"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)])
def test_a_folder_or_pipe_of_that_name_is_left_alone(slot, folder, make):
    path = folder / "scan.dcm.rois.json"
    make(path)
    assert "no regular file" in slot.load().notices[0]
    assert slot.save(rois("a")).path.name == "scan.dcm-2.rois.json"
    assert not path.is_file()
    with pytest.raises(ResultsError, match="no regular file"):
        read_autosave(path)


def test_no_autosave_is_nothing_to_tell(slot, folder):
    found = slot.load()
    assert (found.sets, found.path, found.notices) == ((), None, ())
    with pytest.raises(ResultsError, match="There is no autosave"):
        read_autosave(folder / "a.json")
    gone = AutosaveSlot(folder / "gone" / "a.dcm", IMAGE)
    assert gone.load().notices == ()


# Other programs


def test_two_programs_on_one_image_lose_nothing(scan, folder):
    one, two = AutosaveSlot(scan, IMAGE), AutosaveSlot(scan, IMAGE)
    one.load()
    two.load()
    assert one.save(rois("one"), saved_at=NOON).notice == ""
    saved = two.save(rois("two"), saved_at=NOON + timedelta(seconds=9))
    assert saved.path.name == "scan.dcm-2.rois.json"
    assert "not from this window" in saved.notice
    # It is said once.
    late = NOON + timedelta(seconds=10)
    assert two.save(rois("two", "b"), saved_at=late).notice == ""
    assert one.save(rois("one", "a"), saved_at=NOON).notice == ""
    assert names_at(folder / "scan.dcm.rois.json") == ["one", "a"]
    assert names_at(folder / "scan.dcm-2.rois.json") == ["two", "b"]
    third = AutosaveSlot(scan, IMAGE)
    found = third.load()
    assert names_in(found) == ["two", "b"]
    assert "'scan.dcm.rois.json'" in found.notices[0]
    assert third.save(rois("three")).path.name == "scan.dcm-2.rois.json"
    # The second finds that the third has written since.
    assert two.save(rois("two")).path.name == "scan.dcm-3.rois.json"


def test_a_program_that_starts_from_the_file_of_another(scan):
    one = AutosaveSlot(scan, IMAGE)
    one.save(rois("a"))
    two = AutosaveSlot(scan, IMAGE)
    assert names_in(two.load()) == ["a"]
    assert two.save(rois("a", "two")).notice == ""
    assert one.save(rois("a", "one")).path.name == "scan.dcm-2.rois.json"
    assert names_at(two.path) == ["a", "two"]


def test_a_file_that_was_never_read_is_never_overwritten(slot, folder):
    path = folder / "scan.dcm.rois.json"
    path.write_text("whatever")
    assert slot.save(rois("a")).path.name == "scan.dcm-2.rois.json"
    assert path.read_text() == "whatever"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_a_program_that_is_first_by_a_millisecond_keeps_its_file(
    slot, folder, monkeypatch, links
):
    path = folder / "scan.dcm.rois.json"
    real = os.link

    def overtaken(source, target):
        # Between the look at the folder and the taking of the name.
        if not path.exists():
            path.write_text("the other's")
        if not links:
            raise OSError(errno.EPERM, "Operation not permitted")
        real(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    assert slot.save(rois("a")).path.name == "scan.dcm-2.rois.json"
    assert path.read_text() == "the other's"


def test_numbers_end(slot, folder, monkeypatch):
    monkeypatch.setattr(_autosave_files, "MAX_NUMBER", 2)
    for name in ("scan.dcm.rois.json", "scan.dcm-2.rois.json"):
        (folder / name).write_text(name)
    with pytest.raises(ResultsError, match="2 autosaves lie beside"):
        slot.save(rois("a"))
    assert all(p.read_text() == p.name for p in folder.iterdir())


def test_the_newest_stays_the_newest_when_the_clock_is_put_back(slot, scan, folder):
    (folder / "scan.dcm-2.rois.json").write_bytes(
        encode_autosave(rois("stale"), IMAGE, saved_at=NOON)
    )
    future = datetime(2090, 1, 1, tzinfo=UTC)
    slot.save(rois("a"), saved_at=future)
    slot.load()
    slot.save(rois("a", "b"), saved_at=NOON - timedelta(days=1))
    assert names_in(AutosaveSlot(scan, IMAGE).load()) == ["a", "b"]


def test_the_file_was_removed_by_hand(slot, folder):
    slot.save(rois("a"))
    slot.path.unlink()
    assert slot.save(rois("b")) == module.Saved(folder / "scan.dcm.rois.json")


# No region left


def test_clear_removes_what_is_its_own(slot, folder):
    slot.save(rois("a"))
    assert slot.clear() == ""
    assert listing(folder) == []
    assert slot.clear() == ""
    # Undo brings the region back.
    assert slot.save(rois("a")).notice == ""


def test_clear_leaves_what_another_wrote(slot, folder):
    path = folder / "scan.dcm.rois.json"
    path.write_text("another's")
    assert slot.clear() == ""
    assert path.read_text() == "another's"
    path.unlink()
    slot.save(rois("a"))
    AutosaveSlot(folder / "scan.dcm", IMAGE).save(rois("b"))
    path.write_text("another's")
    assert "Another program has changed 'scan.dcm.rois.json'" in slot.clear()
    assert path.read_text() == "another's"


def test_clear_does_not_bring_back_an_older_autosave(slot, scan, folder):
    older = folder / "scan.dcm-2.rois.json"
    older.write_bytes(encode_autosave(rois("older"), IMAGE, saved_at=NOON))
    slot.save(rois("a"))
    slot.load()
    slot.clear()
    found = AutosaveSlot(scan, IMAGE).load()
    assert (names_in(found), found.path) == ([], folder / "scan.dcm.rois.json")
    assert names_at(older) == ["older"]


# Another image


def test_an_image_that_was_replaced_under_its_name(slot, scan, folder):
    slot.save(rois("a"))
    other = AutosaveSlot(scan, ImageFacts("scan.dcm", "k2"))
    found = other.load()
    assert found.sets == ()
    assert "another image of this name" in found.notices[0]
    assert "'scan.dcm.rois.json.other-image-1'" in found.notices[0]
    other.save(rois("b"))
    assert names_at(folder / "scan.dcm.rois.json.other-image-1") == ["a"]
    assert names_at(folder / "scan.dcm.rois.json") == ["b"]


def test_a_clip_whose_date_changed_is_known_by_its_hash(scan):
    clip = AutosaveSlot(scan, ImageFacts("scan.dcm", "quick-1"))
    clip.save(rois("a"))
    # The hash of a clip is known only after a while.
    clip.image = replace(clip.image, sha256="f" * 64)
    clip.save(rois("a"))
    copied = ImageFacts("scan.dcm", "quick-2")
    found = AutosaveSlot(scan, copied).load(sha256_of=lambda: "f" * 64)
    assert (names_in(found), found.notices) == (["a"], ())

    def gone():
        raise ImageReadError("It has changed since it was opened.")

    assert AutosaveSlot(scan, copied).load(sha256_of=gone).sets == ()


def test_the_hash_is_not_asked_for_without_need(scan):
    slot = AutosaveSlot(scan, IMAGE)
    slot.save(rois("a"))

    def asked():
        raise AssertionError

    assert names_in(slot.load(sha256_of=asked)) == ["a"]
    AutosaveSlot(scan, replace(IMAGE, key="k2")).load(sha256_of=asked)


def test_an_image_renamed_with_its_autosave_keeps_its_regions(slot, folder):
    slot.save(rois("a"))
    (folder / "p01.dcm.rois.json").write_bytes(slot.path.read_bytes())
    renamed = AutosaveSlot(folder / "p01.dcm", ImageFacts("p01.dcm", "k1"))
    assert names_in(renamed.load()) == ["a"]


def test_the_file_of_another_image_stays_where_it_is(slot, scan, folder):
    # What is the further autosave of one image is the own name of another.
    path = folder / "scan.dcm-2.rois.json"
    AutosaveSlot(scan, IMAGE).save(rois("a"))
    AutosaveSlot(scan, IMAGE).save(rois("b"))
    namesake = AutosaveSlot(folder / "scan.dcm-2", ImageFacts("scan.dcm-2", "k2"))
    found = namesake.load()
    assert found.sets == ()
    assert "belongs to another image, 'scan.dcm'" in found.notices[0]
    assert namesake.save(rois("c")).path.name == "scan.dcm-2-2.rois.json"
    path.write_bytes(encode_autosave(rois("x"), ImageFacts("scan.dcm-2", "k2")))
    found = slot.load()
    assert (names_in(found), found.notices) == (["a"], ())


# Kills

# Each child of one loaded program draws on until it is killed. Lines are written in one
# call: print() would write word by word under PYTHONUNBUFFERED, and a kill between two
# words runs the line of the child into the next one of its parent.
WRITER = """
import os, sys
from napari_muscle_us import Polygon
from napari_muscle_us.io.autosave import AutosaveSlot, ImageFacts, RoiSet
from napari_muscle_us.roi.entries import RoiEntry

def tell(word, number):
    os.write(1, f"{word} {number}\\n".encode())

def draw_on(path):
    slot = AutosaveSlot(path, ImageFacts("scan.dcm", "k1"))
    entries = tuple(e for s in slot.load().sets for e in s.entries)
    while True:
        number = len(entries)
        outline = [(i, number + i % 7 / 3) for i in range(60)]
        entries += (RoiEntry(Polygon(outline, name=str(number))),)
        assert slot.save([RoiSet("ROIs", entries)]).notice == ""
        tell("saved", number + 1)

for line in sys.stdin:
    child = os.fork()
    if not child:
        draw_on(line.strip())
    tell("child", child)
    os.waitpid(child, 0)
    tell("dead", 0)
"""
KILLS = 24


def kill_while_drawing(parent, scan, *, wait_s, wait_for_one) -> int:
    """Have a child draw, kill it, and return how much it said it had saved."""
    parent.stdin.write(f"{scan}\n")
    parent.stdin.flush()
    told = {"child": 0, "saved": 0}

    def listen_until(enough):
        while not enough():
            word, number = parent.stdout.readline().split()
            told[word] = int(number)

    listen_until(lambda: told["child"] and (told["saved"] or not wait_for_one))
    time.sleep(wait_s)
    os.kill(told["child"], signal.SIGKILL)
    listen_until(lambda: "dead" in told)
    return told["saved"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be quick")
def test_a_killed_program_loses_nothing_that_was_saved(scan, folder):
    chance = random.Random(7)
    parent = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    there = 0
    try:
        for kill in range(KILLS):
            saved = kill_while_drawing(
                parent, scan, wait_s=chance.uniform(0, 0.02), wait_for_one=kill % 2 == 0
            )
            found = names_at(folder / "scan.dcm.rois.json")
            assert found == [str(i) for i in range(len(found))]
            # The last may be written without having been told.
            least = max(saved, there)
            assert least <= len(found) <= least + 1
            there = len(found)
    finally:
        parent.kill()
        parent.communicate()
    assert there >= KILLS / 2
    assert not list(folder.glob("*damaged*"))


def test_what_a_killed_program_left_half_written_is_swept(slot, folder):
    left = folder / ".rois-0123456789abcdef.part"
    recent = folder / ".rois-0123456789abcde0.part"
    foreign = folder / ".rois-0123456789abcdef.part.txt"
    for path in (left, recent, foreign):
        path.write_text("half")
    old = time.time() - 3600
    os.utime(left, (old, old))
    os.utime(foreign, (old, old))
    slot.load()
    assert listing(folder) == sorted([recent.name, foreign.name])


def test_a_failed_write_leaves_the_old_file_and_no_other(slot, folder, monkeypatch):
    slot.save(rois("a"))

    def fail(handle):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(ResultsError, match="Input/output error"):
            slot.save(rois("a", "b"))
    assert listing(folder) == ["scan.dcm.rois.json"]
    assert names_at(slot.path) == ["a"]
    assert slot.save(rois("a", "b")).notice == ""


def test_a_large_set_comes_back_bit_for_bit(slot, scan):
    rng = np.random.default_rng(3)
    outlines = rng.uniform(-5, 900, (50, 500, 2))
    entries = tuple(RoiEntry(mus.Polygon(one)) for one in outlines)
    slot.save([RoiSet("ROIs", entries)])
    (found,) = AutosaveSlot(scan, IMAGE).load().sets
    back = np.array([entry.roi.vertices for entry in found.entries])
    assert back.tobytes() == outlines.tobytes()


def test_every_notice_is_a_sentence(slot, scan, folder):
    said = []
    (folder / "scan.dcm.rois.json").write_bytes(b"x")
    said += slot.load().notices
    slot.save(rois("a"))
    said.append(AutosaveSlot(scan, IMAGE).save(rois("b")).notice)
    said += AutosaveSlot(scan, IMAGE).load().notices
    said += AutosaveSlot(scan, ImageFacts("scan.dcm", "k2")).load().notices
    assert len(said) == 4
    for one in said:
        assert re.fullmatch(r"[A-Z].*[a-zC']\.", one), one
