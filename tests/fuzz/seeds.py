"""Small files of every kind that is read, for the fuzzer to damage.

They are made here, the same ones each time; real files are added where they lie on the
disk. Wherever a format has a place for a name or a comment, `MARKER` stands there: it
must never come out again.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, PngImagePlugin
from pydicom.datadict import tag_for_keyword

from tests.core import dicom_factory as make
from tests.fuzz import reference_seeds, roi_seeds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
GOLDEN = ROOT / "tests" / "golden"

MARKER = "Zzmarker"
MAX_REAL_BYTES = 1_000_000

ROWS, COLUMNS = 24, 36
Y, X = np.mgrid[:ROWS, :COLUMNS]
GRAYS = [((7 * X + 3 * Y + 60 * i) % 256).astype(np.uint8) for i in range(4)]
RGBS = [np.stack([g, g, np.minimum(g, 250 - i)], axis=-1) for i, g in enumerate(GRAYS)]
DEEPS = [((70 * X + 31 * Y + 900 * i) % 4096).astype(np.uint16) for i in range(4)]

PERSONAL = {
    "PatientName": f"{MARKER}^Anna",
    "PatientID": f"{MARKER}-1",
    "PatientBirthDate": "19010203",
    "OtherPatientIDs": f"{MARKER}-2",
    "PatientAddress": f"{MARKER} street",
    "InstitutionName": f"{MARKER} hospital",
    "OperatorsName": f"{MARKER}^Olga",
    "ReferringPhysicianName": f"{MARKER}^Karl",
    "StudyDescription": f"{MARKER} study",
    "StationName": MARKER,
    "AccessionNumber": MARKER,
}
SCANNER = {
    "Manufacturer": "ESAOTE",
    "ManufacturerModelName": "6100",
    "StudyDate": "20200102",
    "StudyTime": "101112",
    "AcquisitionTime": "101115.25",
    "PatientAge": "058Y",
    "PatientSex": "F",
    "PatientSize": "1.71",
    "PatientWeight": "70",
    "MechanicalIndex": "0.9",
    "DepthOfScanField": "40",
    "StudyInstanceUID": "1.2.3.5",
    "SeriesInstanceUID": "1.2.3.6",
    "SeriesNumber": "3",
    "InstanceNumber": "7",
}


@dataclass(frozen=True)
class Seed:
    """A file to start from.

    `kind` tells how to damage it and what reads it; a ``study`` is a zip archive whose
    entries are the files of a folder.
    """

    name: str
    kind: str
    content: bytes


def make_seeds(*, real: bool) -> list[Seed]:
    """Return all seeds, with the real files that are there if asked for."""
    found = [
        *_dicom(),
        *_pictures(),
        *_gifs(),
        *_tiffs(),
        *_videos(),
        *_rois(),
        *_studies(),
        *reference_seeds.reference_seeds(),
    ]
    return [*found, *_real()] if real else found


# DICOM

_REGION = {
    "RegionSpatialFormat": 1,
    "RegionDataType": 1,
    "RegionFlags": 2,
    "RegionLocationMinX0": 0,
    "RegionLocationMinY0": 0,
    "RegionLocationMaxX1": COLUMNS - 1,
    "RegionLocationMaxY1": ROWS - 1,
    "PhysicalUnitsXDirection": 3,
    "PhysicalUnitsYDirection": 3,
    "ReferencePixelPhysicalValueX": 0.0,
    "ReferencePixelPhysicalValueY": 0.0,
    "PhysicalDeltaX": 0.01,
    "PhysicalDeltaY": 0.02,
    "TransducerFrequency": 10000,
}
_ECG = {"RegionSpatialFormat": 4, "RegionDataType": 10, "PhysicalUnitsXDirection": 4}
_M_MODE = {"RegionSpatialFormat": 2, "PhysicalUnitsXDirection": 4}
_BAR = {"RegionDataType": 13, "PhysicalUnitsYDirection": 1}


def regions(*changes: dict[str, Any], syntax: str = make.EXPLICIT) -> bytes:
    """Return the value of SequenceOfUltrasoundRegions."""
    return b"".join(item(_REGION | change, syntax) for change in changes)


def item(tags: dict[str, Any], syntax: str = make.EXPLICIT) -> bytes:
    """Return an item of a sequence with its length."""
    order = ">" if syntax == make.BIG else "<"
    if "RegionFlags" in tags:
        signed = {"ReferencePixelX0": 10, "ReferencePixelY0": 0}
        tags = tags | {k: struct.pack(f"{order}i", v) for k, v in signed.items()}
    body = b"".join(
        make.element(k, tags[k], syntax=syntax)
        for k in sorted(tags, key=lambda k: int(tag_for_keyword(k) or 0))
    )
    return struct.pack(f"{order}HHI", 0xFFFE, 0xE000, len(body)) + body


def _header(syntax: str, *parts: dict[str, Any], **tags: Any) -> dict[str, Any]:
    sequence = regions(*(parts or ({},)), syntax=syntax)
    return PERSONAL | SCANNER | {"SequenceOfUltrasoundRegions": sequence} | tags


def _dicom() -> Iterator[Seed]:
    seed = partial(Seed, kind="dicom")
    for name, syntax in (
        ("explicit", make.EXPLICIT),
        ("implicit", make.IMPLICIT),
        ("big", make.BIG),
        ("deflated", make.DEFLATED),
    ):
        tags = _header(syntax)
        for count, word in ((1, "still"), (3, "clip")):
            timed = tags | ({"FrameTime": "40"} if count > 1 else {})
            content = make.native(syntax, GRAYS[:count], "MONOCHROME2", **timed)
            yield seed(f"{name}-{word}", content=content)
        content = make.native(syntax, RGBS[:2], "RGB", FrameTime="40", **tags)
        yield seed(f"{name}-rgb", content=content)
    yield from _dicom_variants()
    yield from _dicom_compressed()


def _dicom_variants() -> Iterator[Seed]:
    explicit = make.EXPLICIT
    native = partial(make.native, explicit)
    window = {"BitsStored": 12, "HighBit": 11, "WindowCenter": "2048"}
    window |= {"WindowWidth": "4096", "RescaleSlope": "1", "RescaleIntercept": "0"}
    ramp = {
        f"{c}PaletteColorLookupTable{part}": value
        for c in ("Red", "Green", "Blue")
        for part, value in (
            ("Descriptor", ("US", [256, 0, 16])),
            ("Data", ("OW", struct.pack("<256H", *range(0, 65536, 256)))),
        )
    }
    segmented = {k: v for k, v in ramp.items() if k.endswith("Descriptor")}
    segments = struct.pack("<8H", 0, 2, 0, 300, 1, 254, 65535, 0)
    for colour in ("Red", "Green", "Blue"):
        keyword = f"Segmented{colour}PaletteColorLookupTableData"
        segmented[keyword] = ("OW", segments)
    tags = _header(explicit)
    pair = _header(explicit, {"RegionLocationMaxX1": 17}, {"RegionLocationMinX0": 18})
    mixed = _header(explicit, {}, _ECG, _M_MODE, _BAR, {"RegionDataType": 2})
    spaced = PERSONAL | {"PixelSpacing": "0.2\\0.1", "CineRate": "25"}
    timed = {"FrameTimeVector": "0\\40\\40", "FrameIncrementPointer": b"\x18\0\x65\x10"}
    ybr = [np.full((ROWS, COLUMNS, 3), 128, np.uint8) for _ in range(2)]
    half = b"".join(
        struct.pack("4B", 10, 20, 128, 128) * (ROWS * COLUMNS // 2) for _ in range(2)
    )
    made = {
        "palette": native(GRAYS[:2], "PALETTE COLOR", **tags, **ramp),
        "segmented": native(GRAYS[:1], "PALETTE COLOR", **tags, **segmented),
        "window": native(DEEPS[:2], "MONOCHROME2", **tags, **window),
        "inverse": native(DEEPS[:1], "MONOCHROME1", **tags, **window),
        "ybr": native(ybr, "YBR_FULL", **tags),
        "ybr-422": make.dicom_file(
            explicit,
            half,
            **(make.header((ROWS, COLUMNS, 3), "YBR_FULL_422", frames=2) | tags),
        ),
        "two-regions": native(GRAYS[:1], "MONOCHROME2", **pair),
        "many-regions": native(GRAYS[:2], "MONOCHROME2", **mixed),
        "spacing": native(GRAYS[:2], "MONOCHROME2", **spaced),
        "times": native(GRAYS[:3], "MONOCHROME2", **tags, **timed),
        "enhanced": native(GRAYS[:2], "MONOCHROME2", **PERSONAL, **_groups()),
    }
    for name, content in made.items():
        yield Seed(name, "dicom", content)


def _groups() -> dict[str, Any]:
    """Return functional groups with the spacing and the time of two frames."""
    frames = b""
    for i in range(2):
        measures = item({"PixelSpacing": "0.2\\0.1"})
        when = item({"FrameAcquisitionDateTime": f"2020010210111{i}.5"})
        frames += item(
            {"FrameContentSequence": when, "PixelMeasuresSequence": measures}
        )
    return {"PerFrameFunctionalGroupsSequence": frames}


def _dicom_compressed() -> Iterator[Seed]:
    exact = {"reversible": True, "level": 0, "codecformat": "J2K"}
    lossless = partial(make.jpeg, lossless=True, predictor=1)
    j2k = partial(imagecodecs.jpeg2k_encode, **exact)
    encoders: dict[str, tuple[str, str, Any, list[np.ndarray]]] = {
        "rle": (make.RLE, "MONOCHROME2", make.rle, GRAYS),
        "rle-rgb": (make.RLE, "RGB", make.rle, RGBS),
        "jpeg": (make.JPEG_BASELINE, "MONOCHROME2", make.jpeg, GRAYS),
        "jpeg-ybr": (make.JPEG_BASELINE, "YBR_FULL_422", make.jpeg, RGBS),
        "lossless": (make.JPEG_LOSSLESS_SV1, "MONOCHROME2", lossless, GRAYS),
        "jpeg-ls": (make.JPEG_LS, "MONOCHROME2", imagecodecs.jpegls_encode, GRAYS),
        "jpeg-2000": (make.JPEG_2000_LOSSLESS, "MONOCHROME2", j2k, GRAYS),
        "jpeg-2000-rct": (make.JPEG_2000_LOSSLESS, "YBR_RCT", j2k, RGBS),
        "ht": (make.HTJ2K_LOSSLESS, "MONOCHROME2", imagecodecs.htj2k_encode, GRAYS),
    }
    layouts: tuple[dict[str, Any], ...] = (
        {},
        {"table": "empty"},
        {"table": "extended"},
        {"fragments": 3},
    )
    for name, (syntax, photometric, encode, frames) in encoders.items():
        streams = [bytes(encode(f)) for f in frames[:3]]
        tags = _header(syntax, FrameTime="40")
        for number, layout in enumerate(layouts if "rgb" not in name else layouts[:1]):
            content = make.compressed(
                syntax, streams, frames[0].shape, photometric, layout=layout, **tags
            )
            yield Seed(f"{name}-{number}", "dicom", content)
        single = make.compressed(
            syntax, streams[:1], frames[0].shape, photometric, **tags
        )
        yield Seed(f"{name}-still", "dicom", single)


# Pictures


def _saved(pixels: np.ndarray | Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, **options)
    return buffer.getvalue()


def _pictures() -> Iterator[Seed]:
    gray, rgb = GRAYS[0], RGBS[1]
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", MARKER)
    text.add_itxt("Comment", f"{MARKER} once more", zip=True)
    palette = Image.fromarray(rgb).quantize(16)
    opaque = np.dstack([rgb, gray])
    png = partial(_saved, format="PNG", pnginfo=text, dpi=(72, 72))
    yield Seed("gray", "png", png(gray))
    yield Seed("rgb", "png", png(rgb))
    yield Seed("alpha", "png", png(opaque))
    yield Seed("palette", "png", png(palette, transparency=3))
    yield Seed("bits", "png", png(Image.fromarray(gray > 100)))
    yield Seed("deep", "png", png(DEEPS[0]))
    frames = [Image.fromarray(g) for g in GRAYS[1:3]]
    yield Seed("animated", "png", png(gray, save_all=True, append_images=frames))
    jpeg = partial(_saved, format="JPEG", quality=90, comment=MARKER.encode())
    yield Seed("gray", "jpeg", jpeg(gray))
    yield Seed("rgb", "jpeg", jpeg(rgb))
    yield Seed("progressive", "jpeg", jpeg(rgb, progressive=True))
    yield Seed("restart", "jpeg", jpeg(rgb, restart_marker_blocks=2, subsampling=0))
    yield Seed("cmyk", "jpeg", jpeg(Image.fromarray(rgb).convert("CMYK")))
    bmp = partial(_saved, format="BMP")
    yield Seed("gray", "bmp", bmp(gray))
    yield Seed("rgb", "bmp", bmp(rgb))
    yield Seed("alpha", "bmp", bmp(opaque))
    yield Seed("bits", "bmp", bmp(Image.fromarray(gray > 100)))
    yield Seed("rle", "bmp", _bmp_rle())


def _bmp_rle() -> bytes:
    """Return a BMP of four columns and two rows with run-length codes."""
    table = b"".join(struct.pack("4B", v, v, v, 0) for v in range(256))
    codes = bytes([4, 90, 0, 0, 2, 10, 2, 20, 0, 0, 0, 1])
    info = struct.pack(
        "<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(codes), 2835, 2835, 256, 0
    )
    start = 14 + len(info) + len(table)
    head = struct.pack("<2sIHHI", b"BM", start + len(codes), 0, 0, start)
    return head + info + table + codes


def _gifs() -> Iterator[Seed]:
    frames = [Image.fromarray(g) for g in GRAYS]
    part = Image.new("P", (COLUMNS, ROWS), 0)
    part.putpalette([v for v in range(256) for _ in range(3)])
    part.paste(90, (5, 5, 15, 15))
    gif = partial(_saved, format="GIF", comment=MARKER)
    yield Seed("still", "gif", gif(frames[0]))
    yield Seed("clip", "gif", gif(frames[0], save_all=True, append_images=frames[1:]))
    for disposal in (1, 2, 3):
        content = gif(
            frames[0],
            save_all=True,
            append_images=[part, frames[1], part],
            duration=[40, 50, 0, 60],
            disposal=disposal,
            transparency=0,
            loop=0,
        )
        yield Seed(f"disposal-{disposal}", "gif", content)
    yield Seed("interlaced", "gif", gif(frames[2], interlace=True))


# TIFF


_WRITER_OPTIONS = ("imagej", "bigtiff", "byteorder", "ome", "shaped")


def _tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    kind = {k: options.pop(k) for k in _WRITER_OPTIONS if k in options}
    with tifffile.TiffWriter(buffer, **kind) as file:
        file.write(pixels, **options)
    return buffer.getvalue()


def _tiffs() -> Iterator[Seed]:
    gray, rgb, deep = np.stack(GRAYS), np.stack(RGBS), np.stack(DEEPS)
    plain = {"description": MARKER, "software": MARKER, "metadata": None}
    words = {"axes": "TYX", "unit": "mm", "finterval": 0.04, "Info": MARKER}
    imagej = {"imagej": True, "resolution": (10, 5)}
    made = {
        "gray": _tiff(gray[0], **plain),
        "pages": _tiff(gray, **plain, photometric="minisblack"),
        "rgb": _tiff(rgb[0], **plain, photometric="rgb"),
        "planes": _tiff(
            np.moveaxis(rgb[0], -1, 0), **plain, photometric="rgb", planarconfig=2
        ),
        "white": _tiff(gray[0], **plain, photometric="miniswhite"),
        "big-endian": _tiff(gray, **plain, byteorder=">", photometric="minisblack"),
        "bigtiff": _tiff(gray, **plain, bigtiff=True, photometric="minisblack"),
        "tiles": _tiff(gray[0], **plain, tile=(16, 16)),
        "palette": _tiff(
            gray[0],
            **plain,
            photometric="palette",
            colormap=np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1)),
        ),
        "imagej": _tiff(gray, **imagej, metadata=words),
        "imagej-rgb": _tiff(rgb, **imagej, metadata=words | {"axes": "TYXS"}),
        "imagej-16": _tiff(
            deep, **imagej, metadata=words | {"min": 0, "max": 4095, "unit": "cm"}
        ),
        "shaped": _tiff(gray, shaped=True, photometric="minisblack"),
        "ome": _tiff(
            gray, ome=True, metadata={"axes": "TYX"}, photometric="minisblack"
        ),
    }
    for compression in ("lzw", "zlib", "packbits", "jpeg", "jpeg2000", "zstd", "lzma"):
        made[compression] = _tiff(
            gray, **plain, compression=compression, photometric="minisblack"
        )
    made["jpeg-tiles"] = _tiff(
        rgb[0], **plain, compression="jpeg", tile=(16, 16), photometric="rgb"
    )
    made["predictor"] = _tiff(gray[0], **plain, compression="zlib", predictor=True)
    for name, content in made.items():
        yield Seed(name, "tiff", content)


# Video


def video(container: str, codec: str, pixel_format: str, *, frames: int = 6) -> bytes:
    """Return a small clip."""
    import av

    buffer = io.BytesIO()
    bitexact = {"fflags": "+bitexact"}
    with av.open(buffer, "w", format=container, options=bitexact) as output:
        output.metadata["title"] = MARKER
        output.metadata["artist"] = MARKER
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixel_format
        stream.codec_context.flags |= 1 << 23  # bit-exact
        stream.gop_size = 3
        y, x = np.mgrid[:32, :48]
        for i in range(frames):
            gray = ((5 * x + 3 * y + 20 * i) % 256).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.dstack([gray] * 3), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


_VIDEOS = (
    ("mp4", "libx264", "yuv420p"),
    ("mp4", "mpeg4", "yuv420p"),
    ("mov", "mjpeg", "yuvj420p"),
    ("mov", "rawvideo", "rgb24"),
    ("mov", "png", "rgb24"),
    ("avi", "mjpeg", "yuvj420p"),
    ("avi", "rawvideo", "bgr24"),
    ("avi", "mpeg4", "yuv420p"),
    ("avi", "ffv1", "yuv420p"),
    ("asf", "wmv2", "yuv420p"),
    ("asf", "msmpeg4", "yuv420p"),
    ("matroska", "libvpx", "yuv420p"),
    ("matroska", "ffv1", "gray"),
    ("mpeg", "mpeg2video", "yuv420p"),
    ("mpeg", "mpeg1video", "yuv420p"),
)


def _videos() -> Iterator[Seed]:
    for container, codec, pixel_format in _VIDEOS:
        content = video(container, codec, pixel_format)
        yield Seed(f"{container}-{codec}", container, content)


# ImageJ's regions


def roi_files() -> dict[str, bytes]:
    """Return one ``.roi`` file of each kind, as ImageJ wrote it."""
    found: dict[str, bytes] = {}
    for path in sorted(GOLDEN.glob("imagej_rois_file_*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            found.setdefault(entry["kind"], base64.b64decode(entry["roi"]))
    return found


def _rois() -> Iterator[Seed]:
    files = roi_files()
    for kind, content in files.items():
        yield Seed(kind, "roi", content)
    for kind, content in roi_seeds.roi_contents().items():
        yield Seed(kind, "roi", content)
    for name, content in roi_seeds.archives():
        yield Seed(name, "roizip", content)
    for name, content in roi_seeds.autosaves():
        yield Seed(name, "autosave", content)
    for name, content in roi_seeds.tables():
        yield Seed(name, "table", content)
    for name, content in roi_seeds.operations():
        yield Seed(name, "shapes", content)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        entries = {f"{i:03}-{kind}.roi": c for i, (kind, c) in enumerate(files.items())}
        yield Seed(f"archive-{method}", "roizip", zipped(entries, method))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive, the same one for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))
            entry.compress_type = method
            archive.writestr(entry, content)
    return buffer.getvalue()


# Folders


def directory(names: list[str], syntax: str = make.EXPLICIT) -> bytes:
    """Return a DICOMDIR that names files of one series."""
    kinds = ("PATIENT", "STUDY", "SERIES", *(["IMAGE"] * len(names)))
    records = b""
    for place, kind in enumerate(kinds):
        tags: dict[str, Any] = {
            "OffsetOfTheNextDirectoryRecord": 0,
            "RecordInUseFlag": 0xFFFF,
            "OffsetOfReferencedLowerLevelDirectoryEntity": 0,
            "DirectoryRecordType": kind,
        }
        if kind == "PATIENT":
            tags |= {"PatientName": f"{MARKER}^Anna", "PatientID": f"{MARKER}-1"}
        if kind == "IMAGE":
            tags["ReferencedFileID"] = names[place - 3].replace("/", "\\")
        records += item(tags, syntax)
    meta = make.element("FileMetaInformationVersion", b"\0\1")
    meta += make.element("MediaStorageSOPClassUID", "1.2.840.10008.1.3.10")
    meta += make.element("MediaStorageSOPInstanceUID", "1.2.3.9")
    meta += make.element("TransferSyntaxUID", syntax)
    body = make.element("FileSetID", MARKER, syntax=syntax)
    for keyword, value in (
        ("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity", 0),
        ("OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity", 0),
        ("FileSetConsistencyFlag", 0),
        ("DirectoryRecordSequence", records),
    ):
        body += make.element(keyword, value, syntax=syntax)
    group = make.element("FileMetaInformationGroupLength", len(meta))
    return b"\0" * 128 + b"DICM" + group + meta + body


def _studies() -> Iterator[Seed]:
    tags = _header(make.EXPLICIT)
    still = make.native(make.EXPLICIT, GRAYS[:1], "MONOCHROME2", **tags)
    clip = make.native(make.DEFLATED, GRAYS[:3], "MONOCHROME2", **tags)
    files = {
        "IM1": still,
        "IM2": clip,
        "SUB/IM3": make.native(make.BIG, GRAYS[:1], "MONOCHROME2", **_header(make.BIG)),
        "picture.png": _saved(GRAYS[0], format="PNG"),
        "stack.tif": _tiff(np.stack(GRAYS), imagej=True),
        "clip.gif": _saved(Image.fromarray(GRAYS[0]), format="GIF"),
        "notes.txt": MARKER.encode(),
    }
    names = ["IM1", "IM2", "SUB/IM3"]
    yield Seed("folder", "study", zipped(files))
    for syntax in (make.EXPLICIT, make.IMPLICIT, make.BIG):
        index = {"DICOMDIR": directory(names, syntax)}
        yield Seed(f"medium-{syntax[-3:]}", "study", zipped(index | files))


# Real files

_KIND_OF_ENDING = {
    ".dcm": "dicom",
    ".png": "png",
    ".tif": "tiff",
    ".gif": "gif",
    ".mp4": "mp4",
}


def _real() -> Iterator[Seed]:
    import pydicom

    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    paths = [*sorted(folder.glob("*.dcm")), *_chosen(SHARED)]
    for path in paths:
        kind = _KIND_OF_ENDING.get(path.suffix.lower())
        if kind is None:
            continue
        content = path.read_bytes()
        if path.name == "GREYSCALE_CINE.dcm":
            # Two of its frames.
            content = content[:MAX_REAL_BYTES].replace(b"IS\2\027", b"IS\2\02 ")
        if len(content) <= MAX_REAL_BYTES:
            yield Seed(f"real-{path.name}", kind, content)
    media = folder / "dicomdirtests"
    for path in sorted(media.glob("DICOMDIR*")):
        yield Seed(
            f"real-{path.name}", "study", zipped({"DICOMDIR": path.read_bytes()})
        )


def _chosen(shared: Path) -> Iterator[Path]:
    """Return the real files of each folder, of many alike the first few."""
    for pattern, most in (
        ("dicom/*.dcm", 50),
        ("phantom/*.dcm", 2),
        ("video/*", 4),
        ("longitudinal_vl/**/*.png", 2),
        ("longitudinal_gm/*.png", 1),
        ("elastography/*.png", 2),
        ("transverse_vl/*.tif*", 1),
        ("apo_fascicle_masks/apo_images/*.tif", 2),
        ("apo_fascicle_masks/apo_masks/*.tif", 1),
    ):
        yield from sorted(shared.glob(pattern))[:most]
