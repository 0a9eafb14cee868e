"""Which device each measured image came from; the results table does not hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.layers import Image

from napari_muscle_us._napari._layers import image_of
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import Device, UltrasoundImage

_devices: WeakKeyDictionary[Session, dict[str, Device]] = WeakKeyDictionary()


def devices_of(session: Session) -> dict[str, Device]:
    """Return the devices of the images of this session, by the images' SHA-256.

    Images that are open now count with what the user has completed since; those
    closed meanwhile as they were when rows were added.
    """
    remember_devices(session)
    return dict(_devices.get(session, {}))


def remember_devices(session: Session) -> None:
    """Keep the devices of all measured images that are open."""
    known = _devices.setdefault(session, {})
    if not session.is_open:
        return
    measured = set(session.results["image"].unique()) if session.has_results else set()
    for layer in session.viewer.layers:
        if isinstance(layer, Image):
            try:
                image = image_of(layer)
                sha256 = _known_sha256(image, measured)
            except MuscleUSError:
                continue
            if sha256:
                known[sha256] = image.device


def _known_sha256(image: UltrasoundImage, measured: Collection[str]) -> str:
    """Return the hash of an image, empty where it would be computed for nothing."""
    if image.name in measured or isinstance(image.digest, str):
        return image.sha256
    return image.digest.known or ""
