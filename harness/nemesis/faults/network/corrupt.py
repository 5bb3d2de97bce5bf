"""Corrupt: one bit of some messages between nodes is flipped."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.needs import NETEM, ROOT, TC

CORRUPT = impairing(
    "corrupt",
    "one bit of 2 or 20 % of the messages between nodes is flipped",
    {"corrupted_percent": 2},
    {"corrupted_percent": 20},
    evidence="the receiver's log: a wrong checksum; packets that netem has had",
    packet_needs=(ROOT, TC, NETEM),
)
