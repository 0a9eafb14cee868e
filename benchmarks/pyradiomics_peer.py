"""Give pyradiomics the task of the texture benchmarks: one region in two dimensions.

Where it is not installed, the benchmark that asks for it is skipped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import numpy.typing as npt

CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "ngtdm", "gldm")
"""Those of the gray levels; its shape features are no texture."""


def pyradiomics_class(
    family: str,
    gray: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.bool_],
    *,
    features: tuple[str, ...] = (),
    **options: Any,
) -> Any:
    """Return a class of pyradiomics with its levels made, ready for ``execute``.

    Parameters
    ----------
    family : str
        One of `CLASSES`.
    gray, mask : ndarray, shape (depth, lateral)
        Gray levels and region.
    features : tuple of str, optional
        Names to compute; without any all but ``"MCC"``, which takes two thirds of the
        time of its class and is no feature of the standard.
    **options
        Settings of pyradiomics beside those of two dimensions and bins of 8.
    """
    module = pytest.importorskip(
        f"radiomics.{family}", reason="pyradiomics is not installed"
    )
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    name = "FirstOrder" if family == "firstorder" else family.upper()
    made = getattr(module, f"Radiomics{name}")(
        *images(gray, mask), **{"binWidth": 8, "force2D": True, "label": 1, **options}
    )
    if not features:
        made.enableAllFeatures()
        made.enabledFeatures.pop("MCC", None)
    for feature in features:
        made.enableFeatureByName(feature)
    return made


def pyradiomics_extractor(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]
) -> tuple[Any, Any, Any]:
    """Return the extractor that its users call, with image and mask to give it.

    It refuses a mask without an outside, so that both get a border of one pixel.
    """
    module = pytest.importorskip(
        "radiomics.featureextractor", reason="pyradiomics is not installed"
    )
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = module.RadiomicsFeatureExtractor(binWidth=8, force2D=True)
    extractor.disableAllFeatures()
    for family in CLASSES:
        extractor.enableFeatureClassByName(family)
    return extractor, *images(np.pad(gray, 1), np.pad(mask, 1))


def images(gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
    """Return gray levels and mask as SimpleITK's images of one slice."""
    sitk = pytest.importorskip("SimpleITK", reason="pyradiomics is not installed")
    return (
        sitk.GetImageFromArray(gray[None].astype(np.int32)),
        sitk.GetImageFromArray(mask[None].astype(np.uint8)),
    )
