"""Gain, dynamic range and gray map: what they change, and what they leave alone.

The settings are those of ``docs/plot_gain_robustness.py``, which draws the figure of
the documentation with the same functions.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import napari_muscle_us as mus
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy
from napari_muscle_us.simulate import compress_log, compute_envelope

DOCS = Path(__file__).resolve().parents[2] / "docs"
ANISOTROPY = ["coherency", "local anisotropy"]
CONTRAST = ["contrast, bin size", "contrast, bin number"]
EVERY = 15


def load_script():
    name = "plot_gain_robustness"
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    # Classes of the script look their module up by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


SCRIPT = load_script()
GRAY_CHANGES, OTHER_CHANGES = list(SCRIPT.GRAY_CHANGES), list(SCRIPT.OTHER_CHANGES)


@pytest.fixture(scope="module")
def envelope():
    """Return echoes of oblique bright lines in speckle, well below white."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:160, :160]
    across = columns * np.sin(0.3) + rows * np.cos(0.3)
    power = 10 ** ((24 + 10 * (np.sin(across / 3) > 0.7)) / 20)
    noise = rng.normal(size=(2, *rows.shape))
    return compute_envelope(power * (noise[0] + 1j * noise[1]))


def unclipped(*grays):
    return np.all([(gray > 0) & (gray < 255) for gray in grays], axis=0)


@pytest.mark.parametrize("decibels", [-8, -5, 5, 8])
def test_gain_is_the_offset_that_a_scanner_makes(envelope, decibels):
    before = compress_log(envelope)
    true = compress_log(envelope * 10 ** (decibels / 20))
    ours = SCRIPT.gain(before, decibels)
    both = unclipped(before, true, ours)
    assert both.mean() > 0.9
    assert np.abs(true.astype(int) - ours)[both].max() <= 1


@pytest.mark.parametrize("decibels", [45, 75])
def test_dynamic_range_is_the_slope_that_a_scanner_makes(envelope, decibels):
    before = compress_log(envelope)
    at_white = 10 ** ((decibels - 60) / 20)
    true = compress_log(envelope * at_white, dynamic_range_db=decibels)
    ours = SCRIPT.dynamic_range(before, decibels)
    both = unclipped(before, true, ours)
    assert both.mean() > 0.8
    assert np.abs(true.astype(int) - ours)[both].max() <= 1


def test_changes_in_their_order():
    ramp = np.arange(256, dtype=np.uint8)[:, None].repeat(4, axis=1)
    assert SCRIPT.gain(ramp, 8)[:, 0].tolist() == [
        min(255, level + 34) for level in range(256)
    ]
    assert SCRIPT.depth_gain(ramp, 12)[[0, 100], 0].tolist() == [0, 120]
    assert SCRIPT.gray_map(ramp, 0.7)[[0, 64, 255], 0].tolist() == [0, 97, 255]
    for change in SCRIPT.CHANGES.values():
        changed = change(ramp)
        assert changed.dtype == np.uint8
        assert (np.diff(changed[:, 0].astype(int)) >= 0).all()
    assert ramp[:, 0].tolist() == list(range(256))


# Simulated muscle, so that the claim is tested everywhere.


@pytest.fixture(scope="module", params=["healthy", "diseased"])
def simulated(request):
    sample = mus.simulate_muscle(f"longitudinal_{request.param}")
    mask = mus.roi_mask(mus.Polygon(sample.muscle_outline), sample.gray.shape)
    case = SCRIPT.Case(sample.name, sample.gray, mask)
    return case, SCRIPT.relative_changes(case).abs()


@pytest.mark.parametrize("change", GRAY_CHANGES)
def test_simulated_anisotropy_changes_least(simulated, change):
    _, changed = simulated
    intensity = changed.loc[change, "echo intensity"]
    assert intensity > 5
    for key in ANISOTROPY:
        assert changed.loc[change, key] < 0.15 * intensity


