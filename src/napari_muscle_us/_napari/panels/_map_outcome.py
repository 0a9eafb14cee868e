"""What comes of making maps: their values, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What layers are to show, or the sentence why nothing; `caveat` warns.

    Attributes
    ----------
    wanted : object
        What they depend on.
    shown : mapping
        What each kind of layer is to show.
    found : object
        What `shown` was taken from, where it can be saved too.
    """

    wanted: Any
    shown: Mapping[str, Any] = field(default_factory=dict)
    found: Any = None
    problem: str = ""
    caveat: str = ""
