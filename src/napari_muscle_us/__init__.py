"""Quantitative muscle ultrasound: ROI, echo intensity, Z-score, results.

The public names are loaded on first use, so importing the package is cheap and
brings in neither napari nor Qt.

Examples
--------
>>> import napari_muscle_us as mus
>>> sample = mus.simulate_muscle("transverse_healthy")
>>> roi = mus.Polygon(sample.muscle_outline, name="BB", muscle=sample.muscle)
>>> mask = mus.roi_mask(roi, sample.gray.shape)
>>> mus.measure_intensity(sample.gray, mask).n == mask.sum()
np.True_
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_muscle_us.device.acceptance import check_frame as check_frame
    from napari_muscle_us.device.ruler import read_depth_ruler as read_depth_ruler
    from napari_muscle_us.errors import MuscleUSError as MuscleUSError
    from napari_muscle_us.errors import MuscleUSWarning as MuscleUSWarning
    from napari_muscle_us.gray import gray_from_rgb as gray_from_rgb
    from napari_muscle_us.image import Calibration as Calibration
    from napari_muscle_us.image import Device as Device
    from napari_muscle_us.image import Person as Person
    from napari_muscle_us.image import UltrasoundImage as UltrasoundImage
    from napari_muscle_us.io.deidentify import deidentify_dicom as deidentify_dicom
    from napari_muscle_us.io.deidentify import (
        preview_deidentified as preview_deidentified,
    )
    from napari_muscle_us.io.imagej import read_imagej_rois as read_imagej_rois
    from napari_muscle_us.io.read import read_image as read_image
    from napari_muscle_us.io.tables import read_results as read_results
    from napari_muscle_us.io.tables import write_results as write_results
    from napari_muscle_us.io.write_raster import write_png as write_png
    from napari_muscle_us.io.write_raster import write_tiff as write_tiff
    from napari_muscle_us.measure.intensity import (
        measure_intensity as measure_intensity,
    )
    from napari_muscle_us.reference.load import load_reference as load_reference
    from napari_muscle_us.roi.rasterize import roi_mask as roi_mask
    from napari_muscle_us.roi.shapes import Ellipse as Ellipse
    from napari_muscle_us.roi.shapes import Polygon as Polygon
    from napari_muscle_us.roi.shapes import Rectangle as Rectangle
    from napari_muscle_us.rows import measure_rois as measure_rois
    from napari_muscle_us.samples import sample_image as sample_image
    from napari_muscle_us.simulate import simulate_muscle as simulate_muscle
    from napari_muscle_us.study.scan import scan_study as scan_study
    from napari_muscle_us.verify import verify_results as verify_results

_PUBLIC = {
    "Calibration": "image",
    "Device": "image",
    "Ellipse": "roi.shapes",
    "MuscleUSError": "errors",
    "MuscleUSWarning": "errors",
    "Person": "image",
    "Polygon": "roi.shapes",
    "Rectangle": "roi.shapes",
    "UltrasoundImage": "image",
    "check_frame": "device.acceptance",
    "deidentify_dicom": "io.deidentify",
    "gray_from_rgb": "gray",
    "load_reference": "reference.load",
    "measure_intensity": "measure.intensity",
    "measure_rois": "rows",
    "preview_deidentified": "io.deidentify",
    "read_depth_ruler": "device.ruler",
    "read_image": "io.read",
    "read_imagej_rois": "io.imagej",
    "read_results": "io.tables",
    "roi_mask": "roi.rasterize",
    "sample_image": "samples",
    "scan_study": "study.scan",
    "simulate_muscle": "simulate",
    "verify_results": "verify",
    "write_png": "io.write_raster",
    "write_results": "io.tables",
    "write_tiff": "io.write_raster",
}

__all__ = ["__version__", *sorted(_PUBLIC)]
__version__ = version("napari-muscle-us")


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
