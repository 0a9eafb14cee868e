"""Texture features beside pyradiomics, MIRP and mahotas, on regions of real images.

The tables give each name of theirs with ours; what has no counterpart, or differs by
definition, is named and measured. None of the three is a requirement, and a test is
skipped without its peer. They were mahotas 1.4.19, MIRP 2.7.0 and pyradiomics 3.0.1:

    pip install mahotas mirp SimpleITK pykwalify six wheel "setuptools<70"
    pip install --no-build-isolation --no-deps pyradiomics==3.0.1
"""

from __future__ import annotations

import csv
import logging
import re

import numpy as np
import pytest
from PIL import Image

from napari_muscle_us.measure.texture import (
    first_order,
    glcm,
    gldzm,
    glrlm,
    glszm,
    histogram_features,
    ngldm,
    ngtdm,
)
from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.offsets import offsets_px
from tests.core.texture_naive import AGGREGATIONS, MUSCLES, muscle_levels

# pyradiomics takes log2(p + 2.2e-16), which the absolute tolerance allows for.
RTOL = ATOL = 1e-12

FAMILIES = (
    (glcm, glcm.glcm_features),
    (glrlm, glrlm.glrlm_features),
    (glszm, glszm.glszm_features),
    (gldzm, gldzm.gldzm_features),
    (ngtdm, ngtdm.ngtdm_features),
    (ngldm, ngldm.ngldm_features),
)

