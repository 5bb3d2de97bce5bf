"""What each kind of fault needs of a host, and whether it is there; for `ackproof hosts check` and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

Facts = Mapping[str, Any]
"""What an agent says of its host (agent.py)."""


class Need(msgspec.Struct, frozen=True):
    """One thing that a host must have."""

    short: str
    is_met: Callable[[Facts], bool]
    otherwise: str
    """Why it is not met, and what to do."""
    debian: str | None = None
    """The Debian package that has it."""


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

TCPDUMP = Need(
    "tcpdump", lambda facts: "tcpdump" in facts["tools"], "needs tcpdump: apt-get install tcpdump", "tcpdump"
)
CORES = Need(
    "core_pattern",
    lambda facts: bool(facts["core_pattern"]) and facts["core_pattern"][0] not in "|/",
    "kernel.core_pattern leads elsewhere than the node's folder: sysctl -w kernel.core_pattern=core",
)
PRLIMIT = Need(
    "prlimit",
    lambda facts: "prlimit" in facts["tools"],
    "needs prlimit: apt-get install util-linux",
    "util-linux",
)

NEEDS: dict[str, tuple[Need, ...]] = {
    "kill": (),
    "pause": (),
    "partition": (ROOT, NFT),
    "terminate": (),
    "storm": (),
    "slow": (),
    "loss": (ROOT, NFT),
    "delay": (ROOT, TC, NETEM),
    "rate": (ROOT, TC, SHAPING),
    "duplicate": (ROOT, TC, NETEM),
    "reorder": (ROOT, TC, NETEM),
    "corrupt": (ROOT, TC, NETEM),
    "clock": (FAKETIME,),
    "strobe": (FAKETIME,),
    "drift": (FAKETIME,),
    "descriptors": (),
    "memory": (),
    "torn": (),
    "rot": (),
    "truncate": (),
    "rollback": (),
    "power": (FUSE,),
    "full": (FUSE,),
    "disk-error": (FUSE,),
    "slow-disk": (FUSE,),
    "packets": (ROOT, TCPDUMP),
    "cores": (CORES, PRLIMIT),
}
"""By fault package, and by what can be collected."""


BY_PROXY = frozenset({"partition", "loss", "delay", "rate", "duplicate", "reorder", "corrupt"})
"""What needs nothing where links are proxies."""


def reasons_against(fault: str, facts: Facts, *, with_proxies: bool = False) -> list[str]:
    """Why a fault cannot be done on a host with these facts; empty if it can.

    with_proxies: the nodes' links are proxies, not packets.
    """
    if with_proxies and fault in BY_PROXY:
        return []
    missing = [need for need in NEEDS.get(fault, ()) if not need.is_met(facts)]
    if ROOT in missing or TC in missing:  # without these nobody could ask the kernel
        missing = [need for need in missing if need not in (SHAPING, NETEM)]
    return [need.otherwise for need in missing]


def in_short(fault: str) -> str:
    """What a fault needs of hosts, in a few words; empty for nothing."""
    return " and ".join(need.short for need in NEEDS.get(fault, ()))


def refusal(faults: Iterable[str], facts: Facts, *, with_proxies: bool = False) -> str | None:
    """Why a run with these faults cannot be made on such a host, in one line; None if it can."""
    reasons = [
        f"{fault} {reason}"
        for fault in faults
        for reason in reasons_against(fault, facts, with_proxies=with_proxies)
    ]
    return f"{'; '.join(reasons)}; or leave that fault out" if reasons else None


def packages_missing(facts: Facts) -> list[str]:
    """The Debian packages that would let a host do more faults."""
    needs = dict.fromkeys(need for needs in (*NEEDS.values(), (SS,)) for need in needs)
    return [need.debian for need in needs if need.debian is not None and not need.is_met(facts)]
