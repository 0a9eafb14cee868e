"""What a click costs in the third step of the panel Reference values.

120 healthy people, both sides of three muscles. From the click to the finished picture;
the goal is 100 ms.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import itertools

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari.panels.reference_values import FIT, ReferenceValuesPanel
from napari_muscle_us.reference.fitting.fit_plots import FIT_PLOTS

MUSCLES = ("Biceps brachii", "Rectus femoris", "Soleus")
ROUNDS = 30


def controls(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    people = pd.DataFrame(
        {
            "subject": [f"C{k:03}" for k in range(n)],
            "age": rng.uniform(20, 80, n).round(),
            "sex": np.where(np.arange(n) % 2, "male", "female"),
            "height": rng.normal(172, 9, n).round(),
            "weight": rng.normal(72, 11, n).round(1),
            "handedness": np.where(np.arange(n) % 7, "right", "left"),
        }
    )
    parts = []
    for muscle in MUSCLES:
        own = 40 + 0.4 * people["age"] - 8 * (people["sex"] == "male")
        own = own + rng.normal(0, 5, n)
        for side in ("left", "right"):
            value = (own + rng.normal(0, 3, n)).round(1)
            parts.append(people.assign(muscle=muscle, side=side, value=value))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def step(qtbot, tmp_path):
    """Return the third step of the panel, with three muscles fitted."""
    path = tmp_path / "controls.csv"
    controls().to_csv(path, index=False)
    panel = ReferenceValuesPanel(ViewerModel())
    qtbot.addWidget(panel)
    panel.resize(460, 900)
    panel.show()
    panel.table.open(str(path))
    qtbot.waitUntil(lambda: not panel.table._job.running, timeout=20_000)
    for name, box in panel.what._candidates.items():
        box.setChecked(name in ("age_years", "sex_male"))
    panel.show_step(FIT)
    panel.fit()
    qtbot.waitUntil(lambda: not panel.fitting._job.running, timeout=60_000)
    panel.fitting._details._plot.plot()
    settle()
    return panel.fitting


def settle():
    for _ in range(3):
        QApplication.processEvents()


def show(details, name):
    details._which.setCurrentIndex(details._which.findData(name))


@pytest.mark.benchmark(group="a click on another plot")
@pytest.mark.parametrize("name", FIT_PLOTS)
def test_another_plot(benchmark, step, name):
    details = step._details
    other = "qq" if name == "values" else "values"

    def setup():
        show(details, other)
        settle()

    def click():
        show(details, name)
        settle()

    benchmark.pedantic(click, setup=setup, rounds=ROUNDS, warmup_rounds=2)
    assert details._which.currentData() == name


@pytest.mark.benchmark(group="a click on another muscle")
@pytest.mark.parametrize("name", ["values", "residuals_age_years", "qq", "influence"])
def test_another_muscle(benchmark, step, name):
    show(step._details, name)
    rows = itertools.cycle((1, 2, 0))

    def click():
        step.choose(next(rows))
        settle()

    benchmark.pedantic(click, rounds=ROUNDS, warmup_rounds=3)
    shown = step._details.value()
    assert shown is step.value().muscles[step._view.currentIndex().row()]
