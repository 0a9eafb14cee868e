"""An empty viewer, and a way to open a file in it as napari's reader does."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as Picture

from napari_muscle_us._napari._readers import read_layers
from tests.core.conftest import dicom_bytes


@pytest.fixture
def viewer():
    model = ViewerModel()
    yield model
    model.layers.clear()


@pytest.fixture
def open_file(viewer, tmp_path):
    """Return a function that writes a data set or a picture and opens the file."""

    def write(content, name="scan.dcm"):
        path = tmp_path / name
        if isinstance(content, np.ndarray):
            Picture.fromarray(content).save(path)
        else:
            path.write_bytes(dicom_bytes(content))
        ((data, attributes, _),) = read_layers(path)
        return viewer.add_image(data, **attributes)

    return write
