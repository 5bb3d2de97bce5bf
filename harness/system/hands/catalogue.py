"""All hands, and the faults that need them. A new one is a file of its own and one line here."""

from __future__ import annotations

from harness.system.hands.base import Hand
from harness.system.hands.disks import DiskHand

HANDS: dict[type[Hand], frozenset[str]] = {
    DiskHand: frozenset({"power", "full", "disk-error", "slow-disk"}),
}
"""The faults for which a run needs each."""
