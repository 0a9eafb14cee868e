"""Damage to files, the same for the same seed."""

from __future__ import annotations

import random

_EXTREMES = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\1",
    b"\0\1\0\0",
)
_EDGE = 2500


def mutated(content: bytes, seed: int) -> bytes:
    """Return a file with bits flipped, numbers made extreme, parts moved or lost.

    Half of the damage is in the first bytes, where formats keep their sizes.
    """
    chance = random.Random(seed)
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        size = len(damaged)
        at = chance.randrange(min(size, _EDGE) if chance.random() < 0.5 else size)
        kind = chance.random()
        if kind < 0.4:
            damaged[at] = chance.randrange(256)
        elif kind < 0.7:
            damaged[at : at + 4] = chance.choice(_EXTREMES)
        elif kind < 0.8:
            del damaged[at : at + chance.randrange(1, 64)]
        elif kind < 0.9:
            start = chance.randrange(size)
            damaged[at : at + 200] = damaged[start : start + 200]
        else:
            del damaged[max(at, 20) :]
    return bytes(damaged)
