"""What faults need: of a host (a program, a kernel feature, root) and of the system under test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Facts = Mapping[str, Any]
"""What the agent reports of its host (harness/hosts/agent.py)."""


class Need(msgspec.Struct, frozen=True):
    """One thing that a host must have."""

    short: str
    is_met: Callable[[Facts], bool]
    otherwise: str
    """Why the need is not met, and what to do."""
    debian: str | None = None
    """The Debian package that has it."""


class Capability(msgspec.Struct, frozen=True):
    """One thing that a system under test must be able to do; harness/systems/base.py describes each."""

    words: str
    """The end of a sentence that begins with the system's name: `cannot change its members`."""
    methods: tuple[str, ...] = ()
    """A system has the capability if it has these methods."""
    known: tuple[str, ...] = ()
    """It lacks the capability if it says None for one of these facts; one that says nothing has it."""

    def is_had_by(self, system: object) -> bool:
        """Whether a system has this capability."""
        can = all(callable(getattr(system, method, None)) for method in self.methods)
        return can and all(getattr(system, fact, True) is not None for fact in self.known)


ROOT = Need(
    "root",
    lambda facts: bool(facts["root"]),
    "needs root: allow this user `sudo -n`, or set ACKPROOF_SUDO_PASSWORD",
)
NFT = Need(
    "nftables",
    lambda facts: "nft" in facts["tools"],
    "needs nftables: apt-get install nftables",
    "nftables",
)
SS = Need(
    "ss",
    lambda facts: "ss" in facts["tools"],
    "half-open connections are not reset at the heal: apt-get install iproute2",
    "iproute2",
)
TC = Need("tc", lambda facts: "tc" in facts["tools"], "needs tc: apt-get install iproute2", "iproute2")
SHAPING = Need(
    "tc htb",
    lambda facts: bool(facts["shaping"]),
    "needs a kernel with tc's htb and u32 (sch_htb, cls_u32), which this one lacks",
)
NETEM = Need(
    "tc netem",
    lambda facts: bool(facts["netem"]),
    "needs a kernel with tc's netem, htb and u32 (sch_netem, sch_htb, cls_u32), which this one lacks",
)
FAKETIME = Need(
    "libfaketime",
    lambda facts: bool(facts["faketime"]),
    "needs libfaketime: apt-get install libfaketime",
    "libfaketime",
)
FUSE = Need(
    "FUSE",
    lambda facts: bool(facts["fuse"]) and "fusermount3" in facts["tools"],
    "needs FUSE: a kernel with /dev/fuse, and apt-get install fuse3",
    "fuse3",
)

CHANGES_MEMBERS = Capability("cannot change its members", ("membership_request", "was_refused"))
CAN_BE_TORN = Capability(
    "takes the room for its log beforehand, and nothing would show that it read a torn write",
    known=("log_records",),
)
SHOWS_DATE = Capability("does not show its time of day, so no jump could be seen", ("date_request",))
SHOWS_MONOTONIC_CLOCK = Capability(
    "does not show its monotonic clock, so no drift could be seen", ("monotonic_request", "read_monotonic")
)
