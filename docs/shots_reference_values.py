"""Make the pictures of the panel Reference values, with simulated controls."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from picture_tools import float_panel, save_panel, wait_for

from napari_muscle_us import load_reference
from napari_muscle_us.reference.formula import design_matrix, parse_formula
from napari_muscle_us.reference.load import DEFAULT_SET

if TYPE_CHECKING:
    import pandas as pd

MUSCLES: Final = ("Biceps brachii", "Tibialis anterior", "Rectus femoris")
_WIDTH: Final = 720
_HEIGHT: Final = 740


def simulated_controls(n: int = 120, *, seed: int = 7) -> pd.DataFrame:
    """Return people who never lived, drawn from the built-in models, two sides each.

    Parameters
    ----------
    n : int, default: 120
        People.
    seed : int, default: 7
        Of the random numbers.

    Returns
    -------
    DataFrame
        One row a value.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    models = {m.muscle: m for m in load_reference(DEFAULT_SET).models}
    male = rng.random(n) < 0.5
    height = (rng.normal(167, 6.5, n) + 12 * male).round()
    weight = (23.5 * (height / 100) ** 2 * np.exp(rng.normal(0, 0.12, n))).round(1)
    people = pd.DataFrame(
        {
            "subject": [f"C{k:03}" for k in range(1, n + 1)],
            "age_years": rng.uniform(18, 80, n).round(),
            "sex": np.where(male, "male", "female"),
            "height_cm": height,
            "weight_kg": weight,
            "handedness": np.where(rng.random(n) < 0.1, "left", "right"),
        }
    )
    x = {name: people[name].to_numpy() for name in ("age_years", "height_cm")}
    x |= {
        "weight_kg": weight,
        "bmi": weight / (height / 100) ** 2,
        "sex_male": 1 * male,
    }
    parts = []
    for muscle in MUSCLES:
        model = models[muscle]
        terms = parse_formula(model.formula)
        mean = design_matrix(terms, x, rows=n) @ np.array(model.coefficients)
        sd = model.residual_variance**0.5
        # The two sides of a person are alike: 0.8² + 0.6² = 1.
        own = rng.normal(0, 0.8 * sd, n)
        for side in ("left", "right"):
            value = (mean + own + rng.normal(0, 0.6 * sd, n)).round(1)
            parts.append(people.assign(muscle=muscle, side=side, value=value))
    return pd.concat(parts, ignore_index=True)


def shoot_reference_values() -> None:
    """Make a picture of each step, and of the checks of a model."""
    from napari_muscle_us._napari.launch import open_viewer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "controls.csv")
        simulated_controls().to_csv(path, index=False)
        viewer = open_viewer()
        panel = float_panel(viewer, "Reference values", (_WIDTH, _HEIGHT))
        panel.table.open(str(path))
        wait_for(panel.table._job)
        save_panel(panel, "reference-values-table")
        panel.show_step(1)
        panel.window().resize(_WIDTH, 420)
        save_panel(panel, "reference-values-what")
        panel.window().resize(_WIDTH, _HEIGHT)
        panel.show_step(2)
        panel.fit()
        wait_for(panel.fitting._job)
        panel.fitting.choose(1)
        save_panel(panel, "reference-values-fit")
        panel.fitting._details.setCurrentIndex(1)
        save_panel(panel, "reference-values-checks")
        panel.saving.facts.fill(
            name="our-laboratory-adult",
            title="Healthy adults, our laboratory",
            manufacturer="Maker",
            models="X",
            author="Our laboratory",
            licence="CC BY 4.0",
        )
        panel.show_step(3)
        panel.window().resize(_WIDTH, 520)
        save_panel(panel, "reference-values-save")
        viewer.close()
