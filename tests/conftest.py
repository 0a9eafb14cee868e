"""Settings that all tests share."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine and no deadline: the first call compiles.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
settings.load_profile("repeatable")


def pytest_collection_finish():
    """Leave ten thousand tests and all modules out of every garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_user_folder(tmp_path_factory, monkeypatch):
    """Keep everything that belongs to one user of a computer out of the tests' home."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    monkeypatch.setenv("APPDATA", str(folder))
