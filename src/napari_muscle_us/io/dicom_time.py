"""Times of a DICOM header: from the study to the image, and from frame to frame."""

from __future__ import annotations

import itertools
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from napari_muscle_us.io._pydicom import quiet_pydicom
from napari_muscle_us.io.dicom_elements import (
    items_of,
    number_of,
    text_of,
    texts_of,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom import Dataset

FRAME_S: Final = (1e-6, 3600.0)
"""Plausible times between frames: a million frames a second to one an hour."""

RATE_TOLERANCE: Final = 0.05
"""Share by which two stated frame rates may differ before the user is told."""

_DAY_S: Final = 86_400
_DECIMAL_CHARACTERS: Final = 17
_DISPLAY: Final = "RecommendedDisplayFrameRate"

_DATE: Final = re.compile(r"(\d{4})(\.?)(\d\d)\2(\d\d)", re.ASCII)
_TIME: Final = re.compile(r"(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,6}))?", re.ASCII)
_ZONE: Final = re.compile(r"([+-])(\d\d)(\d\d)", re.ASCII)
_DATE_TIME: Final = re.compile(r"(\d{8})(\d{6}(?:\.\d{1,6})?)([+-]\d{4})?", re.ASCII)

_Times = tuple[float, ...]
_Zoned = tuple[datetime, timedelta | None]


def acquired_after_s(dataset: Dataset) -> float | None:
    """Return the seconds from the start of the study to the acquisition.

    The acquisition is the first that is complete to the second of AcquisitionDateTime,
    AcquisitionDate with AcquisitionTime, and ContentDate with ContentTime; the start
    is StudyDate with StudyTime. No date leaves this function.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header of an image.

    Returns
    -------
    float or None
        Seconds, 0 to 86400. ``None`` where a time is missing or has no seconds, where
        the acquisition comes before the start or more than a day after it, and where
        the acquisition tells its time zone and the study does not.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> header = Dataset()
    >>> header.StudyDate, header.StudyTime = "20240131", "235950"
    >>> header.ContentDate, header.ContentTime = "20240201", "000010.5"
    >>> acquired_after_s(header)
    20.5
    """
    with quiet_pydicom():
        day = text_of(dataset, "StudyDate")
        start = _moment(day, text_of(dataset, "StudyTime"))
        zone = _offset(text_of(dataset, "TimezoneOffsetFromUTC"))
        if start is None:
            return None
        for acquired, own_zone in _acquisitions(dataset, day, zone):
            after = (acquired - start).total_seconds()
            if own_zone is not None:
                if zone is None:
                    continue
                after -= (own_zone - zone).total_seconds()
            return within(after, (0.0, _DAY_S))
    return None


def frame_times(dataset: Dataset, frames: int) -> tuple[_Times | None, tuple[str, ...]]:
    r"""Return the time of each frame of a clip in seconds from the first frame.

    With the increments :math:`\Delta t_i` of FrameTimeVector, the time of frame
    :math:`n` is :math:`\sum_{i=2}^{n} \Delta t_i`; with FrameTime :math:`\Delta t` it
    is :math:`(n-1)\,\Delta t`. FrameDelay moves all frames alike and cancels. The
    element that FrameIncrementPointer names comes first; then FrameTimeVector,
    FrameTime, the acquisition times of the frames (enhanced multi-frame), CineRate,
    RecommendedDisplayFrameRate.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header of a clip.
    frames : int
        Number of frames.

    Returns
    -------
    times : tuple of float or None
        Seconds, strictly rising from 0; ``None`` where the file does not tell, and
        for a single frame. A rate is never guessed.
    notes : tuple of str
        Caveats, a sentence each.

    References
    ----------
    DICOM PS3.3 C.7.6.5.1 (Cine), C.7.6.6 (Multi-frame).

    Examples
    --------
    >>> from pydicom import Dataset
    >>> header = Dataset()
    >>> header.FrameTime = "40"
    >>> frame_times(header, 3)
    ((0.0, 0.04, 0.08), ())
    """
    if frames < 2:
        return None, ()
    notes: list[str] = []
    with quiet_pydicom():
        for keyword, read in _sources(dataset):
            if not _is_present(dataset, keyword):
                continue
            times = read(dataset, frames)
            if times is None:
                notes.append(
                    f"{keyword} in the file gives no usable times for {frames} frames "
                    "and was ignored."
                )
                continue
            notes.extend(_caveats(dataset, keyword, times))
            return times, tuple(notes)
    notes.append(
        "The file does not tell the time between its frames: rates and durations "
        "cannot be computed."
    )
    return None, tuple(notes)


def date_from(text: str | None) -> date | None:
    """Return a DICOM date (``20240131``, in old files ``2024.01.31``).

    Examples
    --------
    >>> date_from("2024.01.31").isoformat(), date_from("20240231")
    ('2024-01-31', None)
    """
    match = _DATE.fullmatch(text or "")
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def _moment(day: str | None, time: str | None) -> datetime | None:
    """Return date and time as the clock on the wall showed them."""
    date_ = date_from(day)
    match = _TIME.fullmatch(time or "")
    if date_ is None or match is None or not 1 < date_.year < 9999:
        return None
    hours, minutes, seconds = (int(match[i]) for i in (1, 2, 3))
    # A leap second is second 60.
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return datetime(date_.year, date_.month, date_.day) + timedelta(
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        microseconds=int((match[4] or "0").ljust(6, "0")),
    )


def _offset(text: str | None) -> timedelta | None:
    match = _ZONE.fullmatch(text or "")
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def _zoned(text: str | None) -> tuple[datetime | None, timedelta | None]:
    """Return moment and time zone of a DICOM date-time (VR DT)."""
    match = _DATE_TIME.fullmatch(text or "")
    return (
        (None, None)
        if match is None
        else (
            _moment(match[1], match[2]),
            _offset(match[3]),
        )
    )


def _acquisitions(
    dataset: Dataset, study_day: str | None, zone: timedelta | None
) -> list[_Zoned]:
    """Return the acquisition times that are complete, the best first."""
    found = [_zoned(text_of(dataset, "AcquisitionDateTime"))]
    for what in ("Acquisition", "Content"):
        # A time without a date is of the day of the study, or comes out negative.
        day = text_of(dataset, f"{what}Date") or study_day
        found.append((_moment(day, text_of(dataset, f"{what}Time")), zone))
    return [(moment, own) for moment, own in found if moment is not None]


_Source = tuple[str, "Callable[[Dataset, int], _Times | None]"]


def _sources(dataset: Dataset) -> list[_Source]:
    """Return the elements that tell the times, the one the file points at first."""
    named = {str(tag) for tag in texts_of(dataset, "FrameIncrementPointer")}
    sources: list[_Source] = [
        ("FrameTimeVector", _by_vector),
        ("FrameTime", _by_frame_time),
        ("PerFrameFunctionalGroupsSequence", _by_frame),
        ("CineRate", lambda data, n: _by_rate(data, n, "CineRate")),
        (_DISPLAY, lambda data, n: _by_rate(data, n, _DISPLAY)),
    ]
    if "(0018,1063)" in named and "(0018,1065)" not in named:
        sources[:2] = sources[1::-1]
    return sources


def _is_present(dataset: Dataset, keyword: str) -> bool:
    if keyword == "PerFrameFunctionalGroupsSequence":
        return bool(_frame_moments(dataset, limit=1))
    if keyword not in dataset:
        return False
    # Looked at raw: a vector may claim megabytes.
    raw = dataset.get_item(keyword, keep_deferred=True)
    return bool(getattr(raw, "length", 0)) or not getattr(raw, "is_empty", True)


def _by_vector(dataset: Dataset, frames: int) -> _Times | None:
    raw = dataset.get_item("FrameTimeVector", keep_deferred=True)
    if getattr(raw, "length", 0) > _DECIMAL_CHARACTERS * frames:
        return None
    texts = texts_of(dataset, "FrameTimeVector")
    try:
        steps = [float(text) / 1000 for text in texts]
    except ValueError:
        return None
    if len(steps) != frames:
        return None
    # The first increment leads to the first frame, and is to be 0.
    if any(within(step, FRAME_S) is None for step in steps[1:]):
        return None
    return tuple(itertools.accumulate(steps[1:], initial=0.0))


def _by_frame_time(dataset: Dataset, frames: int) -> _Times | None:
    milliseconds = number_of(dataset, "FrameTime")
    return None if milliseconds is None else _evenly(milliseconds / 1000, frames)


def _by_rate(dataset: Dataset, frames: int, keyword: str) -> _Times | None:
    rate = number_of(dataset, keyword)
    return None if rate is None or rate <= 0 else _evenly(1 / rate, frames)


def _evenly(step_s: float, frames: int) -> _Times | None:
    if within(step_s, FRAME_S) is None:
        return None
    return tuple(step_s * i for i in range(frames))


def _by_frame(dataset: Dataset, frames: int) -> _Times | None:
    found = _frame_moments(dataset, limit=frames + 1)
    moments = [moment for moment, _ in found if moment is not None]
    if len(moments) != frames or len({zone for _, zone in found}) != 1:
        return None
    times = tuple((moment - moments[0]).total_seconds() for moment in moments)
    steps = (after - before for before, after in itertools.pairwise(times))
    return times if all(within(step, FRAME_S) is not None for step in steps) else None


def _frame_moments(
    dataset: Dataset, *, limit: int
) -> list[tuple[datetime | None, timedelta | None]]:
    """Return when each frame was acquired; empty where the first does not tell."""
    found = []
    for group in items_of(dataset, "PerFrameFunctionalGroupsSequence")[:limit]:
        content = items_of(group, "FrameContentSequence")[:1]
        told = [text_of(item, "FrameAcquisitionDateTime") for item in content]
        if not told or told[0] is None:
            return []
        found.append(_zoned(told[0]))
    return found


def _caveats(dataset: Dataset, keyword: str, times: _Times) -> list[str]:
    rate = (len(times) - 1) / times[-1]
    if keyword == _DISPLAY:
        return [
            f"The frame rate of {rate:.4g} frames/s is the recommended display rate; "
            "the file does not tell that of the acquisition."
        ]
    stated = number_of(dataset, "CineRate")
    # CineRate is a whole number, so it may be off by one.
    if stated and abs(stated - rate) > max(1.0, RATE_TOLERANCE * rate):
        return [
            f"The file states two frame rates, {rate:.4g} frames/s in {keyword} and "
            f"{stated:.4g} in CineRate; the first is used."
        ]
    return []
