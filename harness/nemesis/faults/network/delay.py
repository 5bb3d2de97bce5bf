"""Delay: messages between nodes arrive late, each by another time."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.needs import NETEM, ROOT, TC

DELAY = impairing(
    "delay",
    "messages between nodes arrive 20 to 40, 100 to 200, or 0 to 800 ms late, each by a different time",
    {"delay_ms": 20, "jitter_ms": 20},
    {"delay_ms": 100, "jitter_ms": 100},
    {"delay_ms": 0, "jitter_ms": 800},
    evidence="messages, or packets, held back; writes take longer",
    packet_needs=(ROOT, TC, NETEM),
)
