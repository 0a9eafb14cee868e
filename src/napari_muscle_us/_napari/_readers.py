"""napari's reader: ultrasound DICOM and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us.io.read import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(
    path: str | Path | Sequence[str | Path],
) -> Callable[[Any], list[LayerData]] | None:
    """Return a reader for ultrasound files, ``None`` for folders.

    Never raises and does not open the file: the reader itself says what is wrong.
    """
    paths = _as_list(path)
    if not paths or any(Path(p).is_dir() for p in paths):
        return None
    return read_layers


def read_layers(path: str | Path | Sequence[str | Path]) -> list[LayerData]:
    """Return one Image layer a file.

    Raises
    ------
    ImageReadError
        If a file is not a readable ultrasound image.
    """
    from napari.utils.notifications import show_info

    layers = []
    for file in _as_list(path):
        image = read_image(file)
        for sentence in image.warnings:
            show_info(f"{image.name}: {sentence}")
        layers.append(layer_data(image))
    return layers


def _as_list(path: Any) -> list[str | Path]:
    return [path] if isinstance(path, str | Path) else list(path)
