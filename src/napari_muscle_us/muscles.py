"""Names of the muscles that are scanned in practice."""

from __future__ import annotations

from typing import Final

STANDARD_MUSCLES: Final = (
    "Abductor pollicis brevis",
    "Biceps brachii",
    "Biceps femoris",
    "Brachioradialis",
    "Deltoideus",
    "Depressor anguli oris",
    "Diaphragm",
    "Digastricus",
    "Extensor digitorum brevis",
    "Extensors underarm",
    "Flexor carpi radialis",
    "Flexor digitorum profundus",
    "Gastrocnemius lateral head",
    "Gastrocnemius medial head",
    "Geniohyoideus",
    "Hamstrings",
    "Iliopsoas",
    "Interosseus dorsalis I",
    "Levator labii superior",
    "Masseter",
    "Nasalis",
    "Orbicularis oris",
    "Peroneus tertius",
    "Procerus",
    "Rectus abdominis",
    "Rectus femoris",
    "Rectus femoris prox",
    "Semitendinosus",
    "Soleus",
    "Sterno cleido",
    "Temporalis",
    "Tibialis anterior",
    "Tongue",
    "Trapezius",
    "Triceps brachii",
    "Vastus intermedius",
    "Vastus lateralis",
    "Vastus lateralis dist",
    "Vastus lateralis prox",
    "Vastus medialis",
    "Zygomaticus major",
)
"""Suggested muscle names: those of the built-in reference set, and other usual ones.

Free text is allowed everywhere; a Z-score needs a name that its reference set knows.
"""
