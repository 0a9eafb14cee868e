"""Gray level size zone matrix: how large the patches of one gray level are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.measure.texture import _zones as zones
from napari_muscle_us.measure.texture._matrix_features import (
    Aggregation,
    CountMatrix,
    Words,
    shared_features,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.measure.texture.features import Feature

_UNKNOWN: Final = zones.UNKNOWN

FEATURES: Final[tuple[Feature, ...]] = shared_features(
    Words("glszm", "s", "N_z", "N_v"),
    (
        (
            "5QRC",
            "Small zone emphasis",
            "High where patches of one gray level are small: fine texture; "
            f"{_UNKNOWN}.",
        ),
        (
            "48P8",
            "Large zone emphasis",
            "High where one gray level fills large patches, as in even tissue; "
            f"{_UNKNOWN}.",
        ),
        ("XMSY", *zones.LOW_GRAY),
        ("5GN9", *zones.HIGH_GRAY),
        (
            "5RAI",
            "Small zone low grey level emphasis",
            f"High where small dark patches abound; {_UNKNOWN} apart from its fall "
            "with brightness in bins of fixed size.",
        ),
        (
            "HW1V",
            "Small zone high grey level emphasis",
            f"High where small bright patches abound; {_UNKNOWN} apart from its rise "
            "with brightness in bins of fixed size.",
        ),
        (
            "YH51",
            "Large zone low grey level emphasis",
            f"High where large dark patches abound, as in shadow; {_UNKNOWN} apart "
            "from its fall with brightness in bins of fixed size.",
        ),
        (
            "J17V",
            "Large zone high grey level emphasis",
            "High where large bright patches abound, as in fascia or saturation; "
            f"{_UNKNOWN} apart from its rise with brightness in bins of fixed size.",
        ),
        ("JNSA", *zones.GRAY_NON_UNIFORMITY),
        ("Y1RO", *zones.NORMALISED_GRAY_NON_UNIFORMITY),
        (
            "4JP3",
            "Zone size non-uniformity",
            "High where most patches have the same size; it grows with the size of the "
            "region, so compare regions of one size only.",
        ),
        (
            "VB3A",
            "Normalised zone size non-uniformity",
            f"High where most patches have the same size; {_UNKNOWN}.",
        ),
        ("P30P", *zones.PERCENTAGE),
        ("BYLV", *zones.GRAY_VARIANCE),
        (
            "3NSA",
            "Zone size variance",
            f"High where small and large patches lie side by side; {_UNKNOWN}.",
        ),
        (
            "GU8N",
            "Zone size entropy",
            "High where gray levels and sizes of patches are mixed without order; "
            f"{_UNKNOWN}.",
        ),
    ),
)
"""The 16 features in the order of the standard."""


def glszm_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 16 features of the size zone matrix of a region.

    A zone is a patch of pixels of one gray level, each joined to the next at a side or
    a corner. The matrix element :math:`s_{ij}` is the number of zones of level
    :math:`i` and size :math:`j`.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        Zones have no direction: both names with ``"2d"`` mean one matrix a frame and
        the mean of the features (8QNN), both with ``"2.5d"`` one matrix of the zones
        of all frames (62GR). A zone never goes on into the next frame.

    Returns
    -------
    dict of str to float
        Keys of `FEATURES` with their values. All NaN where the region is empty; frames
        that it does not touch are passed over. One pixel or one gray level has values.

    Raises
    ------
    MeasureError
        If levels, their number or the aggregation cannot be used.

    Notes
    -----
    Zone percentage is :math:`N_s / N_v` with :math:`N_s` zones and :math:`N_v` pixels.

    References
    ----------
    IBSI 9SAK. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Thibault G et al. IEEE Trans Biomed Eng 2014;61:630.
    doi:10.1109/TBME.2013.2284600

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [3, 1, 2]]], np.uint16)
    >>> values = glszm_features(levels, 3)
    >>> values["glszm.zone_percentage"], round(values["glszm.large_zone_emphasis"], 3)
    (0.5, 4.667)
    """
    return zones.features_of(levels, n_levels, aggregation, zones.SIZE, FEATURES)


def glszm_matrix(levels: npt.NDArray[np.uint16], n_levels: int) -> CountMatrix:
    """Return the size zone matrix of all frames.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.

    Returns
    -------
    CountMatrix
        Number of zones by level (row) and size in pixels (column). Only sizes that
        occur have a column, since the largest may be the whole region.

    Raises
    ------
    MeasureError
        As `glszm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = glszm_matrix(np.array([[[1, 1, 2], [3, 1, 2]]], np.uint16), 3)
    >>> matrix.columns.tolist(), matrix.counts.tolist()
    ([1, 2, 3], [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    """
    return zones.matrix_of(levels, n_levels, zones.SIZE)
