"""Sample images: simulated ones, and real ones downloaded on demand.

Real images are checked by their hash before they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import Calibration, UltrasoundImage, pixel_hash
from napari_muscle_us.simulate import simulate_muscle

SAMPLE_PREFIX: Final = "sample:"
"""Marks the image name of a simulated sample in results, so that it can be verified."""

_BASE: Final = (
    "https://raw.githubusercontent.com/timvanderzee/ultrasound-automated-algorithm/"
    "1322e67a064e5220d99ba1dec6e70edbf6e74732/Example%20images/raw/TimTrack%20paper/"
    "dataset%201/"
)
_TIMEOUT_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class RemoteSample:
    """A public image: where it is, what it must hash to, and under which licence."""

    address: str
    sha256: str
    file_name: str
    licence: str = "CC0-1.0, timvanderzee/ultrasound-automated-algorithm, data set 1"


REMOTE_SAMPLES: Final = {
    "vastus_lateralis_1": RemoteSample(
        f"{_BASE}S1/S1_L20_step_025.png",
        "a94bd4e53ff735d557dc0bc58f3a5da4cf65cb7d4066f6994bc5a9b6995179bc",
        "vastus_lateralis_S1_L20_step_025.png",
    ),
    "vastus_lateralis_2": RemoteSample(
        f"{_BASE}S2/S2_L20_step_025.png",
        "22a4e90bf302b9d56f5612a4399e39065ee54dd8d73b68576c2f2d89b4364c07",
        "vastus_lateralis_S2_L20_step_025.png",
    ),
}


def sample_image(name: str) -> UltrasoundImage:
    """Return a simulated sample as an ultrasound image.

    Parameters
    ----------
    name : str
        One of `napari_muscle_us.simulate.SIMULATED_NAMES`.

    Returns
    -------
    UltrasoundImage
        Named ``sample:…``; its first warning says that it is simulated.

    Raises
    ------
    MuscleUSError
        If the name is unknown.

    Examples
    --------
    >>> sample_image("longitudinal_healthy").name
    'sample:longitudinal_healthy'
    """
    sample = simulate_muscle(name)
    return UltrasoundImage(
        sample.gray,
        name=f"{SAMPLE_PREFIX}{name}",
        digest=pixel_hash(sample.gray),
        hash_of="pixels",
        calibration=Calibration(sample.spacing_mm, "simulation"),
        warnings=(sample.description,),
    )


def fetch_sample(key: str, *, cache: Path | None = None) -> Path:
    """Return the path of a real sample image, downloading it the first time.

    Parameters
    ----------
    key : str
        A key of `REMOTE_SAMPLES`.
    cache : Path, optional
        Folder to keep it in; the user's cache folder by default.

    Returns
    -------
    Path
        The file, whose SHA-256 was checked.

    Raises
    ------
    ImageReadError
        If the key is unknown, there is no connection, or the file was changed.
    """
    if key not in REMOTE_SAMPLES:
        raise ImageReadError(
            f"There is no sample {key!r}; use one of {', '.join(REMOTE_SAMPLES)}."
        )
    import pooch
    from requests.exceptions import RequestException

    sample = REMOTE_SAMPLES[key]
    try:
        path = pooch.retrieve(
            sample.address,
            known_hash=f"sha256:{sample.sha256}",
            fname=sample.file_name,
            path=cache or pooch.os_cache("napari-muscle-us"),
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_SECONDS),
        )
    except (RequestException, OSError):
        raise ImageReadError(
            f"The sample {sample.file_name!r} could not be downloaded; connect to the "
            "internet, or open one of the simulated samples."
        ) from None
    except ValueError:
        raise ImageReadError(
            f"The sample {sample.file_name!r} has changed at its source (wrong hash) "
            "and is not used; open one of the simulated samples."
        ) from None
    return Path(path)
