"""Duplicate: some messages between nodes arrive twice."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.needs import NETEM, ROOT, TC

DUPLICATE = impairing(
    "duplicate",
    "10 or 50 % of the messages between nodes arrive twice",
    {"repeated_percent": 10},
    {"repeated_percent": 50},
    evidence="messages repeated; packets that netem has had",
    packet_needs=(ROOT, TC, NETEM),
)