PYRADIOMICS = {
    "firstorder": {
        "Mean": "stat.mean",
        "Variance": "stat.variance",
        "Skewness": "stat.skewness",
        # Not excess: 3 higher than ours and the standard's.
        "Kurtosis": "stat.kurtosis",
        "Median": "stat.median",
        "Minimum": "stat.minimum",
        "10Percentile": "stat.percentile_10",
        "90Percentile": "stat.percentile_90",
        "Maximum": "stat.maximum",
        "InterquartileRange": "stat.interquartile_range",
        "Range": "stat.range",
        "MeanAbsoluteDeviation": "stat.mean_absolute_deviation",
        "RobustMeanAbsoluteDeviation": "stat.robust_mean_absolute_deviation",
        "Energy": "stat.energy",
        "RootMeanSquared": "stat.root_mean_square",
        # Of the levels, although they stand among those of the gray values.
        "Entropy": "hist.entropy",
        "Uniformity": "hist.uniformity",
    },
    "glcm": {
        "MaximumProbability": "glcm.joint_max",
        "JointAverage": "glcm.joint_average",
        "SumSquares": "glcm.joint_variance",
        "JointEntropy": "glcm.joint_entropy",
        "DifferenceAverage": "glcm.difference_average",
        "DifferenceVariance": "glcm.difference_variance",
        "DifferenceEntropy": "glcm.difference_entropy",
        "SumAverage": "glcm.sum_average",
        "SumEntropy": "glcm.sum_entropy",
        # Not the energy of scikit-image, which is the root of it.
        "JointEnergy": "glcm.angular_second_moment",
        "Contrast": "glcm.contrast",
        "Id": "glcm.inverse_difference",
        "Idn": "glcm.normalised_inverse_difference",
        # The "homogeneity" of scikit-image.
        "Idm": "glcm.inverse_difference_moment",
        "Idmn": "glcm.normalised_inverse_difference_moment",
        "InverseVariance": "glcm.inverse_variance",
        "Correlation": "glcm.correlation",
        "Autocorrelation": "glcm.autocorrelation",
        "ClusterTendency": "glcm.cluster_tendency",
        "ClusterShade": "glcm.cluster_shade",
        "ClusterProminence": "glcm.cluster_prominence",
        "Imc1": "glcm.information_correlation_1",
        "Imc2": "glcm.information_correlation_2",
    },
    "glrlm": {
        "ShortRunEmphasis": "glrlm.short_runs_emphasis",
        "LongRunEmphasis": "glrlm.long_runs_emphasis",
        "LowGrayLevelRunEmphasis": "glrlm.low_grey_level_run_emphasis",
        "HighGrayLevelRunEmphasis": "glrlm.high_grey_level_run_emphasis",
        "ShortRunLowGrayLevelEmphasis": "glrlm.short_run_low_grey_level_emphasis",
        "ShortRunHighGrayLevelEmphasis": "glrlm.short_run_high_grey_level_emphasis",
        "LongRunLowGrayLevelEmphasis": "glrlm.long_run_low_grey_level_emphasis",
        "LongRunHighGrayLevelEmphasis": "glrlm.long_run_high_grey_level_emphasis",
        "GrayLevelNonUniformity": "glrlm.grey_level_non_uniformity",
        "GrayLevelNonUniformityNormalized": (
            "glrlm.normalised_grey_level_non_uniformity"
        ),
        "RunLengthNonUniformity": "glrlm.run_length_non_uniformity",
        "RunLengthNonUniformityNormalized": (
            "glrlm.normalised_run_length_non_uniformity"
        ),
        "RunPercentage": "glrlm.run_percentage",
        "GrayLevelVariance": "glrlm.grey_level_variance",
        "RunVariance": "glrlm.run_length_variance",
        "RunEntropy": "glrlm.run_entropy",
    },
    "glszm": {
        "SmallAreaEmphasis": "glszm.small_zone_emphasis",
        "LargeAreaEmphasis": "glszm.large_zone_emphasis",
        "LowGrayLevelZoneEmphasis": "glszm.low_grey_level_zone_emphasis",
        "HighGrayLevelZoneEmphasis": "glszm.high_grey_level_zone_emphasis",
        "SmallAreaLowGrayLevelEmphasis": "glszm.small_zone_low_grey_level_emphasis",
        "SmallAreaHighGrayLevelEmphasis": "glszm.small_zone_high_grey_level_emphasis",
        "LargeAreaLowGrayLevelEmphasis": "glszm.large_zone_low_grey_level_emphasis",
        "LargeAreaHighGrayLevelEmphasis": "glszm.large_zone_high_grey_level_emphasis",
        "GrayLevelNonUniformity": "glszm.grey_level_non_uniformity",
        "GrayLevelNonUniformityNormalized": (
            "glszm.normalised_grey_level_non_uniformity"
        ),
        "SizeZoneNonUniformity": "glszm.zone_size_non_uniformity",
        "SizeZoneNonUniformityNormalized": "glszm.normalised_zone_size_non_uniformity",
        "ZonePercentage": "glszm.zone_percentage",
        "GrayLevelVariance": "glszm.grey_level_variance",
        "ZoneVariance": "glszm.zone_size_variance",
        "ZoneEntropy": "glszm.zone_size_entropy",
    },
    "ngtdm": {
        "Coarseness": "ngtdm.coarseness",
        "Contrast": "ngtdm.contrast",
        "Busyness": "ngtdm.busyness",
        "Complexity": "ngtdm.complexity",
        "Strength": "ngtdm.strength",
    },
    "gldm": {
        "SmallDependenceEmphasis": "ngldm.low_dependence_emphasis",
        "LargeDependenceEmphasis": "ngldm.high_dependence_emphasis",
        "LowGrayLevelEmphasis": "ngldm.low_grey_level_count_emphasis",
        "HighGrayLevelEmphasis": "ngldm.high_grey_level_count_emphasis",
        "SmallDependenceLowGrayLevelEmphasis": (
            "ngldm.low_dependence_low_grey_level_emphasis"
        ),
        "SmallDependenceHighGrayLevelEmphasis": (
            "ngldm.low_dependence_high_grey_level_emphasis"
        ),
        "LargeDependenceLowGrayLevelEmphasis": (
            "ngldm.high_dependence_low_grey_level_emphasis"
        ),
        "LargeDependenceHighGrayLevelEmphasis": (
            "ngldm.high_dependence_high_grey_level_emphasis"
        ),
        "GrayLevelNonUniformity": "ngldm.grey_level_non_uniformity",
        "DependenceNonUniformity": "ngldm.dependence_count_non_uniformity",
        "DependenceNonUniformityNormalized": (
            "ngldm.normalised_dependence_count_non_uniformity"
        ),
        "GrayLevelVariance": "ngldm.grey_level_variance",
        "DependenceVariance": "ngldm.dependence_count_variance",
        "DependenceEntropy": "ngldm.dependence_count_entropy",
    },
}
"""Class of pyradiomics → its name of a feature → our key."""

