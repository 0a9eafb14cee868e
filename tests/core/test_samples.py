"""Samples: simulated ones as images, real ones fetched over (local) HTTP."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us import samples
from napari_muscle_us.samples import REMOTE_SAMPLES, fetch_sample, sample_image
from napari_muscle_us.simulate import SIMULATED_NAMES

KEY = "vastus_lateralis_1"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """Serve a folder on this machine; give the folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.fixture
def remote(monkeypatch):
    """Return a function that points the sample to another address and hash."""

    def point(address, content):
        logging.getLogger("pooch").setLevel(logging.ERROR)
        sample = dataclasses.replace(
            REMOTE_SAMPLES[KEY],
            address=address,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        monkeypatch.setitem(samples.REMOTE_SAMPLES, KEY, sample)

    return point


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_a_simulated_sample_says_so_and_is_calibrated(name):
    image = sample_image(name)
    assert image.name == f"sample:{name}"
    assert "imulated" in image.warnings[0]
    assert image.spacing_mm == mus.simulate_muscle(name).spacing_mm
    np.testing.assert_array_equal(image.gray, mus.simulate_muscle(name).gray)


def test_a_real_sample_is_downloaded_once(server, remote, tmp_path):
    folder, address = server
    (folder / "a.png").write_bytes(b"picture")
    remote(f"{address}/a.png", b"picture")
    first = fetch_sample(KEY, cache=tmp_path / "cache")
    assert first.read_bytes() == b"picture"
    (folder / "a.png").unlink()
    assert fetch_sample(KEY, cache=tmp_path / "cache") == first


def test_a_changed_download_is_refused(server, remote, tmp_path):
    folder, address = server
    (folder / "a.png").write_bytes(b"another picture")
    remote(f"{address}/a.png", b"picture")
    with pytest.raises(mus.MuscleUSError, match="wrong hash"):
        fetch_sample(KEY, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.png"))


@pytest.mark.parametrize("path", ["missing.png", ""], ids=["404", "no server"])
def test_offline_is_said(server, remote, tmp_path, path):
    address = f"{server[1]}/{path}" if path else "http://127.0.0.1:9/a.png"
    remote(address, b"picture")
    with pytest.raises(mus.MuscleUSError, match="could not be downloaded; connect"):
        fetch_sample(KEY, cache=tmp_path / "cache")


def test_an_unknown_sample_is_refused():
    with pytest.raises(mus.MuscleUSError, match="no sample 'x'"):
        fetch_sample("x")


@pytest.mark.parametrize("key", sorted(REMOTE_SAMPLES))
def test_the_hashes_are_those_of_the_published_files(key, request):
    sample = REMOTE_SAMPLES[key]
    here = request.config.rootpath.parent / "shared" / "data" / "longitudinal_vl"
    path = here / sample.address.rsplit("/", 1)[1]
    if not path.exists():
        pytest.skip("../shared/data is not here")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sample.sha256
