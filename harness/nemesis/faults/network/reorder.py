"""Reorder: some messages between nodes are held back until later ones have overtaken them."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.needs import NETEM, ROOT, TC

REORDER = impairing(
    "reorder",
    "10 or 50 % of the messages between nodes arrive after later ones",
    {"overtaken_percent": 10},
    {"overtaken_percent": 50},
    evidence="messages held back for others; packets that netem has had",
    packet_needs=(ROOT, TC, NETEM),
)