PYRADIOMICS_ALONE = {
    # The second largest eigenvalue of a matrix; no feature of the standard.
    "MCC",
    # The energy times the volume of a voxel.
    "TotalEnergy",
}

MIRP = {
    "stat_mean": "stat.mean",
    "stat_var": "stat.variance",
    "stat_skew": "stat.skewness",
    "stat_kurt": "stat.kurtosis",
    "stat_median": "stat.median",
    "stat_min": "stat.minimum",
    "stat_p10": "stat.percentile_10",
    "stat_p90": "stat.percentile_90",
    "stat_max": "stat.maximum",
    "stat_iqr": "stat.interquartile_range",
    "stat_range": "stat.range",
    "stat_mad": "stat.mean_absolute_deviation",
    "stat_rmad": "stat.robust_mean_absolute_deviation",
    "stat_medad": "stat.median_absolute_deviation",
    "stat_cov": "stat.coefficient_of_variation",
    "stat_qcod": "stat.quartile_coefficient_of_dispersion",
    "stat_energy": "stat.energy",
    "stat_rms": "stat.root_mean_square",
    "ih_mean": "hist.mean",
    "ih_var": "hist.variance",
    "ih_skew": "hist.skewness",
    "ih_kurt": "hist.kurtosis",
    "ih_median": "hist.median",
    "ih_min": "hist.minimum",
    "ih_p10": "hist.percentile_10",
    "ih_p90": "hist.percentile_90",
    "ih_max": "hist.maximum",
    "ih_mode": "hist.mode",
    "ih_iqr": "hist.interquartile_range",
    "ih_range": "hist.range",
    "ih_mad": "hist.mean_absolute_deviation",
    "ih_rmad": "hist.robust_mean_absolute_deviation",
    "ih_medad": "hist.median_absolute_deviation",
    "ih_cov": "hist.coefficient_of_variation",
    "ih_qcod": "hist.quartile_coefficient_of_dispersion",
    "ih_entropy": "hist.entropy",
    "ih_uniformity": "hist.uniformity",
    "ih_max_grad": "hist.maximum_gradient",
    "ih_max_grad_g": "hist.maximum_gradient_level",
    "ih_min_grad": "hist.minimum_gradient",
    "ih_min_grad_g": "hist.minimum_gradient_level",
    "cm_joint_max": "glcm.joint_max",
    "cm_joint_avg": "glcm.joint_average",
    "cm_joint_var": "glcm.joint_variance",
    "cm_joint_entr": "glcm.joint_entropy",
    "cm_diff_avg": "glcm.difference_average",
    "cm_diff_var": "glcm.difference_variance",
    "cm_diff_entr": "glcm.difference_entropy",
    "cm_sum_avg": "glcm.sum_average",
    "cm_sum_var": "glcm.sum_variance",
    "cm_sum_entr": "glcm.sum_entropy",
    "cm_energy": "glcm.angular_second_moment",
    "cm_contrast": "glcm.contrast",
    "cm_dissimilarity": "glcm.dissimilarity",
    "cm_inv_diff": "glcm.inverse_difference",
    "cm_inv_diff_norm": "glcm.normalised_inverse_difference",
    "cm_inv_diff_mom": "glcm.inverse_difference_moment",
    "cm_inv_diff_mom_norm": "glcm.normalised_inverse_difference_moment",
    "cm_inv_var": "glcm.inverse_variance",
    "cm_corr": "glcm.correlation",
    "cm_auto_corr": "glcm.autocorrelation",
    "cm_clust_tend": "glcm.cluster_tendency",
    "cm_clust_shade": "glcm.cluster_shade",
    "cm_clust_prom": "glcm.cluster_prominence",
    "cm_info_corr1": "glcm.information_correlation_1",
    "cm_info_corr2": "glcm.information_correlation_2",
    "rlm_sre": "glrlm.short_runs_emphasis",
    "rlm_lre": "glrlm.long_runs_emphasis",
    "rlm_lgre": "glrlm.low_grey_level_run_emphasis",
    "rlm_hgre": "glrlm.high_grey_level_run_emphasis",
    "rlm_srlge": "glrlm.short_run_low_grey_level_emphasis",
    "rlm_srhge": "glrlm.short_run_high_grey_level_emphasis",
    "rlm_lrlge": "glrlm.long_run_low_grey_level_emphasis",
    "rlm_lrhge": "glrlm.long_run_high_grey_level_emphasis",
    "rlm_glnu": "glrlm.grey_level_non_uniformity",
    "rlm_glnu_norm": "glrlm.normalised_grey_level_non_uniformity",
    "rlm_rlnu": "glrlm.run_length_non_uniformity",
    "rlm_rlnu_norm": "glrlm.normalised_run_length_non_uniformity",
    "rlm_r_perc": "glrlm.run_percentage",
    "rlm_gl_var": "glrlm.grey_level_variance",
    "rlm_rl_var": "glrlm.run_length_variance",
    "rlm_rl_entr": "glrlm.run_entropy",
    "szm_sze": "glszm.small_zone_emphasis",
    "szm_lze": "glszm.large_zone_emphasis",
    "szm_lgze": "glszm.low_grey_level_zone_emphasis",
    "szm_hgze": "glszm.high_grey_level_zone_emphasis",
    "szm_szlge": "glszm.small_zone_low_grey_level_emphasis",
    "szm_szhge": "glszm.small_zone_high_grey_level_emphasis",
    "szm_lzlge": "glszm.large_zone_low_grey_level_emphasis",
    "szm_lzhge": "glszm.large_zone_high_grey_level_emphasis",
    "szm_glnu": "glszm.grey_level_non_uniformity",
    "szm_glnu_norm": "glszm.normalised_grey_level_non_uniformity",
    "szm_zsnu": "glszm.zone_size_non_uniformity",
    "szm_zsnu_norm": "glszm.normalised_zone_size_non_uniformity",
    "szm_z_perc": "glszm.zone_percentage",
    "szm_gl_var": "glszm.grey_level_variance",
    "szm_zs_var": "glszm.zone_size_variance",
    "szm_zs_entr": "glszm.zone_size_entropy",
    "dzm_sde": "gldzm.small_distance_emphasis",
    "dzm_lde": "gldzm.large_distance_emphasis",
    "dzm_lgze": "gldzm.low_grey_level_zone_emphasis",
    "dzm_hgze": "gldzm.high_grey_level_zone_emphasis",
    "dzm_sdlge": "gldzm.small_distance_low_grey_level_emphasis",
    "dzm_sdhge": "gldzm.small_distance_high_grey_level_emphasis",
    "dzm_ldlge": "gldzm.large_distance_low_grey_level_emphasis",
    "dzm_ldhge": "gldzm.large_distance_high_grey_level_emphasis",
    "dzm_glnu": "gldzm.grey_level_non_uniformity",
    "dzm_glnu_norm": "gldzm.normalised_grey_level_non_uniformity",
    "dzm_zdnu": "gldzm.zone_distance_non_uniformity",
    "dzm_zdnu_norm": "gldzm.normalised_zone_distance_non_uniformity",
    "dzm_z_perc": "gldzm.zone_percentage",
    "dzm_gl_var": "gldzm.grey_level_variance",
    "dzm_zd_var": "gldzm.zone_distance_variance",
    "dzm_zd_entr": "gldzm.zone_distance_entropy",
    "ngt_coarseness": "ngtdm.coarseness",
    "ngt_contrast": "ngtdm.contrast",
    "ngt_busyness": "ngtdm.busyness",
    "ngt_complexity": "ngtdm.complexity",
    "ngt_strength": "ngtdm.strength",
    "ngl_lde": "ngldm.low_dependence_emphasis",
    "ngl_hde": "ngldm.high_dependence_emphasis",
    "ngl_lgce": "ngldm.low_grey_level_count_emphasis",
    "ngl_hgce": "ngldm.high_grey_level_count_emphasis",
    "ngl_ldlge": "ngldm.low_dependence_low_grey_level_emphasis",
    "ngl_ldhge": "ngldm.low_dependence_high_grey_level_emphasis",
    "ngl_hdlge": "ngldm.high_dependence_low_grey_level_emphasis",
    "ngl_hdhge": "ngldm.high_dependence_high_grey_level_emphasis",
    "ngl_glnu": "ngldm.grey_level_non_uniformity",
    "ngl_glnu_norm": "ngldm.normalised_grey_level_non_uniformity",
    "ngl_dcnu": "ngldm.dependence_count_non_uniformity",
    "ngl_dcnu_norm": "ngldm.normalised_dependence_count_non_uniformity",
    "ngl_dc_perc": "ngldm.dependence_count_percentage",
    "ngl_gl_var": "ngldm.grey_level_variance",
    "ngl_dc_var": "ngldm.dependence_count_variance",
    "ngl_dc_entr": "ngldm.dependence_count_entropy",
    "ngl_dc_energy": "ngldm.dependence_count_energy",
}
"""Name in MIRP, before its settings → our key; all of the families, none lacking."""

