"""The kinds of models that a reference file may hold, told apart by ``kind``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_muscle_us.reference.kinds.groups import GroupModel
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.kinds.lms import LmsModel
from napari_muscle_us.reference.kinds.quantiles import QuantileModel, QuantileTableModel

AnyModel = Annotated[
    LinearModel | GroupModel | LmsModel | QuantileTableModel | QuantileModel,
    Field(discriminator="kind"),
]

KINDS = ("linear", "groups", "lms", "quantile_table", "quantiles")
"""Names of the kinds, as the field ``kind`` holds them."""
