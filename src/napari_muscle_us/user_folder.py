"""Where a program keeps what belongs to one user of a computer."""

from __future__ import annotations

from napari_muscle_us.device._user_folder import user_data_folder as user_data_folder
