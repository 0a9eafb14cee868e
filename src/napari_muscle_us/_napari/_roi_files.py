"""ImageJ's ROI files in napari: dropped onto an image, and written by File › Save."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import napari
from napari.layers import Shapes
from napari.utils import notifications

from napari_muscle_us._napari import _pairs, _roi_edits, _roi_rows
from napari_muscle_us._napari._points_layer import points_on
from napari_muscle_us._napari._roi_store import RoiStore
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.errors import MuscleUSError, MuscleUSWarning, RoiError
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.io.imagej_write import write_imagej_rois

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.entries import RoiEntry

SUFFIXES: Final = (".roi", ".zip")
NO_LAYER: Final = [(None,)]
_MOST_LOOKED_AT: Final = 2000
_MOST_NOTES: Final = 4


def get_roi_reader(
    path: str | Path | Sequence[str | Path],
) -> Callable[[Any], list[Any]] | None:
    """Return a reader for ImageJ's ``.roi`` and RoiSet ``.zip``, else ``None``.

    Never raises. Other archives are left to other readers.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if paths and all(_looks_like_rois(Path(p)) for p in paths):
        return read_rois
    return None


def read_rois(path: str | Path | Sequence[str | Path]) -> list[Any]:
    """Put the regions of ROI files onto the current image; no layer is returned.

    What is wrong with a file is shown: napari would wrap the sentence in a page about
    plugins, and leave the other files aside.

    Raises
    ------
    RoiError
        If there is no viewer.
    """
    viewer = napari.current_viewer()
    paths = [path] if isinstance(path, str | Path) else list(path)
    if viewer is None:
        raise RoiError("There is no viewer; open the image in napari first.")
    for file in paths:
        try:
            load_rois(session_of(viewer), Path(file))
        except MuscleUSError as error:
            notifications.show_error(str(error))
    return NO_LAYER


def load_rois(session: Session, path: Path) -> int:
    """Add the regions of a file to the current image; return how many.

    Raises
    ------
    RoiError
        If no image is open, or the file holds no region.
    """
    if session.image_layer is None:
        raise RoiError(
            f"Open the image first, then drop {path.name!r} onto it: the ROIs lie on "
            "its pixels."
        )
    session.image()
    read = read_imagej_entries(path)
    add_entries(session, read.entries, f"loading {path.name}")
    for sentence in read.left_out[:_MOST_NOTES]:
        notifications.show_warning(f"{path.name}: {sentence}")
    if len(read.left_out) > _MOST_NOTES:
        notifications.show_warning(
            f"{path.name}: {len(read.left_out) - _MOST_NOTES} more were left out."
        )
    notifications.show_info(f"{len(read.entries)} ROIs of {path.name} loaded.")
    return len(read.entries)


def add_entries(session: Session, entries: Sequence[RoiEntry], label: str) -> None:
    """Add entries to the current image: areas and lines as shapes, points apart."""
    _roi_edits.add(session, entries, label)


def save_rois(session: Session, path: str | Path) -> Path:
    """Write the regions, lines and points of the current image for ImageJ.

    Those with keyframes are written as they lie on the shown frame.

    Raises
    ------
    RoiError
        If there are none, or the suffix is neither .roi nor .zip.
    """
    entries = _shown(session.rois.stored())
    if session.image_layer is not None:
        entries += points_on(session.viewer, session.image_layer)
    _write(Path(path), entries)
    return Path(path)


def _shown(stored: Sequence[StoredRoi]) -> list[RoiEntry]:
    return [s.entry for s in stored if s.entry is not None and s.row[_roi_rows.KEY]]


def _write(path: Path, entries: Sequence[RoiEntry]) -> None:
    """Write a file, and tell what it could not hold."""
    with warnings.catch_warnings(record=True) as caught:
        # Python would tell each only once, and napari not at all.
        warnings.simplefilter("always", MuscleUSWarning)
        write_imagej_rois(path, entries)
    for warning in caught:
        if issubclass(warning.category, MuscleUSWarning):
            notifications.show_warning(str(warning.message))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def write_rois(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Shapes layer as ImageJ's ``.roi`` or ``.zip`` (napari's writer).

    Raises
    ------
    RoiError
        If the layer is on no image, or holds no region.
    """
    viewer = napari.current_viewer()
    layer = _layer_named(viewer, str(attributes.get("name", "")))
    if viewer is None or layer is None:
        raise RoiError("The layer is in no viewer; save it from napari's window.")
    session = session_of(viewer)
    if layer is session.roi_layer:
        return [str(save_rois(session, path))]
    image_layer = _pairs.image_for(viewer, layer, session.image_layer)
    if image_layer is None:
        raise RoiError(
            f"Layer {layer.name!r} lies on no image that is open, so its pixels are "
            "not known; open its image."
        )
    stored = RoiStore.of(layer).read(image_layer, session.frame)
    _write(Path(path), _shown(stored))
    return [path]


def _layer_named(viewer: Any, name: str) -> Shapes | None:
    if viewer is None:
        return None
    layers = (x for x in viewer.layers if isinstance(x, Shapes) and x.name == name)
    return next(layers, None)


def _looks_like_rois(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix == ".roi":
        return True
    if suffix != ".zip":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:_MOST_LOOKED_AT]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        # Said by the reader, in words: napari's own would be about a missing plugin.
        return path.is_file()
    return any(name.lower().endswith(".roi") for name in names)
