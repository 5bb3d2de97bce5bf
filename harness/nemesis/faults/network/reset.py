"""Reset: connections between nodes are reset again and again; what was on its way is lost."""

from __future__ import annotations

from harness.nemesis.faults.network.impairments import impairing
from harness.nemesis.mechanisms.links import MESSAGE_LINKS

RESET = impairing(
    "reset",
    "2 or 20 % of the messages between nodes reset their connection",
    {"reset_percent": 2},
    {"reset_percent": 20},
    evidence="resets; a leader is deposed",
    mechanism=MESSAGE_LINKS,
)