HARALICK = (
    "glcm.angular_second_moment",
    "glcm.contrast",
    "glcm.correlation",
    "glcm.joint_variance",
    "glcm.inverse_difference_moment",
    "glcm.sum_average",
    "glcm.sum_variance",
    "glcm.sum_entropy",
    "glcm.joint_entropy",
    # With use_x_minus_y_variance only: else the variance of the probabilities.
    "glcm.difference_variance",
    "glcm.difference_entropy",
    "glcm.information_correlation_1",
    "glcm.information_correlation_2",
)
"""Our keys in the order of mahotas.features.haralick, which is Haralick's."""


@pytest.fixture(params=MUSCLES)
def muscle(request, shared):
    """Give gray levels and mask of two frames; the second mask falls into parts."""
    mask = muscle_levels(shared, request.param) > 0
    path, rows, columns = MUSCLES[request.param]
    picture = np.asarray(Image.open(shared(path)).convert("L"))
    moved = picture[
        rows.start + 9 : rows.stop + 9, columns.start - 7 : columns.stop - 7
    ]
    return np.stack([picture[rows, columns], moved]), mask


def ours(gray, mask, aggregation, **discretisation):
    """Return every feature of every family."""
    found = discretise(gray, mask, **discretisation)
    values = first_order.first_order_features(gray, mask)
    values |= histogram_features.histogram_features(found.levels, found.n_levels)
    for _, function in FAMILIES:
        values |= function(found.levels, found.n_levels, aggregation=aggregation)
    return values


