"""Rate: links between nodes carry few bytes a second, so that large messages take long."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.needs import ROOT, SHAPING, TC

RATE = impairing(
    "rate",
    "links between nodes carry only 1,000 or 10,000 bytes a second",
    {"rate_bytes_s": 1_000},
    {"rate_bytes_s": 10_000},
    evidence="messages, or packets, held back; writes take longer",
    packet_needs=(ROOT, TC, SHAPING),
)
