r"""Degrees of freedom of the SD by which a new single value is judged.

Several values of a subject tell more about the scatter than one, but less than as many
subjects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting._mixed import Floats, Groups

SMALL_SAMPLE: Final = 8
"""Subjects less coefficients at which half of what repeats add is counted."""


def degrees_of_freedom(design: Floats, groups: Groups, within_share: float) -> float:
    r"""Return the degrees of freedom of the variance of prediction.

    Parameters
    ----------
    design : ndarray of float64, shape (rows, p)
        Design matrix, of full rank; any basis of its columns.
    groups : Groups
        Subjects.
    within_share : float
        Variance within subjects as a share of the whole, above 0.

    Returns
    -------
    float
        At most rows − p; n − p for n subjects without repeats.

    Notes
    -----
    With :math:`D = \overline{x C x^\top} + \sigma_b^2 + \sigma_w^2`, the mean of the
    variance of prediction over the controls, Satterthwaite's
    :math:`\nu_S = 2 D^2 / \operatorname{var} \hat D`, its variance by the delta method
    from the expected information
    :math:`I_{kl} = \tfrac12 \operatorname{tr}(P V_k P V_l)` of the restricted
    likelihood. For n subjects with m values each, and leverage left out, this is

    .. math::
       \nu_S = \frac{(\mathrm{MSB} + (m - 1)\,\mathrm{MSW})^2}
       {\mathrm{MSB}^2 / (n - p) + (m - 1)\,\mathrm{MSW}^2 / n} .

    In small samples it is too sure, as a small :math:`\hat D` goes with a large
    :math:`\hat\nu_S`: with 4 coefficients, 95 % intervals from 10 subjects held 94.6 %
    to 95.6 %, from 8 subjects with four values each 94.0 % to 95.1 % (correlations
    within subjects of 0.2 to 0.9). So of what repeats add to f = n − p only the part
    f / (f + 8) counts,

    .. math:: \nu = f + (\nu_S - f) \frac{f}{f + 8} ,

    with which intervals from 8 subjects hold 95.0 % to 97.2 %, from 10 subjects 95.1 %
    to 96.3 %, and from 20 subjects on 95.0 % to 95.3 %. (With f alone: 95.1 % to 98.7 %
    from 8 or more subjects.) Where subjects differ by no more than their own values
    more are held: 95.5 % from 20 subjects with two.

    References
    ----------
    Satterthwaite FE. An approximate distribution of estimates of variance components.
    Biometrics Bull 1946;2:110. doi:10.2307/3002019

    Giesbrecht FG, Burns JC. Two-stage analysis based on a mixed model. Biometrics
    1985;41:477. doi:10.2307/2530872
    """
    rows, p = design.shape
    between = float(len(groups.sizes) - p)
    if len(groups.sizes) == rows:
        return between
    plain = min(_satterthwaite(design, groups, within_share), float(rows - p))
    if plain <= between:
        return max(plain, 1.0)
    return between + (plain - between) * between / (between + SMALL_SAMPLE)


def _satterthwaite(design: Floats, groups: Groups, within_share: float) -> float:
    """Return 2 D² / var D for the parameters (σ_b², σ_w²), in units of their sum."""
    sizes = groups.sizes.astype(np.float64)
    of_mean = within_share + sizes * (1 - within_share)
    basis = np.linalg.qr(design / np.linalg.norm(design, axis=0))[0]
    means = groups.means(basis)
    about = groups.about_means(basis)
    own = about.T @ about

    def sandwich(power: int, times: int) -> Floats:
        """Return Xᵀ of V⁻¹ to a power, with J times, X; Jᵗ is mᵗ⁻¹ J."""
        weight = sizes ** (1 + times) / of_mean**power
        common = (means * weight[:, None]).T @ means
        return np.asarray(common + (own / within_share**power if times == 0 else 0))

    covariance = np.linalg.inv(sandwich(1, 0))
    # The change with σ_w² is per share of it: both of one size, however small it is.
    scale = np.array([1.0, within_share])
    single = [covariance @ sandwich(2, times) for times in (1, 0)]
    double = [np.trace(covariance @ sandwich(3, times)) for times in (2, 1, 0)]
    trace = [np.sum(sizes**times / of_mean**2) for times in (2, 1, 0)]
    trace[2] += np.sum(sizes - 1) / within_share**2
    information = np.empty((2, 2))
    for k, m in ((0, 0), (0, 1), (1, 1)):
        inner = trace[k + m] - 2 * double[k + m] + np.trace(single[k] @ single[m])
        information[k, m] = information[m, k] = inner / 2 * scale[k] * scale[m]
    spread = covariance / len(design)
    total = 1 + float(np.trace(spread))
    change = scale * [1 + float(np.trace(each @ spread)) for each in single]
    return 2 * total**2 / float(change @ np.linalg.solve(information, change))