def assert_same(theirs, ours, names):
    """Assert that what `names` maps to each other is the same number."""
    wrong = {
        name: (theirs[name], ours[key])
        for name, key in names.items()
        if not np.isclose(theirs[name], ours[key], rtol=RTOL, atol=ATOL)
    }
    assert not wrong, f"name: (theirs, ours): {wrong}"


# pyradiomics.


def pyradiomics(family, gray, mask, **options):
    """Return the features of one class of pyradiomics in two dimensions."""
    sitk = pytest.importorskip("SimpleITK", reason="pyradiomics is not installed")
    module = pytest.importorskip(
        f"radiomics.{family}", reason="pyradiomics is not installed"
    )
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    names = {"firstorder": "RadiomicsFirstOrder"}
    extractor = getattr(module, names.get(family, f"Radiomics{family.upper()}"))(
        sitk.GetImageFromArray(gray.astype(np.int32)),
        sitk.GetImageFromArray(mask.astype(np.uint8)),
        **{"binWidth": 8, "force2D": True, "label": 1, **options},
    )
    extractor.enableAllFeatures()
    return {name: float(value) for name, value in extractor.execute().items()}


def aligned(gray, mask, bin_size=8):
    """Return the origin of pyradiomics: the multiple of the bin size below all."""
    lowest = int(gray[mask].min())
    return {"bin_size": bin_size, "origin": lowest - lowest % bin_size}


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("family", PYRADIOMICS)
def test_features_are_those_of_pyradiomics(muscle, family, aggregation):
    # All frames of pyradiomics are one matrix of each direction, or of all with
    # "no_weighting": the means over slices are found with one frame only.
    merged = aggregation.endswith(("s_mrg", "v_mrg"))
    options = {"weightingNorm": "no_weighting"} if merged else {}
    frames = (0, 1) if aggregation.startswith("2d") else (slice(2),)
    for frame in frames:
        gray, mask = (array[frame].reshape(-1, *array.shape[1:]) for array in muscle)
        theirs = pyradiomics(family, gray, mask, **options)
        found = ours(gray, mask, aggregation, **aligned(gray, mask))
        if family == "firstorder":
            theirs["Kurtosis"] -= 3
        assert_same(theirs, found, PYRADIOMICS[family])


