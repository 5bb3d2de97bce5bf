"""What a fault needs of a host, found from the host's facts alone."""

from __future__ import annotations

from typing import Any

import pytest

from harness.hosts.abilities import in_short, packages_missing, reasons_against, refusal

ALL_THERE: dict[str, Any] = {
    "root": True,
    "tools": ["nft", "ss", "tc", "fusermount3", "tcpdump", "prlimit"],
    "faketime": "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "fuse": True,
    "changes_groups": True,
    "core_pattern": "core",
    "shaping": True,
    "netem": True,
}
OF_NETEM = ("delay", "duplicate", "reorder", "corrupt")


def test_a_host_with_all_can_do_all() -> None:
    for fault in (*OF_NETEM, "rate", "loss", "partition", "drift", "clock", "power", "packets", "cores"):
        assert reasons_against(fault, ALL_THERE) == []
    assert packages_missing(ALL_THERE) == []


@pytest.mark.parametrize("fault", OF_NETEM)
def test_without_netem_packets_can_be_lost_and_slow_but_nothing_else(fault: str) -> None:
    facts = {**ALL_THERE, "netem": False}
    (reason,) = reasons_against(fault, facts)
    assert "netem" in reason
    assert reasons_against("rate", facts) == reasons_against("loss", facts) == []
    assert reasons_against(fault, facts, with_proxies=True) == [], "proxies need no kernel's help"
    assert packages_missing(facts) == [], "no package brings what a kernel lacks"


def test_where_the_kernel_cannot_be_asked_only_that_is_reported() -> None:
    facts = {**ALL_THERE, "root": False, "netem": None, "shaping": None}
    (reason,) = reasons_against("delay", facts)
    assert reason.startswith("needs root")
    (reason,) = reasons_against("rate", {**ALL_THERE, "tools": ["nft"], "netem": False, "shaping": False})
    assert reason == "needs tc: apt-get install iproute2"


def test_a_refusal_names_every_fault_and_what_it_lacks() -> None:
    refused = refusal(("kill", "drift", "delay"), {**ALL_THERE, "faketime": None, "netem": False})
    assert refused is not None
    assert refused.startswith("drift needs libfaketime: apt-get install libfaketime; delay needs a kernel")
    assert in_short("delay") == "root and tc and tc netem"
