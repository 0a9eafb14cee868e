"""Scanner profiles survive the disk, and nothing hostile survives reading."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.device.profiles import (
    MAX_BYTES,
    DepthSpacing,
    ProfileError,
    ProfileStore,
    ScannerProfile,
    complete,
    default_profile_path,
)
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.image import Device
from napari_muscle_us.user_folder import data_folder, user_data_folder

ESAOTE = Device("Esaote", "6100", "LA533", "MSK", 40.0, 12.0, "1.2", 60.0, 12.0, 0.7)
LAB = ScannerProfile(
    "lab",
    ESAOTE,
    "room 2\nmorning",
    (DepthSpacing(40.0, (0.08, 0.09)), DepthSpacing(50.0, (0.1, 0.11))),
)


@pytest.fixture
def store(tmp_path):
    return ProfileStore(tmp_path / "folder" / "profiles.json")


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=64)
maybe_text = st.none() | texts
lengths = st.floats(0.01, 2000)
devices = st.builds(
    Device,
    manufacturer=maybe_text,
    model=maybe_text,
    transducer=maybe_text,
    preset=maybe_text,
    depth_mm=st.none() | lengths,
    frequency_mhz=st.none() | st.floats(0.1, 200),
    software=maybe_text,
    gain_db=st.none() | st.floats(-300, 300),
    dynamic_range_db=st.none() | st.floats(-300, 300),
    mechanical_index=st.none() | st.floats(0, 10),
)
spacings = st.builds(
    DepthSpacing, lengths, st.tuples(st.floats(1e-4, 10), st.floats(1e-4, 10))
)
profiles = st.builds(
    ScannerProfile,
    name=texts,
    device=devices,
    notes=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    spacings=st.lists(spacings, max_size=4).map(tuple),
)


@given(st.lists(profiles, max_size=4, unique_by=lambda p: p.name.casefold()))
def test_profiles_come_back_as_they_were(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("profiles") / "profiles.json"
    for profile in kept:
        ProfileStore(path).save(profile)
    again = ProfileStore(path)
    assert again.read() == tuple(kept)
    assert again.notice == ""


def test_saving_a_name_again_replaces_it_whatever_its_case(store):
    store.save(LAB)
    store.save(ScannerProfile("other"))
    store.save(replace(LAB, name="LAB", notes="new"))
    assert [(p.name, p.notes) for p in store.read()] == [("LAB", "new"), ("other", "")]
    assert store.remove("Other")
    assert not store.remove("other")
    assert [p.name for p in store.read()] == ["LAB"]


def test_a_second_writer_s_profile_is_kept(tmp_path):
    one, two = (ProfileStore(tmp_path / "p.json") for _ in range(2))
    one.save(ScannerProfile("one"))
    assert two.read()
    one.save(ScannerProfile("three"))
    two.save(ScannerProfile("two"))
    assert {p.name for p in one.read()} == {"one", "two", "three"}


def test_threads_do_not_lose_each_other_s_profiles(tmp_path):
    path = tmp_path / "p.json"
    threads = [
        threading.Thread(target=ProfileStore(path).save, args=[ScannerProfile(f"s{i}")])
        for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ProfileStore(path).read()) == 12


def test_nothing_that_identifies_can_be_stored(store):
    store.save(LAB)
    stored = json.loads(store.path.read_text(encoding="utf-8"))
    assert stored["profiles"][0]["device"].keys() == {f.name for f in fields(Device)}
    for key in ("serial_number", "station_name", "institution", "DeviceSerialNumber"):
        damaged = json.loads(store.path.read_text(encoding="utf-8"))
        damaged["profiles"][0]["device"][key] = "secret-123"
        store.path.write_text(json.dumps(damaged), encoding="utf-8")
        assert store.read() == ()
        assert key in store.notice
        assert "secret" not in store.notice
        store.save(LAB)


def stored_with(**changes):
    profile = {"name": "a", "device": {}, "notes": "", "spacings": []} | changes
    return {
        "format": "napari-muscle-us scanner profiles",
        "version": 1,
        "profiles": [profile],
    }


HEAD = '{"format": "napari-muscle-us scanner profiles", "version": 1, "profiles": '
HOSTILE = {
    "empty": b"",
    "not-json": b"\x89PNG\r\n",
    "cut": json.dumps(stored_with()).encode()[:-20],
    "list": b"[]",
    "null": b"null",
    "no-version": b'{"format": "napari-muscle-us scanner profiles", "profiles": []}',
    "other-format": b'{"format": "x", "version": 1, "profiles": []}',
    "version-text": HEAD.replace("1", '"1"').encode() + b"[]}",
    "version-true": HEAD.replace("1", "true").encode() + b"[]}",
    "version-nought": HEAD.replace("1", "0").encode() + b"[]}",
    "profiles-object": HEAD.encode() + b"{}}",
    "profile-text": HEAD.encode() + b'["a"]}',
    "deep-list": HEAD.encode() + b"[" * 100_000,
    "deep-object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep-device": json.dumps(stored_with())
    .encode()
    .replace(b'"device": {}', b'"device": ' + b"[" * 5000 + b"]" * 5000),
    "ten-megabytes": b'{"a":"' + b"x" * 10_000_000 + b'"}',
    "nan": json.dumps(stored_with(device={"gain_db": float("nan")})).encode(),
    "infinity": json.dumps(stored_with(device={"gain_db": float("inf")})).encode(),
    "huge": json.dumps(stored_with(device={"gain_db": 0}))
    .encode()
    .replace(b": 0", b": 1e999"),
    "number-as-text": json.dumps(stored_with(device={"gain_db": "60"})).encode(),
    "bool-as-number": json.dumps(stored_with(device={"gain_db": True})).encode(),
    "text-as-number": json.dumps(stored_with(device={"model": 6100})).encode(),
    "negative-depth": json.dumps(stored_with(device={"depth_mm": -1})).encode(),
    "zero-spacing": json.dumps(
        stored_with(spacings=[{"depth_mm": 40, "spacing_mm": [0, 0.1]}])
    ).encode(),
    "three-spacings": json.dumps(
        stored_with(spacings=[{"depth_mm": 40, "spacing_mm": [0.1, 0.1, 0.1]}])
    ).encode(),
    "many-spacings": json.dumps(
        stored_with(spacings=[{"depth_mm": 40, "spacing_mm": [0.1, 0.1]}] * 51)
    ).encode(),
    "no-name": json.dumps(stored_with(name="")).encode(),
    "long-name": json.dumps(stored_with(name="x" * 65)).encode(),
    "control-in-name": json.dumps(stored_with(name="a\x1b[2J")).encode(),
    "long-notes": json.dumps(stored_with(notes="x" * 2001)).encode(),
    "unknown-key": json.dumps(stored_with(patient="Doe^John")).encode(),
    "key-with-line-break": json.dumps(stored_with(**{"a\nb\x07": 1})).encode(),
    "twins": json.dumps(
        stored_with() | {"profiles": [{"name": n, "device": {}} for n in ("a", "A")]}
    ).encode(),
    "many": json.dumps(
        stored_with()
        | {"profiles": [{"name": f"p{i}", "device": {}} for i in range(201)]}
    ).encode(),
    "latin-1": json.dumps(stored_with(name="é"), ensure_ascii=False).encode("latin-1"),
    "lone-surrogate": json.dumps(stored_with(name="\ud800")).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_valid_is_set_aside_whole(tmp_path, name, one_sentence):
    path = tmp_path / "profiles.json"
    path.write_bytes(HOSTILE[name])
    store = ProfileStore(path)
    assert store.read() == ()
    assert not path.exists()
    assert (tmp_path / "profiles.json.broken-1").read_bytes() == HOSTILE[name]
    assert one_sentence(store.notice)
    assert "profiles.json.broken-1" in store.notice
    assert "Doe" not in store.notice
    store.save(LAB)
    assert store.read() == (LAB,)
    assert store.notice == ""


def test_what_was_set_aside_is_never_overwritten(tmp_path):
    path = tmp_path / "profiles.json"
    for number in range(1, 4):
        path.write_text(f"broken {number}")
        ProfileStore(path).read()
    for number in range(1, 4):
        aside = tmp_path / f"profiles.json.broken-{number}"
        assert aside.read_text() == f"broken {number}"


def test_saving_over_a_broken_file_keeps_it_aside(store):
    store.path.parent.mkdir()
    store.path.write_text("{")
    store.save(LAB)
    assert store.read() == (LAB,)
    assert store.path.with_name("profiles.json.broken-1").read_text() == "{"


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_file_is_left_alone(store, version, one_sentence):
    store.path.parent.mkdir()
    newer = stored_with() | {"version": version, "colours": {}}
    store.path.write_text(json.dumps(newer))
    for call in (store.read, lambda: store.save(LAB), lambda: store.remove("a")):
        with pytest.raises(ProfileError, match="newer version") as error:
            call()
        assert one_sentence(str(error.value))
    assert json.loads(store.path.read_text()) == newer


def test_a_file_that_does_not_exist_holds_no_profiles(store):
    assert store.read() == ()
    assert not store.path.parent.exists()


def test_a_folder_in_place_of_the_file_is_said(tmp_path, one_sentence):
    with pytest.raises(ProfileError, match="cannot be read") as error:
        ProfileStore(tmp_path).save(LAB)
    assert one_sentence(str(error.value))


def test_a_folder_that_cannot_be_made_is_said(tmp_path, one_sentence):
    (tmp_path / "file").write_text("")
    with pytest.raises(MuscleUSError, match=r"choose a folder|cannot be") as error:
        ProfileStore(tmp_path / "file" / "p.json").save(LAB)
    assert one_sentence(str(error.value))


def test_a_read_only_folder_is_said_and_nothing_is_left(
    tmp_path, monkeypatch, one_sentence
):
    store = ProfileStore(tmp_path / "p.json")
    store.save(LAB)
    before = store.path.read_bytes()

    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    # By the system call, since the administrator may write to any folder.
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("tempfile._os.open", refuse)
    with pytest.raises(MuscleUSError, match="Read-only file system") as error:
        store.save(ScannerProfile("other"))
    monkeypatch.undo()
    assert one_sentence(str(error.value))
    assert store.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [store.path]


def test_a_broken_file_that_cannot_be_moved_is_not_overwritten(
    tmp_path, monkeypatch, one_sentence
):
    store = ProfileStore(tmp_path / "p.json")
    store.path.write_text("{")

    def refuse(*args, **kwargs):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ProfileError, match="set aside") as error:
        store.save(LAB)
    assert one_sentence(str(error.value))
    assert store.path.read_text() == "{"
    assert list(tmp_path.iterdir()) == [store.path]


def test_too_many_profiles_are_refused_and_none_is_lost(tmp_path):
    store = ProfileStore(tmp_path / "p.json")
    many = [{"name": f"p{i}", "device": {}} for i in range(200)]
    store.path.write_text(json.dumps(stored_with() | {"profiles": many}))
    with pytest.raises(ProfileError, match="profiles"):
        store.save(LAB)
    assert len(store.read()) == 200


def test_notes_that_would_make_the_file_unreadable_are_refused(tmp_path):
    store = ProfileStore(tmp_path / "p.json")
    wide = "\N{GRINNING FACE}" * 2000
    many = [{"name": f"p{i}", "device": {}, "notes": wide} for i in range(124)]
    text = json.dumps(stored_with() | {"profiles": many}, ensure_ascii=False)
    store.path.write_text(text, encoding="utf-8")
    assert len(text.encode()) < MAX_BYTES
    with pytest.raises(ProfileError, match="shorten"):
        store.save(ScannerProfile("one more", notes=wide))
    assert len(store.read()) == 124


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 65},
        {"notes": "x" * 2001},
        {"device": Device(gain_db=float("nan"))},
        {"device": Device(depth_mm=0.0)},
        {"device": Device(model="")},
        {"spacings": (DepthSpacing(40.0, (0.1, -0.1)),)},
        {"spacings": (DepthSpacing(float("inf"), (0.1, 0.1)),)},
    ],
)
def test_a_profile_that_could_not_be_stored_cannot_be_made(wrong, one_sentence):
    with pytest.raises(ProfileError, match=next(iter(wrong))) as error:
        replace(LAB, **wrong)
    assert one_sentence(str(error.value))


SAME = Device("ESAOTE", " 6100 ")
MATCHES = [
    # Device of the file, transducer of two profiles, which is it.
    (SAME, ["LA533"], 0),
    (SAME, ["LA533", "LA435"], None),
    (replace(SAME, transducer="la435"), ["LA533", "LA435"], 1),
    (replace(SAME, transducer="LA332"), ["LA533", "LA435"], None),
    (replace(SAME, transducer="LA332"), ["LA533", None], 1),
    (replace(SAME, transducer="LA533"), [None, "LA533"], 1),
    (Device("Esaote", "MyLab70"), [None], None),
    (Device("Philips", "6100"), [None], None),
    (Device(None, "6100"), [None], None),
    (Device("Esaote"), [None], None),
    (Device(), [None], None),
]


@pytest.mark.parametrize(("device", "transducers", "which"), MATCHES)
def test_which_profile_fits(store, device, transducers, which):
    for i, transducer in enumerate(transducers):
        told = Device("Esaote", "6100", transducer)
        store.save(ScannerProfile(str(i), told))
    found = store.match(device)
    assert (found and int(found.name)) == which


@pytest.mark.parametrize("field", ["software", "preset"])
def test_another_software_or_preset_is_another_profile(store, field):
    store.save(ScannerProfile("a", replace(SAME, **{field: "one"})))
    assert store.match(replace(SAME, **{field: "ONE"})).name == "a"
    assert store.match(SAME).name == "a"
    assert store.match(replace(SAME, **{field: "two"})) is None


def test_a_scanner_that_no_profile_names_matches_none(store):
    store.save(ScannerProfile("nameless"))
    assert store.match(Device()) is None
    assert store.match(ESAOTE) is None


@given(devices, devices)
def test_completing_never_overrides_the_file(told, known):
    profile = ScannerProfile("p", known)
    try:
        whole = complete(told, profile)
    except ProfileError:
        named = ("manufacturer", "model", "transducer", "software", "preset")
        pairs = [(getattr(told, n), getattr(known, n)) for n in named]
        assert any(
            a and b and a.strip().casefold() != b.strip().casefold() for a, b in pairs
        )
        return
    for f in fields(Device):
        own, other = getattr(told, f.name), getattr(known, f.name)
        assert getattr(whole, f.name) == (other if own is None else own)


def test_completing_by_another_scanner_s_profile_is_refused(one_sentence):
    with pytest.raises(ProfileError, match="choose another profile") as error:
        complete(Device("Philips", "CX50"), LAB)
    assert one_sentence(str(error.value))
    assert complete(Device(), LAB) == ESAOTE


@pytest.mark.parametrize(
    ("depth", "spacing"),
    [
        (40.0, (0.08, 0.09)),
        (40.4, (0.08, 0.09)),
        (50.0, (0.1, 0.11)),
        (45.0, None),
        (None, None),
    ],
)
def test_a_spacing_holds_for_its_depth_only(depth, spacing):
    assert LAB.spacing_at(depth) == spacing


HOME = Path("/home/user")


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("win32", {"APPDATA": "/roaming"}, Path("/roaming")),
        ("win32", {}, HOME / "AppData" / "Roaming"),
        ("darwin", {"XDG_DATA_HOME": "/x"}, HOME / "Library" / "Application Support"),
        ("linux", {"XDG_DATA_HOME": str(Path("/x").absolute())}, Path("/x").absolute()),
        ("linux", {"XDG_DATA_HOME": "relative"}, HOME / ".local" / "share"),
        ("linux", {}, HOME / ".local" / "share"),
    ],
)
def test_the_folder_is_the_platform_s(platform, environment, folder):
    assert data_folder(platform, home=HOME, environment=environment) == folder


def test_the_default_path_is_in_the_user_s_folder_and_not_created(
    monkeypatch, tmp_path
):
    for name in ("XDG_DATA_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    path = default_profile_path()
    assert path == user_data_folder() / "scanner-profiles.json"
    assert tmp_path in path.parents
    assert list(tmp_path.iterdir()) == []


def test_no_home_folder_is_said(monkeypatch, one_sentence):
    def lost():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", lost)
    with pytest.raises(MuscleUSError, match="home folder") as error:
        default_profile_path()
    assert one_sentence(str(error.value))
