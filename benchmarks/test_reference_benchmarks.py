"""Z-scores of a table against the 32-model set, beside a loop over its rows.

The rows of the first group do the same work; the second is the size that is promised.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import napari_muscle_us as mus
from napari_muscle_us.reference.batch import z_scores
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.subject import Subject

ESAOTE = mus.Device("Esaote", "6100")
GROUP = "Z-scores of 2000 rows, 32 muscles"
MEDIANS: dict[str, float] = {}


@pytest.fixture(scope="module")
def radboud():
    return mus.load_reference("radboud-esaote-6100-adult")


def people(reference, rows):
    """Return a table of ordinary adults; every seventh is older than the sample."""
    rng = np.random.default_rng(1)
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "subject": [f"s{n // 32}" for n in number],
            "muscle": np.array(reference.muscles)[number % 32],
            "side": np.where(number // 32 % 2, "left", "right"),
            "value": rng.uniform(20, 150, rows),
            "age_years": rng.uniform(18, 90, rows),
            "sex": rng.choice(["male", "female"], rows),
            "height_cm": rng.uniform(150, 195, rows),
            "weight_kg": rng.uniform(50, 110, rows),
        }
    )


def batch(reference, table):
    return z_scores(reference, table, device=ESAOTE)["z"].to_numpy()


def loop(reference, table):
    return np.array(
        [
            look_up(
                reference,
                row.muscle,
                row.value,
                Subject(row.age_years, row.sex, row.height_cm, row.weight_kg),
                side=row.side,
                device=ESAOTE,
            ).z
            for row in table.itertuples()
        ]
    )


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("way", [batch, loop], ids=["table", "row by row"])
def test_a_table_beside_a_loop(benchmark, radboud, way):
    table = people(radboud, 2000)
    found = benchmark.pedantic(way, (radboud, table), rounds=3, warmup_rounds=1)
    if benchmark.stats is not None:
        MEDIANS[way.__name__] = benchmark.stats.stats.median
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[::97], loop(radboud, table[::97]), rtol=1e-11)


@pytest.mark.benchmark(group="Z-scores of 100,000 rows, 32 muscles")
def test_a_hundred_thousand_rows(benchmark, radboud):
    table = people(radboud, 100_000)
    found = benchmark.pedantic(batch, (radboud, table), rounds=5, warmup_rounds=1)
    assert np.isfinite(found).all()
    if benchmark.stats is not None and "loop" in MEDIANS:
        # Fifty times the rows in less than the time of the loop.
        assert benchmark.stats.stats.median < MEDIANS["loop"]
