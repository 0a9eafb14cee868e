"""napari's reader: ultrasound DICOM, pictures, clips, and folders as studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari._layers import layer_data, remember_file
from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.read import is_study, looks_readable, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.study.model import Study

LayerData = tuple[Any, dict[str, Any], str]

_MOST_NOTES: Final = 4


def get_reader(
    path: str | Path | Sequence[str | Path],
) -> Callable[[Any], list[LayerData]] | None:
    """Return a reader for ultrasound files and folders of them, else ``None``.

    Never raises. A file with an ending of ours is not opened here: the reader itself
    says what is wrong with it. Others are recognised by their content.
    """
    paths = [Path(p) for p in _as_list(path)]
    if not paths or not all(p.is_dir() or looks_readable(p) for p in paths):
        return None
    return read_layers


def read_layers(path: str | Path | Sequence[str | Path]) -> list[LayerData]:
    """Return one Image layer a file; of a folder the first image of the study.

    Raises
    ------
    ImageReadError
        If a file is not a readable ultrasound image, or a folder holds none.
    """
    layers = []
    for file in map(Path, _as_list(path)):
        layers.append(layer_of(_open_study(file) if is_study(file) else _open(file)))
    return layers


def layer_of(image: UltrasoundImage) -> LayerData:
    """Return an image as layer data, and tell its caveats."""
    from napari.utils.notifications import show_info

    for sentence in image.warnings[:_MOST_NOTES]:
        show_info(f"{image.name}: {sentence}")
    if isinstance(image.digest, FileDigest):
        # So that it is there when the first row is written.
        image.digest.start()
    if image.is_clip:
        _session()
    return layer_data(image)


def _open(path: Path) -> UltrasoundImage:
    image = read_image(path)
    remember_file(image, path)
    return image


def _open_study(path: Path) -> UltrasoundImage:
    """Scan a folder, hand the list to the panels, return the first image."""
    from napari.utils import progress
    from napari.utils.notifications import show_info

    from napari_muscle_us.study.scan import scan_study

    with progress(desc=f"Reading {path.name}") as bar:
        study = scan_study(path, progress=lambda *now: _advance(bar, *now))
    image = _first_image(study, path)
    show_info(study_text(study))
    session = _session()
    if session is not None:
        session.set_study(study)
    return image


def _advance(bar: Any, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _first_image(study: Study, path: Path) -> UltrasoundImage:
    problem: ImageReadError | None = None
    for series in study.series:
        for item in series.items:
            try:
                return _open(item.path)
            except ImageReadError as error:
                problem = error
    if problem is not None:
        raise problem
    raise ImageReadError(
        f"The folder {path.name!r} holds no ultrasound image ({len(study.skipped)} "
        "files were looked at); open the folder that the scanner wrote."
    )


def study_text(study: Study) -> str:
    """Return what a study holds, in a sentence or two."""
    images = sum(len(series.items) for series in study.series)
    text = f"Study: {images} images in {len(study.series)} series."
    if study.skipped:
        text += f" {len(study.skipped)} other files were skipped."
    return " ".join((text, *study.warnings, "The panel Acquisition lists them."))


def _session() -> Any | None:
    """Return the session of the viewer that reads, if there is one."""
    import napari

    from napari_muscle_us._napari._session import session_of

    viewer = napari.current_viewer()
    return None if viewer is None else session_of(viewer)


def _as_list(path: Any) -> list[str | Path]:
    return [path] if isinstance(path, str | Path) else list(path)