@pytest.mark.parametrize("family", PYRADIOMICS)
def test_no_feature_of_pyradiomics_is_left_out(muscle, family):
    theirs = pyradiomics(family, *muscle)
    assert theirs.keys() - PYRADIOMICS[family].keys() <= PYRADIOMICS_ALONE


def test_pyradiomics_gives_total_energy_by_volume(muscle):
    theirs = pyradiomics("firstorder", *muscle)
    assert theirs["TotalEnergy"] == theirs["Energy"]


@pytest.mark.parametrize("bin_number", [8, 32])
def test_fixed_bin_number_is_that_of_pyradiomics(muscle, bin_number):
    operations = pytest.importorskip(
        "radiomics.imageoperations", reason="pyradiomics is not installed"
    )
    gray, mask = muscle
    theirs, _ = operations.binImage(
        gray.astype(float), np.where(mask), binCount=bin_number
    )
    found = discretise(gray, mask, bin_number=bin_number)
    assert (found.levels == np.where(mask, theirs, 0)).all()


def test_pyradiomics_numbers_levels_from_the_darkest(muscle):
    gray, mask = muscle
    gray = np.maximum(gray, 43)
    theirs = pyradiomics("glcm", gray, mask)["JointAverage"]
    found = ours(gray, mask, "2.5d_d_mrg")["glcm.joint_average"]
    assert theirs == pytest.approx(found - 43 // 8, rel=RTOL)


def test_default_bins_of_pyradiomics_leave_few_levels():
    operations = pytest.importorskip(
        "radiomics.imageoperations", reason="pyradiomics is not installed"
    )
    whole_scale = np.arange(256.0)
    theirs, _ = operations.binImage(whole_scale, (np.arange(256),))
    assert np.unique(theirs).size == 11


def test_distance_of_pyradiomics_holds_every_step_of_its_ring(muscle):
    gray, mask = (array[:1] for array in muscle)
    ring = ((0, 2), (2, 0), (2, 2), (2, -2), (1, 2), (1, -2), (2, 1), (2, -1))
    found = discretise(gray, mask, **aligned(gray, mask))
    values = glcm.glcm_features(
        found.levels, found.n_levels, offsets=ring, aggregation="2d_avg"
    )
    theirs = pyradiomics("glcm", gray, mask, distances=[2])
    assert_same(theirs, values, PYRADIOMICS["glcm"])


@pytest.mark.parametrize("alpha", [0, 1])
def test_wider_neighbourhood_of_pyradiomics(muscle, alpha):
    gray, mask = (array[1:] for array in muscle)
    # Distance 2 of pyradiomics is the ring at 2 alone; ours is all up to 2.
    wide = {"distances": [1, 2]}
    found = discretise(gray, mask, **aligned(gray, mask))
    pair = found.levels, found.n_levels
    tones = ngtdm.ngtdm_features(*pair, distance_px=2)
    assert_same(pyradiomics("ngtdm", gray, mask, **wide), tones, PYRADIOMICS["ngtdm"])
    counts = ngldm.ngldm_features(*pair, distance_px=2, alpha=alpha)
    theirs = pyradiomics("gldm", gray, mask, gldm_a=alpha, **wide)
    assert_same(theirs, counts, PYRADIOMICS["gldm"])


def test_constant_region_is_a_number_in_pyradiomics_and_none_here():
    gray = np.full((1, 6, 6), 80, np.uint8)
    mask = np.ones(gray.shape, bool)
    found = ours(gray, mask, "2d_avg")
    cases = {
        ("glcm", "Correlation"): 1,
        ("ngtdm", "Coarseness"): 1e6,
        ("ngtdm", "Busyness"): 0,
        ("ngtdm", "Strength"): 0,
    }
    for (family, name), number in cases.items():
        assert pyradiomics(family, gray, mask)[name] == number
        assert np.isnan(found[PYRADIOMICS[family][name]]), name


# MIRP.


MIRP_FAMILIES = [
    *("statistics", "intensity_histogram", "glcm", "glrlm", "glszm", "gldzm"),
    *("ngtdm", "ngldm"),
]
_SETTINGS = re.compile(r"(_d\d)?(_a\d\.0)?(_2(\.5)?d(_\w_mrg|_avg)?)?(_fb\w+[\d.]+)?$")
MIRP_SPACE = {
    "2d_avg": "2d_average",
    "2d_s_mrg": "2d_slice_merge",
    "2.5d_d_mrg": "2.5d_direction_merge",
    "2.5d_v_mrg": "2.5d_volume_merge",
}


def mirp(gray, mask, aggregation, **options):
    """Return the features of MIRP, by the name before their settings."""
    program = pytest.importorskip("mirp", reason="MIRP is not installed")
    logging.getLogger("mirp").setLevel(logging.CRITICAL)
    with_direction = dict.fromkeys(
        ("glcm_spatial_method", "glrlm_spatial_method"), MIRP_SPACE[aggregation]
    )
    without = dict.fromkeys(
        (f"{family}_spatial_method" for family in MIRP_FAMILIES[4:]),
        aggregation.partition("_")[0],
    )
    settings = {
        "base_discretisation_method": "fixed_bin_size",
        "base_discretisation_bin_width": 8.0,
        # Its lower end is the origin of the bins.
        "resegmentation_intensity_range": [0.0, 255.0],
    }
    (table,) = program.extract_features(
        image=gray.astype(float),
        mask=mask.astype(np.uint8),
        base_feature_families=MIRP_FAMILIES,
        **with_direction,
        **without,
        **{**settings, **options},
    )
    return {_SETTINGS.sub("", name): value for name, value in table.iloc[0].items()}


# MIRP means that 8-bit gray is no calibrated unit, which is true.
uncalibrated = pytest.mark.filterwarnings("ignore:The intensities for this image")


def test_names_of_mirp_have_our_codes(shared):
    with shared("oracles/ibsi1_digital_phantom.csv").open(newline="") as file:
        theirs = {row["mirp_name"]: row["ibsi_code"] for row in csv.DictReader(file)}
    modules = (first_order, histogram_features, *(module for module, _ in FAMILIES))
    codes = {f.key: f.ibsi for module in modules for f in module.FEATURES}
    assert sorted(MIRP.values()) == sorted(codes)
    assert {name: theirs[name] for name in MIRP} == {
        name: codes[key] for name, key in MIRP.items()
    }


@uncalibrated
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_features_are_those_of_mirp(muscle, aggregation):
    theirs = mirp(*muscle, aggregation)
    assert_same(theirs, ours(*muscle, aggregation), MIRP)


@uncalibrated
@pytest.mark.parametrize("bin_number", [8, 32])
def test_fixed_bin_number_is_that_of_mirp(muscle, bin_number):
    theirs = mirp(
        *muscle,
        "2d_s_mrg",
        base_discretisation_method="fixed_bin_number",
        base_discretisation_n_bins=bin_number,
    )
    assert_same(theirs, ours(*muscle, "2d_s_mrg", bin_number=bin_number), MIRP)


@uncalibrated
@pytest.mark.parametrize("alpha", [0, 1])
def test_wider_neighbourhood_of_mirp(muscle, alpha):
    found = discretise(*muscle)
    values = ngldm.ngldm_features(
        found.levels, found.n_levels, distance_px=2, alpha=alpha
    )
    theirs = mirp(
        *muscle, "2d_s_mrg", ngldm_distance=2.0, ngldm_difference_level=float(alpha)
    )
    names = {name: key for name, key in MIRP.items() if key in values}
    assert_same(theirs, values, names)


@uncalibrated
def test_wider_distance_of_mirp(muscle):
    found = discretise(*muscle)
    values = glcm.glcm_features(found.levels, found.n_levels, offsets=offsets_px(3))
    theirs = mirp(*muscle, "2d_s_mrg", glcm_distance=3.0)
    names = {name: key for name, key in MIRP.items() if key in values}
    assert_same(theirs, values, names)


# mahotas.


def haralick(levels, **options):
    """Return the features of mahotas by our keys, one number a direction."""
    features = pytest.importorskip("mahotas.features", reason="mahotas is missing")
    found = features.haralick(levels, **options)
    return dict(zip(HARALICK, found.T, strict=True))


# mahotas takes (0, 1), (1, 1), (1, 0), (1, -1); a rectangle, and a region whose
# outside is the value 0 that mahotas leaves out. Its levels may begin at 1 as ours.
MAHOTAS_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))


