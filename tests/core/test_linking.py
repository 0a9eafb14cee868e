"""Keys that link without identity, and the salt they depend on."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io import linking
from napari_muscle_us.io.linking import link_key, load_salt, make_salt

SALT = bytes(range(32))

# RFC 4231, test cases 1 and 6: the first 64 bits of HMAC-SHA-256.
PUBLISHED = [
    (b"\x0b" * 20, "Hi There", "b0344c61d8db3853"),
    (
        b"\xaa" * 131,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f",
    ),
]


@pytest.mark.parametrize(("salt", "value", "key"), PUBLISHED, ids=["case 1", "case 6"])
def test_key_is_the_published_hmac(salt, value, key):
    assert link_key(value, salt=salt) == key


@given(value=st.text(min_size=1), other=st.text(min_size=1))
def test_keys_are_equal_only_for_equal_values(value, other):
    key = link_key(value, salt=SALT)
    assert len(key) == 16
    assert set(key) <= set("0123456789abcdef")
    assert (link_key(other, salt=SALT) == key) == (other == value)
    assert link_key(value, salt=SALT[::-1]) != key


def test_nothing_is_not_linked(one_sentence):
    with pytest.raises(ResultsError) as caught:
        link_key("", salt=SALT)
    assert one_sentence(str(caught.value))


def test_short_salt_is_refused_and_not_shown(one_sentence):
    with pytest.raises(ResultsError, match="3 bytes") as caught:
        link_key("12345", salt=b"abc")
    assert one_sentence(str(caught.value))
    assert "12345" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_salt_is_made_once_and_kept(tmp_path):
    path = tmp_path / "salt.txt"
    salt = load_salt(path)
    assert len(salt) == 32
    assert load_salt(str(path)) == salt
    assert path.read_text() == salt.hex() + "\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["salt.txt"]
    assert load_salt(tmp_path / "other.txt") != salt


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_salt_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "salt.txt"
    before = os.umask(0)
    try:
        load_salt(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_salt_made_in_the_meantime_wins(tmp_path, monkeypatch):
    path = tmp_path / "salt.txt"
    first = make_salt()

    def late():
        path.write_text(first.hex())
        return make_salt()

    monkeypatch.setattr(linking, "make_salt", late)
    assert load_salt(path) == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["salt.txt"]


def test_salt_on_a_drive_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    salt = load_salt(tmp_path / "salt.txt")
    assert load_salt(tmp_path / "salt.txt") == salt
    assert [entry.name for entry in tmp_path.iterdir()] == ["salt.txt"]


def test_several_programs_at_once_get_one_salt(tmp_path):
    code = (
        "import sys; from napari_muscle_us.io.linking import load_salt;"
        "print(load_salt(sys.argv[1]).hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "salt.txt")]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    salts = {process.communicate()[0] for process in running}
    assert len(salts) == 1
    assert len(salts.pop().strip()) == 64


@pytest.mark.parametrize(
    "content",
    ["", "no salt\n", "ab" * 31, "ab" * 33, "zz" * 32, "ab" * 10_000_000],
    ids=["empty", "text", "short", "long", "no digits", "huge"],
)
def test_file_without_salt_is_refused_and_left_alone(tmp_path, content, one_sentence):
    path = tmp_path / "salt.txt"
    path.write_text(content)
    with pytest.raises(ResultsError, match="holds no salt") as caught:
        load_salt(path)
    assert one_sentence(str(caught.value))
    assert path.read_text() == content


@pytest.mark.parametrize("where", ["missing/salt.txt", "", "a\0b"])
def test_place_that_cannot_hold_a_salt_is_refused(tmp_path, where, one_sentence):
    with pytest.raises(ResultsError) as caught:
        load_salt(f"{tmp_path}/{where}")
    assert one_sentence(str(caught.value))
