"""Gray level distance zone matrix: how far from the edge the patches lie."""

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
_SHAPE: Final = "it depends on how the region is drawn, so compare like regions only"

FEATURES: Final[tuple[Feature, ...]] = shared_features(
    Words("gldzm", "d", "N_d", "N_v"),
    (
        (
            "0GBI",
            "Small distance emphasis",
            f"High where patches of one gray level reach near the region's edge; "
            f"{_SHAPE}.",
        ),
        (
            "MB4I",
            "Large distance emphasis",
            f"High where patches lie deep inside the region; {_SHAPE}.",
        ),
        ("S1RA", *zones.LOW_GRAY),
        ("K26C", *zones.HIGH_GRAY),
        (
            "RUVG",
            "Small distance low grey level emphasis",
            f"High where dark patches lie near the region's edge; {_SHAPE}.",
        ),
        (
            "DKNJ",
            "Small distance high grey level emphasis",
            "High where bright patches lie near the region's edge, such as fascia "
            f"drawn in; {_SHAPE}.",
        ),
        (
            "A7WM",
            "Large distance low grey level emphasis",
            f"High where dark patches lie deep inside the region; {_SHAPE}.",
        ),
        (
            "KLTH",
            "Large distance high grey level emphasis",
            "High where bright patches lie deep inside the region, away from its "
            f"fascia; {_SHAPE}.",
        ),
        ("VFT7", *zones.GRAY_NON_UNIFORMITY),
        ("7HP3", *zones.NORMALISED_GRAY_NON_UNIFORMITY),
        (
            "V294",
            "Zone distance non-uniformity",
            "High where most patches lie equally far from the edge; it grows with the "
            "size of the region, so compare regions of one size only.",
        ),
        (
            "IATH",
            "Normalised zone distance non-uniformity",
            f"High where most patches lie equally far from the edge; {_SHAPE}.",
        ),
        ("VIWW", *zones.PERCENTAGE),
        ("QK93", *zones.GRAY_VARIANCE),
        (
            "7WT1",
            "Zone distance variance",
            f"High where patches lie at all distances from the edge; {_SHAPE}.",
        ),
        (
            "GBDU",
            "Zone distance entropy",
            "High where gray levels and distances of patches are mixed without order; "
            f"{_UNKNOWN}.",
        ),
    ),
)
"""The 16 features in the order of the standard."""


def gldzm_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 16 features of the distance zone matrix of a region.

    A zone is a patch of pixels of one gray level, each joined to the next at a side or
    a corner. Its distance is the least, over its pixels, of the city-block distance to
    the nearest pixel outside the region or the image; 1 for a pixel at the edge. The
    matrix element :math:`d_{ij}` is the number of zones of level :math:`i` and
    distance :math:`j`.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        Zones have no direction: both names with ``"2d"`` mean one matrix a frame and
        the mean of the features (8QNN), both with ``"2.5d"`` one matrix of the zones
        of all frames (62GR). Zones and distances keep to their frame.

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
    A hole in the region has an edge too. Zone percentage is :math:`N_s / N_v` with
    :math:`N_s` zones and :math:`N_v` pixels.

    References
    ----------
    IBSI VMDZ. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Thibault G et al. IEEE Trans Biomed Eng 2014;61:630.
    doi:10.1109/TBME.2013.2284600

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.full((1, 5, 5), 2, np.uint16)
    >>> levels[0, 2, 2] = 1
    >>> values = gldzm_features(levels, 2)
    >>> values["gldzm.large_distance_emphasis"], values["gldzm.zone_percentage"]
    (5.0, 0.08)
    """
    return zones.features_of(levels, n_levels, aggregation, zones.DISTANCE, FEATURES)


def gldzm_matrix(levels: npt.NDArray[np.uint16], n_levels: int) -> CountMatrix:
    """Return the distance zone matrix of all frames.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.

    Returns
    -------
    CountMatrix
        Number of zones by level (row) and distance to the edge in pixels (column).
        Only distances that occur have a column.

    Raises
    ------
    MeasureError
        As `gldzm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.full((1, 5, 5), 2, np.uint16)
    >>> levels[0, 2, 2] = 1
    >>> matrix = gldzm_matrix(levels, 2)
    >>> matrix.columns.tolist(), matrix.counts.tolist()
    ([1, 3], [[0, 1], [1, 0]])
    """
    return zones.matrix_of(levels, n_levels, zones.DISTANCE)
