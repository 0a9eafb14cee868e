"""The error of a limit is that of repeated samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.estimate import Estimate, estimate
from napari_muscle_us.reference.fitting.limit_error import limit_error


def known(n, p, variance, *, of_centre=None, freedom=None):
    """Return the model of a centred design: x C xᵀ is s²/n at the centre."""
    covariance = np.zeros((p, p))
    covariance[0, 0] = variance / n if of_centre is None else of_centre
    return Estimate(
        coefficients=np.zeros(p),
        covariance=covariance,
        residual_variance=variance,
        within_variance=np.nan,
        degrees_of_freedom=n - p if freedom is None else freedom,
        leverage=np.full(n, p / n),
        method="ols",
    )


def centre(p):
    return [1.0] + [0.0] * (p - 1)


@pytest.mark.parametrize(("n", "in_sd"), [(50, 0.24), (166, 0.13)])
def test_many_subjects_have_the_textbook_error(n, in_sd):
    error = limit_error(known(n, 1, 49.0), n, unit="gray level", centre_row=[1])
    assert error.in_sd == pytest.approx(np.sqrt(2.92 / n), rel=0.01)
    assert error.in_sd == pytest.approx(in_sd, abs=0.005)
    assert error.standard_error == pytest.approx(7 * error.in_sd)
    assert f"With {n} subjects" in error.words
    assert "gray level" in error.words
    assert f"{error.more_to_halve} more would halve it" in error.words


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("n", [20, 60])
def test_error_is_the_spread_of_limits_over_new_samples(n, sides):
    rng = np.random.default_rng(n)
    age = np.linspace(20, 80, n)
    of = np.repeat(np.arange(n), sides)
    design = np.column_stack([np.ones(n), age, age**2])[of]
    row = design.mean(axis=0)
    limits, told = [], []
    for _ in range(800 // sides):
        shown = 40 + 0.3 * age[of] + 5 * rng.normal(size=n)[of]
        shown += 4 * rng.normal(size=len(of))
        found = estimate(shown, design, of, method="mixed")
        limits.append(
            row @ found.coefficients + 1.959964 * np.sqrt(found.residual_variance)
        )
        told.append(
            limit_error(found, n, unit="a.u.", centre_row=row).standard_error ** 2
        )
    spread = np.std(limits, ddof=1)
    # An SD of k samples is known to 1/√(2k); the delta method is short by 1/n or so.
    room = 4 / np.sqrt(2 * len(limits)) + 1 / n
    ratio = np.sqrt(np.mean(told)) / spread
    assert ratio > 1 - room
    # Sides tell more of s² than the degrees of freedom count: at most all of them.
    worst = 1 if sides == 1 else np.sqrt(2.92 / (1 + 1.92 * 0.6))
    assert ratio < worst * (1 + room)


@given(
    n=st.integers(4, 400),
    p=st.integers(1, 3),
    of_centre=st.floats(0.001, 2),
)
def test_more_to_halve_is_the_smallest_number_that_does(n, p, of_centre):
    variance = 30.0
    found = known(n, p, variance, of_centre=of_centre * variance)
    error = limit_error(found, n, unit="a.u.", centre_row=centre(p))

    def with_more(more):
        other = known(
            n + more,
            p,
            variance,
            of_centre=of_centre * variance * n / (n + more),
        )
        return limit_error(other, n, unit="", centre_row=centre(p)).standard_error

    half = error.standard_error / 2
    assert with_more(error.more_to_halve) <= half * (1 + 1e-9)
    assert with_more(error.more_to_halve - 1) > half * (1 - 1e-9)
    assert error.more_to_halve <= 3 * n


@pytest.mark.parametrize(
    ("found", "row", "message"),
    [
        (known(20, 2, 9.0), [1.0], "The centre has 1 numbers and the model 2"),
        (known(20, 2, 9.0, freedom=0.0), [1.0, 0], "0 degrees of freedom"),
        (known(20, 2, np.nan), [1.0, 0], "residual variance nan"),
        (known(20, 2, 0.0), [1.0, 0], "residual variance 0"),
    ],
    ids=["row", "freedom", "nan", "zero"],
)
def test_models_without_an_error_are_refused(found, row, message):
    with pytest.raises(ReferenceSetError, match=message):
        limit_error(found, 20, unit="a.u.", centre_row=row)
