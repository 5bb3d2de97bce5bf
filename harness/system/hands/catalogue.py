"""All hands, and what needs them. A new one is a file of its own and one line here."""

from __future__ import annotations

from harness.system.hands.ambushes import AmbushHand
from harness.system.hands.base import Hand
from harness.system.hands.clocks import ClockHand
from harness.system.hands.cores import CoreHand
from harness.system.hands.disks import DiskHand
from harness.system.hands.drifts import DriftHand
from harness.system.hands.files import FileHand
from harness.system.hands.impairments import ImpairmentHand
from harness.system.hands.limits import LimitHand
from harness.system.hands.members import MemberHand
from harness.system.hands.packets import PacketHand
from harness.system.hands.strobes import StrobeHand

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
