"""Reads one damaged file after the other, and judges what comes of it.

Runs in a process of its own: a crash or a hang ends this process, not the fuzzer.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import hashlib
import importlib
import io
import logging
import math
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.fuzz import reference_worker, roi_worker
from tests.fuzz.roi_seeds import AUTOSAVED
from tests.fuzz.roi_worker import BadRegion
from tests.fuzz.seeds import MARKER, PERSONAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

ADDRESS_SPACE: Final = 3_000_000_000
"""Bytes beyond those at the start that a worker may reserve."""

MAX_RSS_GROWTH: Final = 600_000_000
MAX_RESERVED: Final = 2_000_000_000
_RESERVING: Final = ("mp4", "mov", "avi", "asf", "matroska", "mpeg")
_MAX_OPEN_FILES: Final = 64
_LOOK_EVERY: Final = 100

MAX_SECONDS: Final = roi_worker.MAX_SECONDS | reference_worker.MAX_SECONDS

_OTHERS: Final = {
    "roi": roi_worker.read_rois,
    "roizip": roi_worker.read_rois,
    "autosave": roi_worker.read_saved,
    "table": roi_worker.read_table,
    "shapes": roi_worker.operate,
    "reference": reference_worker.read_reference,
    "conversion": reference_worker.read_conversion,
    "spreadsheet": reference_worker.read_published,
    "people": reference_worker.read_people,
}

SUFFIXES: Final = {
    "dicom": ".dcm",
    "asf": ".wmv",
    "matroska": ".mkv",
    "mpeg": ".mpg",
    "roizip": ".zip",
    "autosave": f"{AUTOSAVED[4:]}.rois.json",
    "table": ".csv",
    "shapes": ".json",
    "reference": ".json",
    "conversion": ".json",
    "spreadsheet": ".csv",
    "people": ".csv",
}


class BadOutcome(Exception):
    """What was read, or what was said, is not as it must be."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    `word` is ``still``, ``clip``, ``study``, ``refused`` or what became of regions
    (`roi_worker`); with `problem` it is a finding, whose `where` tells like from
    unlike. `said` is the sentence of a refusal, or what an image tells of its scale.
    """

    number: int
    word: str
    said: str = ""
    problem: str = ""
    where: str = ""
    seconds: float = 0.0
    rss_growth: int = 0
    reserved: int = 0


def work(connection: Connection, capture: str, target: str) -> None:
    """Judge the cases that come through a connection, until ``None`` comes."""
    log = _capture(capture)
    module, name = target.split(":")
    read = getattr(importlib.import_module(module), name)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    tempfile.tempdir = str(folder)
    _limit_memory()
    files = _open_files()
    try:
        connection.send(None)
        while (case := connection.recv()) is not None:
            number, kind, content = case
            outcome = judge(read, number, kind, content, folder, log)
            if number % _LOOK_EVERY == 0 and not outcome.problem:
                gc.collect()
                if _open_files() > files + _MAX_OPEN_FILES:
                    words = f"{_open_files()} files are open, {files} at the start"
                    outcome = Outcome(
                        number, "files left open", problem=words, where="open files"
                    )
            connection.send(outcome)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judge(
    read: Any,
    number: int,
    kind: str,
    content: bytes,
    folder: Path,
    log: io.StringIO | None = None,
) -> Outcome:
    """Read a file and return what came of it."""
    path = _put(folder, kind, content)
    log = log or io.StringIO()
    log.seek(0)
    log.truncate()
    before = _memory()
    _reset_peak()
    began = time.process_time()
    said = problem = where = ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            word, said = read(path, kind)
            _refuse_warnings(warned)
        except Exception as error:  # noqa: BLE001 - any of them is to be judged
            said = str(error)
            word, problem, where = _judge_error(error)
    seconds = time.process_time() - began
    peak = _memory()
    growth = max(peak["VmHWM"] - before["VmRSS"], 0)
    reserved = max(peak["VmPeak"] - max(before["VmPeak"], before["VmSize"]), 0)
    if not problem and seconds > MAX_SECONDS.get(kind, math.inf):
        word, where = "slow", f"time of {kind}"
        problem = f"{seconds:.1f} s of processor time for {len(content)} bytes"
    if not problem and growth > MAX_RSS_GROWTH:
        word, where = "memory", f"memory of {kind}"
        problem = f"{growth / 1e6:.0f} MB for {len(content)} bytes"
    if not problem and reserved > MAX_RESERVED and kind not in _RESERVING:
        word, where = "memory", f"reserved by {kind}"
        problem = f"{reserved / 1e6:.0f} MB reserved for {len(content)} bytes"
    if not problem and MARKER.lower() in log.getvalue().lower():
        word, problem, where = "leak", _around(log.getvalue()), "log"
    _clear(folder)
    return Outcome(number, word, said, problem, where, seconds, growth, reserved)


# The readers


def read_case(path: Path, kind: str) -> tuple[str, str]:
    """Read a file with the reader of its kind, check it, and return what it was.

    The second text is what an image tells of its scale.
    """
    if kind in _OTHERS:
        return _OTHERS[kind](path)
    if kind == "study":
        return _read_study(path)
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.study.header import look_at

    found = look_at(path)
    if isinstance(found, str):
        check_sentence(found)
    else:
        check_text(repr(found))
    image = read_image(path)
    said = f"{image.frame_shape} {image.spacing_mm} {' '.join(image.warnings)}"
    return check_image(image, path), said


def _read_study(path: Path) -> tuple[str, str]:
    from napari_muscle_us.study.scan import scan_study

    index = path / "DICOMDIR"
    for place in (path, index) if index.exists() else (path,):
        study = scan_study(place)
        check_text(repr((study.series, study.warnings)))
        for skipped in study.skipped:
            check_sentence(skipped.reason)
        for warning in study.warnings:
            check_sentence(warning)
        root = path.resolve()
        if not all(i.path.resolve().is_relative_to(root) for i in study.items):
            raise BadOutcome("an item outside the folder")
    reasons = " ".join(f"{s.name}: {s.reason}" for s in study.skipped)
    return "study", f"{len(study.items)} items. {reasons} {' '.join(study.warnings)}"


def check_image(image: Any, path: Path) -> str:
    """Check what an image promises, and decode its first, middle and last frame."""
    from napari_muscle_us.errors import ImageReadError
    from napari_muscle_us.image import Device

    count, shape = image.n_frames, image.frame_shape
    _need(count >= 1 and min(shape) >= 1, f"{count} frames of {shape}")
    _need(image.is_clip == (count > 1), "a clip of one frame")
    check_text(repr(replace(image, device=Device())))
    for told in fields(image.device):
        text = str(getattr(image.device, told.name))
        # A name whose element was made that of the model: nobody can know.
        if not any(planted.startswith(text) for planted in PERSONAL.values()):
            check_text(text)
    for warning in image.warnings:
        check_sentence(warning)
    times = image.frame_times_s
    if times is not None:
        _need(len(times) == count, f"{len(times)} times of {count} frames")
        _need(all(map(math.isfinite, times)), "times that are not finite")
        _need(all(b > a for a, b in pairwise(times)), "times")
    calibrations = [image.calibration, *(image.frame_calibrations or ())]
    for known in calibrations:
        if known is not None:
            sizes = known.spacing_mm
            _need(len(sizes) == 2, f"spacing {sizes}")
            _need(all(math.isfinite(s) and 1e-5 < s < 100 for s in sizes), f"{sizes}")
    for region in image.regions:
        top, bottom, left, right = region.bounds
        inside = 0 <= top <= bottom <= shape[0] and 0 <= left <= right <= shape[1]
        _need(inside, f"region {region.bounds} in {shape}")
    for index in dict.fromkeys((count - 1, 0, count // 2)):
        try:
            still = image.frame(index)
        except ImageReadError as error:
            check_error(error)
            continue
        gray, coloured = still.pixels, still.coloured
        _need(gray.dtype == np.uint8 and gray.shape == shape, f"{gray.dtype} {shape}")
        _need(not gray.flags.writeable, "pixels that can be changed")
        if coloured is not None:
            _need(coloured.dtype == bool and coloured.shape == shape, "coloured pixels")
    _need(
        image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest(),
        "the hash of another file",
    )
    return "clip" if image.is_clip else "still"


def _need(truth: bool, words: str) -> None:
    if not truth:
        raise BadOutcome(words)


def check_text(text: str) -> None:
    """Refuse a text that tells whose image it is."""
    if MARKER.lower() in text.lower():
        raise BadOutcome(f"leak: {_around(text)}")


def check_sentence(text: str) -> None:
    """Refuse what is no sentence in one line, or tells whose image it is."""
    check_text(text)
    good = text.isprintable() and 12 <= len(text) <= 600 and text[-1] in ".?…)"
    _need(good and "Traceback" not in text, f"no sentence: {text[:300]!r}")


def check_error(error: BaseException) -> None:
    """Refuse an error whose message or traceback is not fit to be shown."""
    check_sentence(str(error))
    check_text("".join(traceback.format_exception(error)))
    inner = error.__context__
    seen = 0
    while inner is not None and seen < 20:
        # Caught on the way: without the limit this would have been allocated. Not so in
        # FFmpeg, which reserves tables by their stated length, and fills what is there.
        if isinstance(inner, MemoryError) and not is_ffmpeg(inner):
            steps = "".join(traceback.format_tb(inner.__traceback__)[-6:])
            raise BadOutcome(f"out of memory at {_place(inner)}\n{inner}\n{steps}")
        inner, seen = inner.__context__, seen + 1


def is_ffmpeg(error: BaseException) -> bool:
    """Whether an error was raised by the video library."""
    return type(error).__module__.partition(".")[0] == "av"


def _around(text: str) -> str:
    at = text.lower().find(MARKER.lower())
    return repr(text[max(at - 60, 0) : at + 60])


# Judging


def _judge_error(error: Exception) -> tuple[str, str, str]:
    """Return word, problem and place; no problem for a refusal in a sentence."""
    from napari_muscle_us.errors import MuscleUSError

    if isinstance(error, MuscleUSError):
        try:
            check_error(error)
        except BadOutcome as bad:
            return "bad message", str(bad), f"{_place(error)} {_kind_of(bad)}"
        return "refused", "", ""
    words = "".join(traceback.format_exception(error))[-6000:]
    if isinstance(error, BadOutcome | BadRegion):
        word = "leak" if str(error).startswith("leak") else "bad outcome"
        return word, words, _kind_of(error)
    return "error", words, f"{type(error).__name__} at {_place(error)}"


def _kind_of(error: BadOutcome | BadRegion) -> str:
    """Return what tells one kind of bad outcome from another."""
    first = str(error).split("\n")[0]
    return re.sub(r"0x[0-9a-f]+|\b\d[\d.e+-]*|'.*", "", first)[:80]


def _place(error: BaseException) -> str:
    """Return the last place in the package that an error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "napari_muscle_us" in f.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"


