"""Make the pictures of the panel Device conversion, with simulated scanners."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from picture_tools import float_panel, save_panel, settle, wait_for

_MUSCLES = (("Biceps brachii", 62), ("Tibialis anterior", 70), ("Rectus femoris", 80))
_CENTRES = (("Nijmegen", 0.0, 1.0), ("Leuven", 14.0, 1.4), ("Ulm", -9.0, 0.8))
_FEATURES = ("biceps EI", "quadriceps EI", "tibialis EI", "deltoid EI")


def paired_table() -> pd.DataFrame:
    """Return 60 muscles of 20 people, three images each on two scanners."""
    rng = np.random.default_rng(6)
    rows = []
    for person in range(20):
        own = rng.normal(0, 8)
        for muscle, level in _MUSCLES:
            true = level + own + rng.normal(0, 10)
            for image in (1, 2, 3):
                x, y = true + rng.normal(0, 3), 9 + 0.72 * true + rng.normal(0, 2.2)
                for scanner, value in (("Philips iU22", x), ("Esaote 6100", y)):
                    row = (
                        f"S{person + 1:02d}",
                        muscle,
                        image,
                        scanner,
                        round(value, 1),
                    )
                    rows.append(row)
    return pd.DataFrame(rows, columns=["subject", "muscle", "image", "scanner", "EI"])


def centres_table() -> pd.DataFrame:
    """Return four features of people of three centres."""
    rng = np.random.default_rng(5)
    rows = []
    for centre, shift, scale in _CENTRES:
        for person in range(24):
            age, woman = rng.uniform(18, 80), rng.random() < 0.5
            values = [
                50 + 5 * k + 0.25 * age + 4 * woman + shift + scale * rng.normal(0, 7)
                for k in range(len(_FEATURES))
            ]
            sex = "female" if woman else "male"
            told = np.round([age, *values], 1).tolist()
            rows.append([f"{centre[0]}{person:02d}", centre, sex, *told])
    return pd.DataFrame(rows, columns=["subject", "centre", "sex", "age", *_FEATURES])


def shoot_device_conversion() -> None:
    """Make the pictures of both tabs."""
    from napari_muscle_us._napari.launch import open_viewer
    from napari_muscle_us.image import Device

    viewer = open_viewer()
    with tempfile.TemporaryDirectory() as folder:
        pairs, centres = Path(folder, "pairs.csv"), Path(folder, "centres.csv")
        paired_table().to_csv(pairs, index=False)
        centres_table().to_csv(centres, index=False)
        panel = float_panel(viewer, "Device conversion", (700, 1520))
        tab = panel.two_scanners
        tab.source.open(pairs)
        tab.devices.set_device(0, Device("Philips", "iU22"))
        tab.devices._ask_set_to()
        tab.fit()
        wait_for(tab.job)
        tab.file.set_labels(author="Our laboratory")
        tab.check._lines[0].setText("80")
        tab.check._lines[0].textEdited.emit("80")
        # matplotlib is loaded now; where it takes long, the plot would still be blank.
        tab.plot.plot()
        settle()
        save_panel(panel, "device-conversion")
        panel.window().resize(470, 840)
        panel.show_tab(1)
        panel.combat.open(centres)
        panel.combat.choose("centre", _FEATURES, ("age", "sex"))
        panel.combat.run()
        wait_for(panel.combat.job)
        panel.combat.plot.plot()
        settle()
        save_panel(panel, "device-conversion-combat")
    viewer.close()
