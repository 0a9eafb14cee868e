"""Settings of texture features under a name: those of the literature, and one's own."""

from __future__ import annotations

import errno
import hashlib
import re
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import shown
from napari_muscle_us.measure.texture._preset_file import MAX_BYTES as MAX_BYTES
from napari_muscle_us.measure.texture._preset_file import TexturePreset as TexturePreset
from napari_muscle_us.measure.texture._preset_file import dump_preset as dump_preset
from napari_muscle_us.measure.texture._preset_file import parse_preset as parse_preset
from napari_muscle_us.user_folder import user_data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_PRESET: Final = "default"
"""Name of the preset that holds the program's own choices."""

MAX_FILES: Final = 500
"""Most files of the user's folder that are read."""

_FOLDER: Final = "texture-presets"
# Names that Windows keeps for devices, whatever their ending.
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


def presets_folder() -> Path:
    """Return the user's folder of texture presets, uncreated.

    Raises
    ------
    MuscleUSError
        If the user has no home folder.
    """
    return user_data_folder() / _FOLDER


def list_presets() -> list[TexturePreset]:
    """Return the presets of the program, then the user's own by name.

    Files that are not valid are left out; `preset_problems` tells why.

    Returns
    -------
    list of TexturePreset
        The program's default first.

    Examples
    --------
    >>> [preset.name for preset in list_presets()][:2]
    ['default', 'all-families']
    """
    return [*_shipped().values(), *_own()[0].values()]


def preset_problems() -> tuple[str, ...]:
    """Return a sentence for each file of the user's folder that is left out."""
    return tuple(_own()[1])


def load_preset(name_or_path: str | Path) -> TexturePreset:
    """Return a preset by its name, or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a preset of `list_presets`, else the path of a ``.json`` file.

    Returns
    -------
    TexturePreset
        Checked.

    Raises
    ------
    MeasureError
        If there is no such preset, or the file is not valid; one sentence says why.

    Examples
    --------
    >>> load_preset("noda-2024").doi
    '10.1016/j.cnp.2024.08.003'
    """
    if isinstance(name_or_path, str):
        own, problems = _own()
        known = _shipped() | own
        if name_or_path in known:
            return known[name_or_path]
        if not name_or_path.lower().endswith(".json"):
            more = f" {problems[0]}" if len(problems) == 1 else ""
            raise MeasureError(
                f"There is no texture preset {shown(name_or_path)}; there are "
                f"{', '.join(list(known)[:30])}, or give the path of a .json file."
                + more
            )
    return _read(Path(name_or_path))


def save_preset(preset: TexturePreset) -> Path:
    """Keep a preset in the user's folder, over an earlier one of the same name.

    Parameters
    ----------
    preset : TexturePreset
        Its field `shipped` is not kept.

    Returns
    -------
    Path
        The file: a safe name made of the preset's.

    Raises
    ------
    MeasureError
        If the name is that of a preset of the program.
    ResultsError
        If the folder cannot be written to.
    """
    from napari_muscle_us.io.files import atomic_path

    if _slug(preset.name) in _shipped():
        raise MeasureError(
            f"The name {preset.name!r} is that of a preset of the program; choose "
            "another one."
        )
    folder = presets_folder()
    path = next(
        (path for path, own in _good_files() if own.name == preset.name),
        None,
    ) or _free_path(folder, preset.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MeasureError(
            f"The folder {str(folder)!r} for presets cannot be made "
            f"({error.strerror}); make it or free its name."
        ) from None
    with atomic_path(path) as temporary:
        temporary.write_text(dump_preset(preset), encoding="utf-8")
    return path


def delete_preset(name: str) -> None:
    """Delete a preset of the user.

    Raises
    ------
    MeasureError
        If the user has no preset of this name, or its file cannot be deleted.
    """
    paths = [path for path, own in _good_files() if own.name == name]
    if not paths:
        raise MeasureError(
            f"You have no texture preset {shown(name)}; only your own can be deleted."
        )
    try:
        paths[0].unlink()
    except OSError as error:
        raise MeasureError(
            f"The preset {shown(name)} cannot be deleted ({error.strerror}); close "
            "what uses its file."
        ) from None


@cache
def _shipped() -> dict[str, TexturePreset]:
    """Return the presets of the program by name, the default ones first."""
    folder = files("napari_muscle_us.measure.texture") / "preset_files"
    found = [
        parse_preset(file.read_bytes(), what=file.name, shipped=True)
        for file in folder.iterdir()
        if file.name.endswith(".json")
    ]
    ours_first = sorted(
        found, key=lambda p: (p.name != DEFAULT_PRESET, bool(p.citation), p.name)
    )
    return {preset.name: preset for preset in ours_first}


def _own() -> tuple[dict[str, TexturePreset], list[str]]:
    """Return the user's presets by name, and a sentence for each file left out."""
    problems: list[str] = []
    found: dict[str, TexturePreset] = {}
    for _, preset in _good_files(problems):
        found[preset.name] = preset
    return dict(sorted(found.items(), key=lambda item: item[0].casefold())), problems


def _good_files(
    problems: list[str] | None = None,
) -> Iterator[tuple[Path, TexturePreset]]:
    """Yield the user's presets with their files; tell `problems` of the others."""
    told: list[str] = [] if problems is None else problems
    try:
        # A file that begins with a full stop is the rest of a broken write.
        paths = sorted(presets_folder().glob("[!.]*.json"))
    except OSError:
        # A folder that cannot be listed holds no preset to choose from.
        return
    if len(paths) > MAX_FILES:
        told.append(
            f"There are {len(paths)} presets in {str(presets_folder())!r} and "
            f"{MAX_FILES} are read; remove some."
        )
    names: set[str] = set()
    for path in paths[:MAX_FILES]:
        try:
            preset = _read(path)
        except MeasureError as error:
            told.append(str(error))
            continue
        if preset.name in names or _slug(preset.name) in _shipped():
            told.append(
                f"The preset file {shown(path.name)} has the name {preset.name!r}, "
                "which another preset has; rename it."
            )
            continue
        names.add(preset.name)
        yield path, preset


def _read(path: Path) -> TexturePreset:
    what = f"The preset file {shown(path.name)}"
    try:
        # A pipe or a device would be waited for, or never end.
        if path.exists() and not path.is_file():
            raise IsADirectoryError(errno.EISDIR, "not a file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise MeasureError(
            f"{what} cannot be read ({reason}); give a preset's name or the path of a "
            ".json file."
        ) from None
    return parse_preset(content, what=what)


def _slug(name: str) -> str:
    """Return a name in small ASCII letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _free_path(folder: Path, name: str) -> Path:
    """Return a path that is safe everywhere and no other file's, valid or not."""
    slug = _slug(name)[:40]
    if slug != name or _RESERVED.fullmatch(slug):
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        slug = f"{slug or 'preset'}-{digest}"
    paths = (folder / f"{slug}{f'-{n}' * (n > 1)}.json" for n in count(1))
    return next(path for path in paths if not path.exists())
