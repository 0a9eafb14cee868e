"""Keeps what is drawn beside its image, so that a crash loses no more than a moment.

A timer looks once a second whether anything has changed; the file is written on
another thread. What was kept comes back when the image is opened again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from napari.layers import Points
from qtpy.QtCore import QCoreApplication, QTimer

from napari_muscle_us._napari import _autosave_layers
from napari_muscle_us._napari._layers import file_of, image_of
from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.io.autosave import AutosaveSlot, ImageFacts, RoiSet

if TYPE_CHECKING:
    from concurrent.futures import Future

    from napari.layers import Image

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage

EVERY_MS: Final = 1000
"""Nothing older than two seconds may be lost: one to wait, the rest to write."""

PLUGIN: Final = "napari-muscle-us"
BESIDE: Final = "beside the image"
OFF: Final = "off"


@dataclass(slots=True, eq=False)
class _Kept:
    """The autosave of one image, and what was last written to it."""

    slot: AutosaveSlot
    sets: tuple[RoiSet, ...] = ()


class RoiAutosave:
    """Autosaves the ROI layers of a session's viewer, and brings them back."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[str, _Kept] = {}
        self._seen: WeakSet[Image] = WeakSet()
        self._wanted = True
        self._dirty = False
        self._writing: list[tuple[_Kept, Future[Any]]] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="roi-autosave")
        self._timer = QTimer()
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.save_changes)
        # Layers must not be added while napari is still adding the image.
        self._arrival = QTimer()
        self._arrival.setSingleShot(True)
        self._arrival.timeout.connect(self.restore)
        session.rois.changed.connect(self._on_changed)
        session.layers_changed.connect(self._on_layers)
        session.viewer.layers.events.inserted.connect(self._on_inserted)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.flush)

    @property
    def is_on(self) -> bool:
        """Whether anything is autosaved."""
        return self._wanted and chosen_place() != OFF

    def turn_off(self) -> None:
        """Keep nothing that is drawn in this viewer, as in a demonstration."""
        self._wanted = False

    def _on_changed(self, event: object = None) -> None:
        self._dirty = True
        if not self._timer.isActive() and self.is_on:
            self._timer.start()

    def _on_inserted(self, event: Any) -> None:
        # Points are in no ROI layer, so nobody else hears of them.
        if isinstance(event.value, Points):
            event.value.events.data.connect(self._on_changed)
            self._on_changed()

    def _on_layers(self) -> None:
        if self.is_on:
            self._arrival.start(0)

    def restore(self) -> None:
        """Bring back the regions of the current image, once for each opened layer."""
        layer = self._session.image_layer
        if layer is None or layer in self._seen or not self._session.is_open:
            return
        try:
            image = image_of(layer)
            kept = self._slot_of(image)
        except MuscleUSError:
            # Not an image that can be measured: there is nothing to bring back.
            return
        self._seen.add(layer)
        if _autosave_layers.sets_on(self._session, image.key):
            return
        recovered = kept.slot.load(sha256_of=lambda: image.sha256)
        kept.sets = recovered.sets
        self._tell(*recovered.notices)
        if any(one.entries for one in recovered.sets):
            _autosave_layers.show_sets(self._session, layer, recovered.sets)
            count = sum(len(one.entries) for one in recovered.sets)
            self._tell(f"{count} ROIs of {image.name} are back, as they were last.")

    def save_changes(self) -> None:
        """Write what has changed since the last time, on another thread."""
        if not all(writing.done() for _, writing in self._writing):
            return
        self._tell_outcome()
        if not self._dirty or not self.is_on or not self._session.is_open:
            self._timer.stop()
            return
        self._dirty = False
        for key in _autosave_layers.open_images(self._session):
            self._save(key)

    def _save(self, key: str) -> None:
        kept = self._kept.get(key)
        if kept is None:
            image = _autosave_layers.image_by_key(self._session, key)
            if image is None:
                return
            kept = self._slot_of(image)
        sets = _autosave_layers.sets_on(self._session, key)
        if _same(sets, kept.sets):
            return
        kept.sets = sets
        self._note_hash(kept, key)
        writing: Future[Any]
        if any(one.entries for one in sets):
            writing = self._writer.submit(kept.slot.save, sets)
        else:
            writing = self._writer.submit(kept.slot.clear)
        self._writing.append((kept, writing))

    def _note_hash(self, kept: _Kept, key: str) -> None:
        """Keep a clip's hash once it is there: its key changes with its date."""
        image = _autosave_layers.image_by_key(self._session, key)
        digest = None if image is None else image.digest
        known = digest.known if isinstance(digest, FileDigest) else None
        if known and not kept.slot.image.sha256:
            kept.slot.image = replace(kept.slot.image, sha256=known)

    def flush(self) -> None:
        """Write what is not yet written, and wait for it."""
        self._wait()
        # What could not be written before is tried once more.
        self._dirty = True
        self.save_changes()
        self._wait()

    def _wait(self) -> None:
        for _, writing in self._writing:
            writing.exception()

    def _slot_of(self, image: UltrasoundImage) -> _Kept:
        if image.key not in self._kept:
            whole = replace(image, crop=None) if image.crop else image
            path = file_of(image) if chosen_place() == BESIDE else None
            self._kept[image.key] = _Kept(AutosaveSlot(path, ImageFacts.of(whole)))
        return self._kept[image.key]

    def _tell_outcome(self) -> None:
        finished, self._writing = self._writing, []
        for kept, writing in finished:
            error = writing.exception()
            if error is None:
                outcome = writing.result()
                self._tell(outcome if isinstance(outcome, str) else outcome.notice)
                continue
            kept.sets = ()
            if not isinstance(error, MuscleUSError):
                raise error
            self._tell(f"The ROIs are not autosaved: {error}")

    def _tell(self, *sentences: str) -> None:
        from napari.utils.notifications import show_info

        for sentence in filter(None, sentences):
            show_info(sentence)


def chosen_place() -> str:
    """Return where the user wants autosaves: beside the image, elsewhere or nowhere."""
    from napari.settings import get_plugin_settings

    return str(get_plugin_settings(PLUGIN).autosave.place)


def _same(some: tuple[RoiSet, ...], others: tuple[RoiSet, ...]) -> bool:
    return len(some) == len(others) and all(
        a.same_as(b) for a, b in zip(some, others, strict=True)
    )
