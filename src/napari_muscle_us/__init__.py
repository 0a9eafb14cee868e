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
    from napari_muscle_us.architecture_results import (
        architecture_rows as architecture_rows,
    )
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
    from napari_muscle_us.io.imagej import read_imagej_entries as read_imagej_entries
    from napari_muscle_us.io.imagej import read_imagej_rois as read_imagej_rois
    from napari_muscle_us.io.imagej_write import write_imagej_rois as write_imagej_rois
    from napari_muscle_us.io.read import read_image as read_image
    from napari_muscle_us.io.spreadsheet import read_spreadsheet as read_spreadsheet
    from napari_muscle_us.io.tables import read_results as read_results
    from napari_muscle_us.io.tables import write_results as write_results
    from napari_muscle_us.io.write_raster import write_png as write_png
    from napari_muscle_us.io.write_raster import write_tiff as write_tiff
    from napari_muscle_us.measure.anisotropy.aponeurosis import (
        Aponeurosis as Aponeurosis,
    )
    from napari_muscle_us.measure.anisotropy.aponeurosis import (
        find_aponeuroses as find_aponeuroses,
    )
    from napari_muscle_us.measure.anisotropy.fascicle import (
        fascicle_direction as fascicle_direction,
    )
    from napari_muscle_us.measure.anisotropy.orientation import (
        compute_orientation_map as compute_orientation_map,
    )
    from napari_muscle_us.measure.anisotropy.pennation import (
        measure_architecture as measure_architecture,
    )
    from napari_muscle_us.measure.anisotropy.roi import (
        measure_anisotropy as measure_anisotropy,
    )
    from napari_muscle_us.measure.anisotropy.settings import (
        AnisotropySettings as AnisotropySettings,
    )
    from napari_muscle_us.measure.fat_correction import FatCorrection as FatCorrection
    from napari_muscle_us.measure.intensity import (
        measure_intensity as measure_intensity,
    )
    from napari_muscle_us.measure.texture.maps import (
        compute_texture_map as compute_texture_map,
    )
    from napari_muscle_us.measure.texture.measure import (
        measure_texture as measure_texture,
    )
    from napari_muscle_us.measure.texture.settings import (
        TextureSettings as TextureSettings,
    )
    from napari_muscle_us.measure.time_course import (
        measure_time_course as measure_time_course,
    )
    from napari_muscle_us.measure_options import MeasureOptions as MeasureOptions
    from napari_muscle_us.reference.batch import z_scores as z_scores
    from napari_muscle_us.reference.conversion.conversion_file import (
        load_conversion as load_conversion,
    )
    from napari_muscle_us.reference.conversion.conversion_file import (
        write_conversion as write_conversion,
    )
    from napari_muscle_us.reference.conversion.conversion_fit import (
        fit_conversion as fit_conversion,
    )
    from napari_muscle_us.reference.examination.decision_rule import decide as decide
    from napari_muscle_us.reference.examination.examination import examine as examine
    from napari_muscle_us.reference.examination.follow_up import follow_up as follow_up
    from napari_muscle_us.reference.fitting.fit import fit_reference as fit_reference
    from napari_muscle_us.reference.fitting.fit import (
        reference_from_fit as reference_from_fit,
    )
    from napari_muscle_us.reference.fitting.fit_report import (
        write_fit_report as write_fit_report,
    )
    from napari_muscle_us.reference.fitting.fit_types import FitOptions as FitOptions
    from napari_muscle_us.reference.harmonising.harmonise import combat as combat
    from napari_muscle_us.reference.harmonising.harmonise import (
        harmonise_table as harmonise_table,
    )
    from napari_muscle_us.reference.importers import (
        import_reference as import_reference,
    )
    from napari_muscle_us.reference.load import load_reference as load_reference
    from napari_muscle_us.reference.look_up import look_up as look_up
    from napari_muscle_us.reference.people.people_table import (
        join_people as join_people,
    )
    from napari_muscle_us.reference.people.people_table import (
        tidy_people as tidy_people,
    )
    from napari_muscle_us.reference.subject import Subject as Subject
    from napari_muscle_us.reference.write import write_reference as write_reference
    from napari_muscle_us.roi.boolean import intersect as intersect
    from napari_muscle_us.roi.boolean import subtract as subtract
    from napari_muscle_us.roi.boolean import union as union
    from napari_muscle_us.roi.composite import Composite as Composite
    from napari_muscle_us.roi.edit import grow_roi as grow_roi
    from napari_muscle_us.roi.entries import RoiEntry as RoiEntry
    from napari_muscle_us.roi.livewire import snap_outline as snap_outline
    from napari_muscle_us.roi.open_shapes import Points as Points
    from napari_muscle_us.roi.open_shapes import Polyline as Polyline
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
    "AnisotropySettings": "measure.anisotropy.settings",
    "Aponeurosis": "measure.anisotropy.aponeurosis",
    "Calibration": "image",
    "Composite": "roi.composite",
    "Device": "image",
    "Ellipse": "roi.shapes",
    "FatCorrection": "measure.fat_correction",
    "FitOptions": "reference.fitting.fit_types",
    "MeasureOptions": "measure_options",
    "MuscleUSError": "errors",
    "MuscleUSWarning": "errors",
    "Person": "image",
    "Points": "roi.open_shapes",
    "Polygon": "roi.shapes",
    "Polyline": "roi.open_shapes",
    "Rectangle": "roi.shapes",
    "RoiEntry": "roi.entries",
    "Subject": "reference.subject",
    "TextureSettings": "measure.texture.settings",
    "UltrasoundImage": "image",
    "architecture_rows": "architecture_results",
    "check_frame": "device.acceptance",
    "combat": "reference.harmonising.harmonise",
    "compute_orientation_map": "measure.anisotropy.orientation",
    "compute_texture_map": "measure.texture.maps",
    "decide": "reference.examination.decision_rule",
    "deidentify_dicom": "io.deidentify",
    "examine": "reference.examination.examination",
    "fascicle_direction": "measure.anisotropy.fascicle",
    "find_aponeuroses": "measure.anisotropy.aponeurosis",
    "fit_conversion": "reference.conversion.conversion_fit",
    "fit_reference": "reference.fitting.fit",
    "follow_up": "reference.examination.follow_up",
    "gray_from_rgb": "gray",
    "grow_roi": "roi.edit",
    "harmonise_table": "reference.harmonising.harmonise",
    "import_reference": "reference.importers",
    "intersect": "roi.boolean",
    "join_people": "reference.people.people_table",
    "load_conversion": "reference.conversion.conversion_file",
    "load_reference": "reference.load",
    "look_up": "reference.look_up",
    "measure_anisotropy": "measure.anisotropy.roi",
    "measure_architecture": "measure.anisotropy.pennation",
    "measure_intensity": "measure.intensity",
    "measure_rois": "rows",
    "measure_texture": "measure.texture.measure",
    "measure_time_course": "measure.time_course",
    "preview_deidentified": "io.deidentify",
    "read_depth_ruler": "device.ruler",
    "read_image": "io.read",
    "read_imagej_entries": "io.imagej",
    "read_imagej_rois": "io.imagej",
    "read_results": "io.tables",
    "read_spreadsheet": "io.spreadsheet",
    "reference_from_fit": "reference.fitting.fit",
    "roi_mask": "roi.rasterize",
    "sample_image": "samples",
    "scan_study": "study.scan",
    "simulate_muscle": "simulate",
    "snap_outline": "roi.livewire",
    "subtract": "roi.boolean",
    "tidy_people": "reference.people.people_table",
    "union": "roi.boolean",
    "verify_results": "verify",
    "write_conversion": "reference.conversion.conversion_file",
    "write_fit_report": "reference.fitting.fit_report",
    "write_imagej_rois": "io.imagej_write",
    "write_png": "io.write_raster",
    "write_reference": "reference.write",
    "write_results": "io.tables",
    "write_tiff": "io.write_raster",
    "z_scores": "reference.batch",
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
