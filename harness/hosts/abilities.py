"""Whether a host has what faults and collectors need of it; for `ackproof hosts check` and for runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.nemesis import NEMESES
from harness.nemesis.needs import NETEM, ROOT, SHAPING, SS, TC, Facts, Need

TCPDUMP = Need(
    "tcpdump", lambda facts: "tcpdump" in facts["tools"], "needs tcpdump: apt-get install tcpdump", "tcpdump"
)
CHANGES_GROUPS = Need(
    "changes_groups",
    lambda facts: bool(facts["changes_groups"]),
    "cannot be had in namespaces of an ordinary user, since tcpdump changes its groups: run it as root",
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

COLLECTOR_NEEDS: Mapping[str, tuple[Need, ...]] = {
    "packets": (ROOT, TCPDUMP, CHANGES_GROUPS),
    "cores": (CORES, PRLIMIT),
}
"""What each thing that `--collect` names needs of a host."""


def needs_of(name: str, *, with_proxies: bool = False) -> tuple[Need, ...]:
    """Everything that a fault, or something to collect, needs of a host.

    Args:
        with_proxies: the nodes' links are proxies, not packets.
    """
    if name not in NEMESES:
        return COLLECTOR_NEEDS.get(name, ())
    fault = NEMESES[name]
    return fault.needs if with_proxies else (*fault.needs, *fault.packet_needs)


def reasons_against(name: str, facts: Facts, *, with_proxies: bool = False) -> list[str]:
    """Why a fault, or something to collect, is not possible on a host with these facts; empty if it is."""
    missing = [need for need in needs_of(name, with_proxies=with_proxies) if not need.is_met(facts)]
    if ROOT in missing or TC in missing:  # without these the kernel cannot be asked
        missing = [need for need in missing if need not in (SHAPING, NETEM)]
    return [need.otherwise for need in missing]


def in_short(name: str) -> str:
    """What a fault needs of hosts, in a few words; empty for nothing."""
    return " and ".join(need.short for need in needs_of(name))


def refusal(names: Iterable[str], facts: Facts, *, with_proxies: bool = False) -> str | None:
    """Why a run with these faults is not possible on such a host, in one line; None if it is."""
    reasons = [
        f"{name} {reason}"
        for name in names
        for reason in reasons_against(name, facts, with_proxies=with_proxies)
    ]
    return f"{'; '.join(reasons)}; or leave that fault out" if reasons else None


def packages_missing(facts: Facts) -> list[str]:
    """The Debian packages that would let a host do more faults."""
    of_all = (*map(needs_of, (*NEMESES, *COLLECTOR_NEEDS)), (SS,))
    needs = dict.fromkeys(need for needs in of_all for need in needs)
    return [need.debian for need in needs if need.debian is not None and not need.is_met(facts)]
