"""How bad network and disks are all the time: fault rates, and the tables that delays are drawn from."""

from __future__ import annotations

import msgspec

DELAYS_US: dict[str, tuple[int, ...]] = {
    "near": (110, 120, 130, 140, 150, 160, 170, 180, 200, 220, 250, 290, 350, 480, 800, 2_500),
    "even": (1_000,) * 16,
    "wide": (400, 600, 900, 1_300, 1_800, 2_500, 3_400, 4_500, 6_000, 8_000, 11_000, 15_000, 20_000, 28_000,
             40_000, 60_000),
    "far": (60_000, 62_000, 64_000, 66_000, 68_000, 70_000, 72_000, 74_000, 76_000, 78_000, 80_000, 84_000,
            90_000, 100_000, 130_000, 200_000),
}  # fmt: skip
"""Message delays by name: sixteen of equal chance, in microseconds."""

WRITES_US: dict[str, tuple[int, ...]] = {
    "fast": (60, 70, 80, 90, 100, 110, 120, 140, 160, 180, 220, 280, 350, 500, 900, 3_000),
    "even": (1_000,) * 16,
    "slow": (3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 12_000, 14_000, 17_000, 20_000, 25_000,
             40_000, 90_000, 250_000),
}  # fmt: skip
"""How long a write with its fsync takes, by name: sixteen times of equal chance, in microseconds."""

EXTRA_DELAYS_US = (5_000, 50_000, 300_000, 900_000)
"""The most by which a delayed message is late, each in a quarter of the cases: a copy that comes right behind
the first one tests other rules than one that comes an election later."""


class FaultRates(msgspec.Struct, frozen=True):
    """How often network and disks fail during the whole main phase. Rates are per mille of messages."""

    delays: tuple[str, ...] = ("even",)
    """Names from `DELAYS_US`: each link draws one."""
    writes: tuple[str, ...] = ("even",)
    """Names from `WRITES_US`: each node draws one."""
    packet_loss_per_mille: int = 0
    packet_replay_per_mille: int = 0
    """Messages that arrive a second time, up to one of `EXTRA_DELAYS_US` after the first."""
    packet_delay_per_mille: int = 0
    """Messages that are late by up to one of `EXTRA_DELAYS_US`."""
    client_reset_per_mille: int = 0
    """Client requests whose connection breaks."""
    client_delay_per_mille: int = 0
    """Client requests that are slow to arrive, or their replies, by up to one of `EXTRA_DELAYS_US`."""


NO_FAULTS = FaultRates(delays=("near",), writes=("fast",))
"""After the final heal: fast links and disks, and nothing lost, repeated or late."""
