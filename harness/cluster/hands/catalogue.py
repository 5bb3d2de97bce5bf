"""All hands, and what needs them. A new one is a file of its own and one line here."""

from __future__ import annotations

from harness.cluster.hands.ambushes import AmbushHand
from harness.cluster.hands.base import Hand
from harness.cluster.hands.clocks import ClockHand
from harness.cluster.hands.cores import CoreHand
from harness.cluster.hands.disks import DiskHand
from harness.cluster.hands.drifts import DriftHand
from harness.cluster.hands.files import FileHand
from harness.cluster.hands.impairments import ImpairmentHand
from harness.cluster.hands.limits import LimitHand
from harness.cluster.hands.members import MemberHand
from harness.cluster.hands.packets import PacketHand
from harness.cluster.hands.strobes import StrobeHand

HANDS: dict[type[Hand], frozenset[str]] = {
    DiskHand: frozenset({"power", "full", "disk-error", "slow-disk"}),
    FileHand: frozenset({"torn", "rot", "truncate", "rollback"}),
    ImpairmentHand: frozenset({"delay", "rate", "stall", "reset", "duplicate", "reorder", "corrupt"}),
    LimitHand: frozenset({"descriptors", "memory"}),
    AmbushHand: frozenset({"ambush"}),
    MemberHand: frozenset({"membership"}),
    ClockHand: frozenset({"clock", "strobe", "drift"}),
    StrobeHand: frozenset({"strobe"}),
    DriftHand: frozenset({"drift"}),
    PacketHand: frozenset({"packets"}),
    CoreHand: frozenset({"cores"}),
}
"""The faults for which a run needs each, or what it is to collect."""
