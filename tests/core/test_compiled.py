"""Compiled loops where nothing can be kept between two starts."""

from __future__ import annotations

import pytest
from numba import njit

from napari_muscle_us._compiled import compiled, compiled_with


@pytest.fixture
def homeless():
    """Return a function without a file, beside which nothing can be kept."""
    names = {}
    exec("def double(x):\n    return 2 * x\n", names)
    return names["double"]


def test_without_a_folder_to_keep_it_a_loop_is_compiled_all_the_same(homeless):
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(homeless)
    assert compiled(homeless)(21) == 42
    assert compiled_with(error_model="numpy")(homeless)(4.5) == 9.0


def test_a_loop_is_kept_where_it_can_be():
    from napari_muscle_us._kernels import masked_histogram

    assert type(masked_histogram._cache).__name__ == "FunctionCache"
