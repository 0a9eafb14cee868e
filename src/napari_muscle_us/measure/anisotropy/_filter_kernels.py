"""Compiled filters of rows of an image, for `_tensor_kernels`.

Taps come in fours after the middle one, padded with zeros. Each filter runs over a row
at a time, so that the compiler handles many pixels with one instruction.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled, compiled_with

ZERO = np.float32(0.0)

FUSED = {"contract", "nsz"}
"""Lets a product and a sum be one instruction; NaN keeps its meaning."""


@compiled_with(fastmath=FUSED, error_model="numpy")
def even4(out, w, a0, b0, a1, b1, a2, b2, a3, b3):
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for i in range(out.size):
        out[i] += (
            w0 * (a0[i] + b0[i])
            + w1 * (a1[i] + b1[i])
            + w2 * (a2[i] + b2[i])
            + w3 * (a3[i] + b3[i])
        )


@compiled_with(fastmath=FUSED, error_model="numpy")
def _odd4(out, w, a0, b0, a1, b1, a2, b2, a3, b3):
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for i in range(out.size):
        out[i] += (
            w0 * (a0[i] - b0[i])
            + w1 * (a1[i] - b1[i])
            + w2 * (a2[i] - b2[i])
            + w3 * (a3[i] - b3[i])
        )


@compiled_with(fastmath=FUSED, error_model="numpy")
def scaled(out, weight, row):
    for i in range(out.size):
        out[i] = weight * row[i]


@compiled
def even_along(row, pad, taps, out):
    """Write the symmetric filter of a padded row; `taps[0]` is the middle."""
    n = out.size
    scaled(out, taps[0], row[pad : pad + n])
    for k in range(1, taps.size, 4):
        even4(
            out,
            taps[k : k + 4],
            row[pad + k : pad + k + n],
            row[pad - k : pad - k + n],
            row[pad + k + 1 : pad + k + 1 + n],
            row[pad - k - 1 : pad - k - 1 + n],
            row[pad + k + 2 : pad + k + 2 + n],
            row[pad - k - 2 : pad - k - 2 + n],
            row[pad + k + 3 : pad + k + 3 + n],
            row[pad - k - 3 : pad - k - 3 + n],
        )


@compiled
def odd_along(row, pad, taps, out):
    """Write the antisymmetric filter of a padded row; `taps[0]` is not used."""
    n = out.size
    out[:] = ZERO
    for k in range(1, taps.size, 4):
        _odd4(
            out,
            taps[k : k + 4],
            row[pad + k : pad + k + n],
            row[pad - k : pad - k + n],
            row[pad + k + 1 : pad + k + 1 + n],
            row[pad - k - 1 : pad - k - 1 + n],
            row[pad + k + 2 : pad + k + 2 + n],
            row[pad - k - 2 : pad - k - 2 + n],
            row[pad + k + 3 : pad + k + 3 + n],
            row[pad - k - 3 : pad - k - 3 + n],
        )


@compiled
def across(image, r, taps, odd, out):
    """Write the filter across the rows; rows beyond the image have zero weight."""
    last = image.shape[0] - 1
    if odd:
        out[:] = ZERO
    else:
        scaled(out, taps[0], image[r])
    for k in range(1, taps.size, 4):
        weights = taps[k : k + 4]
        a0, b0 = image[min(r + k, last)], image[max(r - k, 0)]
        a1, b1 = image[min(r + k + 1, last)], image[max(r - k - 1, 0)]
        a2, b2 = image[min(r + k + 2, last)], image[max(r - k - 2, 0)]
        a3, b3 = image[min(r + k + 3, last)], image[max(r - k - 3, 0)]
        if odd:
            _odd4(out, weights, a0, b0, a1, b1, a2, b2, a3, b3)
        else:
            even4(out, weights, a0, b0, a1, b1, a2, b2, a3, b3)
