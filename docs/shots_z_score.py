"""Make the pictures of the Z-score panel: along age, what moved it, a conversion."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from example_rois import MUSCLE
from picture_tools import float_panel, open_with, save_panel, settle

from napari_muscle_us.image import Device
from napari_muscle_us.reference.load import DEFAULT_SET, load_reference

if TYPE_CHECKING:
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion

_OTHER = Device(manufacturer="Philips", model="EPIQ 5")


def conversion_to_default() -> DeviceConversion:
    """Return a made-up conversion from another scanner to that of the default set."""
    from napari_muscle_us.reference.conversion.device_conversion import (
        DeviceConversion,
        example_conversion,
    )
    from napari_muscle_us.reference.parts import DeviceBinding

    source = DeviceBinding(manufacturer="Philips", models=("EPIQ 5",))
    changed = {
        "name": "epiq-to-esaote",
        "title": "Made up for this picture",
        "source": source,
        "target": load_reference(DEFAULT_SET).device,
        "slope": 0.9,
        "intercept": 12.0,
        "slope_interval": (0.8, 1.0),
        "intercept_interval": (6.0, 18.0),
        "zero_interval": (-22.0, -6.0),
    }
    return DeviceConversion(**{**dict(example_conversion()), **changed})


def shoot_z_scores() -> None:
    """Make the pictures that need more than an open panel."""
    from napari_muscle_us.reference.conversion.conversion_file import write_conversion

    viewer = open_with([MUSCLE])
    panel = float_panel(viewer, "Z-score", (430, 790))
    panel._view.show_ages(wanted=True)
    panel._moved_section._button.setChecked(True)
    settle()
    save_panel(panel, "z-score-age")
    dialog = panel.rules_dialog()
    dialog.show()
    save_panel(dialog, "z-score-rules")
    dialog.close()
    viewer.close()
    viewer = open_with([MUSCLE], device=_OTHER)
    panel = float_panel(viewer, "Z-score", (430, 800))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "epiq-to-esaote.json")
        write_conversion(path, conversion_to_default())
        panel.use_conversion(str(path))
        settle()
        save_panel(panel, "z-score-conversion")
        viewer.close()