def test_without_clipping_gain_changes_nothing_but_the_echo_intensity(simulated):
    case, _ = simulated
    room = case._replace(gray=(60 + case.gray // 2).astype(np.uint8))
    changes = {name: SCRIPT.CHANGES[name] for name in GRAY_CHANGES[:2]}
    changed = SCRIPT.relative_changes(room, changes).abs()
    assert (changed["echo intensity"] > 20).all()
    assert (changed[[*ANISOTROPY, "contrast, bin number"]] < 1e-3).all(axis=None)


def test_a_wider_beam_looks_like_more_order(simulated):
    case, changed = simulated
    change = "lateral smoothing 1 px"
    assert changed.loc[change, "echo intensity"] < 0.1
    for key in ANISOTROPY:
        assert changed.loc[change, key] > 8
    wider = SCRIPT.CHANGES[change](case.gray)
    before, after = (
        measure_anisotropy(gray, case.mask).coherency for gray in (case.gray, wider)
    )
    assert after > before


def test_order_across_the_fibres_is_that_of_speckle():
    """A coherency does not tell fibres: where there are none it is as high."""
    found = {}
    for name in ("longitudinal_healthy", "longitudinal_diseased", "transverse_healthy"):
        sample = mus.simulate_muscle(name)
        mask = mus.roi_mask(mus.Polygon(sample.muscle_outline), sample.gray.shape)
        found[name] = measure_anisotropy(sample.gray, mask).coherency
    assert found["longitudinal_healthy"] > found["longitudinal_diseased"] + 0.05
    assert found["transverse_healthy"] > 0.95 * found["longitudinal_healthy"]


# Real muscle.


@pytest.fixture(scope="module")
def pictures(shared):
    return list(SCRIPT.cases(shared("data/longitudinal_vl"), step=EVERY))


@pytest.fixture(scope="module")
def changes(pictures):
    """Return changes in percent, by picture and change."""
    return pd.concat({case.name: SCRIPT.relative_changes(case) for case in pictures})


@pytest.fixture(scope="module")
def spread(shared):
    """Return the SD of 18 pictures, in percent of their mean."""
    several = SCRIPT.cases(shared("data/longitudinal_vl"), step=5)
    before = pd.DataFrame([SCRIPT.measure(case.gray, case.mask) for case in several])
    return 100 * before.std() / before.mean()


@pytest.mark.parametrize("change", GRAY_CHANGES)
def test_on_every_picture_anisotropy_changes_less_than_echo_intensity(changes, change):
    found = changes.xs(change, level=1).abs()
    assert len(found) == 6
    for key in ANISOTROPY:
        assert (found[key] < 0.15 * found["echo intensity"]).all()
        assert found[key].median() < 3
        assert found[key].max() < 7


@pytest.mark.parametrize("change", GRAY_CHANGES)
def test_also_measured_against_how_pictures_differ(changes, spread, change):
    """Anisotropy differs less between people; it must not win by that alone."""
    found = (changes.xs(change, level=1).abs() / spread).median()
    assert found["echo intensity"] > 0.25
    for key in ANISOTROPY:
        assert found[key] < 0.5 * found["echo intensity"]


@pytest.mark.parametrize("key", CONTRAST)
def test_no_binning_of_contrast_withstands_all_settings(changes, key):
    found = changes.loc[(slice(None), GRAY_CHANGES), key].abs()
    assert found.groupby(level=1).median().max() > 15


def test_a_fixed_number_of_bins_does_not_withstand_gain_that_clips(changes):
    found = changes.xs("gain +8 dB", level=1).abs().median()
    assert found["contrast, bin number"] > 10 > found["contrast, bin size"]


def test_gray_map_is_what_moves_anisotropy_most(changes):
    found = changes[ANISOTROPY].abs().groupby(level=1).median().loc[GRAY_CHANGES]
    assert (found.idxmax() == "gray map γ 0.7").all()
    assert (found.max() > 1).all()


@pytest.mark.parametrize("change", OTHER_CHANGES)
def test_smoothing_moves_anisotropy_and_leaves_echo_intensity(changes, change):
    found = changes.xs(change, level=1).abs()
    assert found["echo intensity"].max() < 0.1
    assert (found[ANISOTROPY].median() > 2).all()


def test_the_direction_of_fascicles_hardly_turns(pictures):
    turned = np.array([SCRIPT.directions(case) for case in pictures[::3]])
    assert turned.shape == (2, len(SCRIPT.CHANGES))
    assert turned.max() < 1
    assert turned.max() > 0