def _refuse_warnings(warned: list[warnings.WarningMessage]) -> None:
    from napari_muscle_us.errors import MuscleUSWarning

    for warning in warned:
        words = f"{warning.category.__name__}: {warning.message}"
        check_text(words)
        if not issubclass(warning.category, MuscleUSWarning):
            place = f"{Path(warning.filename).name}:{warning.lineno}"
            raise BadOutcome(f"warning at {place}: {words[:300]}")


# Files


def _put(folder: Path, kind: str, content: bytes) -> Path:
    if kind != "study":
        path = folder / f"scan{SUFFIXES.get(kind, f'.{kind}')}"
        path.write_bytes(content)
        return path
    root = folder / "study"
    root.mkdir()
    for name, part in _members(content):
        path = root / name
        with contextlib.suppress(OSError, ValueError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
    return root


def _members(content: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files of a packed folder as far as they can be unpacked."""
    from tests.fuzz.mutations import unzipped

    for name, part in (unzipped(content) or {"DICOMDIR": content}).items():
        place = PurePosixPath(name)
        if not place.is_absolute() and ".." not in place.parts and place.parts:
            yield place, part


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


# The process


def _capture(path: str) -> io.StringIO:
    """Send all that the process says to a file, and its log to a buffer."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    faulthandler.enable(handle)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, handle)
    log = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(log))
    return log


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    size = _memory()["VmSize"]
    if size:
        resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESS_SPACE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


_FIELDS: Final = ("VmPeak", "VmSize", "VmHWM", "VmRSS")


def _memory() -> dict[str, int]:
    """Return sizes and peaks of the process in bytes; zeros where nobody tells."""
    found = dict.fromkeys(_FIELDS, 0)
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) * 1024
    return found


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
