"""The hash of a clip's file: of the file that was opened, or refused."""

from __future__ import annotations

import hashlib
import os

import pytest

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clip.dcm"
    path.write_bytes(bytes(range(256)) * 40_000)
    return path


def test_it_is_the_sha256_of_the_file(file):
    digest = FileDigest(file)
    digest.start()
    assert digest.value() == hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_quick_mark_tells_files_apart(file, tmp_path):
    other = tmp_path / "other.dcm"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    stamp = file.stat()
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert FileDigest(file).quick == FileDigest(file).quick
    assert FileDigest(file).quick != FileDigest(other).quick


def test_a_file_that_changed_is_refused(file):
    digest = FileDigest(file)
    digest.check()
    file.write_bytes(b"another file")
    for ask in (digest.check, digest.value):
        with pytest.raises(ImageReadError, match=r"'clip\.dcm' has changed"):
            ask()


def test_a_file_that_is_gone_is_refused_by_name_only(file, one_sentence):
    digest = FileDigest(file)
    file.unlink()
    with pytest.raises(ImageReadError, match="cannot be read any more") as error:
        digest.value()
    assert one_sentence(str(error.value))
    assert str(file.parent) not in str(error.value)


def test_the_hash_once_known_outlives_the_file(file):
    digest = FileDigest(file)
    known = digest.value()
    file.unlink()
    assert digest.value() == known
