"""The 25 numbers of a co-occurrence matrix, as a table or a panel shows them."""

from __future__ import annotations

from typing import Final

from napari_muscle_us.measure.texture.features import Feature

_BRIGHT: Final = "with bins of fixed size it rises as fat brightens the muscle"
_OPEN: Final = "what fat does to it is not known"
_SUM: Final = r"\sum_{i,j}"
_K: Final = r"\sum_k"


def _feature(name: str, ibsi: str, label: str, formula: str, meaning: str) -> Feature:
    unit = "bit" if name.endswith("_entropy") else "1"
    return Feature(f"glcm.{name}", ibsi, unit, label, formula, f"{meaning}.")


FEATURES: Final[tuple[Feature, ...]] = (
    _feature(
        "joint_max",
        "GYBY",
        "Joint maximum",
        r"\max_{i,j} p_{ij}",
        f"Share of the commonest pair of neighbours: high in even tissue; {_OPEN}",
    ),
    _feature(
        "joint_average",
        "60VM",
        "Joint average",
        rf"\mu = {_SUM} i\,p_{{ij}}",
        f"Mean gray level of the pairs; {_BRIGHT}",
    ),
    _feature(
        "joint_variance",
        "UR99",
        "Joint variance",
        rf"\sigma^2 = {_SUM} (i - \mu)^2 p_{{ij}}",
        f"High where dark and bright tissue lie in one region; {_OPEN}",
    ),
    _feature(
        "joint_entropy",
        "TU9B",
        "Joint entropy",
        rf"-{_SUM} p_{{ij}} \log_2 p_{{ij}}",
        f"Disorder: high where every pair of neighbours is another one; {_OPEN}",
    ),
    _feature(
        "difference_average",
        "TF7R",
        "Difference average",
        rf"\mu_d = {_K} k\,p_{{i-j,k}}",
        f"Mean step between neighbours, the same as dissimilarity; {_OPEN}",
    ),
    _feature(
        "difference_variance",
        "D3YU",
        "Difference variance",
        rf"{_K} (k - \mu_d)^2 p_{{i-j,k}}",
        f"High where even tissue and sharp edges lie in one region; {_OPEN}",
    ),
    _feature(
        "difference_entropy",
        "NTRS",
        "Difference entropy",
        rf"-{_K} p_{{i-j,k}} \log_2 p_{{i-j,k}}",
        f"High where steps between neighbours have all sizes; {_OPEN}",
    ),
    _feature(
        "sum_average",
        "ZGXS",
        "Sum average",
        rf"\mu_s = {_K} k\,p_{{i+j,k}}",
        f"Twice the joint average; {_BRIGHT}",
    ),
    _feature(
        "sum_variance",
        "OEEB",
        "Sum variance",
        rf"{_K} (k - \mu_s)^2 p_{{i+j,k}}",
        "High where some coarse patches are dark, others bright, the same as cluster "
        f"tendency; {_OPEN}",
    ),
    _feature(
        "sum_entropy",
        "P6QZ",
        "Sum entropy",
        rf"-{_K} p_{{i+j,k}} \log_2 p_{{i+j,k}}",
        f"High where pairs of neighbours have every brightness; {_OPEN}",
    ),
    _feature(
        "angular_second_moment",
        "8ZQL",
        "Angular second moment",
        rf"{_SUM} p_{{ij}}^2",
        f"Order: high where the same pair of neighbours returns; {_OPEN}",
    ),
    _feature(
        "contrast",
        "ACUI",
        "Contrast",
        rf"{_SUM} (i - j)^2 p_{{ij}}",
        f"High where neighbours differ much, as at edges of fascia; {_OPEN}",
    ),
    _feature(
        "dissimilarity",
        "8S9J",
        "Dissimilarity",
        rf"{_SUM} |i - j|\,p_{{ij}}",
        f"Mean step between neighbours, less ruled by edges than contrast; {_OPEN}",
    ),
    _feature(
        "inverse_difference",
        "IB1Z",
        "Inverse difference",
        rf"{_SUM} \frac{{p_{{ij}}}}{{1 + |i - j|}}",
        f"Homogeneity: high where neighbours are alike; {_OPEN}",
    ),
    _feature(
        "normalised_inverse_difference",
        "NDRX",
        "Normalised inverse difference",
        rf"{_SUM} \frac{{p_{{ij}}}}{{1 + |i - j| / N_g}}",
        f"Homogeneity by the share of the gray scale that a step takes; {_OPEN}",
    ),
    _feature(
        "inverse_difference_moment",
        "WF0Z",
        "Inverse difference moment",
        rf"{_SUM} \frac{{p_{{ij}}}}{{1 + (i - j)^2}}",
        f"Homogeneity: high where neighbours are equal or nearly so; {_OPEN}",
    ),
    _feature(
        "normalised_inverse_difference_moment",
        "1QCO",
        "Normalised inverse difference moment",
        rf"{_SUM} \frac{{p_{{ij}}}}{{1 + (i - j)^2 / N_g^2}}",
        f"Homogeneity, by the square of the share that a step takes; {_OPEN}",
    ),
    _feature(
        "inverse_variance",
        "E8JP",
        "Inverse variance",
        r"2 \sum_{i<j} \frac{p_{ij}}{(i - j)^2}",
        f"High where neighbours differ by little, but do differ; {_OPEN}",
    ),
    _feature(
        "correlation",
        "NI2N",
        "Correlation",
        rf"\frac{{1}}{{\sigma^2}} {_SUM} (i - \mu)(j - \mu)\,p_{{ij}}",
        f"Near 1 where gray levels change slowly from pixel to pixel; {_OPEN}",
    ),
    _feature(
        "autocorrelation",
        "QWB0",
        "Autocorrelation",
        rf"{_SUM} i\,j\,p_{{ij}}",
        f"Mean product of neighbours: brightness, squared; {_BRIGHT}",
    ),
    _feature(
        "cluster_tendency",
        "DG8W",
        "Cluster tendency",
        rf"{_SUM} (i + j - 2\mu)^2 p_{{ij}}",
        f"High where some coarse patches are dark, others bright; {_OPEN}",
    ),
    _feature(
        "cluster_shade",
        "7NFM",
        "Cluster shade",
        rf"{_SUM} (i + j - 2\mu)^3 p_{{ij}}",
        "Above 0 where a few bright patches stand in dark tissue, below 0 where a few "
        f"dark ones stand in bright tissue; {_OPEN}",
    ),
    _feature(
        "cluster_prominence",
        "AE86",
        "Cluster prominence",
        rf"{_SUM} (i + j - 2\mu)^4 p_{{ij}}",
        f"High where some patches are far from the mean brightness; {_OPEN}",
    ),
    _feature(
        "information_correlation_1",
        "R8DG",
        "First measure of information correlation",
        r"\frac{HXY - HXY_1}{HX}",
        "0 where a pixel tells nothing of its neighbour, down to -1 where it tells "
        f"all; {_OPEN}",
    ),
    _feature(
        "information_correlation_2",
        "JN9H",
        "Second measure of information correlation",
        r"\sqrt{1 - \exp(-2 (HXY_2 - HXY))}",
        "0 where a pixel tells nothing of its neighbour, toward 1 where it tells much; "
        f"{_OPEN}",
    ),
)
"""The 25 features in the order of the standard, and of the compiled sums."""