@pytest.mark.parametrize("bin_size", [1, 8])
@pytest.mark.parametrize("region", ["rectangle", "mask"])
def test_features_are_those_of_mahotas(muscle, region, bin_size):
    gray, mask = (array[:1] for array in muscle)
    inside = mask if region == "mask" else np.ones_like(mask)
    found = discretise(gray, inside, bin_size=bin_size)
    theirs = haralick(found.levels[0], ignore_zeros=True, use_x_minus_y_variance=True)
    values = glcm.glcm_by_direction(
        found.levels, found.n_levels, offsets=MAHOTAS_DIRECTIONS
    )
    for place, offset in enumerate(MAHOTAS_DIRECTIONS):
        one = {key: numbers[place] for key, numbers in theirs.items()}
        assert_same(one, values[offset], {key: key for key in HARALICK})


def test_difference_variance_of_mahotas_is_one_of_probabilities(muscle):
    gray, mask = (array[:1] for array in muscle)
    found = discretise(gray, np.ones_like(mask))
    theirs = haralick(found.levels[0])["glcm.difference_variance"]
    for number, offset in zip(theirs, MAHOTAS_DIRECTIONS, strict=True):
        p = glcm.glcm_matrix(found.levels, found.n_levels, (offset,))
        apart = np.abs(np.subtract.outer(*2 * [np.arange(len(p))]))
        shares = np.bincount(apart.ravel(), p.ravel(), minlength=len(p) + 1)
        assert number == pytest.approx(np.var(shares / shares.sum()), rel=RTOL)


def test_levels_of_mahotas_from_0_move_its_sum_average(muscle):
    gray, mask = (array[:1] for array in muscle)
    found = discretise(gray, np.ones_like(mask))
    from_0 = haralick(found.levels[0] - 1)["glcm.sum_average"]
    values = glcm.glcm_features(found.levels, found.n_levels, aggregation="2d_avg")
    assert from_0.mean() == pytest.approx(values["glcm.sum_average"] - 2, rel=RTOL)


def test_constant_region_has_a_correlation_of_1_in_mahotas_and_none_here():
    flat = np.full((1, 5, 5), 3, np.uint16)
    assert (haralick(flat[0])["glcm.correlation"] == 1).all()
    assert np.isnan(glcm.glcm_features(flat, 3)["glcm.correlation"])
