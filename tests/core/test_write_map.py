"""Maps that are written: every value, the scale, and how they came about."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.write_map import refuse_other_map, write_map

VALUES = np.array([[np.nan, 1 / 3, -1e-30], [7.25, 3e38, 0.0]], np.float32)
INFO = {"feature": "contrast", "window_px": [31, 15], "image": "Bauch ä.png"}


def test_a_map_keeps_every_bit_the_scale_and_its_story(tmp_path):
    path = tmp_path / "map.tif"
    write_map(path, VALUES, name="contrast", spacing_mm=(0.0616, 0.0291), info=INFO)
    with tifffile.TiffFile(path) as tiff:
        tags = {tag.name: tag.value for tag in tiff.pages[0].tags.values()}
        kept, told = tiff.asarray(), tiff.imagej_metadata
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept.view(np.uint32), VALUES.view(np.uint32))
    assert told["unit"] == "mm"
    assert told["map"] == "contrast"
    assert json.loads(told["Info"]) == INFO
    across, down = (np.divide(*tags[f"{axis}Resolution"]) for axis in "XY")
    np.testing.assert_allclose([1 / down, 1 / across], [0.0616, 0.0291], rtol=1e-6)


def test_without_spacing_there_is_no_scale(tmp_path):
    path = tmp_path / "map.tif"
    write_map(path, VALUES)
    with tifffile.TiffFile(path) as tiff:
        assert "unit" not in tiff.imagej_metadata
        assert tiff.pages[0].resolution == (1, 1)


@pytest.mark.parametrize(
    ("values", "options", "told"),
    [
        (VALUES.astype(float), {}, "float64"),
        (VALUES[0], {}, r"\(3,\)"),
        (np.zeros((0, 4), np.float32), {}, r"\(0, 4\)"),
        (VALUES, {"spacing_mm": (0.1, 0.0)}, "0.0"),
        (VALUES, {"spacing_mm": (0.1, float("nan"))}, "nan"),
        (VALUES, {"spacing_mm": 3}, "3"),
        (VALUES, {"name": "two\nlines"}, "two"),
        (VALUES, {"info": {"value": float("nan")}}, "JSON"),
        (VALUES, {"info": {"value": object()}}, "JSON"),
    ],
    ids=["double", "1-d", "empty", "zero", "nan", "number", "name", "info", "object"],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, values, options, told):
    path = tmp_path / "map.tif"
    path.write_bytes(b"old")
    with pytest.raises(ResultsError, match=told):
        write_map(path, values, **options)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["map.tif"]


def test_only_a_map_may_be_replaced(tmp_path):
    picture, old, empty = (tmp_path / n for n in ("a.tif", "b.tif", "c.tif"))
    tifffile.imwrite(picture, np.zeros((9, 9), np.uint8), software="napari-muscle-us")
    with pytest.raises(ResultsError, match=r"a\.tif.*no map of ours"):
        refuse_other_map(picture)
    write_map(old, VALUES, name="sd", info=INFO)
    empty.touch()
    for path in (old, empty, tmp_path / "new.tif"):
        refuse_other_map(path)


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(ResultsError, match="folder"):
        write_map(tmp_path / "nowhere" / "map.tif", VALUES)
