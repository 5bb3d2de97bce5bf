"""Stall: links between nodes carry nothing for a while, and then everything that they held back."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.mechanisms.links import MESSAGE_LINKS

STALL = impairing(
    "stall",
    "links between nodes carry nothing, and then all of it late",
    {"is_stalled": True},
    evidence="messages held back; a leader is deposed",
    mechanism=MESSAGE_LINKS,
)
