"""Autosave of the regions drawn on an image, and their recovery.

Regions are kept beside the image as ``<file name>.rois.json``; where that cannot be
written to, or there is no file, in the user's own folder under a hash. A file is
replaced whole, so that a program that is killed leaves the old or the new one, and
what this program did not write itself is never overwritten.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from napari_muscle_us.errors import MuscleUSError, ResultsError
from napari_muscle_us.io._autosave_files import (
    create_file,
    create_numbered,
    family,
    read_bytes,
    replace_file,
)
from napari_muscle_us.io._autosave_files import set_aside as set_aside
from napari_muscle_us.io._autosave_format import (
    AutosaveDamagedError as AutosaveDamagedError,
)
from napari_muscle_us.io._autosave_format import AutosaveFile as AutosaveFile
from napari_muscle_us.io._autosave_format import (
    AutosaveNewerError as AutosaveNewerError,
)
from napari_muscle_us.io._autosave_format import Fragments, decode_autosave
from napari_muscle_us.io._autosave_format import ImageFacts as ImageFacts
from napari_muscle_us.io._autosave_format import RoiSet as RoiSet
from napari_muscle_us.io._autosave_format import encode_autosave as encode_autosave
from napari_muscle_us.io._autosave_store import autosave_path as autosave_path
from napari_muscle_us.io._autosave_store import (
    content_for,
    make_private_folder,
    private_path,
    unreadable,
    unwritable,
)
from napari_muscle_us.io._autosave_store import read_autosave as read_autosave
from napari_muscle_us.io._autosave_store import write_autosave as write_autosave

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """What was found for an image when it was opened.

    Parameters
    ----------
    sets : tuple of RoiSet
        The regions; empty when there were none.
    path : Path or None
        The file they come from; ``None`` when there was none.
    image : ImageFacts or None
        The image as it was then; its shape tells whether it is decoded alike today.
    saved_at : datetime or None
        When they were saved, UTC.
    notices : tuple of str
        Sentences for the user.
    """

    sets: tuple[RoiSet, ...] = ()
    path: Path | None = None
    image: ImageFacts | None = None
    saved_at: datetime | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """Where regions were autosaved, and what to tell the user, once."""

    path: Path
    notice: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A file, the name that it is a number of, and what is ours in it.

    `digest` is that of the content last read or written; ``None`` when nothing in the
    file is ours to replace or remove.
    """

    base: Path
    path: Path
    digest: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A valid autosave of the image."""

    place: _Place
    file: AutosaveFile


class AutosaveSlot:
    """The autosave of one opened image.

    It remembers what it last read or wrote, and overwrites and removes nothing else.
    All methods may be called from any thread, one at a time.

    Parameters
    ----------
    image_path : str or Path or None
        File of the image; ``None`` for a sample or a layer of another plugin.
    image : ImageFacts
        The image. The attribute may be replaced when its hash has become known.

    Raises
    ------
    MuscleUSError
        If there is no folder to write to.

    Notes
    -----
    Two programs that replace the same file within the same milliseconds can still lose
    one of the two changes; a file that is new to both is safe.
    """

    def __init__(self, image_path: str | Path | None, image: ImageFacts) -> None:
        self.image = image
        base = autosave_path(image_path, image.key)
        self._first = self._place = _Place(base, base)
        self._others: list[Path] = []
        self._newest_at = datetime.min.replace(tzinfo=UTC)
        self._fragments = Fragments()
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where the next autosave goes, as far as is known."""
        return self._place.path

    def load(self, *, sha256_of: Callable[[], str] | None = None) -> Recovered:
        """Return the regions that were last saved for the image.

        All autosaves of the image are looked at, and the newest is taken. A damaged
        one is set aside, as is one of another image under the same file name.

        Parameters
        ----------
        sha256_of : callable, optional
            Computes the image's hash. It is asked only when the key of an autosave
            differs, as that of a clip does when its date has changed.

        Returns
        -------
        Recovered
            Whatever goes wrong is told in its `notices`.
        """
        with self._lock:
            self._place, self._others = self._first, []
            notices: list[str] = []
            found: list[_Found] = []
            for base in self._bases():
                for path in family(base):
                    one = self._look_at(_Place(base, path), sha256_of, notices)
                    found += [] if one is None else [one]
            if not found:
                return Recovered(notices=tuple(notices))
            newest = max(found, key=lambda one: one.file.saved_at)
            self._place, file = newest.place, newest.file
            self._newest_at = file.saved_at
            self._others = [x.place.path for x in found if x is not newest]
            notices += _about_others(newest, found)
            return Recovered(
                file.sets, self.path, file.image, file.saved_at, tuple(notices)
            )

    def save(
        self, sets: Sequence[RoiSet], *, saved_at: datetime | None = None
    ) -> Saved:
        """Write the regions, and return where.

        Where another program has written meanwhile, its file stays, and the next free
        number is taken from then on; where the folder cannot be written to, the user's
        own is.

        Parameters
        ----------
        sets : sequence of RoiSet
            All regions of the image, a set a layer.
        saved_at : datetime, optional
            Aware of its zone; now by default.

        Returns
        -------
        Saved
            Its `notice` is a sentence when the place has changed.

        Raises
        ------
        ResultsError
            If nothing could be written, or the regions are too many.
        RoiError
            If a region cannot be kept.
        """
        with self._lock:
            return self._save(sets, saved_at or datetime.now(UTC))

    def clear(self) -> str:
        """Remove the autosave, since there is no region left.

        Only the file that was last read or written here is removed, and only as long
        as it is unchanged. Where others would be found next time, or it cannot be
        removed, an empty autosave is written instead, so that no region comes back.

        Returns
        -------
        str
            A sentence when something stays; else empty.

        Raises
        ------
        ResultsError
            If nothing could be written.
        """
        with self._lock:
            place, digest = self._place, _digest_at(self.path)
            if place.digest is None or digest is None:
                self._place = replace(place, digest=None)
                return ""
            if digest != place.digest:
                return (
                    f"Another program has changed {place.path.name!r}, so it was not "
                    "removed."
                )
            if not any(map(os.path.lexists, self._others)):
                with suppress(OSError):
                    place.path.unlink(missing_ok=True)
                    self._place = replace(place, digest=None)
                    return ""
            return self._save((), datetime.now(UTC)).notice

    def _bases(self) -> list[Path]:
        bases = [self._first.base]
        # Without a home folder, nothing can lie there.
        with suppress(MuscleUSError):
            bases.append(private_path(self.image.key))
        return list(dict.fromkeys(bases))

    def _look_at(
        self,
        place: _Place,
        sha256_of: Callable[[], str] | None,
        notices: list[str],
    ) -> _Found | None:
        """Return an autosave if it is the image's; else deal with it and tell."""
        path = place.path
        try:
            content = read_bytes(path)
            if content is None:
                return None
            file = decode_autosave(content)
        except OSError as error:
            notices.append(unreadable(path, error))
            return None
        except AutosaveNewerError as error:
            notices.append(f"The autosave {path.name!r} was not used: {error}.")
            return None
        except AutosaveDamagedError as error:
            told = f"The autosave {path.name!r} was not used: {error}."
            notices.append(f"{told} {_aside(path)}")
            return None
        if not self._is_same(file.image, sha256_of):
            # A further number may as well be another image's own name.
            notices += [self._about_another(path, file)] if path == place.base else []
            return None
        if file.problems:
            # Else the next autosave would lose what was left out.
            notices += [*file.problems, _aside(path)]
            return _Found(place, file)
        return _Found(replace(place, digest=_digest_of(content)), file)

    def _is_same(self, stored: ImageFacts, sha256_of: Callable[[], str] | None) -> bool:
        if stored.key == self.image.key:
            return True
        known = self.image.sha256
        if stored.sha256 and not known and sha256_of is not None:
            # The image may have gone since it was opened.
            with suppress(MuscleUSError):
                known = sha256_of()
        return bool(known) and known == stored.sha256

    def _about_another(self, path: Path, file: AutosaveFile) -> str:
        told = f"The autosave {path.name!r} was not used: it belongs to another image"
        if file.image.name not in ("", self.image.name):
            return f"{told}, {file.image.name[:80]!r}. It stays as it is."
        changed = "of this name, or the file has changed since"
        return f"{told} {changed}. {_aside(path, 'other-image')}"

    def _save(self, sets: Sequence[RoiSet], saved_at: datetime) -> Saved:
        # The clock may have been put back; the newest must stay the newest.
        least = self._newest_at + timedelta(microseconds=1)
        saved_at = max(saved_at.astimezone(UTC), least)
        self._newest_at = saved_at
        before = self._place
        try:
            return self._put(sets, saved_at)
        except OSError as error:
            apart = private_path(self.image.key)
            if before.base == apart:
                raise unwritable(before.path, error) from None
            reason = error.strerror or type(error).__name__
        self._place = _Place(apart, apart)
        try:
            saved = self._put(sets, saved_at)
        except OSError as error:
            # Next time, the first place may be there again.
            self._place = before
            raise unwritable(apart, error) from None
        self._others.append(before.path)
        return Saved(
            saved.path,
            f"The ROIs cannot be autosaved to the folder of the image ({reason}); they "
            f"are kept as {str(saved.path)!r}.",
        )

    def _put(self, sets: Sequence[RoiSet], saved_at: datetime) -> Saved:
        """Write where nothing of another program is overwritten.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        """
        base, path, own = self._place.base, self._place.path, self._place.digest
        content = content_for(
            path, sets, self.image, saved_at=saved_at, fragments=self._fragments
        )
        make_private_folder(path)
        notice = ""
        there = _digest_at(path)
        if own is not None and there == own:
            replace_file(path, content)
        elif there is not None or not create_file(path, content):
            taken, path = path, create_numbered(base, content)
            notice = (
                f"The autosave {taken.name!r} is not from this window, so it stays; "
                f"the ROIs are kept as {path.name!r}."
            )
        self._place = _Place(base, path, _digest_of(content))
        return Saved(path, notice)


def _aside(path: Path, mark: str = "damaged") -> str:
    """Set a file aside and return the sentence that tells so, or why not."""
    try:
        return f"It is kept as {set_aside(path, mark).name!r}."
    except ResultsError as error:
        return str(error)


def _about_others(newest: _Found, found: list[_Found]) -> list[str]:
    """Return a sentence that names older autosaves with other regions."""
    names = [
        repr(one.place.path.name)
        for one in found
        if any(each.entries for each in one.file.sets)
        and not _same_sets(one.file.sets, newest.file.sets)
    ]
    if not names:
        return []
    return [
        f"Older autosaves hold other ROIs of this image: {', '.join(names)}; the "
        f"newest was used, of {newest.file.saved_at:%Y-%m-%d %H:%M} UTC."
    ]


def _same_sets(some: Sequence[RoiSet], others: Sequence[RoiSet]) -> bool:
    return len(some) == len(others) and all(
        one.same_as(other) for one, other in zip(some, others, strict=True)
    )


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_at(path: Path) -> str | None:
    """Return the digest of what lies at a path, ``None`` where nothing does."""
    try:
        content = read_bytes(path)
    except OSError:
        return "unreadable"
    return None if content is None else _digest_of(content)
