"""Regenerate the digests of a thousand random regions of each kind, beside this script.

ImageJ's own classes measure the regions of ``tests/core/random_rois.py``, without a
display, on three images. Run it from the root of the repository::

    python -m tests.golden.make_imagej_truth

It needs ImageJ 1.53t and a Java development kit, for example from Debian 12::

    apt-get install imagej default-jdk-headless

What the files contain is told in SOURCES.md.
"""

from __future__ import annotations

import base64
import json
import logging
import tempfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.core.imagej_java import find_jar, run_imagej
from tests.core.random_rois import HEIGHT, WIDTH, Parts, random_rois, to_bytes

LOGGER = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
JAVA_SOURCE = HERE / "ImageJTruth.java"
MAX_FILE_BYTES = 20_000
IMAGES = ("gray", "imagej", "luma601")
STATISTICS = ("mean", "sd", "min", "max", "mode", "median", "skewness", "kurtosis")
FILES = {
    "boxes": ("rect_integer", "rect_fractional", "rotated_rect"),
    "ovals": ("oval_integer", "oval_fractional", "ellipse"),
    "polygons": ("polygon_integer", "polygon_half", "polygon_float"),
    "outlines": ("freehand_integer", "freehand_float", "traced"),
    "composites": ("composite",),
}
RECORD = np.dtype(
    [("n", "<i4"), ("mask_crc32", "<u4"), ("histogram_crc32", "<u4")]
    + [(name, "<f8") for name in STATISTICS]
)
NO_MASK = zlib.crc32(bytes(HEIGHT * WIDTH))
NO_HISTOGRAM = zlib.crc32(bytes(4 * 256))


def measure_with_imagej(
    rois: dict[str, list[Parts]], folder: Path
) -> tuple[list[str], dict[str, npt.NDArray[np.void]]]:
    """Measure regions with ImageJ, all in one Java process.

    Parameters
    ----------
    rois : dict of str to list
        Regions of each kind.
    folder : pathlib.Path
        Place for the files between the two programs.

    Returns
    -------
    about : list of str
        ImageJ's version and the CRC-32 of each of its images.
    records : dict of str to ndarray of `RECORD`, shape (regions, images)
        What ImageJ measured. Where a region has no size, ImageJ would measure the
        whole image; there n is −1 and nothing is told.
    """
    specification, answer = folder / "rois.bin", folder / "records.bin"
    pieces = [to_bytes(place, some) for place, some in enumerate(rois.values())]
    specification.write_bytes(b"".join(pieces))
    printed = run_imagej(JAVA_SOURCE, specification, answer, *rois)
    records = np.fromfile(answer, RECORD).reshape(-1, len(IMAGES))
    ends = np.cumsum([len(some) for some in rois.values()])
    if ends[-1] != len(records):
        raise ValueError(f"{ends[-1]} regions asked, {len(records)} answered")
    return printed.split(), dict(zip(rois, np.split(records, ends[:-1]), strict=True))


def digests(
    mask_crc32: npt.NDArray[np.uint32], histogram_crc32: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return one CRC-32 a region, of its mask and of its histogram on each image.

    Parameters
    ----------
    mask_crc32 : ndarray of uint32, shape (regions,)
        CRC-32 of each whole-image mask, 1 inside and 0 outside.
    histogram_crc32 : ndarray of uint32, shape (regions, images)
        CRC-32 of each histogram, 256 little-endian 32-bit counts.

    Returns
    -------
    ndarray of uint32, shape (regions,)
        CRC-32 of these numbers, each little-endian and 4 bytes long.
    """
    rows = np.column_stack([mask_crc32, histogram_crc32]).astype("<u4")
    return np.array([zlib.crc32(row.tobytes()) for row in rows], "<u4")


def read_digests(kind: str) -> tuple[int, npt.NDArray[np.uint32]]:
    """Return the CRC-32 of the regions of a kind, and the digest of each."""
    name = next(name for name, kinds in FILES.items() if kind in kinds)
    for line in file_of(name).read_text("ascii").splitlines():
        entry = json.loads(line)
        if entry["kind"] == kind:
            digest = base64.b85decode(entry["digests"])
            return entry["rois_crc32"], np.frombuffer(digest, "<u4")
    raise KeyError(kind)


def file_of(name: str) -> Path:
    """Return the place of a golden file."""
    return HERE / f"imagej_truth_{name}.jsonl"


def specification_crc32(rois: list[Parts]) -> int:
    """Return the CRC-32 that tells whether these are the regions of a golden file."""
    return zlib.crc32(to_bytes(0, rois))


def main() -> None:
    """Measure all regions and write the files."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if find_jar() is None:
        raise SystemExit("ImageJ or a Java development kit is not installed")
    rois = {kind: random_rois(kind) for kinds in FILES.values() for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        about, records = measure_with_imagej(rois, Path(folder))
    LOGGER.info("ImageJ %s", about[0])
    for name, kinds in FILES.items():
        lines = []
        for kind in kinds:
            some = records[kind]
            measured = some["n"] >= 0
            mask = np.where(measured, some["mask_crc32"], NO_MASK)[:, 0]
            histogram = np.where(measured, some["histogram_crc32"], NO_HISTOGRAM)
            entry = {
                "kind": kind,
                "rois_crc32": specification_crc32(rois[kind]),
                "digests": base64.b85encode(digests(mask, histogram)).decode("ascii"),
            }
            lines.append(json.dumps(entry, separators=(",", ":")) + "\n")
        text = "".join(lines)
        if len(text) > MAX_FILE_BYTES:
            raise SystemExit(f"{name}: {len(text)} bytes are too many")
        file_of(name).write_text(text, "ascii")
        LOGGER.info("%s: %d bytes", file_of(name).name, len(text))


if __name__ == "__main__":
    main()
